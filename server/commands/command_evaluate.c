/* grud evaluate: a back-test of a model file on a file of readings, as POST evaluate does it. */
#include "base/arena.h"
#include "commands/back_test_print.h"
#include "commands/command.h"
#include "commands/command_line.h"
#include "commands/csv_series.h"
#include "gru.h"
#include "service/scores/back_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char command[] = "evaluate";
static const char usage[] =
    "usage: grud evaluate MODEL DATA.csv [--horizon N] [--season N] [--level P] [--time COLUMN]\n"
    "                     [--json]\n";

enum { MODEL, DATA, N_OPERANDS };

struct evaluate_arguments {
    const char *operands[N_OPERANDS];
    const char *horizon, *season, *level, *time;
    bool is_json;
};

struct evaluate_work {
    const struct evaluate_arguments *arguments;
    struct gru_model *model;
    struct csv_series series;
    const char **columns; /* the inputs, then the outputs that are no inputs */
    struct arena arena;
    struct back_test test;
    struct gru_work *gru_work;
    const float *future; /* [n_rows][n_future] */
    float *state, *forecast, *y;
};

static int no_memory(void)
{
    return command_complain(command, COMMAND_FAILED, "out of memory");
}

/* ---- what is asked for ---- */

static int read_count(const char *flag, const char *text, size_t *ret_count)
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

static int load_model(struct evaluate_work *work)
{
    const char *path = work->arguments->operands[MODEL];
    struct gru_error error = { 0 };
    enum gru_status status = gru_model_load_file(path, &work->model, &error);
    if (status != GRU_OK) {
        return command_complain(command, COMMAND_FAILED, "%s: %s", path,
                                *error.message ? error.message : gru_status_text(status));
    }
    const struct gru_info *info = gru_model_info(work->model);
    if (work->test.horizon == 0) {
        work->test.horizon = info->steps;
    }
    if (work->test.horizon > info->steps && info->n_feeds == 0) {
        return command_complain(command, COMMAND_WRONG_USAGE,
                                "--horizon is at most %zu for this model: its outputs feed none of "
                                "its inputs",
                                info->steps);
    }
    return COMMAND_FINE;
}

/* ---- the data ---- */

static int refuse_data(const struct evaluate_work *work, const char *reason)
{
    return command_complain(command, COMMAND_FAILED, "%s: %s", work->arguments->operands[DATA],
                            reason);
}

static int read_data(struct evaluate_work *work)
{
    const struct gru_info *info = gru_model_info(work->model);
    struct csv_series *series = &work->series;
    work->columns = calloc(info->n_inputs + info->n_outputs, sizeof *work->columns);
    if (!work->columns) {
        return no_memory();
    }
    *series = (struct csv_series){ .columns = work->columns,
                                   .time = work->arguments->time,
                                   .interval_seconds = info->interval_seconds };
    for (size_t k = 0; k < info->n_inputs; k++) {
        work->columns[series->n_columns++] = info->inputs[k].name;
    }
    for (size_t o = 0; o < info->n_outputs; o++) {
        if (info->outputs[o].feeds < 0) {
            work->columns[series->n_columns++] = info->outputs[o].name;
        }
    }
    if (!csv_series_read(series, work->arguments->operands[DATA])) {
        return refuse_data(work, series->error);
    }
    csv_series_tell_times(series, stderr);
    return COMMAND_FINE;
}

/* Of models that refuse rows without all inputs. */
static int check_missing(struct evaluate_work *work)
{
    const struct csv_series *series = &work->series;
    const struct gru_info *info = gru_model_info(work->model);
    for (size_t row = 0; info->missing == GRU_MISSING_ERROR && row < series->n_rows; row++) {
        for (size_t k = 0; k < info->n_inputs; k++) {
            if (isnan(series->values[row * series->n_columns + k])) {
                const bool is_gap = series->lines[row] == 0;
                while (series->lines[row] == 0) {
                    row++;
                }
                return command_complain(command, COMMAND_FAILED,
                                        "%s: line %zu: input '%s' is missing%s, and the model's "
                                        "policy is to refuse that",
                                        work->arguments->operands[DATA], series->lines[row],
                                        info->inputs[k].name, is_gap ? " before it" : "");
            }
        }
    }
    return COMMAND_FINE;
}

/* What an output was at a row: an input's reading, or, of another, what its own column has in the
 * row before. */
static float value_at(const struct csv_series *series, size_t row, int feeds, size_t column)
{
    if (feeds >= 0) {
        return row < series->n_rows ? series->values[row * series->n_columns + (size_t)feeds] : NAN;
    }
    return row > 0 ? series->values[(row - 1) * series->n_columns + column] : NAN;
}

