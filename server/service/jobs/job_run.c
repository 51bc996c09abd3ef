#include "service/jobs/job_run.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/job_database.h"
#include "service/jobs/job_run_end.h"
#include "service/jobs/job_run_recipe.h"
#include "service/jobs/job_run_report.h"
#include "service/models/trained_version.h"
#include "service/service_context.h"
#include "service/service_private.h"

#include <stdlib.h>

enum {
    SLICE_US = 20000,
    DRY_RUN_STEPS = 5 /* from these the time for all of them is estimated */
};

/* ---- beginning ---- */

static enum status load(struct job_run *run, struct fault *fault)
{
    struct job_thread *job_thread = run->job_thread;
    struct job_series *rows;
    size_t n_rows;
    struct job_checkpoint checkpoint;
    service_context_turn(job_thread->context);
    enum status status =
        trained_version_find_base(job_thread->context, run->job, &run->base, fault);
    if (status != STATUS_OK) {
        return status;
    }
    struct job_store *jobs = job_database_lock(job_thread->job_database);
    status = job_store_read_series(jobs, run->job->number, &run->arena, &rows, &n_rows, fault);
    if (status == STATUS_OK && !run->job->dry_run) {
        status = job_store_read_state(jobs, run->job->number, &run->state, &run->n_state,
                                      &checkpoint, fault);
    }
    job_database_unlock(job_thread->job_database);
    if (status == STATUS_OK &&
        !training_set_of_rows(rows, n_rows, &run->arena, &run->training_set)) {
        status = fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the job's data");
    }
    return status;
}

static enum status create_trainer(struct job_run *run)
{
    struct gru_error error = { .message = "" };
    enum gru_status status = gru_trainer_create(run->base, &run->training, &run->trainer, &error);
    if (status == GRU_OK && run->n_state > 0) {
        enum gru_status restored = gru_trainer_restore(run->trainer, run->state, run->n_state);
        run->is_restored = restored == GRU_OK;
        run->is_refused = restored != GRU_OK;
    }
    if (status == GRU_OK) {
        gru_trainer_progress(run->trainer, &run->progress);
        return STATUS_OK;
    }
    return fault_set(run->fault, status_of_gru(status), error.param, "%s",
                     error.message[0] ? error.message : gru_status_text(status));
}

/* On the training thread. */
static void create(void *context)
{
    struct job_run *run = context;
    const bool has_recipe = run->job->recipe != JOB_RECIPE_NONE;
    run->training = training_set_training(run->job, &run->training_set);
    run->status = training_set_check(run->job_thread->service->config, run->job, run->base,
                                     &run->training, &run->info, run->fault);
    if (run->status == STATUS_OK &&
        !data_warnings_find(gru_model_info(run->base), &run->training, &run->warnings)) {
        run->status = fault_set(run->fault, STATUS_NO_MEMORY, NULL, "no memory for the job");
    }
    if (run->status == STATUS_OK && has_recipe) {
        run->warnings.texts[DATA_SCALING][0] = '\0'; /* it has one of its own */
    }
    if (run->status == STATUS_OK) {
        run->status = has_recipe ? job_run_recipe_create(run) : create_trainer(run);
    }
}

/* What begins, or goes on. */
static struct job_event beginning_event(const struct job_run *run)
{
    const char *what = run->job->dry_run ? "a dry run" : run->recipe ? "a recipe" : "training";
    if (run->recipe) {
        return job_database_message(
            JOB_EVENT_INFO, "%s of at most %llu seconds begins, for 1 to %zu rows ahead", what,
            (unsigned long long)run->job->max_seconds, run->recipe_task.task.horizon);
    }
    return job_database_message(JOB_EVENT_INFO, "%s of %zu steps in %zu epochs begins", what,
                                run->progress.n_steps, run->progress.n_epochs);
}

static struct job_event going_on_event(const struct job_run *run, bool was_running)
{
    const char *what = !was_running ? "training goes on"
                       : job_database_is_shared(run->job_thread->job_database)
                           ? "another node took the job: training goes on"
                           : "grud was started again: training goes on";
    return run->recipe ? job_database_message(JOB_EVENT_INFO, "%s after %zu steps", what,
                                              run->progress.step)
                       : job_database_message(JOB_EVENT_INFO, "%s from step %zu of %zu", what,
                                              run->progress.step, run->progress.n_steps);
}

