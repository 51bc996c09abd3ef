/* grud evaluate, as main calls it. What it finds is compared with the daemon's in the end-to-end
 * tests. */
#include "command_support.h"
#include "commands/command.h"
#include "scratch.h"
#include "test.h"

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
    return place;
}

static void place_done(struct place *place)
{
    free(place->data);
    free(place->model);
    folder_remove(place->folder);
}

TEST(evaluate_prints_a_row_for_each_measure_and_step_ahead)
{
    struct place place = place_create();
    struct outcome outcome =
        run(command_evaluate, place.model, place.data, "--horizon", "3", "--season=5", NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    ck_assert_ptr_eq(strstr(outcome.out, "27 windows, 3 ahead; season 5, intervals of 0.9\n"),
                     outcome.out);
    ck_assert_ptr_nonnull(strstr(outcome.out, "\nskill_vs_seasonal_naive "));
    ck_assert_ptr_nonnull(strstr(outcome.out, "\n    3 "));
    ck_assert_ptr_null(strstr(outcome.out, "\n    4 "));
    ck_assert_str_eq(outcome.err,
                     "times are in 'day', 86400 seconds apart; 0 rows stand for 0 gaps\n");
    outcome_done(&outcome);
    place_done(&place);
}

TEST(evaluate_prints_json)
{
    struct place place = place_create();
    struct outcome outcome = run(command_evaluate, place.model, place.data, "--json", NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    ck_assert_ptr_eq(strstr(outcome.out, "{\"windows\":29,\"horizon\":1,\"season\":null,"),
                     outcome.out);
    ck_assert_ptr_nonnull(strstr(outcome.out, "\"by_output\":[{\"output\":\"temp\",\"n\":29,"));
    ck_assert_ptr_nonnull(strstr(outcome.out, "}]}\n"));
    outcome_done(&outcome);
    place_done(&place);
}

#define EXPECT_REFUSAL(place, exit_code, error, ...)                                               \
    do {                                                                                           \
        struct outcome refused =                                                                   \
            run(command_evaluate, (place).model, (place).data, __VA_ARGS__, NULL);                 \
        ck_assert_msg(strstr(refused.err, error) != NULL, "%s", refused.err);                      \
        ck_assert_int_eq(refused.code, exit_code);                                                 \
        ck_assert_str_eq(refused.out, "");                                                         \
        outcome_done(&refused);                                                                    \
    } while (0)

TEST(evaluate_refuses_wrong_arguments)
{
    struct place place = place_create();
    EXPECT_REFUSAL(place, 2, "there is no argument 'third'", "third");
    EXPECT_REFUSAL(place, 2, "--horizon takes a whole number of rows from 1, not '0'",
                   "--horizon=0");
    EXPECT_REFUSAL(place, 2, "--season takes a whole number", "--season", "1.5");
    EXPECT_REFUSAL(place, 2, "--level takes the share", "--level", "1");
    EXPECT_REFUSAL(place, 1, "more rows than --horizon and --season", "--horizon", "30");
    EXPECT_REFUSAL(place, 1, "more rows than --horizon and --season", "--season", "30");
    struct outcome outcome = run(command_evaluate, place.model, NULL);
    ck_assert_int_eq(outcome.code, 2);
    ck_assert_ptr_nonnull(strstr(outcome.err, "DATA.csv is missing\nusage: "));
    outcome_done(&outcome);
    place_done(&place);
}

TEST(evaluate_names_the_file_that_is_wrong)
{
    struct place place = place_create();
    text_write(place.folder, "data.csv", "temp\n1\n2\n");
    EXPECT_REFUSAL(place, 1, "data.csv: line 1: there is no column 'humidity'", "--json");
    text_write(place.folder, "data.csv", "temp,humidity\n1,2\n,2\n,3\n");
    EXPECT_REFUSAL(place, 1, "data.csv: there is no value that a forecast could be compared with",
                   "--json");
    text_write(place.folder, "m.safetensors", "no model");
    EXPECT_REFUSAL(place, 1, "m.safetensors: ", "--json");
    place_done(&place);
}
