/*
 * job_thread.h - the job thread: a thread of normal priority that takes jobs from the queue, and
 * the only one that waits for the trainer. What its files share.
 *
 * Everything here is for the job thread. Whatever it does, it comes back to its chores (what
 * sessions record is to be written) several times a second. Nothing that was found in its worker's
 * catalogue outlives a call that may wait: those begin a new turn.
 */
#ifndef JOB_THREAD_H
#define JOB_THREAD_H

#include "service/job_database.h"
#include "service/jobs/training_thread.h"
#include "service/models/trained_version.h"

struct job_thread {
    struct service *service;
    struct job_database *job_database;
    struct service_context *context; /* its own, for the catalogue and what sessions recorded */
    struct training_thread *training_thread;
    pthread_t thread;
    _Atomic bool is_stopping; /* no more jobs, only chores */
    _Atomic bool is_halted;   /* it has left the one it was at */
    _Atomic bool is_ending;
    int64_t current_job;        /* the number of the job that it is at; 0: none */
    int64_t last_flushed_at_ms; /* by wait_now_ms */
};

static inline bool job_thread_is_stopping(const struct job_thread *job_thread)
{
    return atomic_load(&job_thread->is_stopping);
}
/* Waits for the wake-up, for up to that long, and does what is due. */
void job_thread_wait(struct job_thread *job_thread, int64_t ms);
/* Has the trainer do something, and waits for it. */
void job_thread_compute(struct job_thread *job_thread, void (*run)(void *argument), void *argument);

/* The database refused something: said, unless that was said already, and DEGRADED_JOBS until it
 * takes a change. */
void job_thread_note_degraded(struct job_thread *job_thread, const struct job *job,
                              const struct fault *fault);
/* Whether what failed is to be tried once more: memory and the disk may have been short for a
 * moment. Waits before it says so. `attempt` counts them, from 0. */
bool job_thread_waits_to_retry(struct job_thread *job_thread, const struct job *job, int *attempt,
                               const struct fault *fault);
/* The job is over: written down, for as long as it takes, and its data forgotten. job->status is
 * the end, `from` what it was. False: it was cancelled or paused meanwhile, or the daemon stops. */
bool job_thread_end_job(struct job_thread *job_thread, struct job *job, enum job_status from,
                        struct job_event *events, size_t n_events);
/* The same for one that fails. Nothing happens if the daemon stops: it goes on at the next start.
 */
void job_thread_fail_job(struct job_thread *job_thread, struct job *job, enum job_status from,
                         const struct fault *fault);

/* training_set_gather.c: a job that is validating. */
void job_thread_gather(struct job_thread *job_thread, struct job *job);
/* job_run.c: a job that is queued, or was running when the process ended. */
void job_thread_run(struct job_thread *job_thread, struct job *job);

#endif
