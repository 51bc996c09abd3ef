/*
 * cluster_socket.h - a connection to the engine as a stream of bytes, with TLS or without. Nothing
 * waits. One thread's.
 */
#ifndef CLUSTER_SOCKET_H
#define CLUSTER_SOCKET_H

#include "cluster/cluster_target.h"
#include "cluster/cluster_trouble.h"

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_stream;

enum { CLUSTER_DETAILS_MAX = 200 };

struct cluster_socket {
    int fd; /* -1: none */
    bool is_connected;
    struct tls_stream *tls; /* NULL: no TLS, or not yet */
};

/* What an attempt has come to. */
enum cluster_progress { CLUSTER_GOES_ON, CLUSTER_OVER, CLUSTER_FAILED };
struct cluster_failure {
    enum cluster_trouble trouble;
    char details[CLUSTER_DETAILS_MAX]; /* for the operator */
};

/* Begins to connect to an address. FAILED: at once. */
enum cluster_progress cluster_socket_open(struct cluster_socket *socket,
                                          const struct addrinfo *address,
                                          struct cluster_failure *failure);
/* OVER: bytes can be sent. */
enum cluster_progress cluster_socket_connect(struct cluster_socket *socket,
                                             const struct cluster_target *target,
                                             struct cluster_failure *failure);
void cluster_socket_close(struct cluster_socket *socket);

/* As send(2) and recv(2). */
ssize_t cluster_socket_send(struct cluster_socket *socket, const char *bytes, size_t n);
ssize_t cluster_socket_receive(struct cluster_socket *socket, char *bytes, size_t size);
/* Of poll(2). */
short cluster_socket_events(const struct cluster_socket *socket, bool has_unsent);
/* Whether there is something to receive that poll does not see. */
bool cluster_socket_has_more(const struct cluster_socket *socket);

#endif
