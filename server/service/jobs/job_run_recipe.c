#include "service/jobs/job_run_recipe.h"

#include "base/clock.h"
#include "service/job_database.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TRIAL_NAME_SIZE = GRU_RECIPE_KIND_SIZE + 32 };

/* ---- the search ---- */

/* Epochs of all trials: each is judged at the end of some. */
static size_t count_epochs(const struct job_run *run, const struct gru_recipe_findings *findings)
{
    const struct gru_recipe_trial *trials = gru_recipe_trials(run->recipe);
    size_t n = 0;
    for (size_t k = 0; k < findings->n_trials; k++) {
        n += trials[k].n_epochs;
    }
    return n;
}

/* What a training calls its progress: updates and epochs of all networks. */
static void take_progress(struct job_run *run)
{
    struct gru_recipe_findings findings;
    const double none = (double)NAN;
    gru_recipe_findings(run->recipe, &findings);
    run->progress = (struct gru_progress){ .epoch = count_epochs(run, &findings),
                                           .step = findings.n_updates,
                                           .step_loss = none,
                                           .grad_norm = none,
                                           .learning_rate = none,
                                           .train_loss = none,
                                           .train_accuracy = none,
                                           .valid_loss = none,
                                           .valid_accuracy = none,
                                           .valid_by_base = none,
                                           .best_valid_loss = none,
                                           .best_valid_accuracy = none,
                                           .baseline_valid_loss = none,
                                           .baseline_valid_accuracy = none,
                                           .persistence_valid_loss = none };
}

enum status job_run_recipe_create(struct job_run *run)
{
    struct gru_error error = { .message = "" };
    enum status status =
        recipe_task_make(run->base, run->job, &run->training, &run->recipe_task, run->fault);
    if (status != STATUS_OK) {
        return status;
    }
    const enum gru_status created = gru_recipe_create(&run->recipe_task.task, &run->recipe, &error);
    if (created != GRU_OK) {
        return recipe_task_fault(created, &error, run->fault);
    }
    if (run->n_state > 0) {
        const enum gru_status restored = gru_recipe_restore(run->recipe, run->state, run->n_state);
        if (restored == GRU_NO_MEMORY) {
            return recipe_task_fault(restored, &error, run->fault);
        }
        run->is_restored = restored == GRU_OK;
        run->is_refused = restored != GRU_OK;
    }
    const struct gru_recipe_trial *trials = gru_recipe_trials(run->recipe);
    for (size_t k = 0; k < GRU_RECIPE_TRIALS_MAX; k++) {
        run->fates[k] = trials[k].fate;
    }
    take_progress(run);
    return STATUS_OK;
}

/* Whether a trial has come to an end that was not reported. */
static bool is_news(const struct job_run *run, size_t k)
{
    const enum gru_recipe_fate fate = gru_recipe_trials(run->recipe)[k].fate;
    return fate != run->fates[k] && fate != GRU_TRIAL_RUNNING && fate != GRU_TRIAL_WAITING;
}

static bool has_news(const struct job_run *run)
{
    struct gru_recipe_findings findings;
    size_t k = 0;
    gru_recipe_findings(run->recipe, &findings);
    while (k < findings.n_trials && !is_news(run, k)) {
        k++;
    }
    return k < findings.n_trials;
}

void job_run_recipe_advance(struct job_run *run, int64_t until_us)
{
    const struct job_database *job_database = run->job_thread->job_database;
    const size_t epoch = run->progress.epoch;
    enum gru_status status = GRU_OK;
    bool is_done = false;
    while (status == GRU_OK && !is_done && clock_monotonic_us() < until_us && !has_news(run) &&
           atomic_load(&job_database->interruptions) == run->interruptions) {
        status = gru_recipe_advance(run->recipe, &is_done);
    }
    take_progress(run);
    run->ended = is_done                       ? GRU_ADVANCED_END
                 : run->progress.epoch > epoch ? GRU_ADVANCED_EPOCH
                                               : GRU_ADVANCED;
    run->status = status == GRU_OK
                      ? STATUS_OK
                      : fault_set(run->fault, status_of_gru(status), NULL,
                                  "the recipe came to no end: %s", gru_status_text(status));
}

enum gru_status job_run_recipe_save(struct job_run *run)
{
    return gru_recipe_save(run->recipe, &run->state, &run->n_state);
}

bool job_run_recipe_has_model(const struct job_run *run)
{
    struct gru_recipe_findings findings;
    gru_recipe_findings(run->recipe, &findings);
    return findings.chosen < findings.n_trials;
}

void job_run_recipe_take_trials(struct job_run *run)
{
    struct gru_recipe_findings findings;
    struct job *job = run->job;
    gru_recipe_findings(run->recipe, &findings);
    const struct gru_recipe_trial *trials = gru_recipe_trials(run->recipe);
    job->n_trials = (int)findings.n_trials;
    job->chosen_trial = findings.chosen < findings.n_trials ? (int)findings.chosen + 1 : 0;
    for (size_t k = 0; k < findings.n_trials; k++) {
        job->trials[k] = job_trial_of(&trials[k]);
    }
}

/* ---- what is said ---- */

