/* models.c - the verbs that change which models and versions there are. Each works on a copy of the
 * catalogue, under the writer's lock, and publishes it. */
#include "base/log.h"
#include "service/models/trained_version.h"
#include "service/service_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- making versions ---- */

enum status version_make(const struct file_version *file, const void *bytes, size_t n,
                         struct version *ret_version, struct fault *fault)
{
    struct gru_error error = { .message = "" };
    struct version version = { .number = file->number,
                               .created_at_ms = file->created_at_ms,
                               .read_only = file->read_only,
                               .metrics = no_metrics,
                               .digest = digest_128(bytes, n) };
    enum gru_status status = gru_model_load(bytes, n, &version.gru, &error);
    if (status != GRU_OK) {
        enum status kind = status == GRU_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_INVALID_MODEL;
        return fault_set(fault, kind, error.param, "%s",
                         error.message[0] ? error.message : gru_status_text(status));
    }
    version.path = strdup(file->path);
    if (!version.path) {
        gru_model_unref(version.gru);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
    }
    *ret_version = version;
    return STATUS_OK;
}

static enum status check_names(const struct gru_variable *old, size_t n_old,
                               const struct gru_variable *fresh, size_t n_fresh, const char *kind,
                               const char *model, struct fault *fault)
{
    if (n_old != n_fresh) {
        return fault_set(fault, STATUS_INCOMPATIBLE_MODEL, kind,
                         "model '%s' has %zu %s, this version has %zu", model, n_old, kind,
                         n_fresh);
    }
    for (size_t k = 0; k < n_old; k++) {
        if (strcmp(old[k].name, fresh[k].name) != 0) {
            return fault_set(fault, STATUS_INCOMPATIBLE_MODEL, kind,
                             "%s %zu of model '%s' is '%s', of this version '%s'", kind, k, model,
                             old[k].name, fresh[k].name);
        }
    }
    return STATUS_OK;
}

enum status version_check(const struct model *model, const struct version *version,
                          struct fault *fault)
{
    if (model->n_versions == 0) {
        return STATUS_OK;
    }
    const struct gru_info *old = gru_model_info(model->versions[0].gru);
    const struct gru_info *fresh = gru_model_info(version->gru);
    enum status status = check_names(old->inputs, old->n_inputs, fresh->inputs, fresh->n_inputs,
                                     "inputs", model->name, fault);
    if (status == STATUS_OK) {
        status = check_names(old->outputs, old->n_outputs, fresh->outputs, fresh->n_outputs,
                             "outputs", model->name, fault);
    }
    return status;
}

/* What a model's versions have in common. */
static uint64_t variables_digest(const struct gru_info *info)
{
    uint64_t digest = info->n_inputs;
    for (size_t k = 0; k < info->n_inputs; k++) {
        digest = digest_64(info->inputs[k].name, strlen(info->inputs[k].name), digest);
    }
    for (size_t k = 0; k < info->n_outputs; k++) {
        digest = digest_64(info->outputs[k].name, strlen(info->outputs[k].name), digest);
    }
    return digest;
}

struct pool_options model_pool_options(const struct service *service, const struct model *model,
                                       const struct gru_model *gru, char path[PATH_MAX])
{
    const struct config *config = service->config;
    bool on_disk = config->data[0] != '\0' && files_pool_path(config->data, model->name, "", path);
    return (struct pool_options){ .name = model->name,
                                  .path = on_disk ? path : NULL,
                                  .variables = variables_digest(gru_model_info(gru)),
                                  .layout = record_layout_of(gru_model_info(gru),
                                                             config->session_history),
                                  .session_max = config->session_max,
                                  .tombstone_max = config->tombstone_max,
                                  .ttl_s = (uint32_t)config->session_ttl,
                                  .evict = config->session_full == CONFIG_EVICT,
                                  .now_ms = clock_now_ms() };
}

enum status model_open_pool(const struct service *service, struct model *model, struct fault *fault)
{
    char path[PATH_MAX];
    struct pool_options options = model_pool_options(service, model, model->active->gru, path);
    return pool_open(&options, &model->pool, fault);
}

/* ---- changes ---- */

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
}

enum status change_begin(struct service_context *context, struct catalogue **ret_next,
                         struct fault *fault)
{
    pthread_mutex_lock(&context->service->writer);
    *ret_next = service_context_reserve_held(context, 2) && service_context_renew(context)
                    ? catalogue_copy(context->catalogue)
                    : NULL;
    return *ret_next ? STATUS_OK : no_memory(fault);
}

enum status change_end(struct service_context *context, struct catalogue *next, bool publish,
                       enum status status)
{
    if (status == STATUS_OK && publish) {
        catalogue_publish(context->service, next);
        (void)!service_context_renew(context); /* room was reserved */
    } else {
        catalogue_unref(next);
    }
    pthread_mutex_unlock(&context->service->writer);
    return status;
}

void change_take_back(const char *path)
{
    struct fault fault;
    bool is_durable;
    if (files_delete(path, &is_durable, &fault) != STATUS_OK) {
        log_event(LOG_ERROR, "version_not_taken_back", LOG_STRING("file", path),
                  LOG_STRING("reason", fault.message));
    }
}

enum status change_not_durable(struct fault *fault)
{
    return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                     "done, but the disk refused to make it durable: a power failure may undo it");
}

