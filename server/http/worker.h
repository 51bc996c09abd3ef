/*
 * worker.h - a worker: the thread that serves a share of the connections, and everything that
 * belongs to it. Nothing of it is for other threads, but for its atomics and what worker_thread.h
 * says.
 */
#ifndef WORKER_H
#define WORKER_H

#include "base/clock.h"
#include "http/client_errors.h"
#include "http/deadlines.h"
#include "http/hold.h"
#include "http/load.h"
#include "http/offload.h"
#include "http/pending.h"
#include "http/reply.h"
#include "http/stream.h"
#include "http/workers.h"

#include <pthread.h>

struct worker {
    struct http *http;
    struct service_context *context;
    struct MHD_Daemon *daemon;
    struct metrics *metrics;
    struct client_errors client_errors;
    struct keys *keys;               /* NULL: none is asked for */
    _Atomic(struct keys *) new_keys; /* access.h */
    bool has_new_keys;               /* and streams were not looked at since */
    pthread_t thread;
    bool is_running;       /* the thread is to be joined */
    int listen_fd;         /* -1 once closed */
    int events_fd;         /* libmicrohttpd's epoll */
    int wake_fd;           /* an eventfd */
    bool is_in_place;      /* libmicrohttpd 0.9: headers lie in the receive buffer as they came */
    bool is_of_cluster;    /* steps may wait for the engine (service/sessions/steps.h) */
    bool has_engine_news;  /* or may have: nobody has looked */
    int64_t engine_due_ns; /* when its link has something to do without any */
    bool is_draining;
    bool has_stopped_listening;      /* no further connection is accepted */
    bool is_over;                    /* what has not begun never will */
    bool has_rest;                   /* of a body: it is to be taken in the next turn */
    unsigned n_accepting_turns;      /* since the drain began, until it stopped listening */
    int64_t now_ns;                  /* of the monotonic clock, read once or twice a turn */
    struct connection_list arriving; /* connections with a request, the newest first */
    size_t n_requests;               /* whose first line has arrived and whose answer is not sent */
    struct load load;
    struct deadlines deadlines;
    struct streams streams;
    struct pending pending;
    struct offload offload;
    struct holds holds;
    unsigned n_turns;       /* since the last slice of a prediction */
    unsigned n_quiet_turns; /* in which nothing came, while all steps wait for the engine */
    struct exchange_list free;
    size_t n_free;
    struct reply_cache replies;
};

static inline void worker_read_clock(struct worker *worker)
{
    worker->now_ns = clock_monotonic_ns();
}

/* Takes turns until it is drained. */
void worker_run(struct worker *worker);
/* Ends libmicrohttpd's daemon, and with it all connections. Takes a worker that has none. */
void worker_stop_daemon(struct worker *worker);
/* The shortest time after which a connection may have to be cut; the configuration may change. */
int64_t worker_shortest_wait_ns(const struct config *config);

#endif
