#include "service/jobs/job_thread.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/degraded.h"
#include "service/job_database.h"
#include "service/jobs/drift_jobs.h"
#include "service/jobs/job_retention.h"
#include "service/service_context.h"
#include "service/service_private.h"
#include "service/sessions/recorder.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ATTEMPTS = 5 }; /* at what may be refused for good */

/* ---- periodic work ---- */

static void write_recorded(struct job_thread *job_thread)
{
    struct fault fault; /* the recorder logs what it cannot write, and keeps it */
    service_context_turn(job_thread->context);
    if (clock_monotonic_ms() - job_thread->last_flushed_at_ms >= JOB_THREAD_PERIOD_MS) {
        enum status status = recorder_flush(job_thread->service->recorder, &fault);
        degraded_settle(job_thread->service, DEGRADED_RECORDINGS, status);
        job_thread->last_flushed_at_ms = clock_monotonic_ms();
    }
}

static void forget_data(struct job_thread *job_thread, int64_t number)
{
    struct fault fault;
    enum status status =
        job_store_forget_data(job_database_lock(job_thread->job_database), number, &fault);
    job_database_unlock(job_thread->job_database);
    if (status != STATUS_OK) {
        log_event(LOG_WARN, "job_data_not_deleted", LOG_INT("number", number),
                  LOG_STRING("reason", fault.message));
    }
}

/* Not of the job that the job thread is at, which may be about to write some more: later. */
static void forget_ended(struct job_thread *job_thread, int64_t number)
{
    if (number != job_thread->current_job) {
        forget_data(job_thread, number);
        return;
    }
    job_database_lock(job_thread->job_database);
    job_database_note_over_locked(job_thread->job_database, number);
    job_database_unlock(job_thread->job_database);
}

/* Ended jobs keep data when the process was killed before it could forget them. */
static void sweep(struct job_thread *job_thread)
{
    enum { PAGE = 32 };
    struct job *page = calloc(PAGE, sizeof *page);
    char after[JOB_ID_MAX + 1] = "";
    bool has_more = page != NULL;
    while (has_more && !job_thread_is_stopping(job_thread)) {
        struct job_filter filter = { .after = after[0] ? after : NULL, .status = -1 };
        struct fault fault;
        size_t n;
        enum status status = job_store_list(job_database_lock(job_thread->job_database), &filter,
                                            PAGE, page, &n, &has_more, &fault);
        job_database_unlock(job_thread->job_database);
        if (status != STATUS_OK || n == 0) {
            break;
        }
        for (size_t k = 0; k < n; k++) {
            if (job_is_over(page[k].status)) {
                forget_ended(job_thread, page[k].number);
            }
        }
        memcpy(after, page[n - 1].id, sizeof after);
        write_recorded(job_thread);
    }
    free(page);
}

void job_thread_forget_ended(struct job_thread *job_thread)
{
    int64_t over[JOB_DATABASE_OVER];
    job_database_lock(job_thread->job_database);
    size_t n = job_thread->job_database->n_over;
    bool is_sweep_due = job_thread->job_database->is_sweep_due;
    memcpy(over, job_thread->job_database->over, sizeof over);
    job_thread->job_database->n_over = 0;
    job_thread->job_database->is_sweep_due = false;
    job_database_unlock(job_thread->job_database);
    for (size_t k = 0; k < n; k++) {
        forget_ended(job_thread, over[k]);
    }
    if (is_sweep_due) {
        sweep(job_thread);
    }
}

/* There may be nothing to write for long: tries whether writing would succeed. */
static void probe(struct job_thread *job_thread)
{
    struct fault fault;
    if (service_is_degraded_by(job_thread->service, DEGRADED_JOBS)) {
        enum status status = job_store_probe(job_database_lock(job_thread->job_database), &fault);
        job_database_unlock(job_thread->job_database);
        degraded_settle(job_thread->service, DEGRADED_JOBS, status);
    }
}

/* That the engine is away is known from elsewhere, and training goes on. */
static void look_at_shared(struct job_thread *job_thread)
{
    struct fault fault;
    if (job_database_is_shared(job_thread->job_database) &&
        job_database_look(job_thread->job_database, job_thread->current_job, &fault) != STATUS_OK) {
        job_thread_note_degraded(job_thread, NULL, &fault);
    }
}

static void do_periodic_work(struct job_thread *job_thread)
{
    bool is_due = clock_monotonic_ms() - job_thread->last_flushed_at_ms >= JOB_THREAD_PERIOD_MS;
    write_recorded(job_thread);
    if (is_due) { /* not between jobs only: one may run for days */
        look_at_shared(job_thread);
        job_thread_forget_ended(job_thread);
        probe(job_thread);
        drift_jobs_run(job_thread);
        job_retention_run(job_thread);
    }
}

