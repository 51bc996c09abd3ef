/* The laws of crossing probabilities; what they are worth on series is in
 * test_crossing_reliability.c. The golden numbers are from a program of its own, in Python, which
 * finds the quantiles by bisection; and, where it says so, from the chain itself, whose densities
 * are integrated on a grid of 6001 points. */
#include "interval_tracker_support.h"
#include "service/scores/crossing.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 4, LEVELS = 3 };

/* One output, whose widths and mean errors are given. */
struct made {
    struct interval_layout layout;
    struct interval_levels levels;
    struct interval_tracker tracker;
};

static void made_init(struct made *made, size_t n_horizons, const struct interval_levels *levels)
{
    made->levels = *levels;
    made->layout = interval_layout_of(1, n_horizons, levels->n);
    made->tracker = tracker_make(&made->layout, &made->levels);
}

/* As if errors had had that mean, and those quantiles at 0.8, 0.9 and 0.95. */
static void made_row(const struct made *made, size_t ahead, double mean, const double *widths)
{
    struct gru_residual residuals[ROWS] = { { .n = 0 } };
    residuals[ahead - 1] = (struct gru_residual){
        .n = 100,
        .mean = mean,
        .quantiles = { widths[0] / 2, widths[0], widths[1], widths[2], 2 * widths[2] },
    };
    interval_tracker_begin_output(&made->tracker, 0, residuals, ahead);
}

static const double growing[ROWS] = { 1, 1.5, 2, 2.5 };

/* Widths of 1.25, 1.75 and 2.25 mean errors. */
static void make(struct made *made, const double means[ROWS])
{
    made_init(made, ROWS, &usual_levels);
    for (size_t row = 0; row < ROWS; row++) {
        const double v = means[row];
        made_row(made, row + 1, v, (const double[]){ 1.25 * v, 1.75 * v, 2.25 * v });
    }
}

static double one_row(const struct made *made, const struct crossing *crossing, double forecast)
{
    double probability;
    crossing_probabilities(crossing, &made->tracker, &forecast, 1, &probability);
    return probability;
}

TEST(probabilities_are_the_golden_ones)
{
    static const struct golden {
        bool is_above;
        double threshold, means[ROWS], forecasts[ROWS], by_horizon[ROWS], chain[ROWS];
    } golden[] = {
        { true,
          13,
          { 1, 1.5, 2, 2.5 },
          { 10, 10.5, 11, 11.5 },
          { 0.007494815, 0.059389166, 0.160272186, 0.273999434 },
          { 0.00749, 0.05845, 0.15975, 0.28201 } },
        { false,
          8.5,
          { 1, 1.5, 2, 2.5 },
          { 10, 9, 8, 7 },
          { 0.071705975, 0.366270618, 0.601144383, 0.733799536 },
          { 0.07171, 0.37101, 0.61551, 0.75143 } },
        { true,
          11.5,
          { 1, 1, 1, 1 },
          { 10, 10, 10, 10 },
          { 0.071705975, 0.138270204, 0.200061379, 0.257421758 },
          { 0.07171, 0.13827, 0.20006, 0.25742 } },
        { true,
          16,
          { 1, 1.5, 2, 2.5 },
          { 10, 10, 10, 10 },
          { 0.000007686, 0.001103312, 0.008313184, 0.024837201 },
          { 0.00001, 0.00110, 0.00772, 0.02129 } },
    };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const struct crossing crossing = { 0, golden[i].is_above, golden[i].threshold };
        struct made made;
        double by_horizon[ROWS];
        make(&made, golden[i].means);
        crossing_probabilities(&crossing, &made.tracker, golden[i].forecasts, ROWS, by_horizon);
        for (size_t row = 0; row < ROWS; row++) {
            ck_assert_double_eq_tol(by_horizon[row], golden[i].by_horizon[row], 2e-6);
            ck_assert_double_eq_tol(by_horizon[row], golden[i].chain[row], 0.02);
        }
        free(made.tracker.bytes);
    }
}

TEST(the_first_forecast_beyond_it_is_told)
{
    const double forecasts[] = { 10, 0, 12, 0, 12.5, 0, 9, 0 };
    const struct crossing above = { 0, true, 12 }, below = { 0, false, 10 };
    const struct crossing never = { 0, true, 13 }, other = { 1, false, 1 };
    ck_assert_uint_eq(crossing_ahead(&above, forecasts, 4, 2), 3); /* 12 is not above 12 */
    ck_assert_uint_eq(crossing_ahead(&below, forecasts, 4, 2), 4);
    ck_assert_uint_eq(crossing_ahead(&never, forecasts, 4, 2), 0);
    ck_assert_uint_eq(crossing_ahead(&above, forecasts, 2, 2), 0);
    ck_assert_uint_eq(crossing_ahead(&other, forecasts, 4, 2), 1);
}

