/* grud init, as main calls it. */
#include "command_support.h"
#include "commands/command.h"
#include "gru.h"
#include "scratch.h"
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t count_entries(const char *folder)
{
    size_t n = 0;
    DIR *directory = opendir(folder);
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory)) { /* NOLINT(concurrency-mt-unsafe) */
        n++;
    }
    closedir(directory);
    return n - 2; /* "." and ".." */
}

static bool files_equal(const char *one, const char *other)
{
    size_t n_one, n_other;
    char *a = file_read(one, &n_one), *b = file_read(other, &n_other);
    bool equal = n_one == n_other && memcmp(a, b, n_one) == 0;
    free(a);
    free(b);
    return equal;
}

static struct gru_model *load(const char *path)
{
    struct gru_model *model;
    struct gru_error error;
    ck_assert_msg(gru_model_load_file(path, &model, &error) == GRU_OK, "%s", error.message);
    return model;
}

TEST(init_writes_a_model_that_loads)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    init_fine(path, NULL, NULL);
    struct gru_model *model = load(path);
    const struct gru_info *info = gru_model_info(model);
    ck_assert_int_eq(info->layers[0].kind, GRU_LAYER_GRU);
    ck_assert_int_eq(info->layers[0].reset, GRU_RESET_AFTER);
    ck_assert(!info->residual);
    ck_assert_uint_eq(info->n_layers, 2);
    ck_assert_uint_eq(info->layers[0].hidden_size, 8);
    ck_assert_uint_eq(info->layers[1].hidden_size, 5);
    gru_model_unref(model);
    free(path);
    folder_remove(folder);
}

static void expect_variable(const struct gru_variable *variable, const char *name, int feeds)
{
    ck_assert_str_eq(variable->name, name);
    ck_assert_int_eq(variable->feeds, feeds);
}

TEST(init_gives_the_inputs_and_outputs_their_names)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    init_fine(path, "--outputs", "wind,humidity");
    struct gru_model *model = load(path);
    const struct gru_info *info = gru_model_info(model);
    ck_assert(info->n_inputs == 2 && info->n_outputs == 2);
    expect_variable(&info->inputs[0], "temp", -1);
    expect_variable(&info->inputs[1], "humidity", 1);
    expect_variable(&info->outputs[0], "wind", -1);
    expect_variable(&info->outputs[1], "humidity", 1);
    gru_model_unref(model);
    free(path);
    folder_remove(folder);
}

TEST(init_makes_every_cell)
{
    static const char *const cells[][2] = { { "gru", "after" },
                                            { "gru", "before" },
                                            { "gru_output_gate", "after" },
                                            { "gru_output_gate", "before" },
                                            { "gru_three_gate", NULL },
                                            { "lstm", NULL } };
    char *folder = folder_create();
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        char name[20], *path;
        snprintf(name, sizeof name, "%zu", i);
        path = path_in(folder, name);
        struct outcome outcome = run(command_init, NETWORK, "--residual", "--cell", cells[i][0],
                                     "-o", path, cells[i][1] ? "--reset" : NULL, cells[i][1], NULL);
        ck_assert_msg(outcome.code == 0, "%s", outcome.err);
        outcome_done(&outcome);
        struct gru_model *model = load(path);
        const struct gru_info *info = gru_model_info(model);
        ck_assert_str_eq(gru_layer_kind_name(info->layers[0].kind), cells[i][0]);
        ck_assert(!cells[i][1] || strcmp(gru_reset_name(info->layers[0].reset), cells[i][1]) == 0);
        ck_assert(info->residual);
        gru_model_unref(model);
        free(path);
    }
    folder_remove(folder);
}

