/* That networks really learn. */
#include "gru.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>

TEST(counting_is_learned)
{
    static const char grud[] = "{\"inputs\":[{\"name\":\"n\",\"mean\":5,\"std\":3}],"
                               "\"outputs\":[{\"name\":\"n\"}]}";
    struct gru_model *model = training_model(grud, 1, 8, 1, 1);
    double x[10];
    for (size_t k = 0; k < 10; k++) {
        x[k] = (float)(k + 1);
    }
    struct gru_series series = { .x = x, .n_rows = 10 };
    struct gru_training training = { .series = &series,
                                     .n_series = 1,
                                     .hyperparameters = training_plain() };
    training.hyperparameters.n_epochs = 400;
    training.hyperparameters.learning_rate = 0.01;
    struct gru_progress progress;
    struct gru_model *trained = training_whole(model, &training, &progress);
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    double y;
    struct gru_lane lane = { .x = x, .n_rows = 5, .y = &y, .last_only = true };
    ck_assert_int_eq(gru_run(trained, work, &lane, 1), GRU_OK);
    ck_assert_msg(fabs(y - 6) < 0.1, "1, 2, 3, 4, 5, %g", y);
    gru_work_free(work);
    gru_model_unref(trained);
    gru_model_unref(model);
}

TEST(sums_are_learned)
{
    enum { N = 64, LENGTH = 4 };
    struct gru_model *model = training_model(NULL, 1, 8, 1, 1);
    double *x = training_noise(2 * N * LENGTH, 9), sums[2 * N];
    struct gru_series series[2 * N];
    for (size_t k = 0; k < 2 * N; k++) {
        const double *own = x + k * LENGTH;
        sums[k] = own[0] + own[1] + own[2] + own[3];
        series[k] =
            (struct gru_series){ .x = own, .n_rows = LENGTH, .y = &sums[k], .n_targets = 1 };
    }
    struct gru_training training = { .series = series,
                                     .n_series = N,
                                     .validation = series + N,
                                     .n_validation = N,
                                     .hyperparameters = training_plain() };
    training.hyperparameters.n_epochs = 150;
    training.hyperparameters.learning_rate = 0.01;
    struct gru_progress progress;
    struct gru_model *trained = training_whole(model, &training, &progress);
    ck_assert_msg(progress.valid_loss < 0.02 * progress.baseline_valid_loss, "%g of %g",
                  progress.valid_loss, progress.baseline_valid_loss);
    gru_model_unref(trained);
    gru_model_unref(model);
    free(x);
}
