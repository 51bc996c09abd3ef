#include "service/models/shared_models.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/models/change.h"
#include "service/models/model_versions.h"
#include "service/models/version_bytes.h"
#include "service/service_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the models of the cluster");
}

void shared_model_log_differs(const char *name, const struct version *own, struct digest digest)
{
    char has[DIGEST_TEXT], counts[DIGEST_TEXT];
    digest_print(own->digest, has);
    digest_print(digest, counts);
    log_event(LOG_WARN, "cluster_model_differs", LOG_STRING("model", name),
              LOG_INT("version", own->number), LOG_STRING("file", own->path),
              LOG_STRING("digest", has), LOG_STRING("cluster_digest", counts),
              LOG_STRING("advice", "the cluster's is served; give all nodes the same file, and a "
                                   "changed one a number of its own"));
}

/* ---- from the node to the engine ---- */

/* Under its own number. *ret_is_given false: its file has changed since it was loaded, and the
 * version stays this node's. */
static enum status give(struct sharing *sharing, const char *name, const struct version *version,
                        bool *ret_is_given, struct fault *fault)
{
    struct arena arena;
    struct shared_put put = { .same = VERSION_ENTRY_NONE };
    size_t n;
    unsigned number;
    arena_init(&arena, SIZE_MAX);
    enum status status = model_read_file(version, &arena, &put.bytes, &n, fault);
    *ret_is_given = status == STATUS_OK;
    if (status == STATUS_OK) {
        put.entry = version_entry_of(version, n);
        status = shared_version_put(sharing->engine, name, &put, &number, fault);
    } else if (status != STATUS_NO_MEMORY) {
        log_event(LOG_WARN, "cluster_model_not_given", LOG_STRING("model", name),
                  LOG_INT("version", version->number), LOG_STRING("reason", fault->message),
                  LOG_STRING("advice", "mend its file and start this node again; until then the "
                                       "version is this node's alone"));
        status = STATUS_OK;
    }
    arena_done(&arena);
    return status;
}

/* What the engine never heard of; the active version first, since in a model that is new there the
 * first is the active one. */
static enum status give_all(struct sharing *sharing, const struct model *model,
                            struct shared_model *shared, struct fault *fault)
{
    bool has_active = true, is_given, has_given = false;
    enum status status = STATUS_OK;
    if (!shared_model_find(shared, model->active->number)) {
        status = give(sharing, model->name, model->active, &has_given, fault);
        has_active = has_given || shared->active > 0;
    }
    for (size_t k = 0; has_active && status == STATUS_OK && k < model->n_versions; k++) {
        const struct version *version = &model->versions[k];
        if (version != model->active && !shared_model_find(shared, version->number)) {
            status = give(sharing, model->name, version, &is_given, fault);
            has_given |= is_given;
        }
    }
    if (status == STATUS_OK && has_given) {
        shared_model_done(shared);
        status = shared_model_read(sharing->engine, model->name, shared, fault);
    }
    return status;
}

/* ---- from the engine to the node: a version ---- */

/* One that cannot be served; told once. */
static enum status leave_out(struct sharing *sharing, struct model *model, unsigned number,
                             const struct fault *fault, struct fault *ret_fault)
{
    const struct unserved *noted = unserved_find(&model->unserved, model->name, number);
    if (noted && strcmp(noted->reason, fault->message) == 0) {
        return STATUS_OK;
    }
    log_event(LOG_WARN, "cluster_model_refused", LOG_STRING("model", model->name),
              LOG_INT("version", number), LOG_STRING("code", status_code(fault->status)),
              LOG_STRING("reason", fault->message),
              LOG_STRING("advice", "delete the version; whatever else is right is served"));
    if (model_find_version(model, number)) {
        return STATUS_OK; /* it has it from elsewhere */
    }
    unserved_remove(&model->unserved, model->name, number);
    sharing->has_changed = true;
    return unserved_add(&model->unserved, model->name, number, false, fault) ? STATUS_OK
                                                                             : no_memory(ret_fault);
}

static void take_facts(struct version *version, const struct version_entry *entry)
{
    version->created_at_ms = entry->created_at_ms;
    version->parent = entry->parent;
    version->metrics = entry->metrics;
    snprintf(version->job, sizeof version->job, "%s", entry->job);
}