TEST(init_says_the_time_between_readings)
{
    char *folder = folder_create(), *path = path_in(folder, "m");
    static const struct {
        const char *text;
        double seconds;
    } cases[] = { { "600", 600 }, { "0.1", 0.1 }, { "1e-3", 1e-3 } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct outcome outcome = run(command_init, NETWORK, "--interval-seconds", cases[k].text,
                                     "--force", "-o", path, NULL);
        ck_assert_msg(outcome.code == 0, "%s", outcome.err);
        outcome_done(&outcome);
        struct gru_model *model = load(path);
        ck_assert(gru_model_info(model)->interval_seconds == cases[k].seconds);
        gru_model_unref(model);
    }
    free(path);
    folder_remove(folder);
}

static void init_refuses(const char *complaint, const char *flag, const char *value)
{
    struct outcome outcome = run(command_init, NETWORK, "-o", "/nonexistent/m", flag, value, NULL);
    ck_assert_msg(outcome.code == 2, "%s %s: %d %s", flag, value ? value : "", outcome.code,
                  outcome.err);
    ck_assert_msg(strstr(outcome.err, complaint) != NULL, "%s", outcome.err);
    ck_assert_str_eq(outcome.out, "");
    outcome_done(&outcome);
}

TEST(init_says_the_transforms)
{
    static const struct {
        const char *word;
        struct gru_transform transform;
    } rows[] = {
        { "temp=difference", { .kind = GRU_DIFFERENCE } },
        { "temp=seasonal:24", { .kind = GRU_SEASONAL_DIFFERENCE, .season = 24 } },
        { "temp=seasonal", { .kind = GRU_SEASONAL_DIFFERENCE, .season = 12 } },
        { "temp=level:0.05", { .kind = GRU_LEVEL, .rate = 0.05 } },
        { "temp=level:1:scale", { .kind = GRU_LEVEL, .rate = 1, .scale = true } },
    };
    char *folder = folder_create(), *path = path_in(folder, "m");
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        struct outcome outcome = run(command_init, NETWORK, "--season", "12", "--transform",
                                     rows[k].word, "--force", "-o", path, NULL);
        ck_assert_msg(outcome.code == 0, "%s", outcome.err);
        outcome_done(&outcome);
        struct gru_model *model = load(path);
        const struct gru_transform *got = &gru_model_info(model)->inputs[0].transform;
        const struct gru_transform *wanted = &rows[k].transform;
        ck_assert(got->kind == wanted->kind && got->season == wanted->season &&
                  got->rate == wanted->rate && got->scale == wanted->scale);
        gru_model_unref(model);
    }
    free(path);
    folder_remove(folder);
}

TEST(init_refuses_what_is_no_transform)
{
    static const char *const wrong[] = { "difference",         "temp=log",
                                         "temp=difference:2",  "temp=seasonal:0",
                                         "temp=seasonal:",     "temp=seasonal:2:3",
                                         "temp=level",         "temp=level:x",
                                         "temp=level:0.5:std", "temp=level:1:scale:" };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        init_refuses(
            "--transform takes NAME=difference, NAME=seasonal:N or NAME=level:RATE[:scale]",
            "--transform", wrong[k]);
    }
    init_refuses("which no output feeds", "--transform", "humidity=difference");
    init_refuses("no input 'wind' to transform", "--transform", "wind=difference");
    init_refuses("above 0 and at most 1", "--transform", "temp=level:1.5");
    init_refuses("names no season", "--transform", "temp=seasonal");
}

TEST(init_says_the_season)
{
    char *folder = folder_create(), *path = path_in(folder, "m");
    struct outcome outcome = run(command_init, NETWORK, "--season", "24", "-o", path, NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    outcome_done(&outcome);
    struct gru_model *model = load(path);
    ck_assert_uint_eq(gru_model_info(model)->season, 24);
    gru_model_unref(model);
    static const char *const wrong[] = { "0", "-1", "1.5", "day", "1073741825" };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        outcome = run(command_init, NETWORK, "--season", wrong[k], "--force", "-o", path, NULL);
        ck_assert_int_eq(outcome.code, 2);
        ck_assert_ptr_nonnull(strstr(outcome.err, "--season takes the readings in a season"));
        outcome_done(&outcome);
    }
    free(path);
    folder_remove(folder);
}

