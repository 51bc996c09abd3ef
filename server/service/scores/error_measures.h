/*
 * error_measures.h - how far forecasts were from what came: running sums, and the measures that
 * they make. Pure arithmetic in doubles, no memory of its own; any thread.
 *
 * With e = truth - forecast, over the n forecasts that have a truth:
 *
 *   mae     mean |e|
 *
 *   rmse    sqrt(mean e^2)
 *
 *   smape   mean 200 |e| / (|truth| + |forecast|), from 0 to 200; 0 where both are 0 (S. Makridakis
 *           and M. Hibon, "The M3-Competition", Int. J. Forecasting 16(4), 2000)
 *
 *   mase    mae / scale; the scale is the mean |z_t - z_(t-m)| of the whole series, m its season,
 *           else 1 (R. J. Hyndman and A. B. Koehler, "Another look at measures of forecast
 *           accuracy", Int. J. Forecasting 22(4), 2006; their scale is that of the training part,
 *           which a back-test does not have)
 *
 *   rse     sqrt(sum e^2 / sum (truth - mean truth)^2)
 *
 *   corr    Pearson's correlation of truth and forecast (both: G. Lai, W.-C. Chang, Y. Yang and
 *           H. Liu, "Modeling Long- and Short-Term Temporal Patterns ...", SIGIR 2018)
 *
 *   skill   1 - mae / mae of a reference, over the forecasts for which there is one: persistence
 *           (the last value that was known), and the seasonal naive (the last known value of the
 *           same season). 0: no better; 1: perfect
 *
 * and of the prediction intervals [l, u] of a level, alpha = 1 - level:
 *
 *   coverage        how many held the truth
 *
 *   mean_width      mean u - l
 *
 *   interval_score  mean (u - l) + 2 / alpha (l - truth if below, truth - u if above)
 *
 *   pinball         mean of the quantile losses of l at alpha / 2 and of u at 1 - alpha / 2 (both:
 *                   T. Gneiting and A. E. Raftery, "Strictly Proper Scoring Rules, Prediction, and
 *                   Estimation", J. Am. Stat. Assoc. 102(477), 2007; R. L. Winkler 1972 and
 *                   R. Koenker and G. Bassett 1978)
 *
 * What cannot be said is NaN: of no forecasts, of a constant truth, of a scale of 0.
 */
#ifndef ERROR_MEASURES_H
#define ERROR_MEASURES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* Which forecasts count: all, or the recent ones, of which older ones count less. */
enum error_span { ERROR_SPAN_ALL, ERROR_SPAN_RECENT, ERROR_N_SPANS };

/* THE table of measures: the words of the API. */
#define ERROR_MEASURE_TABLE(X)                                                                     \
    X(MAE, "mae")                                                                                  \
    X(RMSE, "rmse")                                                                                \
    X(SMAPE, "smape")                                                                              \
    X(MASE, "mase")                                                                                \
    X(RSE, "rse")                                                                                  \
    X(CORR, "corr")                                                                                \
    X(SKILL_VS_PERSISTENCE, "skill_vs_persistence")                                                \
    X(SKILL_VS_SEASONAL_NAIVE, "skill_vs_seasonal_naive")                                          \
    X(COVERAGE, "coverage")                                                                        \
    X(MEAN_WIDTH, "mean_width")                                                                    \
    X(INTERVAL_SCORE, "interval_score")                                                            \
    X(PINBALL, "pinball")

enum error_measure {
#define ERROR_MEASURE_ENUM(name, word) ERROR_##name,
    ERROR_MEASURE_TABLE(ERROR_MEASURE_ENUM)
#undef ERROR_MEASURE_ENUM
        ERROR_N_MEASURES
};

const char *error_measure_word(enum error_measure measure);

/* A sum that keeps what rounding takes from it (A. Neumaier, ZAMM 54(1), 1974; without a branch by
 * D. E. Knuth's sum of two, The Art of Computer Programming 2, 4.2.2). */
struct running_sum {
    double sum, rest;
};

/* Of a reference forecast, where there is one, beside the model's of the same. */
struct reference_sums {
    double n;
    struct running_sum absolute, model_absolute;
};

/* Begins as zeros. Means and squares by B. P. Welford's recurrence (Technometrics 4(3), 1962). The
 * counts are exact up to 2^53; of sums that forget they are the weights that are left. */
struct error_sums {
    double n;
    struct running_sum absolute, squared, symmetric;
    double truth_mean, forecast_mean, truth_squares, forecast_squares, products;
    struct reference_sums persistence, seasonal_naive;
    double n_intervals, n_covered;
    struct running_sum width, interval_score;
};

/* A forecast and what came. NaN: there is none. */
struct scored_forecast {
    double truth; /* is there */
    double forecast, persistence, seasonal_naive;
    double lower, upper;
};

/* What smape is the mean of. */
static inline double error_symmetric(double truth, double forecast)
{
    const double size = fabs(truth) + fabs(forecast);
    return size > 0.0 ? 200.0 * fabs(truth - forecast) / size : 0.0;
}

/* How far the truth is outside of an interval; 0: within. */
static inline double error_missed(double truth, double lower, double upper)
{
    return fmax(fmax(lower - truth, truth - upper), 0.0);
}

/* What interval_score is the mean of. */
static inline double error_interval_score(double level, double truth, double lower, double upper)
{
    return upper - lower + 2.0 / (1.0 - level) * error_missed(truth, lower, upper);
}

/* level: of the interval. */
void error_sums_add(struct error_sums *sums, const struct scored_forecast *scored, double level);
/* Both sets of forecasts as one (T. F. Chan, G. H. Golub and R. J. LeVeque, 1979). */
void error_sums_merge(struct error_sums *sums, const struct error_sums *others);

struct error_figures {
    uint64_t n, n_intervals;
    double values[ERROR_N_MEASURES];
};

/* scale: of mase; NaN: none. */
struct error_figures error_figures_of(const struct error_sums *sums, double scale, double level);

/* Means over sets of figures, of each measure over those that have it; the counts are sums. Begins
 * as zeros. */
struct error_mean {
    struct error_figures sums;
    uint64_t n_said[ERROR_N_MEASURES];
};
void error_mean_add(struct error_mean *mean, const struct error_figures *figures);
struct error_figures error_mean_of(const struct error_mean *mean);

/* The scale of mase: the mean |z_t - z_(t-season)| of the pairs that are there; NaN: there are
 * none. z: [n], of values that are `stride` apart. */
double error_scale(const double *z, size_t n, size_t stride, size_t season);

#endif
