#include "service/sessions/forecast_errors.h"

#include "service/pool/record_ring.h"
#include "service/scores/drift_watch.h"
#include "service/scores/error_totals.h"
#include "service/scores/interval_tracker.h"
#include "service/sessions/error_notes.h"

#include <math.h>

/* ---- means ---- */

static inline void move(struct running_means *means, struct running_rates rates, double value)
{
    running_means_move(means, rates, value, value);
}

/* The mean square of how far values are from their mean, which moves afterwards. */
static inline void spread(struct running_means *variance, struct running_rates rates,
                          double from_mean_of_all, double from_mean_of_recent)
{
    running_means_move(variance, rates, (1.0 - rates.all) * from_mean_of_all * from_mean_of_all,
                       (1.0 - rates.recent) * from_mean_of_recent * from_mean_of_recent);
}

struct comparison {
    double truth, bias, symmetric, persistence;
};

/* Of what was before, no more than two means are known. */
static void begin_recent(struct record_error *error, const struct comparison *of)
{
    running_means_begin(&error->symmetric, of->symmetric);
    running_means_begin(&error->bias, of->bias);
    running_means_begin(&error->persistence, of->persistence);
    running_means_begin(&error->truth, of->truth);
    running_means_begin(&error->truth_variance, 0.0);
    running_means_begin(&error->forecast_variance, 0.0);
}

static void note(struct record_error *error, const struct comparison *of)
{
    if (isnan(error->symmetric.recent)) {
        begin_recent(error, of);
    }
    error->n++;
    const struct running_rates rates = running_rates_of(error->n);
    const double from_all = of->truth - running_means_all(&error->truth),
                 from_recent = of->truth - error->truth.recent;
    spread(&error->truth_variance, rates, from_all, from_recent);
    /* forecast = truth - bias, and so are their means */
    spread(&error->forecast_variance, rates,
           from_all - (of->bias - running_means_all(&error->bias)),
           from_recent - (of->bias - error->bias.recent));
    move(&error->truth, rates, of->truth);
    move(&error->bias, rates, of->bias);
    move(&error->absolute, rates, fabs(of->bias));
    move(&error->squared, rates, of->bias * of->bias);
    move(&error->symmetric, rates, of->symmetric);
    move(&error->persistence, rates, of->persistence);
}

/* For the first value of a stream persistence says nothing: it counts as the forecast does. */
static struct comparison comparison_of(double truth, double forecast, double last)
{
    const double bias = truth - forecast;
    return (struct comparison){ .truth = truth,
                                .bias = bias,
                                .symmetric = error_symmetric(truth, forecast),
                                .persistence = isnan(last) ? fabs(bias) : fabs(truth - last) };
}

static void note_seasonal(struct record_seasonal *seasonal, double absolute, double reference)
{
    if (seasonal->n < UINT32_MAX) {
        seasonal->n++;
        const struct running_rates rates = running_rates_of(seasonal->n);
        move(&seasonal->model, rates, absolute);
        move(&seasonal->reference, rates, reference);
    }
}

static double of_span(const struct running_means *means, enum error_span span)
{
    return span == ERROR_SPAN_RECENT ? means->recent : running_means_all(means);
}

/* As forecasts are floats, what is less than their last digit is no variance: it is what rounding
 * has left of the means. */
static double variance_of_forecasts(const struct record_error *error, enum error_span span)
{
    const double truth = of_span(&error->truth, span), bias = of_span(&error->bias, span);
    const double variance = of_span(&error->forecast_variance, span);
    return variance > 1e-13 * (truth * truth + bias * bias) ? variance : 0.0;
}

struct error_sums forecast_errors_sums(const struct record_error *error,
                                       const struct record_seasonal *seasonal, enum error_span span)
{
    const double n = error->n, n_naive = seasonal->n, bias = of_span(&error->bias, span),
                 squared = of_span(&error->squared, span),
                 absolute = of_span(&error->absolute, span),
                 truth_variance = fmax(of_span(&error->truth_variance, span), 0.0),
                 forecast_variance = variance_of_forecasts(error, span);
    /* By the variance of a difference. Rounding must not make a correlation of more than 1. */
    const double most = sqrt(truth_variance) * sqrt(forecast_variance),
                 product = (truth_variance + forecast_variance + bias * bias - squared) / 2.0;
    return (struct error_sums){
        .n = n,
        .absolute.sum = n * absolute,
        .squared.sum = n * squared,
        .symmetric.sum = n * of_span(&error->symmetric, span),
        .truth_mean = of_span(&error->truth, span),
        .forecast_mean = of_span(&error->truth, span) - bias,
        .truth_squares = n * truth_variance,
        .forecast_squares = n * forecast_variance,
        .products = n * fmax(fmin(product, most), -most),
        .persistence = { .n = n,
                         .absolute.sum = n * of_span(&error->persistence, span),
                         .model_absolute.sum = n * absolute },
        .seasonal_naive = { .n = n_naive,
                            .absolute.sum = n_naive * of_span(&seasonal->reference, span),
                            .model_absolute.sum = n_naive * of_span(&seasonal->model, span) },
    };
}

/* ---- a reading ---- */

/* What came for an output's forecast; NaN: nothing that it can be compared with. `x`: the input
 * that it feeds. */
static double seen_of(double forecast, double x)
{
    return isnan(forecast) ? (double)NAN : x;
}

/* Of errors as multiples of what they usually are. */
struct standardised {
    double sum, n;
};

/* Before the error is taken into the mean. */
static void standardise(const struct record_error *error, double bias, struct standardised *to)
{
    const double usual = running_means_all(&error->absolute);
    if (error->n >= DRIFT_SESSION_LEAST && usual > 0) {
        to->sum += fabs(bias) / usual;
        to->n += 1.0;
    }
}

