/* body.c - see body.h. */
#include "http/body.h"

#include "http/coding.h"
#include "http/guard.h"
#include "http/worker.h"

#include <string.h>

enum {
    BODY_EXACT_MAX =
        1 << 20, /* a longer body's memory grows with what arrives, not with what is announced */
    BODY_FIRST_BYTES = 4 << 10,
    BODY_SMALL_BYTES = 8 << 10, /* comes in whatever memory others take */
    UPLOAD_BYTES_PER_SECOND =
        64 << 10, /* a client that sends training data more slowly is cut off */
    INFLATED_BYTES = 8 << 10,
    INFLATED_AT_ONCE = 256 << 10, /* less than a millisecond of inflating */
    CODED_SPARE_BYTES = 4 << 10
};

/* A body that comes compressed. */
struct coded_body {
    struct inflater *inflater;
    uint64_t n_received; /* bytes as they came */
    size_t n_ahead; /* the last bytes that were left were taken in: there may be more of them */
    char out[INFLATED_BYTES];
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
    if (!type || request->is_ndjson || media_type_is(type, wanted)) {
        return STATUS_OK;
    }
    return fault_set(request->fault, STATUS_UNSUPPORTED_MEDIA_TYPE, NULL,
                     "this path takes %s%s%s; send it with -H 'content-type: %s'", wanted,
                     others ? " or " : "", others ? media_name(media_first(others)) : "", wanted);
}

static enum status check_coding(struct exchange *exchange, const struct guard *guard)
{
    struct fault *fault = exchange->request.fault;
    if (!guard->content_encoding) {
        return STATUS_OK;
    }
    enum status status = guard->n_content_encodings == 1
                             ? coding_read(guard->content_encoding, &exchange->body_format, fault)
                             : fault_set(fault, STATUS_UNSUPPORTED_MEDIA_TYPE, "content-encoding",
                                         "a request has at most one Content-Encoding");
    exchange->is_coding_refused = status != STATUS_OK;
    return status;
}

/* How many bytes may come. Hardly any are more when they are compressed, but some may be: those of
 * a body that is none the smaller for it, or that is made of empty blocks. */
static uint64_t most_received(const struct exchange *exchange)
{
    const uint64_t limit = body_limit(&exchange->request);
    return exchange->body_format == INFLATER_NONE ? limit : 2 * limit + CODED_SPARE_BYTES;
}

/* Memory for what is announced is set aside before the first byte of it is read; where nothing is
 * announced, there has to be some at least. */
static enum status set_aside(struct exchange *exchange, const struct guard *guard)
{
    struct request *request = &exchange->request;
    const bool is_known = exchange->body_format == INFLATER_NONE;
    const size_t n = is_known ? (size_t)guard->content_length : 0;
    if (!guard->is_chunked && guard->content_length <= BODY_SMALL_BYTES) {
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
    if (status == STATUS_OK) {
        status = check_coding(exchange, guard);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (guard->content_length > most_received(exchange)) {
        return body_too_large(request);
    }
    status = set_aside(exchange, guard);
    if (status != STATUS_OK) {
        return status;
    }
    if (exchange->body_format == INFLATER_NONE) {
        exchange->n_expected = guard->content_length;
    }
    if (is_training_upload(
            request)) { /* a number takes two bytes of text at least, and four of memory */
        request->arena->cap += 2 * request->config->training_max;
    }
    return STATUS_OK;
}

/* ---- what has come ---- */

static inline __attribute__((always_inline)) bool grow(struct exchange *exchange, size_t n_wanted)
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
    const uint64_t n = exchange->coded ? exchange->coded->n_received : request->n_body;
    int64_t seconds = (int64_t)(request->config->request_seconds + n / UPLOAD_BYTES_PER_SECOND);
    int64_t deadline_ns = connection->began_ns + seconds * SECOND_NS;
    if (connection->deadline_ns < deadline_ns) {
        connection->deadline_ns = deadline_ns;
    }
}

/* The body ends badly. Of lines, those before may be done: then they are answered. */
static enum status cut(struct request *request, enum status status)
{
    request->is_cut = request->state && !is_training_upload(request);
    return request->is_cut ? STATUS_OK : status;
}

/* Inlined twice, and so is `grow`: nearly every body goes this way, in one piece. */
static inline __attribute__((always_inline)) enum status add_plain(struct exchange *exchange,
                                                                   const char *bytes, size_t n)
{
    struct request *request = &exchange->request;
    size_t n_body = request->n_body + n;
    if (n_body > body_limit(request)) { /* where no Content-Length has told before */
        return cut(request, body_too_large(request));
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

/* ---- what has come compressed ---- */

static struct coded_body *make_coded(struct exchange *exchange)
{
    struct arena *arena = exchange->request.arena;
    struct coded_body *coded = arena_alloc(arena, sizeof *coded);
    if (coded) {
        coded->inflater = inflater_create(arena, exchange->body_format);
        coded->n_received = coded->n_ahead = 0;
    }
    return coded && coded->inflater ? coded : NULL;
}

/* Inflates up to what fits into `out`, and takes it. *ret_n: how much that was. */
static enum status add_inflated(struct exchange *exchange, const char **bytes, const char *end,
                                size_t *ret_n)
{
    struct request *request = &exchange->request;
    struct coded_body *coded = exchange->coded;
    const char *begin = *bytes;
    size_t n = sizeof coded->out;
    enum status status = inflater_run(coded->inflater, bytes, end, coded->out, &n, request->fault);
    coded->n_received += (uint64_t)(*bytes - begin);
    if (status == STATUS_OK && coded->n_received > most_received(exchange)) {
        status = body_too_large(request);
    }
    *ret_n = n;
    if (status != STATUS_OK) {
        return status == STATUS_NO_MEMORY ? status : cut(request, status);
    }
    return n > 0 ? add_plain(exchange, coded->out, n) : STATUS_OK;
}

/* Where `out` was filled, there may be more behind bytes that were all taken in: the last one is
 * left then, as if it had not been, so that there is a further call. */
static enum status add_coded(struct exchange *exchange, const char *bytes, size_t n,
                             size_t *ret_n_left)
{
    struct request *request = &exchange->request;
    if (!exchange->coded && !(exchange->coded = make_coded(exchange))) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for the body");
    }
    struct coded_body *coded = exchange->coded;
    const char *next = bytes + coded->n_ahead, *end = bytes + n;
    size_t n_out, n_total = 0;
    enum status status;
    do {
        status = add_inflated(exchange, &next, end, &n_out);
        n_total += n_out;
    } while (status == STATUS_OK && n_out == sizeof coded->out && n_total < INFLATED_AT_ONCE &&
             !request->is_cut && !request->is_aside);
    if (status != STATUS_OK || request->is_cut) {
        return status;
    }
    coded->n_ahead = next == end && n_out == sizeof coded->out;
    *ret_n_left = (size_t)(end - next) + coded->n_ahead;
    return STATUS_OK;
}

enum status body_add(struct exchange *exchange, const char *bytes, size_t n, size_t *ret_n_left)
{
    if (exchange->body_format != INFLATER_NONE) {
        return add_coded(exchange, bytes, n, ret_n_left);
    }
    return add_plain(exchange, bytes, n);
}

enum status body_end(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    if (!exchange->coded || request->is_cut || inflater_is_whole(exchange->coded->inflater)) {
        return STATUS_OK;
    }
    return cut(request, fault_set(request->fault, STATUS_INVALID_ENCODING, "content-encoding",
                                  "the compressed body ends before it is whole"));
}
