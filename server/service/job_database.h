/*
 * job_database.h - the job database as the threads share it: the one connection and its mutex, and
 * the semaphore that wakes the job thread.
 *
 * Any thread that may wait: the mutex is held for short statements, which in a cluster are trips to
 * its engine. Never while something computes or waits for the training thread, and never together
 * with another lock of the service.
 */
#ifndef JOB_DATABASE_H
#define JOB_DATABASE_H

#include "config/config.h"
#include "store/job_store.h"

#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

/* The metrics of a job that has none yet. */
static const struct job_metrics no_metrics = { NAN, NAN, NAN, NAN, NAN, NAN };

enum { JOB_DATABASE_OVER = 16 };

struct job_database {
    sem_t wake_up; /* posted by verbs and the training thread, which must not wait for a mutex */
    _Atomic uint64_t generation; /* grows with every event and change of status */
    /* Grows when the job thread must look at its job's status at once. */
    _Atomic uint64_t interruptions;
    _Atomic uint64_t n_jobs[JOB_N_STATUSES];  /* in the store; read without the mutex */
    _Atomic uint64_t n_ended[JOB_N_STATUSES]; /* that came to that status, since the start */

    pthread_mutex_t mutex;            /* guards what follows */
    struct job_store *jobs, *lineage; /* both in one, but where a cluster shares the jobs */
    uint64_t seen_generation;         /* of the jobs that are shared */
    /* [n_over] jobs that ended without the job thread: their data are to be forgotten. */
    int64_t over[JOB_DATABASE_OVER];
    size_t n_over;
    bool is_sweep_due; /* there may be more, of an earlier process, or that found no room here */
};

__attribute__((warn_unused_result)) enum status
job_database_create(const struct config *config, struct job_database **ret_job_database,
                    struct fault *fault);
void job_database_free(struct job_database *job_database); /* takes NULL */

/* Before other threads use it: the jobs are these from now on, which processes share. The lineage
 * stays where it was. */
void job_database_join(struct job_database *job_database, struct job_store *jobs);
bool job_database_is_shared(const struct job_database *job_database);
/* What the other processes have done; keeps the job of that number (0: none) this process's. A few
 * times a second, where the jobs are shared. */
__attribute__((warn_unused_result)) enum status
job_database_look(struct job_database *job_database, int64_t number, struct fault *fault);

struct job_store *job_database_lock(struct job_database *job_database);
/* The same for the store of the lineage. */
struct job_store *job_database_lock_lineage(struct job_database *job_database);
void job_database_unlock(struct job_database *job_database);

void job_database_wake(struct job_database *job_database); /* wakes the job thread */
/* The same, and ends the slice that is under way. */
void job_database_interrupt(struct job_database *job_database);
void job_database_note_change(struct job_database *job_database);
/* With the mutex held: a job was added. */
void job_database_note_new_locked(struct job_database *job_database, enum job_status status);
/* With the mutex held: a job that was over was deleted. */
void job_database_note_deleted_locked(struct job_database *job_database, enum job_status was);
/* With the mutex held: the job's data are to be forgotten. */
void job_database_note_over_locked(struct job_database *job_database, int64_t number);

/* Writes the job's life and adds the events, both or neither, provided that its status in the
 * database still is `from`; else nothing happens and *ret_status says what it is now
 * (job_store_update). */
__attribute__((warn_unused_result)) enum status
job_database_change(struct job_database *job_database, const struct job *job, enum job_status from,
                    struct job_event *events, size_t n_events, enum job_status *ret_status,
                    struct fault *fault);
/* The same with the mutex held. */
__attribute__((warn_unused_result)) enum status
job_database_change_locked(struct job_database *job_database, const struct job *job,
                           enum job_status from, struct job_event *events, size_t n_events,
                           enum job_status *ret_status, struct fault *fault);
/* Before a client is told of what was changed: job_store_confirm. */
__attribute__((warn_unused_result)) enum status
job_database_confirm(struct job_database *job_database, struct fault *fault);
/* An event of a job that is not over: after the end of a job none may follow. A failure is only
 * logged. */
void job_database_add_event(struct job_database *job_database, const struct job *job,
                            struct job_event event);

__attribute__((format(printf, 2, 3))) struct job_event
job_database_message(enum job_event_level level, const char *format, ...);

#endif
