#include "service/jobs/job_run_end.h"

#include "base/log.h"
#include "service/job_database.h"
#include "service/jobs/job_run_compare.h"
#include "service/jobs/job_run_recipe.h"
#include "service/jobs/job_run_report.h"
#include "service/models/activate.h"
#include "service/models/trained_version.h"
#include "service/service_context.h"
#include "service/service_private.h"

#include <stdio.h>

enum { EVENTS_MAX = 2 };

/* ---- the version ---- */

struct making {
    struct job_run *run;
    struct trained_version trained;
};

/* On the training thread. */
static void make(void *context)
{
    struct making *making = context;
    struct job_run *run = making->run;
    struct trained_version *trained = &making->trained;
    enum gru_status status = gru_model_save(run->trained, &trained->bytes, &trained->n_bytes);
    if (status == GRU_OK) {
        trained->digest = digest_128(trained->bytes, trained->n_bytes);
    }
    run->status = status == GRU_OK
                      ? STATUS_OK
                      : fault_set(run->fault, status_of_gru(status), NULL,
                                  "the training gave no model: %s", gru_status_text(status));
}

/* What is served is allocated on this thread: a worker that frees it one day must not wait
 * for the training thread in the allocator. */
static enum status read_back(struct trained_version *trained, struct fault *fault)
{
    struct gru_error error = { .message = "" };
    enum gru_status status =
        gru_model_load(trained->bytes, trained->n_bytes, &trained->gru, &error);
    if (status == GRU_OK) {
        return STATUS_OK;
    }
    return fault_set(fault, status_of_gru(status), NULL,
                     "the training gave no model that can be served: %s",
                     error.message[0] ? error.message : gru_status_text(status));
}

/* Whether the losses are those of the weights that the version has. */
static bool is_validated(const struct job_run *run)
{
    const struct gru_progress *progress = &run->progress;
    return progress->best_epoch > 0 || progress->stopped_early ||
           progress->epoch == progress->n_epochs || run->ended == GRU_ADVANCED_EPOCH;
}

static void take_metrics(struct job_run *run)
{
    const struct gru_progress *progress = &run->progress;
    struct job_metrics *metrics = &run->job->metrics;
    *metrics = (struct job_metrics){ .train_loss = progress->train_loss,
                                     .valid_loss = NAN,
                                     .baseline_valid_loss = progress->baseline_valid_loss,
                                     .persistence_valid_loss = progress->persistence_valid_loss,
                                     .train_accuracy = progress->train_accuracy,
                                     .valid_accuracy = NAN };
    if (run->recipe) {
        metrics->baseline_valid_loss = run->is_compared ? run->compared.base : NAN;
        metrics->persistence_valid_loss = run->is_compared ? run->compared.naive : NAN;
        metrics->valid_loss = run->is_compared ? run->compared.trained : NAN;
        job_run_recipe_take_trials(run);
    } else if (is_validated(run)) {
        metrics->valid_loss = progress->best_valid_loss;
        metrics->valid_accuracy = progress->best_valid_accuracy;
    } else if (run->is_compared) {
        metrics->valid_loss = run->compared.trained;
    }
    if (progress->epoch == 0) {
        metrics->train_loss = progress->step_loss; /* out of time in the first one */
    }
    run->job->epoch = progress->epoch;
    run->job->step = progress->step;
    run->job->running_ms = job_run_ms(run);
}

static enum status store_once(struct job_run *run, unsigned *ret_number, struct fault *fault)
{
    struct job *job = run->job;
    struct making making = { .run = run };
    struct lineage lineage = { .parent = job->base_version, .metrics = job->metrics };
    snprintf(lineage.model, sizeof lineage.model, "%s", job->model);
    snprintf(lineage.job, sizeof lineage.job, "%s", job->id);
    job_thread_compute(run->job_thread, make, &making);
    enum status status = run->status;
    if (status == STATUS_OK) {
        status = read_back(&making.trained, fault);
    }
    if (status == STATUS_OK) {
        status = trained_version_store(run->job_thread->context, &lineage, job->base_digest,
                                       &making.trained, fault);
    }
    trained_version_done(&making.trained);
    if (status == STATUS_OK) {
        job->metrics =
            lineage.metrics; /* out of time, it may have been trained further after a restart */
        *ret_number = lineage.version;
    }
    return status;
}

