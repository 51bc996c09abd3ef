#include "store/job_store.h"
#include "store_support.h"
#include "test.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { LIST_MAX = 16 };

/* ---- one job ---- */

TEST(every_field_of_a_job_survives_closing)
{
    struct folder folder = folder_make();
    struct fault fault;
    enum { N = 2 * JOB_N_STATUSES };
    struct job jobs_in[N];
    struct job_store *jobs = jobs_opened(folder.path);
    for (unsigned k = 0; k < N; k++) {
        jobs_in[k] = job_filled(k);
        ck_assert_int_eq(job_store_insert(jobs, &jobs_in[k], &(struct job_addition){ 0 }, &fault),
                         STATUS_OK);
        ck_assert_int_eq(jobs_in[k].number, k + 1);
    }
    job_store_close(jobs);
    jobs = jobs_opened(folder.path);
    for (unsigned k = 0; k < N; k++) {
        struct job job = job_found(jobs, jobs_in[k].id);
        assert_job_equal(&job, &jobs_in[k]);
    }
    job_store_close(jobs);
    folder_remove(&folder);
}

TEST(other_users_may_not_read_the_jobs)
{
    static const char *const names[] = { "jobs.db", "jobs.db-wal", "jobs.db-shm" };
    struct folder folder = folder_make();
    mode_t mask = umask(0);
    struct job_store *jobs = jobs_opened(folder.path);
    umask(mask);
    job_inserted(jobs, 1, JOB_QUEUED);
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        char path[PATH_MAX];
        struct stat stored;
        folder_path(&folder, names[k], path);
        ck_assert_int_eq(stat(path, &stored), 0);
        ck_assert_int_eq(stored.st_mode & 0777, 0600);
    }
    job_store_close(jobs);
    folder_remove(&folder);
}

TEST(jobs_in_memory_behave_alike_and_are_gone_afterwards)
{
    struct job_store *jobs = jobs_opened("");
    struct job_store *others = jobs_opened("");
    struct job job = job_inserted(jobs, 3, JOB_QUEUED), found;
    struct fault fault;
    found = job_found(jobs, job.id);
    assert_job_equal(&job, &found);
    ck_assert_int_eq(job_store_find(others, job.id, &found, &fault), STATUS_JOB_NOT_FOUND);
    job_store_close(others);
    job_store_close(jobs);
    job_store_close(NULL);
}

TEST(an_unknown_job_is_not_found)
{
    struct job_store *jobs = jobs_opened("");
    struct job job = { .number = 77 };
    struct fault fault;
    ck_assert_int_eq(job_store_find(jobs, "ftjob-nowhere", &job, &fault), STATUS_JOB_NOT_FOUND);
    ck_assert_int_eq(fault.status, STATUS_JOB_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(fault.message, "ftjob-nowhere"));
    ck_assert_int_eq(job.number, 77);
    job_store_close(jobs);
}

TEST(two_jobs_cannot_have_one_id)
{
    struct job_store *jobs = jobs_opened("");
    struct job job = job_inserted(jobs, 1, JOB_QUEUED), twin = job;
    struct fault fault;
    size_t n[JOB_N_STATUSES];
    twin.number = 99;
    ck_assert_int_eq(job_store_insert(jobs, &twin, &(struct job_addition){ 0 }, &fault),
                     STATUS_STORAGE_FAILED);
    ck_assert_int_eq(twin.number, 99);
    ck_assert_int_eq(job_store_count(jobs, n, &fault), STATUS_OK);
    ck_assert_uint_eq(n[JOB_QUEUED], 1);
    job_inserted(jobs, 2, JOB_QUEUED); /* and it goes on */
    job_store_close(jobs);
}

/* ---- updates ---- */

TEST(an_update_writes_all_of_its_life_and_nothing_else)
{
    struct job_store *jobs = jobs_opened("");
    struct job job = job_inserted(jobs, 1, JOB_QUEUED), other = job_inserted(jobs, 2, JOB_QUEUED);
    struct fault fault;
    struct job changed = job_filled(5); /* another id, model, seed, ... */
    bool written = false;
    enum job_status now;
    changed.number = job.number;
    ck_assert_int_eq(job_store_update(jobs, &changed, JOB_QUEUED, NULL, 0, &written, &now, &fault),
                     STATUS_OK);
    ck_assert(written);
    ck_assert_int_eq(now, changed.status);
    struct job due = job, found = job_found(jobs, job.id);
    job_fill_life(&due, 5);
    assert_job_equal(&found, &due);
    found = job_found(jobs, other.id);
    assert_job_equal(&found, &other);
    job_store_close(jobs);
}

