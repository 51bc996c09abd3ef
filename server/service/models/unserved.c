#include "service/models/unserved.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool unserved_add(struct unserved_list *list, const char *model, unsigned version, bool read_only,
                  const struct fault *fault)
{
    const bool is_unreadable = fault->error == EACCES || fault->error == EPERM;
    const struct fault told = is_unreadable ? *fault : fault_for_clients(fault);
    struct unserved *entries = reallocarray(list->entries, list->n + 1, sizeof *entries);
    if (!entries) {
        return false;
    }
    struct unserved *entry = &entries[list->n++];
    *entry = (struct unserved){ .version = version,
                                .read_only = read_only,
                                .is_unreadable = is_unreadable };
    snprintf(entry->model, sizeof entry->model, "%s", model);
    snprintf(entry->reason, sizeof entry->reason, "%s", told.message);
    list->entries = entries;
    return true;
}

static size_t find(const struct unserved_list *list, const char *model, unsigned version)
{
    size_t k = 0;
    while (k < list->n &&
           (list->entries[k].version != version || strcmp(list->entries[k].model, model) != 0)) {
        k++;
    }
    return k;
}

const struct unserved *unserved_find(const struct unserved_list *list, const char *model,
                                     unsigned version)
{
    size_t k = find(list, model, version);
    return k < list->n ? &list->entries[k] : NULL;
}

void unserved_remove(struct unserved_list *list, const char *model, unsigned version)
{
    size_t k = find(list, model, version);
    if (k < list->n) {
        list->n--;
        memmove(&list->entries[k], &list->entries[k + 1], (list->n - k) * sizeof *list->entries);
    }
}

bool unserved_copy(const struct unserved_list *list, struct unserved_list *ret_copy)
{
    struct unserved_list copy = { .n = list->n };
    if (list->n > 0) {
        copy.entries = calloc(list->n, sizeof *copy.entries);
        if (!copy.entries) {
            return false;
        }
        memcpy(copy.entries, list->entries, list->n * sizeof *copy.entries);
    }
    *ret_copy = copy;
    return true;
}

void unserved_free(struct unserved_list *list)
{
    free(list->entries);
    *list = (struct unserved_list){ .n = 0 };
}

enum status unserved_refuse(const struct unserved *unserved, struct fault *fault)
{
    const bool is_unreadable = unserved->is_unreadable;
    if (unserved->version == 0) {
        return fault_set(fault, is_unreadable ? STATUS_MODEL_UNREADABLE : STATUS_MODEL_UNAVAILABLE,
                         "model", "model '%s' cannot be served: %s", unserved->model,
                         unserved->reason);
    }
    return fault_set(fault, is_unreadable ? STATUS_MODEL_UNREADABLE : STATUS_VERSION_UNAVAILABLE,
                     "version", "version %u of model '%s' cannot be served: %s", unserved->version,
                     unserved->model, unserved->reason);
}
