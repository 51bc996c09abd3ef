#include "service/scores/error_totals.h"

#include "test.h"

#include <float.h>
#include <math.h>

static struct error_figures figures_of(const struct error_totals *totals, size_t output,
                                       enum error_span span)
{
    const struct error_sums sums = error_totals_sum(totals, output, span);
    return error_totals_figures(&sums, NAN);
}

static double measure(const struct error_totals *totals, enum error_span span,
                      enum error_measure measure)
{
    return figures_of(totals, 0, span).values[measure];
}

/* Truths, forecasts, and the readings before, as four threads see them. */
enum { N_THREADS = 4, N_READINGS = 400, SEASON = 12 };
static const unsigned threads[N_THREADS] = { 0, 1, 7, ERROR_TOTALS_THREADS - 1 };
static double truth_at(size_t k)
{
    return 1e5 + (double)(k * 2654435761U % 1000) / 1000.0;
}

static double forecast_at(size_t k)
{
    return truth_at(k) + (double)(k * 40503U % 100) / 200.0 - 0.25;
}

TEST(the_figures_of_all_threads_are_those_of_one_series)
{
    struct error_totals *totals = error_totals_create(2);
    struct error_sums whole = { 0 };
    ck_assert_ptr_nonnull(totals);
    for (size_t k = 1; k <= N_READINGS; k++) {
        const double season_ago = k > SEASON ? truth_at(k - SEASON) : NAN;
        const struct scored_forecast scored = { .truth = truth_at(k),
                                                .forecast = forecast_at(k),
                                                .persistence = truth_at(k - 1),
                                                .seasonal_naive = season_ago,
                                                .lower = NAN,
                                                .upper = NAN };
        error_sums_add(&whole, &scored, 0.9);
        error_tally_note(&error_totals_of(totals, threads[k % N_THREADS])[1], scored.truth,
                         scored.forecast, scored.persistence, season_ago);
    }
    const struct error_figures expected = error_totals_figures(&whole, 0.9),
                               figures = figures_of(totals, 1, ERROR_SPAN_ALL);
    ck_assert_uint_eq(figures.n, N_READINGS);
    for (enum error_measure m = ERROR_MAE; m <= ERROR_SKILL_VS_SEASONAL_NAIVE; m++) {
        ck_assert_msg(
            fabs(figures.values[m] - expected.values[m]) <= 1e-9 * fabs(expected.values[m]),
            "%s: %.17g, not %.17g", error_measure_word(m), figures.values[m], expected.values[m]);
    }
    double seasonal = 0;
    for (size_t k = SEASON + 1; k <= N_READINGS; k++) {
        seasonal += fabs(truth_at(k) - truth_at(k - SEASON)) / (N_READINGS - SEASON);
    }
    ck_assert_double_eq_tol(figures.values[ERROR_MASE], figures.values[ERROR_MAE] / seasonal, 1e-9);
    ck_assert_uint_eq(figures_of(totals, 0, ERROR_SPAN_ALL).n, 0);
    ck_assert(isnan(measure(totals, ERROR_SPAN_RECENT, ERROR_MAE)));
    error_totals_unref(totals);
}

/* By the definition: a reading that k others of its thread came after counts 0.99^k. */
TEST(recent_figures_weigh_by_age)
{
    struct error_totals *totals = error_totals_create(1);
    struct error_tally *tally = error_totals_of(totals, 3);
    double n = 0, absolute = 0, symmetric = 0, still = 0, squared = 0, t = 0, y = 0;
    for (size_t k = 1; k <= N_READINGS; k++) {
        const double weight = pow(0.99, (double)(N_READINGS - k)), truth = truth_at(k),
                     forecast = forecast_at(k), e = truth - forecast;
        error_tally_note(tally, truth, forecast, truth_at(k - 1), NAN);
        n += weight;
        absolute += weight * fabs(e);
        squared += weight * e * e;
        symmetric += weight * 200.0 * fabs(e) / (fabs(truth) + fabs(forecast));
        still += weight * fabs(truth - truth_at(k - 1));
        t += weight * (truth - 1e5);
        y += weight * (forecast - 1e5);
    }
    double tt = 0, yy = 0, ty = 0;
    for (size_t k = 1; k <= N_READINGS; k++) {
        const double weight = pow(0.99, (double)(N_READINGS - k)),
                     d_truth = truth_at(k) - 1e5 - t / n, d_y = forecast_at(k) - 1e5 - y / n;
        tt += weight * d_truth * d_truth;
        yy += weight * d_y * d_y;
        ty += weight * d_truth * d_y;
    }
    const double expected[] = { [ERROR_MAE] = absolute / n,
                                [ERROR_RMSE] = sqrt(squared / n),
                                [ERROR_SMAPE] = symmetric / n,
                                [ERROR_MASE] = absolute / still,
                                [ERROR_RSE] = sqrt(squared / tt),
                                [ERROR_CORR] = ty / sqrt(tt * yy),
                                [ERROR_SKILL_VS_PERSISTENCE] = 1.0 - absolute / still };
    for (enum error_measure m = ERROR_MAE; m <= ERROR_SKILL_VS_PERSISTENCE; m++) {
        const double value = measure(totals, ERROR_SPAN_RECENT, m);
        ck_assert_msg(fabs(value - expected[m]) <= 1e-7 * fabs(expected[m]), "%s: %.17g, not %.17g",
                      error_measure_word(m), value, expected[m]);
    }
    error_totals_unref(totals);
}

