/*
 * request.h - one request and its reply, as handlers see them. Handlers run on the worker's thread
 * and never block; those of routes that name a disk's thread (route.h) run there and may wait for
 * it. None of this is for other threads.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "base/arena.h"
#include "http/route.h"
#include "service/service.h"

struct http;
struct text;

/* Where a reply that goes on gets its bytes (stream.h). */
struct stream_source {
    /* Once, before anything else, if the stream begins: false, and it ends at once. And when it has
     * ended. NULL: there is nothing to do. */
    bool (*begin)(struct service_context *context, void *state);
    void (*end)(void *state);
    /* Whether `read` may have more to give than when it was called last. Asked many times a second,
     * on the worker's thread: no lock, no I/O. */
    bool (*has_news)(const void *state);
    /* Whether the next `read` may wait; NULL: each does. One that does not is called on the
     * worker's thread. */
    bool (*may_wait)(const void *state);
    /* Whether the client is so slow that it is to be cut off; NULL: none is. Like has_news. */
    bool (*is_lost)(const void *state);
    /* Appends what there is by now, some kilobytes at most; it may be nothing. False: the stream
     * ends with that. Called from time to time without news, too; on the thread of the jobs'
     * database if it may wait, and never beside has_news. */
    bool (*read)(struct service_context *context, void *state, struct text *text);
};

struct reply_header {
    const char *name, *value;
};

/* What a handler leaves to be sent. The body lives in the request's arena or is static. */
struct reply {
    int code; /* HTTP status; 0: not answered yet */
    const char *body;
    size_t n_body;
    enum media media;             /* one that the route gives */
    struct reply_header *headers; /* further ones, n_headers; they live as long as the body */
    size_t n_headers;
    const struct stream_source *source; /* not NULL: Server-Sent Events instead of a body */
    void *source_state;                 /* in the request's arena */
};

/* It lives from its first header to the last byte of its answer, and so do `arena` and `fault`. */
struct request {
    struct arena *arena;
    struct http *http;
    struct service_context *context;
    const struct config *config;
    const struct route *route;
    /* The path's, percent-decoded; NULL: its path has none of that name. */
    const char *parameters[PARAMETER_COUNT];
    bool is_ndjson;
    bool is_cut;   /* x-ndjson: more lines came than may come. What was left out is in `fault`, and
                      lines before it may have been done */
    bool is_aside; /* set by `upload`: what has arrived takes long to read, so `upload` is to be
                      called again for that on a thread of its own, with "" and 0 bytes */
    const char *body; /* ends with a NUL that does not count */
    size_t n_body;
    struct step *steps; /* handed in */
    size_t n_steps;
    struct prediction
        *prediction; /* handed in, or NULL; ended when the reply is made, or never will be */
    void *state;     /* the handler's own, in the arena */
    struct fault *fault;
    struct reply reply;
};

/* From `handle`, `upload` or `finish`: the steps join this turn's batch, or the next one's; the
 * route's `finish` is called when all are done, and may hand in others. They live in the request's
 * arena. Steps with long forecasts are refused under too much load, but never once steps of the
 * request have been handed in. */
enum status request_hand_in(struct request *request, struct step *steps, size_t n);
/* From `handle` or `finish`, as its last act: a prediction that has begun. A short one is done and
 * finished at once; one that is long or turns out to be, or has much to print, is done in slices,
 * one every few turns. It lives in the request's arena. */
enum status request_predict(struct request *request, struct prediction *prediction);
/* A query parameter, percent-decoded, or NULL. */
const char *request_query(const struct request *request, const char *name);
/* A header's value, the first if there are several, or NULL. */
const char *request_header(const struct request *request, const char *name);
/* Whether an Accept header names the media type. */
bool request_accepts(const struct request *request, enum media media);

#endif
