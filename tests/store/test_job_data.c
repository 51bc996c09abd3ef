#include "store/job_store.h"
#include "store_support.h"
#include "test.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- series ---- */

static const float x_long[] = { 1.5f, -0.0f, NAN, INFINITY, 1e-45f, 3.4e38f };
static const float y_long[] = { NAN, 2, 3 };
static const float y_last[] = { -7.25f, 8 };

/* With y a row, with y a series, without y; training and validation. */
static const struct job_series three[] = {
    { .series = { .x = x_long, .n_rows = 3, .y = y_long, .n_targets = 3 },
      .x_width = 2,
      .y_width = 1 },
    { .series = { .x = x_long, .n_rows = 2, .y = y_last, .n_targets = 1 },
      .is_validation = true,
      .x_width = 3,
      .y_width = 2 },
    { .series = { .x = x_long + 1, .n_rows = 5 },
      .is_validation = true,
      .x_width = 1,
      .y_width = 0 },
};

static void assert_series(struct job_store *jobs, int64_t number, const struct job_series *due,
                          size_t n_due)
{
    struct arena arena;
    struct fault fault;
    struct job_series *series = NULL;
    size_t n = 99;
    arena_init(&arena, 1 << 20);
    enum status status = job_store_read_series(jobs, number, &arena, &series, &n, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    ck_assert_uint_eq(n, n_due);
    for (size_t k = 0; k < n; k++) {
        const struct gru_series *a = &series[k].series, *b = &due[k].series;
        ck_assert_int_eq(series[k].is_validation, due[k].is_validation);
        ck_assert_uint_eq(series[k].x_width, due[k].x_width);
        ck_assert_uint_eq(series[k].y_width, due[k].y_width);
        ck_assert_uint_eq(a->n_rows, b->n_rows);
        ck_assert_uint_eq(a->n_targets, b->n_targets);
        ck_assert_int_eq(a->y == NULL, b->y == NULL);
        ck_assert_mem_eq(a->x, b->x, b->n_rows * due[k].x_width * sizeof(float));
        if (b->y) {
            ck_assert_mem_eq(a->y, b->y, b->n_targets * due[k].y_width * sizeof(float));
        }
    }
    arena_done(&arena);
}

static void assert_sessions(struct job_store *jobs, int64_t number, const char *const *due,
                            size_t n_due)
{
    struct arena arena;
    struct fault fault;
    const char *const *sessions = NULL;
    size_t n = 99;
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(job_store_read_sessions(jobs, number, &arena, &sessions, &n, &fault),
                     STATUS_OK);
    ck_assert_uint_eq(n, n_due);
    for (size_t k = 0; k < n; k++) {
        ck_assert_str_eq(sessions[k], due[k]);
    }
    arena_done(&arena);
}

TEST(series_come_back_bit_for_bit_and_in_order)
{
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    struct fault fault;
    struct job job = job_filled(1), other = job_filled(2);
    ck_assert_int_eq(job_store_insert(jobs, &job, three, 3, NULL, 0, &fault), STATUS_OK);
    ck_assert_int_eq(job_store_insert(jobs, &other, three + 1, 1, NULL, 0, &fault), STATUS_OK);
    job_store_close(jobs);
    jobs = jobs_opened(folder.path);
    assert_series(jobs, job.number, three, 3);
    assert_series(jobs, other.number, three + 1, 1);
    assert_series(jobs, 1000, NULL, 0);
    assert_sessions(jobs, job.number, NULL, 0);
    job_store_close(jobs);
    folder_remove(&folder);
}

TEST(gathered_series_replace_those_before)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    struct job job = job_filled(1), other = job_filled(2);
    ck_assert_int_eq(job_store_insert(jobs, &job, three, 3, NULL, 0, &fault), STATUS_OK);
    ck_assert_int_eq(job_store_insert(jobs, &other, three, 3, NULL, 0, &fault), STATUS_OK);
    ck_assert_int_eq(job_store_put_series(jobs, job.number, three + 2, 1, &fault), STATUS_OK);
    assert_series(jobs, job.number, three + 2, 1);
    assert_series(jobs, other.number, three, 3);
    ck_assert_int_eq(job_store_put_series(jobs, job.number, NULL, 0, &fault), STATUS_OK);
    assert_series(jobs, job.number, NULL, 0);
    job_store_close(jobs);
}

