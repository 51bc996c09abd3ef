/* See error_measures.h. */
#include "service/scores/error_measures.h"

#include <math.h>

const char *error_measure_word(enum error_measure measure)
{
    static const char *const words[ERROR_N_MEASURES] = {
#define ERROR_MEASURE_WORD(name, word) [ERROR_##name] = (word),
        ERROR_MEASURE_TABLE(ERROR_MEASURE_WORD)
#undef ERROR_MEASURE_WORD
    };
    return words[measure];
}

/* ---- sums ---- */

static inline void add(struct running_sum *to, double value)
{
    double sum = to->sum + value, added = sum - to->sum;
    to->rest += (to->sum - (sum - added)) + (value - added);
    to->sum = sum;
}

static double total(const struct running_sum *sum)
{
    return sum->sum + sum->rest;
}

static void merge(struct running_sum *to, const struct running_sum *from)
{
    add(to, from->sum);
    to->rest += from->rest;
}

static void add_moments(struct error_sums *sums, double truth, double forecast)
{
    double share = 1.0 / sums->n, d_truth = truth - sums->truth_mean,
           d_forecast = forecast - sums->forecast_mean;
    sums->truth_mean += d_truth * share;
    sums->forecast_mean += d_forecast * share;
    sums->truth_squares += d_truth * (truth - sums->truth_mean);
    sums->forecast_squares += d_forecast * (forecast - sums->forecast_mean);
    sums->products += d_truth * (forecast - sums->forecast_mean);
}

static void add_reference(struct reference_sums *sums, double truth, double reference,
                          double absolute)
{
    if (!isnan(reference)) {
        sums->n += 1.0;
        add(&sums->absolute, fabs(truth - reference));
        add(&sums->model_absolute, absolute);
    }
}

static void add_interval(struct error_sums *sums, const struct scored_forecast *scored,
                         double level)
{
    if (isnan(scored->lower) || isnan(scored->upper)) {
        return;
    }
    sums->n_intervals += 1.0;
    sums->n_covered += error_missed(scored->truth, scored->lower, scored->upper) == 0.0;
    add(&sums->width, scored->upper - scored->lower);
    add(&sums->interval_score,
        error_interval_score(level, scored->truth, scored->lower, scored->upper));
}

void error_sums_add(struct error_sums *sums, const struct scored_forecast *scored, double level)
{
    double e = scored->truth - scored->forecast, absolute = fabs(e);
    sums->n += 1.0;
    add(&sums->absolute, absolute);
    add(&sums->squared, e * e);
    add(&sums->symmetric, error_symmetric(scored->truth, scored->forecast));
    add_moments(sums, scored->truth, scored->forecast);
    add_reference(&sums->persistence, scored->truth, scored->persistence, absolute);
    add_reference(&sums->seasonal_naive, scored->truth, scored->seasonal_naive, absolute);
    add_interval(sums, scored, level);
}

static void merge_moments(struct error_sums *sums, const struct error_sums *others)
{
    double n = sums->n + others->n;
    if (others->n == 0.0) {
        return;
    }
    double share = others->n / n, weight = sums->n * share,
           d_truth = others->truth_mean - sums->truth_mean,
           d_forecast = others->forecast_mean - sums->forecast_mean;
    sums->truth_squares += others->truth_squares + weight * d_truth * d_truth;
    sums->forecast_squares += others->forecast_squares + weight * d_forecast * d_forecast;
    sums->products += others->products + weight * d_truth * d_forecast;
    sums->truth_mean += share * d_truth;
    sums->forecast_mean += share * d_forecast;
}

static void merge_reference(struct reference_sums *sums, const struct reference_sums *others)
{
    sums->n += others->n;
    merge(&sums->absolute, &others->absolute);
    merge(&sums->model_absolute, &others->model_absolute);
}

void error_sums_merge(struct error_sums *sums, const struct error_sums *others)
{
    merge_moments(sums, others); /* before the count is changed */
    sums->n += others->n;
    merge(&sums->absolute, &others->absolute);
    merge(&sums->squared, &others->squared);
    merge(&sums->symmetric, &others->symmetric);
    merge_reference(&sums->persistence, &others->persistence);
    merge_reference(&sums->seasonal_naive, &others->seasonal_naive);
    sums->n_intervals += others->n_intervals;
    sums->n_covered += others->n_covered;
    merge(&sums->width, &others->width);
    merge(&sums->interval_score, &others->interval_score);
}

/* ---- figures ---- */

static double ratio(double a, double b)
{
    return b > 0.0 ? a / b : NAN;
}

static double skill(const struct reference_sums *sums)
{
    return 1.0 - ratio(total(&sums->model_absolute), total(&sums->absolute));
}

struct error_figures error_figures_of(const struct error_sums *sums, double scale, double level)
{
    double n = sums->n, n_intervals = sums->n_intervals, mae = ratio(total(&sums->absolute), n),
           interval_score = ratio(total(&sums->interval_score), n_intervals);
    return (struct error_figures){
        .n = (uint64_t)n,
        .n_intervals = (uint64_t)n_intervals,
        .values = {
            [ERROR_MAE] = mae,
            [ERROR_RMSE] = sqrt(ratio(total(&sums->squared), n)),
            [ERROR_SMAPE] = ratio(total(&sums->symmetric), n),
            [ERROR_MASE] = ratio(mae, scale),
            [ERROR_RSE] = sqrt(ratio(total(&sums->squared), sums->truth_squares)),
            [ERROR_CORR] = ratio(sums->products,
                                 sqrt(sums->truth_squares) * sqrt(sums->forecast_squares)),
            [ERROR_SKILL_VS_PERSISTENCE] = skill(&sums->persistence),
            [ERROR_SKILL_VS_SEASONAL_NAIVE] = skill(&sums->seasonal_naive),
            [ERROR_COVERAGE] = ratio(sums->n_covered, n_intervals),
            [ERROR_MEAN_WIDTH] = ratio(total(&sums->width), n_intervals),
            [ERROR_INTERVAL_SCORE] = interval_score,
            /* The two quantile losses sum to alpha / 2 of the interval score. */
            [ERROR_PINBALL] = (1.0 - level) / 4.0 * interval_score,
        },
    };
}

void error_mean_add(struct error_mean *mean, const struct error_figures *figures)
{
    mean->sums.n += figures->n;
    mean->sums.n_intervals += figures->n_intervals;
    for (enum error_measure measure = 0; measure < ERROR_N_MEASURES; measure++) {
        if (!isnan(figures->values[measure])) {
            mean->sums.values[measure] += figures->values[measure];
            mean->n_said[measure]++;
        }
    }
}

struct error_figures error_mean_of(const struct error_mean *mean)
{
    struct error_figures figures = mean->sums;
    for (enum error_measure measure = 0; measure < ERROR_N_MEASURES; measure++) {
        figures.values[measure] = ratio(figures.values[measure], (double)mean->n_said[measure]);
    }
    return figures;
}

double error_scale(const double *z, size_t n, size_t stride, size_t season)
{
    struct running_sum sum = { 0 };
    uint64_t n_pairs = 0;
    for (size_t t = season; t < n; t++) {
        double change = z[t * stride] - z[(t - season) * stride];
        if (!isnan(change)) {
            add(&sum, fabs(change));
            n_pairs++;
        }
    }
    return ratio(total(&sum), (double)n_pairs);
}