/* The version that the engine has, made of its file. */
static enum status fetch(struct sharing *sharing, const struct model *model,
                         const struct version_entry *entry, struct version *ret_version,
                         struct fault *fault)
{
    struct file_version file = { .number = entry->number };
    struct version version;
    struct version_bytes *bytes;
    enum status status = shared_version_read(sharing->engine, model->name, entry, &bytes, fault);
    if (status != STATUS_OK) {
        return status;
    }
    snprintf(file.name, sizeof file.name, "%s", model->name);
    status = version_make(&file, bytes->bytes, bytes->n, &version, fault);
    if (status != STATUS_OK) {
        version_bytes_unref(bytes);
        return status;
    }
    free(version.path);
    version.path = NULL;
    version.file = bytes;
    take_facts(&version, entry);
    status = model_check_version(model, &version, fault);
    if (status != STATUS_OK) {
        version_done(&version);
        return status;
    }
    *ret_version = version;
    return STATUS_OK;
}

/* In the place of one that is there, or as a further one. */
static enum status put_in_place(struct model *model, struct version version, struct fault *fault)
{
    struct version *known = model_find_version(model, version.number);
    if (known) {
        version_done(known);
        *known = version;
    } else if (!model_insert_version(model, version)) {
        version_done(&version);
        return no_memory(fault);
    }
    unserved_remove(&model->unserved, model->name, version.number);
    log_event(LOG_INFO, "version_taken", LOG_STRING("model", model->name),
              LOG_INT("version", version.number));
    return STATUS_OK;
}

static enum status take_version(struct sharing *sharing, struct model *model,
                                const struct version_entry *entry, struct fault *fault)
{
    struct version *known = model_find_version(model, entry->number);
    if (known && digest_equals(known->digest, entry->digest)) {
        const bool is_new =
            known->created_at_ms != entry->created_at_ms || strcmp(known->job, entry->job) != 0;
        take_facts(known, entry);
        sharing->has_changed |= is_new;
        return STATUS_OK;
    }
    struct version version;
    struct fault refused;
    if (known && !entry->is_damaged) {
        shared_model_log_differs(model->name, known, entry->digest);
    }
    enum status status = fetch(sharing, model, entry, &version, &refused);
    if (status == STATUS_STORAGE_FAILED || status == STATUS_NO_MEMORY) {
        *fault = refused;
        return status;
    }
    if (status != STATUS_OK) {
        return leave_out(sharing, model, entry->number, &refused, fault);
    }
    sharing->has_changed = true;
    return put_in_place(model, version, fault);
}

/* ---- a model ---- */

/* The one that the engine has as active; where it cannot be served, what was active stays so. */
static enum status take_active(struct sharing *sharing, struct model *model, unsigned number,
                               struct fault *fault)
{
    struct version *active = model_find_version(model, number);
    const struct version *before = model->active;
    if (!active) {
        log_event(LOG_ERROR, "cluster_model_not_followed", LOG_STRING("model", model->name),
                  LOG_INT("version", number), LOG_INT("active", before->number),
                  LOG_STRING("advice", "activate a version that can be served"));
        return STATUS_OK;
    }
    enum status status = model_serve(sharing->service, model, active, fault);
    if (status == STATUS_OK && active != before) {
        sharing->has_changed = true;
        log_event(LOG_INFO, "version_activated", LOG_STRING("model", model->name),
                  LOG_INT("version", number));
    }
    return status;
}

/* Numbers of versions that were deleted; also of those that could not be served. */
static void drop_deleted(struct sharing *sharing, struct model *model,
                         const struct shared_model *shared)
{
    for (size_t k = 0; k < shared->n; k++) {
        const struct version_entry *entry = &shared->versions[k];
        const struct version *known = model_find_version(model, entry->number);
        if (!entry->is_deleted || known == model->active) {
            continue;
        }
        if (known && known->path) {
            log_event(LOG_WARN, "cluster_model_deleted", LOG_STRING("model", model->name),
                      LOG_INT("version", entry->number), LOG_STRING("file", known->path),
                      LOG_STRING("advice", "the cluster has deleted this version; remove the file, "
                                           "or give it another number"));
        }
        if (known) {
            model_remove_version(model, entry->number);
        }
        sharing->has_changed |=
            known || unserved_find(&model->unserved, model->name, entry->number);
        unserved_remove(&model->unserved, model->name, entry->number);
    }
}

static enum status take_versions(struct sharing *sharing, struct model *model,
                                 const struct shared_model *shared, struct fault *fault)
{
    enum status status = STATUS_OK;
    for (size_t k = 0; status == STATUS_OK && k < shared->n; k++) {
        if (!shared->versions[k].is_deleted) {
            status = take_version(sharing, model, &shared->versions[k], fault);
        }
    }
    model->newest = model->newest > shared->newest ? model->newest : shared->newest;
    return status;
}

