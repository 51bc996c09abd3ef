/*
 * job_store.h - fine-tuning jobs as they outlive the process: their rows, training data, events,
 * checkpoints, and the lineage of the versions that they made. All in one SQLite database, jobs.db
 * in the data directory, or in memory without one: the same code either way.
 *
 * One connection without locks of its own: callers serialise (the service's jobs mutex). Every
 * change is one transaction. Functions fail with STATUS_STORAGE_FAILED (the disk, the database),
 * STATUS_NO_MEMORY (the arena's cap, too) or STATUS_REQUEST_TOO_LARGE (a series or a state beyond
 * SQLite's 1e9 bytes a row), and then nothing has changed.
 */
#ifndef JOB_STORE_H
#define JOB_STORE_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/status.h"
#include "gru.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JOB_ID_MAX = 31, /* "ftjob-" and 24 of a-z 0-9 */
    JOB_MODEL_MAX = 64,
    JOB_SUFFIX_MAX = 64,
    JOB_METADATA_MAX = 2048,
    JOB_REASON_MAX = 199,
    JOB_MESSAGE_MAX = 199
};

/* THE words of a job's status, in the order of its life. */
#define JOB_STATUS_TABLE(X)                                                                        \
    X(VALIDATING,                                                                                  \
      "validating") /* accepted; what sessions recorded is being gathered and checked */           \
    X(QUEUED, "queued")                                                                            \
    X(RUNNING, "running")                                                                          \
    X(PAUSED, "paused")                                                                            \
    X(SUCCEEDED, "succeeded")                                                                      \
    X(FAILED, "failed")                                                                            \
    X(CANCELLED, "cancelled")

enum job_status {
#define JOB_STATUS_ENUM(name, word) JOB_##name,
    JOB_STATUS_TABLE(JOB_STATUS_ENUM)
#undef JOB_STATUS_ENUM
        JOB_N_STATUSES
};
const char *job_status_word(enum job_status status);
static inline bool job_is_over(enum job_status status)
{
    return status == JOB_SUCCEEDED || status == JOB_FAILED || status == JOB_CANCELLED;
}

enum job_source {
    JOB_SERIES,
    JOB_SESSIONS,
    JOB_SESSIONS_PREFIX
}; /* where the training data come from */
enum job_policy { JOB_AUTO, JOB_MANUAL };
enum job_promotion { JOB_NONE, JOB_PROMOTED, JOB_REJECTED, JOB_ROLLED_BACK };
const char *job_policy_word(enum job_policy policy);
const char *job_promotion_word(enum job_promotion state);

/* NaN: there is none (yet). In the network's units (gru.h). */
struct job_metrics {
    double train_loss, valid_loss, baseline_valid_loss, persistence_valid_loss;
    double train_accuracy, valid_accuracy;
};

/* One row. Times are ms since 1970, 0: not yet. */
struct job {
    /* fixed when it is created */
    int64_t number; /* grows with each job: their order. Set by job_store_insert */
    char id[JOB_ID_MAX + 1];
    char model[JOB_MODEL_MAX + 1];
    unsigned base_version;
    struct digest base_digest;
    int64_t created_at_ms;
    enum job_source source;
    double validation_fraction; /* 0: none, or series of their own */
    struct gru_hyperparameters hyperparameters;
    uint64_t seed;
    enum job_policy policy;
    double min_relative_gain;
    uint64_t max_seconds; /* 0: no limit */
    bool dry_run;
    char suffix[JOB_SUFFIX_MAX + 1];     /* empty: none */
    char metadata[JOB_METADATA_MAX + 1]; /* a JSON object as it came; empty: none */
    /* its life */
    enum job_status status;
    int64_t started_at_ms, finished_at_ms, estimated_finish_ms;
    uint64_t running_ms;           /* time it has run, over all restarts and pauses */
    uint64_t epoch, step, n_steps; /* n_epochs is a hyper-parameter */
    struct job_metrics metrics;
    unsigned fine_tuned_version; /* 0: none */
    enum job_promotion promotion;
    char promotion_reason[JOB_REASON_MAX + 1]; /* empty: none */
    struct fault error;                        /* STATUS_OK unless the job failed */
};

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
/* What is called between the two is done as a whole or not at all; of the calls here those that say
 * so have a transaction of their own, and cannot be among it. */
__attribute__((warn_unused_result)) enum status job_store_begin(struct job_store *jobs,
                                                                struct fault *fault);
