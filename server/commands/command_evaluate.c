/* grud evaluate: a back-test of a model file on a file of readings, as POST evaluate does it. */
#include "base/arena.h"
#include "commands/back_test_print.h"
#include "commands/command.h"
#include "commands/command_table.h"
#include "commands/model_data.h"
#include "gru.h"
#include "service/scores/back_test.h"

#include <math.h>
#include <stdio.h>

static const char command[] = "evaluate";
struct evaluate_arguments {
    const char *model, *data, *horizon, *season, *level, *time;
    bool is_json;
};

static const struct command_option options[] = {
    { "horizon", "N", NULL, "rows ahead; default as many as the model says at once", false,
      offsetof(struct evaluate_arguments, horizon) },
    { "season", "N", NULL, "rows in a season, as 24 for hours; default that of the model", false,
      offsetof(struct evaluate_arguments, season) },
    { "level", "P", NULL, "the share of readings that intervals shall hold; default 0.9", false,
      offsetof(struct evaluate_arguments, level) },
    { "time", "COLUMN", NULL,
      "the column of times; default the first one, if it begins with a date", false,
      offsetof(struct evaluate_arguments, time) },
    { "json", NULL, NULL, "print what POST evaluate answers, instead of a table", false,
      offsetof(struct evaluate_arguments, is_json) },
};

const struct command_line command_evaluate_line = {
    .command = command,
    .summary = "says how good the forecasts of a model are on a file of readings",
    .operands = { { "MODEL", NULL, offsetof(struct evaluate_arguments, model) },
                  { "DATA.csv", NULL, offsetof(struct evaluate_arguments, data) } },
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .manual =
        "Forecasts \\fB\\-\\-horizon\\fR rows ahead from each row of \\fIDATA.csv\\fR, as a "
        "stream\n"
        "that had come so far would be forecast, and compares that with what came. The figures\n"
        "are those of POST evaluate: errors, skill against persistence and against a season, and\n"
        "how well prediction intervals were kept.\n"
        ".PP\n"
        "An output that is no input has a column, too: what it should have "
        "been.\n" COMMAND_TABLE_DATA,
};

struct evaluate_work {
    const struct evaluate_arguments *arguments;
    struct model_data data;
    struct arena arena;
    struct back_test test;
    struct gru_work *gru_work;
    const double *future; /* [n_rows][n_future] */
    float *state;
    double *forecast, *y;
};

static int no_memory(void)
{
    return command_complain(command, COMMAND_FAILED, "out of memory");
}

/* ---- what is asked for ---- */

static int read_level(const char *text, double *ret_level)
{
    if (!command_parse_real(text, ret_level) || !(*ret_level > 0 && *ret_level < 1)) {
        return command_complain(command, COMMAND_WRONG_USAGE,
                                "--level takes the share of readings that intervals shall hold, "
                                "above 0 and below 1, not '%s'",
                                text);
    }
    return COMMAND_FINE;
}

/* ---- the data ---- */

static int load(struct evaluate_work *work)
{
    int code = model_data_load(&work->data);
    if (code == COMMAND_FINE && work->test.horizon == 0) {
        work->test.horizon = gru_model_info(work->data.model)->steps;
    }
    if (code == COMMAND_FINE) {
        code = model_data_check_horizon(&work->data, work->test.horizon);
    }
    return code == COMMAND_FINE ? model_data_read(&work->data) : code;
}

/* What an output was at a row: an input's reading, or, of another, what its own column has in the
 * row before. */
static double value_at(const struct csv_series *series, size_t row, int feeds, size_t column)
{
    if (feeds >= 0) {
        return row < series->n_rows ? series->values[row * series->n_columns + (size_t)feeds]
                                    : (double)NAN;
    }
    return row > 0 ? series->values[(row - 1) * series->n_columns + column] : (double)NAN;
}

static int take_values(struct evaluate_work *work)
{
    const struct gru_info *info = gru_model_info(work->data.model);
    const struct csv_series *series = &work->data.series;
    struct back_test *test = &work->test;
    const size_t n_values = series->n_rows + (series->n_columns > info->n_inputs ? 1 : 0);
    double *values = arena_array(&work->arena, n_values * info->n_outputs, sizeof *values);
    if (!values) {
        return no_memory();
    }
    size_t n_known = 0;
    double *value = values;
    for (size_t row = 0; row < n_values; row++) {
        size_t column = info->n_inputs;
        for (size_t o = 0; o < info->n_outputs; o++, value++) {
            *value = value_at(series, row, info->outputs[o].feeds, column);
            column += info->outputs[o].feeds < 0;
            n_known += row > 0 && !isnan(*value);
        }
    }
    if (test->season == 0 && info->season < series->n_rows) {
        test->season = info->season;
    }
    if (n_values <= test->horizon || test->season >= series->n_rows || n_known == 0) {
        return model_data_refuse(
            &work->data, n_known == 0 ? "there is no value that a forecast could be compared with"
                                      : "there must be more rows than --horizon and --season have");
    }
    test->values = values;
    test->n_values = n_values;
    test->n_outputs = info->n_outputs;
    test->is_wide = info->is_wide;
    return back_test_begin(test, &work->arena) ? COMMAND_FINE : no_memory();
}

