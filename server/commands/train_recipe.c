#include "commands/train_recipe.h"

#include "base/clock.h"
#include "commands/command_line.h"
#include "commands/training_loop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_SECONDS = 60, SHOW_MS = 100 };

/* ---- the task ---- */

static int read_number(const struct train_recipe *recipe, const char *flag, const char *text,
                       size_t *ret_number)
{
    uint64_t number;
    if (!command_parse_number(text, &number) || number < 1 || number > INT32_MAX) {
        return command_complain(recipe->command, COMMAND_WRONG_USAGE,
                                "%s takes a whole number from 1, not '%s'", flag, text);
    }
    *ret_number = (size_t)number;
    return COMMAND_FINE;
}

/* The inputs alone, row by row. */
static double *take_inputs(const struct train_recipe *recipe)
{
    const struct csv_series *series = recipe->series;
    const size_t n_inputs = recipe->plan->n_inputs;
    double *x = reallocarray(NULL, series->n_rows, n_inputs * sizeof *x);
    for (size_t row = 0; x && row < series->n_rows; row++) {
        memcpy(x + row * n_inputs, series->values + row * series->n_columns, n_inputs * sizeof *x);
    }
    return x;
}

static int create(const struct train_recipe *recipe, const struct gru_series *series,
                  size_t horizon, struct gru_recipe **ret_search)
{
    const struct gru_plan *plan = recipe->plan;
    const struct gru_recipe_task task = { .n_inputs = plan->n_inputs,
                                          .n_outputs = plan->n_outputs,
                                          .inputs = plan->inputs,
                                          .outputs = plan->outputs,
                                          .series = series,
                                          .n_series = 1,
                                          .validation_fraction = recipe->validation_fraction,
                                          .horizon = horizon,
                                          .interval_seconds = plan->interval_seconds,
                                          .season = plan->season,
                                          .seed = plan->seed };
    struct gru_error error = { 0 };
    const enum gru_status status = gru_recipe_create(&task, ret_search, &error);
    return status == GRU_OK
               ? COMMAND_FINE
               : command_complain(recipe->command, COMMAND_FAILED, "%s: %s", recipe->data_path,
                                  *error.message ? error.message : gru_status_text(status));
}

/* ---- the table ---- */

static void tell_season(const struct train_recipe *recipe,
                        const struct gru_recipe_findings *findings)
{
    const struct gru_season *season = &findings->season;
    if (recipe->plan->season > 0) {
        fprintf(recipe->out, "season: %zu rows, as given\n", recipe->plan->season);
    } else if (season->lag == 0) {
        fprintf(recipe->out, "season: none, the training part is too short to tell\n");
    } else {
        fprintf(recipe->out,
                season->season > 0
                    ? "season: %zu rows, whose changes correlate by %.2f, more than %.2f\n"
                    : "season: none; at %zu rows changes correlate by %.2f, not more than %.2f\n",
                season->lag, season->r, season->bound);
    }
}

static void tell_trial(const struct train_recipe *recipe, const struct gru_recipe_trial *trial,
                       bool is_chosen)
{
    char kind[GRU_RECIPE_KIND_SIZE], width[24] = "-", epochs[48] = "-", error[24] = "-";
    gru_recipe_trial_kind(trial, kind);
    if (trial->width > 0) {
        snprintf(width, sizeof width, "%zu", trial->width);
        snprintf(epochs, sizeof epochs, "%zu of %zu", trial->best_epoch, trial->n_epochs);
    }
    if (!isnan(trial->error)) {
        snprintf(error, sizeof error, "%.4g", trial->error);
    }
    fprintf(recipe->out, "%-44s %5s %12s %8s  %s\n", kind, width, epochs, error,
            is_chosen ? "chosen" : gru_recipe_fate_name(trial->fate));
}

static void tell(const struct train_recipe *recipe, const struct gru_recipe *search, size_t horizon)
{
    struct gru_recipe_findings findings;
    gru_recipe_findings(search, &findings);
    const struct gru_recipe_trial *trials = gru_recipe_trials(search);
    tell_season(recipe, &findings);
    fprintf(recipe->out, "%-44s %5s %12s %8s\n", "tried", "width", "best epoch", "error");
    for (size_t k = 0; k < findings.n_trials; k++) {
        tell_trial(recipe, &trials[k], k == findings.chosen);
    }
    fprintf(recipe->out,
            "error: mean over %zu rows ahead, from %zu rows of the validation parts; 1 is %.4g of "
            "'%s'\n",
            horizon, findings.n_origins + findings.n_former_origins, findings.scale,
            recipe->plan->outputs[0]);
    if (trials[findings.chosen].width == 0) {
        command_complain(recipe->command, COMMAND_FINE,
                         "no network is better than a naive forecast, so the model makes that; "
                         "try more rows, or more --max-seconds");
    }
}