/* By Slepian's inequality; each row's own probability is that of a tracker with nothing else. */
TEST(probabilities_lie_between_one_row_and_rows_that_know_nothing_of_each_other)
{
    for (uint64_t i = 0; i < 2000; i++) {
        const struct crossing crossing = { 0, i % 2 > 0, 3 * (double)tracker_noise(9 * i) };
        double forecasts[ROWS], by_horizon[ROWS], most = 0, none = 1;
        struct made made;
        make(&made, growing);
        for (size_t row = 0; row < ROWS; row++) {
            forecasts[row] = 2 * (double)tracker_noise(9 * i + 1 + row);
        }
        crossing_probabilities(&crossing, &made.tracker, forecasts, ROWS, by_horizon);
        for (size_t row = 0; row < ROWS; row++) {
            struct made alone;
            const double v = growing[row];
            made_init(&alone, 1, &usual_levels);
            made_row(&alone, 1, v, (const double[]){ 1.25 * v, 1.75 * v, 2.25 * v });
            const double p = one_row(&alone, &crossing, forecasts[row]);
            free(alone.tracker.bytes);
            most = fmax(most, p);
            none *= 1 - p;
            ck_assert(by_horizon[row] >= most - 1e-12);
            ck_assert(by_horizon[row] <= 1 - none + 1e-12);
            ck_assert(row == 0 || by_horizon[row] >= by_horizon[row - 1]);
        }
        free(made.tracker.bytes);
    }
}

TEST(above_and_below_are_mirror_images)
{
    struct made made;
    double forecasts[ROWS] = { 1, 2, 0, -1 }, mirrored[ROWS] = { -1, -2, 0, 1 };
    double above[ROWS], below[ROWS];
    make(&made, growing);
    crossing_probabilities(&(struct crossing){ 0, true, 2.5 }, &made.tracker, forecasts, ROWS,
                           above);
    crossing_probabilities(&(struct crossing){ 0, false, -2.5 }, &made.tracker, mirrored, ROWS,
                           below);
    ck_assert_mem_eq(above, below, sizeof above);
    free(made.tracker.bytes);
}

TEST(a_level_is_missed_by_half_of_its_rest)
{
    struct made made;
    make(&made, growing);
    for (size_t level = 0; level < LEVELS; level++) {
        const double width = 1.25 + 0.5 * (double)level, rest = 1 - usual_levels.level[level];
        const struct crossing above = { 0, true, 10 + width }, below = { 0, false, 10 - width };
        ck_assert_double_eq_tol(one_row(&made, &above, 10), rest / 2, 1e-9);
        ck_assert_double_eq_tol(one_row(&made, &below, 10), rest / 2, 1e-9);
        ck_assert_double_eq_tol(one_row(&made, &above, 10 + 2 * width), 1 - rest / 2, 1e-9);
    }
    ck_assert_double_eq_tol(one_row(&made, &(struct crossing){ 0, true, 10 }, 10), 0.5, 1e-15);
    free(made.tracker.bytes);
}

TEST(one_level_has_the_shape_of_a_normal_distribution)
{
    const struct interval_levels one = { 1, { 0.9 } };
    struct made made;
    made_init(&made, 1, &one);
    made_row(&made, 1, 1, (const double[]){ 1.5, 2, 2.5 });
    for (int k = -12; k <= 12; k++) {
        const double d = k * 0.5;
        const double z = d / 2 * 1.6448536269514722; /* the normal quantile of 0.95 */
        const struct crossing crossing = { 0, true, 10 + d };
        ck_assert_double_eq_tol(one_row(&made, &crossing, 10), erfc(z / sqrt(2)) / 2, 1e-8);
    }
    free(made.tracker.bytes);
}

static void set_factors(const struct made *made, size_t level, float sum)
{
    float *k = (float *)(void *)(made->tracker.bytes + made->layout.factors);
    k[2 * level] = k[2 * level + 1] = sum / 2;
}

TEST(a_level_without_bounds_is_left_out)
{
    const struct interval_levels two = { 2, { 0.8, 0.9 } };
    const struct crossing crossing = { 0, true, 14 };
    struct made all, less;
    made_init(&less, 1, &two);
    made_row(&less, 1, 1, (const double[]){ 1.25, 1.75, 2.25 });
    make(&all, growing);
    set_factors(&all, 2, 41); /* 2 / (1 - 0.95) is 40 */
    ck_assert_double_eq(one_row(&all, &crossing, 11), one_row(&less, &crossing, 11));
    set_factors(&all, 0, 11);
    set_factors(&all, 1, 21);
    ck_assert(isnan(one_row(&all, &crossing, 11)));
    free(all.tracker.bytes);
    free(less.tracker.bytes);
}

