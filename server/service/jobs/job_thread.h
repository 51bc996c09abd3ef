/*
 * job_thread.h - the job thread, as the files of this room share it: waiting, having the training
 * thread compute, and ending a job. The job thread is of normal priority, and the only one that
 * waits for the training thread.
 *
 * All functions are for the job thread. However long it waits, it comes back to its periodic work
 * (what sessions record is to be written) several times a second. Nothing that was found in its
 * context's catalogue outlives a call that may wait: those begin a new turn.
 */
#ifndef JOB_THREAD_H
#define JOB_THREAD_H

#include "service/jobs/training_thread.h"
#include "store/job_store.h"

#include <pthread.h>
#include <stdatomic.h>

struct job_database;
struct service;
struct service_context;

enum {
    JOB_THREAD_PERIOD_MS = 500, /* of its periodic work: so long may a recorded reading wait */
    JOB_THREAD_RETRY_MS = 1000  /* between attempts at what the database refuses */
};

struct job_thread {
    struct service *service;
    struct job_database *job_database;
    struct service_context *context; /* its own, for the catalogue and what sessions recorded */
    struct training_thread *training_thread;
    pthread_t thread;
    _Atomic bool is_stopping; /* no more jobs, only periodic work */
    _Atomic bool is_halted;   /* it has left the job that it was at */
    _Atomic bool is_ending;
    int64_t current_job;        /* the number of the job that it is at; 0: none */
    int64_t last_flushed_at_ms; /* by clock_monotonic_ms */
    int64_t retention_due_ms;   /* likewise: when to look for old jobs */
    uint64_t drift_generation;  /* of the job database, when drift's jobs were looked at */
    uint64_t n_deleted;         /* of those, since it was last logged */
    bool is_troubled;           /* jobs that are shared cannot be reached: that was logged */
};

static inline bool job_thread_is_stopping(const struct job_thread *job_thread)
{
    return atomic_load(&job_thread->is_stopping);
}
/* Waits for the wake-up, for up to that long, and does what is due. */
void job_thread_wait(struct job_thread *job_thread, int64_t ms);
/* Has the training thread do something, and waits for it. */
void job_thread_compute(struct job_thread *job_thread, void (*run)(void *argument), void *argument);
/* Forgets the data of jobs that ended without this thread. */
void job_thread_forget_ended(struct job_thread *job_thread);

/* The database refused something: logged, unless that was logged already, and DEGRADED_JOBS until
 * it takes a change. */
void job_thread_note_degraded(struct job_thread *job_thread, const struct job *job,
                              const struct fault *fault);
/* Whether to try again what failed: memory and the disk may have been short for a moment. Waits
 * before it says so. `attempt` counts them, from 0. */
bool job_thread_waits_to_retry(struct job_thread *job_thread, const struct job *job, int *attempt,
                               const struct fault *fault);
/* The job is over: written down, for as long as it takes, and its data forgotten. job->status is
 * the end, `from` what it was. False: it was cancelled or paused meanwhile, or the daemon stops. */
bool job_thread_end_job(struct job_thread *job_thread, struct job *job, enum job_status from,
                        struct job_event *events, size_t n_events);
/* The same for one that fails. Nothing happens if the daemon stops: it goes on at the next
 * start. */
void job_thread_fail_job(struct job_thread *job_thread, struct job *job, enum job_status from,
                         const struct fault *fault);

#endif
