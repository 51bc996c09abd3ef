#include "service/scores/error_measures.h"

#include "test.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

static struct scored_forecast forecast_of(double truth, double forecast)
{
    return (struct scored_forecast){ .truth = truth,
                                     .forecast = forecast,
                                     .persistence = truth + 1.0,
                                     .seasonal_naive = NAN,
                                     .lower = forecast - 0.5,
                                     .upper = forecast + 0.5 };
}

/* Truths far from 0, as a pressure in Pa: what a sum of squares alone would lose. */
static struct scored_forecast number(size_t k)
{
    double truth = 1e7 + (double)(k * 2654435761U % 1000) / 1000.0;
    return forecast_of(truth, truth + (double)(k * 40503U % 100) / 100.0 - 0.5);
}

TEST(no_forecasts_have_no_figures)
{
    const struct error_sums sums = { 0 };
    const struct error_figures figures = error_figures_of(&sums, 1.0, 0.9);
    ck_assert_uint_eq(figures.n, 0);
    for (enum error_measure m = 0; m < ERROR_N_MEASURES; m++) {
        ck_assert_msg(isnan(figures.values[m]), "%s", error_measure_word(m));
    }
}

TEST(sums_of_parts_merge_to_those_of_the_whole)
{
    enum { N = 1000 };
    struct error_sums whole = { 0 }, parts[3] = { 0 }, merged = { 0 };
    for (size_t k = 0; k < N; k++) {
        const struct scored_forecast scored = number(k);
        error_sums_add(&whole, &scored, 0.9);
        error_sums_add(&parts[k < 10 ? 0 : 1], &scored, 0.9); /* the last has none */
    }
    for (size_t k = 0; k < 3; k++) {
        error_sums_merge(&merged, &parts[k]);
    }
    const struct error_figures a = error_figures_of(&whole, 0.5, 0.9),
                               b = error_figures_of(&merged, 0.5, 0.9);
    ck_assert_uint_eq(a.n, b.n);
    ck_assert_uint_eq(a.n_intervals, b.n_intervals);
    for (enum error_measure m = 0; m < ERROR_N_MEASURES; m++) {
        ck_assert_msg((isnan(a.values[m]) && isnan(b.values[m])) ||
                          fabs(a.values[m] - b.values[m]) <= 1e-9 * fabs(a.values[m]),
                      "%s: %.17g, not %.17g", error_measure_word(m), b.values[m], a.values[m]);
    }
}

TEST(small_errors_count_beside_a_huge_one)
{
    enum { N = 100000 };
    struct error_sums sums = { 0 };
    const struct scored_forecast huge = forecast_of(0.0, 1e20), small = forecast_of(0.0, 1.0);
    error_sums_add(&sums, &huge, 0.9);
    for (size_t k = 0; k < N; k++) {
        error_sums_add(&sums, &small, 0.9);
    }
    const struct error_figures figures = error_figures_of(&sums, NAN, 0.9);
    ck_assert_double_eq(figures.values[ERROR_MAE], (1e20 + (double)N) / (double)(N + 1));
    ck_assert_double_gt(figures.values[ERROR_MAE], 1e20 / (double)(N + 1));
}

TEST(figures_of_the_largest_floats_are_finite)
{
    struct error_sums sums = { 0 };
    const struct scored_forecast far = forecast_of(-(double)FLT_MAX, (double)FLT_MAX),
                                 near = forecast_of(0.0, 0.0);
    error_sums_add(&sums, &far, 0.9);
    error_sums_add(&sums, &near, 0.9);
    const struct error_figures figures = error_figures_of(&sums, (double)FLT_MIN, 0.9);
    for (enum error_measure m = 0; m < ERROR_N_MEASURES; m++) {
        bool has_none = m == ERROR_SKILL_VS_SEASONAL_NAIVE;
        ck_assert_msg(has_none || isfinite(figures.values[m]), "%s: %g", error_measure_word(m),
                      figures.values[m]);
    }
    ck_assert_double_eq(figures.values[ERROR_SMAPE], 100.0); /* 200 and 0 */
}

TEST(a_mean_over_outputs_is_of_those_that_have_the_measure)
{
    struct error_figures one = { .n = 3, .n_intervals = 2 }, other = { .n = 4 };
    struct error_mean mean = { 0 };
    for (enum error_measure m = 0; m < ERROR_N_MEASURES; m++) {
        one.values[m] = m == ERROR_MASE ? NAN : 1.0;
        other.values[m] = m == ERROR_CORR ? NAN : 3.0;
    }
    error_mean_add(&mean, &one);
    error_mean_add(&mean, &other);
    const struct error_figures figures = error_mean_of(&mean);
    ck_assert_uint_eq(figures.n, 7);
    ck_assert_uint_eq(figures.n_intervals, 2);
    ck_assert_double_eq(figures.values[ERROR_MAE], 2.0);
    ck_assert_double_eq(figures.values[ERROR_MASE], 3.0);
    ck_assert_double_eq(figures.values[ERROR_CORR], 1.0);
}

TEST(the_scale_is_of_pairs_that_are_there)
{
    const double z[] = { 1.0F, 9.0F, NAN, 9.0F, 4.0F, 9.0F, 2.0F, 9.0F, 7.0F, 9.0F };
    ck_assert_double_eq(error_scale(z, 5, 2, 1), (2.0 + 5.0) / 2.0);
    ck_assert_double_eq(error_scale(z, 5, 2, 2), (3.0 + 3.0) / 2.0);
    ck_assert(isnan(error_scale(z, 5, 2, 5)));
    ck_assert_double_eq(error_scale(z + 1, 5, 2, 1), 0.0);
}

TEST(each_measure_has_a_word_of_its_own)
{
    for (enum error_measure a = 0; a < ERROR_N_MEASURES; a++) {
        for (enum error_measure b = 0; b < a; b++) {
            ck_assert_str_ne(error_measure_word(a), error_measure_word(b));
        }
    }
}
