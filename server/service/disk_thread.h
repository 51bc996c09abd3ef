/*
 * disk_thread.h - the threads that wait for the disk, so that the threads of clients need not: each
 * does the tasks of its queue one after the other, in the order in which they were handed in.
 *
 * There is one for the models' files, one for the jobs' database, and one for syncs of sessions: a
 * job's status is told while a model is being stored, and what one client asks of a job is done in
 * the order it was accepted. Two more wait for no disk, but do what no worker has the time for: one
 * reads large bodies and prints long predictions, and one lists sessions, for which it looks at the
 * id of every session of a model, and forecasts all of them. On a node of a cluster one waits for
 * the engine, with what is asked of single sessions.
 *
 * Any thread hands in tasks, and never waits for more than a short lock. A task that is done comes
 * back to the inbox that it names, which is one thread's: only that thread takes from it. From
 * disk_thread_hand_in until then the task, and what it works on, belong to the disk's thread.
 */
#ifndef DISK_THREAD_H
#define DISK_THREAD_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct service;
struct service_context;

enum disk_queue {
    DISK_NONE,
    DISK_MODELS,
    DISK_JOBS,
    DISK_SYNCS,
    DISK_BODIES,
    DISK_LISTS,
    DISK_SESSIONS,
    DISK_N_QUEUES
};

enum { DISK_TASKS_MAX = 256 /* that wait in a queue */ };

struct disk_inbox {
    _Atomic(struct disk_task *) done; /* the newest first */
    int wake_fd; /* an eventfd, written when something has come; -1: nobody waits for that */
    atomic_uint n_givers; /* threads that are about to write it */
};

struct disk_task {
    struct disk_task *next;
    struct disk_inbox *inbox;
    /* On the disk's thread, with that thread's context at the beginning of a turn. */
    void (*run)(struct service_context *context, struct disk_task *task);
    bool was_run; /* false once it is back: it was taken back before its turn came */
};

/* ---- for service.c, on the main thread ---- */

__attribute__((warn_unused_result)) enum status disk_threads_start(struct service *service,
                                                                   struct fault *fault);
/* After the last task has come back. Threads that were never started are no fault. */
void disk_threads_stop(struct service *service);

/* ---- any thread ---- */

/* False: the queue is full, or its thread does not run; the task remains the caller's. */
__attribute__((warn_unused_result)) bool
disk_thread_hand_in(struct service *service, enum disk_queue queue, struct disk_task *task);
/* What this inbox's thread has handed in and no disk's thread has begun comes back undone. */
void disk_threads_take_back(struct service *service, struct disk_inbox *inbox);
/* What has come back, linked by `next`, the first that was done first; NULL: nothing. */
struct disk_task *disk_inbox_take(struct disk_inbox *inbox);
/* Once all that was handed in is back: until nobody will write wake_fd any more. */
void disk_inbox_end(struct disk_inbox *inbox);

#endif
