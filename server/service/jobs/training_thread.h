/*
 * training_thread.h - the thread of SCHED_IDLE that computes for jobs, one task at a time. It takes
 * no lock at all: a thread that may be kept from running for long must not hold anything that
 * others wait for. Owned by the job thread, and only the job thread calls these, but for
 * training_thread_raise_priority.
 */
#ifndef TRAINING_THREAD_H
#define TRAINING_THREAD_H

#include <semaphore.h>
#include <stdbool.h>

struct training_thread;

/* `wake_up` is posted at the end of each task. NULL: the thread could not be started. */
struct training_thread *training_thread_create(sem_t *wake_up);
void training_thread_free(
    struct training_thread *training_thread); /* when it has no task; takes NULL */

/* Hands over a task; the last one must be done. */
void training_thread_begin(struct training_thread *training_thread, void (*run)(void *argument),
                           void *argument);
bool training_thread_is_done(const struct training_thread *training_thread);
/* Any thread. The process ends: what is under way may take processors from others, where that is
 * allowed. */
void training_thread_raise_priority(struct training_thread *training_thread);

#endif
