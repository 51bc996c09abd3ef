/* reply.c - see reply.h. */
#include "http/reply.h"

#include "http/access.h"
#include "http/coding.h"
#include "http/drain.h"
#include "http/origin.h"
#include "http/worker.h"

#include <stdlib.h>
#include <string.h>

enum {
    REPLY_BYTES_PER_SECOND = 64 << 10
}; /* a client that reads more slowly is cut off in the end */

static enum envelope_kind envelope_of(const struct request *request)
{
    return request->route ? request->route->envelope : ENVELOPE_ERROR;
}

void reply_fail(struct exchange *exchange, enum status status)
{
    struct request *request = &exchange->request;
    const struct envelope *envelope = &envelopes[envelope_of(request)];
    struct text text;
    if (request->fault->status != status) {
        fault_set(request->fault, status, NULL, "the request failed");
    }
    arena_reset(request->arena); /* so that there is room for it, however much the request took */
    text_init(&text, request->arena, sizeof *request->fault);
    envelope->put(&text, request->fault);
    request->reply = (struct reply){
        .code = status_http(status), .body = text.p, .n_body = text.n, .media = envelope->media
    };
    if (text.failed) {
        request->reply = (struct reply){ .code = 503,
                                         .body = envelope->out_of_memory,
                                         .n_body = envelope->n_out_of_memory,
                                         .media = envelope->media };
    }
}

static void make_refusal(struct exchange *exchange, enum envelope_kind kind)
{
    const struct envelope *envelope = &envelopes[kind];
    exchange->is_shed = true;
    exchange->request.reply = (struct reply){ .code = 503,
                                              .body = envelope->overloaded,
                                              .n_body = envelope->n_overloaded,
                                              .media = envelope->media };
}

void reply_shed(struct exchange *exchange)
{
    make_refusal(exchange, envelope_of(&exchange->request));
}

static bool add_headers(struct MHD_Response *response, const struct exchange *exchange)
{
    const struct reply *reply = &exchange->request.reply;
    bool fine = true;
    if (reply->code != 204 && reply->code != 304) {
        fine =
            MHD_add_response_header(response, "Content-Type", media_name(reply->media)) == MHD_YES;
    }
    if (reply->source) {
        fine =
            fine && MHD_add_response_header(response, "Cache-Control", "no-cache") == MHD_YES &&
            MHD_add_response_header(response, "X-Accel-Buffering", "no") == MHD_YES; /* nginx's */
    }
    for (size_t k = 0; k < reply->n_headers; k++) {
        fine = fine && MHD_add_response_header(response, reply->headers[k].name,
                                               reply->headers[k].value) == MHD_YES;
    }
    if (exchange->allowed) {
        char allow[ROUTER_ALLOW_MAX];
        router_print_allow(exchange->allowed, allow);
        fine = fine && MHD_add_response_header(response, "Allow", allow) == MHD_YES;
    }
    if (exchange->timing.arrived_ns > 0) {
        char text[TIMING_TEXT];
        timing_print(&exchange->timing, clock_monotonic_ns(), text);
        fine = fine && MHD_add_response_header(response, "Server-Timing", text) == MHD_YES;
    }
    if (exchange->is_coding_refused) {
        fine =
            fine && MHD_add_response_header(response, "Accept-Encoding", CODINGS_TAKEN) == MHD_YES;
    }
    if (reply->code == 503 || reply->code == 429) {
        fine = fine && MHD_add_response_header(response, "Retry-After", "1") == MHD_YES;
    }
    fine = fine && access_add_headers(response, exchange) && origin_add_headers(response, exchange);
    if (drain_is_last(exchange) || exchange->connection->is_excess) {
        fine = fine && MHD_add_response_header(response, "Connection", "close") == MHD_YES;
    }
    return fine;
}

/* ---- replies that go on ---- */

enum { STREAM_BLOCK_BYTES = 1024 };

/* Within libmicrohttpd's own calls. */
static ssize_t on_read(void *cls, uint64_t position, char *bytes, size_t most)
{
    (void)position;
    struct exchange *exchange = cls;
    struct worker *worker = exchange->worker;
    ssize_t n =
        streams_take(&worker->streams, &exchange->buffers->stream, bytes, most, worker->now_ns);
    if (n == 0) {
        MHD_suspend_connection(exchange->mhd);
    }
    return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static const struct exchange *exchange_of_stream(const struct stream *stream)
{
    const struct exchange_buffers *buffers =
        (const struct exchange_buffers *)((const char *)stream -
                                          offsetof(struct exchange_buffers, stream));
    return &buffers->exchange;
}

void reply_resume(struct stream *stream)
{
    MHD_resume_connection(exchange_of_stream(stream)->mhd);
}

const struct request *reply_of_stream(const struct stream *stream)
{
    return &exchange_of_stream(stream)->request;
}

static enum MHD_Result queue_stream(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    struct request *request = &exchange->request;
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_read, exchange, NULL);
    if (!response || !add_headers(response, exchange)) {
        if (response) {
            MHD_destroy_response(response);
        }
        return MHD_NO;
    }
    if (request->reply.source->begin &&
        !request->reply.source->begin(worker->context, request->reply.source_state)) {
        MHD_destroy_response(response);
        return MHD_NO;
    }
    int64_t patience_ns = (int64_t)request->config->reply_seconds * 1000000000;
    exchange->buffers->stream.source = request->reply.source;
    exchange->buffers->stream.state = request->reply.source_state;
    streams_add(&worker->streams, &exchange->buffers->stream, exchange->connection, request->arena,
                patience_ns, worker->now_ns);
    metrics_streams(worker->metrics, worker->streams.n);
    exchange->connection->deadline_ns = worker->now_ns + patience_ns;
    exchange->connection->is_whole = true;
    exchange->phase = PHASE_QUEUED;
    enum MHD_Result result =
        MHD_queue_response(exchange->mhd, (unsigned)request->reply.code, response);
    MHD_destroy_response(response);
    return result; /* if it is MHD_NO the connection is cut, and so the stream removed */
}