/* "seasonal_difference of 12, residual, 12 steps, 32 wide" */
static void name_trial(const struct gru_recipe_trial *trial, char ret_name[TRIAL_NAME_SIZE])
{
    char kind[GRU_RECIPE_KIND_SIZE];
    gru_recipe_trial_kind(trial, kind);
    if (trial->width > 0) {
        snprintf(ret_name, TRIAL_NAME_SIZE, "%s, %zu wide", kind, trial->width);
    } else {
        snprintf(ret_name, TRIAL_NAME_SIZE, "%s", kind);
    }
}

static struct job_event trial_event(const struct gru_recipe_trial *trial, size_t k, size_t n,
                                    const char *fate)
{
    char name[TRIAL_NAME_SIZE], error[48] = "", epochs[64] = "";
    name_trial(trial, name);
    if (!isnan(trial->error)) {
        snprintf(error, sizeof error, "error %.4g, ", trial->error);
    }
    if (trial->width > 0 && trial->n_epochs > 0) {
        snprintf(epochs, sizeof epochs, "best of %zu epochs %zu, ", trial->n_epochs,
                 trial->best_epoch);
    }
    return job_database_message(JOB_EVENT_INFO, "trial %zu of %zu: %s: %s%s%s", k + 1, n, name,
                                error, epochs, fate);
}

void job_run_recipe_report_season(struct job_run *run)
{
    struct gru_recipe_findings findings;
    struct job_event event;
    gru_recipe_findings(run->recipe, &findings);
    const struct gru_season *season = &findings.season;
    if (run->recipe_task.task.season > 0) {
        event = job_database_message(JOB_EVENT_INFO, "season: %zu rows, as the model has it",
                                     run->recipe_task.task.season);
    } else if (season->lag == 0) {
        event = job_database_message(JOB_EVENT_INFO,
                                     "season: none, the training part is too short to tell");
    } else if (season->season > 0) {
        event = job_database_message(
            JOB_EVENT_INFO, "season: %zu rows, whose changes correlate by %.2f, more than %.2f",
            season->season, season->r, season->bound);
    } else {
        event = job_database_message(
            JOB_EVENT_INFO,
            "season: none; at %zu rows changes correlate by %.2f, not more than %.2f", season->lag,
            season->r, season->bound);
    }
    job_database_add_event(run->job_thread->job_database, run->job, event);
}

size_t job_run_recipe_events(struct job_run *run, struct job_event *events, size_t n_most)
{
    struct gru_recipe_findings findings;
    size_t n = 0;
    gru_recipe_findings(run->recipe, &findings);
    const struct gru_recipe_trial *trials = gru_recipe_trials(run->recipe);
    for (size_t k = 0; k < findings.n_trials && n < n_most; k++) {
        if (is_news(run, k)) {
            events[n++] =
                trial_event(&trials[k], k, findings.n_trials, gru_recipe_fate_name(trials[k].fate));
            run->fates[k] = trials[k].fate;
        }
    }
    return n;
}

/* "persistence 1.5, the seasonal naive forecast 1.2" */
static void name_naive(const struct gru_recipe_findings *findings, char *text, size_t size)
{
    const size_t n = (size_t)snprintf(text, size, "persistence %.4g", findings->persistence);
    if (!isnan(findings->seasonal_naive) && n < size) {
        snprintf(text + n, size - n, ", the seasonal naive forecast %.4g",
                 findings->seasonal_naive);
    }
}

static struct job_event end_event(const struct job_run *run)
{
    struct gru_recipe_findings findings;
    char name[TRIAL_NAME_SIZE], naive[96];
    gru_recipe_findings(run->recipe, &findings);
    const struct gru_recipe_trial *chosen = &gru_recipe_trials(run->recipe)[findings.chosen];
    name_trial(chosen, name);
    name_naive(&findings, naive, sizeof naive);
    return job_database_message(
        chosen->width > 0 ? JOB_EVENT_INFO : JOB_EVENT_WARN,
        "chosen: trial %zu, %s, with error %.4g (%s) over 1 to %zu rows ahead from %zu rows of the "
        "validation part; an error of 1 is %.4g of '%s'%s",
        findings.chosen + 1, name, chosen->error, naive, run->recipe_task.task.horizon,
        findings.n_origins, findings.scale, run->recipe_task.task.outputs[0],
        chosen->width > 0 ? ""
                          : "; no network is better than that naive forecast, so the version makes "
                            "it: more rows may help, or more 'max_seconds'");
}

void job_run_recipe_report_end(struct job_run *run)
{
    struct job_database *job_database = run->job_thread->job_database;
    const struct gru_recipe_trial *trials = gru_recipe_trials(run->recipe);
    struct gru_recipe_findings findings;
    struct job_event event;
    gru_recipe_findings(run->recipe, &findings);
    while (job_run_recipe_events(run, &event, 1) > 0) {
        job_database_add_event(job_database, run->job, event);
    }
    for (size_t k = 0; k < findings.n_trials; k++) { /* those that the time was over for */
        if (trials[k].fate == GRU_TRIAL_RUNNING || trials[k].fate == GRU_TRIAL_WAITING) {
            job_database_add_event(
                job_database, run->job,
                trial_event(&trials[k], k, findings.n_trials, "the time was over"));
        }
    }
    job_database_add_event(job_database, run->job, end_event(run));
}
