/* What cannot be trained on is refused with the place where it stands, and what can is counted. */
#include "engine/train/dataset.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* 2 inputs; the one output is the next value of the first. */
#define FEEDS "{\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"outputs\":[{\"name\":\"a\"}]}"
#define STRICT                                                                                     \
    "{\"missing\":\"error\",\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"outputs\":[{"         \
    "\"name\":\"a\"}]}"
#define TINY_STD                                                                                   \
    "{\"inputs\":[{\"name\":\"a\",\"std\":1e-30},{\"name\":\"b\"}],\"outputs\":[{\"name\":\"y\","  \
    "\"std\":1e-"                                                                                  \
    "30}]}"

enum { ROWS = 6 };

/* Two series without, or with, targets of their own, which a test spoils. */
struct data {
    float x[2][ROWS * 2], y[2][ROWS * 3];
    struct gru_series series[2];
    struct gru_training training;
};

static void make_data(struct data *data, bool with_y)
{
    *data = (struct data){ .training = { .n_series = 2, .hyperparameters = training_plain() } };
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < ROWS * 2; i++) {
            data->x[k][i] = 0.1F * (float)i;
        }
        data->series[k] = (struct gru_series){ .x = data->x[k], .n_rows = ROWS };
        if (with_y) {
            data->series[k].y = data->y[k];
            data->series[k].n_targets = ROWS;
        }
    }
    data->training.series = data->series;
}

static void expect_bad(struct data *data, const char *grud, size_t n_head, const char *param,
                       const char *part)
{
    struct gru_model *model = training_model(grud, 2, 4, 1, n_head);
    training_expect_bad(model, &data->training, param, part);
    gru_model_unref(model);
}

TEST(empty_sets_and_series_are_refused)
{
    struct data data;
    make_data(&data, false);
    data.training.n_series = 0;
    expect_bad(&data, FEEDS, 1, "training.series", "empty");
    make_data(&data, false);
    data.series[1].n_rows = 0;
    expect_bad(&data, FEEDS, 1, "training.series[1].x", "at least one row");
    make_data(&data, false);
    data.series[1].n_rows = 1;
    expect_bad(&data, FEEDS, 1, "training.series[1].x", "at least two rows");
    make_data(&data, false);
    data.training.validation = &data.series[1];
    data.training.n_validation = 1;
    data.training.n_series = 1;
    data.series[1].n_rows = 0;
    expect_bad(&data, FEEDS, 1, "validation.series[0].x", "at least one row");
}

TEST(targets_have_a_row_for_each_row_or_one)
{
    struct data data;
    make_data(&data, true);
    data.series[1].n_targets = ROWS - 1;
    expect_bad(&data, FEEDS, 1, "training.series[1].y", "as many rows");
    data.series[1].n_targets = 0;
    expect_bad(&data, FEEDS, 1, "training.series[1].y", "as many rows");
    make_data(&data, false);
    data.series[0].n_targets = ROWS;
    expect_bad(&data, FEEDS, 1, "training.series[0].y", "missing");
    make_data(&data, false);
    expect_bad(&data, NULL, 1, "training.series[0].y", "no output of the model feeds an input");
    data.training.hyperparameters.loss = GRU_CROSS_ENTROPY;
    expect_bad(&data, NULL, 3, "training.series[0].y", "class numbers");
}

TEST(readings_are_finite_and_there_where_they_must_be)
{
    struct data data;
    make_data(&data, false);
    data.x[1][5] = INFINITY;
    expect_bad(&data, FEEDS, 1, "training.series[1].x[2][1]", "finite");
    make_data(&data, false);
    data.x[0][8] = NAN;
    expect_bad(&data, STRICT, 1, "training.series[0].x[4][0]", "policy");
    make_data(&data, true);
    data.x[0][2] = 1e20F;
    expect_bad(&data, TINY_STD, 1, "training.series[0].x[1][0]", "mean");
    make_data(&data, false);
    data.training.validation = &data.series[1];
    data.training.n_validation = 1;
    data.training.n_series = 1;
    data.x[1][10] = -INFINITY;
    expect_bad(&data, FEEDS, 1, "validation.series[0].x[5][0]", "finite");
}

