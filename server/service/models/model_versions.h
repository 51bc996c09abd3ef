/*
 * model_versions.h - one model and its versions while they are made, copied and changed: at the
 * start, and in the copy of a catalogue that a change works on (change.h). Nothing here touches a
 * model that was published. No locks.
 */
#ifndef MODEL_VERSIONS_H
#define MODEL_VERSIONS_H

#include "service/models/models.h"
#include "service/pool/pool.h"
#include "store/files.h"

#include <limits.h>

struct service;

/* ---- versions ---- */

/* The network of a file's bytes. */
enum status version_read(const void *bytes, size_t n, struct gru_model **ret_gru,
                         struct fault *fault);
/* A version from the bytes of its file. */
enum status version_make(const struct file_version *file, const void *bytes, size_t n,
                         struct version *ret_version, struct fault *fault);
void version_done(struct version *version);

/* ---- models ---- */

/* Without versions, active version and pool; NULL: no memory. */
struct model *model_create(const char *name);
/* A deep copy, but for the pool and the error totals, which are shared. NULL: no memory. */
struct model *model_copy(const struct model *model);
void model_free(struct model *model); /* takes NULL and half-built ones */

struct version *model_find_version(const struct model *model, unsigned number);
/* Why it has found none. */
enum status model_refuse_version(const struct model *model, unsigned number, struct fault *fault);
/* Takes over `version`; false: no memory. Pointers to the model's versions move, but for `active`,
 * which follows. */
__attribute__((warn_unused_result)) bool model_insert_version(struct model *model,
                                                              struct version version);
void model_remove_version(struct model *model, unsigned number);
/* Versions of one model read the same inputs and give the same outputs: sessions outlive
 * versions. */
enum status model_check_version(const struct model *model, const struct version *version,
                                struct fault *fault);

/* ---- its sessions ---- */

/* Where the model's sessions are kept, in the layout that a version of it needs. `path` is where
 * the options point to. */
struct pool_options model_pool_options(struct service *service, const struct model *model,
                                       const struct gru_model *gru, char path[PATH_MAX]);
/* Opens the pool of a model that has its active version, and begins to count its errors. */
enum status model_open_pool(struct service *service, struct model *model, struct fault *fault);
/* Makes one of its versions the active one, and brings its sessions to the sizes of that. */
enum status model_serve(struct service *service, struct model *model, struct version *version,
                        struct fault *fault);

#endif
