/* grud train, as main calls it. */
#include "command_support.h"
#include "commands/command.h"
#include "gru.h"
#include "scratch.h"
#include "test.h"

#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERIES "--inputs", "wave", "--outputs", "wave", "--layers", "8"

struct place {
    char *folder, *data, *model;
};

/* A folder with a file of a sine with a period of 25 days, and another column of twice its value.
 */
static struct place place_create(void)
{
    struct place place = { .folder = folder_create() };
    place.data = path_in(place.folder, "wave.csv");
    place.model = path_in(place.folder, "m.safetensors");
    char *text = malloc(64 * 500);
    size_t n = (size_t)sprintf(text, "wave,double\n");
    for (int k = 0; k < 400; k++) {
        const double wave = 10 + 3 * sin(2 * 3.14159265 * k / 25);
        n += (size_t)sprintf(text + n, "%.4f,%.4f\n", wave, 2 * wave);
    }
    file_write(place.data, text, n);
    free(text);
    return place;
}

static void place_done(struct place *place)
{
    free(place->data);
    free(place->model);
    folder_remove(place->folder);
}

static struct gru_model *load(const char *path)
{
    struct gru_model *model;
    struct gru_error error;
    ck_assert_msg(gru_model_load_file(path, &model, &error) == GRU_OK, "%s", error.message);
    return model;
}

