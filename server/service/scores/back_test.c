/* See back_test.h. */
#include "service/scores/back_test.h"

#include <math.h>
#include <string.h>

static struct interval_tracker tracker_of(const struct back_test *test)
{
    return (struct interval_tracker){ &test->layout, &test->levels, test->tracked };
}

static bool begin_intervals(struct back_test *test, struct arena *arena)
{
    size_t n = test->horizon * test->n_outputs;
    test->lower = arena_array(arena, n, sizeof *test->lower);
    test->upper = arena_array(arena, n, sizeof *test->upper);
    if (!test->lower || !test->upper) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        test->lower[k] = test->upper[k] = (double)NAN;
    }
    if (test->level == 0.0) {
        return true;
    }
    test->levels = (struct interval_levels){ .n = 1, .level = { test->level } };
    test->layout = interval_layout_without(&test->untracked, test->n_outputs, test->horizon, 1);
    if (test->is_wide) {
        test->layout = interval_layout_wide(&test->layout);
    }
    test->tracked = arena_alloc(arena, test->layout.n_bytes);
    const struct interval_tracker tracker = tracker_of(test);
    if (test->tracked) {
        interval_tracker_begin(&tracker);
    }
    return test->tracked != NULL;
}

bool back_test_begin(struct back_test *test, struct arena *arena)
{
    const size_t n_outputs = test->n_outputs;
    test->n_windows = test->n_values - test->horizon;
    test->n_done = 0;
    test->sums = arena_array(arena, test->horizon * n_outputs, sizeof *test->sums);
    test->scales = arena_array(arena, n_outputs, sizeof *test->scales);
    test->last = arena_array(arena, n_outputs, sizeof *test->last);
    if (!test->sums || !test->scales || !test->last || !begin_intervals(test, arena)) {
        return false;
    }
    memset(test->sums, 0, test->horizon * n_outputs * sizeof *test->sums);
    for (size_t o = 0; o < n_outputs; o++) {
        test->scales[o] = error_scale(test->values + o, test->n_values, n_outputs,
                                      test->season > 0 ? test->season : 1);
        test->last[o] = (double)NAN;
    }
    return true;
}

/* The newest value of the same season that the origin knows, for the row `ahead` of it. */
static double seasonal_naive(const struct back_test *test, size_t ahead, size_t o)
{
    if (test->season == 0) {
        return (double)NAN;
    }
    size_t back = (ahead + test->season - 1) / test->season * test->season,
           row = test->n_done + ahead;
    return row < back ? (double)NAN : test->values[(row - back) * test->n_outputs + o];
}

/* The forecasts of all outputs, `ahead` steps ahead. */
static void score_row(struct back_test *test, size_t ahead, const double *forecast)
{
    const size_t first = (ahead - 1) * test->n_outputs;
    const double *truth = test->values + (test->n_done + ahead) * test->n_outputs;
    for (size_t o = 0; o < test->n_outputs; o++) {
        if (isnan(truth[o])) {
            continue;
        }
        const struct scored_forecast scored = { .truth = truth[o],
                                                .forecast = forecast[o],
                                                .persistence = test->last[o],
                                                .seasonal_naive = seasonal_naive(test, ahead, o),
                                                .lower = test->lower[first + o],
                                                .upper = test->upper[first + o] };
        error_sums_add(&test->sums[first + o], &scored, test->level);
    }
}

void back_test_take(struct back_test *test, const double *forecasts)
{
    const double *now = test->values + test->n_done * test->n_outputs;
    for (size_t o = 0; o < test->n_outputs; o++) {
        test->last[o] = isnan(now[o]) ? test->last[o] : now[o];
    }
    if (test->level > 0.0) {
        const struct interval_tracker tracker = tracker_of(test);
        interval_tracker_step(&tracker, test->n_done + 1, now, forecasts, test->horizon);
        (void)interval_tracker_bounds(&tracker, 0, forecasts, test->horizon, test->lower,
                                      test->upper);
    }
    for (size_t ahead = 1; ahead <= test->horizon; ahead++) {
        score_row(test, ahead, forecasts + (ahead - 1) * test->n_outputs);
    }
    test->n_done++;
}

/* ---- figures ---- */

struct error_figures back_test_ahead(const struct back_test *test, size_t ahead)
{
    struct error_mean mean = { 0 };
    for (size_t o = 0; o < test->n_outputs; o++) {
        const struct error_figures figures = error_figures_of(
            &test->sums[(ahead - 1) * test->n_outputs + o], test->scales[o], test->level);
        error_mean_add(&mean, &figures);
    }
    return error_mean_of(&mean);
}

struct error_figures back_test_output(const struct back_test *test, size_t output)
{
    struct error_sums all = { 0 };
    for (size_t k = 0; k < test->horizon; k++) {
        error_sums_merge(&all, &test->sums[k * test->n_outputs + output]);
    }
    return error_figures_of(&all, test->scales[output], test->level);
}

struct error_figures back_test_all(const struct back_test *test)
{
    struct error_mean mean = { 0 };
    for (size_t o = 0; o < test->n_outputs; o++) {
        const struct error_figures figures = back_test_output(test, o);
        error_mean_add(&mean, &figures);
    }
    return error_mean_of(&mean);
}
