/*
 * worker.h - the insides that the files of this folder share: the daemon's workers, and the
 * requests they have in hand. A worker and all that hangs on it belong to its thread; `struct http`
 * is read-only once the workers run, but for its atomics.
 */
#ifndef WORKER_H
#define WORKER_H

#include "http/addresses.h"
#include "http/deadlines.h"
#include "http/http.h"
#include "http/listen.h"
#include "http/load.h"
#include "http/metrics.h"
#include "http/router.h"
#include "http/stream.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    SURPLUS_CONNECTIONS = 256, /* beyond --connection-max, so that they can be told */
    SURPLUS_OF_ADDRESS = 16,   /* the same, beyond --connection-address-max */
    SURPLUS_SECONDS = 5,
    QUERIES_MAX = 8,
    BATCH_STEPS = 4096,       /* of one turn */
    STEPS_PER_REQUEST = 1024, /* of those, so that a long list does not keep the others waiting */
    KEPT_BYTES_MAX = 512,
    KEPT_MAX = 512 /* replies of a worker that are used again */
};

enum phase {
    PHASE_BODY,       /* the body is arriving */
    PHASE_STEPPING,   /* its steps are handed in, or wait for another turn */
    PHASE_PREDICTING, /* its prediction goes on, a slice at a time */
    PHASE_ANSWERED,   /* request->reply is ready; what is left of the body is dropped */
    PHASE_QUEUED      /* libmicrohttpd has the reply */
};

struct query {
    const char *name, *value;
};

/* A request and its reply, on their way. */
struct exchange {
    struct request
        request; /* the first member: http_hand_in and http_query find the exchange from it */
    TAILQ_ENTRY(exchange) link; /* among the worker's that are stepping, predicting, or free */
    struct worker *worker;
    struct MHD_Connection *mhd;
    struct connection *connection;
    const char *method, *path; /* raw, in libmicrohttpd's memory */
    enum phase phase;
    unsigned allowed; /* the methods of the path, for Allow; 0: not to be sent */
    bool is_handed_in;
    bool is_shed;        /* refused for too much load: the reply is made already */
    size_t n_steps_done; /* those before it are done */
    size_t n_rows; /* of as many steps as one turn takes: what they add to the worker's load */
    size_t n_head; /* bytes of the request's head, or 0: not known */
    uint64_t n_expected; /* of the body, or 0 */
    size_t n_announced;  /* of that, counted in http->memory until it is here */
    uint64_t n_dropped;
    char *body;
    size_t body_size;
    struct kept_reply *kept; /* the reply that is being sent, if it is to be used again */
    struct stream stream;    /* the reply goes on, if this has a source */
    struct query queries[QUERIES_MAX];
    size_t n_queries;
};

TAILQ_HEAD(exchange_list, exchange);

struct worker {
    struct http *http;
    struct service_context *context; /* the service's */
    struct MHD_Daemon *daemon;
    struct metrics *metrics;
    struct keys *keys;               /* NULL: none is asked for */
    _Atomic(struct keys *) new_keys; /* access.h */
    pthread_t thread;
    bool is_running;  /* the thread is to be joined */
    int listen_fd;    /* -1 once closed */
    int events_fd;    /* libmicrohttpd's epoll */
    int wake_fd;      /* an eventfd */
    bool is_in_place; /* libmicrohttpd 0.9: headers lie in the receive buffer as they came */
    bool is_draining;
    bool has_stopped_listening; /* nobody new comes in */
    unsigned n_last_turns;      /* in which those who stood at the door came in */
    int64_t now_ns;             /* of the monotonic clock, read once or twice a turn */
    size_t n_requests;          /* whose first line has arrived and whose answer is not sent */
    struct load load;
    struct deadlines deadlines;
    struct streams streams;
    struct exchange_list stepping, predicting,
        free;         /* the former two in the order of their arrival */
    unsigned n_turns; /* since the last slice of a prediction */
    size_t n_free;
    struct kept_reply *kept[KEPT_BYTES_MAX + 1]; /* by length */
    size_t n_kept;
    struct MHD_Response *shed; /* the reply to what is refused for too much load */
    struct step *batch[BATCH_STEPS];
};

