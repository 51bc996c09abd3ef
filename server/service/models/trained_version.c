/* trained_version.c - versions that jobs made: what they started from, how they are stored once,
 * and what is remembered of them. */
#include "service/models/trained_version.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_digest(struct digest a, struct digest b)
{
    return a.high == b.high && a.low == b.low;
}

/* ---- the base ---- */

static enum status check_base(const struct model *model, unsigned number, struct digest digest,
                              const struct version **ret_version, struct fault *fault)
{
    enum status status = version_find(model, number, ret_version, fault);
    if (status == STATUS_OK && !same_digest((*ret_version)->digest, digest)) {
        status =
            fault_set(fault, STATUS_DIGEST_MISMATCH, NULL,
                      "version %u of model '%s' is no longer the one that the job started from",
                      number, model->name);
    }
    return status;
}

enum status version_find_base(struct service_context *context, const struct job *job,
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

void trained_done(struct trained *trained)
{
    gru_model_unref(trained->gru);
    free(trained->bytes);
    *trained = (struct trained){ .n_bytes = 0 };
}

/* The number that the next version would get; or that of the job's own version, from before a
 * restart. */
static enum status choose_number(struct service_context *context, struct lineage *lineage,
                                 bool *ret_is_stored, struct fault *fault)
{
    const struct model *model;
    enum status status = model_find(context, lineage->model, &model, fault);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t k = 0; k < model->n_versions; k++) {
        if (strcmp(model->versions[k].job, lineage->job) == 0) {
            lineage->version = model->versions[k].number;
            lineage->digest = model->versions[k].digest;
            lineage->metrics = model->versions[k].metrics;
            *ret_is_stored = true;
            return STATUS_OK;
        }
    }
    *ret_is_stored = false;
    lineage->version = model->newest + 1;
    const char *data = context->service->config->data;
    return data[0] ? files_next_version(data, lineage->model, lineage->version, &lineage->version,
                                        fault)
                   : STATUS_OK;
}

static struct version describe(const struct lineage *lineage, const struct trained *trained)
{
    struct version version = { .number = lineage->version,
                               .created_at_ms = clock_now_ms(),
                               .parent = lineage->parent,
                               .metrics = lineage->metrics,
                               .digest = trained->digest,
                               .gru = trained->gru };
    snprintf(version.job, sizeof version.job, "%s", lineage->job);
    return version;
}

/* The file under exactly the number that its lineage row has. */
static enum status write_file(const char *data, const struct lineage *lineage,
                              const struct trained *trained, struct version *version,
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
        change_take_back(file.path);
        return STATUS_OK;
    }
    version->created_at_ms = file.created_at_ms;
    version->path = strdup(file.path);
    if (!version->path) {
        change_take_back(file.path);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
    }
    return STATUS_OK;
}

/* Into the model of the copy, and to where versions are kept. */
static enum status insert(const struct service *service, struct model *model,
                          const struct lineage *lineage, struct trained *trained,
                          bool *ret_is_taken, struct fault *fault)
{
    const char *data = service->config->data;
    struct version version = describe(lineage, trained);
    enum status status = version_check(model, &version, fault);
    if (status == STATUS_OK && data[0]) {
        status = write_file(data, lineage, trained, &version, ret_is_taken, fault);
    }
    if (status != STATUS_OK || *ret_is_taken) {
        return status;
    }
    if (!data[0]) {
        version.file = trained->bytes;
        version.n_file = trained->n_bytes;
    }
    if (!model_insert_version(model, version)) {
        if (version.path) {
            change_take_back(version.path);
        }
        free(version.path);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
    }
    trained->gru = NULL; /* both are the version's now */
    trained->bytes = data[0] ? trained->bytes : NULL;
    return STATUS_OK;
}

/* One attempt; *ret_is_taken: the number was given to another version by now. */
static enum status put(struct service_context *context, const struct lineage *lineage,
                       struct digest base, struct trained *trained, bool *ret_is_taken,
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

enum status version_store(struct service_context *context, struct lineage *lineage,
                          struct digest base, struct trained *trained, struct fault *fault)
{
    struct job_database *job_database = context->service->job_database;
    for (;;) {
        bool is_stored, is_taken = false;
        service_context_turn(context);
        enum status status = choose_number(context, lineage, &is_stored, fault);
        if (status != STATUS_OK || is_stored) {
            return status;
        }
        lineage->digest = trained->digest;
        status = job_store_put_lineage(job_database_lock(job_database), lineage, fault);
        job_database_unlock(job_database);
        if (status == STATUS_OK) {
            status = put(context, lineage, base, trained, &is_taken, fault);
            degraded_settle(context->service, DEGRADED_VERSIONS, status);
        }
        if (status == STATUS_OK && !is_taken) {
            log_event(LOG_INFO, "version_stored", LOG_STRING("model", lineage->model),
                      LOG_INT("version", lineage->version), LOG_STRING("job", lineage->job));
        }
        if (!is_taken) {
            return status;
        }
    }
}

/* ---- lineage ---- */

static void tell_version(void *context, const struct lineage *lineage)
{
    const struct catalogue *catalogue = context;
    const struct model *model = catalogue_find(catalogue, lineage->model);
    struct version *version = model ? model_find_version(model, lineage->version) : NULL;
    if (!version || version->read_only || !same_digest(version->digest, lineage->digest)) {
        return; /* the file was replaced, or never written */
    }
    version->parent = lineage->parent;
    version->metrics = lineage->metrics;
    snprintf(version->job, sizeof version->job, "%s", lineage->job);
}

enum status lineage_load(struct service *service, struct fault *fault)
{
    enum status status = job_store_each_lineage(job_database_lock(service->job_database),
                                                tell_version, service->current, fault);
    job_database_unlock(service->job_database);
    return status;
}

/* A row that is to go; of the same number another version may be on its way. */
struct forgotten {
    const char *model;
    unsigned number;
    struct digest digest;
    bool is_there;
};

static void find_forgotten(void *context, const struct lineage *lineage)
{
    struct forgotten *forgotten = context;
    forgotten->is_there |= lineage->version == forgotten->number &&
                           same_digest(lineage->digest, forgotten->digest) &&
                           strcmp(lineage->model, forgotten->model) == 0;
}

void lineage_forget(struct job_database *job_database, const char *model, unsigned number,
                    struct digest digest)
{
    struct forgotten forgotten = { model, number, digest, false };
    struct fault fault;
    struct job_store *jobs = job_database_lock(job_database);
    enum status status = job_store_each_lineage(jobs, find_forgotten, &forgotten, &fault);
    if (status == STATUS_OK && forgotten.is_there) {
        status = job_store_delete_lineage(jobs, model, number, &fault);
    }
    job_database_unlock(job_database);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "lineage_not_deleted", LOG_STRING("model", model),
                  LOG_INT("version", number), LOG_STRING("reason", fault.message));
    }
}
