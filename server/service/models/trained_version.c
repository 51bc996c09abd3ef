#include "service/models/trained_version.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/degraded.h"
#include "service/job_database.h"
#include "service/models/change.h"
#include "service/models/model_versions.h"
#include "service/models/shared_models.h"
#include "service/models/version_bytes.h"
#include "service/service_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the base ---- */

static enum status check_base(const struct model *model, unsigned number, struct digest digest,
                              const struct version **ret_version, struct fault *fault)
{
    enum status status = version_find(model, number, ret_version, fault);
    if (status == STATUS_OK && !digest_equals((*ret_version)->digest, digest)) {
        status =
            fault_set(fault, STATUS_DIGEST_MISMATCH, NULL,
                      "version %u of model '%s' is no longer the one that the job started from",
                      number, model->name);
    }
    return status;
}

enum status trained_version_find_base(struct service_context *context, const struct job *job,
                                      struct gru_model **ret_gru, struct fault *fault)
{
    const struct model *model;
    const struct version *version;
    enum status status = model_find(context, job->model, &model, fault);
    if (status == STATUS_OK) {
        status = check_base(model, job->base_version, job->base_digest, &version, fault);
    }
    if (status == STATUS_OK) {
        *ret_gru = gru_model_ref(version->gru);
    }
    return status;
}

/* ---- storing ---- */

void trained_version_done(struct trained_version *trained)
{
    gru_model_unref(trained->gru);
    free(trained->bytes);
    *trained = (struct trained_version){ .n_bytes = 0 };
}

/* Whether the job's own version is there, from before a restart. */
static bool find_own(const struct model *model, struct lineage *lineage)
{
    for (size_t k = 0; k < model->n_versions; k++) {
        if (strcmp(model->versions[k].job, lineage->job) == 0) {
            lineage->version = model->versions[k].number;
            lineage->digest = model->versions[k].digest;
            lineage->metrics = model->versions[k].metrics;
            return true;
        }
    }
    return false;
}

/* The number that the next version would get; or that of the job's own version. */
static enum status choose_number(struct service_context *context, struct lineage *lineage,
                                 bool *ret_is_stored, struct fault *fault)
{
    const struct model *model;
    enum status status = model_find(context, lineage->model, &model, fault);
    if (status != STATUS_OK) {
        return status;
    }
    *ret_is_stored = find_own(model, lineage);
    if (*ret_is_stored) {
        return STATUS_OK;
    }
    lineage->version = model->newest + 1;
    const char *data = context->service->config->data;
    return data[0] ? files_next_version(data, lineage->model, lineage->version, &lineage->version,
                                        fault)
                   : STATUS_OK;
}

static struct version describe(const struct lineage *lineage, const struct trained_version *trained)
{
    struct version version = { .number = lineage->version,
                               .created_at_ms = clock_wall_ms(),
                               .parent = lineage->parent,
                               .metrics = lineage->metrics,
                               .digest = trained->digest,
                               .gru = trained->gru };
    snprintf(version.job, sizeof version.job, "%s", lineage->job);
    return version;
}

