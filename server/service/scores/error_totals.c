/* See error_totals.h. */
#include "service/scores/error_totals.h"

#include <stdlib.h>

struct error_totals {
    _Atomic unsigned n_refs;
    size_t n_outputs;
    _Atomic(struct error_tally *) tallies[ERROR_TOTALS_THREADS];
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
    }
    free(totals);
}

size_t error_totals_n(const struct error_totals *totals)
{
    return totals->n_outputs;
}

struct error_tally *error_totals_of(struct error_totals *totals, unsigned thread)
{
    if (thread >= ERROR_TOTALS_THREADS) {
        return NULL;
    }
    struct error_tally *tallies =
        atomic_load_explicit(&totals->tallies[thread], memory_order_relaxed);
    if (!tallies) {
        tallies = calloc(totals->n_outputs, sizeof *tallies);
        atomic_store_explicit(&totals->tallies[thread], tallies, memory_order_release);
    }
    return tallies;
}

static double load(const _Atomic double *sum)
{
    return atomic_load_explicit(sum, memory_order_relaxed);
}

struct error_total error_totals_sum(const struct error_totals *totals, size_t output)
{
    struct error_total total = { 0 };
    double recent_n = 0.0;
    for (size_t k = 0; k < ERROR_TOTALS_THREADS; k++) {
        const struct error_tally *tallies =
            atomic_load_explicit(&totals->tallies[k], memory_order_acquire);
        if (!tallies) {
            continue;
        }
        const struct error_tally *tally = &tallies[output];
        total.n += (double)atomic_load_explicit(&tally->n, memory_order_relaxed);
        total.absolute += load(&tally->absolute);
        total.squared += load(&tally->squared);
        total.persistence += load(&tally->persistence);
        recent_n += load(&tally->recent_n);
        total.recent_absolute += load(&tally->recent_absolute);
        total.recent_squared += load(&tally->recent_squared);
        total.recent_persistence += load(&tally->recent_persistence);
    }
    total.recent_absolute /= recent_n; /* 0 / 0 is NaN */
    total.recent_squared /= recent_n;
    total.recent_persistence /= recent_n;
    return total;
}
