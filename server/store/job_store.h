/*
 * job_store.h - fine-tuning jobs as they outlive the process: their rows, training data, events,
 * checkpoints, and the lineage of the versions that they made. Two keep them behind this interface
 * (job_store_methods.h): one SQLite database, jobs.db in the data directory, or in memory without
 * one, which is opened here; and the engine of a cluster (service/cluster/job_engine.h), which
 * knows of no lineage.
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

/* ---- jobs ---- */

/* What comes with a new job: its posted series, or the ids of its sessions (or the one prefix), in
 * order; an event; and how many jobs may wait already, paused ones too. One that is to be alone is
 * refused if another job of its model has its metadata and is not over, or was created at that time
 * or later. */
struct job_addition {
    const struct job_series *series;
    size_t n_series;
    const char *const *sessions;
    size_t n_sessions;
    struct job_event *event;       /* NULL: none */
    const size_t *most;            /* NULL: any number */
    const int64_t *alone_since_ms; /* NULL: it need not be */
};
/* Sets job->number. STATUS_QUEUE_FULL: more wait than may. STATUS_JOB_STATUS_CONFLICT: it would not
 * be alone. */
__attribute__((warn_unused_result)) enum status
job_store_insert(struct job_store *jobs, struct job *job, const struct job_addition *addition,
                 struct fault *fault);
/* STATUS_JOB_NOT_FOUND */
__attribute__((warn_unused_result)) enum status
job_store_find(struct job_store *jobs, const char *id, struct job *ret_job, struct fault *fault);
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

/* Writes the fields of "its life" and adds the events, both or neither, provided that its status in
 * the database still is `from`; else nothing is written and *ret_status says what it is now. (So
 * the request that cancels a job and the thread that runs it agree.) JOB_ELSEWHERE: somebody else
 * has changed the job since it was read, or works at it. STATUS_JOB_NOT_FOUND if there is no job of
 * its number. */
__attribute__((warn_unused_result)) enum status
job_store_update(struct job_store *jobs, const struct job *job, enum job_status from,
                 struct job_event *events, size_t n_events, bool *ret_written,
                 enum job_status *ret_status, struct fault *fault);

/* Before somebody is told of what was written: it is as safe as it is to be. Otherwise whether it
 * outlasts the store is not known. */
__attribute__((warn_unused_result)) enum status job_store_confirm(struct job_store *jobs,
                                                                  struct fault *fault);

/* ---- the job that is worked at ---- */

/* The job to go on with, which is this process's until it is released: the oldest that is running
 * (who ran it was killed), else validating, else queued. */
__attribute__((warn_unused_result)) enum status
job_store_take(struct job_store *jobs, bool *ret_found, struct job *ret_job, struct fault *fault);
/* One that is running is finishing from here on, until it is over or released: requests can no
 * longer change it (struct job). *ret_status: what it is; else than JOB_RUNNING nothing happens. */
__attribute__((warn_unused_result)) enum status job_store_claim(struct job_store *jobs,
                                                                int64_t number,
                                                                enum job_status *ret_status,
                                                                struct fault *fault);
/* Whatever became of it. */
__attribute__((warn_unused_result)) enum status
job_store_release(struct job_store *jobs, int64_t number, struct fault *fault);

/* Whether other processes use it, too. They have to be looked at, a few times a second: that keeps
 * the job that is worked at this process's. */
bool job_store_is_shared(const struct job_store *jobs);
struct job_store_look {
    uint64_t generation; /* grows with every event and change, of whomever */
    size_t n_by_status[JOB_N_STATUSES];
    enum job_status status; /* of the job that is worked at */
};
/* Of one that is shared. number: of the job that is worked at; 0: none. */
__attribute__((warn_unused_result)) enum status job_store_look(struct job_store *jobs,
                                                               int64_t number,
                                                               struct job_store_look *ret_look,
                                                               struct fault *fault);

#endif