TEST(levels_that_have_crossed_are_as_wide_as_the_lower_one)
{
    const struct crossing near = { 0, true, 11 }, far = { 0, true, 14 };
    struct made crossed, same;
    make(&crossed, growing);
    make(&same, growing);
    set_factors(&crossed, 1, 1);  /* 0.9 is narrower than 0.8 */
    set_factors(&same, 1, 1.25F); /* and here they are alike */
    ck_assert_double_eq(one_row(&crossed, &near, 10), one_row(&same, &near, 10));
    ck_assert_double_eq(one_row(&crossed, &far, 10), one_row(&same, &far, 10));
    ck_assert(one_row(&crossed, &near, 10) > one_row(&crossed, &far, 10));
    free(crossed.tracker.bytes);
    free(same.tracker.bytes);
}

TEST(a_series_that_stands_still_crosses_nothing)
{
    const struct interval_layout layout = interval_layout_of(1, ROWS, LEVELS);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    const double truth = 5, forecasts[ROWS] = { 5, 5, 5, 5 };
    double by_horizon[ROWS];
    for (uint64_t step = 1; step < 100; step++) {
        interval_tracker_step(&tracker, step, &truth, forecasts, ROWS);
    }
    const struct crossing at = { 0, true, 5 }, over = { 0, true, 6 }, beyond = { 0, true, 4 };
    crossing_probabilities(&at, &tracker, forecasts, ROWS, by_horizon);
    ck_assert(by_horizon[ROWS - 1] == 0);
    crossing_probabilities(&over, &tracker, forecasts, ROWS, by_horizon);
    ck_assert(by_horizon[ROWS - 1] == 0);
    crossing_probabilities(&beyond, &tracker, forecasts, ROWS, by_horizon);
    ck_assert_double_eq_tol(by_horizon[0], 1, 1e-15);
    ck_assert_double_eq_tol(by_horizon[ROWS - 1], 1, 1e-15);
    free(tracker.bytes);
}

TEST(what_is_not_known_is_not_told)
{
    struct interval_untracked untracked = { .n = 0 };
    interval_untracked_add(&untracked, 0);
    const struct interval_layout layout = interval_layout_without(&untracked, 2, 2, LEVELS);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    double truths[2] = { 0, 0 }, forecasts[2 * ROWS] = { 0 }, by_horizon[ROWS];
    const struct crossing first = { 0, true, 1 }, second = { 1, true, 1 };
    for (uint64_t step = 1; step < 22; step++) {
        truths[1] = (double)tracker_noise(step);
        interval_tracker_step(&tracker, step, truths, forecasts, 2);
    }
    crossing_probabilities(&second, &tracker, forecasts, ROWS, by_horizon);
    ck_assert(by_horizon[0] > 0 && isnan(by_horizon[1])); /* 20 were scored, and 19 */
    truths[1] = 0.5;
    interval_tracker_step(&tracker, 22, truths, forecasts, 2);
    crossing_probabilities(&second, &tracker, forecasts, ROWS, by_horizon);
    ck_assert(by_horizon[1] > 0 && isnan(by_horizon[2]) && isnan(by_horizon[3]));
    crossing_probabilities(&first, &tracker, forecasts, ROWS, by_horizon);
    ck_assert(isnan(by_horizon[0]));
    crossing_probabilities(&second, NULL, forecasts, ROWS, by_horizon);
    ck_assert(isnan(by_horizon[0]) && isnan(by_horizon[3]));
    free(tracker.bytes);
}

TEST(thresholds_of_any_size_have_probabilities)
{
    static const double sizes[] = { 0, 1e-300, 1, 1e30, 1e300, 1.7e308 };
    struct made made;
    make(&made, growing);
    for (size_t i = 0; i < 4 * sizeof sizes / sizeof *sizes; i++) {
        const double size = sizes[i / 4];
        const struct crossing crossing = { 0, i % 2 > 0, i / 2 % 2 > 0 ? -size : size };
        const double forecasts[ROWS] = { 0, -1e308, 1e308, 3 };
        double by_horizon[ROWS];
        crossing_probabilities(&crossing, &made.tracker, forecasts, ROWS, by_horizon);
        for (size_t row = 0; row < ROWS; row++) {
            ck_assert(by_horizon[row] >= 0 && by_horizon[row] <= 1);
        }
    }
    free(made.tracker.bytes);
}
