/* grud train: makes a model and trains it on a file of readings, by the trainer of the jobs. */
#include "commands/command.h"
#include "commands/command_table.h"
#include "commands/csv_series.h"
#include "commands/model_output.h"
#include "commands/model_plan.h"
#include "commands/model_scaling.h"
#include "commands/train_recipe.h"
#include "commands/training_flags.h"
#include "commands/training_loop.h"
#include "gru.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "train";
enum { N_ROWS_LEAST = 10 };

struct train_arguments {
    struct model_plan_words words;
    struct model_output output;
    struct training_words training_words;
    struct train_recipe_words recipe;
    const char *data, *time, *validation_fraction;
};

static const struct command_option options[] = {
    MODEL_PLAN_OPTIONS(struct train_arguments),
    MODEL_OUTPUT_OPTIONS(struct train_arguments),
    { "time", "COLUMN", NULL,
      "the column of times; default the first one, if it begins with a date", false,
      offsetof(struct train_arguments, time) },
    { "validation_fraction", "F", NULL,
      "the part of the rows, the last ones, that chooses the best epoch; default 0.2", false,
      offsetof(struct train_arguments, validation_fraction) },
#define ROW(field, type, ...) TRAINING_OPTION(struct train_arguments, field, type),
    GRU_HYPERPARAMETERS(ROW)
#undef ROW
        TRAINING_OUTPUT_WEIGHTS_OPTION(struct train_arguments),
    TRAIN_RECIPE_OPTIONS(struct train_arguments),
};

const struct command_line command_train_line = {
    .command = command,
    .summary = "makes a model and trains it on a file of readings",
    .operands = { { "DATA.csv", NULL, offsetof(struct train_arguments, data) } },
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .manual =
        "Makes a model and trains it on the rows of \\fIDATA.csv\\fR, whose first line names the\n"
        "columns. Scaling is fitted to the training part, and one layer is 32 wide unless "
        "\\fB\\-\\-layers\\fR says otherwise.\n"
        "The last part of the rows is not trained on: it chooses the best epoch, and tells how\n"
        "much better than persistence (\\(lqthe last value stays\\(rq) the model is.\n"
        ".PP\n"
        "On a terminal one line says how far training is, otherwise there is a line an epoch.\n"
        "SIGINT ends training early; what is best so far is written.\n"
        ".PP\n"
        "With \\fB\\-\\-recipe\\fR nothing else has to be chosen: networks of several kinds are "
        "trained in turn,\n"
        "each on the training part, and their forecasts of 1 to \\fB\\-\\-horizon\\fR rows ahead "
        "are "
        "compared\n"
        "over the validation part. A table says what was tried, and the best is written: a naive\n"
        "forecast, if no network is better.\n" COMMAND_TABLE_DATA,
};

/* All that training needs and leaves. */
struct train_work {
    const struct train_arguments *arguments;
    struct model_plan plan;
    struct csv_series series;
    const char **columns; /* the inputs, then the outputs */
    struct gru_series gru_series;
    struct gru_training training;
    double *y; /* of outputs that are no inputs */
    struct gru_model *base;
};

static int no_memory(void)
{
    return command_complain(command, COMMAND_FAILED, "out of memory");
}

/* ---- the data ---- */

static int read_data(struct train_work *work)
{
    const struct gru_plan *plan = &work->plan.gru;
    const size_t n = plan->n_inputs + plan->n_outputs;
    work->columns = calloc(n, sizeof *work->columns);
    if (!work->columns) {
        return no_memory();
    }
    for (size_t k = 0; k < n; k++) {
        work->columns[k] = k < plan->n_inputs ? plan->inputs[k] : plan->outputs[k - plan->n_inputs];
    }
    work->series = (struct csv_series){ .columns = work->columns,
                                        .n_columns = n,
                                        .time = work->arguments->time,
                                        .interval_seconds = plan->interval_seconds };
    if (!csv_series_read(&work->series, work->arguments->data)) {
        return command_complain(command, COMMAND_FAILED, "%s: %s", work->arguments->data,
                                work->series.error);
    }
    if (work->series.n_rows < N_ROWS_LEAST) {
        return command_complain(command, COMMAND_FAILED,
                                "%s: has %zu rows; training needs %d, and the more the better",
                                work->arguments->data, work->series.n_rows, N_ROWS_LEAST);
    }
    return COMMAND_FINE;
}