static int take_values(struct evaluate_work *work)
{
    const struct gru_info *info = gru_model_info(work->model);
    const struct csv_series *series = &work->series;
    struct back_test *test = &work->test;
    const size_t n_values = series->n_rows + (series->n_columns > info->n_inputs ? 1 : 0);
    float *values = arena_array(&work->arena, n_values * info->n_outputs, sizeof *values);
    if (!values) {
        return no_memory();
    }
    size_t n_known = 0;
    float *value = values;
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
        return refuse_data(work, n_known == 0
                                     ? "there is no value that a forecast could be compared with"
                                     : "there must be more rows than --horizon and --season have");
    }
    test->values = values;
    test->n_values = n_values;
    test->n_outputs = info->n_outputs;
    return back_test_begin(test, &work->arena) ? COMMAND_FINE : no_memory();
}

/* What no output feeds is taken as known ahead; then `values` has the inputs alone. */
static int take_inputs(struct evaluate_work *work)
{
    const struct gru_info *info = gru_model_info(work->model);
    const struct csv_series *series = &work->series;
    float *future = arena_array(&work->arena, series->n_rows * info->n_future, sizeof *future),
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
            const float value = series->values[row * series->n_columns + k];
            *x++ = value;
            if (info->inputs[k].feeds < 0) {
                *future++ = value;
            }
        }
    }
    gru_state_init(work->model, work->state);
    return COMMAND_FINE;
}

/* ---- the back-test ---- */

/* Takes row `origin`, and forecasts from there. */
static enum gru_status forecast_from(const struct evaluate_work *work, size_t origin)
{
    const struct gru_info *info = gru_model_info(work->model);
    struct gru_lane lane = { .state_in = work->state,
                             .state_out = work->state,
                             .x = work->series.values + origin * info->n_inputs,
                             .n_rows = 1,
                             .y = work->y };
    enum gru_status status = gru_run(work->model, work->gru_work, &lane, 1);
    if (status != GRU_OK || lane.status != GRU_OK) {
        return status != GRU_OK ? status : lane.status;
    }
    return gru_forecast(work->model, work->gru_work, work->state, work->test.horizon,
                        work->future + (origin + 1) * info->n_future,
                        info->n_future > 0 ? work->series.n_rows - origin - 1 : 0, work->forecast);
}

static int run(struct evaluate_work *work)
{
    for (size_t origin = 0; origin < work->test.n_windows; origin++) {
        enum gru_status status = forecast_from(work, origin);
        if (status != GRU_OK) {
            return command_complain(command, COMMAND_FAILED, "%s: from row %zu: %s",
                                    work->arguments->operands[DATA], origin + 1,
                                    gru_status_text(status));
        }
        back_test_take(&work->test, work->forecast);
    }
    const struct gru_info *info = gru_model_info(work->model);
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
    static int (*const stages[])(struct evaluate_work * work) = { load_model,    read_data,
                                                                  check_missing, take_values,
                                                                  take_inputs,   run };
    int code = COMMAND_FINE;
    for (size_t k = 0; code == COMMAND_FINE && k < sizeof stages / sizeof *stages; k++) {
        code = stages[k](work);
    }
    return code;
}

static int read_arguments(struct evaluate_arguments *arguments, struct back_test *test, int argc,
                          char *const argv[])
{
    const struct command_flag flags[] = {
        { "--horizon", &arguments->horizon, NULL }, { "--season", &arguments->season, NULL },
        { "--level", &arguments->level, NULL },     { "--time", &arguments->time, NULL },
        { "--json", NULL, &arguments->is_json },
    };
    const struct command_line line = { .command = command,
                                       .usage = usage,
                                       .flags = flags,
                                       .n_flags = sizeof flags / sizeof *flags,
                                       .operands = arguments->operands,
                                       .n_operands_max = N_OPERANDS };
    int code = command_line_read(&line, argc, argv);
    if (code == COMMAND_FINE && !arguments->operands[DATA]) {
        return command_line_refuse(&line, "MODEL and DATA.csv are needed");
    }
    if (code == COMMAND_FINE) {
        code = read_count("--horizon", arguments->horizon, &test->horizon);
    }
    if (code == COMMAND_FINE) {
        code = read_count("--season", arguments->season, &test->season);
    }
    return code == COMMAND_FINE ? read_level(arguments->level, &test->level) : code;
}

int command_evaluate(int argc, char *const argv[])
{
    struct evaluate_arguments arguments = { .level = "0.9" };
    struct evaluate_work work = { .arguments = &arguments };
    if (command_asks_help(argc, argv)) {
        fputs(usage, stdout);
        return COMMAND_FINE;
    }
    int code = read_arguments(&arguments, &work.test, argc, argv);
    if (code != COMMAND_FINE) {
        return code;
    }
    arena_init(&work.arena, SIZE_MAX);
    code = evaluate(&work);
    gru_work_free(work.gru_work);
    arena_done(&work.arena);
    csv_series_done(&work.series);
    free(work.columns);
    gru_model_unref(work.model);
    return code;
}
