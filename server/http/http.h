/*
 * http.h - requests and replies, and the workers that carry them. Hides microhttpd.h.
 *
 * Each worker is a thread with a libmicrohttpd daemon of its own on a shared port and an epoll loop
 * of its own. One turn: MHD_run takes in what has arrived and calls handlers; steps that were
 * handed in are worked on as one batch; a second MHD_run sends their answers. Every few turns a
 * slice of the oldest long prediction follows. Handlers run on the worker's thread and never block.
 */
#ifndef HTTP_H
#define HTTP_H

#include "base/arena.h"
#include "secure/keys.h"
#include "service/service.h"

#include <stdbool.h>
#include <stddef.h>

struct http;
struct request;
struct text;

/* What a reply that goes on draws from (stream.h). Called on the worker's thread; nothing in it may
 * wait. */
struct stream_source {
    /* Whether `read` may have more to give than when it was called last. Asked many times a second:
     * no lock, no I/O. */
    bool (*has_news)(const void *state);
    /* Appends what there is by now, or as much of it as a few kilobytes hold; nothing is fine.
     * False: the stream ends behind it. Called from time to time without news, too. */
    bool (*read)(void *state, struct text *text);
};

/* What a handler leaves to be sent. The body lives in the request's arena or is static. */
struct reply {
    int code; /* HTTP status; 0: not answered yet */
    const char *body;
    size_t n_body;
    const char *content_type;           /* NULL: application/json */
    const struct stream_source *source; /* not NULL: Server-Sent Events in the place of a body */
    void *source_state;                 /* in the request's arena */
};

enum body_kind {
    BODY_NONE,          /* a body is refused */
    BODY_EMPTY_OR_JSON, /* none, or application/json, collected whole */
    BODY_JSON,          /* application/json, collected whole */
    BODY_OCTETS,        /* application/octet-stream, collected whole */
    BODY_STEPS,   /* application/json, or application/x-ndjson handed to the route's `upload` as it
                     arrives */
    BODY_TRAINING /* the same, but x-ndjson may be as large as --training-max */
};

enum { PATH_PARAMETERS_MAX = 2 };

/* One row of THE table of routes (routes.c). */
struct route {
    const char *method;
    const char *path; /* "/v1/models/{model}/sessions/{session}/step" */
    /* Answers the request: fills request->reply, or hands in steps or a prediction and leaves
     * reply.code 0, in which case `finish` is called once they are done. A status other than OK is
     * answered from request->fault. */
    enum status (*handle)(struct request *request);
    enum status (*finish)(struct request *request);
    /* Takes a piece of an x-ndjson body as it arrives; `handle` is called at its end. */
    enum status (*upload)(struct request *request, const char *bytes, size_t n);
    enum body_kind body;
    enum scope scope;
    bool is_heavy; /* under too much load it is refused before others are; SCOPE_NONE never is */
    const char *summary;
};

extern const struct route http_routes[];
extern const size_t http_n_routes;

/* One request, from its first header to the last byte of its answer. */
struct request {
    struct arena arena;
    struct http *http;
    struct service_context *context; /* the service's */
    const struct config *config;
    const struct route *route;
    /* The path's parameters, percent-decoded and NUL-terminated, in the order of the route's {}. */
    char parameters[PATH_PARAMETERS_MAX][SESSION_ID_MAX + 2];
    bool is_ndjson;
    const char *body; /* ends with a NUL that does not count */
    size_t n_body;
    struct step *steps; /* handed in */
    size_t n_steps;
    struct prediction
        *prediction; /* handed in, or NULL; ended when the reply is made, or never will be */
    void *state;     /* the handler's own, in the arena */
    struct fault fault;
    struct reply reply;
};

/* From `handle`, once: the steps join this turn's batch; the route's `finish` is called when all
 * are done. They live in the request's arena. */
enum status http_hand_in(struct request *request, struct step *steps, size_t n);
/* From `handle`, as its last act: a prediction that has begun. A short one is done at once, and
 * finished; a long one in slices, every few turns. It lives in the request's arena. */
enum status http_predict(struct request *request, struct prediction *prediction);
/* A query parameter, percent-decoded, or NULL. */
const char *http_query(const struct request *request, const char *name);
/* Refuses query parameters but those named; the list ends with NULL. */
enum status http_query_only(struct request *request, const char *const *names);

/* A header's value, the first if there are several, or NULL. */
const char *http_header(const struct request *request, const char *name);
/* Whether an Accept header names the media type. */
bool http_accepts(const struct request *request, const char *type);

/* What http_bind refuses by the options alone: no file is read, and no port is bound. */
__attribute__((warn_unused_result)) enum status http_check(const struct config *config,
                                                           struct fault *fault);
/* Binds the port; clients that connect already wait. The rest of what only root may do or read
 * belongs here, too: main may drop its rights before it calls http_start. */
__attribute__((warn_unused_result)) enum status
http_bind(const struct config *config, struct http **ret_http, struct fault *fault);
/* Starts the workers: from here on the port answers. */
__attribute__((warn_unused_result)) enum status
http_start(struct http *http, struct service *service, struct fault *fault);
unsigned http_port(const struct http *http);
size_t http_n_workers(const struct http *http);
/* Reads keys and certificate again, both or neither. The thread that started it. */
__attribute__((warn_unused_result)) enum status http_reload(struct http *http, struct fault *fault);
/* Not ready from here on: refuses new connections, ends streams, and answers what was accepted
 * within that time. Called again it only sets the time that is left. */
void http_drain(struct http *http, int64_t ms);
/* Whether the workers have come to their end. */
bool http_is_drained(const struct http *http);
/* In the place of http_stop, right before the process ends: nobody waits for the workers any more.
 */
void http_abandon(struct http *http);
/* Ends what is still going on, and frees everything. Takes one that was never started, and NULL. */
void http_stop(struct http *http);
bool http_is_draining(const struct http *http);
/* The figures of all workers, in Prometheus' text format. Any thread. */
void http_put_metrics(const struct http *http, struct text *text);

#endif
