/* Missing readings of a training, filled as a run fills them. */
#include "engine/train/dataset.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = TRAINING_PAIR_ROWS };

/* 2 inputs; the one output is the next value of the first. */
#define FEEDS                                                                                      \
    "{\"missing\":\"last\",\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"                        \
    "\"outputs\":[{\"name\":\"a\"}]}"

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
        double *x = training_noise(LONG * 2, 5);
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
        const double *filled = gru_dataset_lane(&dataset, PART_TRAIN, 0).x;
        double y[LONG * 2], y_filled[LONG * 2];
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
    struct training_pair data;
    struct dataset dataset;
    training_pair_make(&data, false);
    data.x[1][3] = NAN;
    struct gru_model *model = training_model(FEEDS, 2, 4, 1, 1);
    gru_dataset_init(&dataset, model, &data.training);
    ck_assert_int_eq(gru_dataset_fill(&dataset, model, NULL), GRU_OK);
    ck_assert_ptr_eq(gru_dataset_lane(&dataset, PART_TRAIN, 0).x, data.x[0]);
    ck_assert_ptr_ne(gru_dataset_lane(&dataset, PART_TRAIN, 1).x, data.x[1]);
    size_t n_bytes;
    ck_assert(gru_dataset_bytes(&dataset, &n_bytes));
    ck_assert_uint_eq(n_bytes, ROWS * 2 * sizeof(double) + 2 * sizeof(double *));
    gru_dataset_done(&dataset);
    gru_model_unref(model);
}

/* The forecasts of such a model are beyond every float. */
TEST(a_forecast_that_is_not_finite_is_refused_with_its_place)
{
    static const char grud[] =
        "{\"missing\":\"forecast\",\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
        "\"outputs\":[{\"name\":\"a\",\"mean\":1e300,\"std\":1e300}]}";
    static const char *const params[] = { "training.series[1]", "validation.series[0]" };
    struct gru_model *model = training_model(grud, 2, 4, 1, 1);
    for (int k = 0; k < 2; k++) {
        struct training_pair data;
        struct dataset dataset;
        struct gru_error error = { 0 };
        training_pair_make(&data, false);
        data.x[1][4] = NAN;
        if (k == 1) {
            data.training.n_series = 1;
            data.training.validation = &data.series[1];
            data.training.n_validation = 1;
        }
        gru_dataset_init(&dataset, model, &data.training);
        ck_assert_int_eq(gru_dataset_fill(&dataset, model, &error), GRU_BAD_TRAINING);
        ck_assert_str_eq(error.param, params[k]);
        ck_assert_ptr_nonnull(strstr(error.message, "the model's own forecast is not a finite"));
        gru_dataset_done(&dataset);
    }
    gru_model_unref(model);
}

TEST(a_part_sees_the_filled_copy_of_its_own_series)
{
    struct training_pair data;
    struct dataset dataset;
    training_pair_make(&data, false);
    data.x[0][2] = data.x[1][4] =
        NAN; /* row 1 of the one, row 2 of the other: filled by the last */
    data.training.n_series = 1;
    data.training.validation = &data.series[1];
    data.training.n_validation = 1;
    struct gru_model *model = training_model(FEEDS, 2, 4, 1, 1);
    gru_dataset_init(&dataset, model, &data.training);
    ck_assert_int_eq(gru_dataset_fill(&dataset, model, NULL), GRU_OK);
    ck_assert(gru_dataset_lane(&dataset, PART_TRAIN, 0).x[2] == data.x[0][0]);
    ck_assert(gru_dataset_lane(&dataset, PART_VALID, 0).x[4] == data.x[1][2]);
    ck_assert(isnan(data.x[0][2]) && isnan(data.x[1][4])); /* the caller's stay as they are */
    gru_dataset_done(&dataset);
    gru_model_unref(model);
}