/* x: of the input that output o feeds. */
static void note_output(const struct gru_model *gru, const float *state, size_t o, double x,
                        struct record_error *error, struct standardised *standardised)
{
    const size_t fed = (size_t)gru_model_info(gru)->outputs[o].feeds;
    const double forecast = gru_state_y(gru, state, o), seen = seen_of(forecast, x);
    if (!isnan(seen) && error->n < UINT32_MAX) {
        const struct comparison comparison =
            comparison_of(seen, forecast, gru_state_last(gru, state, fed));
        standardise(error, comparison.bias, standardised);
        note(error, &comparison);
    }
}

double forecast_errors_note(const struct gru_model *gru, const float *state, const double *x,
                            struct record_error *errors)
{
    const struct gru_info *info = gru_model_info(gru);
    struct standardised all = { 0 };
    for (size_t o = 0; o < info->n_outputs; o++) {
        if (info->outputs[o].feeds >= 0) {
            note_output(gru, state, o, x[info->outputs[o].feeds], &errors[o], &all);
        }
    }
    return all.n > 0 ? all.sum / all.n : (double)NAN;
}

void forecast_errors_note_kept(const struct gru_model *gru, const float *state,
                               const struct record_layout *layout, const float *reading,
                               struct record_error *errors)
{
    const struct gru_info *info = gru_model_info(gru);
    struct standardised ignored = { 0 };
    for (size_t o = 0; o < info->n_outputs; o++) {
        if (info->outputs[o].feeds >= 0) {
            const size_t fed = (size_t)info->outputs[o].feeds;
            note_output(gru, state, o, record_value(layout, reading, fed), &errors[o], &ignored);
        }
    }
}

void forecast_errors_note_seasonal(const struct gru_model *gru, const float *state, const double *x,
                                   const struct record_layout *layout, const float *season_ago,
                                   struct record_seasonal *seasonal)
{
    const struct gru_info *info = gru_model_info(gru);
    for (size_t o = 0; o < info->n_outputs; o++) {
        const int fed = info->outputs[o].feeds;
        const double forecast = gru_state_y(gru, state, o);
        const double seen = fed >= 0 ? seen_of(forecast, x[fed]) : (double)NAN;
        const double before =
            fed >= 0 ? record_value(layout, season_ago, (size_t)fed) : (double)NAN;
        if (!isnan(seen) && !isnan(before)) {
            note_seasonal(&seasonal[o], fabs(seen - forecast), fabs(seen - before));
        }
    }
}

/* An output's forecast, and what it is compared with: the reading of the input that it feeds, and
 * the last value of that; NaN: it is not there. */
struct compared {
    double seen, forecast, last;
};

static inline struct compared compare(const struct gru_model *gru, const float *state,
                                      const double *x, size_t o, int fed)
{
    const double forecast = gru_state_y(gru, state, o);
    return (struct compared){
        .seen = fed >= 0 ? seen_of(forecast, x[fed]) : (double)NAN,
        .forecast = forecast,
        .last = fed >= 0 ? gru_state_last(gru, state, (size_t)fed) : (double)NAN,
    };
}

static inline bool is_compared(const struct compared *compared)
{
    return !isnan(compared->seen) && !isnan(compared->last);
}

static inline double value_before(const struct record_layout *layout, const float *season_ago,
                                  int fed)
{
    return season_ago ? record_value(layout, season_ago, (size_t)fed) : (double)NAN;
}

void forecast_errors_tally(const struct gru_model *gru, const float *state, const double *x,
                           const struct record_layout *layout, const float *season_ago,
                           struct error_tally *tallies)
{
    const struct gru_info *info = gru_model_info(gru);
    for (size_t o = 0; o < info->n_outputs && o < ERROR_TOTALS_OUTPUTS; o++) {
        const int fed = info->outputs[o].feeds;
        const struct compared of = compare(gru, state, x, o, fed);
        if (is_compared(&of)) {
            error_tally_note(&tallies[o], of.seen, of.forecast, of.last,
                             value_before(layout, season_ago, fed));
        }
    }
}

void forecast_errors_keep(const struct gru_model *gru, const float *state, const double *x,
                          const struct record_layout *layout, const float *season_ago,
                          struct error_notes **notes)
{
    const struct gru_info *info = gru_model_info(gru);
    for (size_t o = 0; o < info->n_outputs && o < ERROR_TOTALS_OUTPUTS; o++) {
        const int fed = info->outputs[o].feeds;
        const struct compared of = compare(gru, state, x, o, fed);
        if (is_compared(&of)) {
            error_notes_add_forecast(notes, o, of.seen, of.forecast, of.last,
                                     value_before(layout, season_ago, fed));
        }
    }
}

void forecast_errors_note_intervals(const struct interval_tracker *tracker, size_t n_outputs,
                                    const struct interval_levels *offered, uint64_t step,
                                    const double *truths, struct interval_tally *tallies,
                                    struct error_notes **notes)
{
    for (size_t o = 0; o < n_outputs && o < ERROR_TOTALS_OUTPUTS; o++) {
        for (size_t k = 0; k < tracker->levels->n && !isnan(truths[o]); k++) {
            const double level = tracker->levels->level[k];
            const size_t place = o * INTERVAL_LEVELS_MAX + interval_levels_find(offered, level);
            double lower, upper;
            if (!interval_tracker_issued(tracker, k, step, o, &lower, &upper)) {
                continue;
            }
            if (tallies) {
                interval_tally_note(&tallies[place], level, truths[o], lower, upper);
            } else {
                error_notes_add_interval(notes, place, level, truths[o], lower, upper);
            }
        }
    }
}
