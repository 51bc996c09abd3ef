/*
 * metrics.h - what the workers count. Each worker writes figures of its own, so that counting takes
 * no lock and no atomic addition; whoever asks for /metrics adds them up, from any thread.
 */
#ifndef METRICS_H
#define METRICS_H

#include "codec/codec.h"
#include "http/route.h"

#include <stdatomic.h>

enum { METRICS_CODES = 20, METRICS_BUCKETS = 17 };

/* What was turned away because there is too much of it, and not because it is wrong. */
enum refusal {
    REFUSED_LIGHT, /* steps and whatever costs as little */
    REFUSED_HEAVY, /* sequences, jobs, uploads */
    REFUSED_MEMORY,
    REFUSED_STREAM,
    REFUSED_CONNECTION,
    REFUSED_ADDRESS, /* a connection more from one address */
    N_REFUSALS
};

struct metrics {
    size_t n_routes;
    _Atomic uint64_t durations[METRICS_BUCKETS + 1]; /* the last: longer than every bound */
    _Atomic uint64_t duration_ns, n_aborted, n_connections, n_streams;
    _Atomic uint64_t refusals[N_REFUSALS];
    _Atomic uint64_t requests[][METRICS_CODES]; /* [n_routes + 1]; the last: no route */
};

struct metrics *metrics_create(size_t n_routes);

/* ---- by the worker that owns them ---- */

/* `route`: its index, or n_routes where none was found; code 0: the client hung up before it was
 * answered. */
void metrics_count(struct metrics *metrics, size_t route, int code, int64_t duration_ns);
void metrics_connections(struct metrics *metrics, size_t n);
void metrics_streams(struct metrics *metrics, size_t n);
void metrics_refuse(struct metrics *metrics, enum refusal refusal);

/* ---- by anyone ---- */

void metrics_put(struct text *text, const struct metrics *const *workers, size_t n_workers,
                 const struct route *routes, size_t n_routes);

#endif
