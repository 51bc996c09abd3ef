/* grud predict, as main calls it. What it forecasts is compared with the daemon's in the end-to-end
 * tests. */
#include "command_support.h"
#include "commands/command.h"
#include "scratch.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    char *folder, *data, *model;
};

/* A folder with an untrained model of NETWORK, and 30 rows for it. */
static struct place place_create(void)
{
    struct place place = { .folder = folder_create() };
    place.data = path_in(place.folder, "data.csv");
    place.model = path_in(place.folder, "m.safetensors");
    init_fine(place.model, NULL, NULL);
    char text[1024];
    size_t n = (size_t)sprintf(text, "day,temp,humidity\n");
    for (int k = 1; k <= 30; k++) {
        n += (size_t)sprintf(text + n, "2026-01-%02d,%d,%d\n", k, k % 5, k % 3);
    }
    file_write(place.data, text, n);
    text_write(place.folder, "future.csv", "humidity\n1\n2\n0\n");
    return place;
}

static void place_done(struct place *place)
{
    free(place->data);
    free(place->model);
    folder_remove(place->folder);
}

static size_t n_lines(const char *text)
{
    size_t n = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++) {
        n++;
    }
    return n;
}

TEST(predict_prints_a_row_for_each_step_ahead)
{
    struct place place = place_create();
    char *future = path_in(place.folder, "future.csv");
    struct outcome outcome = run(command_predict, place.model, place.data, "--horizon", "4",
                                 "--future", future, "--level=0.8,0.9", NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    ck_assert_ptr_eq(strstr(outcome.out, "  row                  time  ahead        temp  "
                                         "temp_lower_0.8  temp_upper_0.8  temp_lower_0.9"),
                     outcome.out);
    ck_assert_ptr_nonnull(strstr(outcome.out, "\n   30  2026-01-31T00:00:00Z      1  "));
    ck_assert_ptr_nonnull(strstr(outcome.out, "\n   30  2026-02-03T00:00:00Z      4  "));
    ck_assert_uint_eq(n_lines(outcome.out), 5);
    ck_assert_ptr_null(strstr(outcome.out, " - ")); /* 29 forecasts were scored: there are bounds */
    outcome_done(&outcome);
    free(future);
    place_done(&place);
}

/* Of a counter, whose units 6 digits would not show. */
TEST(predict_prints_the_digits_that_tell_forecasts_apart)
{
    struct place place = { .folder = folder_create() };
    place.data = path_in(place.folder, "data.csv");
    place.model = path_in(place.folder, "m.safetensors");
    init_fine(place.model, "--scale", "temp=1e8:2");
    text_write(place.folder, "data.csv", "temp,humidity\n100000001,1\n100000003,2\n");
    struct outcome table = run(command_predict, place.model, place.data, NULL),
                   json = run(command_predict, place.model, place.data, "--json", NULL);
    ck_assert_msg(table.code == 0 && json.code == 0, "%s%s", table.err, json.err);
    const double shown = strtod(strrchr(table.out, ' '), NULL),
                 told = strtod(strstr(json.out, ",[") + 2, NULL);
    ck_assert(fabs(shown - 1e8) < 20 && fabs(shown - told) <= 5e-4 && told != rint(told));
    outcome_done(&table);
    outcome_done(&json);
    place_done(&place);
}

TEST(predict_prints_every_row_as_csv)
{
    struct place place = place_create();
    struct outcome outcome =
        run(command_predict, place.model, place.data, "--level", "0.9", "--csv", NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    ck_assert_ptr_eq(strstr(outcome.out, "row,time,ahead,temp,temp_lower_0.9,temp_upper_0.9\n"
                                         "1,2026-01-02T00:00:00Z,1,"),
                     outcome.out);
    ck_assert_uint_eq(n_lines(outcome.out), 31);
    const char *first = strstr(outcome.out, "\n1,") + 1, *last = strstr(outcome.out, "\n30,") + 1;
    ck_assert_int_eq(strncmp(strchr(first, '\n') - 2, ",,\n", 3),
                     0); /* bounds are the last one's */
    ck_assert_ptr_null(strstr(last, ",,"));
    outcome_done(&outcome);
    place_done(&place);
}

TEST(predict_puts_a_gap_in_its_place)
{
    struct place place = place_create();
    text_write(
        place.folder, "data.csv",
        "day,temp,humidity\n2026-01-01,1,1\n2026-01-02,2,1\n2026-01-03,2,1\n2026-01-06,3,1\n");
    struct outcome outcome = run(command_predict, place.model, place.data, "--csv", NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    ck_assert_uint_eq(n_lines(outcome.out), 7);
    ck_assert_ptr_nonnull(strstr(outcome.out, "\n4,2026-01-05T00:00:00Z,1,"));
    ck_assert_ptr_nonnull(strstr(outcome.out, "\n6,2026-01-07T00:00:00Z,1,"));
    outcome_done(&outcome);
    place_done(&place);
}

#define EXPECT_REFUSAL(place, exit_code, error, ...)                                               \
    do {                                                                                           \
        struct outcome refused =                                                                   \
            run(command_predict, (place).model, (place).data, __VA_ARGS__, NULL);                  \
        ck_assert_msg(strstr(refused.err, error) != NULL, "%s", refused.err);                      \
        ck_assert_int_eq(refused.code, exit_code);                                                 \
        ck_assert_str_eq(refused.out, "");                                                         \
        outcome_done(&refused);                                                                    \
    } while (0)

TEST(predict_refuses_wrong_arguments)
{
    struct place place = place_create();
    EXPECT_REFUSAL(place, 2, "there is no argument 'third'", "third");
    EXPECT_REFUSAL(place, 2, "--horizon takes a whole number of rows from 1, not '0'",
                   "--horizon=0");
    EXPECT_REFUSAL(place, 2, "--level takes the shares", "--level", "1");
    EXPECT_REFUSAL(place, 2, "--level takes the shares", "--level", "0.9,0.8");
    EXPECT_REFUSAL(place, 2, "--level takes the shares", "--level=");
    EXPECT_REFUSAL(place, 2, "--csv or --json, not both", "--csv", "--json");
    EXPECT_REFUSAL(place, 2, "name a file of them with --future", "--horizon", "4");
    struct outcome outcome = run(command_predict, place.model, NULL);
    ck_assert_int_eq(outcome.code, 2);
    ck_assert_ptr_nonnull(strstr(outcome.err, "DATA.csv is missing\nusage: "));
    outcome_done(&outcome);
    place_done(&place);
}

TEST(predict_names_the_file_and_the_line_that_are_wrong)
{
    struct place place = place_create();
    char *future = path_in(place.folder, "future.csv");
    EXPECT_REFUSAL(place, 1, "future.csv: this horizon needs 4 rows, and there are 3", "--future",
                   future, "--horizon=5");
    text_write(place.folder, "future.csv", "humidity\n1\nmuch\n0\n");
    EXPECT_REFUSAL(place, 1, "future.csv: line 3: ", "--future", future, "--horizon=3");
    text_write(place.folder, "data.csv", "temp\n1\n2\n");
    EXPECT_REFUSAL(place, 1, "data.csv: line 1: there is no column 'humidity'", "--json");
    text_write(place.folder, "data.csv", "temp,humidity\n1,2\n1\n");
    EXPECT_REFUSAL(place, 1, "data.csv: line 3: ", "--json");
    text_write(place.folder, "m.safetensors", "no model");
    EXPECT_REFUSAL(place, 1, "m.safetensors: ", "--json");
    free(future);
    place_done(&place);
}
