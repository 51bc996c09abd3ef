#include "service/models/activate.h"

#include "base/log.h"
#include "service/job_database.h"
#include "service/models/change.h"
#include "service/models/model_versions.h"
#include "service/service_private.h"

#include <stdio.h>
#include <string.h>

/* ---- switching over ---- */

/* Switches the model of the copy over. The choice is written down first, also of the version that
 * is active already: should the process end in between, the next start finds sessions of another
 * layout and converts them. *ret_is_durable: the disk has synced it. */
static enum status switch_over(struct service *service, struct model *model,
                               struct version *version, bool *ret_is_durable, struct fault *fault)
{
    const char *data = service->config->data;
    const struct version *before = model->active;
    enum status status = STATUS_OK;
    *ret_is_durable = true;
    if (data[0]) {
        status = files_write_active(data, model->name, version->number, version->digest,
                                    ret_is_durable, fault);
    }
    if (status != STATUS_OK || model->active == version) {
        return status;
    }
    char path[PATH_MAX];
    struct pool_options options = model_pool_options(service, model, version->gru, path);
    if (!pool_fits(model->pool, &options)) {
        struct pool *pool;
        status = pool_convert(&options, model->pool, &pool, fault);
        if (status != STATUS_OK) {
            struct fault ignored; /* the first failure is the one to report */
            if (data[0]) {
                files_write_active(data, model->name, before->number, before->digest,
                                   ret_is_durable, &ignored);
            }
            return status;
        }
        pool_unref(model->pool);
        model->pool = pool;
    }
    model->active = version;
    return STATUS_OK;
}

static struct activation describe(const struct model *model, const struct version *version)
{
    struct activation activation = { .from = model->active->number,
                                     .to = version->number,
                                     .from_parent = model->active->parent };
    snprintf(activation.model, sizeof activation.model, "%s", model->name);
    snprintf(activation.from_job, sizeof activation.from_job, "%s", model->active->job);
    snprintf(activation.to_job, sizeof activation.to_job, "%s", version->job);
    return activation;
}

enum status activation_switch(struct service_context *context, const char *name, unsigned number,
                              unsigned only_from, struct activation *ret_activation,
                              struct fault *fault)
{
    struct catalogue *next = NULL;
    struct model *model;
    struct version *version;
    struct activation activation = { .is_switched = false };
    bool is_wanted = false;
    enum status status = change_begin(context, &next, fault);
    if (status == STATUS_OK) {
        status = change_find(next, name, number, &model, &version, fault);
    }
    if (status == STATUS_OK) {
        activation = describe(model, version);
        is_wanted = only_from == 0 || only_from == activation.from;
        activation.is_switched = is_wanted && activation.from != activation.to;
    }
    if (is_wanted) {
        status = switch_over(context->service, model, version, &activation.is_durable, fault);
    }
    status = change_end(context, next, activation.is_switched, status);
    if (status == STATUS_OK) {
        *ret_activation = activation;
    }
    if (status == STATUS_OK && activation.is_switched) {
        log_event(LOG_INFO, "version_activated", LOG_STRING("model", name),
                  LOG_INT("version", number));
    }
    if (status == STATUS_OK && is_wanted && !activation.is_durable) {
        log_event(LOG_ERROR, "activation_not_synced", LOG_STRING("model", name),
                  LOG_INT("version", number));
    }
    return status;
}

/* ---- what it means for jobs ---- */

/* For a job that has succeeded. Before that the job belongs to the job thread, which looks again at
 * its end. */
static enum status write_promotion(struct job_store *jobs, const char *id, bool only_promoted,
                                   enum job_promotion promotion, const char *reason,
                                   struct fault *fault)
{
    struct job job;
    bool written;
    enum job_status now;
    enum status status = job_store_find(jobs, id, &job, fault);
    bool is_due = status == STATUS_OK && job.status == JOB_SUCCEEDED &&
                  (job.promotion == JOB_PROMOTED) == only_promoted;
    if (!is_due) {
        return status == STATUS_JOB_NOT_FOUND ? STATUS_OK : status;
    }
    job.promotion = promotion;
    snprintf(job.promotion_reason, sizeof job.promotion_reason, "%s", reason);
    return job_store_update(jobs, &job, JOB_SUCCEEDED, NULL, 0, &written, &now, fault);
}

void activation_note(struct job_database *job_database, const struct activation *activation)
{
    struct fault fault;
    char reason[JOB_REASON_MAX + 1];
    enum status status = STATUS_OK;
    struct job_store *jobs = job_database_lock(job_database);
    if (activation->to_job[0]) {
        status = write_promotion(jobs, activation->to_job, false, JOB_PROMOTED, "activated by hand",
                                 &fault);
    }
    if (status == STATUS_OK && activation->is_switched && activation->from_job[0] &&
        activation->to == activation->from_parent) {
        snprintf(reason, sizeof reason,
                 "version %u, which the job started from, was activated again", activation->to);
        status = write_promotion(jobs, activation->from_job, true, JOB_ROLLED_BACK, reason, &fault);
    }
    job_database_note_change(job_database);
    job_database_unlock(job_database);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "promotion_not_written", LOG_STRING("model", activation->model),
                  LOG_INT("version", activation->to), LOG_STRING("reason", fault.message));
    }
}
