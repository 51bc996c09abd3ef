/*
 * error_totals.h - how far the one-step forecasts of a model's sessions were from the readings that
 * came, beside persistence: the same value again. As totals since grud started, and as sums that
 * forget: each error counts a hundredth less than the next one of its thread.
 *
 * Each thread counts in a tally of its own, without a lock or an atomic addition; any thread may
 * add them up at any time. Of a model with very many outputs the first ones stand for it, so that
 * neither a step nor a look at all models takes long.
 */
#ifndef ERROR_TOTALS_H
#define ERROR_TOTALS_H

#include <math.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Of an output, by one thread; the reading and the one before it were there. */
struct error_tally {
    _Atomic uint64_t n;
    _Atomic double absolute, squared, persistence;
    _Atomic double recent_n, recent_absolute, recent_squared, recent_persistence;
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

/* By the tally's own thread. The only writer needs no atomic addition. */
static inline void error_tally_add(_Atomic double *sum, double keep, double value)
{
    double before = atomic_load_explicit(sum, memory_order_relaxed);
    atomic_store_explicit(sum, keep * before + value, memory_order_relaxed);
}

static inline void error_tally_note(struct error_tally *tally, double error, double persistence)
{
    static const double keep = 0.99;
    const double absolute = fabs(error), squared = error * error, still = fabs(persistence);
    atomic_store_explicit(&tally->n, atomic_load_explicit(&tally->n, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    error_tally_add(&tally->absolute, 1.0, absolute);
    error_tally_add(&tally->squared, 1.0, squared);
    error_tally_add(&tally->persistence, 1.0, still);
    error_tally_add(&tally->recent_n, keep, 1.0);
    error_tally_add(&tally->recent_absolute, keep, absolute);
    error_tally_add(&tally->recent_squared, keep, squared);
    error_tally_add(&tally->recent_persistence, keep, still);
}

/* All threads together. The recent ones are means; NaN: there are no errors yet. */
struct error_total {
    double n, absolute, squared, persistence;
    double recent_absolute, recent_squared, recent_persistence;
};
struct error_total error_totals_sum(const struct error_totals *totals, size_t output);

#endif
