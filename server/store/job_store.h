/*
 * job_store.h - fine-tuning jobs as they outlive the process: their rows, training data, events,
 * checkpoints, and the lineage of the versions that they made. All in one SQLite database, jobs.db
 * in the data directory, or in memory without one: the same code either way.
 *
 * One connection without locks of its own: callers serialise (the service's jobs mutex). Every
 * change is one transaction. Functions fail with STATUS_STORAGE_FAILED (the disk, the database),
 * STATUS_NO_MEMORY (the arena's cap, too) or STATUS_REQUEST_TOO_LARGE (a series or a state beyond
 * SQLite's 1e9 bytes a row), and then nothing has changed.
 *
 * Here are the database as a whole and the jobs; their data, events, checkpoints and the lineage
 * have headers of their own, which come with this one.
 */
#ifndef JOB_STORE_H
#define JOB_STORE_H

#include "store/job.h"
#include "store/job_events.h"
#include "store/job_lineage.h"
#include "store/job_series.h"

#include <stddef.h>

struct job_store;

/* Opens or creates the database; `data` empty: in memory. Each change is on disk when its call
 * returns: they are few, and a job that was acknowledged is not lost. A database of an older format
 * is brought to this one, and a newer one is refused (migrate.h). */
__attribute__((warn_unused_result)) enum status
job_store_open(const char *data, struct job_store **ret_jobs, struct fault *fault);
void job_store_close(struct job_store *jobs); /* takes NULL */

/* Whether it can be written to. */
__attribute__((warn_unused_result)) enum status job_store_probe(struct job_store *jobs,
                                                                struct fault *fault);
/* Calls between the two take effect together or not at all. A call that is said to have a
 * transaction of its own cannot be among them. */
__attribute__((warn_unused_result)) enum status job_store_begin(struct job_store *jobs,
                                                                struct fault *fault);
/* Commits if status is STATUS_OK, else undoes. Returns the status, or why the commit failed. */
__attribute__((warn_unused_result)) enum status
job_store_end(struct job_store *jobs, enum status status, struct fault *fault);

/* ---- jobs ---- */

/* The job with its posted series, or with the ids of its sessions (or the one prefix), in order, in
 * a transaction of its own. Sets job->number. */
__attribute__((warn_unused_result)) enum status
job_store_insert(struct job_store *jobs, struct job *job, const struct job_series *series,
                 size_t n_series, const char *const *sessions, size_t n_sessions,
                 struct fault *fault);
/* STATUS_JOB_NOT_FOUND */
__attribute__((warn_unused_result)) enum status
job_store_find(struct job_store *jobs, const char *id, struct job *ret_job, struct fault *fault);
/* The job to go on with: the oldest that is running (the daemon was killed), else validating, else
 * queued. */
__attribute__((warn_unused_result)) enum status
job_store_next(struct job_store *jobs, bool *ret_found, struct job *ret_job, struct fault *fault);
/* How many jobs there are of each status. */
__attribute__((warn_unused_result)) enum status
job_store_count(struct job_store *jobs, size_t n_by_status[JOB_N_STATUSES], struct fault *fault);

struct job_filter {
    const char *after; /* a job's id: only older ones; NULL: from the newest */
    const char *model; /* NULL: of all models */
    int status;        /* -1: of every status */
};
/* Newest first. jobs: room for `limit`. STATUS_JOB_NOT_FOUND if `after` is unknown. */
__attribute__((warn_unused_result)) enum status
job_store_list(struct job_store *jobs, const struct job_filter *filter, size_t limit,
               struct job *ret_jobs, size_t *ret_n, bool *ret_has_more, struct fault *fault);

/* Writes the fields of "its life", provided that its status in the database still is `from`; else
 * nothing is written and *ret_status says what it is now. (So the request that cancels a job
 * and the thread that runs it agree.) STATUS_JOB_NOT_FOUND if there is no job of its number. */
__attribute__((warn_unused_result)) enum status
job_store_update(struct job_store *jobs, const struct job *job, enum job_status from,
                 bool *ret_written, enum job_status *ret_status, struct fault *fault);

#endif
