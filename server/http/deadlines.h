/*
 * deadlines.h - the open connections of one worker, and when each is to be cut. That worker's
 * thread only.
 *
 * libmicrohttpd's timeout is one of inactivity: a byte a second holds a connection for ever. It
 * also costs a clock and a lock at each read and write, and timeouts for single connections are
 * walked through on each turn. So libmicrohttpd is given none: the worker keeps the deadlines
 * itself, and looks at them a few times a second at most.
 *
 * libmicrohttpd 0.9.75 also misses clients that hang up right behind what they send: its epoll is
 * edge-triggered, and after a short read it waits for another event, which never comes. A sweep
 * finds those too.
 */
#ifndef DEADLINES_H
#define DEADLINES_H

#include "http/connection.h"

#define DEADLINE_NEVER INT64_MAX

struct deadlines {
    struct connection_list connections;
    size_t n_connections;
    int64_t shortest_ns; /* no deadline that is set later is over sooner. May be changed, and counts
                            from the next sweep on */
    int64_t next_ns;     /* when to sweep again */
};

void deadlines_init(struct deadlines *deadlines, int64_t shortest_ns);
void deadlines_add(struct deadlines *deadlines, struct connection *connection, int64_t now_ns);
void deadlines_remove(struct deadlines *deadlines, struct connection *connection);
/* Shuts down the connections whose deadline is over; their owner then learns of it as if the client
 * had hung up. Cheap while no sweep is due. */
void deadlines_sweep(struct deadlines *deadlines, int64_t now_ns);
/* From now on sweeps are as frequent as can be. */
void deadlines_hurry(struct deadlines *deadlines);

#endif