/* Rows of the training part: the rest is the library's validation part (struct gru_training). */
static size_t n_train_rows(const struct train_work *work)
{
    const size_t n = work->series.n_rows;
    size_t n_valid = (size_t)(work->training.validation_fraction * (double)n);
    return n_valid > 0 ? n - n_valid : n - 1;
}

/* A column that has no value, or only one, in the training part: there is nothing to learn. */
static int check_column(const struct train_work *work, size_t column)
{
    const struct csv_series *series = &work->series;
    size_t n = 0;
    double first = NAN;
    bool is_constant = true;
    for (size_t row = 0; row < n_train_rows(work); row++) {
        const double value = series->values[row * series->n_columns + column];
        if (!isnan(value)) {
            first = n++ == 0 ? value : first;
            is_constant = is_constant && value == first;
        }
    }
    if (n == 0) {
        return command_complain(command, COMMAND_FAILED,
                                "%s: column '%s' has no value in the training part, rows 1 to %zu",
                                work->arguments->data, work->columns[column], n_train_rows(work));
    }
    if (is_constant) {
        command_complain(command, COMMAND_FINE,
                         "%s: column '%s' is %g throughout the training part: nothing can be "
                         "learned from it",
                         work->arguments->data, work->columns[column], first);
    }
    return COMMAND_FINE;
}

static bool is_input(const struct gru_plan *plan, const char *name)
{
    size_t k = 0;
    while (k < plan->n_inputs && strcmp(plan->inputs[k], name) != 0) {
        k++;
    }
    return k < plan->n_inputs;
}

static int check_columns(const struct train_work *work)
{
    const struct gru_plan *plan = &work->plan.gru;
    int code = COMMAND_FINE;
    for (size_t k = 0; code == COMMAND_FINE && k < work->series.n_columns; k++) {
        if (k < plan->n_inputs || !is_input(plan, work->columns[k])) {
            code = check_column(work, k);
        }
    }
    return code;
}

/* ---- the training ---- */

/* An output that is an input, too, has its next value for a target, any other its own value in the
 * same row; a later step those of later rows. */
static double target(const struct train_work *work, size_t row, size_t output, int feeds)
{
    const struct csv_series *series = &work->series;
    const size_t at = feeds < 0 ? row : row + 1;
    const size_t column = feeds < 0 ? work->plan.gru.n_inputs + output : (size_t)feeds;
    return at < series->n_rows ? series->values[at * series->n_columns + column] : (double)NAN;
}

/* The inputs move together; where an output is no input, there is a y. */
static int arrange(struct train_work *work)
{
    const struct gru_info *info = gru_model_info(work->base);
    struct csv_series *series = &work->series;
    if (info->n_feeds < info->n_outputs) {
        work->y = reallocarray(NULL, series->n_rows, info->y_floats * sizeof *work->y);
        if (!work->y) {
            return no_memory();
        }
    }
    for (size_t row = 0; work->y && row < series->n_rows; row++) {
        for (size_t k = 0; k < info->y_floats; k++) {
            const size_t step = k / info->n_outputs, o = k % info->n_outputs;
            work->y[row * info->y_floats + k] = target(work, row + step, o, info->outputs[o].feeds);
        }
    }
    for (size_t row = 0; row < series->n_rows; row++) {
        memmove(series->values + row * info->n_inputs, series->values + row * series->n_columns,
                info->n_inputs * sizeof *series->values);
    }
    work->gru_series = (struct gru_series){ .x = series->values,
                                            .n_rows = series->n_rows,
                                            .y = work->y,
                                            .n_targets = work->y ? series->n_rows : 0 };
    return COMMAND_FINE;
}

/* What training starts from has the data's scaling, and so has what it is compared with. */
static int fit_scaling(struct train_work *work)
{
    struct gru_model *fitted;
    if (gru_model_fit_scaling(work->base, &work->training, &fitted) != GRU_OK) {
        return no_memory();
    }
    gru_model_unref(work->base);
    work->base = fitted;
    if (work->training.hyperparameters.scaling == GRU_SCALING_KEEP) {
        return model_scaling_warn(command, work->base, &work->training, "--scaling fit");
    }
    work->training.hyperparameters.scaling = GRU_SCALING_KEEP;
    return COMMAND_FINE;
}

