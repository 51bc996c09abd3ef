/*
 * models.h - models and their versions, and the verbs on them.
 *
 * A model that was found, and its versions, are immutable and stay valid until the context's next
 * turn (service_context_turn). The verbs that change models work on a copy of the catalogue, one at
 * a time under the writer's lock, and publish it; they renew the context's catalogue themselves.
 * Any thread, with a context of its own.
 */
#ifndef MODELS_H
#define MODELS_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/status.h"
#include "gru.h"
#include "service/models/drift.h"
#include "service/models/unserved.h"
#include "service/names.h"
#include "service/scores/error_totals.h"
#include "store/job_store.h"

struct pool;
struct service_context;
struct version_bytes;

struct version {
    unsigned number;
    int64_t created_at_ms;
    unsigned parent;            /* the version that a job started from; 0: none */
    char job[JOB_ID_MAX + 1];   /* that job; empty: none */
    struct job_metrics metrics; /* of that job */
    bool read_only;             /* from the --models directory */
    struct digest digest;
    struct gru_model *gru;
    char *path; /* the file; NULL: there is no data directory, the version is in memory only */
    struct version_bytes *file; /* then its bytes (version_bytes.h) */
};

struct model {
    char name[MODEL_NAME_MAX + 1];
    size_t n_versions;
    struct version *versions;      /* ascending */
    struct unserved_list unserved; /* versions that are there as well */
    unsigned newest; /* the highest number of those that there are and were: none is given twice */
    struct version *active;
    struct pool *pool;
    struct error_totals *error_totals; /* of its sessions' steps */
    struct drift *drift;               /* likewise */
};

/* ---- looking up ---- */

/* By name order. Valid until service_context_turn. */
const struct model *const *models_list(struct service_context *context, size_t *ret_n);
/* The k-th of what cannot be served: models, then versions of those that are. NULL: there are no
 * more. */
const struct unserved *models_unserved(struct service_context *context, size_t k);
/* STATUS_NOT_CAUSAL: the model is bidirectional, and has no sessions. */
enum status model_check_causal(const struct model *model, struct fault *fault);
/* STATUS_MODEL_NOT_FOUND, or STATUS_MODEL_UNAVAILABLE with the reason. */
enum status model_find(struct service_context *context, const char *name,
                       const struct model **ret_model, struct fault *fault);
/* number 0: the active version. STATUS_VERSION_NOT_FOUND, or STATUS_VERSION_UNAVAILABLE with the
 * reason. */
enum status version_find(const struct model *model, unsigned number,
                         const struct version **ret_version, struct fault *fault);
/* One whose file has a digest with these low bits; NULL: it is gone. */
const struct version *version_with_digest(const struct model *model, uint64_t low);
size_t model_n_sessions(const struct model *model);
/* Files of models were given, and none of them can be served. */
bool models_are_all_refused(const struct service_context *context);

/* ---- changing ---- */

enum status model_put(struct service_context *context, const char *name, const void *bytes,
                      size_t n_bytes, const struct model **ret_model, struct fault *fault);
enum status model_activate(struct service_context *context, const char *name, unsigned number,
                           const struct model **ret_model, struct fault *fault);
enum status model_delete_version(struct service_context *context, const char *name, unsigned number,
                                 struct fault *fault);
/* The bytes of a version's file, in the arena. */
enum status model_read_file(const struct version *version, struct arena *arena,
                            const void **ret_bytes, size_t *ret_n, struct fault *fault);

#endif
