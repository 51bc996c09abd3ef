#include "service/jobs/recipe_task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the task ---- */

enum { NAMES, UNITS, N_TEXTS };

static void put_texts(const struct gru_variable *variables, size_t n, const char **texts[N_TEXTS])
{
    for (size_t k = 0; k < n; k++) {
        texts[NAMES][k] = variables[k].name;
        texts[UNITS][k] = variables[k].unit;
    }
}

enum status recipe_task_make(const struct gru_model *gru, const struct job *job,
                             const struct gru_training *training, struct recipe_task *ret_task,
                             struct fault *fault)
{
    const struct gru_info *info = gru_model_info(gru);
    const size_t n_inputs = info->n_inputs, n_outputs = info->n_outputs;
    const char **texts = calloc(N_TEXTS * (n_inputs + n_outputs), sizeof *texts);
    if (!texts) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the job's recipe");
    }
    const char **of_inputs[N_TEXTS] = { texts, texts + n_inputs };
    const char **of_outputs[N_TEXTS] = { texts + N_TEXTS * n_inputs,
                                         texts + N_TEXTS * n_inputs + n_outputs };
    put_texts(info->inputs, n_inputs, of_inputs);
    put_texts(info->outputs, n_outputs, of_outputs);
    ret_task->texts = texts;
    ret_task->task = (struct gru_recipe_task){ .n_inputs = n_inputs,
                                               .n_outputs = n_outputs,
                                               .inputs = of_inputs[NAMES],
                                               .outputs = of_outputs[NAMES],
                                               .input_units = of_inputs[UNITS],
                                               .output_units = of_outputs[UNITS],
                                               .has_missing = true,
                                               .missing = info->missing,
                                               .series = training->series,
                                               .n_series = training->n_series,
                                               .validation = training->validation,
                                               .n_validation = training->n_validation,
                                               .validation_fraction = training->validation_fraction,
                                               .horizon = (size_t)job->recipe_horizon,
                                               .interval_seconds = info->interval_seconds,
                                               .season = info->season,
                                               .seed = job->seed };
    return STATUS_OK;
}

void recipe_task_done(struct recipe_task *task)
{
    free(task->texts); // NOLINT(bugprone-multi-level-implicit-pointer-conversion): an array of them
    *task = (struct recipe_task){ .texts = NULL };
}

/* ---- the check ---- */

static enum status check_outputs(const struct gru_info *info, struct fault *fault)
{
    for (size_t o = 0; o < info->n_outputs; o++) {
        if (info->outputs[o].feeds < 0) {
            return fault_set(fault, STATUS_INVALID_VALUE, "recipe",
                             "a recipe forecasts readings, and the output '%s' forecasts none of "
                             "the model's inputs: leave 'recipe' out, and train it with "
                             "'hyperparameters'",
                             info->outputs[o].name);
        }
    }
    return STATUS_OK;
}

static enum status check_series(const char *path, const struct gru_series *series, size_t n,
                                struct fault *fault)
{
    for (size_t k = 0; k < n; k++) {
        if (series[k].y) {
            char param[64];
            snprintf(param, sizeof param, "%s.series[%zu].y", path, k);
            return fault_set(fault, STATUS_INVALID_VALUE, param,
                             "'%s' must be left out beside 'recipe': the readings that come next "
                             "are what it learns to forecast",
                             param);
        }
    }
    return STATUS_OK;
}

enum status recipe_task_fault(enum gru_status status, const struct gru_error *error,
                              struct fault *fault)
{
    static const struct {
        const char *param, *path;
        enum status status;
    } fields[] = {
        { "series", "training", STATUS_INVALID_TRAINING },
        { "validation_fraction", "validation.fraction", STATUS_INVALID_VALUE },
        { "horizon", "recipe.horizon", STATUS_INVALID_VALUE },
    };
    const char *text = error->message[0] ? error->message : gru_status_text(status);
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        if (status == GRU_BAD_ARGUMENT && strcmp(error->param, fields[k].param) == 0) {
            return fault_set(fault, fields[k].status, fields[k].path, "%s", text);
        }
    }
    return fault_set(fault, status_of_gru(status), NULL, "%s", text);
}

enum status recipe_task_check(const struct gru_model *gru, const struct job *job,
                              const struct gru_training *training, size_t *ret_n_bytes,
                              struct fault *fault)
{
    struct recipe_task task = { .texts = NULL };
    struct gru_error error = { .message = "" };
    enum status status = check_outputs(gru_model_info(gru), fault);
    if (status == STATUS_OK) {
        status = check_series("training", training->series, training->n_series, fault);
    }
    if (status == STATUS_OK) {
        status = check_series("validation", training->validation, training->n_validation, fault);
    }
    if (status == STATUS_OK) {
        status = recipe_task_make(gru, job, training, &task, fault);
    }
    if (status == STATUS_OK) {
        const enum gru_status counted = gru_recipe_bytes(&task.task, ret_n_bytes, &error);
        status = counted == GRU_OK ? STATUS_OK : recipe_task_fault(counted, &error, fault);
    }
    recipe_task_done(&task);
    return status;
}