static int refuse_training(const struct train_work *work, enum gru_status status,
                           const struct gru_error *error)
{
    char text[COMMAND_FLAG_SIZE];
    const char *flag = training_flags_find(error->param, text);
    const char *message = *error->message ? error->message : gru_status_text(status);
    const char *what = flag ? flag : work->arguments->data;
    int code = flag ? COMMAND_WRONG_USAGE : COMMAND_FAILED;
    return command_complain(command, code, "%s: %s", what, message);
}

static int create_trainer(struct train_work *work, struct gru_trainer **ret_trainer)
{
    struct gru_error error = { 0 };
    struct gru_training_info info;
    enum gru_status status = gru_training_check(work->base, &work->training, &info, &error);
    if (status == GRU_OK) {
        status = gru_trainer_create(work->base, &work->training, ret_trainer, &error);
    }
    if (status != GRU_OK) {
        return refuse_training(work, status, &error);
    }
    const struct csv_series *series = &work->series;
    fprintf(stderr, "%s: %zu rows, %zu to train on and %zu to validate; %zu values are missing\n",
            work->arguments->data, series->n_read, n_train_rows(work),
            series->n_rows - n_train_rows(work), series->n_missing);
    csv_series_tell_times(series, stderr);
    return COMMAND_FINE;
}

/* "best epoch 12 of 20: validation loss 0.081, persistence 0.094, skill 0.14" */
static void tell(const struct training_loop *loop, FILE *out)
{
    const struct gru_progress *progress = &loop->progress;
    const size_t best = progress->best_epoch > 0 ? progress->best_epoch : progress->epoch;
    const double loss = progress->best_epoch > 0 ? progress->best_valid_loss : progress->valid_loss,
                 naive = progress->persistence_valid_loss;
    if (loop->is_interrupted) {
        fprintf(stderr, "stopped after epoch %zu of %zu: what is best so far is written\n",
                progress->epoch, progress->n_epochs);
    }
    fprintf(out, "epoch %zu of %zu: validation loss %.4g", best, progress->epoch, loss);
    if (naive > 0) {
        fprintf(out, ", persistence %.4g, skill %.3g", naive, 1 - loss / naive);
    }
    fputc('\n', out);
    if (loss >= naive) {
        const struct gru_info *info = gru_model_info(loop->base);
        command_complain(command, COMMAND_FINE,
                         "the model is no better than persistence (\"the last value stays\"); try "
                         "%smore --n-epochs, or more rows",
                         info->n_feeds > 0 && !info->residual ? "--residual, " : "");
    }
}

static int train(struct train_work *work)
{
    const struct model_output *output = &work->arguments->output;
    struct training_loop loop = { .command = command,
                                  .base = work->base,
                                  .training = &work->training };
    struct gru_trainer *trainer = NULL;
    int code = create_trainer(work, &trainer);
    if (code == COMMAND_FINE) {
        code = training_loop_run(&loop, trainer);
    }
    if (code == COMMAND_FINE && !loop.trained) {
        code = command_complain(command, COMMAND_FAILED,
                                "stopped before the first epoch was complete: nothing is written");
    }
    if (code == COMMAND_FINE) {
        tell(&loop, model_output_stream(output));
        code = model_output_save(output, loop.trained);
    }
    gru_model_unref(loop.trained);
    gru_trainer_free(trainer);
    return code;
}

/* ---- the recipe ---- */

/* Whether an option was given, or has a default. */
static bool is_there(const struct train_arguments *arguments, const struct command_option *option)
{
    const char *place = (const char *)arguments + option->at;
    return option->value ? *(const char *const *)place != NULL : *(const bool *)place;
}

static bool goes_with_recipe(const struct command_option *option)
{
    static const char *const taken[] = TRAIN_RECIPE_TAKES;
    bool goes =
        option->at >= offsetof(struct train_arguments, recipe) &&
        option->at < offsetof(struct train_arguments, recipe) + sizeof(struct train_recipe_words);
    for (size_t k = 0; k < sizeof taken / sizeof *taken; k++) {
        goes = goes || strcmp(option->name, taken[k]) == 0;
    }
    return goes;
}

