/*
 * mhd_support.h - libmicrohttpd itself, for the tests of what asks it: a daemon without a port,
 * clients at socket pairs. Its turns are the test's.
 */
#ifndef MHD_SUPPORT_H
#define MHD_SUPPORT_H

#include "http/exchange_support.h"

/* Sends these bytes to libmicrohttpd, and calls `on_head` when it has taken in the head of the
 * request, whose exchange is the world's. The connection is cut behind that. */
void mhd_send(struct exchange_world *world, const char *request,
              void (*on_head)(struct exchange_world *world, const char *version, void *context),
              void *context);

/* A daemon whose connections are the worker's (connection.h). */
struct MHD_Daemon *mhd_start(struct exchange_world *world);
/* A client from this IPv4 address (host order) connects; its end, to be closed. */
int mhd_connect(struct MHD_Daemon *daemon, uint32_t address);

#endif
