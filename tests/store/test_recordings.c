#include "store/recordings.h"
#include "store_support.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { READINGS_MAX = 4096, BYTES_MAX = 1 << 20 };

static struct recordings *opened(const char *data, size_t rows_max)
{
    struct recordings *recordings = NULL;
    struct fault fault;
    enum status status = recordings_open(data, rows_max, &recordings, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return recordings;
}

/* Two inputs that tell which reading it is. */
static double values[READINGS_MAX][2];

static struct recorded reading(const char *session, uint64_t step, unsigned k)
{
    values[k][0] = (float)k;
    values[k][1] = k % 5 == 0 ? NAN : -(float)k;
    return (struct recorded){
        .model = "m", .session = session, .step = step, .x = values[k], .n_inputs = 2
    };
}

static void add(struct recordings *recordings, const struct recorded *readings, size_t n)
{
    struct fault fault;
    enum status status = recordings_add(recordings, readings, n, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
}

/* Steps first to last of a session, with the readings first to last. */
static void add_steps(struct recordings *recordings, const char *session, unsigned first,
                      unsigned last)
{
    static struct recorded readings[READINGS_MAX];
    size_t n = 0;
    for (unsigned k = first; k <= last; k++) {
        readings[n++] = reading(session, k, k);
    }
    add(recordings, readings, n);
}

/* A sequence that is due: of which session, and the readings first to last. first 0 ends a list. */
struct due {
    const char *session;
    unsigned first, last;
};

static void assert_read(struct recordings *recordings, const char *session, bool is_prefix,
                        const struct due *due)
{
    struct arena arena;
    struct fault fault;
    struct recording *all = NULL;
    size_t n = 99, n_due = 0;
    arena_init(&arena, BYTES_MAX);
    enum status status = recordings_read(recordings, "m", session, is_prefix, 2, BYTES_MAX, &arena,
                                         &all, &n, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    for (; due[n_due].first > 0; n_due++) {
        const struct due *one = &due[n_due];
        ck_assert_uint_lt(n_due, n);
        ck_assert_str_eq(all[n_due].session, one->session);
        ck_assert_uint_eq(all[n_due].n_rows, one->last - one->first + 1);
        ck_assert_mem_eq(all[n_due].x, values[one->first], all[n_due].n_rows * sizeof *values);
    }
    ck_assert_uint_eq(n, n_due);
    arena_done(&arena);
}

static uint64_t last_step(struct recordings *recordings, const char *session)
{
    struct fault fault;
    uint64_t step = 99;
    ck_assert_int_eq(recordings_last_step(recordings, "m", session, &step, &fault), STATUS_OK);
    return step;
}

#define DUE(...)                                                                                   \
    (const struct due[])                                                                           \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct due nothing[] = { { 0 } };

/* ---- adding and reading ---- */

/* Which have no more than a column to tell them: 1 and -1 as floats, between two rows of today. */
TEST(readings_of_former_builds_are_floats_beside_doubles)
{
    struct folder folder = folder_make();
    struct recordings *recordings = opened(folder.path, 100);
    add_steps(recordings, "s", 1, 1);
    add_steps(recordings, "s", 3, 3);
    recordings_close(recordings);
    sql_run(
        &folder, "recordings.db",
        "UPDATE readings SET n = n + 1 WHERE step = 3;"
        "INSERT INTO readings (session, n, step, x, y) SELECT session, 1, 2, x'0000803f000080bf',"
        " x'0000204100000000' FROM readings WHERE step = 1;"
        "UPDATE sessions SET next_n = 3;");
    struct arena arena;
    struct fault fault;
    struct recording *all;
    size_t n;
    recordings = opened(folder.path, 100);
    arena_init(&arena, BYTES_MAX);
    ck_assert_int_eq(
        recordings_read(recordings, "m", "s", false, 2, BYTES_MAX, &arena, &all, &n, &fault),
        STATUS_OK);
    ck_assert(n == 1 && all->n_rows == 3);
    ck_assert(all->x[0] == values[1][0] && all->x[2] == 1 && all->x[3] == -1);
    ck_assert(all->x[4] == values[3][0]);
    const struct recordings_page page = {
        .model = "m", .session = "s", .before = 3, .limit = 1, .n_inputs = 2, .n_outputs = 2
    };
    struct recorded_reading *read;
    ck_assert_int_eq(recordings_read_page(recordings, &page, &arena, &read, &n, &fault), STATUS_OK);
    ck_assert(n == 1 && read->x[0] == 1 && read->x[1] == -1 && read->y[0] == 10);
    arena_done(&arena);
    recordings_close(recordings);
    sql_run(&folder, "recordings.db", "UPDATE readings SET value_bytes = 5");
    recordings = opened(folder.path, 100);
    arena_init(&arena, BYTES_MAX);
    ck_assert_int_eq(
        recordings_read(recordings, "m", "s", false, 2, BYTES_MAX, &arena, &all, &n, &fault),
        STATUS_STORAGE_FAILED);
    arena_done(&arena);
    recordings_close(recordings);
    folder_remove(&folder);
}

TEST(readings_survive_closing_bit_for_bit)
{
    struct folder folder = folder_make();
    struct recordings *recordings = opened(folder.path, 100);
    add_steps(recordings, "s", 1, 7);
    add_steps(recordings, "s", 8, 8);
    recordings_close(recordings);
    recordings = opened(folder.path, 100);
    assert_read(recordings, "s", false, DUE({ "s", 1, 8 }));
    ck_assert_uint_eq(last_step(recordings, "s"), 8);
    add_steps(recordings, "s", 9, 11);
    assert_read(recordings, "s", false, DUE({ "s", 1, 11 }));
    recordings_close(recordings);
    folder_remove(&folder);
}

TEST(the_times_of_readings_are_kept)
{
    struct folder folder = folder_make();
    struct recordings *recordings = opened(folder.path, 100);
    struct recorded all[] = { reading("s", 1, 1), reading("s", 2, 2), reading("s", 3, 3) };
    all[0].at = 1700000000.25;
    all[1].at = (double)NAN;
    all[2].at = 0;
    add(recordings, all, 3);
    recordings_close(recordings);
    ck_assert_int_eq(sql_ask(&folder, "recordings.db",
                             "SELECT count(*) FROM readings WHERE (step = 1 AND at = 1700000000.25)"
                             " OR (step = 2 AND at IS NULL) OR (step = 3 AND at = 0)"),
                     3);
    folder_remove(&folder);
}

TEST(recordings_in_memory_behave_alike)
{
    struct recordings *recordings = opened("", 100);
    ck_assert_uint_eq(last_step(recordings, "s"), 0);
    assert_read(recordings, "s", false, nothing);
    add_steps(recordings, "s", 1, 7);
    assert_read(recordings, "s", false, DUE({ "s", 1, 7 }));
    add(recordings, NULL, 0);
    recordings_close(recordings);
    recordings_close(NULL);
}

TEST(sessions_of_one_batch_and_of_two_models_are_kept_apart)
{
    struct recordings *recordings = opened("", 100);
    struct recorded mixed[6] = { reading("a", 1, 1), reading("b", 1, 10), reading("a", 2, 2),
                                 reading("a", 3, 3), reading("b", 2, 11), reading("a", 1, 20) };
    mixed[5].model = "other";
    add(recordings, mixed, 6);
    assert_read(recordings, "a", false, DUE({ "a", 1, 3 }));
    assert_read(recordings, "b", false, DUE({ "b", 10, 11 }));
    assert_read(recordings, "", true, DUE({ "a", 1, 3 }, { "b", 10, 11 }));
    assert_read(recordings, "c", false, nothing);
    recordings_close(recordings);
}

TEST(the_last_rows_of_a_session_are_kept)
{
    struct folder folder = folder_make();
    struct recordings *recordings = opened(folder.path, 10);
    add_steps(recordings, "s", 1, 4);
    add_steps(recordings, "t", 1, 4);
    add_steps(recordings, "s", 5, 9);
    assert_read(recordings, "s", false, DUE({ "s", 1, 9 }));
    add_steps(recordings, "s", 10, 13);
    assert_read(recordings, "s", false, DUE({ "s", 4, 13 }));
    add_steps(recordings, "s", 14, 100); /* many more than fit at once */
    assert_read(recordings, "s", false, DUE({ "s", 91, 100 }));
    ck_assert_int_eq(sql_ask(&folder, "recordings.db", "SELECT count(*) FROM readings"), 14);
    assert_read(recordings, "t", false, DUE({ "t", 1, 4 }));
    ck_assert_uint_eq(last_step(recordings, "s"), 100);
    recordings_close(recordings);
    recordings = opened(folder.path, 3); /* fewer from now on */
    assert_read(recordings, "s", false, DUE({ "s", 98, 100 }));
    add_steps(recordings, "s", 101, 101);
    ck_assert_int_eq(sql_ask(&folder, "recordings.db", "SELECT count(*) FROM readings"), 7);
    recordings_close(recordings);
    recordings = opened(folder.path, 5); /* and more again */
    add_steps(recordings, "s", 102, 102);
    assert_read(recordings, "s", false, DUE({ "s", 99, 102 }));
    recordings_close(recordings);
    folder_remove(&folder);
}

TEST(no_rows_at_all_leave_the_step)
{
    struct recordings *recordings = opened("", 0);
    add_steps(recordings, "s", 1, 5);
    assert_read(recordings, "s", false, nothing);
    ck_assert_uint_eq(last_step(recordings, "s"), 5);
    recordings_close(recordings);
}

/* ---- sequences ---- */

TEST(a_gap_or_a_restart_begins_a_sequence)
{
    struct recordings *recordings = opened("", 100);
    struct recorded readings[] = { reading("s", 1, 1),  reading("s", 2, 2),  reading("s", 4, 3),
                                   reading("s", 5, 4),  reading("s", 5, 5),  reading("s", 6, 6),
                                   reading("s", 1, 7),  reading("s", 2, 8),  reading("s", 3, 9),
                                   reading("s", 0, 10), reading("s", 1, 11), reading("s", 40, 12) };
    const struct due due[] = { { "s", 1, 2 },   { "s", 3, 4 },   { "s", 5, 6 }, { "s", 7, 9 },
                               { "s", 10, 11 }, { "s", 12, 12 }, { 0 } };
    add(recordings, readings, 12);
    assert_read(recordings, "s", false, due);
    ck_assert_uint_eq(last_step(recordings, "s"), 40);
    recordings_close(recordings);

    recordings = opened("", 100); /* the same one by one */
    for (size_t k = 0; k < 12; k++) {
        add(recordings, &readings[k], 1);
    }
    assert_read(recordings, "s", false, due);
    recordings_close(recordings);
}

TEST(a_session_does_not_continue_another_ones_sequence)
{
    struct recordings *recordings = opened("", 100);
    add_steps(recordings, "a", 1, 3);
    add_steps(recordings, "b", 4, 6);
    assert_read(recordings, "", true, DUE({ "a", 1, 3 }, { "b", 4, 6 }));
    recordings_close(recordings);
}

TEST(steps_of_64_bits_are_kept)
{
    struct recordings *recordings = opened("", 100);
    const uint64_t half = UINT64_C(1) << 63;
    struct recorded readings[] = { reading("s", half - 1, 1), reading("s", half, 2),
                                   reading("s", UINT64_MAX - 1, 3), reading("s", UINT64_MAX, 4),
                                   reading("s", 0, 5) };
    add(recordings, readings, 5);
    assert_read(recordings, "s", false, DUE({ "s", 1, 2 }, { "s", 3, 4 }, { "s", 5, 5 }));
    add(recordings, &readings[3], 1);
    ck_assert_uint_eq(last_step(recordings, "s"), UINT64_MAX);
    recordings_close(recordings);
}

TEST(readings_of_another_width_are_left_out_and_break_the_sequence)
{
    struct recordings *recordings = opened("", 100);
    static const double wide[3] = { 1, 2, 3 };
    struct recorded readings[] = { reading("s", 1, 1), reading("s", 2, 2), reading("s", 3, 3),
                                   reading("s", 4, 4), reading("w", 1, 5), reading("x", 1, 6) };
    readings[2].x = readings[4].x = wide;
    readings[2].n_inputs = readings[4].n_inputs = 3;
    add(recordings, readings, 6);
    assert_read(recordings, "", true, DUE({ "s", 1, 2 }, { "s", 4, 4 }, { "x", 6, 6 }));
    recordings_close(recordings);
}

/* ---- prefixes ---- */

TEST(a_prefix_is_taken_literally)
{
    static const char *const ids[] = { "a",
                                       "a%",
                                       "a%b",
                                       "a_",
                                       "a_b",
                                       "aXb",
                                       "a\x7f",
                                       "ab",
                                       "b",
                                       "A",
                                       "'; DROP TABLE readings; --",
                                       "\xc3\xa4",
                                       "\xc3\xa4z",
                                       "\xf4\x8f\xbf\xbf" };
    enum { N = sizeof ids / sizeof *ids };
    struct recordings *recordings = opened("", 100);
    for (unsigned k = 0; k < N; k++) {
        struct recorded one = reading(ids[k], 1, k + 1);
        add(recordings, &one, 1);
    }
    assert_read(recordings, "a%", true, DUE({ "a%", 2, 2 }, { "a%b", 3, 3 }));
    assert_read(recordings, "a_", true, DUE({ "a_", 4, 4 }, { "a_b", 5, 5 }));
    assert_read(recordings, "a", true,
                DUE({ "a", 1, 1 }, { "a%", 2, 2 }, { "a%b", 3, 3 }, { "aXb", 6, 6 }, { "a_", 4, 4 },
                    { "a_b", 5, 5 }, { "ab", 8, 8 }, { "a\x7f", 7, 7 }));
    assert_read(recordings, "a", false, DUE({ "a", 1, 1 }));
    assert_read(recordings, "%", true, nothing);
    assert_read(recordings, "_", true, nothing);
    assert_read(recordings, "'", true, DUE({ ids[10], 11, 11 }));
    assert_read(recordings, "\xc3", true, DUE({ ids[11], 12, 12 }, { ids[12], 13, 13 }));
    assert_read(recordings, "\xf4\x8f\xbf\xbf", true, DUE({ ids[13], 14, 14 }));
    recordings_close(recordings);
}

/* ---- deletion ---- */

TEST(a_deleted_session_leaves_nothing_and_may_begin_anew)
{
    struct folder folder = folder_make();
    struct recordings *recordings = opened(folder.path, 100);
    const struct recorded gone = { .model = "m", .session = "s" };
    const struct recorded unknown = { .model = "m", .session = "nobody" };
    add_steps(recordings, "s", 1, 5);
    add_steps(recordings, "t", 1, 5);
    add(recordings, &gone, 1);
    add(recordings, &unknown, 1);
    assert_read(recordings, "s", false, nothing);
    assert_read(recordings, "t", false, DUE({ "t", 1, 5 }));
    ck_assert_uint_eq(last_step(recordings, "s"), 0);
    ck_assert_int_eq(sql_ask(&folder, "recordings.db", "SELECT count(*) FROM readings"), 5);
    ck_assert_int_eq(sql_ask(&folder, "recordings.db", "SELECT count(*) FROM sessions"), 1);
    struct recorded batch[] = { reading("s", 6, 6), gone, reading("s", 7, 7), gone, gone,
                                reading("s", 8, 8) };
    add(recordings, batch, 6);
    assert_read(recordings, "s", false, DUE({ "s", 8, 8 }));
    recordings_close(recordings);
    folder_remove(&folder);
}

/* ---- pages ---- */

static void assert_page(struct recordings *recordings, uint64_t first, uint64_t before,
                        size_t limit, const unsigned *steps, size_t n_steps)
{
    const struct recordings_page page = { .model = "m",
                                          .session = "s",
                                          .first = first,
                                          .before = before,
                                          .limit = limit,
                                          .n_inputs = 2,
                                          .n_outputs = 1 };
    struct recorded_reading *read;
    struct arena arena;
    struct fault fault;
    size_t n;
    arena_init(&arena, BYTES_MAX);
    ck_assert_int_eq(recordings_read_page(recordings, &page, &arena, &read, &n, &fault), STATUS_OK);
    ck_assert_uint_eq(n, n_steps);
    for (size_t k = 0; k < n; k++) {
        ck_assert_uint_eq(read[k].step, steps[k]);
        ck_assert(read[k].x[0] == (float)steps[k]);
        const bool is_even = steps[k] % 2 == 0; /* only those have more than x */
        ck_assert(is_even ? read[k].at == steps[k] * 0.5 : isnan(read[k].at));
        ck_assert(is_even ? read[k].y[0] == (float)steps[k] + 0.25F : !read[k].y);
    }
    arena_done(&arena);
}

TEST(a_page_has_times_and_what_had_been_forecast)
{
    struct folder folder = folder_make();
    struct recordings *recordings = opened(folder.path, 8);
    for (unsigned k = 1; k <= 10; k++) {
        const double y = (float)k + 0.25F;
        struct recorded one = reading("s", k, k);
        one.at = k % 2 == 0 ? k * 0.5 : (double)NAN;
        one.y = k % 2 == 0 ? &y : NULL;
        one.n_outputs = 1;
        add(recordings, &one, 1);
        one.session = "t";
        add(recordings, &one, 1);
    }
    recordings_close(recordings);
    recordings = opened(folder.path, 8);
    const unsigned all[] = { 3, 4, 5, 6, 7, 8, 9, 10 };
    assert_page(recordings, 0, INT64_MAX, 100, all, 8);
    assert_page(recordings, 0, 9, 3, all + 3, 3);
    assert_page(recordings, 5, 9, 9, all + 2, 4);
    assert_page(recordings, 0, 3, 9, all, 0);
    recordings_close(recordings);
    folder_remove(&folder);
}

TEST(a_page_of_a_session_that_was_set_back_has_what_came_later)
{
    struct recordings *recordings = opened("", 100);
    const unsigned steps[] = { 1, 2, 3, 4, 3, 4, 5 }, due[] = { 1, 2, 3, 4, 5 };
    for (size_t k = 0; k < 7; k++) {
        const double y = (float)steps[k] + 0.25F;
        struct recorded one = reading("s", steps[k], steps[k]);
        one.at = steps[k] % 2 == 0 ? steps[k] * 0.5 : (double)NAN;
        one.y = steps[k] % 2 == 0 ? &y : NULL;
        one.n_outputs = 1;
        add(recordings, &one, 1);
    }
    assert_page(recordings, 0, INT64_MAX, 100, due, 5);
    recordings_close(recordings);
}

/* ---- limits ---- */

TEST(more_bytes_than_allowed_are_refused)
{
    struct recordings *recordings = opened("", 1000);
    struct arena arena;
    struct fault fault;
    struct recording *all = NULL;
    size_t n = 99;
    add_steps(recordings, "s", 1, 100);
    arena_init(&arena, BYTES_MAX);
    ck_assert_int_eq(
        recordings_read(recordings, "m", "s", false, 2, 1599, &arena, &all, &n, &fault),
        STATUS_REQUEST_TOO_LARGE);
    ck_assert(all == NULL && n == 99);
    ck_assert_int_eq(
        recordings_read(recordings, "m", "s", false, 2, 1600, &arena, &all, &n, &fault), STATUS_OK);
    ck_assert_uint_eq(n, 1);
    arena_done(&arena);
    arena_init(&arena, 0);
    ck_assert_int_eq(
        recordings_read(recordings, "m", "s", false, 2, 1600, &arena, &all, &n, &fault),
        STATUS_NO_MEMORY);
    recordings_close(recordings);
}