/* ---- replies that are whole ---- */

/* The body stays ours: libmicrohttpd keeps the pointer, and only reads (which its type does not
 * say). */
static struct MHD_Response *make_response(const struct exchange *exchange, const char *body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        exchange->request.reply.n_body, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
    if (response && !add_headers(response, exchange)) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

/* ---- the cache of short JSON replies ---- */

struct cached_reply {
    struct cached_reply *next; /* of the same length */
    struct MHD_Response *response;
    char body[];
};

static bool is_plain(const struct exchange *exchange)
{
    const struct reply *reply = &exchange->request.reply;
    return reply->n_body > 0 && reply->n_body <= CACHED_BYTES_MAX && reply->media == MEDIA_JSON &&
           reply->n_headers == 0 && !exchange->allowed && !exchange->origin && reply->code != 401 &&
           reply->code != 503 && reply->code != 429 && reply->code != 415 &&
           !exchange->timing.is_asked && !exchange->worker->is_draining &&
           !exchange->connection->is_excess;
}

static struct cached_reply *make_cached(const struct exchange *exchange)
{
    const struct reply *reply = &exchange->request.reply;
    struct cached_reply *cached = malloc(sizeof *cached + reply->n_body);
    if (cached) {
        memcpy(cached->body, reply->body, reply->n_body);
        cached->response = make_response(exchange, cached->body);
    }
    if (cached && !cached->response) {
        free(cached);
        return NULL;
    }
    return cached;
}

static struct cached_reply *take_cached(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    const struct reply *reply = &exchange->request.reply;
    struct cached_reply *cached = worker->replies.free[reply->n_body];
    if (cached) {
        worker->replies.free[reply->n_body] = cached->next;
        memcpy(cached->body, reply->body, reply->n_body);
    } else if (worker->replies.n < CACHED_REPLIES_MAX) {
        cached = make_cached(exchange);
        worker->replies.n += cached != NULL;
    }
    return cached;
}

void reply_done(struct exchange *exchange)
{
    struct cached_reply *cached = exchange->cached;
    if (cached) {
        struct cached_reply **first =
            &exchange->worker->replies.free[exchange->request.reply.n_body];
        cached->next = *first;
        *first = cached;
        exchange->cached = NULL;
    }
}

/* Refusals must be cheap when most replies are refusals: their responses are made once. */
bool reply_open_cache(struct worker *worker)
{
    struct exchange refused = { .worker = worker, .connection = &(struct connection){ .fd = -1 } };
    for (enum envelope_kind kind = 0; kind < ENVELOPE_COUNT; kind++) {
        make_refusal(&refused, kind);
        worker->replies.shed[kind] = make_response(&refused, refused.request.reply.body);
        if (!worker->replies.shed[kind]) {
            return false;
        }
    }
    return true;
}

/* The refusal that was made in advance, or NULL. */
static struct MHD_Response *prepared(const struct exchange *exchange)
{
    const struct worker *worker = exchange->worker;
    return exchange->is_shed && !exchange->origin && !worker->is_draining &&
                   !exchange->connection->is_excess
               ? worker->replies.shed[envelope_of(&exchange->request)]
               : NULL;
}

void reply_close_cache(struct reply_cache *cache)
{
    for (size_t k = 0; k < ENVELOPE_COUNT; k++) {
        if (cache->shed[k]) {
            MHD_destroy_response(cache->shed[k]);
            cache->shed[k] = NULL;
        }
    }
    for (size_t n = 0; n <= CACHED_BYTES_MAX; n++) {
        struct cached_reply *cached;
        while ((cached = cache->free[n])) {
            cache->free[n] = cached->next;
            MHD_destroy_response(cached->response);
            free(cached);
        }
    }
}

/* ---- sending ---- */

static int64_t seconds_to_read(const struct exchange *exchange)
{
    return (int64_t)exchange->request.config->reply_seconds +
           (int64_t)(exchange->request.reply.n_body / REPLY_BYTES_PER_SECOND);
}

enum MHD_Result reply_queue(struct exchange *exchange)
{
    const unsigned code = (unsigned)exchange->request.reply.code;
    /* to HEAD libmicrohttpd 0.9.75 would send the last chunk of such a body, before the next reply
     */
    if (exchange->request.reply.source && strcmp(exchange->method, "HEAD") != 0) {
        return queue_stream(exchange);
    }
    struct MHD_Response *made = NULL, *response = prepared(exchange);
    exchange->cached = !response && is_plain(exchange) ? take_cached(exchange) : NULL;
    if (exchange->cached) {
        response = exchange->cached->response;
    } else if (!response) {
        made = make_response(exchange, exchange->request.reply.body);
        response = made;
    }
    if (!response) {
        return MHD_NO;
    }
    exchange->connection->deadline_ns =
        exchange->worker->now_ns + seconds_to_read(exchange) * 1000000000;
    exchange->connection->is_whole = true;
    exchange->phase = PHASE_QUEUED;
    /* if this is fine, it may have sent the reply and given the exchange back */
    enum MHD_Result result = MHD_queue_response(exchange->mhd, code, response);
    if (made) {
        MHD_destroy_response(made); /* libmicrohttpd holds it until it is sent */
    }
    if (result != MHD_YES) {
        reply_done(exchange);
        exchange->phase = PHASE_ANSWERED;
    }
    return result;
}
