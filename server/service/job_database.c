#include "service/job_database.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum status job_database_create(const struct config *config, struct job_database **ret_job_database,
                                struct fault *fault)
{
    struct job_database *job_database = calloc(1, sizeof *job_database);
    if (!job_database) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the jobs");
    }
    size_t n_jobs[JOB_N_STATUSES] = { 0 };
    enum status status = job_store_open(config->data, &job_database->jobs, fault);
    job_database->lineage = job_database->jobs;
    if (status == STATUS_OK) {
        status = job_store_count(job_database->jobs, n_jobs, fault);
    }
    if (status != STATUS_OK) {
        job_store_close(job_database->jobs);
        free(job_database);
        return status;
    }
    for (size_t k = 0; k < JOB_N_STATUSES; k++) {
        atomic_init(&job_database->n_jobs[k], n_jobs[k]);
    }
    sem_init(&job_database->wake_up, 0, 0);
    pthread_mutex_init(&job_database->mutex, NULL);
    job_database->is_sweep_due = true;
    *ret_job_database = job_database;
    return STATUS_OK;
}

void job_database_free(struct job_database *job_database)
{
    if (!job_database) {
        return;
    }
    if (job_database->lineage != job_database->jobs) {
        job_store_close(job_database->lineage);
    }
    job_store_close(job_database->jobs);
    pthread_mutex_destroy(&job_database->mutex);
    sem_destroy(&job_database->wake_up);
    free(job_database);
}

struct job_store *job_database_lock(struct job_database *job_database)
{
    pthread_mutex_lock(&job_database->mutex);
    return job_database->jobs;
}

struct job_store *job_database_lock_lineage(struct job_database *job_database)
{
    pthread_mutex_lock(&job_database->mutex);
    return job_database->lineage;
}

void job_database_unlock(struct job_database *job_database)
{
    pthread_mutex_unlock(&job_database->mutex);
}

/* ---- jobs that processes share ---- */

void job_database_join(struct job_database *job_database, struct job_store *jobs)
{
    job_database->jobs = jobs;
    job_database->is_sweep_due = false; /* those that are over have no data there */
}

bool job_database_is_shared(const struct job_database *job_database)
{
    return job_store_is_shared(job_database->jobs);
}

enum status job_database_look(struct job_database *job_database, int64_t number,
                              struct fault *fault)
{
    struct job_store_look look;
    enum status status = job_store_look(job_database_lock(job_database), number, &look, fault);
    bool has_changed = status == STATUS_OK && look.generation != job_database->seen_generation;
    if (status == STATUS_OK) {
        job_database->seen_generation = look.generation;
    }
    job_database_unlock(job_database);
    for (size_t k = 0; status == STATUS_OK && k < JOB_N_STATUSES; k++) {
        atomic_store(&job_database->n_jobs[k], look.n_by_status[k]);
    }
    if (has_changed) {
        job_database_note_change(job_database);
    }
    if (status == STATUS_OK && number != 0 && look.status != JOB_RUNNING) {
        atomic_fetch_add(&job_database->interruptions, 1);
    }
    return status;
}

void job_database_wake(struct job_database *job_database)
{
    sem_post(&job_database->wake_up);
}

void job_database_interrupt(struct job_database *job_database)
{
    atomic_fetch_add(&job_database->interruptions, 1);
    job_database_wake(job_database);
}

void job_database_note_change(struct job_database *job_database)
{
    atomic_fetch_add(&job_database->generation, 1);
}

/* JOB_N_STATUSES: none. Those that are shared are counted where they are. */
static void count(struct job_database *job_database, enum job_status from, enum job_status to)
{
    const bool is_shared = job_store_is_shared(job_database->jobs);
    if (!is_shared && from != JOB_N_STATUSES) {
        atomic_fetch_sub(&job_database->n_jobs[from], 1);
    }
    if (!is_shared && to != JOB_N_STATUSES) {
        atomic_fetch_add(&job_database->n_jobs[to], 1);
    }
}

void job_database_note_new_locked(struct job_database *job_database, enum job_status status)
{
    count(job_database, JOB_N_STATUSES, status);
    job_database_note_change(job_database);
}

void job_database_note_deleted_locked(struct job_database *job_database, enum job_status was)
{
    count(job_database, was, JOB_N_STATUSES);
}

void job_database_note_over_locked(struct job_database *job_database, int64_t number)
{
    if (job_database->n_over < JOB_DATABASE_OVER) {
        job_database->over[job_database->n_over++] = number;
    } else {
        job_database->is_sweep_due = true;
    }
}

enum status job_database_change_locked(struct job_database *job_database, const struct job *job,
                                       enum job_status from, struct job_event *events,
                                       size_t n_events, enum job_status *ret_status,
                                       struct fault *fault)
{
    enum job_status now = from;
    bool written = false;
    enum status status =
        job_store_update(job_database->jobs, job, from, events, n_events, &written, &now, fault);
    if (status == STATUS_OK) {
        if (written) {
            count(job_database, from, now);
            atomic_fetch_add(&job_database->n_ended[now], job_is_over(now));
        }
        *ret_status = now;
        job_database_note_change(job_database);
    }
    return status;
}

enum status job_database_change(struct job_database *job_database, const struct job *job,
                                enum job_status from, struct job_event *events, size_t n_events,
                                enum job_status *ret_status, struct fault *fault)
{
    job_database_lock(job_database);
    enum status status =
        job_database_change_locked(job_database, job, from, events, n_events, ret_status, fault);
    job_database_unlock(job_database);
    return status;
}

enum status job_database_confirm(struct job_database *job_database, struct fault *fault)
{
    enum status status = job_store_confirm(job_database_lock(job_database), fault);
    job_database_unlock(job_database);
    return status;
}

void job_database_add_event(struct job_database *job_database, const struct job *job,
                            struct job_event event)
{
    struct fault fault;
    struct job_store *jobs = job_database_lock(job_database);
    enum status status = job_store_add_event(jobs, job->number, &event, &fault);
    if (status == STATUS_OK && event.id != 0) {
        job_database_note_change(job_database);
    }
    job_database_unlock(job_database);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "job_event_lost", LOG_STRING("job", job->id),
                  LOG_STRING("message", event.message), LOG_STRING("reason", fault.message));
    }
}

struct job_event job_database_message(enum job_event_level level, const char *format, ...)
{
    struct job_event event = { .created_at_ms = clock_steady_ms(),
                               .level = level,
                               .train_loss = NAN,
                               .valid_loss = NAN,
                               .grad_norm = NAN,
                               .learning_rate = NAN };
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(event.message, sizeof event.message, format, arguments);
    va_end(arguments);
    fault_drop_partial_code_point(event.message); /* messages end with what may have been cut */
    return event;
}
