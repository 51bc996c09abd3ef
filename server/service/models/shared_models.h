/*
 * shared_models.h - a node's models and those of its cluster: what the engine has, the node takes
 * over, also what the node itself has just put there; and what the node has and the engine never
 * heard of, such as files of --models, it gives to the engine. Of one number the engine's version
 * counts.
 *
 * On the copy of a catalogue that a change works on (change.h), so under the writer's lock; calls
 * the engine (shared_versions.h).
 */
#ifndef SHARED_MODELS_H
#define SHARED_MODELS_H

#include "service/models/catalogue.h"
#include "service/models/shared_versions.h"

struct engine;

/* The copy that is changed, and what it is changed by. */
struct sharing {
    struct service *service;
    struct engine *engine;
    struct catalogue *next;
    bool has_changed; /* the copy, so far */
};

/* Both ways, for one model. What is wrong with a version or a model is logged and noted, and the
 * others are taken. STATUS_STORAGE_FAILED, STATUS_NO_MEMORY: it may be that not all of it was. */
enum status shared_model_settle(struct sharing *sharing, const char *name, struct fault *fault);
/* The same behind a change that the engine has made. */
enum status shared_model_settle_done(struct sharing *sharing, const char *name,
                                     struct fault *fault);
/* The bytes of a file, checked against the model, become a version in the engine and in the copy.
 * `about`: where it comes from (parent, job, metrics); same: VERSION_ENTRY_…. */
enum status shared_model_put(struct sharing *sharing, const char *name, const void *bytes,
                             size_t n_bytes, const struct version *about, unsigned same,
                             unsigned *ret_number, struct fault *fault);
/* A file of this node is another one than the cluster has under its number. */
void shared_model_log_differs(const char *name, const struct version *own, struct digest digest);

#endif
