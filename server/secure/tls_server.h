/*
 * tls_server.h - the last bytes that a server's TLS session sends, past the library that owns it.
 * The thread of that session.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <stddef.h>

/* Sends what the socket takes at once, and says that no more will come. `session` is a
 * gnutls_session_t. */
void tls_server_send_last(void *session, const char *bytes, size_t n);

#endif