TEST(sessions_come_back_in_order_with_odd_characters)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    static const char *const ids[] = { "zebra",           "a%b_c", "", "\xc3\xa4\xf0\x9f\x90\xa6",
                                       "it's \"quoted\"", "a" };
    struct job job = job_filled(1);
    ck_assert_int_eq(job_store_insert(jobs, &job, NULL, 0, ids, 6, &fault), STATUS_OK);
    assert_sessions(jobs, job.number, ids, 6);
    assert_sessions(jobs, 1000, NULL, 0);
    job_store_close(jobs);
}

TEST(a_series_beyond_the_limit_of_a_blob_is_refused)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    struct job job = job_filled(1);
    job.number = 99;
    size_t n_bytes = (size_t)1100 << 20; /* never touched: SQLite refuses it by its length */
    float *x = mmap(NULL, n_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(x, MAP_FAILED);
    struct job_series series = { .series = { .x = x, .n_rows = n_bytes / 4 }, .x_width = 1 };
    ck_assert_int_eq(job_store_insert(jobs, &job, &series, 1, NULL, 0, &fault),
                     STATUS_REQUEST_TOO_LARGE);
    ck_assert_int_eq(job.number, 99);
    series.series.n_rows = SIZE_MAX / 2;
    ck_assert_int_eq(job_store_insert(jobs, &job, &series, 1, NULL, 0, &fault),
                     STATUS_REQUEST_TOO_LARGE);
    ck_assert_int_eq(job_store_find(jobs, job.id, &job, &fault), STATUS_JOB_NOT_FOUND);
    munmap(x, n_bytes);
    job_store_close(jobs);
}

TEST(an_arena_that_is_too_small_is_short_of_memory)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    struct job job = job_filled(1);
    static const char *const ids[] = { "a", "b" };
    static float x[20000];
    const struct job_series series = { .series = { .x = x, .n_rows = 20000 }, .x_width = 1 };
    ck_assert_int_eq(job_store_insert(jobs, &job, &series, 1, ids, 2, &fault), STATUS_OK);
    for (size_t cap = 0; cap <= 32768;
         cap += 32768) { /* not even the list; the list, but not the values */
        struct arena arena;
        struct job_series *got = NULL;
        size_t n = 99;
        arena_init(&arena, cap);
        ck_assert_int_eq(job_store_read_series(jobs, job.number, &arena, &got, &n, &fault),
                         STATUS_NO_MEMORY);
        ck_assert(got == NULL && n == 99);
        arena_done(&arena);
    }
    struct arena none;
    const char *const *sessions = NULL;
    size_t n = 99;
    arena_init(&none, 0);
    ck_assert_int_eq(job_store_read_sessions(jobs, job.number, &none, &sessions, &n, &fault),
                     STATUS_NO_MEMORY);
    ck_assert(sessions == NULL && n == 99);
    job_store_close(jobs);
}

TEST(what_only_a_job_that_goes_on_needs_is_forgotten)
{
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    struct fault fault;
    static const char *const ids[] = { "s1", "s2" };
    struct job job = job_filled(1), other = job_filled(2);
    struct job *both[] = { &job, &other };
    for (size_t k = 0; k < 2; k++) {
        ck_assert_int_eq(job_store_insert(jobs, both[k], three, 3, ids, 2, &fault), STATUS_OK);
        checkpoint_added(jobs, both[k]->number, 7, 5);
        event_added(jobs, both[k]->number, 3);
    }
    ck_assert_int_eq(job_store_forget_data(jobs, job.number, &fault), STATUS_OK);
    assert_series(jobs, job.number, NULL, 0);
    assert_sessions(jobs, job.number, NULL, 0);
    assert_series(jobs, other.number, three, 3);
    assert_sessions(jobs, other.number, ids, 2);
    struct job_checkpoint checkpoint;
    void *state = &job;
    size_t n = 99;
    ck_assert_int_eq(job_store_read_state(jobs, job.number, &state, &n, &checkpoint, &fault),
                     STATUS_OK);
    ck_assert(state == NULL && n == 0);
    ck_assert_int_eq(job_store_read_state(jobs, other.number, &state, &n, &checkpoint, &fault),
                     STATUS_OK);
    ck_assert_uint_eq(n, 5);
    free(state);
    struct job found = job_found(jobs, job.id);
    assert_job_equal(&found, &job);
    job_store_close(jobs);
    ck_assert_int_eq(sql_ask(&folder, "jobs.db", "SELECT count(*) FROM checkpoints"),
                     2); /* the rows stay */
    ck_assert_int_eq(sql_ask(&folder, "jobs.db", "SELECT count(*) FROM events"), 2);
    folder_remove(&folder);
}

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