/* A recipe chooses what the other options say, and without one nobody asks for a horizon. */
static int check_recipe(const struct train_arguments *arguments)
{
    const struct train_recipe_words *words = &arguments->recipe;
    char flag[COMMAND_FLAG_SIZE];
    if (!words->recipe && (words->horizon || words->max_seconds)) {
        return command_complain(command, COMMAND_WRONG_USAGE, "%s goes with --recipe",
                                words->horizon ? "--horizon" : "--max-seconds");
    }
    if (words->recipe && !words->horizon) {
        return command_complain(command, COMMAND_WRONG_USAGE,
                                "--recipe needs --horizon: how many rows ahead forecasts shall be "
                                "good for, as in --horizon 24");
    }
    for (size_t k = 0; words->recipe && k < command_train_line.n_options; k++) {
        if (is_there(arguments, &options[k]) && !goes_with_recipe(&options[k])) {
            return command_complain(command, COMMAND_WRONG_USAGE,
                                    "--recipe goes without %s: it chooses that itself",
                                    command_option_flag(&options[k], flag));
        }
    }
    return COMMAND_FINE;
}

static int try_recipe(const struct train_work *work)
{
    const struct model_output *output = &work->arguments->output;
    const struct train_recipe recipe = { .command = command,
                                         .data_path = work->arguments->data,
                                         .words = &work->arguments->recipe,
                                         .plan = &work->plan.gru,
                                         .series = &work->series,
                                         .validation_fraction = work->training.validation_fraction,
                                         .out = model_output_stream(output) };
    struct gru_model *model;
    csv_series_tell_times(&work->series, stderr);
    int code = train_recipe_run(&recipe, &model);
    if (code == COMMAND_FINE) {
        code = model_output_save(output, model);
        gru_model_unref(model);
    }
    return code;
}

/* ---- the command ---- */

static int read_fraction(const char *text, double *ret_fraction)
{
    if (!command_parse_real(text, ret_fraction) || !(*ret_fraction > 0 && *ret_fraction < 1)) {
        return command_complain(command, COMMAND_WRONG_USAGE,
                                "--validation-fraction takes the part of the rows, the last ones, "
                                "that training does not see: above 0 and below 1, not '%s'",
                                text);
    }
    return COMMAND_FINE;
}

static int make(struct train_work *work)
{
    const struct train_arguments *arguments = work->arguments;
    work->training = (struct gru_training){ .series = &work->gru_series, .n_series = 1 };
    int code = read_fraction(arguments->validation_fraction, &work->training.validation_fraction);
    if (code == COMMAND_FINE) {
        code = training_flags_read(&arguments->training_words, command,
                                   &work->training.hyperparameters);
    }
    if (code == COMMAND_FINE) {
        code = model_plan_make(&work->plan, &arguments->words);
    }
    work->training.seed = work->plan.gru.seed;
    if (code == COMMAND_FINE) {
        code = read_data(work);
    }
    work->plan.gru.interval_seconds = work->series.interval_seconds;
    if (code == COMMAND_FINE && arguments->recipe.recipe) {
        return try_recipe(work);
    }
    if (code == COMMAND_FINE) {
        code = check_columns(work);
    }
    if (code == COMMAND_FINE) {
        code = model_plan_create_model(&work->plan, &work->base);
    }
    if (code == COMMAND_FINE) {
        code = arrange(work);
    }
    if (code == COMMAND_FINE) {
        code = fit_scaling(work);
    }
    return code == COMMAND_FINE ? train(work) : code;
}

int command_train(int argc, char *const argv[])
{
    struct train_arguments arguments = { .words = { MODEL_PLAN_INITIAL },
                                         .output = { .command = command },
                                         .validation_fraction = "0.2" };
    if (command_line_asks_help(&command_train_line, argc, argv)) {
        return COMMAND_FINE;
    }
    int code = command_line_read(&command_train_line, &arguments, argc, argv);
    if (code == COMMAND_FINE) {
        code = check_recipe(&arguments);
    }
    if (!arguments.words.layers && !arguments.words.network) {
        arguments.words.layers = "32";
    }
    if (code == COMMAND_FINE) {
        code = model_output_check(&arguments.output);
    }
    if (code == COMMAND_FINE) {
        code = model_output_check_folder(&arguments.output);
    }
    if (code == COMMAND_FINE) {
        struct train_work work = { .arguments = &arguments, .plan = { .command = command } };
        code = make(&work);
        gru_model_unref(work.base);
        csv_series_done(&work.series);
        free(work.y);
        free(work.columns);
        model_plan_done(&work.plan);
    }
    return code;
}
