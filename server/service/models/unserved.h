/*
 * unserved.h - what is there and cannot be served, and why: a model, or a version of a model that
 * is served. Requests for it are told the reason, and nothing else gets its name or its number.
 *
 * A list belongs to a catalogue (models) or to a model (its versions). Like them it is changed
 * before it is published, and never afterwards. No locks.
 */
#ifndef UNSERVED_H
#define UNSERVED_H

#include "base/status.h"
#include "service/names.h"

#include <stdbool.h>
#include <stddef.h>

struct unserved {
    char model[MODEL_NAME_MAX + 1];
    unsigned version;   /* 0: all of the model */
    bool read_only;     /* its file is in the --models directory */
    bool is_unreadable; /* grud may not read its file */
    char reason[sizeof((struct fault *)NULL)->message];
};

struct unserved_list {
    size_t n;
    struct unserved *entries;
};

/* An entry, with the fault's message as far as it is for clients; of a file that may not be read
 * with the advice as well. False: no memory. */
__attribute__((warn_unused_result)) bool unserved_add(struct unserved_list *list, const char *model,
                                                      unsigned version, bool read_only,
                                                      const struct fault *fault);
/* NULL: there is none. */
const struct unserved *unserved_find(const struct unserved_list *list, const char *model,
                                     unsigned version);
void unserved_remove(struct unserved_list *list, const char *model, unsigned version);
__attribute__((warn_unused_result)) bool unserved_copy(const struct unserved_list *list,
                                                       struct unserved_list *ret_copy);
void unserved_free(struct unserved_list *list);

/* STATUS_MODEL_UNREADABLE, STATUS_MODEL_UNAVAILABLE or STATUS_VERSION_UNAVAILABLE, with the reason.
 */
enum status unserved_refuse(const struct unserved *unserved, struct fault *fault);

#endif
