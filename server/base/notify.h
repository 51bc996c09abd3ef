/*
 * notify.h - tells the service manager (systemd) how far the daemon is, by the protocol of
 * sd_notify(3): a datagram to the socket that $NOTIFY_SOCKET names. Without that variable nothing
 * is told. Owns one socket; main's thread only.
 *
 * Nothing here ever fails for the daemon: what cannot be told is logged, and it goes on.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

/* Before the filter of system calls, below which no socket can be made. */
void notify_open(void);
/* It serves, or serves again after a reload. */
void notify_ready(void);
/* It reads its configuration again; monotonic_us: CLOCK_MONOTONIC, now. */
void notify_reloading(int64_t monotonic_us);
/* It has begun to end. The last one: the socket is closed. */
void notify_stopping(void);

#endif