static enum status store(struct job_run *run, unsigned *ret_number, struct fault *fault)
{
    int attempt = 0;
    enum status status;
    do {
        status = store_once(run, ret_number, fault);
    } while (status != STATUS_OK &&
             job_thread_waits_to_retry(run->job_thread, run->job, &attempt, fault));
    return status;
}

/* ---- promotion ---- */

/* If the comparison allows it; the decision and its reason are in *job. */
static void promote(struct job_run *run, unsigned number)
{
    struct job *job = run->job;
    struct activation activation;
    struct fault fault;
    job->promotion = JOB_REJECTED;
    if (!run->passes) {
        if (job->promotion_reason[0] == '\0') {
            snprintf(job->promotion_reason, sizeof job->promotion_reason,
                     "there is no validation target to compare");
        }
        return;
    }
    service_context_turn(run->job_thread->context);
    enum status status = activation_switch(run->job_thread->context, job->model, number,
                                           job->base_version, &activation, &fault);
    if (status != STATUS_OK) {
        snprintf(job->promotion_reason, sizeof job->promotion_reason,
                 "it could not be activated: %.150s", fault_for_clients(&fault).message);
    } else if (activation.is_switched ||
               activation.from == number) { /* or before grud was killed */
        job->promotion = JOB_PROMOTED;
    } else {
        snprintf(job->promotion_reason, sizeof job->promotion_reason,
                 "version %u has become the active one, and it was not compared with that",
                 activation.from);
    }
}

/* The version that the job's model serves now; 0: the model is gone. */
static unsigned find_active_version(struct job_run *run)
{
    const struct model *model;
    struct fault fault;
    service_context_turn(run->job_thread->context);
    return model_find(run->job_thread->context, run->job->model, &model, &fault) == STATUS_OK
               ? model->active->number
               : 0;
}

/* An activation by hand, or a roll-back, before the job was over could not write down what it meant
 * for the job. One that comes between the look and the note is noted in another round. */
static void note_activation_by_hand(struct job_run *run, unsigned number)
{
    const struct job *job = run->job;
    unsigned active = find_active_version(run), noted = 0;
    while (active != 0 && active != noted) {
        struct activation activation = { .is_switched = active != number,
                                         .from = number,
                                         .to = active,
                                         .from_parent = job->base_version };
        snprintf(activation.model, sizeof activation.model, "%s", job->model);
        snprintf(activation.is_switched ? activation.from_job : activation.to_job,
                 sizeof activation.to_job, "%s", job->id);
        activation_note(run->job_thread->job_database, &activation);
        noted = active;
        active = find_active_version(run);
    }
}

/* ---- ends ---- */

/* From here on it can no longer be cancelled or paused: versions are not taken back. False: it was,
 * or the daemon stops while the database cannot be used. */
static bool claim(struct job_run *run)
{
    struct job_database *job_database = run->job_thread->job_database;
    enum job_status now = JOB_RUNNING;
    struct fault fault;
    for (;;) {
        enum status status =
            job_store_claim(job_database_lock(job_database), run->job->number, &now, &fault);
        job_database_unlock(job_database);
        if (status == STATUS_OK) {
            run->job->status = now;
            return now == JOB_RUNNING;
        }
        job_thread_note_degraded(run->job_thread, run->job, &fault);
        if (job_thread_is_stopping(run->job_thread)) {
            return false;
        }
        job_thread_wait(run->job_thread, JOB_THREAD_RETRY_MS);
    }
}

static void report_early_end(struct job_run *run)
{
    const struct gru_progress *progress = &run->progress;
    if (run->recipe) {
        job_run_recipe_report_end(run);
        return;
    }
    if (progress->stopped_early) {
        job_database_add_event(
            run->job_thread->job_database, run->job,
            job_database_message(JOB_EVENT_INFO,
                                 "stopped early after epoch %zu: the best was epoch %zu",
                                 progress->epoch, progress->best_epoch));
    } else if (run->is_out_of_time) {
        job_database_add_event(
            run->job_thread->job_database, run->job,
            job_database_message(
                JOB_EVENT_INFO, "stopped at step %zu of %zu: its %llu seconds are over",
                progress->step, progress->n_steps, (unsigned long long)run->job->max_seconds));
    }
    if (!progress->stopped_early && progress->best_epoch > 0 &&
        progress->best_epoch < progress->epoch) {
        job_database_add_event(
            run->job_thread->job_database, run->job,
            job_database_message(JOB_EVENT_INFO,
                                 "the best epoch was %zu of %zu: the version has its weights",
                                 progress->best_epoch, progress->epoch));
    }
}

