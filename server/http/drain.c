/* drain.c - see drain.h. */
#include "http/drain.h"

#include "http/socket.h"
#include "http/worker.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { ACCEPTING_TURNS_MAX = 1000 };

static const int64_t SILENCE_NS = 100 * 1000000LL;

bool drain_is_last(const struct exchange *exchange)
{
    return exchange->worker->is_draining && !socket_has_unread(exchange->connection->fd);
}

/* Quiescing must not be left to another thread (libmicrohttpd removes the socket from its epoll set
 * twice, and aborts). */
static void stop_listening(struct worker *worker)
{
    worker->has_stopped_listening = true;
    MHD_quiesce_daemon(worker->daemon);
    shutdown(worker->listen_fd, SHUT_RDWR);
    deadlines_hurry(&worker->deadlines);
    streams_close(&worker->streams);
}

/* The bytes that have come say more than libmicrohttpd, which tells of a request only once its
 * first line is there. */
static bool is_silent(struct connection *connection, int64_t now_ns)
{
    struct tcp_info info = { .tcpi_bytes_received = 0 };
    socklen_t n = sizeof info;
    if (getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
        (connection->heard_ns == 0 || info.tcpi_bytes_received != connection->n_heard)) {
        connection->n_heard = info.tcpi_bytes_received;
        connection->heard_ns = now_ns;
    }
    return now_ns - connection->heard_ns >= SILENCE_NS;
}

/* libmicrohttpd closes them in its next turn. */
static void disconnect_silent(struct worker *worker)
{
    struct connection *connection;
    TAILQ_FOREACH(connection, &worker->deadlines.connections, link)
    {
        if (!connection->is_disconnected && is_silent(connection, worker->now_ns) &&
            !socket_has_unread(connection->fd)) {
            shutdown(connection->fd, SHUT_RDWR);
            connection->is_disconnected = true;
        }
    }
}

bool drain_is_over(struct worker *worker)
{
    const struct http *http = worker->http;
    if (!workers_are_draining(http)) {
        return false;
    }
    worker->is_draining = true;
    if (worker->now_ns >= atomic_load(&http->drain_until_ns)) {
        return true;
    }
    if (!worker->has_stopped_listening) {
        if (!socket_is_readable(worker->listen_fd) ||
            worker->n_accepting_turns++ == ACCEPTING_TURNS_MAX) {
            stop_listening(worker);
        }
        return false;
    }
    MHD_UNSIGNED_LONG_LONG ms;
    bool is_busy = MHD_get_timeout(worker->daemon, &ms) == MHD_YES && ms == 0;
    if (worker->n_requests == 0 && !is_busy && !socket_is_readable(worker->events_fd)) {
        disconnect_silent(worker);
    }
    return worker->deadlines.n_connections == 0;
}