TEST(init_says_steps_activation_and_missing)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    struct outcome made = run(command_init, NETWORK, "-o", path, "--steps", "6", "--activation",
                              "tanh", "--missing", "mean", NULL);
    ck_assert_msg(made.code == 0, "%s", made.err);
    outcome_done(&made);
    struct gru_model *model = load(path);
    const struct gru_info *info = gru_model_info(model);
    ck_assert(info->steps == 6 && info->y_floats == 6 * info->n_outputs);
    ck_assert_int_eq(info->activation, GRU_TANH);
    ck_assert_int_eq(info->missing, GRU_MISSING_MEAN);
    gru_model_unref(model);
    static const struct {
        const char *flag, *word, *error;
    } wrong[] = {
        { "--steps", "0",
          "--steps takes the rows that are forecast at once, from 1 to 65536, not" },
        { "--activation", "tan", "--activation takes one of linear|sigmoid|tanh|softmax|" },
        { "--missing", "zero", "--missing takes one of error|last|mean|forecast, not 'zero'" },
    };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        struct outcome outcome =
            run(command_init, NETWORK, "-o", path, "--force", wrong[k].flag, wrong[k].word, NULL);
        ck_assert_int_eq(outcome.code, 2);
        ck_assert_msg(strstr(outcome.err, wrong[k].error) != NULL, "%s", outcome.err);
        outcome_done(&outcome);
    }
    free(path);
    folder_remove(folder);
}

static void write_rows(const char *path)
{
    char text[4096];
    size_t n = (size_t)sprintf(text, "temp,humidity,comfort\n");
    for (int t = 0; t < 50; t++) { /* changes of 2 and -2, and one that is constant */
        n += (size_t)sprintf(text + n, "%d,7,%d\n", 300 + 2 * (t % 2), -500 + t % 2);
    }
    file_write(path, text, n);
}

TEST(init_takes_the_scaling_from_a_file_of_readings)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors"),
         *data = path_in(folder, "rows.csv");
    char scale[512];
    write_rows(data);
    snprintf(scale, sizeof scale, "auto:%s", data);
    struct outcome outcome =
        run(command_init, "--inputs", "temp,humidity", "--outputs", "temp,comfort", "--layers", "4",
            "--residual", "--scale", scale, "-o", path, NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    ck_assert_ptr_nonnull(strstr(outcome.err, "column 'humidity' has one value throughout: its std "
                                              "stays what it was"));
    ck_assert_ptr_null(strstr(outcome.err, "'temp'"));
    outcome_done(&outcome);
    struct gru_model *model = load(path);
    const struct gru_info *info = gru_model_info(model);
    ck_assert(gru_model_is_verified(model));
    ck_assert_double_eq_tol(info->inputs[0].mean, 301, 1e-9);
    ck_assert_double_eq_tol(info->inputs[0].std, 1, 1e-9);
    ck_assert(info->inputs[1].mean == 7 && info->inputs[1].std == 1);
    ck_assert_double_eq_tol(info->outputs[0].std, 2, 0.01); /* of the changes */
    ck_assert_double_eq_tol(info->outputs[1].mean, -499.5, 1e-9);
    ck_assert_double_eq_tol(info->outputs[1].std, 0.5, 1e-9);
    gru_model_unref(model);
    free(data);
    free(path);
    folder_remove(folder);
}