static void report_beginning(struct job_run *run, bool was_running)
{
    struct job_database *job_database = run->job_thread->job_database;
    const struct job *job = run->job;
    if (run->is_refused) {
        job_database_add_event(
            job_database, job,
            job_database_message(JOB_EVENT_WARN,
                                 "the last checkpoint is damaged or of another build of grud: "
                                 "training starts again from the beginning"));
    } else if (run->is_restored) {
        job_database_add_event(job_database, job, going_on_event(run, was_running));
    } else if (was_running) {
        job_database_add_event(job_database, job,
                               job_database_message(JOB_EVENT_INFO,
                                                    "%s before the first checkpoint: "
                                                    "training starts again from the beginning",
                                                    job_database_is_shared(job_database)
                                                        ? "another node took the job"
                                                        : "grud was started again"));
    } else {
        job_database_add_event(job_database, job, beginning_event(run));
    }
}

/* Once: not of a job that goes on. */
static void report_data(struct job_run *run, bool was_running)
{
    bool is_new = !was_running && !run->is_restored && !run->is_refused;
    for (size_t kind = 0; is_new && kind < DATA_N_WARNINGS; kind++) {
        if (run->warnings.texts[kind][0] != '\0') {
            job_database_add_event(
                run->job_thread->job_database, run->job,
                job_database_message(JOB_EVENT_WARN, "%s", run->warnings.texts[kind]));
        }
    }
    if (is_new && run->recipe) {
        job_run_recipe_report_season(run);
    }
}

/* In the database a job that begins is running before anything is computed for it. */
static bool mark_running(struct job_run *run, enum job_status from)
{
    struct fault fault;
    struct job *job = run->job;
    enum job_status now = JOB_RUNNING;
    enum status status = STATUS_OK;
    run->interruptions = atomic_load(&run->job_thread->job_database->interruptions);
    job->status = JOB_RUNNING;
    if (job->started_at_ms == 0) {
        job->started_at_ms = job_now_ms(job);
    }
    if (from != JOB_RUNNING) {
        status =
            job_database_change(run->job_thread->job_database, job, from, NULL, 0, &now, &fault);
    }
    if (status != STATUS_OK) {
        job_thread_note_degraded(run->job_thread, job, &fault);
        job_thread_wait(run->job_thread, JOB_THREAD_RETRY_MS);
    }
    return status == STATUS_OK && now == JOB_RUNNING;
}

static void begin_clocks(struct job_run *run)
{
    int64_t now_ms = clock_monotonic_ms();
    run->began_at_ms = run->last_written_at_ms = run->last_reported_at_ms = run->last_saved_at_ms =
        run->last_paced_at_ms = now_ms;
    run->has_checkpoint = run->is_restored;
    run->ran_ms = run->job->running_ms;
    run->first_step = run->paced_step = run->progress.step;
    run->seen_epoch = run->progress.epoch;
    run->last_reported_step = run->progress.step;
    run->n_skipped = run->progress.n_skipped;
    run->job->n_steps = run->progress.n_steps;
}

/* ---- slices ---- */

static bool has_baseline(const struct job_run *run)
{
    return run->info.n_valid_targets == 0 || !isnan(run->progress.baseline_valid_loss);
}

/* On the training thread, likewise. */
static void advance_recipe(void *context)
{
    struct job_run *run = context;
    int64_t began_us = clock_monotonic_us();
    job_run_recipe_advance(run, began_us + SLICE_US);
    run->slice_us = clock_monotonic_us() - began_us;
    run->steps_us += run->slice_us;
}

/* On the training thread: for about 20 ms, or until there is something to report. */
static void advance(void *context)
{
    struct job_run *run = context;
    struct job_database *job_database = run->job_thread->job_database;
    int64_t began_us = clock_monotonic_us();
    bool had_baseline = has_baseline(run);
    do {
        run->ended = gru_trainer_advance(run->trainer, &run->progress);
        run->slice_us = clock_monotonic_us() - began_us;
    } while (run->ended != GRU_ADVANCED_EPOCH && run->ended != GRU_ADVANCED_END &&
             run->slice_us < SLICE_US && has_baseline(run) == had_baseline &&
             atomic_load(&job_database->interruptions) == run->interruptions);
    *(had_baseline ? &run->steps_us : &run->baseline_us) += run->slice_us;
}

static void do_slice(struct job_run *run)
{
    size_t step = run->progress.step;
    job_thread_compute(run->job_thread, run->recipe ? advance_recipe : advance, run);
    atomic_fetch_add_explicit(&run->job_thread->service->counters.n_training_steps,
                              run->progress.step - step, memory_order_relaxed);
    atomic_fetch_add_explicit(&run->job_thread->service->counters.training_us,
                              (uint64_t)run->slice_us, memory_order_relaxed);
}

