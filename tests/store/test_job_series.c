#include "store/job_store.h"
#include "store_support.h"
#include "test.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- series ---- */

static const double x_long[] = { 1.5f, -0.0f, NAN, INFINITY, 1e-45f, 3.4e38f };
static const double y_long[] = { NAN, 2, 3 };
static const double y_last[] = { -7.25f, 8 };

/* With y a row, with y a series, without y; training and validation. */
static const struct job_series three[] = {
    { .series = { .x = x_long, .n_rows = 3, .y = y_long, .n_targets = 3 },
      .x_width = 2,
      .y_width = 1 },
    { .series = { .x = x_long, .n_rows = 2, .y = y_last, .n_targets = 1 },
      .is_validation = true,
      .x_width = 3,
      .y_width = 2 },
    { .series = { .x = x_long + 1, .n_rows = 5, .is_continuation = true },
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
        ck_assert_int_eq(a->is_continuation, b->is_continuation);
        ck_assert_int_eq(a->y == NULL, b->y == NULL);
        ck_assert_mem_eq(a->x, b->x, b->n_rows * due[k].x_width * sizeof(double));
        if (b->y) {
            ck_assert_mem_eq(a->y, b->y, b->n_targets * due[k].y_width * sizeof(double));
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
    ck_assert_int_eq(job_store_insert(jobs, &job,
                                      &(struct job_addition){ three, 3, NULL, 0, NULL, NULL, NULL },
                                      &fault),
                     STATUS_OK);
    ck_assert_int_eq(
        job_store_insert(jobs, &other,
                         &(struct job_addition){ three + 1, 1, NULL, 0, NULL, NULL, NULL }, &fault),
        STATUS_OK);
    job_store_close(jobs);
    jobs = jobs_opened(folder.path);
    assert_series(jobs, job.number, three, 3);
    assert_series(jobs, other.number, three + 1, 1);
    assert_series(jobs, 1000, NULL, 0);
    assert_sessions(jobs, job.number, NULL, 0);
    job_store_close(jobs);
    folder_remove(&folder);
}

/* Two rows of two floats would be one row of two doubles. */
TEST(series_of_former_builds_are_floats)
{
    static const double x[] = { 1, -1, 0.5, 2 }, y[] = { 10, 0 };
    const struct job_series due = { .series = { .x = x, .n_rows = 2, .y = y, .n_targets = 2 },
                                    .x_width = 2,
                                    .y_width = 1 };
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    struct fault fault;
    struct job job = job_filled(1);
    ck_assert_int_eq(job_store_insert(jobs, &job,
                                      &(struct job_addition){ &due, 1, NULL, 0, NULL, NULL, NULL },
                                      &fault),
                     STATUS_OK);
    assert_series(jobs, job.number, &due, 1);
    job_store_close(jobs);
    sql_run(&folder, "jobs.db",
            "UPDATE series SET value_bytes = 4, x = x'0000803f000080bf0000003f00000040',"
            " y = x'0000204100000000'");
    jobs = jobs_opened(folder.path);
    assert_series(jobs, job.number, &due, 1);
    job_store_close(jobs);
    folder_remove(&folder);
}

TEST(gathered_series_replace_those_before)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    struct job job = job_filled(1), other = job_filled(2);
    ck_assert_int_eq(job_store_insert(jobs, &job,
                                      &(struct job_addition){ three, 3, NULL, 0, NULL, NULL, NULL },
                                      &fault),
                     STATUS_OK);
    ck_assert_int_eq(job_store_insert(jobs, &other,
                                      &(struct job_addition){ three, 3, NULL, 0, NULL, NULL, NULL },
                                      &fault),
                     STATUS_OK);
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
    ck_assert_int_eq(job_store_insert(jobs, &job,
                                      &(struct job_addition){ NULL, 0, ids, 6, NULL, NULL, NULL },
                                      &fault),
                     STATUS_OK);
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
    double *x = mmap(NULL, n_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(x, MAP_FAILED);
    struct job_series series = { .series = { .x = x, .n_rows = n_bytes / 4 }, .x_width = 1 };
    ck_assert_int_eq(
        job_store_insert(jobs, &job,
                         &(struct job_addition){ &series, 1, NULL, 0, NULL, NULL, NULL }, &fault),
        STATUS_REQUEST_TOO_LARGE);
    ck_assert_int_eq(job.number, 99);
    series.series.n_rows = SIZE_MAX / 2;
    ck_assert_int_eq(
        job_store_insert(jobs, &job,
                         &(struct job_addition){ &series, 1, NULL, 0, NULL, NULL, NULL }, &fault),
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
    static double x[20000];
    const struct job_series series = { .series = { .x = x, .n_rows = 20000 }, .x_width = 1 };
    ck_assert_int_eq(
        job_store_insert(jobs, &job, &(struct job_addition){ &series, 1, ids, 2, NULL, NULL, NULL },
                         &fault),
        STATUS_OK);
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
        ck_assert_int_eq(
            job_store_insert(jobs, both[k],
                             &(struct job_addition){ three, 3, ids, 2, NULL, NULL, NULL }, &fault),
            STATUS_OK);
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
