/* The forecast that every model must beat, computed by hand. */
#include "test.h"
#include "training.h"

#include <math.h>

static double persistence(const char *grud, size_t n_head, const struct gru_series *series,
                          double fraction, enum gru_loss loss)
{
    struct gru_model *model = training_model(grud, 2, 4, 1, n_head);
    struct gru_progress progress;
    const double x[] = { 1, 2, 1, 4 }, y[] = { 1, 1 };
    const struct gru_series other = { .x = x, .n_rows = 2, .y = y, .n_targets = 2 };
    const struct gru_series fed = { .x = x, .n_rows = 2 };
    struct gru_training training = { .series = fraction > 0 ? series
                                               : series->y  ? &other
                                                            : &fed,
                                     .n_series = 1,
                                     .validation = fraction > 0 ? NULL : series,
                                     .n_validation = fraction > 0 ? 0 : 1,
                                     .validation_fraction = fraction,
                                     .hyperparameters = training_plain() };
    training.hyperparameters.loss = (int)loss;
    training.hyperparameters.n_epochs = 1;
    training.hyperparameters.window = 2;
    gru_model_unref(training_whole(model, &training, &progress));
    gru_model_unref(model);
    return progress.persistence_valid_loss;
}

#define INPUT_A                                                                                    \
    "\"inputs\":[{\"name\":\"a\",\"mean\":10,\"std\":2},{\"name\":\"b\"}],\"outputs\":[{\"name\":" \
    "\"a\"}]}"

TEST(persistence_is_the_last_observed_reading)
{
    /* a: 11, missing, 15, 15, 21, 19. Forecasts 11, 11, 15, 15, 21 of the targets -, 15, 15,
     * 21, 19. */
    const double x[] = { 11, 0, NAN, 0, 15, 0, 15, 0, 21, 0, 19, 0 };
    const struct gru_series series = { .x = x, .n_rows = 6 };
    double mse = (4.0 + 0 + 9 + 1) / 4; /* in units of the std, 2 */
    training_expect_near("mse", persistence("{" INPUT_A, 1, &series, 0, GRU_MSE), mse, 1e-6);
    training_expect_near("mae", persistence("{" INPUT_A, 1, &series, 0, GRU_MAE), 6.0 / 4, 1e-6);
    training_expect_near("huber", persistence("{" INPUT_A, 1, &series, 0, GRU_HUBER),
                         (1.5 + 2.5 + 0.5) / 4, 1e-6);
    training_expect_near(
        "residual", persistence("{\"residual\":true," INPUT_A, 1, &series, 0, GRU_MSE), mse, 1e-6);
    training_expect_near("fraction", persistence("{" INPUT_A, 1, &series, 0.4, GRU_MSE),
                         (9.0 + 1) / 2, 1e-6);
}

TEST(persistence_of_what_feeds_nothing_is_the_target_before)
{
    /* 3, 5, missing, 8. Nothing is known of the first: 0 in the network's units. */
    const double x[8] = { 0 }, y[] = { 3, 5, NAN, 8 };
    const struct gru_series series = { .x = x, .n_rows = 4, .y = y, .n_targets = 4 };
    static const char grud[] = "{\"outputs\":[{\"name\":\"q\",\"mean\":1,\"std\":2}]}";
    training_expect_near("mse", persistence(grud, 1, &series, 0, GRU_MSE), (1.0 + 1 + 2.25) / 3,
                         1e-6);
    training_expect_near("fraction", persistence(grud, 1, &series, 0.25, GRU_MSE), 2.25, 1e-6);
}

TEST(persistence_of_logits_is_not_a_number)
{
    const double x[8] = { 0 }, y[] = { 0, 1, 1, 0 };
    const struct gru_series series = { .x = x, .n_rows = 4, .y = y, .n_targets = 4 };
    ck_assert(isnan(persistence(NULL, 1, &series, 0, GRU_BCE)));
    ck_assert(isnan(persistence(NULL, 2, &series, 0, GRU_CROSS_ENTROPY)));
}

TEST(persistence_of_one_target_is_the_last_reading)
{
    const double x[] = { 1, 2, 3, 4, 5, 6 }, y = 11;
    const struct gru_series series = { .x = x, .n_rows = 3, .y = &y, .n_targets = 1 };
    training_expect_near("mse", persistence("{" INPUT_A, 1, &series, 0, GRU_MSE), 9, 1e-6);
    ck_assert(isnan(persistence(NULL, 1, &series, 0, GRU_MSE)));
}
