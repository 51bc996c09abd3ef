#include "service/models/models.h"

#include "base/log.h"
#include "service/cluster/engine.h"
#include "service/degraded.h"
#include "service/job_database.h"
#include "service/models/activate.h"
#include "service/models/change.h"
#include "service/models/lineage.h"
#include "service/models/model_versions.h"
#include "service/models/shared_models.h"
#include "service/models/version_store.h"
#include "service/service_private.h"

#include <stdlib.h>
#include <string.h>

/* What a client is told of a change that is published: in a cluster as many replicas of the engine
 * have it as have to. */
static enum status confirm(const struct service_context *context, struct fault *fault)
{
    return context->engine ? engine_call_wait(context->engine, fault) : STATUS_OK;
}

/* ---- storing ---- */

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
}

static enum status first_version(struct service *service, struct catalogue *next,
                                 struct model *model, struct fault *fault)
{
    bool is_durable;
    model->active = &model->versions[0];
    enum status status = model_open_pool(service, model, fault);
    if (status == STATUS_OK) {
        status = files_write_active(service->config->data, model->name, model->active->number,
                                    model->active->digest, &is_durable, fault);
    }
    if (status == STATUS_OK && !is_durable) {
        status = fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                           "the disk refused to sync which version is active");
    }
    if (status == STATUS_OK && !catalogue_insert(next, model)) {
        status = no_memory(fault);
    }
    if (status != STATUS_OK) {
        change_delete_file(model->active->path);
    }
    return status;
}

static enum status put_version(struct service *service, struct catalogue *next, const char *name,
                               const void *bytes, size_t n, struct fault *fault)
{
    struct model *known = catalogue_find(next, name);
    if (!known && unserved_find(&next->unserved, name, 0)) {
        return catalogue_refuse(next, name, fault); /* its versions and sessions are still there */
    }
    struct model *model = known ? known : model_create(name);
    if (!model) {
        return no_memory(fault);
    }
    enum status status = version_store(service, model, bytes, n, fault);
    if (!known) {
        status = status == STATUS_OK ? first_version(service, next, model, fault) : status;
        if (status != STATUS_OK) {
            model_free(model);
        }
    }
    return status;
}

static enum status put_shared(struct sharing *sharing, const char *name, const void *bytes,
                              size_t n, struct fault *fault)
{
    const struct version by_hand = { .metrics = no_metrics };
    unsigned number;
    if (!catalogue_find(sharing->next, name) && unserved_find(&sharing->next->unserved, name, 0)) {
        return catalogue_refuse(sharing->next, name, fault);
    }
    return shared_model_put(sharing, name, bytes, n, &by_hand, VERSION_ENTRY_NONE, &number, fault);
}

static enum status needs_data(const struct service *service, struct fault *fault)
{
    if (service->config->data[0] || service->cluster) {
        return STATUS_OK;
    }
    return fault_set(fault, STATUS_NO_DATA_DIRECTORY, NULL,
                     "versions are kept on disk: start grud with --data DIR");
}

