/*
 * metrics.h - what the workers count. Each worker writes figures of its own, so that counting takes
 * no lock and no atomic addition; any thread may add them up (figures.h).
 */
#ifndef METRICS_H
#define METRICS_H

#include "base/histogram.h"
#include "base/status.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Why requests and connections were turned away that were not wrong: what there was too much of. */
#define REFUSAL_TABLE(X)                                                                           \
    X(LIGHT, "light") /* steps and whatever costs as little */                                     \
    X(HEAVY, "heavy") /* sequences, jobs, uploads */                                               \
    X(MEMORY, "memory")                                                                            \
    X(STREAM, "stream")                                                                            \
    X(CONNECTION, "connection")                                                                    \
    X(ADDRESS, "address") /* one connection more from an address */

enum refusal {
#define REFUSAL_ENUM(name, word) REFUSED_##name,
    REFUSAL_TABLE(REFUSAL_ENUM)
#undef REFUSAL_ENUM
        N_REFUSALS
};

/* What work waits for: its worker, or one of the threads of service/disk_thread.h. */
#define WAIT_TABLE(X)                                                                              \
    X(STEPS, "steps")                                                                              \
    X(PREDICTIONS, "predictions") /* that are done in slices */                                    \
    X(MODELS, "models")                                                                            \
    X(JOBS, "jobs")                                                                                \
    X(BODIES, "bodies") /* to be read, or replies to be printed, that are large */                 \
    X(LISTS, "lists")                                                                              \
    X(SESSIONS, "sessions") /* that the engine of a cluster has */

enum wait {
#define WAIT_ENUM(name, word) WAIT_##name,
    WAIT_TABLE(WAIT_ENUM)
#undef WAIT_ENUM
        N_WAITS
};

enum {
    METRICS_FIRST_CODES = 5, /* before those of the table of statuses (metrics.c) */
    METRICS_CODES = METRICS_FIRST_CODES + STATUS_COUNT + 1
};

struct metrics {
    _Atomic uint64_t n_aborted, n_connections, n_streams;
    struct histogram requests_took, steps_took, predictions_took;
    struct histogram waits[N_WAITS];
    _Atomic uint64_t refusals[N_REFUSALS];
    _Atomic uint64_t requests[][METRICS_CODES]; /* [n_routes + 1]; the last: no route */
};

/* NULL: no memory. */
struct metrics *metrics_create(size_t n_routes);

/* ---- the worker that owns them ---- */

/* `route`: its index, or n_routes where none was found; code 0: the client hung up before it was
 * answered. */
void metrics_count(struct metrics *metrics, size_t route, int code, int64_t duration_ns);
void metrics_connections(struct metrics *metrics, size_t n);
void metrics_streams(struct metrics *metrics, size_t n);
void metrics_refuse(struct metrics *metrics, enum refusal refusal);
/* n steps of a batch that took so long, and one prediction. */
void metrics_steps(struct metrics *metrics, size_t n, int64_t duration_ns);
void metrics_prediction(struct metrics *metrics, int64_t duration_ns);
void metrics_wait(struct metrics *metrics, enum wait wait, int64_t duration_ns);

/* ---- any thread ---- */

/* The sum over the workers of the figure that lies at this offset in each. */
uint64_t metrics_sum(const struct metrics *const *workers, size_t n_workers, size_t at);
/* Where a route's requests with the k-th code are counted. */
size_t metrics_at_requests(size_t route, size_t k);
/* The label of the k-th code. A code that the table of statuses has several times is counted at the
 * first of them. */
const char *metrics_code(size_t k);
const char *metrics_refusal(enum refusal refusal);
const char *metrics_wait_word(enum wait wait);

#endif
