/*
 * tls.h - a client's TLS connection that looks like a plain one: a process of its own relays
 * between the daemon and `fd`, so that everything of daemon.h that takes a connection works over
 * TLS too.
 */
#ifndef TLS_H
#define TLS_H

#include "daemon.h"

#include <stdbool.h>

struct tls {
    int fd;
    pid_t pid;
    bool is_refused; /* there was no handshake */
    char version[16];
    unsigned serial; /* of the certificate that was shown */
};

#define TLS_ANY "NORMAL"

/* `priorities` are GnuTLS's. */
struct tls tls_connect(const struct daemon *daemon, const char *priorities);
void tls_close(struct tls *tls);

/* One request on a connection of its own, as in daemon.h. */
struct answer tls_request(const struct daemon *daemon, const char *method, const char *path,
                          const char *type, const void *body, size_t n);

#endif
