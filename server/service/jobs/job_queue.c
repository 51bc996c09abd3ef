/* job_queue.c - the job thread takes one job after the other from the queue; how it starts and
 * stops (fine_tuning.h). */
#include "base/clock.h"
#include "base/log.h"
#include "service/degraded.h"
#include "service/job_database.h"
#include "service/jobs/fine_tuning.h"
#include "service/jobs/job_run.h"
#include "service/jobs/training_set_gather.h"
#include "service/service_context.h"
#include "service/service_private.h"
#include "service/sessions/recorder.h"

#include <stdlib.h>

/* ---- the queue ---- */

/* It is over, paused, or for the next start, or for another process that shares the jobs. */
static void leave_job(struct job_thread *job_thread)
{
    struct fault fault;
    if (job_thread->current_job != 0) {
        enum status status = job_store_release(job_database_lock(job_thread->job_database),
                                               job_thread->current_job, &fault);
        job_database_unlock(job_thread->job_database);
        if (status != STATUS_OK) {
            log_event(LOG_WARN, "job_not_released", LOG_INT("number", job_thread->current_job),
                      LOG_STRING("reason", fault.message));
        }
        job_thread->current_job = 0;
    }
}

static void *work(void *context)
{
    struct job_thread *job_thread = context;
    pthread_setname_np(pthread_self(), "jobs");
    while (!job_thread_is_stopping(job_thread)) {
        struct fault fault;
        struct job job;
        bool found = false;
        job_thread_forget_ended(job_thread);
        enum status status =
            job_store_take(job_database_lock(job_thread->job_database), &found, &job, &fault);
        job_database_unlock(job_thread->job_database);
        if (status != STATUS_OK) {
            job_thread_note_degraded(job_thread, NULL, &fault);
        }
        job_thread->is_troubled = job_thread->is_troubled && status != STATUS_OK;
        job_thread->current_job = found ? job.number : 0;
        if (status != STATUS_OK || !found) {
            job_thread_wait(job_thread,
                            status != STATUS_OK ? JOB_THREAD_RETRY_MS : JOB_THREAD_PERIOD_MS);
        } else if (job.status == JOB_VALIDATING) {
            training_set_gather(job_thread, &job);
        } else {
            job_run_train(job_thread, &job);
        }
        leave_job(job_thread);
    }
    atomic_store(&job_thread->is_halted, true);
    while (!atomic_load(&job_thread->is_ending)) {
        job_thread_wait(job_thread, JOB_THREAD_PERIOD_MS);
    }
    return NULL;
}

/* ---- life ---- */

static void job_thread_free(struct job_thread *job_thread)
{
    training_thread_free(job_thread->training_thread);
    service_context_free(job_thread->context);
    free(job_thread);
}

enum status service_start_jobs(struct service *service, struct fault *fault)
{
    struct job_thread *job_thread = calloc(1, sizeof *job_thread);
    if (!job_thread) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the jobs");
    }
    job_thread->service = service;
    job_thread->job_database = service->job_database;
    job_thread->last_flushed_at_ms = clock_monotonic_ms();
    job_thread->training_thread = training_thread_create(&service->job_database->wake_up);
    if (!job_thread->training_thread ||
        service_context_create(service, &job_thread->context) != STATUS_OK ||
        pthread_create(&job_thread->thread, NULL, work, job_thread) != 0) {
        job_thread_free(job_thread);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "the threads for jobs cannot be started");
    }
    service->job_thread = job_thread;
    return STATUS_OK;
}

void service_halt_jobs(struct service *service)
{
    struct job_thread *job_thread = service->job_thread;
    if (job_thread) {
        atomic_store(&job_thread->is_stopping, true);
        job_database_interrupt(job_thread->job_database);
        training_thread_raise_priority(job_thread->training_thread);
    }
}

bool service_jobs_are_halted(const struct service *service)
{
    return !service->job_thread || atomic_load(&service->job_thread->is_halted);
}

void service_stop_jobs(struct service *service)
{
    struct fault fault;
    struct job_thread *job_thread = service->job_thread;
    service_halt_jobs(service);
    if (job_thread) {
        atomic_store(&job_thread->is_ending, true);
        job_database_wake(job_thread->job_database);
        pthread_join(job_thread->thread, NULL);
        job_thread_free(job_thread);
        service->job_thread = NULL;
    }
    (void)!recorder_flush(service->recorder, &fault);
}
