/*
 * trained_version.h - versions that jobs made: the version that a job started from, and how the
 * trained model is stored once, whatever happens in between. The job thread.
 */
#ifndef TRAINED_VERSION_H
#define TRAINED_VERSION_H

#include "service/models/models.h"

/* A model as it came out of training, and as the file that it becomes. */
struct trained_version {
    struct gru_model *gru; /* read from the bytes: what is served is what is stored */
    void *bytes;
    size_t n_bytes;
    struct digest digest;
};
void trained_version_done(struct trained_version *trained);

/* Stores it as a version of the lineage's model, once: a version that this job has stored already
 * is taken as it is, with its metrics. The lineage's version, digest and metrics are results; what
 * is kept is moved out of `trained`. `base`: the parent's digest. */
enum status trained_version_store(struct service_context *context, struct lineage *lineage,
                                  struct digest base, struct trained_version *trained,
                                  struct fault *fault);
/* The base that a job started from, as it is now; the caller unrefs it. */
enum status trained_version_find_base(struct service_context *context, const struct job *job,
                                      struct gru_model **ret_gru, struct fault *fault);

#endif
