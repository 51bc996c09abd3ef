#include "service/jobs/training_set.h"

#include "service/job_database.h"
#include "service/jobs/recipe_task.h"

#include <stdio.h>
#include <stdlib.h>

struct gru_training training_set_training(const struct job *job,
                                          const struct training_set *training_set)
{
    return (struct gru_training){ .series = training_set->series,
                                  .n_series = training_set->n_series,
                                  .validation = training_set->validation,
                                  .n_validation = training_set->n_validation,
                                  .validation_fraction = job->validation_fraction,
                                  .hyperparameters = job->hyperparameters,
                                  .seed = job->seed };
}

size_t training_set_y_width(const struct gru_info *info,
                            const struct gru_hyperparameters *hyperparameters)
{
    return hyperparameters->loss == GRU_CROSS_ENTROPY ? info->steps : info->y_floats;
}

/* Sums that no size_t holds stay at its end: they are compared with limits, never allocated. */
static size_t add_product(size_t sum, size_t n, size_t width)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, width * sizeof(double), &bytes) ||
        __builtin_add_overflow(sum, bytes, &sum)) {
        return SIZE_MAX;
    }
    return sum;
}

static size_t add_series(size_t sum, const struct gru_series *series, size_t n, size_t x_width,
                         size_t y_width)
{
    for (size_t k = 0; k < n; k++) {
        sum = add_product(sum, series[k].n_rows, x_width);
        sum = add_product(sum, series[k].n_targets, y_width);
    }
    return sum;
}

size_t training_set_bytes(const struct gru_model *gru, const struct gru_training *training)
{
    const struct gru_info *info = gru_model_info(gru);
    size_t y_width = training_set_y_width(info, &training->hyperparameters);
    size_t bytes = add_series(0, training->series, training->n_series, info->n_inputs, y_width);
    return add_series(bytes, training->validation, training->n_validation, info->n_inputs, y_width);
}

static enum status check(const struct gru_model *gru, const struct gru_training *training,
                         struct gru_training_info *ret_info, struct fault *fault)
{
    struct gru_error error = { .message = "" };
    enum gru_status status = gru_training_check(gru, training, ret_info, &error);
    return status == GRU_OK ? STATUS_OK
                            : fault_set(fault, status_of_gru(status), error.param, "%s",
                                        error.message[0] ? error.message : gru_status_text(status));
}

/* The data alone are checked as of a training; how the recipe trains is its own matter. */
static enum status check_of_recipe(const struct job *job, const struct gru_model *gru,
                                   const struct gru_training *training,
                                   struct gru_training_info *ret_info, struct fault *fault)
{
    struct gru_training plain = *training;
    gru_hyperparameters_init(&plain.hyperparameters);
    enum status status = check(gru, &plain, ret_info, fault);
    if (status == STATUS_OK) {
        status = recipe_task_check(gru, job, training, &ret_info->n_bytes, fault);
    }
    ret_info->n_steps = 0;
    return status;
}

enum status training_set_check(const struct config *config, const struct job *job,
                               const struct gru_model *gru, const struct gru_training *training,
                               struct gru_training_info *ret_info, struct fault *fault)
{
    struct gru_training_info info = { 0 };
    enum status status = job->recipe == JOB_RECIPE_NONE
                             ? check(gru, training, &info, fault)
                             : check_of_recipe(job, gru, training, &info, fault);
    if (status != STATUS_OK) {
        return status;
    }
    size_t n_data = training_set_bytes(gru, training);
    size_t n_all;
    if (__builtin_add_overflow(info.n_bytes, n_data, &n_all) || n_all > config->job_memory_max) {
        return fault_set(
            fault, STATUS_JOB_TOO_LARGE, NULL,
            "the job takes %zu bytes of memory and %zu for its data; --job-memory-max allows "
            "%zu together",
            info.n_bytes, n_data, config->job_memory_max);
    }
    *ret_info = info;
    return STATUS_OK;
}

struct job_series *training_set_to_rows(const struct training_set *training_set,
                                        const struct gru_info *info,
                                        const struct gru_hyperparameters *hyperparameters,
                                        size_t *ret_n)
{
    size_t n = training_set->n_series + training_set->n_validation;
    struct job_series *rows = calloc(n > 0 ? n : 1, sizeof *rows);
    for (size_t k = 0; rows && k < n; k++) {
        bool is_validation = k >= training_set->n_series;
        const struct gru_series *series =
            is_validation ? &training_set->validation[k - training_set->n_series]
                          : &training_set->series[k];
        rows[k] =
            (struct job_series){ .series = *series,
                                 .is_validation = is_validation,
                                 .x_width = info->n_inputs,
                                 .y_width =
                                     series->y ? training_set_y_width(info, hyperparameters) : 0 };
    }
    *ret_n = n;
    return rows;
}

bool training_set_of_rows(const struct job_series *rows, size_t n, struct arena *arena,
                          struct training_set *ret_training_set)
{
    struct gru_series *series = arena_array(arena, n, sizeof *series);
    struct gru_series *validation = arena_array(arena, n, sizeof *validation);
    struct training_set training_set = { .series = series, .validation = validation };
    if (!series || !validation) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        if (rows[k].is_validation) {
            validation[training_set.n_validation++] = rows[k].series;
        } else {
            series[training_set.n_series++] = rows[k].series;
        }
    }
    *ret_training_set = training_set;
    return true;
}

struct job_event training_set_describe(const struct gru_model *gru,
                                       const struct gru_training *training,
                                       const struct gru_training_info *info)
{
    size_t n_values = info->n_rows * gru_model_info(gru)->n_inputs;
    char missing[80];
    if (info->n_missing == 0) {
        snprintf(missing, sizeof missing, "none of their %zu values is missing", n_values);
    } else {
        snprintf(missing, sizeof missing, "%zu of their %zu values are missing (filled: %s)",
                 info->n_missing, n_values, gru_missing_name(gru_model_info(gru)->missing));
    }
    return job_database_message(JOB_EVENT_INFO, "%zu series, %zu readings; %s",
                                training->n_series + training->n_validation, info->n_rows, missing);
}
