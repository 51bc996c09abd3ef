/*
 * tls_stream.h - the client's end of a TLS connection whose server is checked: by authorities, by
 * its name, by time. Over a socket that does not block, and of one thread; what trusts may be
 * shared by all.
 */
#ifndef TLS_STREAM_H
#define TLS_STREAM_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_trust; /* authorities; constant */

/* Those of a file in PEM; "": the system's. A fault has the option as param. */
__attribute__((warn_unused_result)) enum status tls_trust_read(const char *path, const char *param,
                                                               struct tls_trust **ret_trust,
                                                               struct fault *fault);
void tls_trust_free(struct tls_trust *trust); /* takes NULL */

struct tls_stream;

enum tls_result {
    TLS_DONE,
    TLS_WAITS,      /* for the socket: tls_stream_wants_to_write */
    TLS_NOT_TLS,    /* the server speaks something else */
    TLS_OTHER_NAME, /* its certificate is another host's */
    TLS_UNTRUSTED,  /* signed by none of the authorities */
    TLS_BAD_CERTIFICATE,
    TLS_BROKEN
};

/* `host` is the name, or the address, that its certificate must have. NULL: no memory. The socket
 * stays its caller's. */
struct tls_stream *tls_stream_create(const struct tls_trust *trust, int fd, const char *host);
void tls_stream_free(struct tls_stream *stream); /* takes NULL; says nothing to the server */

enum { TLS_REASON_MAX = 160 };
/* Goes on with the handshake. Of what is not DONE and does not wait, the reason says more. */
enum tls_result tls_stream_shake_hands(struct tls_stream *stream, char reason[TLS_REASON_MAX]);
/* As send(2) and recv(2), with EAGAIN in errno for what waits. After EAGAIN the same bytes must be
 * sent again, which more may follow. */
ssize_t tls_stream_send(struct tls_stream *stream, const char *bytes, size_t n);
ssize_t tls_stream_receive(struct tls_stream *stream, char *bytes, size_t size);
/* Whether it has bytes that the socket no longer shows. */
bool tls_stream_has_more(const struct tls_stream *stream);
/* What it waits for: until it may write, or else for something to read. */
bool tls_stream_wants_to_write(const struct tls_stream *stream);

#endif