TEST(train_writes_a_model_that_beats_persistence)
{
    struct place place = place_create();
    struct outcome outcome = run(command_train, place.data, SERIES, "-o", place.model,
                                 "--n-epochs=150", "--learning-rate=0.01", NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    const char *skill = strstr(outcome.out, ", skill ");
    ck_assert_ptr_nonnull(skill);
    ck_assert_double_gt(strtod(skill + strlen(", skill "), NULL), 0.5);
    ck_assert_ptr_nonnull(strstr(outcome.err, "400 rows, 320 to train on and 80 to validate"));
    ck_assert_ptr_nonnull(strstr(outcome.err, "\nepoch 1 of 150  loss "));
    outcome_done(&outcome);
    struct gru_model *model = load(place.model);
    ck_assert_ptr_nonnull(gru_model_residuals(model));
    const struct gru_variable *wave = &gru_model_info(model)->inputs[0];
    ck_assert_double_eq_tol(wave->mean, 10, 0.1); /* of the training part */
    ck_assert_double_eq_tol(wave->std, 3 / sqrt(2), 0.05);
    gru_model_unref(model);
    place_done(&place);
}

TEST(train_scales_residual_outputs_by_changes)
{
    struct place place = place_create();
    struct outcome outcome = run(command_train, place.data, SERIES, "-o", place.model, "--residual",
                                 "--n-epochs=2", NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    outcome_done(&outcome);
    struct gru_model *model = load(place.model);
    const struct gru_info *info = gru_model_info(model);
    ck_assert_double_eq_tol(info->inputs[0].std, 3 / sqrt(2), 0.05);
    ck_assert_double_eq_tol(info->outputs[0].std, 6 * sin(0.125) / sqrt(2), 0.02);
    gru_model_unref(model);
    place_done(&place);
}

TEST(train_scales_what_a_transform_makes_of_readings)
{
    struct place place = place_create();
    struct outcome outcome = run(command_train, place.data, SERIES, "--transform",
                                 "wave=difference", "--n-epochs", "1", "-o", place.model, NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    outcome_done(&outcome);
    struct gru_model *model = load(place.model);
    const struct gru_variable *input = &gru_model_info(model)->inputs[0];
    ck_assert_int_eq(input->transform.kind, GRU_DIFFERENCE);
    ck_assert(fabs(input->mean) < 0.05); /* steps of a sine */
    ck_assert_double_eq_tol(input->std, 3 * 2 * 3.14159265 / 25 / sqrt(2), 0.01);
    gru_model_unref(model);
    place_done(&place);
}

TEST(train_keeps_the_scaling_if_it_is_told_to_and_says_what_is_far_off)
{
    struct place place = place_create();
    struct outcome outcome = run(command_train, place.data, SERIES, "-o", place.model,
                                 "--scaling=keep", "--n-epochs=2", NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    const char *warning = strstr(outcome.err, "'wave' has mean 10");
    ck_assert_msg(warning && !strstr(warning + 1, "'wave' has"), "%s", outcome.err);
    ck_assert_ptr_nonnull(strstr(warning, "0 and 1 in the model, which makes training slow"));
    ck_assert_ptr_nonnull(strstr(warning, "--scaling fit"));
    outcome_done(&outcome);
    struct gru_model *model = load(place.model);
    ck_assert(gru_model_info(model)->inputs[0].std == 1);
    gru_model_unref(model);
    place_done(&place);
}

TEST(train_gives_the_same_bytes_for_the_same_seed)
{
    struct place place = place_create();
    static const char *const seeds[] = { "1", "1", "2" };
    char *bytes[3];
    size_t n[3];
    for (int k = 0; k < 3; k++) {
        struct outcome outcome = run(command_train, place.data, SERIES, "-o", place.model,
                                     "--n-epochs", "2", "--force", "--seed", seeds[k], NULL);
        ck_assert_msg(outcome.code == 0, "%s", outcome.err);
        outcome_done(&outcome);
        bytes[k] = file_read(place.model, &n[k]);
    }
    ck_assert(n[0] == n[1] && memcmp(bytes[0], bytes[1], n[0]) == 0);
    ck_assert(n[0] != n[2] || memcmp(bytes[0], bytes[2], n[0]) != 0);
    for (int k = 0; k < 3; k++) {
        free(bytes[k]);
    }
    place_done(&place);
}

TEST(train_learns_an_output_that_is_no_input)
{
    struct place place = place_create();
    struct outcome outcome =
        run(command_train, place.data, "--inputs", "wave", "--outputs", "double,wave", "--layers",
            "8", "-o", place.model, "--n-epochs", "100", "--learning-rate", "0.01", NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    outcome_done(&outcome);
    struct gru_model *model = load(place.model);
    const struct gru_info *info = gru_model_info(model);
    ck_assert_int_eq(info->outputs[0].feeds, -1);
    ck_assert_int_eq(info->outputs[1].feeds, 0);
    ck_assert_double_eq_tol(info->outputs[0].mean, 20, 0.2);
    struct gru_work *work;
    ck_assert(gru_work_create(&work) == GRU_OK);
    const double x[] = { 10, 10.746F, 11.445F, 12.054F, 12.533F, 12.853F, 12.994F, 12.948F };
    double y[2];
    struct gru_lane lane = { .x = x, .n_rows = 8, .y = y, .last_only = true };
    ck_assert(gru_run(model, work, &lane, 1) == GRU_OK && lane.status == GRU_OK);
    ck_assert_double_eq_tol((double)y[0], 2 * 12.948, 1);
    gru_work_free(work);
    gru_model_unref(model);
    place_done(&place);
}

TEST(train_learns_several_steps_of_outputs_that_are_inputs_and_of_others)
{
    struct place place = place_create();
    struct outcome outcome = run(command_train, place.data, "--inputs", "wave", "--outputs",
                                 "double,wave", "--layers", "8", "--steps", "3", "-o", place.model,
                                 "--n-epochs", "60", "--learning-rate", "0.01", NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    outcome_done(&outcome);
    struct gru_model *model = load(place.model);
    ck_assert_uint_eq(gru_model_info(model)->steps, 3);
    struct gru_work *work;
    ck_assert(gru_work_create(&work) == GRU_OK);
    double x[25], y[6];
    for (int k = 0; k < 25; k++) {
        x[k] = 10 + 3 * sin(2 * 3.14159265 * k / 25);
    }
    struct gru_lane lane = { .x = x, .n_rows = 25, .y = y, .last_only = true };
    ck_assert(gru_run(model, work, &lane, 1) == GRU_OK && lane.status == GRU_OK);
    for (int s = 0; s < 3; s++) { /* double of rows 24 to 26, wave of rows 25 to 27 */
        ck_assert_double_eq_tol(y[2 * s], 2 * (10 + 3 * sin(2 * 3.14159265 * (24 + s) / 25)), 2);
        ck_assert_double_eq_tol(y[2 * s + 1], 10 + 3 * sin(2 * 3.14159265 * (25 + s) / 25), 1);
    }
    gru_work_free(work);
    gru_model_unref(model);
    place_done(&place);
}

/* ---- what is refused ---- */

static void expect_refusal(const struct outcome *outcome, int code, const char *error)
{
    ck_assert_msg(strstr(outcome->err, error) != NULL, "%s", outcome->err);
    ck_assert_int_eq(outcome->code, code);
    ck_assert_str_eq(outcome->out, "");
}

#define EXPECT_REFUSAL(place, code, error, ...)                                                    \
    do {                                                                                           \
        struct outcome refused =                                                                   \
            run(command_train, (place).data, SERIES, "-o", (place).model, __VA_ARGS__, NULL);      \
        expect_refusal(&refused, code, error);                                                     \
        outcome_done(&refused);                                                                    \
        ck_assert_int_ne(access((place).model, F_OK), 0);                                          \
    } while (0)

TEST(train_refuses_wrong_arguments)
{
    struct place place = place_create();
    EXPECT_REFUSAL(place, 2, "there is no argument '--epochs'", "--epochs");
    EXPECT_REFUSAL(place, 2, "there is no argument 'more.csv'", "more.csv");
    EXPECT_REFUSAL(place, 2, "--n-epochs takes a whole number, not '1.5'", "--n-epochs", "1.5");
    EXPECT_REFUSAL(place, 2, "grud train: --n-epochs: ", "--n-epochs", "0");
    EXPECT_REFUSAL(place, 2, "--learning-rate takes a number, not 'fast'", "--learning-rate=fast");
    EXPECT_REFUSAL(place, 2, "--optimizer takes sgd|adam|adamw, not 'lion'", "--optimizer=lion");
    EXPECT_REFUSAL(place, 2, "--loss takes mse, mae or huber", "--loss=cross_entropy");
    EXPECT_REFUSAL(place, 2, "--validation-fraction takes", "--validation-fraction", "1");
    EXPECT_REFUSAL(place, 2, "--layers takes whole numbers", "--layers", "8,x");
    EXPECT_REFUSAL(place, 2, "--output-weights takes at most 256 numbers", "--output-weights",
                   "1,x");
    EXPECT_REFUSAL(place, 2, "for each output: 1, not 2", "--output-weights", "1,0.5");
    place_done(&place);
}

TEST(train_names_the_file_and_the_line_that_is_wrong)
{
    struct place place = place_create();
    text_write(place.folder, "wave.csv", "wave\n1\n2\nx\n");
    EXPECT_REFUSAL(place, 1, "wave.csv: line 4: 'x' of column 'wave' is no number\n", "--force");
    text_write(place.folder, "wave.csv", "wave\n1\n");
    EXPECT_REFUSAL(place, 1, "wave.csv: has 1 rows; training needs 10", "--force");
    text_write(place.folder, "wave.csv", "wave\nNA\nNA\nNA\nNA\nNA\nNA\nNA\nNA\n3\n4\n");
    EXPECT_REFUSAL(place, 1, "column 'wave' has no value in the training part", "--force");
    EXPECT_REFUSAL(place, 1, "there is no column 'when'", "--time", "when");
    struct outcome outcome = run(command_train, "/dev/null", SERIES, "-o", place.model, NULL);
    expect_refusal(&outcome, 1, "/dev/null: is no regular file");
    outcome_done(&outcome);
    unlink(place.data);
    EXPECT_REFUSAL(place, 1, "wave.csv: No such file or directory", "--force");
    place_done(&place);
}

TEST(train_replaces_a_file_only_with_force)
{
    struct place place = place_create();
    text_write(place.folder, "m.safetensors", "precious");
    struct outcome outcome = run(command_train, place.data, SERIES, "-o", place.model, NULL);
    expect_refusal(&outcome, 1, "exists already; --force replaces it");
    outcome_done(&outcome);
    size_t n;
    char *bytes = file_read(place.model, &n);
    ck_assert_str_eq(bytes, "precious");
    free(bytes);
    place_done(&place);
}

TEST(train_looks_for_the_folder_before_it_trains)
{
    struct place place = place_create();
    struct outcome outcome = run(command_train, place.data, SERIES, "-o", "/nowhere/m", NULL);
    expect_refusal(&outcome, 1, "/nowhere/m: cannot write into /nowhere: No such file");
    ck_assert_ptr_null(strstr(outcome.err, "epoch"));
    outcome_done(&outcome);
    place_done(&place);
}

TEST(train_help_has_a_flag_for_each_hyperparameter)
{
    struct outcome outcome = run(command_train, "--help", NULL);
    ck_assert_int_eq(outcome.code, 0);
#define EXPECT_FLAG(field, ...) #field,
    static const char *const fields[] = { GRU_HYPERPARAMETERS(EXPECT_FLAG) };
#undef EXPECT_FLAG
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        char flag[64];
        size_t n = (size_t)snprintf(flag, sizeof flag, "--%s ", fields[k]);
        for (size_t i = 0; i < n; i++) {
            flag[i] = flag[i] == '_' ? '-' : flag[i];
        }
        ck_assert_msg(strstr(outcome.out, flag) != NULL, "%s", flag);
    }
    outcome_done(&outcome);
}

/* ---- Ctrl-C ---- */

/* Whether the process takes SIGINT itself; it is asked until it does. */
static void await_handler(pid_t pid)
{
    char path[64], line[200];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    for (int k = 0; k < 60000; k++) {
        FILE *file = fopen(path, "r");
        unsigned long caught = 0;
        while (file && fgets(line, sizeof line, file)) {
            if (strncmp(line, "SigCgt:", 7) == 0) {
                caught = strtoul(line + 7, NULL, 16);
            }
        }
        if (file) {
            fclose(file);
        }
        if (caught & 1UL << (SIGINT - 1)) {
            return;
        }
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    ck_abort_msg("training does not begin");
}

/* Sends SIGINT once training has begun and its standard error has that text; the rest is left in
 * `text`. Returns the exit code. */
static int interrupt(const struct place *place, const char *layers, const char *window,
                     const char *after, char *text, size_t size)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    signal(SIGINT, SIG_DFL); /* libcheck's handler is not to be taken for the command's */
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        const char *const argv[] = {
            "train",      place->data, "--inputs", "wave",       "--outputs",
            "wave",       "--layers",  layers,     "--window",   window,
            "--n-epochs", "1000000",   "-o",       place->model, "--early-stopping-patience",
            "1000000",    NULL,
        };
        _exit(command_train(sizeof argv / sizeof *argv - 1, (char *const *)(uintptr_t)argv));
    }
    close(ends[1]);
    size_t n = 0;
    ssize_t n_read = 1;
    bool is_sent = false;
    await_handler(pid);
    while (n_read > 0) {
        if (!is_sent && strstr(text, after)) {
            kill(pid, SIGINT);
            is_sent = true;
        }
        if (n > size / 2) { /* only the end counts */
            memmove(text, text + n / 2, n - n / 2 + 1);
            n -= n / 2;
        }
        n_read = read(ends[0], text + n, size - n - 1);
        n += n_read > 0 ? (size_t)n_read : 0;
        text[n] = '\0';
    }
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

TEST(an_interrupt_writes_what_is_best_so_far)
{
    struct place place = place_create();
    char text[8192] = "";
    int code = interrupt(&place, "4", "64", "epoch 3 of ", text, sizeof text);
    ck_assert_msg(code == 0, "%s", text);
    ck_assert_msg(strstr(text, "what is best so far is written\n") != NULL, "%s", text);
    gru_model_unref(load(place.model));
    place_done(&place);
}

TEST(an_interrupt_before_the_first_epoch_writes_nothing)
{
    struct place place = place_create();
    char text[8192] = "";
    int code = interrupt(&place, "1024", "1", "", text, sizeof text);
    ck_assert_int_eq(code, 1);
    ck_assert_msg(strstr(text, "before the first epoch was complete: nothing is written\n") != NULL,
                  "%s", text);
    ck_assert_int_ne(access(place.model, F_OK), 0);
    place_done(&place);
}
