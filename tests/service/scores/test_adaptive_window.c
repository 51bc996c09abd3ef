/* ADWIN cuts its window where the mean has changed. Its cuts, and what is left of the window, are
 * those that river's ADWIN (0.22) gives for the same values. */
#include "service/scores/adaptive_window.h"
#include "test.h"

#include "level_stream.h"

#include <math.h>

/* river's defaults. */
static const struct adaptive_window_rule rule = {
    .confidence = 0.002, .range = 1.0, .every = 32, .least = 5
};

TEST(cuts_are_those_of_another_implementation)
{
    static const struct {
        size_t at, n;
        double mean;
    } expected[] = {
        { 1055, 160, 0.3368752355156189 },   { 1087, 160, 0.3918970247969265 },
        { 1151, 192, 0.4447546764633054 },   { 2079, 288, 0.45767471875960414 },
        { 2111, 224, 0.4113123657581136 },   { 2175, 224, 0.3510267837084893 },
        { 3615, 1024, 0.33266631509895883 }, { 3935, 1088, 0.3443966394180663 },
        { 4031, 192, 0.42205467218842024 },  { 4063, 96, 0.641586841886079 },
        { 4127, 128, 0.7928197656382057 },
    };
    static struct adaptive_window window;
    struct adaptive_cut cut;
    struct level_stream stream = LEVEL_STREAM_BEGINNING;
    size_t n_cuts = 0;
    for (size_t k = 0; k < LEVEL_STREAM_VALUES; k++) {
        if (adaptive_window_note(&window, &rule, level_stream_next(&stream), &cut)) {
            ck_assert_uint_lt(n_cuts, sizeof expected / sizeof *expected);
            ck_assert_uint_eq(k, expected[n_cuts].at);
            ck_assert_uint_eq(window.n, expected[n_cuts].n);
            ck_assert_double_eq_tol(window.sum / (double)window.n, expected[n_cuts].mean, 1e-12);
            n_cuts++;
        }
    }
    ck_assert_uint_eq(n_cuts, sizeof expected / sizeof *expected);
    ck_assert_double_eq_tol(window.squares, 13.286263765443339, 1e-9);
}

TEST(a_cut_says_what_was_before_and_since)
{
    static struct adaptive_window window;
    struct adaptive_cut cut;
    bool was_cut = false;
    for (size_t k = 0; k < 2000 && !was_cut; k++) {
        was_cut = adaptive_window_note(&window, &rule, k < 1000 ? 0.25 : 0.75, &cut);
    }
    ck_assert(was_cut);
    ck_assert_double_eq_tol(cut.before, 0.25, 0.02);
    ck_assert_double_ge(cut.since, 0.5);
    ck_assert_uint_lt(cut.n_since, 1000);
}

/* Sums over buckets are those over the values. */
TEST(what_does_not_change_stays_in_the_window)
{
    static struct adaptive_window window;
    struct adaptive_cut cut;
    double sum = 0.0, squares = 0.0;
    enum { N = 100000 };
    for (size_t k = 0; k < N; k++) {
        const double value = (double)(k * 2654435761U % 1000) / 1000.0;
        ck_assert(!adaptive_window_note(&window, &rule, value, &cut));
        sum += value;
        squares += value * value;
    }
    ck_assert_uint_eq(window.n, N);
    ck_assert_double_eq_tol(window.sum, sum, 1e-6);
    ck_assert_double_eq_tol(window.squares, squares - sum * sum / N, 1e-6);
}

/* As many as there are buckets for, and no more. */
TEST(the_oldest_is_forgotten_when_all_buckets_are_full)
{
    static struct adaptive_window window;
    struct adaptive_cut cut;
    const uint64_t most = ADAPTIVE_WINDOW_BUCKETS * ((UINT64_C(1) << ADAPTIVE_WINDOW_SIZES) - 1);
    for (size_t size = 0; size < ADAPTIVE_WINDOW_SIZES; size++) {
        window.sizes[size].n = ADAPTIVE_WINDOW_BUCKETS;
    }
    window.n = most;
    ck_assert(!adaptive_window_note(&window, &rule, 0.0, &cut));
    ck_assert_uint_lt(window.n, most);
    for (size_t size = 0; size < ADAPTIVE_WINDOW_SIZES; size++) {
        ck_assert_uint_le(window.sizes[size].n, ADAPTIVE_WINDOW_BUCKETS);
    }
}