TEST(targets_are_finite_once_normalised)
{
    struct data data;
    make_data(&data, true);
    data.y[1][4] = INFINITY;
    expect_bad(&data, NULL, 1, "training.series[1].y[4][0]", "finite");
    make_data(&data, true);
    data.y[1][2] = 1e20F;
    for (size_t k = 0; k < ROWS; k++) {
        data.x[0][2 * k] = data.x[1][2 * k] = 0;
    }
    expect_bad(&data, TINY_STD, 1, "training.series[1].y[2][0]", "near enough");
    make_data(&data, true);
    data.series[1].n_targets = 1;
    data.y[1][1] = NAN;
    data.y[1][0] = INFINITY;
    expect_bad(&data, NULL, 2, "training.series[1].y[0][0]", "finite");
}

TEST(classes_are_whole_numbers_below_the_outputs)
{
    static const float wrong[] = { 0.5F, -1, 3, INFINITY, 1e10F };
    struct data data;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        make_data(&data, true);
        data.training.hyperparameters.loss = GRU_CROSS_ENTROPY;
        data.y[1][3] = wrong[k];
        expect_bad(&data, NULL, 3, "training.series[1].y[3]", k == 3 ? "finite" : "class");
    }
    make_data(&data, true);
    data.training.hyperparameters.loss = GRU_CROSS_ENTROPY;
    data.y[0][3] = 3; /* two decisions a row */
    expect_bad(&data, "{\"steps\":2}", 6, "training.series[0].y[1][1]", "class");
}

TEST(probabilities_are_from_0_to_1)
{
    static const float wrong[] = { -0.01F, 1.01F };
    struct data data;
    for (size_t k = 0; k < 2; k++) {
        make_data(&data, true);
        data.training.hyperparameters.loss = GRU_BCE;
        data.y[1][5] = wrong[k];
        expect_bad(&data, NULL, 1, "training.series[1].y[5][0]", "from 0 to 1");
    }
}

TEST(validation_is_a_fraction_or_series_of_its_own)
{
    static const double wrong[] = { -0.1, 1, NAN, INFINITY };
    struct data data;
    for (size_t k = 0; k < 4; k++) {
        make_data(&data, false);
        data.training.validation_fraction = wrong[k];
        expect_bad(&data, FEEDS, 1, "validation.fraction", "below 1");
    }
    make_data(&data, false);
    data.training.validation_fraction = 0.5;
    data.training.validation = data.series;
    data.training.n_validation = 1;
    expect_bad(&data, FEEDS, 1, "validation", "not both");
}

TEST(something_is_left_to_train_on_and_to_validate_on)
{
    struct data data;
    make_data(&data, false); /* one row to train on has no reading after it */
    data.training.validation_fraction = 0.9;
    data.training.n_series = 1;
    expect_bad(&data, FEEDS, 1, "validation.fraction", "to train on");
    make_data(&data, true); /* half of one series is none */
    data.training.validation_fraction = 0.4;
    data.series[0].n_targets = data.series[1].n_targets = 1;
    expect_bad(&data, NULL, 1, "validation.fraction", "to validate on");
    make_data(&data, true);
    for (size_t k = 0; k < ROWS; k++) {
        data.y[0][k] = data.y[1][k] = NAN;
    }
    expect_bad(&data, NULL, 1, "training.series", "no target");
    make_data(&data, true);
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
    struct data data;
    make_data(&data, false);
    data.series[0].n_rows = SIZE_MAX / 4;
    expect_bad(&data, FEEDS, 1, "training.series[0].x", "addresses");
}

TEST(a_bad_hyperparameter_is_found_first)
{
    struct data data;
    make_data(&data, false);
    data.training.n_series = 0;
    data.training.hyperparameters.window = 0;
    expect_bad(&data, FEEDS, 1, "hyperparameters.window", "from 1");
}

