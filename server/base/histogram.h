/*
 * histogram.h - how often durations fell between bounds that all histograms share. One thread
 * counts, so that takes no lock and no atomic addition; any thread may read.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Upper bounds, as nanoseconds and as seconds. A duration of exactly that long is within. */
// clang-format off
#define HISTOGRAM_TABLE(X) \
    X(5000, "0.000005") X(10000, "0.00001") X(25000, "0.000025") \
    X(50000, "0.00005") X(100000, "0.0001") X(250000, "0.00025") \
    X(500000, "0.0005") X(1000000, "0.001") X(2500000, "0.0025") \
    X(5000000, "0.005") X(10000000, "0.01") X(25000000, "0.025") \
    X(50000000, "0.05") X(100000000, "0.1") X(250000000, "0.25") \
    X(500000000, "0.5") X(1000000000, "1") \
    X(2500000000, "2.5") X(5000000000, "5") X(10000000000, "10")
// clang-format on

static const int64_t histogram_bounds_ns[] = {
#define HISTOGRAM_BOUND(ns, seconds) (ns),
    HISTOGRAM_TABLE(HISTOGRAM_BOUND)
#undef HISTOGRAM_BOUND
};

enum { HISTOGRAM_BOUNDS = sizeof histogram_bounds_ns / sizeof *histogram_bounds_ns };

struct histogram {
    _Atomic uint64_t n[HISTOGRAM_BOUNDS + 1]; /* in each bucket; the last: beyond all bounds */
    _Atomic uint64_t sum_ns;
};

/* The only writer needs no atomic addition, only a store that readers never see half of. */
static inline void histogram_count(_Atomic uint64_t *figure, uint64_t n)
{
    uint64_t sum = atomic_load_explicit(figure, memory_order_relaxed) + n;
    atomic_store_explicit(figure, sum, memory_order_relaxed);
}

/* n things that took so long each. */
static inline void histogram_add(struct histogram *histogram, int64_t ns, uint64_t n)
{
    size_t k = 0;
    while (k + 4 <= HISTOGRAM_BOUNDS && ns > histogram_bounds_ns[k + 3]) {
        k += 4;
    }
    while (k < HISTOGRAM_BOUNDS && ns > histogram_bounds_ns[k]) {
        k++;
    }
    histogram_count(&histogram->n[k], n);
    histogram_count(&histogram->sum_ns, (uint64_t)ns * n);
}

#endif
