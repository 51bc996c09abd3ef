/*
 * tls_client.h - one question over TLS, for health checks. It does not ask whose certificate it is
 * shown, so it is for the loopback only. Any thread.
 */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sends the request over a connected, non-blocking socket, and takes the reply's first bytes, until
 * its first line, the end or a full buffer. False leaves the reason in errno; EPROTO: the peer does
 * not speak TLS. */
__attribute__((warn_unused_result)) bool tls_client_ask(int fd, const char *request,
                                                        size_t n_request, char *reply, size_t size,
                                                        int64_t deadline_ms);

#endif
