#include "store/job_store.h"
#include "store_support.h"
#include "test.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- events ---- */

static void assert_event_equal(const struct job_event *a, const struct job_event *b)
{
    ck_assert_int_eq(a->id, b->id);
    ck_assert_int_eq(a->created_at_ms, b->created_at_ms);
    ck_assert_int_eq(a->level, b->level);
    ck_assert_int_eq(a->is_metrics, b->is_metrics);
    ck_assert_str_eq(a->message, b->message);
    ck_assert_uint_eq(a->step, b->step);
    ck_assert_uint_eq(a->epoch, b->epoch);
    assert_real_equal(a->train_loss, b->train_loss);
    assert_real_equal(a->valid_loss, b->valid_loss);
    assert_real_equal(a->grad_norm, b->grad_norm);
    assert_real_equal(a->learning_rate, b->learning_rate);
}

TEST(every_field_of_an_event_survives_closing)
{
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    struct fault fault;
    struct job job = job_inserted(jobs, 1, JOB_RUNNING);
    struct job_event in[2] = { { .created_at_ms = 12345678901234,
                                 .level = JOB_EVENT_ERROR,
                                 .is_metrics = true,
                                 .step = UINT64_MAX,
                                 .epoch = 9,
                                 .train_loss = 0.1,
                                 .valid_loss = NAN,
                                 .grad_norm = INFINITY,
                                 .learning_rate = 1e-300 },
                               { .created_at_ms = -1,
                                 .level = JOB_EVENT_WARN,
                                 .train_loss = NAN,
                                 .valid_loss = 0.2,
                                 .grad_norm = NAN,
                                 .learning_rate = NAN } };
    memset(in[0].message, 'm', JOB_MESSAGE_MAX);
    for (size_t k = 0; k < 2; k++) {
        ck_assert_int_eq(job_store_add_event(jobs, job.number, &in[k], &fault), STATUS_OK);
    }
    job_store_close(jobs);
    jobs = jobs_opened(folder.path);
    ck_assert_int_eq(last_event(jobs), in[1].id);
    struct job_event out[2];
    size_t n;
    bool has_more;
    ck_assert_int_eq(job_store_list_events(jobs, job.number, 0, 2, out, &n, &has_more, &fault),
                     STATUS_OK);
    ck_assert(n == 2 && !has_more);
    assert_event_equal(&out[0], &in[0]);
    assert_event_equal(&out[1], &in[1]);
    job_store_close(jobs);
    folder_remove(&folder);
}

TEST(events_are_listed_oldest_first_and_page_by_page)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    struct job job = job_inserted(jobs, 1, JOB_RUNNING), other = job_inserted(jobs, 2, JOB_RUNNING);
    ck_assert_int_eq(last_event(jobs), 0);
    for (unsigned k = 0; k < 20; k++) { /* ids 1, 3, 5, ... are the job's */
        event_added(jobs, k % 2 ? other.number : job.number, k);
    }
    ck_assert_int_eq(last_event(jobs), 20);
    struct job_event out[10];
    size_t n;
    bool has_more;
    int64_t after = 0;
    for (unsigned page = 0; page < 4; page++) {
        ck_assert_int_eq(
            job_store_list_events(jobs, job.number, after, 3, out, &n, &has_more, &fault),
            STATUS_OK);
        ck_assert_uint_eq(n, page < 3 ? 3 : 1);
        ck_assert_int_eq(has_more, page < 3);
        for (size_t k = 0; k < n; k++) {
            ck_assert_uint_eq(out[k].step, 2 * (3 * page + k));
        }
        after = out[n - 1].id;
    }
    ck_assert_int_eq(job_store_list_events(jobs, job.number, after, 3, out, &n, &has_more, &fault),
                     STATUS_OK);
    ck_assert(n == 0 && !has_more);
    ck_assert_int_eq(job_store_list_events(jobs, job.number, 0, 10, out, &n, &has_more, &fault),
                     STATUS_OK);
    ck_assert(n == 10 && !has_more);
    job_store_close(jobs);
}

TEST(an_event_of_an_unknown_job_is_refused)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    struct job_event event = { .id = 99 };
    ck_assert_int_eq(job_store_add_event(jobs, 5, &event, &fault), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(event.id, 99);
    ck_assert_int_eq(last_event(jobs), 0);
    job_store_close(jobs);
}

/* ---- checkpoints ---- */

