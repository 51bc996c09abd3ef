/*
 * exchange.c - one request from its first line to the last byte of its answer, as libmicrohttpd
 * calls for it:
 *
 *     on_target       the request line has arrived; the request's clock starts
 *     on_call         first, with the headers: framing, route and limits are checked (begin)
 *     on_call         for each piece of the body (take_piece)
 *     on_call         at its end: once, or in each turn while steps or a prediction are pending
 *     on_completed    the reply is sent, or the connection is gone
 *
 * A reply that is queued in the first call ends the connection, and libmicrohttpd refuses one
 * between the pieces of a body. So an early refusal waits for the end of the body where that is
 * short.
 */
#include "http/exchange.h"

#include "base/log.h"
#include "http/admission.h"
#include "http/authority.h"
#include "http/body.h"
#include "http/hold.h"
#include "http/limits.h"
#include "http/mhd_error.h"
#include "http/offload.h"
#include "http/query_string.h"
#include "http/worker.h"

#include <stdlib.h>
#include <string.h>

enum {
    FREE_EXCHANGES_MAX = 256,
    ARENA_MIN = 64 << 20,
    DROP_MAX = 64 << 10 /* as much of a refused body is read so that the connection can be kept */
};

static const int64_t SECOND_NS = 1000000000;

/* ---- exchanges are used again ---- */

static size_t arena_cap(const struct config *config)
{
    size_t cap = 16 * config->body_max;
    return cap < ARENA_MIN ? ARENA_MIN : cap;
}

static struct exchange_buffers *take_buffers(struct worker *worker)
{
    struct exchange *exchange = TAILQ_FIRST(&worker->free);
    if (exchange) {
        TAILQ_REMOVE(&worker->free, exchange, link);
        worker->n_free--;
        return exchange->buffers;
    }
    struct exchange_buffers *buffers = calloc(1, sizeof *buffers);
    if (buffers) {
        arena_init(&buffers->arena, arena_cap(worker->http->config));
        buffers->arena.total = &worker->http->memory;
    }
    return buffers;
}

static struct exchange *take_exchange(struct worker *worker)
{
    struct exchange_buffers *buffers = take_buffers(worker);
    if (!buffers) {
        return NULL;
    }
    buffers->fault.status = STATUS_OK;
    buffers->stream.source = NULL;
    buffers->exchange = (struct exchange){
        .request = { .arena = &buffers->arena,
                     .http = worker->http,
                     .context = worker->context,
                     .config = worker->http->config,
                     .body = "",
                     .fault = &buffers->fault },
        .worker = worker,
        .phase = PHASE_BODY,
        .buffers = buffers,
    };
    return &buffers->exchange;
}

static void free_exchange(struct exchange *exchange)
{
    arena_done(exchange->request.arena);
    free(exchange); /* its buffers begin with it */
}

static void give_back(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    if (worker->n_free == FREE_EXCHANGES_MAX) {
        free_exchange(exchange);
        return;
    }
    arena_reset(exchange->request.arena);
    exchange->request.arena->cap =
        arena_cap(worker->http->config);              /* an upload may have raised it */
    TAILQ_INSERT_HEAD(&worker->free, exchange, link); /* the next request finds it in the cache */
    worker->n_free++;
}

void exchange_free_all(struct exchange_list *list)
{
    struct exchange *exchange;
    while ((exchange = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, exchange, link);
        free_exchange(exchange);
    }
}

/* ---- the first call ---- */

static void settle(struct exchange *exchange, enum status status)
{
    struct request *request = &exchange->request;
    if (request->prediction) {
        pending_end_prediction(exchange);
    }
    if (request->arena->is_short &&
        (status == STATUS_NO_MEMORY || status == STATUS_REQUEST_TOO_LARGE)) {
        metrics_refuse(exchange->worker->metrics, REFUSED_MEMORY);
        status = fault_set(
            request->fault, STATUS_OVERLOADED, NULL,
            "the requests in hand take the %zu bytes that they may; send this one again later",
            (size_t)request->config->memory_max);
    }
    if (status != STATUS_OK && !exchange->is_shed) {
        reply_fail(exchange, status);
    }
    if (exchange->timing.is_asked) {
        exchange->timing.done_ns = clock_monotonic_ns();
    }
    exchange->phase = PHASE_ANSWERED;
}

