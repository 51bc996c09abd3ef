/* job_lineage.h - where versions come from: the part of the store of jobs in SQLite
 * (job_store_open) about them. Callers serialise. */
#ifndef JOB_LINEAGE_H
#define JOB_LINEAGE_H

#include "store/job.h"

struct job_store;

struct lineage {
    char model[JOB_MODEL_MAX + 1];
    unsigned version, parent;
    struct digest
        digest; /* of the version's file: a row whose file is another one's does not count */
    char job[JOB_ID_MAX + 1];
    struct job_metrics metrics;
};
/* Written before the version's file appears; one for the same model and version is replaced. */
__attribute__((warn_unused_result)) enum status
job_store_put_lineage(struct job_store *jobs, const struct lineage *lineage, struct fault *fault);
/* Calls `found` with each, in no particular order; it may delete the one that it was called with.
 */
__attribute__((warn_unused_result)) enum status
job_store_each_lineage(struct job_store *jobs,
                       void (*found)(void *context, const struct lineage *lineage), void *context,
                       struct fault *fault);
/* The same of those whose job is gone. */
__attribute__((warn_unused_result)) enum status
job_store_each_jobless_lineage(struct job_store *jobs,
                               void (*found)(void *context, const struct lineage *lineage),
                               void *context, struct fault *fault);
__attribute__((warn_unused_result)) enum status job_store_delete_lineage(struct job_store *jobs,
                                                                         const char *model,
                                                                         unsigned version,
                                                                         struct fault *fault);

#endif