TEST(an_update_from_another_status_writes_nothing)
{
    struct job_store *jobs = jobs_opened("");
    struct job job = job_inserted(jobs, 1, JOB_CANCELLED), changed = job;
    struct fault fault;
    bool written = true;
    enum job_status now = JOB_QUEUED;
    job_fill_life(&changed, JOB_SUCCEEDED);
    ck_assert_int_eq(job_store_update(jobs, &changed, JOB_RUNNING, NULL, 0, &written, &now, &fault),
                     STATUS_OK);
    ck_assert(!written);
    ck_assert_int_eq(now, JOB_CANCELLED);
    struct job found = job_found(jobs, job.id);
    assert_job_equal(&found, &job);
    job_store_close(jobs);
}

TEST(an_update_of_an_unknown_job_finds_none)
{
    struct job_store *jobs = jobs_opened("");
    struct job job = job_inserted(jobs, 1, JOB_RUNNING);
    struct fault fault;
    bool written = true;
    enum job_status now = JOB_FAILED;
    job.number = 1000;
    ck_assert_int_eq(job_store_update(jobs, &job, JOB_RUNNING, NULL, 0, &written, &now, &fault),
                     STATUS_JOB_NOT_FOUND);
    ck_assert(written && now == JOB_FAILED); /* untouched */
    job_store_close(jobs);
}

/* ---- the queue ---- */

static void assert_next(struct job_store *jobs, const char *id)
{
    struct job job;
    struct fault fault;
    bool found = false;
    ck_assert_int_eq(job_store_take(jobs, &found, &job, &fault), STATUS_OK);
    ck_assert_int_eq(found, id != NULL);
    if (id) {
        ck_assert_str_eq(job.id, id);
    }
}

static void set_status(struct job_store *jobs, struct job *job, enum job_status to)
{
    struct fault fault;
    bool written;
    enum job_status now, from = job->status;
    job->status = to;
    ck_assert_int_eq(job_store_update(jobs, job, from, NULL, 0, &written, &now, &fault), STATUS_OK);
    ck_assert(written);
}

TEST(the_next_job_runs_or_is_validated_or_is_the_oldest_queued)
{
    struct job_store *jobs = jobs_opened("");
    assert_next(jobs, NULL);
    static const enum job_status over[] = { JOB_PAUSED, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED };
    for (unsigned k = 0; k < 4; k++) {
        job_inserted(jobs, k, over[k]);
    }
    assert_next(jobs, NULL);
    struct job queued = job_inserted(jobs, 10, JOB_QUEUED),
               later = job_inserted(jobs, 11, JOB_QUEUED);
    assert_next(jobs, queued.id);
    struct job gathering = job_inserted(jobs, 12, JOB_VALIDATING);
    job_inserted(jobs, 13, JOB_VALIDATING);
    assert_next(jobs, gathering.id);
    struct job running = job_inserted(jobs, 14, JOB_RUNNING);
    job_inserted(jobs, 15, JOB_RUNNING);
    assert_next(jobs, running.id);
    set_status(jobs, &later, JOB_RUNNING);
    assert_next(jobs, later.id); /* the oldest of those that run */
    job_store_close(jobs);
}

TEST(jobs_are_counted_by_status)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    size_t n[JOB_N_STATUSES];
    memset(n, 0xff, sizeof n);
    ck_assert_int_eq(job_store_count(jobs, n, &fault), STATUS_OK);
    for (size_t k = 0; k < JOB_N_STATUSES; k++) {
        ck_assert_uint_eq(n[k], 0);
    }
    for (unsigned k = 0, id = 0; k < JOB_N_STATUSES; k++) {
        for (unsigned i = 0; i < k; i++) {
            job_inserted(jobs, id++, k);
        }
    }
    ck_assert_int_eq(job_store_count(jobs, n, &fault), STATUS_OK);
    for (size_t k = 0; k < JOB_N_STATUSES; k++) {
        ck_assert_uint_eq(n[k], k);
    }
    job_store_close(jobs);
}