static void succeed(struct job_run *run, struct job_event *events, size_t n_events)
{
    struct job *job = run->job;
    job->status = JOB_SUCCEEDED;
    if (job_thread_end_job(run->job_thread, job, JOB_RUNNING, events, n_events)) {
        log_event(LOG_INFO, "job_succeeded", LOG_STRING("job", job->id),
                  LOG_INT("version", job->fine_tuned_version),
                  LOG_STRING("promotion", job_promotion_word(job->promotion)));
    }
}

static void finish(struct job_run *run)
{
    struct fault fault = { .status = STATUS_OK };
    struct job *job = run->job;
    unsigned number = 0;
    take_metrics(run);
    run->fault = &fault;
    enum status status = store(run, &number, &fault);
    if (status != STATUS_OK) {
        job_thread_fail_job(run->job_thread, job, JOB_RUNNING, &fault);
        return;
    }
    job->fine_tuned_version = number;
    if (job->policy == JOB_AUTO) {
        promote(run, number);
    } else {
        snprintf(job->promotion_reason, sizeof job->promotion_reason,
                 "promotion is manual: activate version %u", number);
    }
    bool is_decided = job->promotion != JOB_NONE;
    struct job_event events[EVENTS_MAX] = {
        job_database_message(JOB_EVENT_INFO, "stored as version %u of '%s'", number, job->model),
        job_database_message(JOB_EVENT_INFO, "%s%s%s",
                             is_decided ? job_promotion_word(job->promotion) : "",
                             is_decided ? ": " : "", job->promotion_reason)
    };
    succeed(run, events, EVENTS_MAX);
    note_activation_by_hand(run, number);
}

static void finish_dry_run(struct job_run *run)
{
    const struct gru_progress *progress = &run->progress;
    size_t n = progress->step - run->first_step;
    double step_us = n > 0 ? (double)run->steps_us / (double)n : 0;
    double all_s = 1e-6 * (step_us * (double)progress->n_steps +
                           (double)run->baseline_us * (double)progress->n_epochs);
    struct job_event events[EVENTS_MAX] = {
        run->recipe
            ? job_database_message(
                  JOB_EVENT_INFO, "the recipe would take %llu seconds, or less if it has tried all",
                  (unsigned long long)run->job->max_seconds)
            : job_database_message(JOB_EVENT_INFO,
                                   "%zu steps in %zu epochs would take about %.3g seconds",
                                   progress->n_steps, progress->n_epochs, all_s),
        job_database_message(JOB_EVENT_INFO,
                             "the job takes %s%zu bytes of memory, and %zu for its data",
                             run->recipe ? "at most " : "", run->info.n_bytes,
                             training_set_bytes(run->base, &run->training))
    };
    take_metrics(run);
    succeed(run, events, EVENTS_MAX);
}

/* What came of it, against the base version. False: the job is over, or was left. */
static bool compare(struct job_run *run)
{
    struct fault fault = { .status = STATUS_OK };
    bool is_left;
    int attempt = 0;
    enum status status;
    do {
        status = job_run_compare(run, &is_left, &fault);
    } while (status != STATUS_OK &&
             job_thread_waits_to_retry(run->job_thread, run->job, &attempt, &fault));
    if (status != STATUS_OK) {
        job_thread_fail_job(run->job_thread, run->job, JOB_RUNNING, &fault);
    } else if (is_left) {
        job_run_leave(run, run->job->status);
    }
    return status == STATUS_OK && !is_left;
}

void job_run_end(struct job_run *run)
{
    if (run->job->dry_run) {
        finish_dry_run(run);
        return;
    }
    job_run_save(run); /* killed from here on, it ends with the same weights and the same verdict */
    report_early_end(run);
    if (!compare(run)) {
        return;
    }
    if (claim(run)) {
        finish(run);
    } else {
        job_run_leave(run, run->job->status);
    }
}