static enum MHD_Result begin(struct exchange *exchange, const char *version)
{
    struct guard guard;
    enum status status = admission_check(exchange, version, &guard);
    if (status == STATUS_OK && exchange->request.route) {
        return MHD_YES;
    }
    settle(exchange, status);
    if (exchange->has_no_room) { /* libmicrohttpd could only cut the connection */
        mhd_error_send(exchange->connection, exchange->request.fault);
        return MHD_NO;
    }
    if (guard.problem) { /* it is not clear where this request ends: the connection is not kept */
        return reply_queue(exchange);
    }
    bool has_body = guard.is_chunked || guard.content_length > 0;
    bool is_short = status != STATUS_BODY_TOO_LARGE && !guard.is_chunked &&
                    guard.content_length <= DROP_MAX && !guard.expects_continue;
    if (!has_body || is_short) {
        return MHD_YES; /* at_end answers */
    }
    return reply_queue(exchange);
}

/* ---- the body ---- */

/* What was not taken of a piece comes again in the next turn. libmicrohttpd would wait for its
 * socket before, unless the connection was suspended. */
static void take_rest_later(struct exchange *exchange)
{
    if (!exchange->is_suspended) {
        exchange_suspend(exchange);
        exchange_resume(exchange);
        exchange->worker->has_rest = true;
    }
}

/* MHD_NO cuts the connection. */
static enum MHD_Result take_piece(struct exchange *exchange, const char *bytes, size_t *n_bytes)
{
    const size_t n = *n_bytes;
    *n_bytes = 0;
    if (exchange->phase == PHASE_BODY && !exchange->request.is_cut && !exchange->worker->is_over) {
        enum status status = body_add(exchange, bytes, n, n_bytes);
        exchange->arrived_ns = exchange->queued_ns = exchange->worker->now_ns;
        if (status == STATUS_OK && exchange->request.is_aside) {
            status = offload_begin(exchange, DISK_BODIES);
        }
        if (status != STATUS_OK) {
            settle(exchange, status);
        } else if (exchange->is_handed_in && !exchange->is_pending) {
            pending_add(exchange);
        }
        if (*n_bytes > 0) {
            take_rest_later(exchange);
        }
        return MHD_YES;
    }
    exchange->n_dropped += n;
    const struct request *request = &exchange->request;
    uint64_t n_most =
        2 * (uint64_t)(request->route ? body_limit(request) : request->config->body_max);
    return exchange->n_dropped <= n_most + DROP_MAX ? MHD_YES : MHD_NO;
}

/* ---- its end ---- */

/* `finish` is due: at_end calls it. */
static void set_due(struct exchange *exchange)
{
    exchange->is_to_finish = true;
    exchange->phase = PHASE_DUE;
}

void exchange_finish(struct exchange *exchange, enum status status)
{
    struct request *request = &exchange->request;
    pending_remove(exchange);
    exchange->is_handed_in = false;
    if (status == STATUS_OK && request->prediction && offload_finish_queue(exchange) != DISK_NONE) {
        set_due(exchange);
        return;
    }
    status = status == STATUS_OK ? request->route->finish(request) : status;
    hold_note(exchange);
    if (session_was_blocked(exchange->worker->context) && status != STATUS_OK) {
        exchange->is_to_finish = true;
        pending_block(exchange);
        return;
    }
    if (status == STATUS_OK && request->reply.code == 0) { /* there is more to do, or to come */
        if (exchange->is_handed_in || request->prediction) {
            pending_add(exchange);
        }
        return;
    }
    const bool is_whole = exchange->phase != PHASE_BODY;
    settle(exchange, status);
    if (!is_whole || exchange->owes_sync) {
        return; /* at_end answers */
    }
    /* Not from within its call, as its manual wants it, but that spares a turn of the loop, a
     * thirtieth of a step's cost: 0.9.75 takes the reply in this state, and 1.0 refuses it. Then
     * at_end queues it in the next turn. */
    (void)reply_queue(exchange);
}

static enum status handle_heavy(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    worker_read_clock(worker);
    int64_t began_ns = worker->now_ns;
    enum status status = exchange->request.route->handle(&exchange->request);
    worker_read_clock(worker);
    load_measure_heavy(&worker->load, worker->now_ns - began_ns);
    return status;
}