/* ---- lists ---- */

/* due: the jobs' numbers, 0 at the end. */
static void assert_list(struct job_store *jobs, struct job_filter filter, size_t limit,
                        const int64_t *due, bool has_more_due)
{
    static struct job list[LIST_MAX];
    struct fault fault;
    size_t n = 99, n_due = 0;
    bool has_more;
    while (due[n_due] != 0) {
        n_due++;
    }
    ck_assert_int_eq(job_store_list(jobs, &filter, limit, list, &n, &has_more, &fault), STATUS_OK);
    ck_assert_uint_eq(n, n_due);
    for (size_t k = 0; k < n_due; k++) {
        ck_assert_int_eq(list[k].number, due[k]);
        struct job job = job_found(jobs, list[k].id);
        assert_job_equal(&list[k], &job);
    }
    ck_assert_int_eq(has_more, has_more_due);
}

TEST(jobs_are_listed_newest_first_and_page_by_page)
{
    struct job_store *jobs = jobs_opened("");
    struct job all[10];
    assert_list(jobs, (struct job_filter){ .status = -1 }, 5, (int64_t[]){ 0 }, false);
    for (unsigned k = 0; k < 10; k++) {
        all[k] =
            job_inserted(jobs, k, k % 2 ? JOB_QUEUED : JOB_FAILED); /* models 0 1 2 0 1 2 ... */
    }
    const struct job_filter every = { .status = -1 };
    assert_list(jobs, every, 10, (int64_t[]){ 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 }, false);
    assert_list(jobs, every, 9, (int64_t[]){ 10, 9, 8, 7, 6, 5, 4, 3, 2, 0 }, true);
    assert_list(jobs, every, 0, (int64_t[]){ 0 }, true);
    assert_list(jobs, (struct job_filter){ .after = all[7].id, .status = -1 }, 3,
                (int64_t[]){ 7, 6, 5, 0 }, true);
    assert_list(jobs, (struct job_filter){ .after = all[2].id, .status = -1 }, 3,
                (int64_t[]){ 2, 1, 0 }, false);
    assert_list(jobs, (struct job_filter){ .after = all[0].id, .status = -1 }, 3, (int64_t[]){ 0 },
                false);
    assert_list(jobs, (struct job_filter){ .model = "model-0", .status = -1 }, LIST_MAX,
                (int64_t[]){ 10, 7, 4, 1, 0 }, false);
    assert_list(jobs, (struct job_filter){ .model = "model-", .status = -1 }, LIST_MAX,
                (int64_t[]){ 0 }, false);
    assert_list(jobs, (struct job_filter){ .status = JOB_QUEUED }, LIST_MAX,
                (int64_t[]){ 10, 8, 6, 4, 2, 0 }, false);
    assert_list(jobs, (struct job_filter){ .status = JOB_VALIDATING }, LIST_MAX, (int64_t[]){ 0 },
                false);
    assert_list(jobs,
                (struct job_filter){ .after = all[9].id, .model = "model-0", .status = JOB_FAILED },
                1, (int64_t[]){ 7, 0 }, true);
    job_store_close(jobs);
}

TEST(a_list_after_an_unknown_job_is_refused)
{
    struct job_store *jobs = jobs_opened("");
    struct job list[1];
    struct fault fault;
    size_t n = 5;
    bool has_more;
    const struct job_filter filter = { .after = "ftjob-gone", .status = -1 };
    ck_assert_int_eq(job_store_list(jobs, &filter, 1, list, &n, &has_more, &fault),
                     STATUS_JOB_NOT_FOUND);
    ck_assert_uint_eq(n, 5);
    job_store_close(jobs);
}

/* ---- events with it ---- */

