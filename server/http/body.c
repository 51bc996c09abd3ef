/* body.c - see body.h. */
#include "http/body.h"

#include "http/guard.h"
#include "http/worker.h"

#include <string.h>
#include <strings.h>

enum {
    BODY_EXACT_MAX =
        1 << 20, /* a longer body's memory grows with what arrives, not with what is announced */
    BODY_FIRST_BYTES = 4 << 10,
    BODY_SMALL_BYTES = 8 << 10, /* comes in whatever memory others take */
    UPLOAD_BYTES_PER_SECOND =
        64 << 10 /* a client that sends training data more slowly is cut off */
};

static const int64_t SECOND_NS = 1000000000;

static bool is_training_upload(const struct request *request)
{
    return request->is_ndjson && request->route->has_training_lines;
}

size_t body_limit(const struct request *request)
{
    const struct config *config = request->config;
    return is_training_upload(request) ? config->training_max : config->body_max;
}

static enum status body_too_large(struct request *request)
{
    return fault_set(request->fault, STATUS_BODY_TOO_LARGE, NULL, "a body has at most %zu bytes",
                     body_limit(request));
}

/* ---- what may come ---- */

static enum status check_media_type(struct request *request, const struct guard *guard)
{
    const unsigned takes = request->route->takes, others = takes & (takes - 1);
    const char *type = guard->content_type, *wanted = media_name(media_first(takes));
    if (guard->content_encoding && strcasecmp(guard->content_encoding, "identity") != 0) {
        return fault_set(request->fault, STATUS_UNSUPPORTED_MEDIA_TYPE, NULL,
                         "a body is sent without Content-Encoding");
    }
    if (!type || request->is_ndjson || media_type_is(type, wanted)) {
        return STATUS_OK;
    }
    return fault_set(request->fault, STATUS_UNSUPPORTED_MEDIA_TYPE, NULL,
                     "this path takes %s%s%s; send it with -H 'content-type: %s'", wanted,
                     others ? " or " : "", others ? media_name(media_first(others)) : "", wanted);
}

/* Memory for what is announced is set aside before the first byte of it is read; where nothing is
 * announced, there has to be some at least. */
static enum status set_aside(struct exchange *exchange, const struct guard *guard)
{
    struct request *request = &exchange->request;
    size_t n = (size_t)guard->content_length;
    if (!guard->is_chunked && n <= BODY_SMALL_BYTES) {
        return STATUS_OK;
    }
    if (arena_total_add(request->arena->total, n)) {
        exchange->n_announced = n;
        return STATUS_OK;
    }
    metrics_refuse(exchange->worker->metrics, REFUSED_MEMORY);
    return fault_set(
        request->fault, STATUS_OVERLOADED, NULL,
        "the requests in hand take the %zu bytes that they may; send this one again later",
        (size_t)request->config->memory_max);
}

void body_settle(struct exchange *exchange)
{
    if (exchange->n_announced > 0) {
        arena_total_subtract(exchange->request.arena->total, exchange->n_announced);
        exchange->n_announced = 0;
    }
}

enum status body_check(struct exchange *exchange, const struct guard *guard)
{
    struct request *request = &exchange->request;
    const char *type = guard->content_type;
    request->is_ndjson =
        route_takes_lines(request->route) && type && media_type_is(type, media_name(MEDIA_NDJSON));
    if (!guard->is_chunked && guard->content_length == 0) {
        return STATUS_OK;
    }
    if (request->route->takes == 0) {
        return fault_set(request->fault, STATUS_INVALID_REQUEST, NULL, "this path takes no body");
    }
    enum status status = check_media_type(request, guard);
    if (status != STATUS_OK) {
        return status;
    }
    if (guard->content_length > body_limit(request)) {
        return body_too_large(request);
    }
    status = set_aside(exchange, guard);
    if (status != STATUS_OK) {
        return status;
    }
    exchange->n_expected = guard->content_length;
    if (is_training_upload(
            request)) { /* a number takes two bytes of text at least, and four of memory */
        request->arena->cap += 2 * request->config->training_max;
    }
    return STATUS_OK;
}

/* ---- what has come ---- */

static bool grow(struct exchange *exchange, size_t n_wanted)
{
    size_t size = exchange->body_size;
    if (size == 0) {
        bool is_exact = exchange->n_expected > 0 && exchange->n_expected <= BODY_EXACT_MAX;
        size = is_exact ? (size_t)exchange->n_expected + 1 : BODY_FIRST_BYTES;
    }
    while (size < n_wanted) {
        size *= 2;
    }
    if (size > exchange->n_expected) { /* what was announced turns into what is taken */
        body_settle(exchange);
    }
    char *body = arena_grow(exchange->request.arena, exchange->body, exchange->body_size, size);
    if (body) {
        exchange->body = body;
        exchange->body_size = size;
    }
    return body != NULL;
}

/* A large upload may take longer than a request, as long as it goes on. */
static void put_off_deadline(struct exchange *exchange)
{
    const struct request *request = &exchange->request;
    struct connection *connection = exchange->connection;
    int64_t seconds =
        (int64_t)(request->config->request_seconds + request->n_body / UPLOAD_BYTES_PER_SECOND);
    int64_t deadline_ns = connection->began_ns + seconds * SECOND_NS;
    if (connection->deadline_ns < deadline_ns) {
        connection->deadline_ns = deadline_ns;
    }
}

enum status body_add(struct exchange *exchange, const char *bytes, size_t n)
{
    struct request *request = &exchange->request;
    size_t n_body = request->n_body + n;
    if (n_body > body_limit(request)) { /* only without a Content-Length does it come this far */
        enum status status = body_too_large(request);
        request->is_cut = request->state && !is_training_upload(request);
        return request->is_cut ? STATUS_OK : status;
    }
    if (request->is_ndjson) {
        request->n_body = n_body;
        if (is_training_upload(request)) {
            put_off_deadline(exchange);
        }
        enum status status = request->route->upload(request, bytes, n);
        worker_read_clock(exchange->worker); /* it may have been a lot of work */
        return status;
    }
    if (n_body >= exchange->body_size && !grow(exchange, n_body + 1)) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for the body");
    }
    memcpy(exchange->body + request->n_body, bytes, n);
    request->n_body = n_body;
    return STATUS_OK;
}
