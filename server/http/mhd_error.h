/*
 * mhd_error.h - what libmicrohttpd refuses by itself gets replies of our form: it has no hook for
 * them, and its own are HTML, or their head twice. The worker's thread.
 *
 * libmicrohttpd logs such a refusal before it makes its reply. It does not say whose it is, so the
 * connection is looked for among those that can be meant: often there is one. If it is certain, our
 * reply is sent past libmicrohttpd, whose own then finds a socket that takes nothing more. If it is
 * not, libmicrohttpd's reply is sent.
 */
#ifndef MHD_ERROR_H
#define MHD_ERROR_H

#include "http/workers.h"

#include <stdarg.h>

struct connection;
struct fault;

/* A line of libmicrohttpd's log, about a connection of this worker's. */
__attribute__((format(printf, 2, 0))) void mhd_error_on_log(struct worker *worker,
                                                            const char *format, va_list arguments);
/* Sends the error past libmicrohttpd, and ends what is sent: for a request whose head leaves no
 * memory for that of a reply. The caller has libmicrohttpd close the connection. */
void mhd_error_send(struct connection *connection, const struct fault *fault);

#endif