/* ---- lineage ---- */

struct found {
    struct lineage all[8];
    size_t n;
};

static void note_lineage(void *context, const struct lineage *lineage)
{
    struct found *found = context;
    ck_assert_uint_lt(found->n, 8);
    found->all[found->n++] = *lineage;
}

static struct found each_lineage(struct job_store *jobs)
{
    struct found found = { .n = 0 };
    struct fault fault;
    ck_assert_int_eq(job_store_each_lineage(jobs, note_lineage, &found, &fault), STATUS_OK);
    return found;
}

static void assert_lineage_equal(const struct lineage *a, const struct lineage *b)
{
    ck_assert_str_eq(a->model, b->model);
    ck_assert_uint_eq(a->version, b->version);
    ck_assert_uint_eq(a->parent, b->parent);
    ck_assert_uint_eq(a->digest.high, b->digest.high);
    ck_assert_uint_eq(a->digest.low, b->digest.low);
    ck_assert_str_eq(a->job, b->job);
    assert_real_equal(a->metrics.train_loss, b->metrics.train_loss);
    assert_real_equal(a->metrics.valid_loss, b->metrics.valid_loss);
    assert_real_equal(a->metrics.baseline_valid_loss, b->metrics.baseline_valid_loss);
    assert_real_equal(a->metrics.persistence_valid_loss, b->metrics.persistence_valid_loss);
    assert_real_equal(a->metrics.train_accuracy, b->metrics.train_accuracy);
    assert_real_equal(a->metrics.valid_accuracy, b->metrics.valid_accuracy);
}

TEST(lineage_is_kept_replaced_and_deleted)
{
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    struct fault fault;
    struct lineage in = { .model = "m",
                          .version = UINT_MAX,
                          .parent = 4,
                          .digest = { .high = UINT64_MAX, .low = 1 },
                          .job = "ftjob-1",
                          .metrics = { 1, NAN, 3, NAN, 5, 0.1 } };
    ck_assert_int_eq(job_store_put_lineage(jobs, &in, &fault), STATUS_OK);
    in.parent = 5;
    in.digest.low = UINT64_MAX / 3;
    ck_assert_int_eq(job_store_put_lineage(jobs, &in, &fault), STATUS_OK);
    struct lineage other = in;
    other.version = 7;
    ck_assert_int_eq(job_store_put_lineage(jobs, &other, &fault), STATUS_OK);
    job_store_close(jobs);
    jobs = jobs_opened(folder.path);
    struct found found = each_lineage(jobs);
    ck_assert_uint_eq(found.n, 2);
    assert_lineage_equal(&found.all[found.all[0].version == 7], &in);
    assert_lineage_equal(&found.all[found.all[0].version != 7], &other);
    ck_assert_int_eq(job_store_delete_lineage(jobs, "m", 7, &fault), STATUS_OK);
    ck_assert_int_eq(job_store_delete_lineage(jobs, "n", UINT_MAX, &fault),
                     STATUS_OK); /* there is none */
    found = each_lineage(jobs);
    ck_assert_uint_eq(found.n, 1);
    assert_lineage_equal(&found.all[0], &in);
    job_store_close(jobs);
    folder_remove(&folder);
}

struct deleting {
    struct job_store *jobs;
    size_t n_seen;
};

static void delete_lineage(void *context, const struct lineage *lineage)
{
    struct deleting *deleting = context;
    struct fault fault;
    deleting->n_seen++;
    ck_assert_int_eq(
        job_store_delete_lineage(deleting->jobs, lineage->model, lineage->version, &fault),
        STATUS_OK);
}

TEST(lineage_may_be_deleted_while_it_is_gone_through)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    struct lineage lineage = { .model = "m" };
    struct deleting deleting = { .jobs = jobs };
    for (lineage.version = 1; lineage.version <= 200; lineage.version++) {
        ck_assert_int_eq(job_store_put_lineage(jobs, &lineage, &fault), STATUS_OK);
    }
    ck_assert_int_eq(job_store_each_lineage(jobs, delete_lineage, &deleting, &fault), STATUS_OK);
    ck_assert_uint_eq(deleting.n_seen, 200);
    ck_assert_uint_eq(each_lineage(jobs).n, 0);
    job_store_close(jobs);
}