struct http {
    const struct config *config;
    struct router *router;
    struct keys *keys; /* main's thread's */
    struct addresses addresses;
    struct arena_total memory; /* of the requests in hand */
    struct endpoint endpoint;
    size_t n_workers;
    struct worker **workers;
    int *listen_fds; /* [n_workers] until http_start; then -1 */
    atomic_bool is_draining;
    atomic_size_t n_running;        /* workers' threads */
    _Atomic int64_t drain_until_ns; /* of the monotonic clock */
    atomic_size_t n_connections;    /* of all workers */
};

/* ---- worker.c ---- */

/* Takes over the listening socket, also on failure. The thread is not started yet. */
__attribute__((warn_unused_result)) enum status worker_start(struct http *http,
                                                             struct service *service, int listen_fd,
                                                             struct worker **ret_worker,
                                                             struct fault *fault);
bool worker_run_thread(struct worker *worker, size_t number);
void worker_wake(struct worker *worker);
/* Waits for the thread, which ends once http->is_draining. */
void worker_join(struct worker *worker);
/* In the place of worker_join, where the process is about to end around the thread. */
void worker_abandon(struct worker *worker);
/* worker_join, and frees all. */
void worker_stop(struct worker *worker);
/* Whether poll finds something to read or accept there. */
bool worker_is_readable(int fd);
void worker_read_clock(struct worker *worker);
/* How much work a step is: itself, and what it looks ahead. */
size_t worker_step_rows(const struct step *step);
/* Whether an address has more connections than one may have. */
bool worker_has_many_of(const struct http *http, uint64_t address);

/* ---- drain.c ---- */

/* Whether the worker is done: asked between turns. The first time after http_drain it begins the
 * end. */
bool drain_is_over(struct worker *worker);
/* Whether a reply is to say that it is the last one on its connection. */
bool drain_is_last(const struct exchange *exchange);

/* ---- exchange.c: libmicrohttpd's callbacks; `worker` is a struct worker ---- */

void *exchange_on_target(void *worker, const char *target, struct MHD_Connection *mhd);
enum MHD_Result exchange_on_call(void *worker, struct MHD_Connection *mhd, const char *path,
                                 const char *method, const char *version, const char *upload,
                                 size_t *n_upload, void **exchange);
void exchange_on_completed(void *worker, struct MHD_Connection *mhd, void **exchange,
                           enum MHD_RequestTerminationCode reason);
/* What it handed in is done, and the route's finish makes the reply; or it has failed. */
void exchange_finish(struct exchange *exchange, enum status status);
void exchange_free_all(struct exchange_list *list);

/* ---- limits.c: each refuses what is too much, and counts it ---- */

enum status limit_head(struct exchange *exchange);
enum status limit_connections(struct exchange *exchange);
enum status
limit_load(struct exchange *exchange); /* whether it can be served in time; the route is known */
enum status
limit_prediction(struct exchange *exchange); /* one that is long, before its first slice */
enum status limit_streams(struct exchange *exchange);

/* ---- body.c ---- */

struct guard;
/* Whether the body that was announced may come. */
enum status body_check(struct exchange *exchange, const struct guard *guard);
/* Takes a piece of it. */
enum status body_add(struct exchange *exchange, const char *bytes, size_t n);
/* It has come, or never will: its memory is the arena's, or nobody's. */
void body_settle(struct exchange *exchange);
size_t body_limit(const struct request *request); /* in bytes; the route is known */

/* ---- query.c ---- */

/* Decodes the query parameters; a name that is given twice is refused. */
enum status query_read(struct exchange *exchange);

/* ---- reply.c ---- */

/* Makes request->reply the error of request->fault. */
void reply_fail(struct exchange *exchange, enum status status);
/* Makes it the refusal for too much load. */
void reply_shed(struct exchange *exchange);
/* Gives request->reply to libmicrohttpd. */
enum MHD_Result reply_queue(struct exchange *exchange);
/* Lets a stream's connection go on. */
void reply_resume(struct stream *stream);
/* It is sent, or will never be. */
void reply_done(struct exchange *exchange);
/* What is made once for all replies. */
bool reply_prepare(struct worker *worker);
void reply_free_kept(struct worker *worker);

#endif
