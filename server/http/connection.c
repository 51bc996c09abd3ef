/* connection.c - see connection.h. */
#include "http/connection.h"

#include "http/worker.h"

#include <stdlib.h>

static const int64_t SECOND_NS = 1000000000;

bool connection_is_one_of_many(const struct http *http, uint64_t address)
{
    size_t max = http->config->connection_address_max;
    return max > 0 && addresses_count(&http->addresses, address) > max;
}

/* Connections beyond a limit are told so, up to a number; further ones are closed unanswered. */
enum MHD_Result connection_on_accept(void *cls, const struct sockaddr *address, socklen_t n_address)
{
    (void)n_address;
    const struct worker *worker = cls;
    const struct http *http = worker->http;
    size_t n = atomic_load_explicit(&http->n_connections, memory_order_relaxed);
    size_t max = http->config->connection_address_max;
    if (n >= http->config->connection_max + EXCESS_CONNECTIONS) {
        metrics_refuse(worker->metrics, REFUSED_CONNECTION);
        return MHD_NO;
    }
    if (max > 0 &&
        addresses_count(&http->addresses, address_key(address)) >= max + EXCESS_OF_ADDRESS) {
        metrics_refuse(worker->metrics, REFUSED_ADDRESS);
        return MHD_NO;
    }
    return MHD_YES;
}

static void open_connection(struct worker *worker, struct MHD_Connection *mhd, void **ret_context)
{
    struct http *http = worker->http;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct connection *connection = info && from ? calloc(1, sizeof *connection) : NULL;
    *ret_context = connection; /* NULL: its first request cuts it */
    if (!connection) {
        return;
    }
    size_t n = atomic_fetch_add(&http->n_connections, 1) + 1;
    connection->fd = info->connect_fd;
    connection->mhd = mhd;
    connection->address = address_key(from->client_addr);
    addresses_enter(&http->addresses, connection->address);
    connection->is_excess =
        n > http->config->connection_max || connection_is_one_of_many(http, connection->address);
    connection->ended_ns = worker->now_ns;
    /* libmicrohttpd tells of a request only once its first line is there: until then this clock
     * runs. */
    int64_t seconds =
        connection->is_excess ? EXCESS_SECONDS : (int64_t)http->config->request_seconds;
    connection->deadline_ns = worker->now_ns + seconds * SECOND_NS;
    deadlines_add(&worker->deadlines, connection, worker->now_ns);
}

void connection_begin_request(struct worker *worker, struct connection *connection)
{
    connection->has_request = true;
    connection->began_ns = worker->now_ns;
    TAILQ_INSERT_HEAD(&worker->arriving, connection, arriving);
    worker->n_requests++;
}

void connection_end_request(struct worker *worker, struct connection *connection)
{
    TAILQ_REMOVE(&worker->arriving, connection, arriving);
    connection->has_request = false;
    connection->has_head = false;
    connection->is_whole = false;
    connection->ended_ns = worker->now_ns;
    connection->deadline_ns =
        worker->now_ns + (int64_t)worker->http->config->idle_seconds * SECOND_NS;
    worker->n_requests--;
}

static void close_connection(struct worker *worker, void **context)
{
    struct connection *connection = *context;
    *context = NULL;
    if (connection && connection->has_request) {
        /* libmicrohttpd says nothing of requests that it refuses twice, as for their parameters */
        connection_end_request(worker, connection);
    }
    if (connection) {
        deadlines_remove(&worker->deadlines, connection);
        atomic_fetch_sub(&worker->http->n_connections, 1);
        addresses_leave(&worker->http->addresses, connection->address);
        free(connection);
    }
}

void connection_on_notify(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct worker *worker = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        open_connection(worker, mhd, context);
    } else {
        close_connection(worker, context);
    }
    metrics_connections(worker->metrics, worker->deadlines.n_connections);
}
