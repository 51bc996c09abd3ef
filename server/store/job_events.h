/* job_events.h - the events and the checkpoints of a job: a part of the store of jobs
 * (job_store.h). Callers serialise. */
#ifndef JOB_EVENTS_H
#define JOB_EVENTS_H

#include "store/job.h"

#include <stddef.h>

struct job_store;

/* ---- events ---- */

#define JOB_EVENT_LEVELS(F, X)                                                                     \
    F(JOB_EVENT_INFO, "info") X(JOB_EVENT_WARN, "warn") X(JOB_EVENT_ERROR, "error")
enum job_event_level { JOB_EVENT_LEVELS(CHOICE_ID, CHOICE_ID) };

struct job_event {
    int64_t id; /* grows over all jobs. Set by job_store_add_event; 0: not added */
    int64_t created_at_ms;
    enum job_event_level level;
    bool is_metrics; /* else a message only */
    char message[JOB_MESSAGE_MAX + 1];
    uint64_t step, epoch;
    double train_loss, valid_loss, grad_norm, learning_rate; /* NaN: none */
};

/* Of a job that is over none is added. */
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

/* The row, and `state` (gru_trainer_save) instead of the job's former one. A transaction of
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

#endif
