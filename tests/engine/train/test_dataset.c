/* Series as lanes: what belongs to training and what to validation, and the targets of each row. */
#include "engine/train/dataset.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = TRAINING_PAIR_ROWS };

/* 2 inputs; the output is the next two values of the first. */
#define FED                                                                                        \
    "{\"steps\":2,\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"outputs\":[{\"name\":\"a\"}]}"

/* ---- parts ---- */

/* Rows are split in time, series of one target as wholes, each by its own kind. */
TEST(mixed_series_are_split_each_by_its_kind)
{
    struct training_pair data;
    training_pair_make(&data, true);
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

/* Each target that there is belongs to one of the parts, and to one only; a row of the lane's own
 * is where it stands. */
static void expect_parted(const struct gru_model *model, const struct gru_training *training)
{
    struct dataset dataset;
    gru_dataset_init(&dataset, model, training);
    for (size_t k = 0; k < training->n_series; k++) {
        struct dataset_lane train = gru_dataset_lane(&dataset, PART_TRAIN, k);
        struct dataset_lane valid = gru_dataset_lane(&dataset, PART_VALID, k);
        const struct gru_series *series = &training->series[k];
        struct dataset_lane whole = {
            .series = series, .x = series->x, .n_rows = series->n_rows, .n_known = series->n_rows
        };
        for (size_t i = 0; i < series->n_rows * dataset.width; i++) {
            size_t t = i / dataset.width, column = i % dataset.width;
            bool is_there = !isnan(gru_dataset_raw_target(&dataset, &whole, t, column));
            int n = 0;
            n += t < train.n_rows && !isnan(gru_dataset_raw_target(&dataset, &train, t, column));
            n += t < valid.n_rows && !isnan(gru_dataset_raw_target(&dataset, &valid, t, column));
            ck_assert_msg(n == is_there, "series %zu, row %zu, column %zu: in %d parts, not %d", k,
                          t, column, n, is_there);
        }
    }
}

TEST(every_target_is_for_training_or_for_validation)
{
    static const double fractions[] = { 0.01, 0.2, 0.5, 0.75, 0.99 };
    struct training_set set;
    training_set_make(&set, NULL);
    struct gru_model *model = training_model(FED, TRAINING_INPUTS, 3, 1, 2);
    for (int with_y = 0; with_y < 2; with_y++) {
        for (size_t k = 0; k < TRAINING_SERIES; k++) {
            set.series[k].n_targets = with_y && k % 3 == 0 ? 1 : with_y * set.series[k].n_rows;
            set.series[k].y = with_y ? set.y : NULL;
        }
        for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
            set.training.validation_fraction = fractions[f];
            expect_parted(model, &set.training);
        }
    }
    gru_model_unref(model);
    training_set_free(&set);
}

TEST(of_several_rows_one_is_held_back_at_least_and_of_one_none)
{
    struct training_pair data;
    struct dataset dataset;
    training_pair_make(&data, true);
    data.series[0].n_rows = data.series[0].n_targets = 2;
    data.series[1].n_rows = 1;
    data.series[1].n_targets = 0;
    data.series[1].y = NULL;
    data.training.validation_fraction = 0.01;
    struct gru_model *model = training_model(NULL, 2, 4, 1, 1);
    gru_dataset_init(&dataset, model, &data.training);
    ck_assert_uint_eq(gru_dataset_lane(&dataset, PART_TRAIN, 0).n_rows, 1);
    struct dataset_lane held = gru_dataset_lane(&dataset, PART_VALID, 0);
    ck_assert(held.n_rows == 2 && held.first == 1); /* it runs over what comes before */
    ck_assert_uint_eq(gru_dataset_lane(&dataset, PART_TRAIN, 1).n_rows, 1);
    ck_assert_uint_eq(gru_dataset_lane(&dataset, PART_VALID, 1).n_rows, 0);
    gru_model_unref(model);
}

/* 0.29 * 100 is 28.999999999999996 in doubles. */
TEST(a_decimal_fraction_is_what_it_says)
{
    enum { HUNDRED = 100 };
    struct gru_model *model = training_model(NULL, 1, 2, 1, 1);
    double *x = training_noise(HUNDRED, 1);
    const struct gru_series series = { .x = x, .n_rows = HUNDRED, .y = x, .n_targets = HUNDRED };
    for (size_t percent = 1; percent < HUNDRED; percent++) {
        const struct gru_training training = { .series = &series,
                                               .n_series = 1,
                                               .validation_fraction = (double)percent / 100,
                                               .hyperparameters = training_plain() };
        ck_assert_uint_eq(training_info(model, &training).n_valid_targets, percent);
    }
    gru_model_unref(model);
    free(x);
}

/* ---- targets ---- */

#define SCALED(residual)                                                                           \
    "{\"steps\":2,\"missing\":\"last\"," residual                                                  \
    "\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"outputs\":[{\"name\":\"a\","                 \
    "\"mean\":10,\"std\":4},{\"name\":\"c\",\"mean\":1,\"std\":2}]}"

static void expect_targets(const char *grud, const struct training_pair *data, size_t t,
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
    struct training_pair data;
    training_pair_make(&data, false);
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
    struct training_pair data;
    training_pair_make(&data, true);
    double y[ROWS * 4] = { 0 };
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

/* Counted one by one, whatever is known of a row beforehand. */
static void expect_counted(const struct gru_model *model, const struct gru_training *training)
{
    struct dataset dataset;
    gru_dataset_init(&dataset, model, training);
    for (int i = 0; i < 2 * TRAINING_SERIES; i++) {
        enum part part = i < TRAINING_SERIES ? PART_TRAIN : PART_VALID;
        struct dataset_lane lane = gru_dataset_lane(&dataset, part, (size_t)i % TRAINING_SERIES);
        size_t next = lane.n_rows;
        for (size_t t = lane.n_rows; t-- > 0;) {
            float targets[TRAINING_OUTPUTS];
            size_t n = 0;
            for (size_t column = 0; column < dataset.width; column++) {
                n += !isnan(gru_dataset_raw_target(&dataset, &lane, t, column));
            }
            next = n > 0 ? t : next;
            ck_assert_uint_eq(gru_dataset_targets(&dataset, &lane, t, targets), n);
            ck_assert_uint_eq(gru_dataset_next_target(&dataset, &lane, t, lane.n_rows), next);
        }
    }
}

TEST(rows_without_targets_are_passed_over_and_no_others)
{
    struct training_set set;
    training_set_make(&set, NULL);
    for (size_t k = 0; k < TRAINING_SERIES * TRAINING_ROWS * TRAINING_OUTPUTS; k++) {
        set.y[k] = k / TRAINING_OUTPUTS % 4 == 1 ? set.y[k] : NAN;
    }
    set.series[1].n_targets = 1;
    set.training.validation_fraction = 0.4;
    expect_counted(set.model, &set.training);
    struct gru_model *fed = training_model(FED, TRAINING_INPUTS, 3, 1, 2);
    for (size_t k = 0; k < TRAINING_SERIES; k++) {
        set.series[k].y = NULL;
        set.series[k].n_targets = 0;
    }
    expect_counted(fed, &set.training);
    gru_model_unref(fed);
    training_set_free(&set);
}
