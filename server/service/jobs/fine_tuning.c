#include "service/jobs/fine_tuning.h"

#include "base/log.h"
#include "service/degraded.h"
#include "service/job_database.h"
#include "service/service_private.h"

uint64_t service_jobs_generation(const struct service *service)
{
    return atomic_load(&service->job_database->generation);
}

bool service_jobs_are_durable(const struct service *service)
{
    return service->config->data[0] != '\0' || job_database_is_shared(service->job_database);
}

/* ---- looking ---- */

enum status job_find(struct service_context *context, const char *id, struct job *ret_job,
                     struct fault *fault)
{
    struct job_database *job_database = context->service->job_database;
    enum status status = job_store_find(job_database_lock(job_database), id, ret_job, fault);
    job_database_unlock(job_database);
    return status;
}

enum status job_list(struct service_context *context, const struct job_filter *filter, size_t limit,
                     struct job *ret_jobs, size_t *ret_n, bool *ret_has_more, struct fault *fault)
{
    struct job_database *job_database = context->service->job_database;
    enum status status = job_store_list(job_database_lock(job_database), filter, limit, ret_jobs,
                                        ret_n, ret_has_more, fault);
    job_database_unlock(job_database);
    return status;
}

enum status job_events(struct service_context *context, const char *id, int64_t after, size_t limit,
                       struct job *ret_job, struct job_event *ret_events, size_t *ret_n,
                       bool *ret_has_more, struct fault *fault)
{
    struct job_database *job_database = context->service->job_database;
    struct job job;
    struct job_store *jobs = job_database_lock(job_database);
    enum status status = job_store_find(jobs, id, &job, fault);
    if (status == STATUS_OK) {
        status = job_store_list_events(jobs, job.number, after, limit, ret_events, ret_n,
                                       ret_has_more, fault);
    }
    job_database_unlock(job_database);
    if (status == STATUS_OK) {
        *ret_job = job;
    }
    return status;
}

enum status job_checkpoints(struct service_context *context, const char *id, int64_t after,
                            size_t limit, struct job_checkpoint *ret_checkpoints, size_t *ret_n,
                            bool *ret_has_more, struct fault *fault)
{
    struct job_database *job_database = context->service->job_database;
    struct job job;
    struct job_store *jobs = job_database_lock(job_database);
    enum status status = job_store_find(jobs, id, &job, fault);
    if (status == STATUS_OK) {
        status = job_store_list_checkpoints(jobs, job.number, after, limit, ret_checkpoints, ret_n,
                                            ret_has_more, fault);
    }
    job_database_unlock(job_database);
    return status;
}

/* ---- changing their status ---- */

struct transition {
    enum job_status to;
    unsigned from; /* 1 << status of each that it may start from */
    const char *done, *logged;
};

/* A job goes on where it was: one whose sessions' recordings were not gathered yet has no steps to
 * do. */
static enum job_status status_after(const struct job *job, const struct transition *transition)
{
    bool gathers = job->source != JOB_SERIES && job->n_steps == 0;
    return transition->to == JOB_QUEUED && gathers ? JOB_VALIDATING : transition->to;
}

static enum status check_transition(const struct job *job, const struct transition *transition,
                                    struct fault *fault)
{
    if (!(transition->from & 1U << job->status)) {
        return fault_set(fault, STATUS_JOB_STATUS_CONFLICT, NULL, "the job is %s and cannot be %s",
                         job_status_word(job->status), transition->done);
    }
    if (job->is_finishing) {
        return fault_set(fault, STATUS_JOB_STATUS_CONFLICT, NULL,
                         "the job's version is being stored, so it can no longer be %s",
                         transition->done);
    }
    return STATUS_OK;
}

/* The job thread learns of it from the database. *ret_done false: the job has changed meanwhile, as
 * one that another process works at does all the time. */
static enum status change_locked(struct job_database *job_database, struct job *job,
                                 const struct transition *transition, bool *ret_done,
                                 struct fault *fault)
{
    struct job_event event =
        job_database_message(JOB_EVENT_INFO, "the job was %s", transition->done);
    enum job_status from = job->status;
    enum job_status now;
    job->status = status_after(job, transition);
    job->estimated_finish_ms = 0;
    job->finished_at_ms = job_is_over(job->status) ? job_now_ms(job) : 0;
    enum status status =
        job_database_change_locked(job_database, job, from, &event, 1, &now, fault);
    *ret_done = status == STATUS_OK && now == job->status;
    if (*ret_done && job_is_over(job->status)) {
        job_database_note_over_locked(job_database, job->number);
    }
    return status;
}

static enum status try_to_change(struct job_database *job_database, const char *id,
                                 const struct transition *transition, struct job *ret_job,
                                 bool *ret_done, struct fault *fault)
{
    enum status status = job_store_find(job_database_lock(job_database), id, ret_job, fault);
    *ret_done = false;
    if (status == STATUS_OK) {
        status = check_transition(ret_job, transition, fault);
    }
    if (status == STATUS_OK) {
        status = change_locked(job_database, ret_job, transition, ret_done, fault);
    }
    job_database_unlock(job_database);
    return status;
}

static enum status change(struct service_context *context, const char *id,
                          const struct transition *transition, struct job *ret_job,
                          struct fault *fault)
{
    enum { ATTEMPTS = 20 };
    struct job_database *job_database = context->service->job_database;
    struct job job;
    bool is_done = false;
    enum status status = STATUS_OK;
    for (int k = 0; k < ATTEMPTS && status == STATUS_OK && !is_done; k++) {
        status = try_to_change(job_database, id, transition, &job, &is_done, fault);
    }
    if (status == STATUS_OK && !is_done) {
        return fault_set(fault, STATUS_OVERLOADED, NULL,
                         "the job changes too fast to be %s: try again", transition->done);
    }
    degraded_settle(context->service, DEGRADED_JOBS, status);
    if (status == STATUS_OK) {
        job_database_interrupt(job_database);
        log_event(LOG_INFO, transition->logged, LOG_STRING("job", job.id));
        *ret_job = job;
        status = job_database_confirm(job_database, fault);
    }
    return status;
}

enum status job_cancel(struct service_context *context, const char *id, struct job *ret_job,
                       struct fault *fault)
{
    static const struct transition cancel = { .to = JOB_CANCELLED,
                                              .from = 1U << JOB_VALIDATING | 1U << JOB_QUEUED |
                                                      1U << JOB_RUNNING | 1U << JOB_PAUSED,
                                              .done = "cancelled",
                                              .logged = "job_cancelled" };
    return change(context, id, &cancel, ret_job, fault);
}

enum status job_pause(struct service_context *context, const char *id, struct job *ret_job,
                      struct fault *fault)
{
    static const struct transition pause = { .to = JOB_PAUSED,
                                             .from = 1U << JOB_VALIDATING | 1U << JOB_QUEUED |
                                                     1U << JOB_RUNNING,
                                             .done = "paused",
                                             .logged = "job_paused" };
    return change(context, id, &pause, ret_job, fault);
}

enum status job_resume(struct service_context *context, const char *id, struct job *ret_job,
                       struct fault *fault)
{
    static const struct transition resume = {
        .to = JOB_QUEUED, .from = 1U << JOB_PAUSED, .done = "resumed", .logged = "job_resumed"
    };
    return change(context, id, &resume, ret_job, fault);
}