/* The file under exactly the number that its lineage row has. */
static enum status write_file(const char *data, const struct lineage *lineage,
                              const struct trained_version *trained, struct version *version,
                              bool *ret_is_taken, struct fault *fault)
{
    struct file_version file;
    enum status status = files_write_version(data, lineage->model, lineage->version, trained->bytes,
                                             trained->n_bytes, &file, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (file.number != lineage->version) {
        *ret_is_taken = true;
        change_delete_file(file.path);
        return STATUS_OK;
    }
    version->created_at_ms = file.created_at_ms;
    version->path = strdup(file.path);
    if (!version->path) {
        change_delete_file(file.path);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
    }
    return STATUS_OK;
}

static bool keep_bytes(const struct trained_version *trained, struct version *version)
{
    version->file = version_bytes_create(trained->n_bytes);
    if (version->file) {
        memcpy(version->file->bytes, trained->bytes, trained->n_bytes);
    }
    return version->file != NULL;
}

/* Into the model of the copy, and to where versions are kept. */
static enum status insert(const struct service *service, struct model *model,
                          const struct lineage *lineage, struct trained_version *trained,
                          bool *ret_is_taken, struct fault *fault)
{
    const char *data = service->config->data;
    struct version version = describe(lineage, trained);
    enum status status = model_check_version(model, &version, fault);
    if (status == STATUS_OK && data[0]) {
        status = write_file(data, lineage, trained, &version, ret_is_taken, fault);
    }
    if (status != STATUS_OK || *ret_is_taken) {
        return status;
    }
    const bool is_kept = data[0] || keep_bytes(trained, &version);
    if (!is_kept || !model_insert_version(model, version)) {
        if (version.path) {
            change_delete_file(version.path);
        }
        free(version.path);
        version_bytes_unref(version.file);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
    }
    trained->gru = NULL; /* it is the version's now */
    return STATUS_OK;
}

/* One attempt; *ret_is_taken: the number was given to another version by now. */
static enum status put(struct service_context *context, const struct lineage *lineage,
                       struct digest base, struct trained_version *trained, bool *ret_is_taken,
                       struct fault *fault)
{
    struct catalogue *next = NULL;
    struct model *model;
    struct version *parent;
    *ret_is_taken = false;
    enum status status = change_begin(context, &next, fault);
    if (status == STATUS_OK) {
        status = change_find(next, lineage->model, lineage->parent, &model, &parent, fault);
    }
    if (status == STATUS_OK) {
        const struct version *checked;
        status = check_base(model, lineage->parent, base, &checked, fault);
    }
    if (status == STATUS_OK) {
        *ret_is_taken = lineage->version <= model->newest;
    }
    if (status == STATUS_OK && !*ret_is_taken) {
        status = insert(context->service, model, lineage, trained, ret_is_taken, fault);
    }
    return change_end(context, next, !*ret_is_taken, status);
}

static void log_stored(const struct lineage *lineage)
{
    log_event(LOG_INFO, "version_stored", LOG_STRING("model", lineage->model),
              LOG_INT("version", lineage->version), LOG_STRING("job", lineage->job));
}

/* In the engine of the cluster, which knows whether another node has stored it already. Where it
 * comes from is kept with it there. */
static enum status store_shared(struct service_context *context, struct lineage *lineage,
                                struct digest base, const struct trained_version *trained,
                                struct fault *fault)
{
    struct catalogue *next = NULL;
    struct model *model;
    struct version *parent;
    struct version about = describe(lineage, trained);
    enum status status = change_begin(context, &next, fault);
    struct sharing sharing = { context->service, context->engine, next, false };
    if (status == STATUS_OK) {
        status = change_find(next, lineage->model, lineage->parent, &model, &parent, fault);
    }
    if (status == STATUS_OK) {
        const struct version *checked;
        status = check_base(model, lineage->parent, base, &checked, fault);
    }
    const bool is_stored = status == STATUS_OK && find_own(model, lineage);
    if (status == STATUS_OK && !is_stored) {
        status = shared_model_put(&sharing, lineage->model, trained->bytes, trained->n_bytes,
                                  &about, VERSION_ENTRY_JOB, &lineage->version, fault);
    }
    if (status == STATUS_OK && !is_stored && !find_own(model, lineage)) {
        status = model_refuse_version(model, lineage->version, fault);
    }
    status = change_end(context, next, sharing.has_changed, status);
    if (status == STATUS_OK && !is_stored) {
        log_stored(lineage);
    }
    return status;
}

static enum status store_here(struct service_context *context, struct lineage *lineage,
                              struct digest base, struct trained_version *trained,
                              struct fault *fault)
{
    struct job_database *job_database = context->service->job_database;
    for (;;) {
        bool is_stored, is_taken = false;
        catalogue_begin_turn(context);
        enum status status = choose_number(context, lineage, &is_stored, fault);
        if (status != STATUS_OK || is_stored) {
            return status;
        }
        lineage->digest = trained->digest;
        status = job_store_put_lineage(job_database_lock_lineage(job_database), lineage, fault);
        job_database_unlock(job_database);
        if (status == STATUS_OK) {
            status = put(context, lineage, base, trained, &is_taken, fault);
            degraded_settle(context->service, DEGRADED_VERSIONS, status);
        }
        if (status == STATUS_OK && !is_taken) {
            log_stored(lineage);
        }
        if (!is_taken) {
            return status;
        }
    }
}

enum status trained_version_store(struct service_context *context, struct lineage *lineage,
                                  struct digest base, struct trained_version *trained,
                                  struct fault *fault)
{
    if (!context->service->cluster) {
        return store_here(context, lineage, base, trained, fault);
    }
    catalogue_begin_turn(context);
    return store_shared(context, lineage, base, trained, fault);
}
