#include "commands/model_scaling.h"

#include "commands/command_line.h"
#include "commands/model_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char auto_mark[] = "auto:";

const char *model_scaling_file(const char *scale)
{
    return strncmp(scale, auto_mark, strlen(auto_mark)) == 0 ? scale + strlen(auto_mark) : NULL;
}

/* ---- fitting ---- */

static int no_memory(const char *command)
{
    return command_complain(command, COMMAND_FAILED, "out of memory");
}

/* A column that keeps its deviation. */
static void warn_of_constant(const struct model_data *data, size_t column)
{
    const struct csv_series *series = &data->series;
    size_t n = 0;
    double first = NAN;
    for (size_t row = 0; row < series->n_rows; row++) {
        const double value = series->values[row * series->n_columns + column];
        if (!isnan(value) && !isnan(first) && value != first) {
            return;
        }
        first = isnan(first) ? value : first;
        n += !isnan(value);
    }
    command_complain(data->command, COMMAND_FINE, "%s: column '%s' %s: its std stays what it was",
                     data->data_path, data->columns[column],
                     n > 0 ? "has one value throughout" : "has no value");
}

/* Apart: the inputs, and what outputs that feed none are; of others, and of later steps, nothing.
 */
static void arrange(const struct model_data *data, double *x, double *y)
{
    const struct gru_info *info = gru_model_info(data->model);
    const struct csv_series *series = &data->series;
    for (size_t row = 0; row < series->n_rows; row++) {
        const double *values = series->values + row * series->n_columns;
        size_t column = info->n_inputs;
        memcpy(x + row * info->n_inputs, values, info->n_inputs * sizeof *x);
        for (size_t k = 0; k < info->y_floats; k++) {
            const bool is_there =
                data->has_outputs && k < info->n_outputs && info->outputs[k].feeds < 0;
            y[row * info->y_floats + k] = is_there ? values[column++] : NAN;
        }
    }
}

static int fit(const struct model_data *data, struct gru_model **ret_model)
{
    const struct gru_info *info = gru_model_info(data->model);
    const size_t n_rows = data->series.n_rows;
    double *x = reallocarray(NULL, n_rows, info->n_inputs * sizeof *x);
    double *y = reallocarray(NULL, n_rows, info->y_floats * sizeof *y);
    enum gru_status status = GRU_NO_MEMORY;
    if (x && y) {
        arrange(data, x, y);
        const struct gru_series series = { .x = x, .n_rows = n_rows, .y = y, .n_targets = n_rows };
        struct gru_training training = { .series = &series, .n_series = 1 };
        gru_hyperparameters_init(&training.hyperparameters);
        training.hyperparameters.scaling = GRU_SCALING_FIT;
        status = gru_model_fit_scaling(data->model, &training, ret_model);
    }
    free(x);
    free(y);
    return status == GRU_OK ? COMMAND_FINE : no_memory(data->command);
}

int model_scaling_fit(const char *command, const char *path, struct gru_model **model)
{
    const struct gru_info *info = gru_model_info(*model);
    struct model_data data = { .command = command,
                               .data_path = path,
                               .has_outputs = info->activation == GRU_LINEAR && info->n_heads == 0,
                               .model = gru_model_ref(*model) };
    struct gru_model *fitted = NULL;
    int code = model_data_read(&data);
    if (code == COMMAND_FINE) {
        for (size_t k = 0; k < data.series.n_columns; k++) {
            warn_of_constant(&data, k);
        }
        code = fit(&data, &fitted);
    }
    if (code == COMMAND_FINE) {
        gru_model_unref(*model);
        *model = fitted;
    }
    model_data_done(&data);
    return code;
}

/* ---- warning ---- */

static void compare(const char *command, const struct gru_variable *variable,
                    const struct gru_variable *fitted, bool is_of_changes, const char *remedy)
{
    const struct gru_scaling scaling = { variable->name, variable->mean, variable->std },
                             data = { fitted->name, fitted->mean, fitted->std };
    if (gru_scaling_is_far(&scaling, &data, is_of_changes)) {
        command_complain(
            command, COMMAND_FINE,
            "%s'%s' %s mean %.6g and std %.3g in the data, %.6g and %.3g in the model, "
            "which makes training slow or hopeless: %s takes them from the data",
            is_of_changes ? "the changes of " : "", variable->name, is_of_changes ? "have" : "has",
            data.mean, data.std, scaling.mean, scaling.std, remedy);
    }
}

int model_scaling_warn(const char *command, struct gru_model *model,
                       const struct gru_training *training, const char *remedy)
{
    struct gru_training fitting = *training;
    struct gru_model *fitted;
    fitting.hyperparameters.scaling = GRU_SCALING_FIT;
    if (gru_model_fit_scaling(model, &fitting, &fitted) != GRU_OK) {
        return command_complain(command, COMMAND_FAILED, "out of memory");
    }
    const struct gru_info *info = gru_model_info(model), *data = gru_model_info(fitted);
    for (size_t i = 0; i < info->n_inputs; i++) {
        compare(command, &info->inputs[i], &data->inputs[i], false, remedy);
    }
    for (size_t o = 0; o < info->n_outputs; o++) {
        const bool feeds = info->outputs[o].feeds >= 0; /* else it has its input's, or its own */
        if (info->residual || !feeds) {
            compare(command, &info->outputs[o], &data->outputs[o], feeds, remedy);
        }
    }
    gru_model_unref(fitted);
    return COMMAND_FINE;
}
