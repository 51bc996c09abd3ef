/*
 * training_thread.h - the thread of SCHED_IDLE that computes for jobs, one task at a time. It takes no lock at all:
 * whoever is kept from running for long must not keep anything that others wait for. Owned by the clerk, and
 * only the clerk calls these, but for trainer_hurry.
 */
#ifndef TRAINING_THREAD_H
#define TRAINING_THREAD_H

#include <semaphore.h>
#include <stdbool.h>

struct trainer;

/* `bell` is rung at the end of each task. NULL: the thread could not be started. */
struct trainer *trainer_create(sem_t *bell);
void trainer_free(struct trainer *trainer); /* when it has no task; takes NULL */

/* Hands over a task; the last one must be done. */
void trainer_begin(struct trainer *trainer, void (*run)(void *argument), void *argument);
bool trainer_is_done(const struct trainer *trainer);
/* Any thread. The process ends: what is under way may take processors from others, where that is allowed. */
void trainer_hurry(struct trainer *trainer);

#endif
