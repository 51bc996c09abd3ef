/*
 * exchange.h - a request and its reply on their way, as libmicrohttpd calls for them. Belongs to
 * its worker's thread.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "base/inflater.h"
#include "http/connection.h"
#include "http/request.h"
#include "http/stream.h"
#include "http/timing.h"

enum { QUERIES_MAX = 8 };

enum phase {
    PHASE_BODY,      /* the body is arriving; steps of its first lines may be pending */
    PHASE_WORKING,   /* the body is whole; steps or a prediction are pending */
    PHASE_BLOCKED,   /* its handler is to be called again: another thread has its session */
    PHASE_DUE,       /* its handler, or `finish`, is to be called */
    PHASE_OFFLOADED, /* its handler runs on a disk's thread */
    PHASE_HELD,      /* request->reply is ready, and waits for the disk */
    PHASE_ANSWERED,  /* request->reply is ready; what is left of the body is dropped */
    PHASE_QUEUED     /* libmicrohttpd has the reply */
};

struct query_parameter {
    const char *name, *value;
};

struct exchange {
    struct request request;     /* the first member: exchange_of finds the exchange from it */
    TAILQ_ENTRY(exchange) link; /* among the worker's that are stepping, predicting, or free */
    struct worker *worker;
    struct MHD_Connection *mhd;
    struct connection *connection;
    const char *method, *path; /* raw, in libmicrohttpd's memory */
    const char *origin; /* the page's, if it may read the reply and is named there; or NULL */
    enum phase phase;
    unsigned allowed;    /* the methods of the path, for Allow; 0: not to be sent */
    bool has_no_room;    /* its head leaves no memory for that of the reply */
    bool is_handed_in;   /* its steps are */
    bool has_begun;      /* steps of it may have been done: it is not refused any more */
    bool is_long;        /* what it handed in on another thread is, and was not admitted yet */
    bool is_pending;     /* it is in a list of pending.h */
    bool is_shed;        /* refused for too much load: the reply is made already */
    bool owes_sync;      /* it has written what is to be on disk before its reply goes out */
    bool is_suspended;   /* while it is offloaded, held or blocked */
    bool is_given_up;    /* its client has hung up: libmicrohttpd is told at its next call */
    unsigned n_retries;  /* of its handler */
    bool is_to_finish;   /* while it is blocked or due: it is `finish` that is to be called */
    int64_t retry_ns;    /* while it is blocked: no sooner */
    uint64_t n_sync;     /* while it is held: the number of the worker's sync that it waits for */
    size_t n_steps_done; /* those before it are done */
    size_t n_rows;      /* of as many steps as one turn takes: what they add to the worker's load */
    size_t n_head;      /* bytes of the request's head, or 0: not known */
    size_t n_memory;    /* of its connection, which the head takes */
    int64_t arrived_ns; /* when the newest piece of its body had been taken; 0: there is none */
    int64_t queued_ns;  /* what it asks for waits since then; 0: that is begun, or there is none */
    int64_t begun_ns;   /* its prediction */
    uint64_t n_expected;              /* of the body, or 0 */
    size_t n_announced;               /* of that, counted in http->memory until it is here */
    enum inflater_format body_format; /* it comes compressed */
    struct coded_body *coded;         /* body.c's, once a byte of that has come */
    bool is_coding_refused;
    struct timing timing;
    uint64_t n_dropped;
    char *body;
    size_t body_size;
    struct cached_reply *cached; /* the reply that is being sent, if it came from the cache */
    size_t n_queries;
    struct exchange_buffers *buffers;
};

/* An exchange begins anew with each request, by one assignment. What is too large for that, or is
 * to be used again, lies beside it. */
struct exchange_buffers {
    struct exchange exchange; /* the first member: it is freed by this address */
    struct arena arena;
    struct fault fault;
    struct stream stream;  /* the reply goes on, if this has a source */
    struct disk_task task; /* while its handler is to run on a disk's thread */
    enum disk_queue queue; /* of that thread */
    int64_t waited_ns;     /* there */
    enum status handled;   /* what the handler returned there */
    bool was_blocked;      /* since another thread had its session: it is to be called again */
    char parameters[PATH_PARAMETERS_MAX][SESSION_ID_MAX + 2]; /* of the path, decoded */
    struct query_parameter queries[QUERIES_MAX];
};

TAILQ_HEAD(exchange_list, exchange);

static inline struct exchange *exchange_of(const struct request *request)
{
    return (struct exchange *)(uintptr_t)request;
}

/* Only from within libmicrohttpd's call for it: libmicrohttpd leaves its connection alone until it
 * is resumed. */
static inline void exchange_suspend(struct exchange *exchange)
{
    if (!exchange->is_suspended) {
        exchange->is_suspended = true;
        MHD_suspend_connection(exchange->mhd);
    }
}

/* One that was not suspended yet, because libmicrohttpd has not called, goes on anyway. */
static inline void exchange_resume(struct exchange *exchange)
{
    if (exchange->is_suspended) {
        exchange->is_suspended = false;
        MHD_resume_connection(exchange->mhd);
    }
}

/* What it handed in is done, and the route's finish makes the reply; or it has failed. */
void exchange_finish(struct exchange *exchange, enum status status);
/* Its handler has run on a disk's thread, and returned this. */
void exchange_return(struct exchange *exchange, enum status status);
void exchange_free_all(struct exchange_list *list);

/* ---- libmicrohttpd's callbacks; `worker` is a struct worker ---- */

void *exchange_on_target(void *worker, const char *target, struct MHD_Connection *mhd);
enum MHD_Result exchange_on_call(void *worker, struct MHD_Connection *mhd, const char *path,
                                 const char *method, const char *version, const char *upload,
                                 size_t *n_upload, void **exchange);
void exchange_on_completed(void *worker, struct MHD_Connection *mhd, void **exchange,
                           enum MHD_RequestTerminationCode reason);

#endif
