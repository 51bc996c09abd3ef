/*
 * job_deletion.h - jobs that ended long ago, and the room that they leave: a part of the store of
 * jobs (job_store.h). Callers serialise; each call is a short transaction of its own.
 */
#ifndef JOB_DELETION_H
#define JOB_DELETION_H

#include "store/job.h"

struct job_store;

enum {
    JOB_DELETION_EVENTS = 1000, /* that go at a time */
    JOB_DELETION_PAGES = 2000   /* of the file that are given back at a time */
};

/* Of the oldest job that ended before that moment: some of its events, or, when none are left, all
 * the rest of it. *ret_found false: there is no such job. *ret_status is what the job was that is
 * gone now; JOB_N_STATUSES: none is gone yet. Its lineage stays. */
__attribute__((warn_unused_result)) enum status
job_store_delete_ended(struct job_store *jobs, int64_t before_ms, bool *ret_found,
                       enum job_status *ret_status, struct fault *fault);
/* Cuts some of what is free off the file. *ret_has_more: there is more to cut off. A file that was
 * begun before this could be done keeps its size, and fills what is free. */
__attribute__((warn_unused_result)) enum status
job_store_give_back(struct job_store *jobs, bool *ret_has_more, struct fault *fault);

#endif
