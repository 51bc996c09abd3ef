/*
 * drain.c - how a worker comes to its end without losing what it has accepted.
 *
 * Who has connected already is taken in, then the socket is shut down: were it only closed later,
 * the kernel would go on to complete handshakes that nobody answers. Requests are answered, each
 * reply saying that it is the last of its connection. What then is left are connections between two
 * requests. They are kept while there is anything else to wait for, and until they were silent for
 * a while: a client that is about to ask can still be told. A request that is on its way while its
 * connection is shut down cannot be told from one that was never sent; nothing of it is done, so
 * that its client may send it again.
 */
#include "http/worker.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { LAST_TURNS_MAX = 1000 };

static const int64_t SILENCE_NS = 100 * 1000000LL;

static bool has_unread(const struct connection *connection)
{
    char byte;
    return recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool drain_is_last(const struct exchange *exchange)
{
    return exchange->worker->is_draining && !has_unread(exchange->connection);
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
static void part(struct worker *worker)
{
    struct connection *connection;
    TAILQ_FOREACH(connection, &worker->deadlines.connections, link)
    {
        if (!connection->is_disconnected && is_silent(connection, worker->now_ns) &&
            !has_unread(connection)) {
            shutdown(connection->fd, SHUT_RDWR);
            connection->is_disconnected = true;
        }
    }
}

bool drain_is_over(struct worker *worker)
{
    const struct http *http = worker->http;
    if (!atomic_load_explicit(&http->is_draining, memory_order_acquire)) {
        return false;
    }
    worker->is_draining = true;
    if (worker->now_ns >= atomic_load(&http->drain_until_ns)) {
        return true;
    }
    if (!worker->has_stopped_listening) {
        if (!worker_is_readable(worker->listen_fd) || worker->n_last_turns++ == LAST_TURNS_MAX) {
            stop_listening(worker);
        }
        return false;
    }
    MHD_UNSIGNED_LONG_LONG ms;
    bool is_busy = MHD_get_timeout(worker->daemon, &ms) == MHD_YES && ms == 0;
    if (worker->n_requests == 0 && !is_busy && !worker_is_readable(worker->events_fd)) {
        part(worker);
    }
    return worker->deadlines.n_connections == 0;
}
