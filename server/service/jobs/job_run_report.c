#include "service/jobs/job_run_report.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/job_database.h"
#include "service/jobs/job_run_recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRITE_MS = 250,    /* between writes of progress alone */
    METRICS_MS = 1000, /* between metrics within an epoch */
    EPOCHS_REPORTED = 1000,
    SAVE_MS = 1000,         /* between checkpoints at the ends of epochs, */
    SAVE_TIMES = 20,        /* or that many times what one takes; */
    SAVE_WITHIN_MS = 60000, /* and within an epoch */
    EVENTS_MAX = 4
};

uint64_t job_run_ms(const struct job_run *run)
{
    return run->ran_ms + (uint64_t)(clock_monotonic_ms() - run->began_at_ms);
}

/* ---- progress ---- */

/* When all steps are done, at the pace of late; at the latest when the time that the job may take
 * is over. How many there are is itself an estimate where batches differ from epoch to epoch. */
static int64_t estimate_finish(struct job_run *run, int64_t now_ms)
{
    const struct gru_progress *progress = &run->progress;
    const struct job *job = run->job;
    if (progress->step > run->paced_step && now_ms - run->last_paced_at_ms >= WRITE_MS) {
        double step_ms =
            (double)(now_ms - run->last_paced_at_ms) / (double)(progress->step - run->paced_step);
        run->step_ms = run->step_ms > 0 ? 0.7 * run->step_ms + 0.3 * step_ms : step_ms;
        run->paced_step = progress->step;
        run->last_paced_at_ms = now_ms;
    }
    if (run->step_ms <= 0) {
        return 0;
    }
    size_t n_left = progress->n_steps > progress->step ? progress->n_steps - progress->step : 0;
    double left_ms = run->recipe ? INFINITY : (double)n_left * run->step_ms;
    double allowed_ms = (double)job->max_seconds * 1000 - (double)job->running_ms;
    if (job->max_seconds > 0 && allowed_ms < left_ms) {
        left_ms = allowed_ms > 0 ? allowed_ms : 0;
    }
    return left_ms < 1e15 ? job_now_ms(job) + (int64_t)left_ms : 0;
}

static void take_progress(struct job_run *run, int64_t now_ms)
{
    const struct gru_progress *progress = &run->progress;
    struct job *job = run->job;
    job->epoch = progress->epoch;
    job->step = progress->step;
    job->n_steps = progress->n_steps;
    job->running_ms = job_run_ms(run);
    job->estimated_finish_ms = estimate_finish(run, now_ms);
    if (run->recipe) {
        job_run_recipe_take_trials(run);
    }
    job->metrics = (struct job_metrics){ .train_loss = progress->train_loss,
                                         .valid_loss = progress->valid_loss,
                                         .baseline_valid_loss = progress->baseline_valid_loss,
                                         .persistence_valid_loss = progress->persistence_valid_loss,
                                         .train_accuracy = progress->train_accuracy,
                                         .valid_accuracy = progress->valid_accuracy };
}

/* ---- events ---- */

static struct job_event baseline_event(const struct job_run *run)
{
    const struct gru_progress *progress = &run->progress;
    char persistence[48] = "";
    if (!isnan(progress->persistence_valid_loss)) {
        snprintf(persistence, sizeof persistence, ", persistence %.4g",
                 progress->persistence_valid_loss);
    }
    return job_database_message(JOB_EVENT_INFO, "baseline loss %.4g%s on %zu validation targets",
                                progress->baseline_valid_loss, persistence,
                                run->info.n_valid_targets);
}

static struct job_event metrics_event(const struct job_run *run, bool is_epoch)
{
    const struct gru_progress *progress = &run->progress;
    struct job_event event;
    if (!is_epoch) {
        event = job_database_message(JOB_EVENT_INFO, "step %zu of %zu: loss %.4g", progress->step,
                                     progress->n_steps, progress->step_loss);
        event.train_loss = progress->step_loss;
    } else {
        char valid[96] = "";
        if (!isnan(progress->valid_loss)) {
            snprintf(valid, sizeof valid, ", valid loss %.4g", progress->valid_loss);
        }
        if (!isnan(progress->valid_by_base)) {
            const size_t n = strlen(valid);
            snprintf(valid + n, sizeof valid - n,
                     ", %.4g of the base version's (median of streams)", progress->valid_by_base);
        }
        event =
            job_database_message(JOB_EVENT_INFO, "epoch %zu of %zu: train loss %.4g%s",
                                 progress->epoch, progress->n_epochs, progress->train_loss, valid);
        event.train_loss = progress->train_loss;
        event.valid_loss = progress->valid_loss;
    }
    event.is_metrics = true;
    event.step = progress->step;
    event.epoch = progress->epoch;
    event.grad_norm = progress->grad_norm;
    event.learning_rate = progress->learning_rate;
    return event;
}

static size_t epoch_events(struct job_run *run, struct job_event *events)
{
    const struct gru_progress *progress = &run->progress;
    size_t stride = progress->n_epochs > EPOCHS_REPORTED ? progress->n_epochs / EPOCHS_REPORTED : 1;
    bool is_last = progress->epoch == progress->n_epochs || progress->stopped_early;
    size_t n = 0;
    if (progress->epoch % stride != 0 && !is_last) {
        return 0;
    }
    events[n++] = metrics_event(run, true);
    if (progress->n_skipped > run->n_skipped) {
        events[n++] = job_database_message(JOB_EVENT_WARN,
                                           "%zu steps up to the end of epoch %zu were skipped: "
                                           "their gradients were not finite",
                                           progress->n_skipped - run->n_skipped, progress->epoch);
        run->n_skipped = progress->n_skipped;
    }
    return n;
}

