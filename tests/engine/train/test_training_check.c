/* What cannot be trained on is refused with the place where it stands, and what can is counted. */
#include "test.h"
#include "training.h"

#include <math.h>

/* 2 inputs; the one output is the next value of the first. */
#define FEEDS "{\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"outputs\":[{\"name\":\"a\"}]}"
#define STRICT                                                                                     \
    "{\"missing\":\"error\",\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"outputs\":[{"         \
    "\"name\":\"a\"}]}"
#define TINY_STD                                                                                   \
    "{\"inputs\":[{\"name\":\"a\",\"std\":1e-30},{\"name\":\"b\"}],\"outputs\":[{\"name\":\"y\","  \
    "\"std\":1e-"                                                                                  \
    "30}]}"

enum { ROWS = TRAINING_PAIR_ROWS };

static void expect_bad(struct training_pair *data, const char *grud, size_t n_head,
                       const char *param, const char *part)
{
    struct gru_model *model = training_model(grud, 2, 4, 1, n_head);
    training_expect_bad(model, &data->training, param, part);
    gru_model_unref(model);
}

TEST(empty_sets_and_series_are_refused)
{
    struct training_pair data;
    training_pair_make(&data, false);
    data.training.n_series = 0;
    expect_bad(&data, FEEDS, 1, "training.series", "empty");
    training_pair_make(&data, false);
    data.series[1].n_rows = 0;
    expect_bad(&data, FEEDS, 1, "training.series[1].x", "at least one row");
    training_pair_make(&data, false);
    data.series[1].n_rows = 1;
    expect_bad(&data, FEEDS, 1, "training.series[1].x", "at least two rows");
    training_pair_make(&data, false);
    data.training.validation = &data.series[1];
    data.training.n_validation = 1;
    data.training.n_series = 1;
    data.series[1].n_rows = 0;
    expect_bad(&data, FEEDS, 1, "validation.series[0].x", "at least one row");
}

/* The targets of an output that feeds the first input. */
static void follow(struct training_pair *data)
{
    for (size_t k = 0; k < 2; k++) {
        for (size_t t = 0; t + 1 < ROWS; t++) {
            data->y[k][t] = data->x[k][(t + 1) * 2];
        }
    }
}

TEST(a_target_of_an_output_that_feeds_an_input_is_its_next_value)
{
    struct training_pair data;
    training_pair_make(&data, true);
    follow(&data);
    data.y[1][3] *= 1 + 1e-5;
    expect_bad(&data, FEEDS, 1, "training.series[1].y[3][0]",
               "must be 0.800000012, not 0.800008012, or null: the output 'a' forecasts the next "
               "value of the "
               "input 'a'");
    struct gru_model *model = training_model(FEEDS, 2, 4, 1, 1);
    data.y[1][3] = (float)data.x[1][8]; /* rounded */
    data.y[1][0] = NAN;                 /* nothing to learn */
    data.x[0][4] = NAN;                 /* what it was is said by the target alone */
    data.y[0][1] = 77;
    data.y[0][ROWS - 1] = 99; /* of the future */
    training_info(model, &data.training);
    data.series[0].n_targets = 1; /* of the last row */
    training_info(model, &data.training);
    gru_model_unref(model);
    training_pair_make(&data, true);
    model = training_model(NULL, 2, 4, 1, 1); /* feeds nothing */
    data.y[0][0] = 55;
    training_info(model, &data.training);
    gru_model_unref(model);
}

TEST(a_target_some_steps_ahead_is_the_value_then)
{
    static const char two[] = "{\"steps\":2,\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
                              "\"outputs\":[{\"name\":\"a\"}]}";
    struct training_pair data;
    training_pair_make(&data, true);
    struct gru_model *model = training_model(two, 2, 4, 1, 2);
    training_follow(model, data.series, 2);
    training_info(model, &data.training);
    gru_model_unref(model);
    data.y[0][2 * 3 + 1] += 0.1; /* row 5 as row 3 has it */
    expect_bad(&data, two, 2, "training.series[0].y[3][1]", "must be 1, not 1.1, or null");
}

TEST(targets_have_a_row_for_each_row_or_one)
{
    struct training_pair data;
    training_pair_make(&data, true);
    follow(&data);
    data.series[1].n_targets = ROWS - 1;
    expect_bad(&data, FEEDS, 1, "training.series[1].y", "as many rows");
    data.series[1].n_targets = 0;
    expect_bad(&data, FEEDS, 1, "training.series[1].y", "as many rows");
    training_pair_make(&data, false);
    data.series[0].n_targets = ROWS;
    expect_bad(&data, FEEDS, 1, "training.series[0].y", "missing");
    training_pair_make(&data, false);
    expect_bad(&data, NULL, 1, "training.series[0].y", "no output of the model feeds an input");
    data.training.hyperparameters.loss = GRU_CROSS_ENTROPY;
    expect_bad(&data, NULL, 3, "training.series[0].y", "class numbers");
}

TEST(readings_are_finite_and_there_where_they_must_be)
{
    struct training_pair data;
    training_pair_make(&data, false);
    data.x[1][5] = INFINITY;
    expect_bad(&data, FEEDS, 1, "training.series[1].x[2][1]", "finite");
    training_pair_make(&data, false);
    data.x[0][8] = NAN;
    expect_bad(&data, STRICT, 1, "training.series[0].x[4][0]", "policy");
    training_pair_make(&data, true);
    data.x[0][2] = 1e20F;
    expect_bad(&data, TINY_STD, 1, "training.series[0].x[1][0]", "mean");
    training_pair_make(&data, false);
    data.training.validation = &data.series[1];
    data.training.n_validation = 1;
    data.training.n_series = 1;
    data.x[1][10] = -INFINITY;
    expect_bad(&data, FEEDS, 1, "validation.series[0].x[5][0]", "finite");
}

