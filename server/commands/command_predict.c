/* grud predict: what a model file forecasts from a file of readings, as POST predict does it. */
#include "base/arena.h"
#include "commands/command.h"
#include "commands/command_table.h"
#include "commands/model_data.h"
#include "commands/prediction_print.h"
#include "gru.h"
#include "service/scores/interval_levels.h"
#include "service/scores/sequence_intervals.h"

#include <stdio.h>

static const char command[] = "predict";

struct predict_arguments {
    const char *model, *data, *horizon, *level, *future, *time;
    bool is_csv, is_json;
};

static const struct command_option options[] = {
    { "horizon", "N", NULL,
      "rows to forecast behind the last one; default as many as the model says at once", false,
      offsetof(struct predict_arguments, horizon) },
    { "level", "P[,P...]", NULL,
      "the share of readings that intervals of the forecast shall hold, as 0.9; default none",
      false, offsetof(struct predict_arguments, level) },
    { "future", "FILE", NULL, "the rows behind the last one of the inputs that no output feeds",
      false, offsetof(struct predict_arguments, future) },
    { "time", "COLUMN", NULL,
      "the column of times; default the first one, if it begins with a date", false,
      offsetof(struct predict_arguments, time) },
    { "csv", NULL, NULL, "print what is forecast from every row, as comma-separated values", false,
      offsetof(struct predict_arguments, is_csv) },
    { "json", NULL, NULL, "print what POST predict answers", false,
      offsetof(struct predict_arguments, is_json) },
};

const struct command_line command_predict_line = {
    .command = command,
    .summary = "says what a model forecasts from a file of readings",
    .operands = { { "MODEL", NULL, offsetof(struct predict_arguments, model) },
                  { "DATA.csv", NULL, offsetof(struct predict_arguments, data) } },
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .manual =
        "Runs the rows of \\fIDATA.csv\\fR through a model and forecasts\n"
        "\\fB\\-\\-horizon\\fR rows behind the last one. It prints a table of the forecast, with\n"
        "\\fB\\-\\-csv\\fR what is forecast from every row, with \\fB\\-\\-json\\fR the reply of\n"
        "POST predict. A row of the table and of the CSV text says from which row of the file the\n"
        "forecast was made, how many rows ahead it looks, and, where the file has times, the time\n"
        "that it is for.\n"
        ".PP\n"
        "With \\fB\\-\\-level\\fR the forecast has prediction intervals, whose widths are learnt\n"
        "from the forecasts that could have been made from the last 200 rows of the file.\n"
        ".PP\n"
        "Forecasts of several rows ahead need to know inputs that no output forecasts, such as a\n"
        "price that is set: their next values are the rows of the file "
        "\\fB\\-\\-future\\fR.\n" COMMAND_TABLE_DATA,
};

struct predict_work {
    const struct predict_arguments *arguments;
    struct model_data data;
    size_t n_ahead; /* rows of the forecast; 0: y is all there is */
    struct interval_levels levels;
    struct csv_series future;
    const char **future_columns;
    struct arena arena;
    struct gru_work *gru_work;
    float *state;
    double *y, *forecast;
    struct sequence_intervals *calibration; /* NULL: no intervals */
    struct interval_replies intervals;
};

static int no_memory(void)
{
    return command_complain(command, COMMAND_FAILED, "out of memory");
}

/* ---- what is asked for ---- */

static int read_arguments(const struct predict_arguments *arguments, struct predict_work *work)
{
    if (arguments->is_csv && arguments->is_json) {
        return command_complain(command, COMMAND_WRONG_USAGE, "--csv or --json, not both");
    }
    if (arguments->level &&
        (!interval_levels_parse(arguments->level, &work->levels) || work->levels.n == 0)) {
        return command_complain(command, COMMAND_WRONG_USAGE,
                                "--level takes the shares of readings that intervals shall hold, "
                                "above 0 and below 1, ascending, up to %d, not '%s'",
                                INTERVAL_LEVELS_MAX, arguments->level);
    }
    return model_data_read_count(command, "--horizon", arguments->horizon, &work->n_ahead);
}

static int load(struct predict_work *work)
{
    int code = model_data_load(&work->data);
    if (code == COMMAND_FINE) {
        code = model_data_check_horizon(&work->data, work->n_ahead);
    }
    if (code != COMMAND_FINE) {
        return code;
    }
    const size_t n_steps = gru_model_info(work->data.model)->steps;
    work->n_ahead = work->n_ahead == 0 && n_steps > 1 ? n_steps : work->n_ahead;
    return model_data_read(&work->data);
}

/* ---- what is known ahead ---- */

static int read_future(struct predict_work *work)
{
    const struct gru_info *info = gru_model_info(work->data.model);
    const char *path = work->arguments->future;
    const size_t n_needed = gru_future_rows(work->data.model, work->n_ahead);
    if (!path) {
        return n_needed == 0
                   ? COMMAND_FINE
                   : command_complain(command, COMMAND_WRONG_USAGE,
                                      "this horizon needs %zu rows of what no output forecasts: "
                                      "name a file of them with --future",
                                      n_needed);
    }
    work->future_columns = arena_array(&work->arena, info->n_inputs, sizeof(const char *));
    if (!work->future_columns) {
        return no_memory();
    }
    work->future = (struct csv_series){ .columns = work->future_columns,
                                        .interval_seconds = work->data.series.interval_seconds };
    for (size_t k = 0; k < info->n_inputs; k++) {
        if (info->inputs[k].feeds < 0) {
            work->future_columns[work->future.n_columns++] = info->inputs[k].name;
        }
    }
    if (!csv_series_read(&work->future, path)) {
        return command_complain(command, COMMAND_FAILED, "%s: %s", path, work->future.error);
    }
    csv_series_round(&work->future, info);
    if (work->future.n_rows < n_needed) {
        return command_complain(command, COMMAND_FAILED,
                                "%s: this horizon needs %zu rows, and there are %zu", path,
                                n_needed, work->future.n_rows);
    }
    return COMMAND_FINE;
}