/* The checked version as a file, and in the model. */
static enum status store_version(const struct service *service, struct model *model,
                                 struct version *version, const void *bytes, size_t n,
                                 struct fault *fault)
{
    struct file_version file;
    enum status status = files_write_version(service->config->data, model->name, version->number,
                                             bytes, n, &file, fault);
    if (status != STATUS_OK) {
        return status;
    }
    free(version->path);
    version->path = strdup(file.path);
    version->number = file.number;
    version->created_at_ms = file.created_at_ms;
    if (!version->path || !model_insert_version(model, *version)) {
        change_take_back(file.path);
        return no_memory(fault);
    }
    return STATUS_OK;
}

static enum status first_version(const struct service *service, struct catalogue *next,
                                 struct model *model, struct fault *fault)
{
    bool is_durable;
    model->active = &model->versions[0];
    enum status status = model_open_pool(service, model, fault);
    if (status == STATUS_OK) {
        status = files_write_active(service->config->data, model->name, model->active->number,
                                    &is_durable, fault);
    }
    if (status == STATUS_OK && !is_durable) {
        status = fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                           "the disk refused to sync which version is active");
    }
    if (status == STATUS_OK && !catalogue_insert(next, model)) {
        status = no_memory(fault);
    }
    if (status != STATUS_OK) {
        change_take_back(model->active->path);
    }
    return status;
}

static enum status put_version(const struct service *service, struct catalogue *next,
                               const char *name, const void *bytes, size_t n, struct fault *fault)
{
    struct model *known = catalogue_find(next, name);
    struct model *model = known ? known : model_create(name);
    if (!model) {
        return no_memory(fault);
    }
    const struct file_version file = { .number = model->newest + 1 };
    struct version version = { .number = 0 };
    enum status status = version_make(&file, bytes, n, &version, fault);
    if (status == STATUS_OK) {
        status = version_check(model, &version, fault);
        if (status == STATUS_OK) {
            status = store_version(service, model, &version, bytes, n, fault);
        }
        if (status != STATUS_OK) {
            version_done(&version);
        }
    }
    if (!known) {
        status = status == STATUS_OK ? first_version(service, next, model, fault) : status;
        if (status != STATUS_OK) {
            model_free(model);
        }
    }
    return status;
}

static enum status needs_data(const struct service *service, struct fault *fault)
{
    if (service->config->data[0]) {
        return STATUS_OK;
    }
    return fault_set(fault, STATUS_NO_DATA_DIRECTORY, NULL,
                     "versions are kept on disk: start grud with --data DIR");
}

enum status model_put(struct service_context *context, const char *name, const void *bytes,
                      size_t n_bytes, const struct model **ret_model, struct fault *fault)
{
    struct catalogue *next = NULL;
    enum status status = needs_data(context->service, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = change_begin(context, &next, fault);
    if (status == STATUS_OK) {
        status = put_version(context->service, next, name, bytes, n_bytes, fault);
    }
    status = change_end(context, next, true, status);
    degraded_settle(context->service, DEGRADED_VERSIONS, status);
    if (status == STATUS_OK) {
        log_event(LOG_INFO, "version_stored", LOG_STRING("model", name));
        status = model_find(context, name, ret_model, fault);
    }
    return status;
}

enum status change_find(const struct catalogue *next, const char *name, unsigned number,
                        struct model **ret_model, struct version **ret_version, struct fault *fault)
{
    *ret_model = catalogue_find(next, name);
    if (!*ret_model) {
        return fault_set(fault, STATUS_MODEL_NOT_FOUND, "model", "there is no model '%s'", name);
    }
    *ret_version = model_find_version(*ret_model, number);
    if (!*ret_version) {
        return fault_set(fault, STATUS_VERSION_NOT_FOUND, "version", "model '%s' has no version %u",
                         name, number);
    }
    return STATUS_OK;
}

enum status model_delete_version(struct service_context *context, const char *name, unsigned number,
                                 struct fault *fault)
{
    struct catalogue *next = NULL;
    struct model *model;
    struct version *version;
    enum status status = change_begin(context, &next, fault);
    if (status == STATUS_OK) {
        status = change_find(next, name, number, &model, &version, fault);
    }
    if (status == STATUS_OK && model->active == version) {
        status = fault_set(fault, STATUS_VERSION_ACTIVE, "version",
                           "version %u of model '%s' is active; activate another one first", number,
                           name);
    }
    if (status == STATUS_OK && version->read_only) {
        status = fault_set(
            fault, STATUS_VERSION_READ_ONLY, "version",
            "version %u of model '%s' lives in the --models directory, which grud never writes",
            number, name);
    }
    struct digest digest = { 0 };
    bool is_durable = true;
    if (status == STATUS_OK && version->path) {
        status =
            files_delete_version(context->service->config->data, name, number, &is_durable, fault);
    }
    if (status == STATUS_OK) {
        digest = version->digest;
        model_remove_version(model, number);
    }
    status = change_end(context, next, true, status);
    if (status == STATUS_OK) {
        lineage_forget(context->service->job_database, name, number, digest);
        log_event(LOG_INFO, "version_deleted", LOG_STRING("model", name),
                  LOG_INT("version", number));
    }
    return status == STATUS_OK && !is_durable ? change_not_durable(fault) : status;
}

enum status model_read_file(const struct version *version, struct arena *arena,
                            const void **ret_bytes, size_t *ret_n, struct fault *fault)
{
    void *bytes;
    enum status status = STATUS_OK;
    if (version->path) {
        status = files_read(version->path, arena, &bytes, ret_n, fault);
    } else if ((bytes = arena_alloc(arena, version->n_file)) != NULL) {
        memcpy(bytes, version->file, version->n_file);
        *ret_n = version->n_file;
    } else {
        status = fault_no_room(fault, arena->is_full, NULL,
                               "the file is too large to be read into memory");
    }
    if (status == STATUS_OK) {
        *ret_bytes = bytes;
    }
    return status;
}