TEST(targets_are_finite_once_normalised)
{
    struct training_pair data;
    training_pair_make(&data, true);
    data.y[1][4] = INFINITY;
    expect_bad(&data, NULL, 1, "training.series[1].y[4][0]", "finite");
    training_pair_make(&data, true);
    data.y[1][2] = 1e20F;
    for (size_t k = 0; k < ROWS; k++) {
        data.x[0][2 * k] = data.x[1][2 * k] = 0;
    }
    expect_bad(&data, TINY_STD, 1, "training.series[1].y[2][0]", "near enough");
    training_pair_make(&data, true);
    data.series[1].n_targets = 1;
    data.y[1][1] = NAN;
    data.y[1][0] = INFINITY;
    expect_bad(&data, NULL, 2, "training.series[1].y[0][0]", "finite");
}

TEST(classes_are_whole_numbers_below_the_outputs)
{
    static const float wrong[] = { 0.5F, -1, 3, INFINITY, 1e10F };
    struct training_pair data;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        training_pair_make(&data, true);
        data.training.hyperparameters.loss = GRU_CROSS_ENTROPY;
        data.y[1][3] = wrong[k];
        expect_bad(&data, NULL, 3, "training.series[1].y[3]", k == 3 ? "finite" : "class");
    }
    training_pair_make(&data, true);
    data.training.hyperparameters.loss = GRU_CROSS_ENTROPY;
    data.y[0][3] = 3; /* two decisions a row */
    expect_bad(&data, "{\"steps\":2}", 6, "training.series[0].y[1][1]", "class");
}

TEST(probabilities_are_from_0_to_1)
{
    static const float wrong[] = { -0.01F, 1.01F };
    struct training_pair data;
    for (size_t k = 0; k < 2; k++) {
        training_pair_make(&data, true);
        data.training.hyperparameters.loss = GRU_BCE;
        data.y[1][5] = wrong[k];
        expect_bad(&data, NULL, 1, "training.series[1].y[5][0]", "from 0 to 1");
    }
}

TEST(validation_is_a_fraction_or_series_of_its_own)
{
    static const double wrong[] = { -0.1, 1, NAN, INFINITY };
    struct training_pair data;
    for (size_t k = 0; k < 4; k++) {
        training_pair_make(&data, false);
        data.training.validation_fraction = wrong[k];
        expect_bad(&data, FEEDS, 1, "validation.fraction", "below 1");
    }
    training_pair_make(&data, false);
    data.training.validation_fraction = 0.5;
    data.training.validation = data.series;
    data.training.n_validation = 1;
    expect_bad(&data, FEEDS, 1, "validation", "not both");
}

TEST(something_is_left_to_train_on_and_to_validate_on)
{
    struct training_pair data;
    training_pair_make(&data, false); /* one row to train on has no reading after it */
    data.training.validation_fraction = 0.9;
    data.training.n_series = 1;
    expect_bad(&data, FEEDS, 1, "validation.fraction", "to train on");
    training_pair_make(&data, true); /* half of one series is none */
    data.training.validation_fraction = 0.4;
    data.series[0].n_targets = data.series[1].n_targets = 1;
    expect_bad(&data, NULL, 1, "validation.fraction", "to validate on");
    training_pair_make(&data, true);
    for (size_t k = 0; k < ROWS; k++) {
        data.y[0][k] = data.y[1][k] = NAN;
    }
    expect_bad(&data, NULL, 1, "training.series", "no target");
    training_pair_make(&data, true);
    data.training.n_series = 1;
    data.training.validation = &data.series[1];
    data.training.n_validation = 1;
    for (size_t k = 0; k < ROWS; k++) {
        data.y[1][k] = NAN;
    }
    expect_bad(&data, NULL, 1, "validation.series", "no target");
}

TEST(sizes_that_no_memory_has_are_refused)
{
    struct training_pair data;
    training_pair_make(&data, false);
    data.series[0].n_rows = SIZE_MAX / 4;
    expect_bad(&data, FEEDS, 1, "training.series[0].x", "addresses");
}

TEST(a_bad_hyperparameter_is_found_first)
{
    struct training_pair data;
    training_pair_make(&data, false);
    data.training.n_series = 0;
    data.training.hyperparameters.window = 0;
    expect_bad(&data, FEEDS, 1, "hyperparameters.window", "from 1");
}

TEST(counts_are_of_what_is_there)
{
    struct training_pair data;
    training_pair_make(&data, false);
    data.x[0][4] = NAN; /* no target of row 1, and one reading to fill */
    data.x[1][1] = NAN;
    data.training.validation_fraction = 0.4; /* the last 2 rows of each */
    struct gru_model *model = training_model(FEEDS, 2, 4, 1, 1);
    struct gru_training_info info = training_info(model, &data.training);
    ck_assert_uint_eq(info.n_rows, 2 * ROWS);
    ck_assert_uint_eq(info.n_missing, 2);
    ck_assert_uint_eq(info.n_train_targets, 2 + 3);
    ck_assert_uint_eq(info.n_valid_targets, 2 + 2);
    ck_assert_uint_eq(info.n_steps, 20);
    gru_model_unref(model);
}