/* What no output feeds is taken as known ahead; then `values` has the inputs alone. */
static int take_inputs(struct evaluate_work *work)
{
    const struct gru_info *info = gru_model_info(work->data.model);
    const struct csv_series *series = &work->data.series;
    double *future = arena_array(&work->arena, series->n_rows * info->n_future, sizeof *future),
           *x = series->values;
    work->state = arena_array(&work->arena, info->state_floats, sizeof *work->state);
    work->y = arena_array(&work->arena, info->y_floats, sizeof *work->y);
    work->forecast =
        arena_array(&work->arena, work->test.horizon * info->n_outputs, sizeof *work->forecast);
    if (!future || !work->state || !work->y || !work->forecast ||
        gru_work_create(&work->gru_work) != GRU_OK) {
        return no_memory();
    }
    work->future = future;
    for (size_t row = 0; row < series->n_rows; row++) {
        for (size_t k = 0; k < info->n_inputs; k++) {
            const double value = series->values[row * series->n_columns + k];
            *x++ = value;
            if (info->inputs[k].feeds < 0) {
                *future++ = value;
            }
        }
    }
    gru_state_init(work->data.model, work->state);
    return COMMAND_FINE;
}

/* ---- the back-test ---- */

/* Takes row `origin`, and forecasts from there. */
static enum gru_status forecast_from(const struct evaluate_work *work, size_t origin)
{
    const struct gru_info *info = gru_model_info(work->data.model);
    struct gru_lane lane = { .state_in = work->state,
                             .state_out = work->state,
                             .x = work->data.series.values + origin * info->n_inputs,
                             .n_rows = 1,
                             .y = work->y };
    enum gru_status status = gru_run(work->data.model, work->gru_work, &lane, 1);
    if (status != GRU_OK || lane.status != GRU_OK) {
        return status != GRU_OK ? status : lane.status;
    }
    return gru_forecast(work->data.model, work->gru_work, work->state, work->test.horizon,
                        work->future + (origin + 1) * info->n_future,
                        info->n_future > 0 ? work->data.series.n_rows - origin - 1 : 0,
                        work->forecast);
}

static int run(struct evaluate_work *work)
{
    for (size_t origin = 0; origin < work->test.n_windows; origin++) {
        enum gru_status status = forecast_from(work, origin);
        if (status != GRU_OK) {
            return command_complain(command, COMMAND_FAILED, "%s: from row %zu: %s",
                                    work->data.data_path, origin + 1, gru_status_text(status));
        }
        back_test_take(&work->test, work->forecast);
    }
    const struct gru_info *info = gru_model_info(work->data.model);
    if (work->arguments->is_json) {
        back_test_print_json(&work->test, info, stdout);
    } else {
        back_test_print_table(&work->test, info, stdout);
    }
    return fflush(stdout) == 0 && !ferror(stdout)
               ? COMMAND_FINE
               : command_complain(command, COMMAND_FAILED, "standard output: %m");
}

/* ---- the command ---- */

static int evaluate(struct evaluate_work *work)
{
    static int (*const stages[])(struct evaluate_work * work) = { load, take_values, take_inputs,
                                                                  run };
    int code = COMMAND_FINE;
    for (size_t k = 0; code == COMMAND_FINE && k < sizeof stages / sizeof *stages; k++) {
        code = stages[k](work);
    }
    return code;
}

static int read_arguments(const struct evaluate_arguments *arguments, struct back_test *test)
{
    int code = model_data_read_count(command, "--horizon", arguments->horizon, &test->horizon);
    if (code == COMMAND_FINE) {
        code = model_data_read_count(command, "--season", arguments->season, &test->season);
    }
    return code == COMMAND_FINE ? read_level(arguments->level, &test->level) : code;
}

int command_evaluate(int argc, char *const argv[])
{
    struct evaluate_arguments arguments = { .level = "0.9" };
    if (command_line_asks_help(&command_evaluate_line, argc, argv)) {
        return COMMAND_FINE;
    }
    int code = command_line_read(&command_evaluate_line, &arguments, argc, argv);
    struct evaluate_work work = { .arguments = &arguments,
                                  .data = { .command = command,
                                            .model_path = arguments.model,
                                            .data_path = arguments.data,
                                            .time = arguments.time,
                                            .has_outputs = true } };
    if (code == COMMAND_FINE) {
        code = read_arguments(&arguments, &work.test);
    }
    if (code != COMMAND_FINE) {
        return code;
    }
    arena_init(&work.arena, SIZE_MAX);
    code = evaluate(&work);
    gru_work_free(work.gru_work);
    arena_done(&work.arena);
    model_data_done(&work.data);
    return code;
}
