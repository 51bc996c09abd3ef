/*
 * workers.h - what all workers of the daemon share. Main's thread writes it before they run; from
 * then on it is read-only, except for its atomics and what main's thread alone uses.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include "base/arena.h"
#include "base/endpoint.h"
#include "http/addresses.h"
#include "http/client_errors.h"
#include "http/metrics.h"
#include "http/router.h"

#include <stdatomic.h>

enum { WORKERS_MAX = 256 };

struct http {
    const struct config *config;
    const struct route *routes;
    size_t n_routes;
    struct router *router;
    struct keys *keys; /* main's thread's */
    struct addresses addresses;
    struct arena_total memory; /* of the requests in hand */
    struct endpoint endpoint;
    size_t n_workers;
    struct worker **workers;
    double started_at;                            /* the process, Unix seconds */
    const struct metrics *metrics[WORKERS_MAX];   /* [n_workers]: each is one worker's */
    struct client_errors_told client_errors_told; /* main's thread's */
    int *listen_fds;                              /* [n_workers] until http_start; then -1 */
    atomic_bool is_draining;
    atomic_size_t n_running;        /* workers' threads */
    _Atomic int64_t drain_until_ns; /* of the monotonic clock */
    atomic_size_t n_connections;    /* of all workers */
};

static inline bool workers_are_draining(const struct http *http)
{
    return atomic_load_explicit(&http->is_draining, memory_order_acquire);
}

#endif
