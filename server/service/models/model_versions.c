#include "service/models/model_versions.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/job_database.h"
#include "service/models/interval_classes.h"
#include "service/models/version_bytes.h"
#include "service/models/wide_state.h"
#include "service/rules/rules.h"
#include "service/service_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- versions ---- */

enum status version_read(const void *bytes, size_t n, struct gru_model **ret_gru,
                         struct fault *fault)
{
    struct gru_error error = { .message = "" };
    enum gru_status status = gru_model_load(bytes, n, ret_gru, &error);
    if (status == GRU_OK) {
        return STATUS_OK;
    }
    return fault_set(fault, status == GRU_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_INVALID_MODEL,
                     error.param, "%s", error.message[0] ? error.message : gru_status_text(status));
}

enum status version_make(const struct file_version *file, const void *bytes, size_t n,
                         struct version *ret_version, struct fault *fault)
{
    struct version version = { .number = file->number,
                               .created_at_ms = file->created_at_ms,
                               .read_only = file->read_only,
                               .metrics = no_metrics,
                               .digest = digest_128(bytes, n) };
    enum status status = version_read(bytes, n, &version.gru, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (*gru_model_unread(version.gru)) {
        log_event(LOG_WARN, "metadata_not_read", LOG_STRING("model", file->name),
                  LOG_INT("version", file->number),
                  LOG_STRING("keys", gru_model_unread(version.gru)),
                  LOG_STRING("advice", "what grud is to know of a model stands in __metadata__ as "
                                       "the JSON text of one key, grud"));
    }
    if (!gru_model_is_verified(version.gru)) {
        log_event(
            LOG_INFO, "version_not_verified", LOG_STRING("model", file->name),
            LOG_INT("version", file->number),
            LOG_STRING("advice", "it has no selftest: grud-convert adds one (docs/MODELS.md)"));
    }
    version.path = strdup(file->path);
    if (!version.path) {
        gru_model_unref(version.gru);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another version");
    }
    *ret_version = version;
    return STATUS_OK;
}

void version_done(struct version *version)
{
    gru_model_unref(version->gru);
    free(version->path);
    version_bytes_unref(version->file);
}

static bool version_copy(const struct version *version, struct version *ret_copy)
{
    struct version copy = *version;
    gru_model_ref(copy.gru);
    copy.path = version->path ? strdup(version->path) : NULL;
    copy.file = version_bytes_ref(version->file);
    if (version->path && !copy.path) {
        version_done(&copy);
        return false;
    }
    *ret_copy = copy;
    return true;
}

/* ---- models ---- */

void model_free(struct model *model)
{
    if (!model) {
        return;
    }
    for (size_t k = 0; k < model->n_versions; k++) {
        version_done(&model->versions[k]);
    }
    free(model->versions);
    unserved_free(&model->unserved);
    pool_unref(model->pool);
    error_totals_unref(model->error_totals);
    drift_unref(model->drift);
    free(model);
}

struct version *model_find_version(const struct model *model, unsigned number)
{
    for (size_t k = 0; k < model->n_versions; k++) {
        if (model->versions[k].number == number) {
            return &model->versions[k];
        }
    }
    return NULL;
}

enum status model_refuse_version(const struct model *model, unsigned number, struct fault *fault)
{
    const struct unserved *unserved = unserved_find(&model->unserved, model->name, number);
    return unserved ? unserved_refuse(unserved, fault)
                    : fault_set(fault, STATUS_VERSION_NOT_FOUND, "version",
                                "model '%s' has no version %u", model->name, number);
}

bool model_insert_version(struct model *model, struct version version)
{
    unsigned active = model->active ? model->active->number : 0;
    struct version *versions =
        reallocarray(model->versions, model->n_versions + 1, sizeof *versions);
    if (!versions) {
        return false;
    }
    size_t at = model->n_versions++;
    while (at > 0 && versions[at - 1].number > version.number) {
        versions[at] = versions[at - 1];
        at--;
    }
    versions[at] = version;
    model->versions = versions;
    model->newest = model->newest > version.number ? model->newest : version.number;
    model->active = model_find_version(model, active);
    return true;
}

void model_remove_version(struct model *model, unsigned number)
{
    unsigned active = model->active->number;
    struct version *version = model_find_version(model, number);
    version_done(version);
    size_t after = model->n_versions - 1 - (size_t)(version - model->versions);
    memmove(version, version + 1, after * sizeof *version);
    model->n_versions--;
    model->active = model_find_version(model, active);
}

struct model *model_create(const char *name)
{
    struct model *model = calloc(1, sizeof *model);
    if (model) {
        snprintf(model->name, sizeof model->name, "%s", name);
    }
    return model;
}

struct model *model_copy(const struct model *model)
{
    struct model *copy = model_create(model->name);
    if (copy && !unserved_copy(&model->unserved, &copy->unserved)) {
        model_free(copy);
        return NULL;
    }
    for (size_t k = 0; copy && k < model->n_versions; k++) {
        struct version version;
        if (!version_copy(&model->versions[k], &version)) {
            model_free(copy);
            return NULL;
        }
        if (!model_insert_version(copy, version)) {
            version_done(&version);
            model_free(copy);
            return NULL;
        }
    }
    if (copy) {
        copy->newest = model->newest;
        copy->active = model_find_version(copy, model->active->number);
        copy->pool = pool_ref(model->pool);
        copy->error_totals = error_totals_ref(model->error_totals);
        copy->drift = drift_ref(model->drift);
    }
    return copy;
}

enum status version_find(const struct model *model, unsigned number,
                         const struct version **ret_version, struct fault *fault)
{
    const struct version *version = number ? model_find_version(model, number) : model->active;
    if (!version) {
        return model_refuse_version(model, number, fault);
    }
    *ret_version = version;
    return STATUS_OK;
}

const struct version *version_with_digest(const struct model *model, uint64_t low)
{
    for (size_t k = 0; k < model->n_versions; k++) {
        if (model->versions[k].digest.low == low) {
            return &model->versions[k];
        }
    }
    return NULL;
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

enum status model_check_version(const struct model *model, const struct version *version,
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
    if (status == STATUS_OK && old->is_bidirectional != fresh->is_bidirectional) {
        status = fault_set(fault, STATUS_INCOMPATIBLE_MODEL, NULL,
                           "model '%s' is %sbidirectional, and this version is %s: sessions can go "
                           "on with one of them alone",
                           model->name, old->is_bidirectional ? "" : "not ",
                           fresh->is_bidirectional ? "one" : "not");
    }
    return status;
}

enum status model_check_causal(const struct model *model, struct fault *fault)
{
    if (!gru_model_info(model->versions[0].gru)->is_bidirectional) {
        return STATUS_OK;
    }
    return fault_set(fault, STATUS_NOT_CAUSAL, "model",
                     "model '%s' is bidirectional: it reads whole sequences, from both ends, so it "
                     "answers predict and evaluate, but has no sessions, steps or jobs",
                     model->name);
}

/* ---- its sessions ---- */

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

struct pool_options model_pool_options(struct service *service, const struct model *model,
                                       const struct gru_model *gru, char path[PATH_MAX])
{
    const struct config *config = service->config;
    bool on_disk = config->data[0] != '\0' && config->cluster[0] == '\0' &&
                   files_pool_path(config->data, model->name, "", path);
    struct pool_options options = {
        .name = model->name,
        .path = on_disk ? path : NULL,
        .variables = variables_digest(gru_model_info(gru)),
        .layout = record_layout_of(gru_model_info(gru), config->session_history),
        .session_max = config->session_max,
        .tombstone_max = config->tombstone_max,
        .ttl_s = (uint32_t)config->session_ttl,
        .evict = config->session_full == CONFIG_EVICT || config->cluster[0] != '\0',
        .is_cache = config->cluster[0] != '\0',
        .memory = &service->session_memory,
        .listeners = &service->listeners,
        .rule_states = service->rules ? service->rules->states : NULL,
        .now_ms = clock_steady_ms()
    };
    if (config->amend) {
        options.layout = record_layout_with_base(&options.layout);
    }
    options.n_classes = interval_classes(&service->interval_levels, config->interval_horizon_max,
                                         gru_model_info(gru), options.classes);
    options.translate_tail = interval_classes_translate;
    options.translate_state = wide_state_translate;
    options.gru = gru;
    return options;
}

enum status model_open_pool(struct service *service, struct model *model, struct fault *fault)
{
    char path[PATH_MAX];
    struct pool_options options = model_pool_options(service, model, model->active->gru, path);
    model->error_totals = error_totals_create(gru_model_info(model->active->gru)->n_outputs);
    model->drift = drift_create();
    if (!model->error_totals || !model->drift) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for another model");
    }
    return pool_open(&options, &model->pool, fault);
}

size_t model_n_sessions(const struct model *model)
{
    return atomic_load_explicit(&model->pool->n_sessions, memory_order_relaxed);
}

enum status model_serve(struct service *service, struct model *model, struct version *version,
                        struct fault *fault)
{
    char path[PATH_MAX];
    struct pool_options options = model_pool_options(service, model, version->gru, path);
    if (!pool_fits(model->pool, &options)) {
        struct pool *pool;
        enum status status = pool_convert(&options, model->pool, &pool, fault);
        if (status != STATUS_OK) {
            return status;
        }
        pool_unref(model->pool);
        model->pool = pool;
    }
    model->active = version;
    return STATUS_OK;
}
