/*
 * versions.h - what verbs and the job thread share of changing models: the frame of a change,
 * switching over, and versions that jobs made, with their lineage. For the files of this layer.
 *
 * A change holds the writer's lock; the jobs mutex is taken before or after it, never within.
 */
#ifndef TRAINED_VERSION_H
#define TRAINED_VERSION_H

#include "service/job_database.h"
#include "service/service_private.h"

/* ---- models.c: a change ---- */

/* A copy of the catalogue to change; the writer's lock is held from here to change_end, which is
 * called in any case. Both renew the worker's catalogue; the room for that is reserved here, so
 * that a change that was published can always be seen. */
enum status change_begin(struct service_context *context, struct catalogue **ret_next,
                         struct fault *fault);
/* Publishes the copy, or drops it. Returns `status`. */
enum status change_end(struct service_context *context, struct catalogue *next, bool publish,
                       enum status status);
/* Deletes the file of a version that is not to be. If that fails too it is only logged: the
 * change's own failure is the one to report. */
void change_take_back(const char *path);
/* For a change that was published all the same. */
enum status change_not_durable(struct fault *fault);
/* A model of the copy and one of its versions. */
enum status change_find(const struct catalogue *next, const char *name, unsigned number,
                        struct model **ret_model, struct version **ret_version,
                        struct fault *fault);

/* ---- activation.c ---- */

struct activation {
    char model[MODEL_NAME_MAX + 1];
    bool is_durable;   /* false: the disk refused to sync the choice */
    bool is_switched;  /* false: another version than only_from is active, or this one is already */
    unsigned from, to; /* before and asked for */
    unsigned from_parent;
    char from_job[JOB_ID_MAX + 1], to_job[JOB_ID_MAX + 1]; /* which made them; empty: none */
};
/* Makes a version the active one; only_from 0: whichever is active now. */
enum status model_switch(struct service_context *context, const char *name, unsigned number,
                         unsigned only_from, struct activation *ret_activation,
                         struct fault *fault);
/* Writes down what an activation by hand means for the jobs that made the versions. Trouble is only
 * logged: the switch-over has succeeded. */
void activation_note(struct job_database *job_database, const struct activation *activation);

/* ---- trained_version.c: versions that jobs made ---- */

/* A model as it came out of training, and as the file that it becomes. */
struct trained {
    struct gru_model *gru; /* read from the bytes: what is served is what is stored */
    void *bytes;
    size_t n_bytes;
    struct digest digest;
};
void trained_done(struct trained *trained);

/* Stores it as a version of the lineage's model, once: if there is one of that job, that is it,
 * with the metrics that it has. The lineage's version, digest and metrics are results; what is kept
 * is moved out of `trained`. `base`: the parent's digest. */
enum status version_store(struct service_context *context, struct lineage *lineage,
                          struct digest base, struct trained *trained, struct fault *fault);
/* The base that a job started from, as it is now; the caller unrefs it. */
enum status version_find_base(struct service_context *context, const struct job *job,
                              struct gru_model **ret_gru, struct fault *fault);

/* At the start: tells the versions in the first catalogue where they come from. */
enum status lineage_load(struct service *service, struct fault *fault);
/* The version is deleted. Trouble is only logged: a row without its file does not count. */
void lineage_forget(struct job_database *job_database, const char *model, unsigned number,
                    struct digest digest);

#endif
