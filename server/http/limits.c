/* limits.c - see limits.h. */
#include "http/limits.h"

#include "http/worker.h"

static const int64_t SECOND_NS = 1000000000;

/* What libmicrohttpd 0.9.75 takes for a header, query parameter or cookie, and what a reply's head
 * may take. */
enum { VALUE_BYTES = 64, REPLY_HEAD_BYTES = 1024, BESIDE_HEAD_MIN = 2 << 10 };
enum { TARGET_SHORT = 128 }; /* too short for parameters to matter */

size_t limit_memory(const struct config *config)
{
    const size_t beside = config->header_max / 3;
    return config->header_max + (beside > BESIDE_HEAD_MIN ? beside : BESIDE_HEAD_MIN);
}

size_t limit_head_memory(size_t n_head, size_t n_values, size_t n_cookie)
{
    return n_head + n_values * VALUE_BYTES + n_cookie;
}

static enum status url_too_long(const struct config *config, struct fault *fault)
{
    return fault_set(fault, STATUS_URL_TOO_LONG, NULL,
                     "a path and its query have at most %zu bytes", (size_t)config->url_max);
}

static enum status too_many_values(struct fault *fault)
{
    return fault_set(fault, STATUS_HEADERS_TOO_LARGE, NULL,
                     "the request has too many headers, query parameters or cookies");
}

enum status limit_target(const struct config *config, const char *target, size_t n,
                         struct fault *fault)
{
    size_t n_values = 1;
    for (size_t k = 0; n > TARGET_SHORT && k < n; k++) {
        n_values += target[k] == '&';
    }
    if (limit_head_memory(n, n_values, 0) + REPLY_HEAD_BYTES <= limit_memory(config)) {
        return STATUS_OK;
    }
    return n > config->url_max ? url_too_long(config, fault) : too_many_values(fault);
}

enum status limit_head(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    const struct config *config = request->config;
    exchange->has_no_room = exchange->n_memory + REPLY_HEAD_BYTES > limit_memory(config);
    if (exchange->connection->n_target > config->url_max) {
        return url_too_long(config, request->fault);
    }
    if (exchange->n_head > config->header_max) {
        return fault_set(request->fault, STATUS_HEADERS_TOO_LARGE, NULL,
                         "a request's first line and headers have at most %zu bytes",
                         config->header_max);
    }
    if (exchange->has_no_room) {
        return too_many_values(request->fault);
    }
    return STATUS_OK;
}

/* Questions about the daemon's health are answered in any case. */
static bool is_always_served(const struct request *request)
{
    return request->route && request->route->is_probe;
}

enum status limit_connections(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    struct connection *connection = exchange->connection;
    const struct worker *worker = exchange->worker;
    size_t max = worker->http->config->connection_max;
    bool is_one_of_many = connection_is_one_of_many(worker->http, connection->address);
    connection->is_excess = is_one_of_many || atomic_load(&worker->http->n_connections) > max;
    if (!connection->is_excess) { /* others have left: it counts like any other now */
        connection->deadline_ns =
            connection->began_ns + (int64_t)worker->http->config->request_seconds * SECOND_NS;
        return STATUS_OK;
    }
    if (is_always_served(request)) {
        return STATUS_OK;
    }
    metrics_refuse(worker->metrics, is_one_of_many ? REFUSED_ADDRESS : REFUSED_CONNECTION);
    return is_one_of_many ? fault_set(request->fault, STATUS_TOO_MANY_CONNECTIONS, NULL,
                                      "there are already %zu connections from your address",
                                      (size_t)worker->http->config->connection_address_max)
                          : fault_set(request->fault, STATUS_OVERLOADED, NULL,
                                      "there are already %zu connections", max);
}

static enum status shed(struct exchange *exchange)
{
    metrics_refuse(exchange->worker->metrics,
                   exchange->request.route->is_heavy ? REFUSED_HEAVY : REFUSED_LIGHT);
    reply_shed(exchange);
    return STATUS_OVERLOADED;
}

/* Since when it may have been waiting, in its socket or here. */
static int64_t waiting_since(const struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;
    const int64_t ended_ns = connection->ended_ns, oldest_ns = exchange->worker->load.oldest_ns;
    if (exchange->arrived_ns > connection->began_ns) {
        return exchange->arrived_ns;
    }
    return ended_ns > oldest_ns ? ended_ns : oldest_ns;
}

enum status limit_load(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    bool is_heavy = exchange->request.route->is_heavy;
    int64_t ended_ns = exchange->connection->ended_ns, arrived_ns = exchange->arrived_ns;
    if (arrived_ns != 0) {
        exchange->queued_ns = waiting_since(exchange);
    }
    bool is_fine = is_always_served(&exchange->request) ||
                   load_admits(&worker->load, is_heavy,
                               ended_ns > arrived_ns ? ended_ns : arrived_ns, worker->now_ns);
    return is_fine ? STATUS_OK : shed(exchange);
}

enum status limit_prediction(struct exchange *exchange)
{
    return load_admits_work(&exchange->worker->load) ? STATUS_OK : shed(exchange);
}

enum status limit_streams(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    const struct worker *worker = exchange->worker;
    size_t max = request->config->stream_max;
    if (worker->streams.n < max) {
        return STATUS_OK;
    }
    metrics_refuse(worker->metrics, REFUSED_STREAM);
    return fault_set(request->fault, STATUS_OVERLOADED, NULL, "there are already %zu streams here",
                     max);
}
