/* reply.c - see reply.h. */
#include "http/reply.h"

#include "http/access.h"
#include "http/drain.h"
#include "http/worker.h"

#include <stdlib.h>
#include <string.h>

enum {
    REPLY_BYTES_PER_SECOND = 64 << 10
}; /* a client that reads more slowly is cut off in the end */

static const char out_of_memory[] = "{\"error\":{\"code\":\"out_of_memory\",\"message\":\"no "
                                    "memory for the reply\",\"param\":null}}";

void reply_fail(struct exchange *exchange, enum status status)
{
    struct request *request = &exchange->request;
    struct text text;
    if (request->fault.status != status) {
        fault_set(&request->fault, status, NULL, "the request failed");
    }
    arena_reset(&request->arena); /* so that there is room for it, however much the request took */
    text_init(&text, &request->arena, sizeof request->fault);
    codec_put_error(&text, &request->fault);
    request->reply =
        (struct reply){ .code = status_http(status), .body = text.p, .n_body = text.n };
    if (text.failed) {
        request->reply = (struct reply){ .code = 503,
                                         .body = out_of_memory,
                                         .n_body = sizeof out_of_memory - 1 };
    }
}

static const char overloaded[] =
    "{\"error\":{\"code\":\"overloaded\",\"message\":\"there is more to do than "
    "can be done in time; try again\","
    "\"param\":null}}";

void reply_shed(struct exchange *exchange)
{
    exchange->is_shed = true;
    exchange->request.reply =
        (struct reply){ .code = 503, .body = overloaded, .n_body = sizeof overloaded - 1 };
}

static bool add_headers(struct MHD_Response *response, const struct exchange *exchange)
{
    const struct reply *reply = &exchange->request.reply;
    bool fine = true;
    if (reply->code != 204) {
        const char *type = reply->source         ? "text/event-stream"
                           : reply->content_type ? reply->content_type
                                                 : "application/json";
        fine = MHD_add_response_header(response, "Content-Type", type) == MHD_YES;
    }
    if (reply->source) {
        fine =
            fine && MHD_add_response_header(response, "Cache-Control", "no-cache") == MHD_YES &&
            MHD_add_response_header(response, "X-Accel-Buffering", "no") == MHD_YES; /* nginx's */
    }
    if (exchange->allowed) {
        char allow[ROUTER_ALLOW_MAX];
        router_print_allow(exchange->allowed, allow);
        fine = fine && MHD_add_response_header(response, "Allow", allow) == MHD_YES;
    }
    if (reply->code == 503 || reply->code == 429) {
        fine = fine && MHD_add_response_header(response, "Retry-After", "1") == MHD_YES;
    }
    fine = fine && access_add_headers(response, exchange);
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
    ssize_t n = streams_take(&worker->streams, &exchange->stream, bytes, most, worker->now_ns);
    if (n == 0) {
        MHD_suspend_connection(exchange->mhd);
    }
    return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

void reply_resume(struct stream *stream)
{
    const struct exchange *exchange =
        (const struct exchange *)((char *)stream - offsetof(struct exchange, stream));
    MHD_resume_connection(exchange->mhd);
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
    int64_t patience_ns = (int64_t)request->config->reply_seconds * 1000000000;
    exchange->stream.source = request->reply.source;
    exchange->stream.state = request->reply.source_state;
    streams_add(&worker->streams, &exchange->stream, exchange->connection, &request->arena,
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
    return reply->n_body > 0 && reply->n_body <= CACHED_BYTES_MAX && !reply->content_type &&
           !exchange->allowed && reply->code != 401 && reply->code != 503 && reply->code != 429 &&
           !exchange->worker->is_draining && !exchange->connection->is_excess;
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

/* Of all replies the refusals must be cheap when there are most of them. */
bool reply_open_cache(struct worker *worker)
{
    struct exchange refused = { .worker = worker, .connection = &(struct connection){ .fd = -1 } };
    reply_shed(&refused);
    worker->replies.shed = make_response(&refused, refused.request.reply.body);
    return worker->replies.shed != NULL;
}

static bool is_prepared(const struct exchange *exchange)
{
    return exchange->is_shed && !exchange->worker->is_draining && !exchange->connection->is_excess;
}

void reply_close_cache(struct reply_cache *cache)
{
    if (cache->shed) {
        MHD_destroy_response(cache->shed);
        cache->shed = NULL;
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
    struct MHD_Response *made = NULL,
                        *response = is_prepared(exchange) ? exchange->worker->replies.shed : NULL;
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