/* ---- the search ---- */

static void show(const struct gru_recipe *search)
{
    struct gru_recipe_findings findings;
    gru_recipe_findings(search, &findings);
    const struct gru_recipe_trial *trials = gru_recipe_trials(search);
    size_t n_begun = 0;
    for (size_t k = 0; k < findings.n_trials; k++) {
        n_begun += trials[k].fate != GRU_TRIAL_WAITING;
    }
    fprintf(stderr, "\r%zu of %zu begun", n_begun, findings.n_trials);
    if (findings.chosen < findings.n_trials) {
        fprintf(stderr, "  error %.4g  persistence %.4g", trials[findings.chosen].error,
                findings.persistence);
    }
    fputs("\033[K", stderr);
}

/* Until all is tried or the time is over, but not before there is a model. */
static enum gru_status search_on(struct gru_recipe *search, size_t max_seconds)
{
    const bool is_terminal = isatty(STDERR_FILENO) == 1;
    const int64_t begun_ms = clock_monotonic_ms();
    int64_t now_ms = begun_ms, shown_ms = 0;
    enum gru_status status = GRU_OK;
    bool is_done = false, has_model = false;
    while (status == GRU_OK && !is_done &&
           !(has_model && (training_loop_is_interrupted() ||
                           now_ms - begun_ms >= (int64_t)max_seconds * 1000))) {
        struct gru_recipe_findings findings;
        status = gru_recipe_advance(search, &is_done);
        gru_recipe_findings(search, &findings);
        has_model = findings.chosen < findings.n_trials;
        now_ms = clock_monotonic_ms();
        if (is_terminal && now_ms - shown_ms >= SHOW_MS) {
            show(search);
            shown_ms = now_ms;
        }
    }
    if (is_terminal) {
        fputc('\n', stderr);
    }
    return status;
}

/* The model has seen the validation part: errors there are those of what was judged. */
static enum gru_status take_residuals(const struct gru_recipe *search, struct gru_model *model,
                                      const struct gru_training *training)
{
    struct gru_model *judged = gru_recipe_judged(search);
    enum gru_status status = training_loop_set_residuals(judged, judged, training);
    const struct gru_residuals *residuals = gru_model_residuals(judged);
    if (status == GRU_OK && residuals && model != judged) {
        status = gru_model_set_residuals(model, residuals);
    }
    gru_model_unref(judged);
    return status;
}

static int finish(const struct train_recipe *recipe, const struct gru_recipe *search,
                  const struct gru_series *series, struct gru_model **ret_model)
{
    struct gru_model *model = gru_recipe_model(search);
    struct gru_training training = { .series = series,
                                     .n_series = 1,
                                     .validation_fraction = recipe->validation_fraction };
    gru_hyperparameters_init(&training.hyperparameters);
    const enum gru_status status =
        model ? take_residuals(search, model, &training) : GRU_NON_FINITE;
    if (status != GRU_OK) {
        gru_model_unref(model);
        return command_complain(recipe->command, COMMAND_FAILED, "%s", gru_status_text(status));
    }
    *ret_model = model;
    return COMMAND_FINE;
}

static int search_and_tell(const struct train_recipe *recipe, const struct gru_series *series,
                           size_t horizon, size_t max_seconds, struct gru_model **ret_model)
{
    struct gru_recipe *search;
    int code = create(recipe, series, horizon, &search);
    if (code != COMMAND_FINE) {
        return code;
    }
    training_loop_watch_signals();
    const enum gru_status status = search_on(search, max_seconds);
    code = status == GRU_OK
               ? finish(recipe, search, series, ret_model)
               : command_complain(recipe->command, COMMAND_FAILED, "%s", gru_status_text(status));
    training_loop_end_watch();
    if (code == COMMAND_FINE) {
        tell(recipe, search, horizon);
    }
    gru_recipe_free(search);
    return code;
}

int train_recipe_run(const struct train_recipe *recipe, struct gru_model **ret_model)
{
    size_t horizon = 0, max_seconds = MAX_SECONDS;
    int code = COMMAND_FINE;
    if (recipe->words->max_seconds) {
        code = read_number(recipe, "--max-seconds", recipe->words->max_seconds, &max_seconds);
    }
    if (code == COMMAND_FINE) {
        code = read_number(recipe, "--horizon", recipe->words->horizon, &horizon);
    }
    if (code != COMMAND_FINE) {
        return code;
    }
    double *x = take_inputs(recipe);
    if (!x) {
        return command_complain(recipe->command, COMMAND_FAILED, "out of memory");
    }
    const struct gru_series series = { .x = x, .n_rows = recipe->series->n_rows };
    code = search_and_tell(recipe, &series, horizon, max_seconds, ret_model);
    free(x);
    return code;
}