/* Commits if status is STATUS_OK, else undoes. Returns the status, or why the commit failed. */
__attribute__((warn_unused_result)) enum status
job_store_end(struct job_store *jobs, enum status status, struct fault *fault);

/* ---- jobs ---- */

/* One sequence of a job's data: gru_series, and to which set it belongs. */
struct job_series {
    struct gru_series series;
    bool is_validation;
    size_t x_width, y_width; /* floats in a row; y_width 0 without y */
};

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
 * nothing is written and *ret_status says what it is now. (So whoever cancels a job and whoever
 * runs it agree.) STATUS_JOB_NOT_FOUND if there is no job of its number. */
__attribute__((warn_unused_result)) enum status
job_store_update(struct job_store *jobs, const struct job *job, enum job_status from,
                 bool *ret_written, enum job_status *ret_status, struct fault *fault);

/* ---- training data ---- */

/* Replaces a job's series: what its sessions had recorded, once gathered. A transaction of its own.
 */
__attribute__((warn_unused_result)) enum status
job_store_put_series(struct job_store *jobs, int64_t number, const struct job_series *series,
                     size_t n, struct fault *fault);
/* All series in order, and the values they point to, in the arena. */
__attribute__((warn_unused_result)) enum status
job_store_read_series(struct job_store *jobs, int64_t number, struct arena *arena,
                      struct job_series **ret_series, size_t *ret_n, struct fault *fault);
/* The ids of its sessions, in order, in the arena. */
__attribute__((warn_unused_result)) enum status
job_store_read_sessions(struct job_store *jobs, int64_t number, struct arena *arena,
                        const char *const **ret_sessions, size_t *ret_n, struct fault *fault);
/* Forgets what only a job that goes on needs: its series, sessions and checkpoints' states. A
 * transaction of its own. */
__attribute__((warn_unused_result)) enum status
job_store_forget_data(struct job_store *jobs, int64_t number, struct fault *fault);

/* ---- events ---- */

enum job_event_level { JOB_EVENT_INFO, JOB_EVENT_WARN, JOB_EVENT_ERROR };

struct job_event {
    int64_t id; /* grows over all jobs. Set by job_store_add_event */
    int64_t created_at_ms;
    enum job_event_level level;
    bool is_metrics; /* else a message only */
    char message[JOB_MESSAGE_MAX + 1];
    uint64_t step, epoch;
    double train_loss, valid_loss, grad_norm, learning_rate; /* NaN: none */
};

__attribute__((warn_unused_result)) enum status job_store_add_event(struct job_store *jobs,
                                                                    int64_t number,
                                                                    struct job_event *event,
                                                                    struct fault *fault);
/* Oldest first, those with an id above `after`. */
__attribute__((warn_unused_result)) enum status
job_store_list_events(struct job_store *jobs, int64_t number, int64_t after, size_t limit,
                      struct job_event *ret_events, size_t *ret_n, bool *ret_has_more,
                      struct fault *fault);

/* ---- checkpoints ---- */

struct job_checkpoint {
    int64_t id; /* set by job_store_add_checkpoint */
    int64_t created_at_ms;
    uint64_t step, epoch;
    double train_loss, valid_loss; /* NaN: none */
};

/* The row, and `state` (gru_trainer_save) in the place of the job's former one. A transaction of
 * its own. */
__attribute__((warn_unused_result)) enum status
job_store_add_checkpoint(struct job_store *jobs, int64_t number, struct job_checkpoint *checkpoint,
                         const void *state, size_t n, struct fault *fault);
/* The last state, from malloc; *ret_n 0 and NULL if there is none. */
__attribute__((warn_unused_result)) enum status
job_store_read_state(struct job_store *jobs, int64_t number, void **ret_state, size_t *ret_n,
                     struct job_checkpoint *ret_checkpoint, struct fault *fault);
/* Newest first; room for `limit`; those with an id below `after` (0: all). */
__attribute__((warn_unused_result)) enum status
job_store_list_checkpoints(struct job_store *jobs, int64_t number, int64_t after, size_t limit,
                           struct job_checkpoint *ret_checkpoints, size_t *ret_n,
                           bool *ret_has_more, struct fault *fault);

/* ---- lineage: where versions come from ---- */

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
__attribute__((warn_unused_result)) enum status job_store_delete_lineage(struct job_store *jobs,
                                                                         const char *model,
                                                                         unsigned version,
                                                                         struct fault *fault);

#endif
