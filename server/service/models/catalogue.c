/* catalogue.c - the models at one moment, and how workers come by them without a lock on each
 * request. */
#include "service/service_private.h"
#include "service/sessions/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- versions and models ---- */

void version_done(struct version *version)
{
    gru_model_unref(version->gru);
    free(version->path);
    free(version->file);
}

static bool version_copy(const struct version *version, struct version *ret_copy)
{
    struct version copy = *version;
    gru_model_ref(copy.gru);
    copy.path = version->path ? strdup(version->path) : NULL;
    copy.file = version->file ? malloc(version->n_file) : NULL;
    if ((version->path && !copy.path) || (version->file && !copy.file)) {
        version_done(&copy);
        return false;
    }
    if (copy.file) {
        memcpy(copy.file, version->file, version->n_file);
    }
    *ret_copy = copy;
    return true;
}

void model_free(struct model *model)
{
    if (!model) {
        return;
    }
    for (size_t k = 0; k < model->n_versions; k++) {
        version_done(&model->versions[k]);
    }
    free(model->versions);
    pool_unref(model->pool);
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

static struct model *model_copy(const struct model *model)
{
    struct model *copy = model_create(model->name);
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
    }
    return copy;
}

/* ---- catalogues ---- */

void catalogue_unref(struct catalogue *catalogue)
{
    if (!catalogue || atomic_fetch_sub(&catalogue->n_refs, 1) != 1) {
        return;
    }
    for (size_t k = 0; k < catalogue->n_models; k++) {
        model_free(catalogue->models[k]);
    }
    free(catalogue->models);
    free(catalogue);
}

struct catalogue *catalogue_copy(const struct catalogue *catalogue)
{
    struct catalogue *copy = calloc(1, sizeof *copy);
    if (!copy) {
        return NULL;
    }
    atomic_init(&copy->n_refs, 1);
    for (size_t k = 0; catalogue && k < catalogue->n_models; k++) {
        struct model *model = model_copy(catalogue->models[k]);
        if (!model || !catalogue_insert(copy, model)) {
            model_free(model);
            catalogue_unref(copy);
            return NULL;
        }
    }
    return copy;
}

struct model *catalogue_find(const struct catalogue *catalogue, const char *name)
{
    size_t low = 0;
    size_t high = catalogue->n_models;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(catalogue->models[middle]->name, name);
        if (order == 0) {
            return catalogue->models[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

bool catalogue_insert(struct catalogue *catalogue, struct model *model)
{
    struct model **models =
        reallocarray(catalogue->models, catalogue->n_models + 1, sizeof(struct model *));
    if (!models) {
        return false;
    }
    size_t at = catalogue->n_models++;
    while (at > 0 && strcmp(models[at - 1]->name, model->name) > 0) {
        models[at] = models[at - 1];
        at--;
    }
    models[at] = model;
    catalogue->models = models;
    return true;
}

struct catalogue *catalogue_ref(struct service *service)
{
    pthread_mutex_lock(&service->mutex);
    struct catalogue *catalogue = service->current;
    atomic_fetch_add(&catalogue->n_refs, 1);
    pthread_mutex_unlock(&service->mutex);
    return catalogue;
}

void catalogue_publish(struct service *service, struct catalogue *next)
{
    pthread_mutex_lock(&service->mutex);
    struct catalogue *last = service->current;
    service->current = next;
    atomic_fetch_add(&service->generation, 1);
    pthread_mutex_unlock(&service->mutex);
    catalogue_unref(last);
}

/* ---- workers ---- */

bool service_context_reserve_held(struct service_context *context, size_t n)
{
    if (context->held_room - context->n_held >= n) {
        return true;
    }
    size_t room = 2 * context->n_held + n;
    struct catalogue **held = reallocarray(context->held, room, sizeof(struct catalogue *));
    if (!held) {
        return false;
    }
    context->held = held;
    context->held_room = room;
    return true;
}

bool service_context_renew(struct service_context *context)
{
    uint64_t generation = atomic_load(&context->service->generation);
    if (context->generation == generation) {
        return true;
    }
    if (!service_context_reserve_held(context, 1)) {
        return false;
    }
    context->held[context->n_held++] = context->catalogue;
    context->catalogue = catalogue_ref(context->service);
    context->generation = generation;
    return true;
}

static void release_held(struct service_context *context)
{
    while (context->n_held > 0) {
        catalogue_unref(context->held[--context->n_held]);
    }
}

void service_context_turn(struct service_context *context)
{
    release_held(context);
    context->now_ms = clock_now_ms();
    uint64_t generation = atomic_load(&context->service->generation);
    if (context->generation != generation) {
        catalogue_unref(context->catalogue);
        context->catalogue = catalogue_ref(context->service);
        context->generation = generation;
    }
}

enum status service_context_create(struct service *service, struct service_context **ret_context)
{
    struct service_context *context = calloc(1, sizeof *context);
    if (!context || gru_work_create(&context->work) != GRU_OK ||
        recorder_open_outbox(service->recorder, &context->outbox) != STATUS_OK) {
        service_context_free(context);
        return STATUS_NO_MEMORY;
    }
    context->service = service;
    context->generation = UINT64_MAX;
    context->owner = (uint16_t)(atomic_fetch_add(&service->n_workers, 1) % (OWNER_MAIN - 1) + 1);
    service_context_turn(context);
    *ret_context = context;
    return STATUS_OK;
}

void service_context_free(struct service_context *context)
{
    if (!context) {
        return;
    }
    release_held(context);
    free(context->held);
    catalogue_unref(context->catalogue);
    recorder_close_outbox(context->outbox);
    gru_work_free(context->work);
    free(context->items);
    free(context->blocked);
    free(context->rewarm);
    free(context);
}

struct service *service_context_service(const struct service_context *context)
{
    return context->service;
}

/* ---- looking up ---- */

const struct model *const *models_list(struct service_context *context, size_t *ret_n)
{
    *ret_n = context->catalogue->n_models;
    return (const struct model *const *)context->catalogue->models;
}

enum status model_find(struct service_context *context, const char *name,
                       const struct model **ret_model, struct fault *fault)
{
    const struct model *model = catalogue_find(context->catalogue, name);
    if (!model) {
        return fault_set(fault, STATUS_MODEL_NOT_FOUND, "model", "there is no model '%s'", name);
    }
    *ret_model = model;
    return STATUS_OK;
}

enum status version_find(const struct model *model, unsigned number,
                         const struct version **ret_version, struct fault *fault)
{
    const struct version *version = number ? model_find_version(model, number) : model->active;
    if (!version) {
        return fault_set(fault, STATUS_VERSION_NOT_FOUND, "version", "model '%s' has no version %u",
                         model->name, number);
    }
    *ret_version = version;
    return STATUS_OK;
}

size_t model_n_sessions(const struct model *model)
{
    return atomic_load_explicit(&model->pool->n_sessions, memory_order_relaxed);
}
