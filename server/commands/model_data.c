#include "commands/model_data.h"

#include "commands/command_line.h"

#include <math.h>
#include <stdlib.h>

int model_data_refuse(const struct model_data *data, const char *reason)
{
    return command_complain(data->command, COMMAND_FAILED, "%s: %s", data->data_path, reason);
}

int model_data_load(struct model_data *data)
{
    struct gru_error error = { 0 };
    enum gru_status status = gru_model_load_file(data->model_path, &data->model, &error);
    if (status != GRU_OK) {
        return command_complain(data->command, COMMAND_FAILED, "%s: %s", data->model_path,
                                *error.message ? error.message : gru_status_text(status));
    }
    return COMMAND_FINE;
}

int model_data_check_horizon(const struct model_data *data, size_t horizon)
{
    const struct gru_info *info = gru_model_info(data->model);
    if (horizon > info->steps && info->n_feeds == 0) {
        return command_complain(data->command, COMMAND_WRONG_USAGE,
                                "--horizon is at most %zu for this model: its outputs feed none of "
                                "its inputs",
                                info->steps);
    }
    return COMMAND_FINE;
}

/* Of models that refuse rows without all inputs. */
static int check_missing(const struct model_data *data)
{
    const struct csv_series *series = &data->series;
    const struct gru_info *info = gru_model_info(data->model);
    for (size_t row = 0; info->missing == GRU_MISSING_ERROR && row < series->n_rows; row++) {
        for (size_t k = 0; k < info->n_inputs; k++) {
            if (isnan(series->values[row * series->n_columns + k])) {
                const bool is_gap = series->lines[row] == 0;
                while (series->lines[row] == 0) {
                    row++;
                }
                return command_complain(data->command, COMMAND_FAILED,
                                        "%s: line %zu: input '%s' is missing%s, and the model's "
                                        "policy is to refuse that",
                                        data->data_path, series->lines[row], info->inputs[k].name,
                                        is_gap ? " before it" : "");
            }
        }
    }
    return COMMAND_FINE;
}

int model_data_read(struct model_data *data)
{
    const struct gru_info *info = gru_model_info(data->model);
    struct csv_series *series = &data->series;
    data->columns = calloc(info->n_inputs + info->n_outputs, sizeof *data->columns);
    if (!data->columns) {
        return command_complain(data->command, COMMAND_FAILED, "out of memory");
    }
    *series = (struct csv_series){ .columns = data->columns,
                                   .time = data->time,
                                   .interval_seconds = info->interval_seconds };
    for (size_t k = 0; k < info->n_inputs; k++) {
        data->columns[series->n_columns++] = info->inputs[k].name;
    }
    for (size_t o = 0; data->has_outputs && o < info->n_outputs; o++) {
        if (info->outputs[o].feeds < 0) {
            data->columns[series->n_columns++] = info->outputs[o].name;
        }
    }
    if (!csv_series_read(series, data->data_path)) {
        return model_data_refuse(data, series->error);
    }
    csv_series_round(series, info);
    csv_series_tell_times(series, stderr);
    return check_missing(data);
}

void model_data_done(struct model_data *data)
{
    csv_series_done(&data->series);
    free(data->columns);
    gru_model_unref(data->model);
}

int model_data_read_count(const char *command, const char *flag, const char *text,
                          size_t *ret_count)
{
    uint64_t count;
    if (text && (!command_parse_number(text, &count) || count < 1 || count > UINT32_MAX)) {
        return command_complain(command, COMMAND_WRONG_USAGE,
                                "%s takes a whole number of rows from 1, not '%s'", flag, text);
    }
    if (text) {
        *ret_count = (size_t)count;
    }
    return COMMAND_FINE;
}