/* A loss that is not finite comes back from nowhere: the weights are lost, or the data are more
 * than floats can say. */
static bool is_diverged(const struct job_run *run)
{
    const struct gru_progress *progress = &run->progress;
    bool is_validated = run->info.n_valid_targets > 0;
    return progress->epoch > 0 && !run->recipe &&
           (!isfinite(progress->train_loss) || (is_validated && !isfinite(progress->valid_loss)));
}

static void fail_diverged(struct job_run *run)
{
    const struct gru_progress *progress = &run->progress;
    bool is_train = !isfinite(progress->train_loss);
    struct fault fault;
    fault_fill(&fault, STATUS_DIVERGED, NULL,
               "the %s loss of epoch %zu is not a finite number: a lower 'learning_rate', a "
               "'clip_norm', or data without extreme values (see the job's events) may help",
               is_train ? "training" : "validation", progress->epoch);
    job_thread_fail_job(run->job_thread, run->job, JOB_RUNNING, &fault);
}

static bool is_over(struct job_run *run)
{
    const struct job *job = run->job;
    if (job->dry_run && run->progress.step >= DRY_RUN_STEPS) {
        return true;
    }
    run->is_out_of_time = job->max_seconds > 0 && job_run_ms(run) / 1000 >= job->max_seconds &&
                          (!run->recipe || job_run_recipe_has_model(run));
    return run->is_out_of_time || run->ended == GRU_ADVANCED_END;
}

/* True: to the end, which is still to be dealt with. Else the job was left, and this is written
 * down. */
static bool train(struct job_run *run)
{
    struct fault fault = { .status = STATUS_OK };
    while (!is_over(run)) {
        do_slice(run);
        if (run->status != STATUS_OK) {
            job_thread_fail_job(run->job_thread, run->job, JOB_RUNNING, run->fault);
            return false;
        }
        if (!job_run_report(run)) {
            job_run_leave(run, run->job->status);
            return false;
        }
        if (job_thread_is_stopping(run->job_thread)) {
            job_run_leave(run, JOB_RUNNING);
            return false;
        }
        if (is_diverged(run)) {
            fail_diverged(run);
            return false;
        }
        struct gru_model *base = NULL;
        enum status status =
            trained_version_find_base(run->job_thread->context, run->job, &base, &fault);
        gru_model_unref(base);
        if (status != STATUS_OK) {
            job_thread_fail_job(run->job_thread, run->job, JOB_RUNNING, &fault);
            return false;
        }
    }
    return true;
}

/* Reads what the job needs, and makes its trainer. */
static enum status prepare(struct job_run *run, struct fault *fault)
{
    enum status status = load(run, fault);
    if (status == STATUS_OK) {
        job_thread_compute(run->job_thread, create, run);
        status = run->status;
    }
    free(run->state);
    run->state = NULL;
    if (status != STATUS_OK) {
        recipe_task_done(&run->recipe_task);
        gru_model_unref(run->base);
        run->base = NULL;
        arena_reset(&run->arena);
    }
    return status;
}

void job_run_train(struct job_thread *job_thread, struct job *job)
{
    struct fault fault = { .status = STATUS_OK };
    struct job_run run = {
        .job_thread = job_thread, .job = job, .fault = &fault, .ended = GRU_ADVANCED
    };
    bool was_running = job->status == JOB_RUNNING;
    if (!mark_running(&run, job->status)) {
        return;
    }
    arena_init(&run.arena, SIZE_MAX);
    int attempt = 0;
    enum status status;
    do {
        status = prepare(&run, &fault);
    } while (status != STATUS_OK && job_thread_waits_to_retry(job_thread, job, &attempt, &fault));
    if (status != STATUS_OK) {
        job_thread_fail_job(job_thread, job, JOB_RUNNING, &fault);
    } else {
        log_event(LOG_INFO, "job_started", LOG_STRING("job", job->id),
                  LOG_INT("step", (int64_t)run.progress.step));
        report_beginning(&run, was_running);
        report_data(&run, was_running);
        begin_clocks(&run);
        if (train(&run)) {
            job_run_end(&run);
        }
    }
    gru_trainer_free(run.trainer);
    gru_recipe_free(run.recipe);
    recipe_task_done(&run.recipe_task);
    gru_model_unref(run.trained);
    gru_model_unref(run.base);
    arena_done(&run.arena);
}