TEST(recent_errors_are_forgotten_and_totals_are_not)
{
    struct error_totals *totals = error_totals_create(1);
    struct error_tally *tally = error_totals_of(totals, 3);
    for (int k = 0; k < 2000; k++) {
        error_tally_note(tally, k < 1000 ? 10.0 : 1.0, 0.0, 0.0, NAN);
    }
    ck_assert_double_eq(measure(totals, ERROR_SPAN_ALL, ERROR_MAE), 5.5);
    ck_assert_double_eq_tol(measure(totals, ERROR_SPAN_RECENT, ERROR_MAE), 1.0, 1e-3);
    /* Half of what counts is what came with the last 69. */
    for (int k = 0; k < 69; k++) {
        error_tally_note(tally, 3.0, 0.0, 0.0, NAN);
    }
    ck_assert_double_eq_tol(measure(totals, ERROR_SPAN_RECENT, ERROR_MAE), 2.0, 0.01);
    /* The largest reading is forgotten, too. */
    error_tally_note(tally, (double)FLT_MAX, -(double)FLT_MAX, 0.0, NAN);
    for (int k = 0; k < 30000; k++) {
        error_tally_note(tally, k % 2, k % 2, 0.5, NAN);
    }
    ck_assert_double_eq_tol(measure(totals, ERROR_SPAN_RECENT, ERROR_MAE), 0.0, 1e-9);
    ck_assert_double_eq_tol(measure(totals, ERROR_SPAN_RECENT, ERROR_CORR), 1.0, 1e-9);
    error_totals_unref(totals);
}

TEST(intervals_are_scored_by_their_level)
{
    static const double level = 0.8;
    enum { WHICH = 2 };
    struct error_totals *totals = error_totals_create(2);
    for (int k = 0; k < 3; k++) {
        struct interval_tally *tallies = error_totals_intervals_of(totals, (unsigned)k % 2);
        ck_assert_ptr_nonnull(tallies);
        interval_tally_note(&tallies[INTERVAL_LEVELS_MAX + WHICH], level, k == 2 ? 7.0 : 5.0, 4.0,
                            6.0);
    }
    const struct error_sums sums = error_totals_sum_intervals(totals, 1, WHICH, ERROR_SPAN_ALL),
                            none = error_totals_sum_intervals(totals, 1, 0, ERROR_SPAN_ALL);
    const struct error_figures figures = error_totals_figures(&sums, level);
    ck_assert_uint_eq(figures.n_intervals, 3);
    ck_assert_double_eq_tol(figures.values[ERROR_COVERAGE], 2.0 / 3.0, 1e-12);
    ck_assert_double_eq_tol(figures.values[ERROR_MEAN_WIDTH], 2.0, 1e-12);
    ck_assert_double_eq_tol(figures.values[ERROR_INTERVAL_SCORE], (6.0 + 10.0) / 3.0, 1e-12);
    ck_assert_double_eq_tol(figures.values[ERROR_PINBALL], 0.05 * 16.0 / 3.0, 1e-12);
    ck_assert(isnan(figures.values[ERROR_MAE]));
    ck_assert_double_eq(none.n_intervals, 0.0);
    ck_assert_ptr_null(error_totals_intervals_of(totals, ERROR_TOTALS_THREADS));
    error_totals_unref(totals);
}

TEST(the_totals_of_very_many_outputs_are_those_of_the_first)
{
    struct error_totals *totals = error_totals_create(65536);
    ck_assert_uint_eq(error_totals_n(totals), ERROR_TOTALS_OUTPUTS);
    ck_assert_ptr_null(error_totals_of(totals, ERROR_TOTALS_THREADS));
    error_totals_unref(error_totals_ref(totals));
    error_totals_unref(totals);
    error_totals_unref(NULL);
}