/* The handler has returned. */
static void take_result(struct exchange *exchange, enum status status)
{
    const struct request *request = &exchange->request;
    if (status == STATUS_OK && exchange->is_long) {
        status = limit_prediction(exchange);
        exchange->is_long = false;
    }
    bool has_work = exchange->is_handed_in || (request->prediction && request->reply.code == 0);
    if (status == STATUS_OK && has_work) {
        exchange->phase = PHASE_WORKING;
        if (!exchange->is_pending) {
            pending_add(exchange);
        }
        return;
    }
    if (status == STATUS_OK && request->reply.code == 0) { /* it has read the body */
        set_due(exchange);
        return;
    }
    if (status == STATUS_OK && request->reply.source) {
        status = limit_streams(exchange);
    }
    settle(exchange, status);
    worker_read_clock(exchange->worker);
}

/* A piece of the body has been read aside; the next one may come. */
static void take_piece_back(struct exchange *exchange, enum status status)
{
    exchange->request.is_aside = false;
    exchange->arrived_ns = exchange->worker->now_ns;
    exchange->phase = PHASE_BODY;
    if (status != STATUS_OK) {
        settle(exchange, status);
    }
}

void exchange_return(struct exchange *exchange, enum status status)
{
    exchange->is_to_finish = false;
    if (exchange->buffers->was_blocked && !exchange->request.is_aside) {
        pending_block(exchange);
        return;
    }
    exchange->request.is_aside ? take_piece_back(exchange, status) : take_result(exchange, status);
    exchange_resume(exchange); /* at_end queues the reply */
}

static void call_handler(struct exchange *exchange)
{
    const struct route *route = exchange->request.route;
    enum status status =
        route->is_heavy ? handle_heavy(exchange) : route->handle(&exchange->request);
    hold_note(exchange);
    if (session_was_blocked(exchange->worker->context) && status != STATUS_OK) {
        pending_block(exchange);
    } else {
        take_result(exchange, status);
    }
}

static void begin_offload(struct exchange *exchange, enum disk_queue queue)
{
    enum status status = offload_begin(exchange, queue);
    if (status != STATUS_OK) {
        take_result(exchange, status);
    }
}

/* Here, or on the thread that may wait for it. */
static void begin_handler(struct exchange *exchange)
{
    const enum disk_queue queue = offload_queue(exchange);
    queue == DISK_NONE ? call_handler(exchange) : begin_offload(exchange, queue);
}

static void handle(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    exchange->connection->is_whole = true;
    exchange->connection->deadline_ns = DEADLINE_NEVER; /* from here on the client waits */
    body_settle(exchange);
    if (exchange->timing.is_asked) {
        exchange->timing.arrived_ns = clock_monotonic_ns();
    }
    if (exchange->body) {
        exchange->body[request->n_body] = '\0';
        request->body = exchange->body;
    }
    enum status status = body_end(exchange);
    /* Once more, as its body may have taken its time; but never if work on it has begun. */
    bool has_begun = exchange->has_begun || request->state;
    if (status == STATUS_OK && !has_begun) {
        status = limit_load(exchange);
    }
    if (status == STATUS_OK && exchange->n_queries > 0) {
        status = query_string_check(exchange);
    }
    if (status == STATUS_OK) {
        begin_handler(exchange);
    } else {
        take_result(exchange, status);
    }
}

static void call_due(struct exchange *exchange)
{
    const enum disk_queue queue = offload_finish_queue(exchange);
    if (!exchange->is_to_finish) {
        begin_handler(exchange);
    } else if (queue != DISK_NONE) {
        begin_offload(exchange, queue);
    } else {
        exchange->is_to_finish = false;
        exchange->phase = PHASE_WORKING;
        exchange_finish(exchange, STATUS_OK);
    }
}

/* Nothing is begun that a connection would have to be suspended for. */
static bool is_too_late(const struct exchange *exchange)
{
    const bool is_to_begin = exchange->phase == PHASE_BODY || exchange->phase == PHASE_DUE;
    return exchange->worker->is_over && is_to_begin && !exchange->has_begun;
}

static enum MHD_Result at_end(struct exchange *exchange)
{
    if (exchange->is_given_up) {
        return MHD_NO;
    }
    if (is_too_late(exchange)) {
        settle(exchange, fault_set(exchange->request.fault, STATUS_NOT_READY, NULL,
                                   "grud is stopping; nothing was done"));
    }
    if (exchange->phase == PHASE_BODY) {
        handle(exchange);
    }
    if (exchange->phase == PHASE_DUE) {
        call_due(exchange);
    }
    if (exchange->phase == PHASE_ANSWERED && exchange->owes_sync) {
        hold_reply(exchange);
    }
    if (exchange->phase == PHASE_HELD || exchange->phase == PHASE_BLOCKED) {
        exchange_suspend(exchange);
    }
    /* without a reply libmicrohttpd calls again in the next turn */
    return exchange->phase == PHASE_ANSWERED ? reply_queue(exchange) : MHD_YES;
}

