/* grud inspect, as main calls it. */
#include "command_support.h"
#include "commands/command.h"
#include "scratch.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST(inspect_tells_what_a_file_holds)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    init_fine(path, NULL, NULL);
    struct outcome outcome = run(command_inspect, path, NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    const char *digest = strstr(outcome.out, "digest      xxh3:");
    ck_assert_ptr_nonnull(digest);
    /* 3 gates: 8 * (2 + 8 + 2) and 5 * (8 + 5 + 2); the read-out has 5 + 1; the state 8 + 5 + 2 + 1
     */
    ck_assert_str_eq(strchr(digest, '\n'), "\n"
                                           "layers      3\n"
                                           "  gru: 2 to 8, reset after\n"
                                           "  gru: 8 to 5, reset after\n"
                                           "  dense: 5 to 1\n"
                                           "inputs      2\n"
                                           "  temp: mean 0, std 1\n"
                                           "  humidity: mean 0, std 1\n"
                                           "outputs     1\n"
                                           "  temp: mean 0, std 1, feeds temp\n"
                                           "activation  linear\n"
                                           "steps       1\n"
                                           "residual    no\n"
                                           "missing     forecast\n"
                                           "interval    unknown\n"
                                           "season      unknown\n"
                                           "parameters  519\n"
                                           "state       16 floats, 64 bytes\n"
                                           "verified    by its selftest\n");
    outcome_done(&outcome);
    free(path);
    folder_remove(folder);
}

TEST(inspect_shows_transforms)
{
    static const struct {
        const char *word, *shown;
    } rows[] = {
        { "temp=difference", "std 1, transform difference\n" },
        { "temp=seasonal:24", "std 1, transform seasonal_difference 24\n" },
        { "temp=level:0.05", "std 1, transform level 0.05\n" },
        { "temp=level:0.05:scale", "std 1, transform level 0.05 with scale\n" },
    };
    char *folder = folder_create(), *path = path_in(folder, "m");
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        struct outcome outcome =
            run(command_init, "--inputs", "temp", "--outputs", "temp", "--layers", "2",
                "--transform", rows[k].word, "--force", "-o", path, NULL);
        ck_assert_msg(outcome.code == 0, "%s", outcome.err);
        outcome_done(&outcome);
        outcome = run(command_inspect, path, NULL);
        ck_assert_msg(strstr(outcome.out, rows[k].shown) != NULL, "%s", outcome.out);
        outcome_done(&outcome);
    }
    free(path);
    folder_remove(folder);
}

TEST(inspect_shows_layers_of_every_kind)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    char *list = path_in(folder, "network.json");
    static const char text[] =
        "[{\"type\":\"dense\",\"units\":3,\"activation\":\"silu\"},{\"type\":\"lstm\",\"units\":4},"
        "{\"type\":\"gru\",\"units\":5,\"reset\":\"before\"},{\"type\":\"layer_norm\",\"eps\":0."
        "001},"
        "{\"type\":\"heads\",\"heads\":[{\"units\":2},{\"units\":1,\"activation\":\"softplus\"}]}]";
    file_write(list, text, strlen(text));
    struct outcome made = run(command_init, "--inputs", "a,b", "--outputs", "a,b,s", "--network",
                              list, "-o", path, NULL);
    ck_assert_msg(made.code == 0, "%s", made.err);
    struct outcome seen = run(command_inspect, path, NULL);
    ck_assert_msg(strstr(seen.out, "layers      6\n"
                                   "  dense: 2 to 3\n"
                                   "  silu: 3\n"
                                   "  lstm: 3 to 4\n"
                                   "  gru: 4 to 5, reset before\n"
                                   "  layer_norm: 5 to 5, eps 0.001\n"
                                   "  dense: 5 to 3\n"),
                  "%s", seen.out);
    ck_assert_ptr_nonnull(strstr(seen.out, "activation  linear of 2, softplus of 1\n"));
    outcome_done(&made);
    outcome_done(&seen);
    free(list);
    free(path);
    folder_remove(folder);
}

TEST(inspect_says_what_nobody_has_tried)
{
    struct outcome outcome =
        run(command_inspect, "tests/fixtures/golden/learned-first-state.safetensors", NULL);
    ck_assert_ptr_nonnull(
        strstr(outcome.out, "  gru: 3 to 16, reset after, its first state learned\n"));
    ck_assert_ptr_nonnull(strstr(outcome.out, "verified    no: the file has no selftest\n"));
    outcome_done(&outcome);
}

TEST(init_and_inspect_agree_on_the_digest)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    struct outcome made = run(command_init, NETWORK, "-o", path, NULL);
    struct outcome seen = run(command_inspect, path, NULL);
    const char *digest = strstr(made.out, "xxh3:");
    ck_assert_ptr_nonnull(digest);
    ck_assert_ptr_nonnull(strstr(seen.out, digest));
    outcome_done(&made);
    outcome_done(&seen);
    free(path);
    folder_remove(folder);
}

