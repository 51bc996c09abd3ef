/*
 * fine_tuning.h - fine-tuning jobs, as verbs (service.h's rules hold). A part of the service of its
 * own, because jobs live on two threads that nothing else knows:
 *
 *     job thread       of normal priority: takes jobs from the queue, writes down what becomes of
 *                      them, stores and promotes versions, and writes what sessions record. It
 *                      alone waits for the disk
 *     training thread  of SCHED_IDLE: does the arithmetic that the job thread hands it, and nothing
 *                      else. It takes no lock that a thread of normal priority could wait for: it
 *                      may be kept from running for long
 *
 * The database is the one truth about a job. The jobs mutex serialises its use; workers hold it for
 * short statements, never across anything that computes.
 */
#ifndef FINE_TUNING_H
#define FINE_TUNING_H

#include "base/status.h"
#include "gru.h"
#include "store/job_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service;
struct service_context;

/* ---- life: from the main thread ---- */

/* Starts the threads. A job that was running when the process ended goes on from its last
 * checkpoint. */
__attribute__((warn_unused_result)) enum status service_start_jobs(struct service *service,
                                                                   struct fault *fault);
/* Has the running job checkpointed and starts no other. Its status stays `running`, so the next
 * start goes on with it. What sessions record is written as before. Returns at once. */
void service_halt_jobs(struct service *service);
bool service_jobs_are_halted(const struct service *service);
/* Halts, writes what was recorded, and ends the threads. Before service_free; the threads need not
 * have been started. */
void service_stop_jobs(struct service *service);
/* Whether there is a data directory. */
bool service_jobs_are_durable(const struct service *service);

/* ---- verbs: any thread, with a context of its own. Results are copies ---- */

struct job_request {
    const char *model; /* its name */
    unsigned version;  /* 0: the active one */
    enum job_source source;
    /* JOB_SERIES: training data. Widths are those of the model and the loss. */
    const struct gru_series *series;
    size_t n_series;
    const char *const *sessions; /* ids, or the one prefix */
    size_t n_sessions;
    const struct gru_series *validation;
    size_t n_validation;
    double validation_fraction; /* 0: none, or series of their own */
    struct gru_hyperparameters hyperparameters;
    enum job_policy policy;
    bool has_policy; /* false: auto if there is a validation, else manual */
    struct job_gate gate;
    uint64_t seed, max_seconds;    /* max_seconds 0: no limit; of a recipe JOB_RECIPE_SECONDS */
    const char *suffix, *metadata; /* NULL: none. metadata: a JSON object's text */
    bool dry_run;
    enum job_recipe recipe; /* with one the hyper-parameters are the defaults */
    uint64_t recipe_horizon;
    const int64_t *alone_since_ms; /* struct job_addition; NULL */
};

/* Checks all that can be checked at once, and writes the job down as queued (validating, where
 * sessions' recordings are to be gathered first). Faults name the request's fields.
 * STATUS_JOB_STATUS_CONFLICT: there is another one beside which it must not be. */
enum status job_create(struct service_context *context, const struct job_request *request,
                       struct job *ret_job, struct fault *fault);
enum status job_find(struct service_context *context, const char *id, struct job *ret_job,
                     struct fault *fault);
/* Newest first; ret_jobs: room for limit. */
enum status job_list(struct service_context *context, const struct job_filter *filter, size_t limit,
                     struct job *ret_jobs, size_t *ret_n, bool *ret_has_more, struct fault *fault);
/* STATUS_JOB_STATUS_CONFLICT if the job's status does not allow it. */
enum status job_cancel(struct service_context *context, const char *id, struct job *ret_job,
                       struct fault *fault);
enum status job_pause(struct service_context *context, const char *id, struct job *ret_job,
                      struct fault *fault);
enum status job_resume(struct service_context *context, const char *id, struct job *ret_job,
                       struct fault *fault);

/* Oldest first, those with an id above `after`; *ret_job as it was no later than the events: if it
 * is over and there are no more, none will follow. */
enum status job_events(struct service_context *context, const char *id, int64_t after, size_t limit,
                       struct job *ret_job, struct job_event *ret_events, size_t *ret_n,
                       bool *ret_has_more, struct fault *fault);
/* Changes whenever there is an event of any job, or a job's status has changed: for threads that
 * wait for events. Lock-free. */
uint64_t service_jobs_generation(const struct service *service);
enum status job_checkpoints(struct service_context *context, const char *id, int64_t after,
                            size_t limit, struct job_checkpoint *ret_checkpoints, size_t *ret_n,
                            bool *ret_has_more, struct fault *fault);

#endif
