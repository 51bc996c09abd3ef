#include "service/jobs/drift_jobs.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/job_database.h"
#include "service/jobs/fine_tuning.h"
#include "service/jobs/job_thread.h"
#include "service/listeners.h"
#include "service/models/models.h"
#include "service/service_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What may pass is tried again so soon; and so is whether a job that runs longer is over. */
static const int64_t RETRY_MS = 60 * 1000LL;

/* ---- earlier jobs ---- */

/* The newest of the model's jobs with that status (-1: any) that drift started, of those that were
 * created since then. */
static enum status find_since(struct job_thread *job_thread, const char *model, int job_status,
                              int64_t since_ms, struct job *ret_job, bool *ret_found,
                              struct fault *fault)
{
    enum { PAGE = 8 };
    struct job *page = calloc(PAGE, sizeof *page);
    enum status status =
        page ? STATUS_OK : fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for jobs");
    struct job_filter filter = { .model = model, .status = job_status };
    char after[JOB_ID_MAX + 1];
    bool has_more = true;
    while (status == STATUS_OK && has_more && !*ret_found) {
        size_t n = 0;
        status = job_store_list(job_database_lock(job_thread->job_database), &filter, PAGE, page,
                                &n, &has_more, fault);
        job_database_unlock(job_thread->job_database);
        for (size_t k = 0; status == STATUS_OK && k < n && !*ret_found; k++) {
            has_more = has_more && page[k].created_at_ms >= since_ms;
            if (page[k].created_at_ms >= since_ms &&
                strcmp(page[k].metadata, DRIFT_JOBS_METADATA) == 0) {
                *ret_found = true;
                *ret_job = page[k];
            }
        }
        if (status == STATUS_OK && n > 0) {
            memcpy(after, page[n - 1].id, sizeof after);
            filter.after = after;
        }
    }
    free(page);
    return status;
}

/* One that keeps another from being started: it is not over, or not long ago. */
static enum status find_last(struct job_thread *job_thread, const char *model, int64_t since_ms,
                             struct job *ret_job, bool *ret_found, struct fault *fault)
{
    enum status status = find_since(job_thread, model, -1, since_ms, ret_job, ret_found, fault);
    for (int k = 0; k < JOB_N_STATUSES && status == STATUS_OK && !*ret_found; k++) {
        if (!job_is_over(k)) {
            status = find_since(job_thread, model, k, INT64_MIN, ret_job, ret_found, fault);
        }
    }
    return status;
}

/* ---- what became of it ---- */

static void note_end(const struct job *job, struct drift_job *attempt)
{
    const char *reason = job->status == JOB_FAILED           ? job->error.message
                         : job->status == JOB_CANCELLED      ? "the job was cancelled"
                         : job->promotion == JOB_REJECTED    ? job->promotion_reason
                         : job->promotion == JOB_ROLLED_BACK ? job->promotion_reason
                                                             : "";
    snprintf(attempt->reason, sizeof attempt->reason, "%.*s", DRIFT_REASON_MAX, reason);
    attempt->is_over = true;
}

static void follow(struct job_thread *job_thread, const struct model *model,
                   const struct drift_job *last)
{
    struct drift_job attempt = *last;
    struct fault fault;
    struct job job;
    const enum status status =
        job_store_find(job_database_lock(job_thread->job_database), last->id, &job, &fault);
    job_database_unlock(job_thread->job_database);
    if (status == STATUS_JOB_NOT_FOUND) {
        attempt.is_over = true;
        drift_note_job(model->drift, &attempt);
    } else if (status == STATUS_OK && job_is_over(job.status)) {
        note_end(&job, &attempt);
        drift_note_job(model->drift, &attempt);
    }
}

/* ---- a new one ---- */

static enum status create(struct job_thread *job_thread, const char *model, int64_t since_ms,
                          struct job *ret_job, struct fault *fault)
{
    static const char *const all_sessions[] = { "" };
    struct job_request request = { .model = model,
                                   .source = JOB_SESSIONS_PREFIX,
                                   .sessions = all_sessions,
                                   .n_sessions = 1,
                                   .validation_fraction = job_validation_fraction_default,
                                   .policy = JOB_AUTO,
                                   .has_policy = true,
                                   .gate = job_gate_default,
                                   .seed = JOB_SEED_DEFAULT,
                                   .metadata = DRIFT_JOBS_METADATA,
                                   .alone_since_ms = &since_ms };
    if (job_thread->service->config->drift_fine_tune == CONFIG_DRIFT_PROPOSE) {
        request.policy = JOB_MANUAL;
    }
    gru_hyperparameters_init(&request.hyperparameters);
    return job_create(job_thread->context, &request, ret_job, fault);
}

