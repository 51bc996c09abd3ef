#include "service/models/activate.h"

#include "base/log.h"
#include "service/job_database.h"
#include "service/models/change.h"
#include "service/models/model_versions.h"
#include "service/models/shared_models.h"
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
    status = model_serve(service, model, version, fault);
    if (status != STATUS_OK && data[0]) {
        struct fault ignored; /* the first failure is the one to report */
        files_write_active(data, model->name, before->number, before->digest, ret_is_durable,
                           &ignored);
    }
    return status;
}

static struct activation describe(const struct model *model, const struct version *version)
{
    struct activation activation = { .is_durable = true,
                                     .from = model->active->number,
                                     .to = version->number,
                                     .from_parent = model->active->parent };
    snprintf(activation.model, sizeof activation.model, "%s", model->name);
    snprintf(activation.from_job, sizeof activation.from_job, "%s", model->active->job);
    snprintf(activation.to_job, sizeof activation.to_job, "%s", version->job);
    return activation;
}

/* On this node alone. */
static enum status switch_here(struct service *service, struct model *model,
                               struct version *version, unsigned only_from,
                               struct activation *activation, struct fault *fault)
{
    const bool is_wanted = only_from == 0 || only_from == activation->from;
    activation->is_switched = is_wanted && activation->from != activation->to;
    return is_wanted ? switch_over(service, model, version, &activation->is_durable, fault)
                     : STATUS_OK;
}

/* In the engine, and here as what it is there. */
static enum status switch_shared(struct sharing *sharing, const struct model *model,
                                 unsigned only_from, struct activation *activation,
                                 struct fault *fault)
{
    unsigned from;
    enum status status = shared_version_activate(sharing->engine, activation->model, activation->to,
                                                 only_from, &from, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const struct version *before = model_find_version(model, from);
    activation->from = from;
    activation->from_parent = before ? before->parent : 0;
    snprintf(activation->from_job, sizeof activation->from_job, "%s", before ? before->job : "");
    activation->is_switched = from != activation->to && (only_from == 0 || only_from == from);
    return shared_model_settle_done(sharing, activation->model, fault);
}

enum status activation_switch(struct service_context *context, const char *name, unsigned number,
                              unsigned only_from, struct activation *ret_activation,
                              struct fault *fault)
{
    struct service *service = context->service;
    struct catalogue *next = NULL;
    struct model *model;
    struct version *version;
    struct activation activation = { .is_switched = false };
    enum status status = change_begin(context, &next, fault);
    struct sharing sharing = { service, context->engine, next, false };
    if (status == STATUS_OK) {
        status = change_find(next, name, number, &model, &version, fault);
    }
    if (status == STATUS_OK) {
        activation = describe(model, version);
        status = service->cluster
                     ? switch_shared(&sharing, model, only_from, &activation, fault)
                     : switch_here(service, model, version, only_from, &activation, fault);
    }
    status = change_end(context, next, activation.is_switched || sharing.has_changed, status);
    if (status == STATUS_OK) {
        *ret_activation = activation;
    }
    if (status == STATUS_OK && activation.is_switched && !service->cluster) {
        log_event(LOG_INFO, "version_activated", LOG_STRING("model", name),
                  LOG_INT("version", number));
    }
    if (status == STATUS_OK && !activation.is_durable) {
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
                                   bool *ret_written, struct fault *fault)
{
    struct job job;
    enum job_status now;
    enum status status = job_store_find(jobs, id, &job, fault);
    bool is_due = status == STATUS_OK && job.status == JOB_SUCCEEDED &&
                  (job.promotion == JOB_PROMOTED) == only_promoted;
    if (!is_due) {
        *ret_written = true;
        return status == STATUS_JOB_NOT_FOUND ? STATUS_OK : status;
    }
    job.promotion = promotion;
    snprintf(job.promotion_reason, sizeof job.promotion_reason, "%s", reason);
    return job_store_update(jobs, &job, JOB_SUCCEEDED, NULL, 0, ret_written, &now, fault);
}

/* Again, if another node has changed the job meanwhile, which nobody does all the time. */
static enum status note_promotion(struct job_store *jobs, const char *id, bool only_promoted,
                                  enum job_promotion promotion, const char *reason,
                                  struct fault *fault)
{
    enum { ATTEMPTS = 5 };
    bool is_written = false;
    enum status status = STATUS_OK;
    for (int k = 0; k < ATTEMPTS && status == STATUS_OK && !is_written; k++) {
        status = write_promotion(jobs, id, only_promoted, promotion, reason, &is_written, fault);
    }
    return status;
}

void activation_note(struct job_database *job_database, const struct activation *activation)
{
    struct fault fault;
    char reason[JOB_REASON_MAX + 1];
    enum status status = STATUS_OK;
    struct job_store *jobs = job_database_lock(job_database);
    if (activation->to_job[0]) {
        status = note_promotion(jobs, activation->to_job, false, JOB_PROMOTED, "activated by hand",
                                &fault);
    }
    if (status == STATUS_OK && activation->is_switched && activation->from_job[0] &&
        activation->to == activation->from_parent) {
        snprintf(reason, sizeof reason,
                 "version %u, which the job started from, was activated again", activation->to);
        status = note_promotion(jobs, activation->from_job, true, JOB_ROLLED_BACK, reason, &fault);
    }
    job_database_note_change(job_database);
    job_database_unlock(job_database);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "promotion_not_written", LOG_STRING("model", activation->model),
                  LOG_INT("version", activation->to), LOG_STRING("reason", fault.message));
    }
}
