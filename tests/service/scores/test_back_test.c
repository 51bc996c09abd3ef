/* Against the figures of an independent implementation (evaluated.h). */
#include "service/scores/back_test.h"

#include "evaluated.h"
#include "test.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double EXACT = 1e-9;

/* What each case's outputs feed; make.py has the same. */
static const int *feeds_of(const char *name)
{
    static const int first[] = { 0 }, several[] = { 0, 1, -1 }, steps[] = { 1 };
    return strcmp(name, "several") == 0 || strcmp(name, "residual") == 0 ? several
           : strcmp(name, "steps") == 0                                  ? steps
                                                                         : first;
}

static struct back_test begin(const struct evaluated *e, double level, struct arena *arena)
{
    struct back_test test = { .values = e->values,
                              .n_values = e->n_values,
                              .n_outputs = e->n_outputs,
                              .horizon = e->horizon,
                              .season = e->season,
                              .level = level };
    arena_init(arena, 1 << 24);
    ck_assert(back_test_begin(&test, arena));
    ck_assert_uint_eq(test.n_windows, e->n_windows);
    return test;
}

static const double *origin(const struct evaluated *e, const double *values, size_t t)
{
    return values + t * e->horizon * e->n_outputs;
}

TEST(every_figure_is_that_of_its_formula)
{
    for (const char *const *name = evaluated_names; *name; name++) {
        struct evaluated e = evaluated_load(*name, feeds_of(*name));
        struct arena arena;
        struct back_test test = begin(&e, 0.0, &arena);
        for (size_t t = 0; t < e.n_windows; t++) {
            back_test_take(&test, origin(&e, e.forecasts, t));
        }
        struct error_figures figures = back_test_all(&test);
        expect_figures(*name, &figures, &e.all, ERROR_MAE, ERROR_SKILL_VS_SEASONAL_NAIVE, EXACT);
        for (size_t h = 1; h <= e.horizon; h++) {
            figures = back_test_ahead(&test, h);
            expect_figures(*name, &figures, &e.by_ahead[h - 1], ERROR_MAE,
                           ERROR_SKILL_VS_SEASONAL_NAIVE, EXACT);
        }
        for (size_t o = 0; o < e.n_outputs; o++) {
            figures = back_test_output(&test, o);
            expect_figures(*name, &figures, &e.by_output[o], ERROR_MAE,
                           ERROR_SKILL_VS_SEASONAL_NAIVE, EXACT);
            ck_assert_uint_eq(figures.n_intervals, 0);
            ck_assert(isnan(figures.values[ERROR_COVERAGE]));
        }
        arena_done(&arena);
        evaluated_free(&e);
    }
}

/* With the bounds that make.py made up. */
TEST(every_figure_of_intervals_is_that_of_its_formula)
{
    for (const char *const *name = evaluated_names; *name; name++) {
        struct evaluated e = evaluated_load(*name, feeds_of(*name));
        for (size_t o = 0; o < e.n_outputs; o++) {
            struct error_sums sums = { 0 };
            for (size_t k = 0; k < e.n_windows * e.horizon; k++) {
                size_t at = k * e.n_outputs + o, row = k / e.horizon + k % e.horizon + 1;
                struct scored_forecast scored = { .truth = e.values[row * e.n_outputs + o],
                                                  .forecast = e.forecasts[at],
                                                  .persistence = NAN,
                                                  .seasonal_naive = NAN,
                                                  .lower = e.bounds[2 * at],
                                                  .upper = e.bounds[2 * at + 1] };
                if (!isnan(scored.truth)) {
                    error_sums_add(&sums, &scored, e.level);
                }
            }
            struct error_figures figures = error_figures_of(&sums, NAN, e.level);
            expect_figures(*name, &figures, &e.by_output[o], ERROR_COVERAGE, ERROR_PINBALL, EXACT);
            ck_assert_uint_eq(figures.n_intervals, e.by_output[o].n_intervals);
        }
        evaluated_free(&e);
    }
}

/* Bounds as a session is told them, scored as they were issued. */
TEST(intervals_are_those_of_a_tracker_that_saw_the_origins)
{
    enum { LEVELS = 1 };
    struct evaluated e = evaluated_load("residual", feeds_of("residual"));
    const struct interval_levels levels = { .n = LEVELS, .level = { 0.8 } };
    const struct interval_layout layout = interval_layout_of(e.n_outputs, e.horizon, LEVELS);
    struct arena arena, other;
    struct back_test test = begin(&e, 0.8, &arena);
    arena_init(&other, 1 << 24);
    struct interval_tracker tracker = { &layout, &levels, arena_alloc(&other, layout.n_bytes) };
    double *lower = arena_array(&other, e.horizon * e.n_outputs, sizeof *lower),
           *upper = arena_array(&other, e.horizon * e.n_outputs, sizeof *upper);
    size_t n = 0, n_covered = 0;
    double width = 0.0;
    interval_tracker_begin(&tracker);
    for (size_t t = 0; t < e.n_windows; t++) {
        const double *forecasts = origin(&e, e.forecasts, t);
        back_test_take(&test, forecasts);
        interval_tracker_step(&tracker, t + 1, e.values + t * e.n_outputs, forecasts, e.horizon);
        interval_tracker_bounds(&tracker, 0, forecasts, e.horizon, lower, upper);
        for (size_t h = 0; h < e.horizon; h++) {
            double truth = e.values[(t + 1 + h) * e.n_outputs], l = lower[h * e.n_outputs],
                   u = upper[h * e.n_outputs];
            if (!isnan(l)) {
                n++;
                n_covered += truth >= l && truth <= u;
                width += (double)u - (double)l;
            }
        }
    }
    struct error_figures figures = back_test_output(&test, 0);
    ck_assert_uint_gt(n, 300);
    ck_assert_uint_eq(figures.n_intervals, n);
    ck_assert_double_eq_tol(figures.values[ERROR_COVERAGE], (double)n_covered / (double)n, EXACT);
    ck_assert_double_eq_tol(figures.values[ERROR_MEAN_WIDTH], width / (double)n, 1e-6);
    arena_done(&arena);
    arena_done(&other);
    evaluated_free(&e);
}

TEST(a_back_test_without_memory_does_not_begin)
{
    struct evaluated e = evaluated_load("one", feeds_of("one"));
    struct back_test test = { .values = e.values,
                              .n_values = e.n_values,
                              .n_outputs = e.n_outputs,
                              .horizon = e.horizon,
                              .level = 0.9 };
    size_t n_refused = 0;
    bool has_begun = false;
    for (size_t cap = 256; !has_begun; cap += 256) {
        struct arena arena;
        arena_init(&arena, cap);
        has_begun = back_test_begin(&test, &arena);
        n_refused += !has_begun;
        arena_done(&arena);
    }
    ck_assert_uint_gt(n_refused, 0);
    evaluated_free(&e);
}