TEST(init_refuses_a_file_of_readings_that_does_not_fit)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors"),
         *data = path_in(folder, "rows.csv");
    char scale[512];
    write_rows(data);
    snprintf(scale, sizeof scale, "auto:%s", data);
    struct outcome outcome = run(command_init, "--inputs", "temp,wind", "--outputs", "temp",
                                 "--layers", "4", "--scale", scale, "-o", path, NULL);
    ck_assert_int_eq(outcome.code, 1);
    ck_assert_msg(strstr(outcome.err, "'wind'") != NULL, "%s", outcome.err);
    outcome_done(&outcome);
    outcome = run(command_init, "--inputs", "temp", "--outputs", "temp", "--layers", "4", "--scale",
                  "auto:/nowhere.csv", "-o", path, NULL);
    ck_assert_int_eq(outcome.code, 1);
    ck_assert_msg(strstr(outcome.err, "/nowhere.csv") != NULL, "%s", outcome.err);
    outcome_done(&outcome);
    ck_assert_uint_eq(count_entries(folder), 1);
    free(data);
    free(path);
    folder_remove(folder);
}

TEST(the_same_seed_gives_the_same_bytes_and_another_one_others)
{
    char *folder = folder_create(), *one = path_in(folder, "one"), *two = path_in(folder, "two");
    char *plain = path_in(folder, "plain"), *other = path_in(folder, "other");
    init_fine(plain, NULL, NULL);
    init_fine(one, "--seed", "1");
    init_fine(two, "--seed=1", NULL);
    init_fine(other, "--seed", "18446744073709551615");
    ck_assert(files_equal(one, two));
    ck_assert(files_equal(one, plain));
    ck_assert(!files_equal(one, other));
    free(one);
    free(two);
    free(plain);
    free(other);
    folder_remove(folder);
}

TEST(init_leaves_one_file_with_the_usual_mode)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    mode_t mask = umask(027);
    init_fine(path, NULL, NULL);
    ck_assert_uint_eq(umask(mask), 027);
    struct stat stat;
    ck_assert_int_eq(lstat(path, &stat), 0);
    ck_assert_uint_eq(stat.st_mode & 0777, 0640);
    ck_assert_uint_eq(count_entries(folder), 1);
    free(path);
    folder_remove(folder);
}

TEST(init_replaces_a_file_only_when_forced)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    text_write(folder, "m.safetensors", "precious");
    struct outcome outcome = run(command_init, NETWORK, "-o", path, NULL);
    ck_assert_int_eq(outcome.code, 1);
    ck_assert_ptr_nonnull(strstr(outcome.err, "exists already"));
    ck_assert_str_eq(outcome.out, "");
    outcome_done(&outcome);
    size_t n;
    char *text = file_read(path, &n);
    ck_assert_str_eq(text, "precious");
    free(text);
    init_fine(path, "--force", NULL);
    struct gru_model *model = load(path);
    gru_model_unref(model);
    ck_assert_uint_eq(count_entries(folder), 1);
    free(path);
    folder_remove(folder);
}

TEST(init_fails_where_it_cannot_write_and_leaves_nothing)
{
    char *folder = folder_create(), *path = path_in(folder, "missing/m.safetensors");
    struct outcome outcome = run(command_init, NETWORK, "-o", path, NULL);
    ck_assert_int_eq(outcome.code, 1);
    ck_assert_ptr_nonnull(strstr(outcome.err, "No such file or directory"));
    outcome_done(&outcome);
    outcome = run(command_init, NETWORK, "--force", "-o", folder, NULL); /* not onto a folder */
    ck_assert_int_eq(outcome.code, 1);
    outcome_done(&outcome);
    ck_assert_uint_eq(count_entries(folder), 0);
    free(path);
    folder_remove(folder);
}

