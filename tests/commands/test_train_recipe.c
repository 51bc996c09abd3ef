/* grud train --recipe, as main calls it. */
#include "command_support.h"
#include "commands/command.h"
#include "gru.h"
#include "scratch.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERIES "--inputs", "load,heat", "--outputs", "load"
#define RECIPE "--recipe", "--horizon", "4", "--max-seconds", "60"

struct place {
    char *folder, *data, *model;
};

/* Hours with a trend and a day of 8 rows, and an input that nobody forecasts. */
static struct place place_create(int n_rows, double trend)
{
    struct place place = { .folder = folder_create() };
    place.data = path_in(place.folder, "load.csv");
    place.model = path_in(place.folder, "m.safetensors");
    char *text = malloc(64 * 200);
    ck_assert_ptr_nonnull(text);
    size_t n = (size_t)sprintf(text, "heat,load\n");
    for (int k = 0; k < n_rows; k++) {
        const double noise = 0.1 * sin(37.0 * k * k);
        n += (size_t)sprintf(text + n, "%d,%.4f\n", k % 5,
                             100 + trend * k + (trend > 0 ? 5 * sin(0.785398 * k) + noise : 0));
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

static void expect_said(const char *said, const char *part)
{
    ck_assert_msg(strstr(said, part) != NULL, "'%s' is not in: %s", part, said);
}

TEST(a_recipe_writes_a_model_and_says_what_it_tried)
{
    struct place place = place_create(120, 0.5);
    struct gru_model *model;
    struct outcome outcome =
        run(command_train, place.data, SERIES, RECIPE, "-o", place.model, (char *)NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    expect_said(outcome.out, "season: 8 rows, whose changes correlate by ");
    expect_said(outcome.out, "\npersistence ");
    expect_said(outcome.out, "\nseasonal naive ");
    expect_said(outcome.out, "\nnone, roll-outs of 4 ");
    expect_said(outcome.out, "  chosen\n");
    expect_said(outcome.out, "of 'load'\n");
    outcome_done(&outcome);
    ck_assert_int_eq(gru_model_load_file(place.model, &model, NULL), GRU_OK);
    ck_assert_uint_eq(gru_model_info(model)->season, 8);
    ck_assert(gru_model_info(model)->n_future == 1 && gru_model_is_verified(model));
    ck_assert_ptr_nonnull(gru_model_residuals(model));
    gru_model_unref(model);
    place_done(&place);
}

TEST(a_season_may_be_said)
{
    struct place place = place_create(120, 0.5);
    struct outcome outcome =
        run(command_train, place.data, SERIES, "--season", "16", "--recipe", "--horizon", "2",
            "--max-seconds", "1", "-o", place.model, (char *)NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    expect_said(outcome.out, "season: 16 rows, as given\n");
    expect_said(outcome.out, "seasonal_difference of 16");
    outcome_done(&outcome);
    place_done(&place);
}

static void expect_refused(int code, const char *part, const char *flag, const char *value,
                           const char *other, const char *other_value)
{
    struct place place = place_create(120, 0.5);
    struct outcome outcome = run(command_train, place.data, SERIES, "-o", place.model, flag, value,
                                 other, other_value, (char *)NULL);
    ck_assert_int_eq(outcome.code, code);
    expect_said(outcome.err, part);
    ck_assert_int_ne(access(place.model, F_OK), 0);
    outcome_done(&outcome);
    place_done(&place);
}

TEST(what_does_not_go_together_is_refused)
{
    expect_refused(2, "--horizon goes with --recipe", "--horizon", "3", NULL, NULL);
    expect_refused(2, "--max-seconds goes with --recipe", "--max-seconds", "3", NULL, NULL);
    expect_refused(2, "--recipe needs --horizon", "--recipe", NULL, NULL, NULL);
    expect_refused(2, "--horizon takes a whole number from 1, not '0'", "--horizon", "0",
                   "--recipe", NULL);
    expect_refused(2, "--horizon takes a whole number from 1, not 'day'", "--horizon", "day",
                   "--recipe", NULL);
    expect_refused(1, "'horizon' must be from 1 to 1024", "--horizon", "2000", "--recipe", NULL);
    expect_refused(1, "the validation part has only 24 rows", "--horizon", "25", "--recipe", NULL);
}

TEST(a_recipe_goes_without_what_it_chooses)
{
    static const char *const flags[][2] = { { "--layers", "3" },
                                            { "--cell", "lstm" },
                                            { "--n-epochs", "3" },
                                            { "--output-weights", "1" } };
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
        struct place place = place_create(120, 0.5);
        char said[80];
        struct outcome outcome = run(command_train, place.data, SERIES, RECIPE, "-o", place.model,
                                     flags[k][0], flags[k][1], (char *)NULL);
        ck_assert_int_eq(outcome.code, 2);
        snprintf(said, sizeof said, "--recipe goes without %s", flags[k][0]);
        expect_said(outcome.err, said);
        outcome_done(&outcome);
        place_done(&place);
    }
}

TEST(data_that_say_nothing_are_refused)
{
    struct place place = place_create(120, 0);
    struct outcome outcome =
        run(command_train, place.data, SERIES, RECIPE, "-o", place.model, (char *)NULL);
    ck_assert_int_eq(outcome.code, 1);
    expect_said(outcome.err, "no output changes in the training part");
    outcome_done(&outcome);
    place_done(&place);
}
