#include "service/models/catalogue.h"

#include "service/degraded.h"
#include "service/models/model_versions.h"

#include <stdlib.h>
#include <string.h>

/* ---- catalogues ---- */

struct catalogue *catalogue_share(struct catalogue *catalogue)
{
    atomic_fetch_add(&catalogue->n_refs, 1);
    return catalogue;
}

void catalogue_unref(struct catalogue *catalogue)
{
    if (!catalogue || atomic_fetch_sub(&catalogue->n_refs, 1) != 1) {
        return;
    }
    for (size_t k = 0; k < catalogue->n_models; k++) {
        model_free(catalogue->models[k]);
    }
    unserved_free(&catalogue->unserved);
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
    copy->n_ignored = catalogue ? catalogue->n_ignored : 0;
    if (catalogue && !unserved_copy(&catalogue->unserved, &copy->unserved)) {
        catalogue_unref(copy);
        return NULL;
    }
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

static const struct unserved *find_unserved(const struct catalogue *catalogue, size_t k)
{
    if (k < catalogue->unserved.n) {
        return &catalogue->unserved.entries[k];
    }
    k -= catalogue->unserved.n;
    for (size_t m = 0; m < catalogue->n_models; m++) {
        const struct unserved_list *versions = &catalogue->models[m]->unserved;
        if (k < versions->n) {
            return &versions->entries[k];
        }
        k -= versions->n;
    }
    return NULL;
}

void catalogue_publish(struct service *service, struct catalogue *next)
{
    bool has_unserved = find_unserved(next, 0) != NULL;
    pthread_mutex_lock(&service->mutex);
    struct catalogue *last = service->current;
    service->current = next;
    atomic_fetch_add(&service->generation, 1);
    pthread_mutex_unlock(&service->mutex);
    catalogue_unref(last);
    has_unserved ? degraded_begins(service, DEGRADED_MODELS)
                 : degraded_ends(service, DEGRADED_MODELS);
}

/* ---- a context's reference ---- */

bool catalogue_reserve_renewals(struct service_context *context, size_t n)
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

bool catalogue_renew(struct service_context *context)
{
    uint64_t generation = atomic_load(&context->service->generation);
    if (context->generation == generation) {
        return true;
    }
    if (!catalogue_reserve_renewals(context, 1)) {
        return false;
    }
    context->held[context->n_held++] = context->catalogue;
    context->catalogue = catalogue_ref(context->service);
    context->generation = generation;
    return true;
}

bool catalogue_hold(struct service_context *context, struct catalogue *catalogue)
{
    const bool has_it = context->catalogue == catalogue;
    const bool has_room = has_it || catalogue_reserve_renewals(context, 1);
    if (has_it || !has_room) {
        catalogue_unref(catalogue);
    } else {
        context->held[context->n_held++] = catalogue;
    }
    return has_room;
}

static void release_held(struct service_context *context)
{
    while (context->n_held > 0) {
        catalogue_unref(context->held[--context->n_held]);
    }
}

void catalogue_replace(struct service_context *context)
{
    release_held(context);
    uint64_t generation = atomic_load(&context->service->generation);
    if (context->generation != generation) {
        catalogue_unref(context->catalogue);
        context->catalogue = catalogue_ref(context->service);
        context->generation = generation;
    }
}

void catalogue_end_turn(struct service_context *context)
{
    release_held(context);
    catalogue_unref(context->catalogue);
    context->catalogue = NULL;
    context->generation = UINT64_MAX;
}

void catalogue_release(struct service_context *context)
{
    catalogue_end_turn(context);
    free(context->held);
}

/* ---- looking up ---- */

bool models_are_all_refused(const struct service_context *context)
{
    const struct catalogue *catalogue = context->catalogue;
    return catalogue->n_models == 0 && catalogue->unserved.n + catalogue->n_ignored > 0;
}

const struct model *const *models_list(struct service_context *context, size_t *ret_n)
{
    *ret_n = context->catalogue->n_models;
    return (const struct model *const *)context->catalogue->models;
}

const struct unserved *models_unserved(struct service_context *context, size_t k)
{
    return find_unserved(context->catalogue, k);
}

enum status catalogue_refuse(const struct catalogue *catalogue, const char *name,
                             struct fault *fault)
{
    const struct unserved *unserved = unserved_find(&catalogue->unserved, name, 0);
    return unserved
               ? unserved_refuse(unserved, fault)
               : fault_set(fault, STATUS_MODEL_NOT_FOUND, "model", "there is no model '%s'", name);
}

enum status model_find(struct service_context *context, const char *name,
                       const struct model **ret_model, struct fault *fault)
{
    const struct model *model = catalogue_find(context->catalogue, name);
    if (!model) {
        return catalogue_refuse(context->catalogue, name, fault);
    }
    *ret_model = model;
    return STATUS_OK;
}
