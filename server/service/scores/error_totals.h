/*
 * error_totals.h - how good the one-step forecasts of a model's sessions were, and the prediction
 * intervals that they were given: sums of what error_measures.h makes figures of. As totals since
 * grud started, and as sums that forget: each reading counts a hundredth less than the next one of
 * its thread, so half of what counts came with the last 69.
 *
 * Each thread counts in a tally of its own, without a lock or an atomic addition; any thread may
 * add them up at any time. A sum that is read while its thread counts may lack the newest reading
 * in a part. Of a model with very many outputs the first ones stand for it, so that neither a step
 * nor a look at all models takes long.
 */
#ifndef ERROR_TOTALS_H
#define ERROR_TOTALS_H

#include "service/scores/error_measures.h"
#include "service/scores/interval_levels.h"

#include <stdatomic.h>
#include <stddef.h>

/* Of an output, by one thread; the reading and the one before it were there. */
struct error_tally {
    struct error_tally_sums {
        _Atomic double n, absolute, squared, symmetric, persistence;
        _Atomic double truth_mean, forecast_mean, truth_squares, forecast_squares, products;
        /* of those whose value a season before was known */
        _Atomic double n_seasonal, seasonal, seasonal_model;
    } spans[ERROR_N_SPANS];
};
/* Of an output and a level, by one thread; the interval had bounds. */
struct interval_tally {
    struct interval_tally_sums {
        _Atomic double n, covered, width, score;
    } spans[ERROR_N_SPANS];
};

/* The tallies of a model: reference-counted, as its copies share them. */
struct error_totals;
/* NULL: no memory. */
struct error_totals *error_totals_create(size_t n_outputs);
struct error_totals *error_totals_ref(struct error_totals *totals);
void error_totals_unref(struct error_totals *totals); /* takes NULL */

/* Threads have numbers from 0, each its own. */
enum { ERROR_TOTALS_THREADS = 512, ERROR_TOTALS_OUTPUTS = 16 };
/* How many outputs are counted. */
size_t error_totals_n(const struct error_totals *totals);
/* The thread's tallies [error_totals_n], made at its first call. NULL: there is no memory for them,
 * or the number is too high; its errors are not counted then. */
struct error_tally *error_totals_of(struct error_totals *totals, unsigned thread);
/* Likewise [error_totals_n][INTERVAL_LEVELS_MAX]: an operator's levels, in their order. */
struct interval_tally *error_totals_intervals_of(struct error_totals *totals, unsigned thread);

/* By the tally's own thread. persistence: the last value that was known before the reading;
 * seasonal_naive: the value one season before it, NaN: it is not known. */
void error_tally_note(struct error_tally *tally, double truth, double forecast, double persistence,
                      double seasonal_naive);
void interval_tally_note(struct interval_tally *tally, double level, double truth, double lower,
                         double upper);

/* All threads together. Of intervals there are those of that level alone. */
struct error_sums error_totals_sum(const struct error_totals *totals, size_t output,
                                   enum error_span span);
struct error_sums error_totals_sum_intervals(const struct error_totals *totals, size_t output,
                                             size_t level, enum error_span span);
/* The figures of either. The scale of mase is the mean change of the same readings over a season,
 * or from one to the next where no value of a season before was known. */
struct error_figures error_totals_figures(const struct error_sums *sums, double level);

#endif
