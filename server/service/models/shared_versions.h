/*
 * shared_versions.h - the models and versions that the engine of a cluster keeps for all nodes: the
 * calls of cluster/library/4_models.lua. What comes from the engine may be anything.
 *
 * "PREFIXm" is the catalogue, "PREFIXm:MODEL" a model, "PREFIXm:MODEL:NUMBER" a file. Files go to
 * and fro in pieces, so that no call holds others up for long.
 *
 * For threads that may wait. STATUS_STORAGE_FAILED: the engine did not do it, or whether it did is
 * not known.
 */
#ifndef SHARED_VERSIONS_H
#define SHARED_VERSIONS_H

#include "service/models/version_entry.h"

struct engine;

/* ---- looking ---- */

struct shared_changes {
    int64_t at; /* the counter of changes */
    size_t n;
    char (*names)[MODEL_NAME_MAX + 1];
};
/* What has changed since the counter was that; -1: all that there is. */
enum status shared_changes_read(struct engine *engine, int64_t since,
                                struct shared_changes *ret_changes, struct fault *fault);
void shared_changes_done(struct shared_changes *changes);

struct shared_model {
    unsigned active, newest; /* 0: none */
    size_t n;
    struct version_entry *versions; /* ascending */
};
/* One that is not there has no versions. */
enum status shared_model_read(struct engine *engine, const char *name,
                              struct shared_model *ret_model, struct fault *fault);
void shared_model_done(struct shared_model *model);
const struct version_entry *shared_model_find(const struct shared_model *model, unsigned number);
/* Its file. STATUS_INVALID_MODEL: that is not what the entry says. */
enum status shared_version_read(struct engine *engine, const char *name,
                                const struct version_entry *entry, struct version_bytes **ret_bytes,
                                struct fault *fault);

/* ---- changing ---- */

struct shared_put {
    struct version_entry entry; /* its number 0: the next one */
    unsigned same;              /* VERSION_ENTRY_…: by what it may be there already */
    const void *bytes;
};
/* Its number; or that of the same one, or of that number, which stay as they are. */
enum status shared_version_put(struct engine *engine, const char *name,
                               const struct shared_put *put, unsigned *ret_number,
                               struct fault *fault);
/* *ret_from: the one that was active. Nothing changes unless that is only_from (0: any). */
enum status shared_version_activate(struct engine *engine, const char *name, unsigned number,
                                    unsigned only_from, unsigned *ret_from, struct fault *fault);
/* STATUS_VERSION_ACTIVE, STATUS_VERSION_NOT_FOUND. */
enum status shared_version_delete(struct engine *engine, const char *name, unsigned number,
                                  struct fault *fault);

#endif
