/* See error_totals.h. */
#include "service/scores/error_totals.h"

#include <math.h>
#include <stdlib.h>

/* What the sums of a span keep of themselves when a reading comes. */
static const double keeps[ERROR_N_SPANS] = { [ERROR_SPAN_ALL] = 1.0, [ERROR_SPAN_RECENT] = 0.99 };

struct error_totals {
    _Atomic unsigned n_refs;
    size_t n_outputs;
    _Atomic(struct error_tally *) tallies[ERROR_TOTALS_THREADS];
    _Atomic(struct interval_tally *) intervals[ERROR_TOTALS_THREADS];
    _Atomic unsigned n_threads; /* beyond which no thread has counted */
};

struct error_totals *error_totals_create(size_t n_outputs)
{
    struct error_totals *totals = calloc(1, sizeof *totals);
    if (totals) {
        totals->n_outputs = n_outputs < ERROR_TOTALS_OUTPUTS ? n_outputs : ERROR_TOTALS_OUTPUTS;
        atomic_init(&totals->n_refs, 1);
    }
    return totals;
}

struct error_totals *error_totals_ref(struct error_totals *totals)
{
    atomic_fetch_add(&totals->n_refs, 1);
    return totals;
}

void error_totals_unref(struct error_totals *totals)
{
    if (!totals || atomic_fetch_sub(&totals->n_refs, 1) != 1) {
        return;
    }
    for (size_t k = 0; k < ERROR_TOTALS_THREADS; k++) {
        free(atomic_load(&totals->tallies[k]));
        free(atomic_load(&totals->intervals[k]));
    }
    free(totals);
}

size_t error_totals_n(const struct error_totals *totals)
{
    return totals->n_outputs;
}

/* Before the tallies of the thread are there to be seen. */
static void note_thread(struct error_totals *totals, unsigned thread)
{
    unsigned n = atomic_load(&totals->n_threads);
    while (n <= thread && !atomic_compare_exchange_weak(&totals->n_threads, &n, thread + 1)) {
    }
}

struct error_tally *error_totals_of(struct error_totals *totals, unsigned thread)
{
    if (thread >= ERROR_TOTALS_THREADS) {
        return NULL;
    }
    struct error_tally *tallies =
        atomic_load_explicit(&totals->tallies[thread], memory_order_relaxed);
    if (!tallies) {
        note_thread(totals, thread);
        tallies = calloc(totals->n_outputs, sizeof *tallies);
        atomic_store_explicit(&totals->tallies[thread], tallies, memory_order_release);
    }
    return tallies;
}

struct interval_tally *error_totals_intervals_of(struct error_totals *totals, unsigned thread)
{
    if (thread >= ERROR_TOTALS_THREADS) {
        return NULL;
    }
    struct interval_tally *tallies =
        atomic_load_explicit(&totals->intervals[thread], memory_order_relaxed);
    if (!tallies) {
        note_thread(totals, thread);
        tallies = calloc(totals->n_outputs * INTERVAL_LEVELS_MAX, sizeof *tallies);
        atomic_store_explicit(&totals->intervals[thread], tallies, memory_order_release);
    }
    return tallies;
}

/* ---- counting: the only writer needs no atomic addition ---- */

static double load(const _Atomic double *sum)
{
    return atomic_load_explicit(sum, memory_order_relaxed);
}

static void store(_Atomic double *sum, double value)
{
    atomic_store_explicit(sum, value, memory_order_relaxed);
}

static void add(_Atomic double *sum, double keep, double value)
{
    store(sum, keep * load(sum) + value);
}

/* Welford's recurrence with weights (D. H. D. West, Comm. ACM 22(9), 1979). */
static void add_moments(struct error_tally_sums *sums, double keep, double truth, double forecast)
{
    const double share = 1.0 / load(&sums->n);
    const double d_truth = truth - load(&sums->truth_mean),
                 d_forecast = forecast - load(&sums->forecast_mean);
    const double truth_mean = load(&sums->truth_mean) + d_truth * share,
                 forecast_mean = load(&sums->forecast_mean) + d_forecast * share;
    store(&sums->truth_mean, truth_mean);
    store(&sums->forecast_mean, forecast_mean);
    add(&sums->truth_squares, keep, d_truth * (truth - truth_mean));
    add(&sums->forecast_squares, keep, d_forecast * (forecast - forecast_mean));
    add(&sums->products, keep, d_truth * (forecast - forecast_mean));
}