/* A file with this __metadata__: one GRU layer of one unit, one input, no biases, weights 0. */
static void write_model(const char *folder, const char *name, const char *metadata)
{
    char header[2000], bytes[2100] = { 0 };
    int n = snprintf(
        header, sizeof header,
        "{\"__metadata__\":{%s},"
        "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
        "\"gru.weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[3,1],\"data_offsets\":[4,16]},"
        "\"gru.weight_ih_l0\":{\"dtype\":\"F32\",\"shape\":[3,1],\"data_offsets\":[16,28]}}",
        metadata);
    bytes[0] = (char)(n & 255);
    bytes[1] = (char)(n >> 8);
    memcpy(bytes + 8, header, (size_t)n);
    char *path = path_in(folder, name);
    file_write(path, bytes, 8 + (size_t)n + 28);
    free(path);
}

TEST(inspect_shows_metadata_and_no_control_characters)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    write_model(
        folder, "m.safetensors",
        "\"grud\":\"{\\\"inputs\\\":[{\\\"name\\\":\\\"a\\\\u001b[31mb\\\",\\\"unit\\\":"
        "\\\"\\\\u009bC\\\","
        "\\\"mean\\\":21.5,\\\"std\\\":0.1}],\\\"missing\\\":\\\"mean\\\",\\\"interval_seconds\\\":"
        "60,\\\"season\\\":24}\",\"format\":\"pt\"");
    struct outcome outcome = run(command_inspect, path, NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    ck_assert_ptr_nonnull(strstr(outcome.out, "\n  a?[31mb: mean 21.5, std 0.1, unit ?C\n"));
    ck_assert_ptr_nonnull(strstr(outcome.out, "missing     mean\n"));
    ck_assert_ptr_nonnull(strstr(outcome.out, "interval    60 s\n"));
    ck_assert_ptr_nonnull(strstr(outcome.out, "season      24\n"));
    ck_assert_ptr_null(strstr(outcome.out, "not read"));
    outcome_done(&outcome);
    free(path);
    folder_remove(folder);
}

TEST(inspect_names_metadata_that_is_not_read)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    write_model(folder, "m.safetensors", "\"inputs\":\"[]\",\"format\":\"pt\",\"a\\u001b\":\"\"");
    struct outcome outcome = run(command_inspect, path, NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    ck_assert_ptr_nonnull(
        strstr(outcome.out, "\nnot read    inputs, a? (in __metadata__; grud reads the JSON text "
                            "of its key \"grud\", and its residuals)\n"));
    outcome_done(&outcome);
    free(path);
    folder_remove(folder);
}

TEST(inspect_says_how_far_a_validation_was_off)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    write_model(folder, "m.safetensors",
                "\"grud_residuals\":\"{\\\"levels\\\":[0.5,0.8,0.9,0.95,0.99],"
                "\\\"outputs\\\":[[{\\\"n\\\":9,\\\"mean\\\":0.25,"
                "\\\"quantiles\\\":[0,1,2,3,4]}]]}\"");
    struct outcome outcome = run(command_inspect, path, NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    ck_assert_ptr_nonnull(strstr(outcome.out, "\nresiduals   of the validation, 1 rows ahead; "
                                              "mean |error| at the first: y0 0.25\n"));
    ck_assert_ptr_null(strstr(outcome.out, "not read"));
    outcome_done(&outcome);
    free(path);
    folder_remove(folder);
}

TEST(inspect_names_a_file_of_another_program)
{
    char *folder = folder_create(), *path = path_in(folder, "weather.h5");
    text_write(folder, "weather.h5", "\x89HDF\r\n\x1a\n and more");
    struct outcome outcome = run(command_inspect, path, NULL);
    ck_assert_int_eq(outcome.code, 1);
    ck_assert_ptr_nonnull(strstr(outcome.err, "weather.h5: the file is an HDF5 file"));
    ck_assert_ptr_nonnull(strstr(outcome.err, "grud-convert"));
    outcome_done(&outcome);
    free(path);
    folder_remove(folder);
}

TEST(inspect_refuses_what_is_no_model)
{
    char *folder = folder_create(), *path = path_in(folder, "m.safetensors");
    text_write(folder, "m.safetensors", "");
    struct outcome outcome = run(command_inspect, path, NULL);
    ck_assert_int_eq(outcome.code, 1);
    ck_assert_str_eq(outcome.out, "");
    ck_assert(strncmp(outcome.err, "grud inspect: ", 14) == 0);
    ck_assert(strchr(outcome.err, '\n') == outcome.err + strlen(outcome.err) - 1);
    outcome_done(&outcome);
    outcome = run(command_inspect, folder, NULL);
    ck_assert_int_eq(outcome.code, 1);
    ck_assert_ptr_nonnull(strstr(outcome.err, "Is a directory"));
    outcome_done(&outcome);
    outcome = run(command_inspect, "/nonexistent", NULL);
    ck_assert_int_eq(outcome.code, 1);
    ck_assert_str_eq(outcome.err, "grud inspect: /nonexistent: No such file or directory\n");
    outcome_done(&outcome);
    outcome = run(command_inspect, NULL);
    ck_assert_int_eq(outcome.code, 2);
    outcome_done(&outcome);
    free(path);
    folder_remove(folder);
}