/* The events of a slice; it ends at the end of an epoch, so there is one at most. */
static size_t collect_events(struct job_run *run, int64_t now_ms,
                             struct job_event events[EVENTS_MAX])
{
    const struct gru_progress *progress = &run->progress;
    size_t n = 0;
    if (run->recipe) {
        return job_run_recipe_events(run, events, EVENTS_MAX);
    }
    if (isnan(run->job->metrics.baseline_valid_loss) && !isnan(progress->baseline_valid_loss)) {
        events[n++] = baseline_event(run);
    }
    if (progress->epoch > run->seen_epoch) {
        run->seen_epoch = progress->epoch;
        n += epoch_events(run, &events[n]);
        run->last_reported_at_ms = now_ms;
        run->last_reported_step = progress->step;
    } else if (now_ms - run->last_reported_at_ms >= METRICS_MS &&
               progress->step > run->last_reported_step) {
        events[n++] = metrics_event(run, false);
        run->last_reported_at_ms = now_ms;
        run->last_reported_step = progress->step;
    }
    return n;
}

/* ---- checkpoints ---- */

/* On the training thread. */
static void save(void *context)
{
    struct job_run *run = context;
    enum gru_status status = run->recipe
                                 ? job_run_recipe_save(run)
                                 : gru_trainer_save(run->trainer, &run->state, &run->n_state);
    run->status = status == GRU_OK ? STATUS_OK
                                   : fault_set(run->fault, status_of_gru(status), NULL, "%s",
                                               gru_status_text(status));
}

void job_run_save(struct job_run *run)
{
    struct job_thread *job_thread = run->job_thread;
    struct job_checkpoint checkpoint = { .created_at_ms = clock_steady_ms(),
                                         .step = run->progress.step,
                                         .epoch = run->progress.epoch,
                                         .train_loss = run->progress.train_loss,
                                         .valid_loss = run->progress.valid_loss };
    int64_t began_at_ms = clock_monotonic_ms();
    job_thread_compute(job_thread, save, run);
    enum status status = run->status;
    if (status == STATUS_OK) {
        status =
            job_store_add_checkpoint(job_database_lock(job_thread->job_database), run->job->number,
                                     &checkpoint, run->state, run->n_state, run->fault);
        job_database_unlock(job_thread->job_database);
        free(run->state);
        run->state = NULL;
    }
    run->has_checkpoint |= status == STATUS_OK;
    run->last_saved_at_ms = clock_monotonic_ms();
    run->saving_ms = run->last_saved_at_ms - began_at_ms;
    if (status != STATUS_OK) {
        log_event(LOG_WARN, "checkpoint_failed", LOG_STRING("job", run->job->id),
                  LOG_STRING("reason", run->fault->message));
        job_database_add_event(
            job_thread->job_database, run->job,
            job_database_message(JOB_EVENT_WARN, "no checkpoint at step %zu: %.120s",
                                 run->progress.step, fault_for_clients(run->fault).message));
    }
}

static bool is_save_due(const struct job_run *run)
{
    int64_t least_ms =
        run->saving_ms * SAVE_TIMES > SAVE_MS ? run->saving_ms * SAVE_TIMES : SAVE_MS;
    if (run->ended != GRU_ADVANCED_EPOCH && least_ms < SAVE_WITHIN_MS) {
        least_ms = SAVE_WITHIN_MS; /* an epoch may take days */
    } else if (!run->has_checkpoint && run->last_saved_at_ms == run->began_at_ms) {
        least_ms = 0; /* the first epoch: none was tried yet */
    }
    return !run->job->dry_run && clock_monotonic_ms() - run->last_saved_at_ms >= least_ms;
}

/* ---- the whole ---- */

bool job_run_report(struct job_run *run)
{
    struct job_thread *job_thread = run->job_thread;
    struct fault fault;
    struct job_event events[EVENTS_MAX];
    int64_t now_ms = clock_monotonic_ms();
    uint64_t interruptions = atomic_load(&job_thread->job_database->interruptions);
    size_t n = collect_events(run, now_ms, events);
    if (n > 0 || interruptions != run->interruptions ||
        now_ms - run->last_written_at_ms >= WRITE_MS) {
        enum job_status now = JOB_RUNNING;
        run->last_written_at_ms = now_ms;
        take_progress(run, now_ms);
        enum status status = job_database_change(job_thread->job_database, run->job, JOB_RUNNING,
                                                 events, n, &now, &fault);
        if (status == STATUS_OK) {
            run->interruptions = interruptions;
            run->job->status = now;
        } else { /* training goes on: the next report may come through */
            job_thread_note_degraded(job_thread, run->job, &fault);
        }
    }
    if (run->job->status == JOB_RUNNING && is_save_due(run)) {
        job_run_save(run);
    }
    return run->job->status == JOB_RUNNING;
}

void job_run_leave(struct job_run *run, enum job_status status)
{
    struct fault fault;
    struct job *job = run->job;
    if (status == JOB_ELSEWHERE) {
        log_event(LOG_WARN, "job_lost", LOG_STRING("job", job->id));
    }
    if (job_is_over(status) || status == JOB_ELSEWHERE) {
        return;
    }
    if (!job->dry_run) {
        job_run_save(run);
    }
    take_progress(run, clock_monotonic_ms());
    enum job_status now = status;
    do { /* it may be resumed, paused again, or cancelled at any moment */
        job->status = now;
        job->estimated_finish_ms = now == JOB_RUNNING ? job->estimated_finish_ms : 0;
        if (job_database_change(run->job_thread->job_database, job, job->status, NULL, 0, &now,
                                &fault) != STATUS_OK) {
            job_thread_note_degraded(run->job_thread, job, &fault);
            return;
        }
    } while (now != job->status && !job_is_over(now) && now != JOB_ELSEWHERE);
}