/* ---- the prediction ---- */

static int take_room(struct predict_work *work)
{
    const struct gru_info *info = gru_model_info(work->data.model);
    const size_t n_rows = work->data.series.n_rows;
    work->state = arena_array(&work->arena, info->state_floats, sizeof *work->state);
    work->y = arena_array(&work->arena, n_rows * info->y_floats, sizeof *work->y);
    if (work->n_ahead > 0) {
        work->forecast =
            arena_array(&work->arena, work->n_ahead * info->n_outputs, sizeof *work->forecast);
    }
    if (work->levels.n > 0) {
        work->calibration =
            sequence_intervals_create(work->data.model, &work->levels,
                                      work->n_ahead > 0 ? work->n_ahead : 1, n_rows, &work->arena);
    }
    const bool has_room = work->state && work->y && (work->forecast || work->n_ahead == 0) &&
                          (work->calibration || work->levels.n == 0);
    return has_room && gru_work_create(&work->gru_work) == GRU_OK ? COMMAND_FINE : no_memory();
}

static int fail(const struct predict_work *work, size_t row, enum gru_status status)
{
    return command_complain(command, COMMAND_FAILED, "%s: from row %zu: %s", work->data.data_path,
                            row + 1, gru_status_text(status));
}

/* All rows; with intervals the last ones one by one, as origins of forecasts. */
static int run_rows(struct predict_work *work)
{
    const struct gru_model *model = work->data.model;
    const size_t n_rows = work->data.series.n_rows;
    const double *x = work->data.series.values;
    struct gru_lane lane = { .state_out = work->state,
                             .x = x,
                             .n_rows =
                                 work->calibration ? sequence_intervals_first(n_rows) : n_rows,
                             .y = work->y };
    enum gru_status status = gru_run(model, work->gru_work, &lane, 1);
    if (status != GRU_OK || lane.status != GRU_OK) {
        return fail(work, lane.bad_row, status != GRU_OK ? status : lane.status);
    }
    while (work->calibration && work->calibration->n_rows_left > 0) {
        const size_t row = work->calibration->row;
        lane.y = work->y + row * gru_model_info(model)->y_floats;
        status = sequence_intervals_go_on(work->calibration, work->gru_work, x, &lane);
        if (status != GRU_OK) {
            return fail(work, row, status);
        }
    }
    return COMMAND_FINE;
}

static int forecast(struct predict_work *work)
{
    const struct gru_model *model = work->data.model;
    const size_t last = work->data.series.n_rows - 1;
    if (work->n_ahead > 0) {
        enum gru_status status =
            gru_forecast(model, work->gru_work, work->state, work->n_ahead, work->future.values,
                         work->future.n_rows, work->forecast);
        if (status != GRU_OK) {
            return fail(work, last, status);
        }
    }
    if (work->calibration) {
        const double *of =
            work->forecast ? work->forecast : work->y + last * gru_model_info(model)->y_floats;
        return sequence_intervals_tell(work->calibration, of, &work->intervals) ? COMMAND_FINE
                                                                                : no_memory();
    }
    return COMMAND_FINE;
}

static int tell(struct predict_work *work)
{
    const struct prediction_print print = { .info = gru_model_info(work->data.model),
                                            .series = &work->data.series,
                                            .y = work->y,
                                            .forecast = work->forecast,
                                            .n_ahead = work->n_ahead,
                                            .intervals = &work->intervals };
    const struct predict_arguments *arguments = work->arguments;
    (arguments->is_json  ? prediction_print_json
     : arguments->is_csv ? prediction_print_csv
                         : prediction_print_table)(&print, stdout);
    return fflush(stdout) == 0 && !ferror(stdout)
               ? COMMAND_FINE
               : command_complain(command, COMMAND_FAILED, "standard output: %m");
}

/* ---- the command ---- */

static int predict(struct predict_work *work)
{
    static int (*const stages[])(struct predict_work * work) = { load,     read_future, take_room,
                                                                 run_rows, forecast,    tell };
    int code = COMMAND_FINE;
    for (size_t k = 0; code == COMMAND_FINE && k < sizeof stages / sizeof *stages; k++) {
        code = stages[k](work);
    }
    return code;
}

int command_predict(int argc, char *const argv[])
{
    struct predict_arguments arguments = { 0 };
    if (command_line_asks_help(&command_predict_line, argc, argv)) {
        return COMMAND_FINE;
    }
    int code = command_line_read(&command_predict_line, &arguments, argc, argv);
    struct predict_work work = { .arguments = &arguments,
                                 .data = { .command = command,
                                           .model_path = arguments.model,
                                           .data_path = arguments.data,
                                           .time = arguments.time } };
    if (code == COMMAND_FINE) {
        code = read_arguments(&arguments, &work);
    }
    if (code != COMMAND_FINE) {
        return code;
    }
    arena_init(&work.arena, SIZE_MAX);
    code = predict(&work);
    gru_work_free(work.gru_work);
    csv_series_done(&work.future);
    arena_done(&work.arena);
    model_data_done(&work.data);
    return code;
}