/* ---- waiting ---- */

void job_thread_wait(struct job_thread *job_thread, int64_t ms)
{
    int64_t period_ms =
        job_thread->last_flushed_at_ms + JOB_THREAD_PERIOD_MS - clock_monotonic_ms();
    ms = ms < period_ms ? ms : period_ms;
    int64_t until_ns = clock_monotonic_ns() + (ms > 0 ? ms : 0) * 1000000;
    const struct timespec until = { .tv_sec = until_ns / 1000000000,
                                    .tv_nsec = until_ns % 1000000000 };
    if (sem_clockwait(&job_thread->job_database->wake_up, CLOCK_MONOTONIC, &until) == 0) {
        while (sem_trywait(&job_thread->job_database->wake_up) ==
               0) { /* one look answers all wake-ups */
        }
    }
    do_periodic_work(job_thread);
}

void job_thread_compute(struct job_thread *job_thread, void (*run)(void *argument), void *argument)
{
    training_thread_begin(job_thread->training_thread, run, argument);
    do { /* once at least: periodic work is due however short the tasks are */
        job_thread_wait(job_thread, JOB_THREAD_PERIOD_MS);
    } while (!training_thread_is_done(job_thread->training_thread));
}

/* ---- the end of a job ---- */

void job_thread_note_degraded(struct job_thread *job_thread, const struct job *job,
                              const struct fault *fault)
{
    const bool is_shared = job_database_is_shared(job_thread->job_database);
    const bool was_logged = is_shared ? job_thread->is_troubled
                                      : service_is_degraded_by(job_thread->service, DEGRADED_JOBS);
    if (!was_logged) {
        log_event(LOG_ERROR, "jobs_not_written", LOG_STRING("job", job ? job->id : NULL),
                  LOG_STRING("reason", fault->message));
    }
    job_thread->is_troubled = is_shared;
    degraded_begins(job_thread->service, DEGRADED_JOBS);
}

/* A version that another node of a cluster has put may be on its way to this one. */
static bool may_pass(const struct job_thread *job_thread, enum status status)
{
    const bool is_missing = status == STATUS_MODEL_NOT_FOUND || status == STATUS_VERSION_NOT_FOUND;
    return status_may_pass(status) ||
           (is_missing && job_database_is_shared(job_thread->job_database));
}

bool job_thread_waits_to_retry(struct job_thread *job_thread, const struct job *job, int *attempt,
                               const struct fault *fault)
{
    if (!may_pass(job_thread, fault->status) || ++*attempt == ATTEMPTS ||
        job_thread_is_stopping(job_thread)) {
        return false;
    }
    log_event(LOG_WARN, "job_waits", LOG_STRING("job", job->id),
              LOG_STRING("reason", fault->message));
    job_thread_wait(job_thread, JOB_THREAD_RETRY_MS);
    return !job_thread_is_stopping(job_thread);
}

bool job_thread_end_job(struct job_thread *job_thread, struct job *job, enum job_status from,
                        struct job_event *events, size_t n_events)
{
    struct fault fault = { .status = STATUS_OK };
    enum job_status now = from;
    job->finished_at_ms = job_now_ms(job);
    job->estimated_finish_ms = 0;
    for (;;) {
        enum status status = job_database_change(job_thread->job_database, job, from, events,
                                                 n_events, &now, &fault);
        if (status == STATUS_OK || status == STATUS_JOB_NOT_FOUND) {
            break;
        }
        job_thread_note_degraded(job_thread, job, &fault);
        if (job_thread_is_stopping(job_thread)) {
            return false;
        }
        job_thread_wait(job_thread, JOB_THREAD_RETRY_MS);
    }
    if (now != job->status) {
        return false;
    }
    forget_data(job_thread, job->number);
    return true;
}

void job_thread_fail_job(struct job_thread *job_thread, struct job *job, enum job_status from,
                         const struct fault *fault)
{
    const struct fault reported = fault_for_clients(fault);
    struct job_event event =
        job_database_message(JOB_EVENT_ERROR, "%.*s", JOB_MESSAGE_MAX, reported.message);
    if (job_thread_is_stopping(job_thread)) {
        return;
    }
    job->status = JOB_FAILED;
    job->error = reported;
    if (job_thread_end_job(job_thread, job, from, &event, 1)) {
        log_event(LOG_WARN, "job_failed", LOG_STRING("job", job->id),
                  LOG_STRING("code", status_code(fault->status)),
                  LOG_STRING("reason", fault->message));
    }
}