/* ---- libmicrohttpd's calls ---- */

void *exchange_on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct worker *worker = cls;
    struct connection *connection = connection_of(mhd);
    if (connection) {
        connection->target = target ? target : "";
        connection->n_target = strlen(connection->target);
        connection->target_problem = guard_target(connection->target, connection->n_target);
        connection_begin_request(worker, connection);
        struct fault fault;
        if (limit_target(worker->http->config, connection->target, connection->n_target, &fault) !=
            STATUS_OK) {
            mhd_error_send(connection, &fault);
        }
        if (!connection->is_excess) {
            connection->deadline_ns =
                worker->now_ns + (int64_t)worker->http->config->request_seconds * SECOND_NS;
        }
    }
    return NULL; /* the exchange is made with the headers */
}

enum MHD_Result exchange_on_call(void *cls, struct MHD_Connection *mhd, const char *path,
                                 const char *method, const char *version, const char *upload,
                                 size_t *n_upload, void **ret_exchange)
{
    struct exchange *exchange = *ret_exchange;
    if (exchange) {
        if (*n_upload == 0) {
            return at_end(exchange);
        }
        return take_piece(exchange, upload, n_upload);
    }
    struct connection *connection = connection_of(mhd);
    exchange = connection && connection->has_request && !connection->is_disconnected &&
                       connection->sent_code == 0
                   ? take_exchange(cls)
                   : NULL;
    if (!exchange) {
        return MHD_NO;
    }
    *ret_exchange = exchange;
    connection->has_head = true;
    exchange->mhd = mhd;
    exchange->connection = connection;
    exchange->method = method;
    exchange->path = authority_path(path);
    return begin(exchange, version);
}

static void log_exchange(const struct exchange *exchange, int code, int64_t duration_ns)
{
    log_event(LOG_DEBUG, "request", LOG_STRING("method", exchange->method),
              LOG_STRING("path", exchange->path), LOG_INT("status", code),
              LOG_INT("bytes", (int64_t)exchange->request.reply.n_body),
              LOG_INT("us", duration_ns / 1000));
}

/* How long a client listens to a stream says nothing of how fast it is served: the time until its
 * first byte is returned. */
static int64_t end_stream(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    struct stream *stream = &exchange->buffers->stream;
    streams_remove(&worker->streams, stream);
    metrics_streams(worker->metrics, worker->streams.n);
    return stream->began_ns - exchange->connection->began_ns;
}

void exchange_on_completed(void *cls, struct MHD_Connection *mhd, void **ret_exchange,
                           enum MHD_RequestTerminationCode reason)
{
    struct worker *worker = cls;
    const struct http *http = worker->http;
    struct connection *connection = connection_of(mhd);
    struct exchange *exchange = *ret_exchange;
    *ret_exchange = NULL;
    if (!connection || !connection->has_request) {
        return;
    }
    connection_end_request(worker, connection);
    int64_t duration_ns = worker->now_ns - connection->began_ns;
    size_t route = http->n_routes;
    int code = connection->sent_code;
    if (exchange) {
        const struct request *request = &exchange->request;
        bool is_stream = exchange->buffers->stream.source != NULL; /* either side may end it */
        bool is_whole = is_stream || reason == MHD_REQUEST_TERMINATED_COMPLETED_OK;
        code = is_whole && exchange->phase == PHASE_QUEUED ? request->reply.code : code;
        route = request->route ? (size_t)(request->route - http->routes) : http->n_routes;
        log_exchange(exchange, code, duration_ns);
        if (code >= 400 && code < 500) {
            client_errors_note(&worker->client_errors, worker->now_ns, code, exchange->method,
                               exchange->path,
                               request->fault->status != STATUS_OK ? request->fault->message : "");
        }
        if (worker->is_of_cluster) {
            pending_forget_steps(exchange);
        }
        pending_remove(exchange);
        hold_remove(exchange);
        if (request->prediction) {
            pending_end_prediction(exchange);
        }
        if (is_stream) {
            duration_ns = end_stream(exchange);
        }
        reply_done(exchange);
        body_settle(exchange);
        give_back(exchange);
    }
    metrics_count(worker->metrics, route, code, duration_ns);
}