/* The one that keeps another from being started, or a new one. Where another node of a cluster has
 * found drift at the same moment, the job is whose call came first. */
static enum status find_or_create(struct job_thread *job_thread, const char *model,
                                  int64_t since_ms, struct job *ret_job, struct fault *fault)
{
    bool is_found = false;
    enum status status = find_last(job_thread, model, since_ms, ret_job, &is_found, fault);
    if (status == STATUS_OK && !is_found) {
        status = create(job_thread, model, since_ms, ret_job, fault);
    }
    if (status == STATUS_JOB_STATUS_CONFLICT) {
        struct fault why;
        (void)find_last(job_thread, model, since_ms, ret_job, &is_found, &why);
        status = is_found ? STATUS_OK : status;
    }
    return status;
}

static void note_refused(const struct model *model, const struct fault *fault,
                         struct drift_job *attempt)
{
    const struct fault reported = fault_for_clients(fault);
    attempt->is_over = true;
    snprintf(attempt->reason, sizeof attempt->reason, "%.*s", DRIFT_REASON_MAX, reported.message);
    if (status_may_pass(fault->status) || fault->status == STATUS_QUEUE_FULL) {
        attempt->is_put_off = true;
        attempt->next_ms = attempt->at_ms + RETRY_MS;
    }
    log_event(LOG_WARN, "drift_job_refused", LOG_STRING("model", model->name),
              LOG_STRING("code", status_code(fault->status)), LOG_STRING("reason", fault->message));
}

static void start(struct job_thread *job_thread, const struct model *model)
{
    const int64_t now_ms = clock_steady_ms(),
                  interval_ms = (int64_t)job_thread->service->config->drift_interval_seconds * 1000;
    struct drift_job attempt = { .at_ms = now_ms, .next_ms = now_ms + interval_ms };
    struct fault fault = { .status = STATUS_OK };
    struct job job;
    enum status status =
        find_or_create(job_thread, model->name, now_ms - interval_ms, &job, &fault);
    if (status != STATUS_OK) {
        note_refused(model, &fault, &attempt);
    } else {
        memcpy(attempt.id, job.id, sizeof attempt.id);
        attempt.at_ms = job.created_at_ms;
        attempt.next_ms = job.created_at_ms + interval_ms;
        attempt.next_ms = attempt.next_ms > now_ms ? attempt.next_ms : now_ms + RETRY_MS;
        if (job_is_over(job.status)) {
            note_end(&job, &attempt);
        }
    }
    drift_note_job(model->drift, &attempt);
}

/* ---- all models ---- */

static void tell(struct job_thread *job_thread, const struct model *model, bool has_alarm,
                 const struct drift_report *report)
{
    listeners_tell_drift(&job_thread->service->listeners, model->name);
    if (has_alarm) {
        log_event(LOG_WARN, "drift_detected", LOG_STRING("model", model->name),
                  LOG_STRING("detector", drift_report_detector(report)));
    }
    if (!report->is_drifting) {
        log_event(LOG_INFO, "drift_over", LOG_STRING("model", model->name));
    }
}

/* An alarm is worth a job also where drift was over before anybody has looked. */
static bool is_job_due(const struct job_thread *job_thread, bool has_alarm,
                       const struct drift_report *report, int64_t now_ms)
{
    return (has_alarm || report->is_drifting || report->job.is_put_off) &&
           now_ms >= report->job.next_ms && !job_thread_is_stopping(job_thread) &&
           job_thread->service->config->drift_fine_tune != CONFIG_DRIFT_OFF;
}

static void look(struct job_thread *job_thread, const struct model *model, bool has_changed)
{
    const int64_t now_ms = clock_steady_ms();
    const unsigned version = model->active->number;
    bool has_alarm;
    const bool is_news = drift_look(model->drift, version, now_ms, &has_alarm);
    struct drift_report report;
    drift_read(model->drift, version, &report);
    if (is_news) {
        tell(job_thread, model, has_alarm, &report);
    }
    if (has_changed && report.job.id[0] && !report.job.is_over) {
        follow(job_thread, model, &report.job);
    }
    if (is_job_due(job_thread, has_alarm, &report, now_ms)) {
        start(job_thread, model);
    }
}

void drift_jobs_run(struct job_thread *job_thread)
{
    const uint64_t generation = atomic_load(&job_thread->job_database->generation);
    const bool has_changed = generation != job_thread->drift_generation;
    size_t n;
    const struct model *const *models = models_list(job_thread->context, &n);
    job_thread->drift_generation = generation;
    for (size_t k = 0; k < n; k++) {
        look(job_thread, models[k], has_changed);
    }
}