TEST(counts_are_of_what_is_there)
{
    struct data data;
    make_data(&data, false);
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

/* Rows are split in time, series of one target as wholes, each by its own kind. */
TEST(mixed_series_are_split_each_by_its_kind)
{
    struct data data;
    make_data(&data, true);
    struct gru_series series[5];
    for (int k = 0; k < 5; k++) {
        series[k] = data.series[k % 2];
        series[k].n_targets = k == 1 ? ROWS : 1;
    }
    data.training.series = series;
    data.training.n_series = 5;
    data.training.validation_fraction = 0.5;
    struct gru_model *model = training_model(NULL, 2, 4, 1, 1);
    struct gru_training_info info = training_info(model, &data.training);
    ck_assert_uint_eq(info.n_train_targets, 3 + 2);
    ck_assert_uint_eq(info.n_valid_targets, 3 + 2);
    struct dataset dataset;
    gru_dataset_init(&dataset, model, &data.training);
    static const size_t train[] = { ROWS, 3, ROWS, 0, 0 }, valid[] = { 0, ROWS, 0, ROWS, ROWS };
    for (size_t k = 0; k < 5; k++) {
        ck_assert_uint_eq(gru_dataset_lane(&dataset, PART_TRAIN, k).n_rows, train[k]);
        ck_assert_uint_eq(gru_dataset_lane(&dataset, PART_VALID, k).n_rows, valid[k]);
    }
    gru_model_unref(model);
}

/* ---- targets ---- */

#define SCALED(residual)                                                                           \
    "{\"steps\":2," residual                                                                       \
    "\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"outputs\":[{\"name\":\"a\","                 \
    "\"mean\":10,\"std\":4},{\"name\":\"c\",\"mean\":1,\"std\":2}]}"

static void expect_targets(const char *grud, const struct data *data, size_t t,
                           const float *expected)
{
    struct gru_model *model = training_model(grud, 2, 4, 1, 4);
    struct dataset dataset;
    float targets[4];
    size_t n = 0;
    gru_dataset_init(&dataset, model, &data->training);
    ck_assert_int_eq(gru_dataset_fill(&dataset, model, NULL), GRU_OK);
    struct dataset_lane lane = gru_dataset_lane(&dataset, PART_TRAIN, 0);
    size_t n_targets = gru_dataset_targets(&dataset, &lane, t, targets);
    for (size_t k = 0; k < 4; k++) {
        ck_assert_msg(isnan(targets[k]) == isnan(expected[k]) &&
                          (isnan(expected[k]) || fabsf(targets[k] - expected[k]) < 1e-6F),
                      "[%zu]: %g, not %g", k, (double)targets[k], (double)expected[k]);
        n += !isnan(expected[k]);
    }
    ck_assert_uint_eq(n_targets, n);
    gru_dataset_done(&dataset);
    gru_model_unref(model);
}

TEST(targets_without_y_are_the_next_readings)
{
    struct data data;
    make_data(&data, false);
    for (size_t t = 0; t < ROWS; t++) {
        data.x[0][2 * t] = (float)(10 * t);
    }
    expect_targets(SCALED(""), &data, 1, (const float[]){ 2.5F, NAN, 5, NAN });
    expect_targets(SCALED("\"residual\":true,"), &data, 1, (const float[]){ 0, NAN, 2.5F, NAN });
    expect_targets(SCALED(""), &data, ROWS - 2, (const float[]){ 10, NAN, NAN, NAN });
    expect_targets(SCALED(""), &data, ROWS - 1, (const float[]){ NAN, NAN, NAN, NAN });
    data.x[0][4] = NAN; /* no target, and what row 2 adds its changes to is row 1's reading */
    expect_targets(SCALED(""), &data, 1, (const float[]){ NAN, NAN, 5, NAN });
    expect_targets(SCALED("\"residual\":true,"), &data, 2, (const float[]){ 2.5F, NAN, 5, NAN });
}

TEST(targets_with_y_are_normalised)
{
    struct data data;
    make_data(&data, true);
    float y[ROWS * 4] = { 0 };
    y[4] = 18;
    y[5] = 5;
    y[6] = NAN;
    y[7] = 1;
    data.x[0][2] = 3;
    data.series[0].y = y;
    data.training.n_series = 1;
    expect_targets(SCALED(""), &data, 1, (const float[]){ 2, 2, NAN, 0 });
    expect_targets(SCALED("\"residual\":true,"), &data, 1, (const float[]){ 1.25F, 2, NAN, 0 });
    data.series[0].n_targets = 1;
    expect_targets(SCALED(""), &data, 1, (const float[]){ NAN, NAN, NAN, NAN });
    expect_targets(SCALED(""), &data, ROWS - 1, (const float[]){ -2.5F, -0.5F, -2.5F, -0.5F });
}

/* ---- filling ---- */

/* What a run makes of missing readings is what training makes of them: over the filled copy,
 * without one missing, the same model gives the same answers bit for bit. */
TEST(readings_are_filled_as_a_run_fills_them)
{
    static const char *const policies[] = { "last", "mean", "forecast" };
    enum { LONG = 200 };
    for (size_t p = 0; p < 3; p++) {
        char grud[200];
        snprintf(grud, sizeof grud,
                 "{\"missing\":\"%s\",\"inputs\":[{\"name\":\"a\",\"mean\":3,\"std\":2},{\"name\":"
                 "\"b\"}],"
                 "\"outputs\":[{\"name\":\"y\"},{\"name\":\"a\"}]}",
                 policies[p]);
        struct gru_model *model = training_model(grud, 2, 4, 1, 2);
        float *x = training_noise(LONG * 2, 5);
        for (size_t k = 0; k < LONG * 2; k++) {
            x[k] = k < 3 || k % 3 == 1 || (k > 250 && k < 300) ? NAN : x[k];
        }
        struct gru_series series = { .x = x, .n_rows = LONG };
        struct gru_training training = { .series = &series,
                                         .n_series = 1,
                                         .hyperparameters = training_plain() };
        struct dataset dataset;
        gru_dataset_init(&dataset, model, &training);
        ck_assert_int_eq(gru_dataset_fill(&dataset, model, NULL), GRU_OK);
        const float *filled = gru_dataset_lane(&dataset, PART_TRAIN, 0).x;
        float y[LONG * 2], y_filled[LONG * 2];
        struct gru_work *work;
        ck_assert_int_eq(gru_work_create(&work), GRU_OK);
        struct gru_lane lanes[] = { { .x = x, .n_rows = LONG, .y = y },
                                    { .x = filled, .n_rows = LONG, .y = y_filled } };
        ck_assert_int_eq(gru_run(model, work, lanes, 2), GRU_OK);
        ck_assert(lanes[0].status == GRU_OK && lanes[1].status == GRU_OK);
        ck_assert_mem_eq(y, y_filled, sizeof y);
        for (size_t k = 0; k < LONG * 2; k++) {
            ck_assert(!isnan(filled[k]) && (isnan(x[k]) || x[k] == filled[k]));
        }
        gru_work_free(work);
        gru_dataset_done(&dataset);
        gru_model_unref(model);
        free(x);
    }
}

TEST(series_without_gaps_are_not_copied)
{
    struct data data;
    struct dataset dataset;
    make_data(&data, false);
    data.x[1][3] = NAN;
    struct gru_model *model = training_model(FEEDS, 2, 4, 1, 1);
    gru_dataset_init(&dataset, model, &data.training);
    ck_assert_int_eq(gru_dataset_fill(&dataset, model, NULL), GRU_OK);
    ck_assert_ptr_eq(gru_dataset_lane(&dataset, PART_TRAIN, 0).x, data.x[0]);
    ck_assert_ptr_ne(gru_dataset_lane(&dataset, PART_TRAIN, 1).x, data.x[1]);
    size_t n_bytes;
    ck_assert(gru_dataset_bytes(&dataset, &n_bytes));
    ck_assert_uint_eq(n_bytes, ROWS * 2 * sizeof(float) + 2 * sizeof(float *));
    gru_dataset_done(&dataset);
    gru_model_unref(model);
}
