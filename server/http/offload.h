/*
 * offload.h - requests whose handlers wait for the disk (route.h says which), and streams that read
 * from it: handed to a disk's thread (service/disk_thread.h) and taken back. That worker's thread
 * only, but for the handlers themselves.
 *
 * An exchange that is out belongs to the disk's thread, with its arena and its fault; its
 * connection is suspended, so that libmicrohttpd leaves it alone and does not see that a client has
 * hung up. libmicrohttpd aborts if it is stopped with a connection suspended: offload_end comes
 * before.
 */
#ifndef OFFLOAD_H
#define OFFLOAD_H

#include "http/exchange.h"

/* A worker's. */
struct offload {
    struct disk_inbox exchanges, fetches;
    struct disk_task fetch; /* of the worker's streams, all at once */
    struct disk_task *back; /* exchanges that offload_take has not given yet */
    size_t n_out;           /* exchanges, until offload_take has given them */
};

void offload_init(struct offload *offload, int wake_fd);
/* The thread that is to call the exchange's handler; DISK_NONE: the worker's own. */
enum disk_queue offload_queue(const struct exchange *exchange);
/* The same for its `finish`, which prints a prediction and changes nothing. */
enum disk_queue offload_finish_queue(const struct exchange *exchange);
/* Has the route's handler, or its `finish` if that is due, called on that thread, from within
 * libmicrohttpd's call for this exchange. STATUS_OVERLOADED: too many wait for that thread. */
enum status offload_begin(struct exchange *exchange, enum disk_queue queue);
/* Starts reading what the worker's streams wait for (streams_init). */
bool offload_fetch(struct streams *streams);
/* Lets streams go on whose sources were read. */
void offload_end_fetch(struct worker *worker);
/* The next exchange that is back, or NULL; *ret_status is what its handler returned. Its connection
 * is to be resumed. */
struct exchange *offload_take(struct worker *worker, enum status *ret_status);
/* What no disk's thread has begun comes back undone. */
void offload_cut(struct worker *worker);

#endif
