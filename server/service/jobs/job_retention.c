#include "service/jobs/job_retention.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/job_database.h"
#include "service/jobs/job_thread.h"
#include "service/models/lineage.h"
#include "service/service_private.h"
#include "store/job_deletion.h"

enum { PIECES = 16 }; /* of deletions at a call: each is a transaction that a client may wait for */

static const int64_t HOUR_MS = 3600 * 1000LL, DAY_MS = 24 * 3600 * 1000LL;

static enum status delete_piece(struct job_thread *job_thread, int64_t before_ms, bool *ret_found,
                                struct fault *fault)
{
    struct job_database *job_database = job_thread->job_database;
    enum job_status was = JOB_N_STATUSES;
    struct job_store *jobs = job_database_lock(job_database);
    enum status status = job_store_delete_ended(jobs, before_ms, ret_found, &was, fault);
    if (status == STATUS_OK && *ret_found && was != JOB_N_STATUSES) {
        job_database_note_deleted_locked(job_database, was);
        job_thread->n_deleted++;
    }
    job_database_unlock(job_database);
    return status;
}

/* *ret_has_more: there are others. */
static enum status delete_some(struct job_thread *job_thread, size_t days, bool *ret_has_more,
                               struct fault *fault)
{
    const int64_t before_ms = clock_steady_ms() - (int64_t)days * DAY_MS;
    enum status status = STATUS_OK;
    *ret_has_more = days > 0;
    for (int k = 0; k < PIECES && status == STATUS_OK && *ret_has_more; k++) {
        status = delete_piece(job_thread, before_ms, ret_has_more, fault);
    }
    if (status == STATUS_OK && !*ret_has_more && job_thread->n_deleted > 0) {
        log_event(LOG_INFO, "jobs_deleted", LOG_INT("n", (int64_t)job_thread->n_deleted),
                  LOG_INT("keep_days", (int64_t)days));
        job_thread->n_deleted = 0;
    }
    return status;
}

static enum status give_back(struct job_thread *job_thread, bool *ret_has_more, struct fault *fault)
{
    struct job_store *jobs = job_database_lock(job_thread->job_database);
    enum status status = job_store_give_back(jobs, ret_has_more, fault);
    job_database_unlock(job_thread->job_database);
    return status;
}

void job_retention_run(struct job_thread *job_thread)
{
    struct fault fault;
    bool has_more = false;
    size_t days = job_thread->service->config->job_keep_days;
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms < job_thread->retention_due_ms) {
        return;
    }
    enum status status = delete_some(job_thread, days, &has_more, &fault);
    if (status == STATUS_OK && !has_more && days > 0) {
        status = lineage_forget_jobless(job_thread->context, &fault);
    }
    if (status == STATUS_OK && !has_more) {
        status = give_back(job_thread, &has_more, &fault);
    }
    if (status != STATUS_OK) {
        log_event(LOG_WARN, "jobs_not_deleted", LOG_STRING("reason", fault.message));
    }
    if (status != STATUS_OK || !has_more) {
        job_thread->retention_due_ms = now_ms + HOUR_MS;
    }
}
