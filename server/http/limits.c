/* limits.c - see limits.h. */
#include "http/limits.h"

#include "http/worker.h"

static const int64_t SECOND_NS = 1000000000;

enum status limit_head(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    const struct config *config = request->config;
    size_t url_max = config->url_max;
    if (exchange->connection->n_target > url_max) {
        return fault_set(request->fault, STATUS_URL_TOO_LONG, NULL,
                         "a path and its query have at most %zu bytes", url_max);
    }
    if (exchange->n_head > config->header_max) {
        return fault_set(request->fault, STATUS_HEADERS_TOO_LARGE, NULL,
                         "a request's first line and headers have at most %zu bytes",
                         config->header_max);
    }
    return STATUS_OK;
}

/* Questions about the daemon's health are answered in any case. */
static bool is_always_served(const struct request *request)
{
    return request->route && request->route->scope == SCOPE_NONE;
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

enum status limit_load(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    bool is_heavy = exchange->request.route->is_heavy;
    int64_t ended_ns = exchange->connection->ended_ns, arrived_ns = exchange->arrived_ns;
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
