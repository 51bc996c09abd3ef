/* Rows that repeat what was judged: by their readings before, within a step of the scale. */
#include "engine/train/repeats.h"

#include "test.h"

#include <math.h>

enum { ROWS = 200, ROOM = 70000 };

static struct gru_variable variable = { .name = "v", .mean = 3, .std = 2 };
static struct gru_info info = { .n_inputs = 1, .inputs = &variable };

static void make(struct repeats *repeats, size_t n_rows)
{
    struct block_cutter count = { 0 };
    *repeats = (struct repeats){ .info = &info };
    gru_repeats_cut(repeats, n_rows, &count);
    char *block = block_alloc(&count);
    ck_assert_ptr_nonnull(block);
    for (size_t k = 0; k < count.n_bytes; k++) {
        block[k] = 0;
    }
    struct block_cutter cutter = { .block = block };
    gru_repeats_cut(repeats, n_rows, &cutter);
    gru_repeats_begin_series(repeats);
}

static void done(struct repeats *repeats)
{
    free(repeats->keys);
}

/* How many of a series' rows, whose targets are the next values, repeat in a way. */
static size_t run(struct repeats *repeats, size_t stream, const double *x, size_t n,
                  enum repeat which)
{
    size_t n_found = 0;
    gru_repeats_begin_series(repeats);
    for (size_t t = 0; t + 1 < n; t++) {
        gru_repeats_see(repeats, &x[t]);
        n_found += gru_repeats_look(repeats, stream, &x[t + 1], 1, &variable, 1) == which;
    }
    return n_found;
}

static void fill(double x[ROWS])
{
    for (size_t t = 0; t < ROWS; t++) {
        x[t] = (float)(3 + 2 * sin((double)(t * t)));
    }
}

TEST(a_copy_repeats_another_stream_but_for_what_differs)
{
    struct repeats repeats;
    double x[ROWS];
    fill(x);
    make(&repeats, ROWS);
    ck_assert_uint_eq(run(&repeats, 0, x, ROWS, REPEAT_NONE), ROWS - 1);
    ck_assert_uint_eq(run(&repeats, 1, x, ROWS, REPEAT_OTHER), ROWS - 1);
    ck_assert_uint_eq(run(&repeats, 0, x, ROWS, REPEAT_OWN), ROWS - 1);
    x[ROWS - 1] += 0.1F;
    ck_assert_uint_eq(run(&repeats, 2, x, ROWS, REPEAT_OTHER), ROWS - 2);
    x[100] += 0.1F; /* as a target, and in 24 contexts */
    ck_assert_uint_eq(run(&repeats, 3, x, ROWS, REPEAT_NONE), 1 + REPEATS_CONTEXT);
    ck_assert_uint_eq(run(&repeats, 4, x + 50, ROWS - 50, REPEAT_NONE), REPEATS_CONTEXT - 1);
    done(&repeats);
}

TEST(a_block_that_is_repeated_is_news_once)
{
    struct repeats repeats;
    double x[ROWS];
    fill(x);
    for (size_t t = 7; t < ROWS; t++) {
        x[t] = x[t - 7];
    }
    make(&repeats, ROWS);
    ck_assert_uint_eq(run(&repeats, 0, x, ROWS, REPEAT_NONE), REPEATS_CONTEXT - 1 + 7);
    done(&repeats);
}

TEST(missing_values_repeat_and_what_is_constant_does_not)
{
    struct repeats repeats;
    double x[ROWS];
    fill(x);
    x[4] = x[90] = NAN;
    make(&repeats, ROWS);
    ck_assert_uint_eq(run(&repeats, 0, x, ROWS, REPEAT_NONE), ROWS - 1);
    ck_assert_uint_eq(run(&repeats, 1, x, ROWS, REPEAT_OTHER), ROWS - 1);
    for (size_t t = 0; t < ROWS; t++) {
        x[t] = t == 150;
    }
    ck_assert_uint_eq(run(&repeats, 2, x, ROWS, REPEAT_NONE), ROWS - 1);
    done(&repeats);
}

TEST(what_does_not_fit_is_news)
{
    struct repeats repeats;
    make(&repeats, ROOM);
    for (int again = 0; again < 2; again++) {
        size_t n = 0;
        gru_repeats_begin_series(&repeats);
        for (size_t t = 0; t < ROOM; t++) {
            double x = (float)(3 + 2 * sin((double)(t * t)));
            gru_repeats_see(&repeats, &x);
            n += gru_repeats_look(&repeats, 0, &x, 1, &variable, 1) == REPEAT_NONE;
        }
        ck_assert_uint_eq(n, again ? ROOM - REPEATS_MAX : ROOM);
    }
    done(&repeats);
}