void error_tally_note(struct error_tally *tally, double truth, double forecast, double persistence,
                      double seasonal_naive)
{
    const double e = truth - forecast, symmetric = error_symmetric(truth, forecast);
    for (enum error_span span = 0; span < ERROR_N_SPANS; span++) {
        struct error_tally_sums *sums = &tally->spans[span];
        const double keep = keeps[span];
        add(&sums->n, keep, 1.0);
        add(&sums->absolute, keep, fabs(e));
        add(&sums->squared, keep, e * e);
        add(&sums->symmetric, keep, symmetric);
        add(&sums->persistence, keep, fabs(truth - persistence));
        add_moments(sums, keep, truth, forecast);
        if (!isnan(seasonal_naive)) {
            add(&sums->n_seasonal, keep, 1.0);
            add(&sums->seasonal, keep, fabs(truth - seasonal_naive));
            add(&sums->seasonal_model, keep, fabs(e));
        }
    }
}

void interval_tally_note(struct interval_tally *tally, double level, double truth, double lower,
                         double upper)
{
    const double score = error_interval_score(level, truth, lower, upper);
    const bool is_covered = error_missed(truth, lower, upper) == 0.0;
    for (enum error_span span = 0; span < ERROR_N_SPANS; span++) {
        struct interval_tally_sums *sums = &tally->spans[span];
        const double keep = keeps[span];
        add(&sums->n, keep, 1.0);
        add(&sums->covered, keep, is_covered);
        add(&sums->width, keep, upper - lower);
        add(&sums->score, keep, score);
    }
}

/* ---- adding up ---- */

struct error_sums error_totals_sum(const struct error_totals *totals, size_t output,
                                   enum error_span span)
{
    struct error_sums all = { 0 };
    const unsigned n_threads = atomic_load(&totals->n_threads);
    for (unsigned k = 0; k < n_threads; k++) {
        const struct error_tally *tallies =
            atomic_load_explicit(&totals->tallies[k], memory_order_acquire);
        if (!tallies) {
            continue;
        }
        const struct error_tally_sums *sums = &tallies[output].spans[span];
        const struct error_sums of_thread = {
            .n = load(&sums->n),
            .absolute.sum = load(&sums->absolute),
            .squared.sum = load(&sums->squared),
            .symmetric.sum = load(&sums->symmetric),
            .truth_mean = load(&sums->truth_mean),
            .forecast_mean = load(&sums->forecast_mean),
            .truth_squares = load(&sums->truth_squares),
            .forecast_squares = load(&sums->forecast_squares),
            .products = load(&sums->products),
            .persistence = { .n = load(&sums->n),
                             .absolute.sum = load(&sums->persistence),
                             .model_absolute.sum = load(&sums->absolute) },
            .seasonal_naive = { .n = load(&sums->n_seasonal),
                                .absolute.sum = load(&sums->seasonal),
                                .model_absolute.sum = load(&sums->seasonal_model) },
        };
        error_sums_merge(&all, &of_thread);
    }
    return all;
}

struct error_sums error_totals_sum_intervals(const struct error_totals *totals, size_t output,
                                             size_t level, enum error_span span)
{
    struct error_sums all = { 0 };
    const unsigned n_threads = atomic_load(&totals->n_threads);
    for (unsigned k = 0; k < n_threads; k++) {
        const struct interval_tally *tallies =
            atomic_load_explicit(&totals->intervals[k], memory_order_acquire);
        if (!tallies) {
            continue;
        }
        const struct interval_tally_sums *sums =
            &tallies[output * INTERVAL_LEVELS_MAX + level].spans[span];
        const struct error_sums of_thread = { .n_intervals = load(&sums->n),
                                              .n_covered = load(&sums->covered),
                                              .width.sum = load(&sums->width),
                                              .interval_score.sum = load(&sums->score) };
        error_sums_merge(&all, &of_thread);
    }
    return all;
}

struct error_figures error_totals_figures(const struct error_sums *sums, double level)
{
    const struct reference_sums *changes =
        sums->seasonal_naive.n > 0.0 ? &sums->seasonal_naive : &sums->persistence;
    const double scale = changes->n > 0.0 ? changes->absolute.sum / changes->n : NAN;
    return error_figures_of(sums, scale, level);
}