TEST(init_refuses_what_makes_no_model)
{
    init_refuses("--layers takes whole numbers from 1 to 65536, not '0'", "--layers", "8,0");
    init_refuses("--layers takes whole numbers from 1 to 65536, not '65537'", "--layers", "65537");
    init_refuses("--layers takes whole numbers from 1 to 65536, not '-3'", "--layers", "-3");
    init_refuses("--layers has an empty entry", "--layers", "8,");
    init_refuses("--layers has 33 entries, 32 are allowed", "--layers",
                 "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1");
    init_refuses("--inputs has an empty entry", "--inputs", "");
    init_refuses("--outputs has an empty entry", "--outputs", "a,,b");
    init_refuses("named 'a' too", "--inputs", "a,a");
    init_refuses("1 to 63 bytes", "--inputs",
                 "0123456789012345678901234567890123456789012345678901234567890123");
    init_refuses("UTF-8", "--outputs", "\xff");
    init_refuses("--cell takes one of gru|gru_output_gate|gru_three_gate|lstm, not 'dense'",
                 "--cell", "dense");
    init_refuses("--reset takes after or before, not 'never'", "--reset", "never");
    init_refuses("--seed takes a whole number below 2^64, not '18446744073709551616'", "--seed",
                 "18446744073709551616");
    init_refuses("--seed takes", "--seed", "-1");
    init_refuses("the value of --seed is missing", "--seed", NULL);
    static const char *const intervals[] = { "", "0", "-60", "nan", "inf", "1e999", "60s" };
    for (size_t k = 0; k < sizeof intervals / sizeof *intervals; k++) {
        init_refuses("--interval-seconds takes the seconds between readings, a number above 0",
                     "--interval-seconds", intervals[k]);
    }
    init_refuses("--scale takes NAME=MEAN:STD, not 'temp=1'", "--scale", "temp=1");
    init_refuses("--scale takes NAME=MEAN:STD, not 'temp=1:2x'", "--scale", "temp=1:2x");
    init_refuses("no input or output 'wind'", "--scale", "wind=1:2");
    init_refuses("std above 0", "--scale", "temp=1:0");
    init_refuses("there is no argument '--nonsense'", "--nonsense", NULL);
    init_refuses("there is no argument 'file'", "file", NULL);
    init_refuses("there is no argument '--force=1'", "--force=1", NULL);
}

/* That a list of layers is refused, by a message that holds `part`. */
static void network_refuses(const char *text, const char *part, const char *flag, const char *value)
{
    char *folder = folder_create(), *list = path_in(folder, "network.json");
    file_write(list, text, strlen(text));
    struct outcome outcome = run(command_init, "--inputs", "a,b", "--outputs", "a", "-o",
                                 "/nonexistent/m", "--network", list, flag, value, NULL);
    ck_assert_int_eq(outcome.code, 2);
    ck_assert_msg(strstr(outcome.err, part) != NULL, "%s", outcome.err);
    outcome_done(&outcome);
    free(list);
    folder_remove(folder);
}

TEST(init_refuses_a_network_by_path)
{
    network_refuses("[{\"type\":\"gru\"}]", "'network[0].units' is missing", NULL, NULL);
    network_refuses("[{\"type\":\"gru\",\"units\":4}]", "has 4 units, but there are 1 outputs",
                    NULL, NULL);
    network_refuses("[{\"type\":\"gru\",\"units\":1}", "'network' cannot be read", NULL, NULL);
    network_refuses("[{\"type\":\"gru\",\"units\":1}] x", "'network' cannot be read", NULL, NULL);
    network_refuses("[{\"type\":\"gru\",\"units\":1}]", "--network goes without --layers",
                    "--layers", "3");
    network_refuses("[{\"type\":\"gru\",\"units\":1}]", "--network goes without --cell", "--cell",
                    "gru");
    network_refuses("[{\"type\":\"gru\",\"units\":1}]", "--network goes without --reset", "--reset",
                    "after");
    struct outcome outcome = run(command_init, "--inputs", "a", "--outputs", "a", "-o",
                                 "/nonexistent/m", "--network", "/nonexistent/list", NULL);
    ck_assert_int_eq(outcome.code, 1);
    ck_assert_ptr_nonnull(strstr(outcome.err, "cannot read '/nonexistent/list'"));
    outcome_done(&outcome);
    outcome = run(command_init, "--inputs", "a", "--outputs", "a", "-o", "/nonexistent/m", NULL);
    ck_assert_int_eq(outcome.code, 2);
    ck_assert_ptr_nonnull(strstr(outcome.err, "--layers is missing"));
    outcome_done(&outcome);
}