TEST(an_update_adds_its_events_or_changes_nothing)
{
    struct job_store *jobs = jobs_opened("");
    struct job job = job_inserted(jobs, 1, JOB_QUEUED), changed = job;
    struct job_event events[2] = { { .message = "it began" }, { .message = "and went on" } };
    struct fault fault;
    bool written;
    enum job_status now;
    changed.status = JOB_RUNNING;
    ck_assert_int_eq(
        job_store_update(jobs, &changed, JOB_PAUSED, events, 2, &written, &now, &fault), STATUS_OK);
    ck_assert(!written);
    ck_assert_int_eq(now, JOB_QUEUED);
    ck_assert_int_eq(last_event(jobs), 0);
    ck_assert_int_eq(
        job_store_update(jobs, &changed, JOB_QUEUED, events, 2, &written, &now, &fault), STATUS_OK);
    ck_assert(written);
    ck_assert_int_eq(last_event(jobs), events[1].id);
    ck_assert_int_gt(events[1].id, events[0].id);
    job_store_close(jobs);
}

TEST(a_new_job_comes_with_its_event_and_where_too_many_wait_not_at_all)
{
    struct job_store *jobs = jobs_opened("");
    struct job job = job_filled(1), other = job_filled(2);
    struct job_event event = { .message = "created" };
    const size_t most = 2;
    const struct job_addition addition = { .event = &event, .most = &most };
    struct fault fault;
    size_t n[JOB_N_STATUSES];
    job_inserted(jobs, 5, JOB_PAUSED);
    job.status = other.status = JOB_QUEUED;
    ck_assert_int_eq(job_store_insert(jobs, &job, &addition, &fault), STATUS_OK);
    ck_assert_int_gt(event.id, 0);
    ck_assert_int_eq(last_event(jobs), event.id);
    ck_assert_int_eq(job_store_insert(jobs, &other, &addition, &fault), STATUS_QUEUE_FULL);
    ck_assert_ptr_nonnull(strstr(fault.message, "2 jobs wait already"));
    ck_assert_int_eq(job_store_count(jobs, n, &fault), STATUS_OK);
    ck_assert_uint_eq(n[JOB_QUEUED] + n[JOB_PAUSED], 2);
    job_store_close(jobs);
}

/* ---- the one that is worked at ---- */

TEST(a_job_that_is_claimed_is_finishing_until_it_is_released)
{
    struct job_store *jobs = jobs_opened("");
    struct job job = job_inserted(jobs, 1, JOB_RUNNING), other = job_inserted(jobs, 2, JOB_PAUSED);
    struct fault fault;
    enum job_status now;
    ck_assert(!job_store_is_shared(jobs));
    ck_assert_int_eq(job_store_claim(jobs, other.number, &now, &fault), STATUS_OK);
    ck_assert_int_eq(now, JOB_PAUSED);
    ck_assert(!job_found(jobs, other.id).is_finishing);
    ck_assert_int_eq(job_store_claim(jobs, job.number, &now, &fault), STATUS_OK);
    ck_assert_int_eq(now, JOB_RUNNING);
    ck_assert(job_found(jobs, job.id).is_finishing);
    ck_assert_int_eq(job_store_release(jobs, job.number, &fault), STATUS_OK);
    ck_assert(!job_found(jobs, job.id).is_finishing);
    ck_assert_int_eq(job_store_claim(jobs, 99, &now, &fault), STATUS_JOB_NOT_FOUND);
    job_store_close(jobs);
}

TEST(an_event_of_a_job_that_is_over_is_not_added)
{
    struct job_store *jobs = jobs_opened("");
    struct job job = job_inserted(jobs, 1, JOB_SUCCEEDED);
    struct job_event event = { .message = "late" };
    struct fault fault;
    ck_assert_int_eq(job_store_add_event(jobs, job.number, &event, &fault), STATUS_OK);
    ck_assert_int_eq(event.id, 0);
    ck_assert_int_eq(last_event(jobs), 0);
    job_store_close(jobs);
}

TEST(a_probe_tells_whether_a_change_would_be_written)
{
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, none;
    struct fault fault;
    ck_assert_int_eq(job_store_probe(jobs, &fault), STATUS_OK);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    enum status status = job_store_probe(jobs, &fault);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(status, STATUS_STORAGE_FAILED);
    ck_assert_int_eq(job_store_probe(jobs, &fault), STATUS_OK);
    job_store_close(jobs);
    job_store_close(jobs_opened(folder.path)); /* of the same format as before */
    (void)signal(SIGXFSZ, handler);
    folder_remove(&folder);
}