enum status model_put(struct service_context *context, const char *name, const void *bytes,
                      size_t n_bytes, const struct model **ret_model, struct fault *fault)
{
    struct service *service = context->service;
    struct catalogue *next = NULL;
    enum status status = needs_data(service, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = change_begin(context, &next, fault);
    struct sharing sharing = { service, context->engine, next, false };
    if (status == STATUS_OK) {
        status = service->cluster ? put_shared(&sharing, name, bytes, n_bytes, fault)
                                  : put_version(service, next, name, bytes, n_bytes, fault);
    }
    status = change_end(context, next, true, status);
    if (!service->cluster) {
        degraded_settle(service, DEGRADED_VERSIONS, status);
    }
    if (status == STATUS_OK) {
        log_event(LOG_INFO, "version_stored", LOG_STRING("model", name));
        status = confirm(context, fault);
    }
    if (status == STATUS_OK) {
        status = model_find(context, name, ret_model, fault);
    }
    return status;
}

/* ---- the active version ---- */

enum status model_activate(struct service_context *context, const char *name, unsigned number,
                           const struct model **ret_model, struct fault *fault)
{
    struct activation activation;
    enum status status = activation_switch(context, name, number, 0, &activation, fault);
    if (status == STATUS_OK) {
        activation_note(context->service->job_database, &activation);
        status = confirm(context, fault);
    }
    if (status == STATUS_OK) {
        status = model_find(context, name, ret_model, fault);
    }
    return status == STATUS_OK && !activation.is_durable ? change_not_durable(fault) : status;
}

/* ---- deleting ---- */

static enum status read_only(const struct model *model, unsigned number, struct fault *fault)
{
    return fault_set(
        fault, STATUS_VERSION_READ_ONLY, "version",
        "version %u of model '%s' lives in the --models directory, which grud never writes", number,
        model->name);
}

/* From the engine, and with it from all nodes. */
static enum status delete_shared(struct sharing *sharing, const struct model *model,
                                 unsigned number, struct fault *fault)
{
    const struct unserved *unserved = unserved_find(&model->unserved, model->name, number);
    if (unserved && unserved->read_only) {
        return read_only(model, number, fault);
    }
    enum status status = shared_version_delete(sharing->engine, model->name, number, fault);
    return status == STATUS_OK ? shared_model_settle_done(sharing, model->name, fault) : status;
}

static enum status check_deletable(const struct model *model, const struct version *version,
                                   struct fault *fault)
{
    if (model->active == version) {
        return fault_set(fault, STATUS_VERSION_ACTIVE, "version",
                         "version %u of model '%s' is active; activate another one first",
                         version->number, model->name);
    }
    return version->read_only ? read_only(model, version->number, fault) : STATUS_OK;
}

static enum status delete_version(const struct service *service, struct model *model,
                                  const struct version *version, bool *ret_is_durable,
                                  struct digest *ret_digest, struct fault *fault)
{
    const unsigned number = version->number;
    enum status status = STATUS_OK;
    if (version->path) {
        status =
            files_delete_version(service->config->data, model->name, number, ret_is_durable, fault);
    }
    if (status == STATUS_OK) {
        *ret_digest = version->digest;
        model_remove_version(model, number);
    }
    return status;
}

/* One that cannot be served, so that there is a way out without a hand on the directory. */
static enum status delete_unserved(const struct service *service, struct model *model,
                                   unsigned number, bool *ret_is_durable, struct fault *fault)
{
    if (unserved_find(&model->unserved, model->name, number)->read_only) {
        return read_only(model, number, fault);
    }
    enum status status =
        files_delete_version(service->config->data, model->name, number, ret_is_durable, fault);
    if (status == STATUS_OK) {
        unserved_remove(&model->unserved, model->name, number);
    }
    return status;
}

/* On this node alone. *ret_digest: of what was served. */
static enum status delete_here(const struct service *service, struct model *model,
                               const struct version *version, unsigned number, bool *ret_is_durable,
                               struct digest *ret_digest, struct fault *fault)
{
    return version ? delete_version(service, model, version, ret_is_durable, ret_digest, fault)
                   : delete_unserved(service, model, number, ret_is_durable, fault);
}

/* version NULL: it is there, and cannot be served. */
static enum status find_deletable(const struct catalogue *next, const char *name, unsigned number,
                                  struct model **ret_model, struct version **ret_version,
                                  struct fault *fault)
{
    enum status status = change_find(next, name, number, ret_model, ret_version, fault);
    if (status == STATUS_OK) {
        return check_deletable(*ret_model, *ret_version, fault);
    }
    *ret_version = NULL;
    return *ret_model && unserved_find(&(*ret_model)->unserved, name, number) ? STATUS_OK : status;
}

enum status model_delete_version(struct service_context *context, const char *name, unsigned number,
                                 struct fault *fault)
{
    struct service *service = context->service;
    struct catalogue *next = NULL;
    struct model *model = NULL;
    struct version *version;
    struct digest digest = { 0 };
    bool is_durable = true;
    enum status status = change_begin(context, &next, fault);
    struct sharing sharing = { service, context->engine, next, false };
    if (status == STATUS_OK) {
        status = find_deletable(next, name, number, &model, &version, fault);
    }
    if (status == STATUS_OK) {
        status = service->cluster
                     ? delete_shared(&sharing, model, number, fault)
                     : delete_here(service, model, version, number, &is_durable, &digest, fault);
    }
    status = change_end(context, next, true, status);
    if (status == STATUS_OK && !service->cluster) {
        lineage_forget(service->job_database, name, number, digest);
    }
    if (status == STATUS_OK) {
        log_event(LOG_INFO, "version_deleted", LOG_STRING("model", name),
                  LOG_INT("version", number));
        status = confirm(context, fault);
    }
    return status == STATUS_OK && !is_durable ? change_not_durable(fault) : status;
}
