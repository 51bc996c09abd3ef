/*
 * signals.h - the signals that main takes one by one: SIGTERM and SIGINT, which end the daemon, and
 * SIGHUP. A leaf; main's thread only.
 *
 * They are blocked in every thread that comes after signals_setup. Threads that a library has
 * started before main (OpenBLAS has) do not block them, and a signal that the kernel gives to one
 * of those would end the process. So what reaches them is passed on.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

/* Before the first thread. SIGPIPE, which would come from a client that hangs up, is ignored. */
void signals_setup(void);
/* The next signal, or 0 if none came within that time. */
int signals_wait(long ms);

/* While main is busy with something that may take long: a thread that calls `on_end` when a signal
 * comes that ends the daemon. False: no thread. */
__attribute__((warn_unused_result)) bool signals_watch(void (*on_end)(int signal_number));
void signals_end_watch(void);

#endif
