#include "cluster/cluster_socket.h"

#include "secure/tls_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum cluster_progress fail(struct cluster_failure *failure, enum cluster_trouble trouble,
                                  const char *details)
{
    failure->trouble = trouble;
    snprintf(failure->details, sizeof failure->details, "%s", details);
    return CLUSTER_FAILED;
}

enum cluster_progress cluster_socket_open(struct cluster_socket *connection,
                                          const struct addrinfo *address,
                                          struct cluster_failure *failure)
{
    const int yes = 1;
    *connection = (struct cluster_socket){ .fd = -1 };
    connection->fd =
        socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (connection->fd < 0) {
        return fail(failure, CLUSTER_IS_AWAY, strerrordesc_np(errno));
    }
    /* commands leave together, and none is to wait for more */
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(connection->fd, address->ai_addr, address->ai_addrlen) != 0 &&
        errno != EINPROGRESS) {
        const int reason = errno;
        cluster_socket_close(connection);
        return fail(failure, CLUSTER_IS_AWAY, strerrordesc_np(reason));
    }
    return CLUSTER_GOES_ON;
}

/* Whether the connection has come about, by what the socket says of itself. */
static enum cluster_progress look(struct cluster_socket *connection,
                                  struct cluster_failure *failure)
{
    struct pollfd waiting = { .fd = connection->fd, .events = POLLOUT };
    int error = 0;
    socklen_t n = sizeof error;
    if (poll(&waiting, 1, 0) == 0) {
        return CLUSTER_GOES_ON;
    }
    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0) {
        return fail(failure, CLUSTER_IS_AWAY, strerrordesc_np(error != 0 ? error : errno));
    }
    connection->is_connected = true;
    return CLUSTER_OVER;
}

static enum cluster_progress shake_hands(struct cluster_socket *connection,
                                         struct cluster_failure *failure)
{
    char reason[TLS_REASON_MAX] = "";
    switch (tls_stream_shake_hands(connection->tls, reason)) {
    case TLS_DONE:
        return CLUSTER_OVER;
    case TLS_WAITS:
        return CLUSTER_GOES_ON;
    case TLS_NOT_TLS:
        return fail(failure, CLUSTER_IS_NOT_TLS, reason);
    case TLS_OTHER_NAME:
        return fail(failure, CLUSTER_IS_TLS_NAME, reason);
    case TLS_UNTRUSTED:
        return fail(failure, CLUSTER_IS_TLS_AUTHORITY, reason);
    case TLS_BAD_CERTIFICATE:
        return fail(failure, CLUSTER_IS_TLS_CERTIFICATE, reason);
    case TLS_BROKEN:
        break;
    }
    return fail(failure, CLUSTER_IS_TLS_FAILED, reason);
}

enum cluster_progress cluster_socket_connect(struct cluster_socket *connection,
                                             const struct cluster_target *target,
                                             struct cluster_failure *failure)
{
    if (!connection->is_connected) {
        const enum cluster_progress progress = look(connection, failure);
        if (progress != CLUSTER_OVER || !target->trust) {
            return progress;
        }
    }
    if (target->trust && !connection->tls) {
        connection->tls = tls_stream_create(target->trust, connection->fd, target->url.host);
        if (!connection->tls) {
            return fail(failure, CLUSTER_IS_NO_MEMORY, "for TLS");
        }
    }
    return connection->tls ? shake_hands(connection, failure) : CLUSTER_OVER;
}

void cluster_socket_close(struct cluster_socket *connection)
{
    tls_stream_free(connection->tls);
    if (connection->fd >= 0) {
        close(connection->fd);
    }
    *connection = (struct cluster_socket){ .fd = -1 };
}

ssize_t cluster_socket_send(struct cluster_socket *connection, const char *bytes, size_t n)
{
    return connection->tls ? tls_stream_send(connection->tls, bytes, n)
                           : send(connection->fd, bytes, n, MSG_NOSIGNAL);
}

ssize_t cluster_socket_receive(struct cluster_socket *connection, char *bytes, size_t size)
{
    return connection->tls ? tls_stream_receive(connection->tls, bytes, size)
                           : recv(connection->fd, bytes, size, 0);
}

short cluster_socket_events(const struct cluster_socket *connection, bool has_unsent)
{
    const bool wants_to_write = !connection->is_connected || has_unsent ||
                                (connection->tls && tls_stream_wants_to_write(connection->tls));
    return (short)(POLLIN | (wants_to_write ? POLLOUT : 0));
}

bool cluster_socket_has_more(const struct cluster_socket *connection)
{
    return connection->tls && tls_stream_has_more(connection->tls);
}
