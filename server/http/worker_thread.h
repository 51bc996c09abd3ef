/*
 * worker_thread.h - a worker's life: made, given a thread, woken, joined, freed. Main's thread.
 */
#ifndef WORKER_THREAD_H
#define WORKER_THREAD_H

#include "http/worker.h"

/* Takes over the listening socket, also on failure. The thread is not started yet. */
__attribute__((warn_unused_result)) enum status
worker_thread_create(struct http *http, struct service *service, int listen_fd,
                     struct worker **ret_worker, struct fault *fault);
/* False: no thread. */
bool worker_thread_start(struct worker *worker, size_t number);
void worker_thread_wake(struct worker *worker);
/* Waits for the thread, which ends once http->is_draining. */
void worker_thread_join(struct worker *worker);
/* Instead of worker_thread_join, where the process is about to end around the thread. */
void worker_thread_abandon(struct worker *worker);
/* worker_thread_join, and frees all. Takes NULL. */
void worker_thread_free(struct worker *worker);

#endif
