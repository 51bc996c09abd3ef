/*
 * listen.h - the address of --listen, and the listening sockets of the workers. At start, from one thread.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include "status.h"

#include <stdbool.h>
#include <sys/socket.h>

struct listen_address {
    struct sockaddr_storage address;
    socklen_t n_address;
    bool is_loopback;
};

/* "127.0.0.1:8080", "[::1]:8080" or "localhost:8080"; no names are looked up. */
__attribute__((warn_unused_result)) bool listen_parse(const char *text, struct listen_address *ret_address);

/* n listening sockets on one port; with port 0, `address` is given the port that was free. */
__attribute__((warn_unused_result)) enum status listen_open(struct listen_address *address, size_t n,
                                                            int *ret_fds, struct fault *fault);
void listen_close(int *fds, size_t n);
unsigned listen_port(const struct listen_address *address);

#endif