/* All of a model that the node does not have, or not yet. */
static enum status note_model(struct sharing *sharing, const struct model *model, unsigned active,
                              struct fault *fault)
{
    const struct unserved *why = unserved_find(&model->unserved, model->name, active);
    struct fault reason;
    fault_fill(&reason, STATUS_INVALID_MODEL, NULL, "its active version %u cannot be: %s", active,
               why ? why->reason : "the cluster's engine does not have it");
    const struct unserved *noted = unserved_find(&sharing->next->unserved, model->name, 0);
    if (noted && strcmp(noted->reason, reason.message) == 0) {
        return STATUS_OK;
    }
    log_event(LOG_WARN, "cluster_model_refused", LOG_STRING("model", model->name),
              LOG_STRING("reason", reason.message),
              LOG_STRING("advice", "no version of this model is served on this node: bring back "
                                   "what the engine had, or set the field active of the model's "
                                   "key there, then SIGHUP"));
    unserved_remove(&sharing->next->unserved, model->name, 0);
    sharing->has_changed = true;
    return unserved_add(&sharing->next->unserved, model->name, 0, false, &reason)
               ? STATUS_OK
               : no_memory(fault);
}

/* A model that the node does not have. */
static enum status take_new(struct sharing *sharing, const char *name,
                            const struct shared_model *shared, struct fault *fault)
{
    struct model *model = model_create(name);
    enum status status = model ? take_versions(sharing, model, shared, fault) : no_memory(fault);
    if (status == STATUS_OK) {
        model->active = model_find_version(model, shared->active);
        if (!model->active) {
            status = note_model(sharing, model, shared->active, fault);
            model_free(model);
            return status;
        }
        status = model_open_pool(sharing->service, model, fault);
    }
    if (status == STATUS_OK && !catalogue_insert(sharing->next, model)) {
        status = no_memory(fault);
    }
    if (status != STATUS_OK) {
        model_free(model);
        return status;
    }
    unserved_remove(&sharing->next->unserved, name, 0);
    sharing->has_changed = true;
    return STATUS_OK;
}

static enum status take_known(struct sharing *sharing, struct model *model,
                              const struct shared_model *shared, struct fault *fault)
{
    enum status status = take_versions(sharing, model, shared, fault);
    if (status == STATUS_OK && shared->n > 0) {
        status = take_active(sharing, model, shared->active, fault);
    }
    if (status == STATUS_OK) {
        drop_deleted(sharing, model, shared);
    }
    return status;
}

enum status shared_model_settle(struct sharing *sharing, const char *name, struct fault *fault)
{
    struct shared_model shared;
    struct model *model = catalogue_find(sharing->next, name);
    enum status status = shared_model_read(sharing->engine, name, &shared, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (model) {
        status = give_all(sharing, model, &shared, fault);
    }
    if (status == STATUS_OK && model) {
        status = take_known(sharing, model, &shared, fault);
    } else if (status == STATUS_OK && shared.n > 0) {
        status = take_new(sharing, name, &shared, fault);
    }
    shared_model_done(&shared);
    return status;
}

/* ---- changes ---- */

enum status shared_model_settle_done(struct sharing *sharing, const char *name, struct fault *fault)
{
    struct fault reason;
    enum status status = shared_model_settle(sharing, name, &reason);
    return status == STATUS_OK ? status
                               : fault_set(fault, status, NULL,
                                           "done, but this node takes it over a little later: %s",
                                           fault_for_clients(&reason).message);
}

static enum status check(const struct catalogue *next, const char *name, const void *bytes,
                         size_t n_bytes, struct fault *fault)
{
    const struct model *model = catalogue_find(next, name);
    struct version version = { .number = 0 };
    enum status status = version_read(bytes, n_bytes, &version.gru, fault);
    if (status == STATUS_OK && model) {
        status = model_check_version(model, &version, fault);
    }
    gru_model_unref(version.gru);
    return status;
}

enum status shared_model_put(struct sharing *sharing, const char *name, const void *bytes,
                             size_t n_bytes, const struct version *about, unsigned same,
                             unsigned *ret_number, struct fault *fault)
{
    struct shared_put put = { .entry = version_entry_of(about, n_bytes),
                              .same = same,
                              .bytes = bytes };
    put.entry.number = 0;
    put.entry.digest = digest_128(bytes, n_bytes);
    put.entry.created_at_ms = clock_wall_ms();
    enum status status = check(sharing->next, name, bytes, n_bytes, fault);
    if (status == STATUS_OK) { /* so that its number is none that only this node knows of */
        status = shared_model_settle(sharing, name, fault);
    }
    if (status == STATUS_OK) {
        status = shared_version_put(sharing->engine, name, &put, ret_number, fault);
    }
    return status == STATUS_OK ? shared_model_settle_done(sharing, name, fault) : status;
}