static void assert_state(struct job_store *jobs, int64_t number, unsigned k, size_t n_due)
{
    struct fault fault;
    struct job_checkpoint checkpoint;
    void *state = NULL;
    size_t n = 0;
    ck_assert_int_eq(job_store_read_state(jobs, number, &state, &n, &checkpoint, &fault),
                     STATUS_OK);
    ck_assert_uint_eq(n, n_due);
    ck_assert_uint_eq(checkpoint.step, k);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(((unsigned char *)state)[i], k);
    }
    free(state);
}

TEST(a_checkpoint_replaces_the_state_of_the_one_before)
{
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    struct fault fault;
    struct job job = job_inserted(jobs, 1, JOB_RUNNING), other = job_inserted(jobs, 2, JOB_RUNNING);
    struct job_checkpoint checkpoint = { .id = 99 };
    void *state = &job;
    size_t n = 99;
    ck_assert_int_eq(job_store_read_state(jobs, job.number, &state, &n, &checkpoint, &fault),
                     STATUS_OK);
    ck_assert(state == NULL && n == 0);
    for (unsigned k = 1; k <= 4; k++) {
        checkpoint_added(jobs, job.number, k, 100000U * k);
        checkpoint_added(jobs, other.number, 10 * k, 10U * k);
    }
    assert_state(jobs, job.number, 4, 400000);
    checkpoint_added(jobs, job.number, 5, 3); /* a smaller one as well */
    job_store_close(jobs);
    jobs = jobs_opened(folder.path);
    assert_state(jobs, job.number, 5, 3);
    assert_state(jobs, other.number, 40, 40);
    job_store_close(jobs);
    ck_assert_int_eq(sql_ask(&folder, "jobs.db", "SELECT count(*) FROM states"), 2);
    folder_remove(&folder);
}

/* A container's root may be read-only, /tmp too. Here no further file can be opened at all. */
TEST(a_checkpoint_needs_no_temporary_file)
{
    enum { N_STATE = 1 << 20 };
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    struct job job = job_inserted(jobs, 1, JOB_RUNNING);
    struct rlimit before, none;
    int next = open("/dev/null", O_RDONLY);
    ck_assert_int_ge(next, 0);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){ .rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    checkpoint_added(jobs, job.number, 1, N_STATE);
    checkpoint_added(jobs, job.number, 2, N_STATE);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_state(jobs, job.number, 2, N_STATE);
    job_store_close(jobs);
    folder_remove(&folder);
}

TEST(checkpoints_are_listed_newest_first_and_page_by_page)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    struct job job = job_inserted(jobs, 1, JOB_RUNNING), other = job_inserted(jobs, 2, JOB_RUNNING);
    struct job_checkpoint in = {
        .created_at_ms = 5, .step = UINT64_MAX, .epoch = 2, .train_loss = NAN, .valid_loss = 0.25
    };
    ck_assert_int_eq(job_store_add_checkpoint(jobs, job.number, &in, "abc", 3, &fault), STATUS_OK);
    checkpoint_added(jobs, other.number, 9, 1);
    checkpoint_added(jobs, job.number, 2, 1);
    checkpoint_added(jobs, job.number, 3, 1);
    struct job_checkpoint out[3];
    size_t n;
    bool has_more;
    ck_assert_int_eq(job_store_list_checkpoints(jobs, job.number, 0, 2, out, &n, &has_more, &fault),
                     STATUS_OK);
    ck_assert(n == 2 && has_more && out[0].step == 3 && out[1].step == 2);
    ck_assert_int_eq(
        job_store_list_checkpoints(jobs, job.number, out[1].id, 2, out, &n, &has_more, &fault),
        STATUS_OK);
    ck_assert(n == 1 && !has_more);
    ck_assert_int_eq(out[0].id, in.id);
    ck_assert_int_eq(out[0].created_at_ms, in.created_at_ms);
    ck_assert_uint_eq(out[0].step, in.step);
    ck_assert_uint_eq(out[0].epoch, in.epoch);
    assert_real_equal(out[0].train_loss, in.train_loss);
    assert_real_equal(out[0].valid_loss, in.valid_loss);
    ck_assert_int_eq(
        job_store_list_checkpoints(jobs, job.number, in.id, 3, out, &n, &has_more, &fault),
        STATUS_OK);
    ck_assert(n == 0 && !has_more);
    job_store_close(jobs);
}