TEST(init_refuses_a_reset_for_a_cell_without_one)
{
    struct outcome outcome = run(command_init, NETWORK, "-o", "/nonexistent/m", "--cell",
                                 "gru_three_gate", "--reset", "after", NULL);
    ck_assert_int_eq(outcome.code, 2);
    ck_assert_ptr_nonnull(strstr(outcome.err, "--reset does not apply"));
    outcome_done(&outcome);
}

TEST(init_without_its_arguments_shows_its_usage)
{
    struct outcome outcome =
        run(command_init, "--inputs", "a", "--outputs", "a", "--layers", "3", NULL);
    ck_assert_int_eq(outcome.code, 2);
    ck_assert_ptr_nonnull(strstr(outcome.err, "usage: grud init"));
    outcome_done(&outcome);
}

TEST(init_and_inspect_tell_their_usage_when_asked)
{
    static int (*const commands[])(int, char *const[]) = { command_init, command_inspect };
    static const char *const usages[] = { "usage: grud init --inputs",
                                          "usage: grud inspect FILE\n" };
    for (size_t k = 0; k < 2; k++) {
        char help[] = "--help", h[] = "-h";
        for (char *asked = help; asked; asked = asked == help ? h : NULL) {
            struct outcome outcome = run(commands[k], asked, NULL);
            ck_assert_int_eq(outcome.code, 0);
            ck_assert_str_eq(outcome.err, "");
            ck_assert_ptr_eq(strstr(outcome.out, usages[k]), outcome.out);
            outcome_done(&outcome);
        }
    }
}

TEST(init_says_what_a_long_flag_does_behind_a_blank)
{
    struct outcome outcome = run(command_init, "--help", NULL);
    ck_assert_ptr_nonnull(
        strstr(outcome.out, "\n  --scale NAME=MEAN:STD[,...]|auto:DATA.csv  what"));
    ck_assert_ptr_nonnull(strstr(outcome.out, "\n  --season N                    readings in"));
    outcome_done(&outcome);
}

TEST(init_refuses_a_residual_that_no_output_could_be)
{
    char *folder = folder_create(), *path = path_in(folder, "m");
    struct outcome outcome = run(command_init, "--inputs", "a,b", "--outputs", "c", "--layers", "3",
                                 "--residual", "-o", path, NULL);
    ck_assert_int_eq(outcome.code, 2);
    ck_assert_ptr_nonnull(
        strstr(outcome.err, "--residual needs an output with an input's name: 'c' has"));
    ck_assert_uint_eq(count_entries(folder), 0);
    outcome_done(&outcome);
    free(path);
    folder_remove(folder);
}

/* Bytes alone: what is said goes to standard error. */
TEST(init_writes_to_standard_output)
{
    char *folder = folder_create(), *path = path_in(folder, "m"), *out = path_in(folder, "out");
    init_fine(path, NULL, NULL);
    int before = dup(STDOUT_FILENO), fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert(before >= 0 && fd >= 0 && fflush(stdout) == 0 && dup2(fd, STDOUT_FILENO) >= 0);
    struct capture err = capture_begin(STDERR_FILENO);
    const char *argv[] = { "init", NETWORK, "-o", "-" };
    int code = command_init(sizeof argv / sizeof *argv, (char *const *)(uintptr_t)argv);
    char *said = capture_end(&err);
    ck_assert(fflush(stdout) == 0 && dup2(before, STDOUT_FILENO) >= 0);
    close(before);
    close(fd);
    ck_assert_int_eq(code, 0);
    ck_assert_msg(strstr(said, "-: ") == said && strstr(said, " parameters, "), "%s", said);
    ck_assert(files_equal(path, out));
    ck_assert_int_ne(access("-", F_OK), 0);
    free(said);
    free(out);
    free(path);
    folder_remove(folder);
}
