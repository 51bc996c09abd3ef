/* Training with transforms: what the network is trained on is the transformed series, and nothing
 * else is new. */
#include "engine/train/dataset.h"
#include "engine/train/fingerprint.h"
#include "engine/train/persistence.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 90, HELD = 30, I = 2 };

/* x0 has the transform and is forecast; x1 is neither. */
static struct gru_model *model_of(const char *transform, size_t steps, const char *more)
{
    char grud[400];
    snprintf(grud, sizeof grud,
             "{\"inputs\":[{\"name\":\"x0\",\"mean\":1,\"std\":4,\"transform\":%s},{\"name\":"
             "\"x1\"}],\"outputs\":[{\"name\":\"x0\",\"mean\":0.5,\"std\":2}],\"steps\":%zu%s}",
             transform, steps, more);
    return training_model(grud, I, 4, 1, steps);
}

/* Whole numbers: no sum or difference of them is rounded. */
static void make_rows(double *x, size_t n)
{
    srand(11);
    double level = 4000;
    for (size_t t = 0; t < n; t++) {
        level += 2 + rand() % 7;
        x[t * I] = level;
        x[t * I + 1] = rand() % 5;
    }
}

static struct gru_training training_of(const struct gru_series *series, size_t n)
{
    struct gru_training training = { .series = series,
                                     .n_series = n,
                                     .validation_fraction = 1.0 / 3,
                                     .hyperparameters = training_plain(),
                                     .seed = 3 };
    training.hyperparameters.n_epochs = 3;
    training.hyperparameters.window = 16;
    training.hyperparameters.early_stopping_patience = 2;
    return training;
}

static struct gru_model *whole_of(struct gru_model *model, const struct gru_training *training)
{
    struct gru_progress progress;
    return training_whole(model, training, &progress);
}

/* ---- as the plain network on the transformed series ---- */

/* What has no lag to wait for is seen as the mean, and is no target: NaN there, in `y` below. */
static void expect_plain_training(const char *transform, size_t lag, size_t steps, const char *more,
                                  size_t horizon, size_t sampling)
{
    struct gru_model *model = model_of(transform, steps, more);
    struct gru_model *plain = model_of("\"none\"", steps, more);
    double x[ROWS * I], u[ROWS * I], y[ROWS * 4];
    make_rows(x, ROWS);
    memcpy(u, x, sizeof u);
    for (size_t t = 0; t < ROWS; t++) {
        u[t * I] = t < lag ? 1 : x[t * I] - x[(t - lag) * I];
    }
    for (size_t t = 0; t < ROWS; t++) {
        for (size_t s = 0; s < steps; s++) {
            const size_t time = t + 1 + s;
            y[t * steps + s] = time < lag || time >= ROWS ? (double)NAN : u[time * I];
        }
    }
    const struct gru_series raw = { .x = x, .n_rows = ROWS };
    const struct gru_series transformed = { .x = u, .n_rows = ROWS, .y = y, .n_targets = ROWS };
    struct gru_training training = training_of(&raw, 1), of_plain = training_of(&transformed, 1);
    training.validation_fraction = of_plain.validation_fraction = 0;
    training.hyperparameters.horizon_loss = of_plain.hyperparameters.horizon_loss = horizon;
    training.hyperparameters.sampling_length = of_plain.hyperparameters.sampling_length = sampling;
    training.hyperparameters.sampling_burn_in = of_plain.hyperparameters.sampling_burn_in =
        sampling / 4;
    struct gru_progress progress[2];
    struct gru_model *trained = training_whole(model, &training, &progress[0]);
    struct gru_model *as_plain = training_whole(plain, &of_plain, &progress[1]);
    if (horizon == 1) {
        training_expect_same_weights(trained, as_plain);
        ck_assert(progress[0].train_loss == progress[1].train_loss);
    } /* what is fed back is a float of the plain model, and two of this one */
    training_expect_near("loss", progress[0].train_loss, progress[1].train_loss, 1e-5);
    ck_assert_uint_eq(training_info(model, &training).n_train_targets,
                      training_info(plain, &of_plain).n_train_targets);
    gru_model_unref(trained);
    gru_model_unref(as_plain);
    gru_model_unref(model);
    gru_model_unref(plain);
}

TEST(training_is_that_of_the_plain_network_on_the_transformed_series)
{
    static const struct {
        const char *transform;
        size_t lag;
    } rows[] = { { "\"difference\"", 1 }, { "{\"seasonal_difference\":7}", 7 } };
    static const char residual[] = ",\"residual\":true";
    for (size_t k = 0; k < 2; k++) {
        for (size_t horizon = 1; horizon < 8; horizon += 6) {
            expect_plain_training(rows[k].transform, rows[k].lag, 1, "", horizon, 0);
            expect_plain_training(rows[k].transform, rows[k].lag, 1, residual, horizon, 0);
            expect_plain_training(rows[k].transform, rows[k].lag, 3, "", horizon, 0);
            expect_plain_training(rows[k].transform, rows[k].lag, 3, residual, horizon, 0);
        }
        expect_plain_training(rows[k].transform, rows[k].lag, 1, residual, 1, 24);
        expect_plain_training(rows[k].transform, rows[k].lag, 3, "", 1, 24);
    }
}

TEST(posted_targets_of_an_output_that_feeds_are_transformed_likewise)
{
    static const char *const transforms[] = { "\"difference\"", "{\"seasonal_difference\":7}",
                                              "{\"level\":0.2}", "{\"level\":0.2,\"scale\":true}" };
    for (size_t k = 0; k < 4; k++) {
        struct gru_model *model = model_of(transforms[k], 2, "");
        double x[ROWS * I], y[ROWS * 2];
        make_rows(x, ROWS);
        for (size_t t = 0; t < ROWS; t++) {
            for (size_t s = 0; s < 2; s++) {
                y[t * 2 + s] = t + 1 + s < ROWS ? x[(t + 1 + s) * I] : (double)NAN;
            }
        }
        const struct gru_series raw = { .x = x, .n_rows = ROWS };
        const struct gru_series posted = { .x = x, .n_rows = ROWS, .y = y, .n_targets = ROWS };
        struct gru_training training = training_of(&raw, 1), of_posted = training_of(&posted, 1);
        training.validation_fraction = of_posted.validation_fraction = 0;
        struct gru_model *trained = whole_of(model, &training);
        struct gru_model *as_posted = whole_of(model, &of_posted);
        training_expect_same_weights(trained, as_posted);
        gru_model_unref(trained);
        gru_model_unref(as_posted);
        gru_model_unref(model);
    }
}

/* ---- what the network sees ---- */

static void fill(struct gru_model *model, const struct gru_training *training,
                 struct dataset *dataset)
{
    struct gru_error error = { 0 };
    gru_dataset_init(dataset, model, training);
    ck_assert_msg(gru_dataset_fill(dataset, model, &error) == GRU_OK, "%s", error.message);
}

TEST(targets_of_a_level_are_by_the_level_of_their_row)
{
    struct gru_model *model = model_of("{\"level\":0.25,\"scale\":true}", 1, "");
    double x[] = { 10, 0, 14, 0, 11, 0, 19, 0 };
    const struct gru_series series = { .x = x, .n_rows = 4 };
    const struct gru_training training = { .series = &series,
                                           .n_series = 1,
                                           .hyperparameters = training_plain() };
    struct dataset dataset;
    fill(model, &training, &dataset);
    const struct dataset_lane lane = gru_dataset_lane(&dataset, PART_TRAIN, 0);
    const double level = 35.0 / 3, scale = 2.5;
    ck_assert(isnan(gru_dataset_raw_target(&dataset, &lane, 0, 0)));
    ck_assert_double_eq_tol(gru_dataset_raw_target(&dataset, &lane, 1, 0), (11 - 12) / 4.0, 1e-12);
    ck_assert_double_eq_tol(gru_dataset_raw_target(&dataset, &lane, 2, 0), (19 - level) / scale,
                            1e-12);
    ck_assert(isnan(gru_dataset_raw_target(&dataset, &lane, 3, 0)));
    ck_assert(gru_dataset_seen(&dataset, &lane, 0, 0) == 1); /* the mean */
    ck_assert(gru_dataset_seen(&dataset, &lane, 3, 0) ==
              gru_dataset_raw_target(&dataset, &lane, 2, 0));
    gru_dataset_done(&dataset);
    gru_model_unref(model);
}

/* A run over the raw series sees in each row what training says that the network sees. */
TEST(missing_readings_are_seen_as_a_run_sees_them)
{
    static const char *const policies[] = { "last", "mean", "forecast" };
    for (size_t p = 0; p < 3; p++) {
        char more[60];
        snprintf(more, sizeof more, ",\"missing\":\"%s\"", policies[p]);
        struct gru_model *model = model_of("{\"level\":0.2,\"scale\":true}", 1, more);
        struct gru_model *plain = model_of("\"none\"", 1, "");
        double x[ROWS * I], y[ROWS], v[ROWS];
        make_rows(x, ROWS);
        for (size_t t = 0; t < ROWS; t++) {
            x[t * I] = t < 2 || t % 6 == 5 || (t > 70 && t < 80) ? (double)NAN : x[t * I];
        }
        const struct gru_series series = { .x = x, .n_rows = ROWS };
        const struct gru_training training = { .series = &series,
                                               .n_series = 1,
                                               .hyperparameters = training_plain() };
        struct dataset dataset;
        fill(model, &training, &dataset);
        const struct dataset_lane lane = gru_dataset_lane(&dataset, PART_TRAIN, 0);
        struct gru_work *work;
        float states[2][64];
        ck_assert_int_eq(gru_work_create(&work), GRU_OK);
        struct gru_lane of_raw = { .x = x, .n_rows = ROWS, .y = y, .state_out = states[0] };
        struct gru_lane of_seen = { .x = lane.x, .n_rows = ROWS, .y = v, .state_out = states[1] };
        ck_assert_int_eq(gru_run(model, work, &of_raw, 1), GRU_OK);
        ck_assert_int_eq(gru_run(plain, work, &of_seen, 1), GRU_OK);
        ck_assert(of_raw.status == GRU_OK && of_seen.status == GRU_OK);
        for (size_t h = 0; h < 4; h++) { /* of the layer; the plain run rounds u to floats */
            ck_assert_float_eq_tol(states[0][h], states[1][h], 1e-5F);
        }
        gru_work_free(work);
        gru_dataset_done(&dataset);
        gru_model_unref(model);
        gru_model_unref(plain);
    }
}

TEST(copies_are_counted)
{
    struct gru_model *model = model_of("\"difference\"", 3, ""),
                     *plain = model_of("\"none\"", 3, "");
    double x[ROWS * I];
    make_rows(x, ROWS);
    const struct gru_series series[] = { { .x = x, .n_rows = ROWS }, { .x = x, .n_rows = 20 } };
    const struct gru_training training = { .series = series,
                                           .n_series = 2,
                                           .hyperparameters = training_plain() };
    const size_t n_rows = ROWS + 20;
    const size_t n_bytes = n_rows * I * sizeof(double) +
                           (n_rows + 2 * 2) * sizeof(struct transform_map) + 4 * sizeof(void *);
    ck_assert_uint_eq(training_info(model, &training).n_bytes,
                      training_info(plain, &training).n_bytes + n_bytes);
    gru_model_unref(model);
    gru_model_unref(plain);
}

/* ---- persistence ---- */

/* The loss of "the same as last" on the validation part, by hand. */
TEST(persistence_is_of_the_raw_series)
{
    static const char *const transforms[] = { "\"difference\"", "{\"seasonal_difference\":7}",
                                              "{\"level\":0.2}" };
    for (size_t k = 0; k < 3; k++) {
        struct gru_model *model = model_of(transforms[k], 1, "");
        double x[ROWS * I], loss = 0;
        make_rows(x, ROWS);
        const struct gru_series series = { .x = x, .n_rows = ROWS };
        struct gru_training training = training_of(&series, 1);
        for (size_t t = ROWS - HELD; t < ROWS; t++) {
            const double off = (x[t * I] - x[(t - 1) * I]) / 2;
            loss += off * off / HELD;
        }
        struct gru_progress progress;
        gru_model_unref(training_whole(model, &training, &progress));
        training_expect_near(transforms[k], progress.persistence_valid_loss, loss, 1e-5);
        gru_model_unref(model);
    }
}

/* Several steps ahead of a difference, "the same" is no change at all. */
TEST(persistence_of_several_steps_goes_on_from_itself)
{
    struct gru_model *model = model_of("\"difference\"", 3, "");
    double x[ROWS * I], loss = 0;
    size_t n = 0;
    make_rows(x, ROWS);
    const struct gru_series series = { .x = x, .n_rows = ROWS };
    struct gru_training training = training_of(&series, 1);
    for (size_t time = ROWS - HELD; time < ROWS; time++) {
        for (size_t s = 0; s < 3; s++, n++) {
            const double off = (0.5 - 0.5 + x[time * I] - x[(time - 1) * I]) / 2;
            loss += off * off;
        }
    }
    struct gru_progress progress;
    gru_model_unref(training_whole(model, &training, &progress));
    training_expect_near("3 steps", progress.persistence_valid_loss, loss / (double)n, 1e-5);
    gru_model_unref(model);
}

/* ---- laws of trainings ---- */

TEST(transformed_training_goes_on_from_a_checkpoint)
{
    struct gru_model *model = model_of("{\"level\":0.1,\"scale\":true}", 2, "");
    double x[ROWS * I];
    make_rows(x, ROWS);
    x[40 * I] = (double)NAN;
    const struct gru_series series = { .x = x, .n_rows = ROWS };
    const struct gru_training training = training_of(&series, 1);
    struct gru_model *whole = whole_of(model, &training);
    struct gru_trainer *trainer = training_begin(model, &training);
    for (int k = 0; k < 9; k++) {
        struct gru_trainer *next = training_begin(model, &training);
        void *bytes;
        size_t n_bytes;
        struct gru_progress progress;
        gru_trainer_advance(trainer, &progress);
        ck_assert_int_eq(gru_trainer_save(trainer, &bytes, &n_bytes), GRU_OK);
        ck_assert_int_eq(gru_trainer_restore(next, bytes, n_bytes), GRU_OK);
        free(bytes);
        gru_trainer_free(trainer);
        trainer = next;
    }
    training_run(trainer);
    struct gru_model *resumed = training_model_of(trainer);
    training_expect_same_weights(whole, resumed);
    gru_trainer_free(trainer);
    gru_model_unref(resumed);
    gru_model_unref(whole);
    gru_model_unref(model);
}

TEST(checkpoint_belongs_to_its_transform)
{
    static const char *const transforms[] = { "\"none\"",
                                              "\"difference\"",
                                              "{\"seasonal_difference\":7}",
                                              "{\"seasonal_difference\":8}",
                                              "{\"level\":0.2}",
                                              "{\"level\":0.3}",
                                              "{\"level\":0.2,\"scale\":true}" };
    enum { N = sizeof transforms / sizeof *transforms };
    double x[ROWS * I];
    uint64_t fingerprints[N];
    make_rows(x, ROWS);
    const struct gru_series series = { .x = x, .n_rows = ROWS };
    const struct gru_training training = training_of(&series, 1);
    for (size_t k = 0; k < N; k++) {
        struct gru_model *model = model_of(transforms[k], 1, "");
        fingerprints[k] = gru_training_fingerprint(model, &training);
        gru_model_unref(model);
        for (size_t before = 0; before < k; before++) {
            ck_assert(fingerprints[before] != fingerprints[k]);
        }
    }
}

/* It answers the readings as they came, not as the network saw them. */
TEST(trained_model_has_a_selftest_of_raw_readings)
{
    struct gru_model *model = model_of("\"difference\"", 1, "");
    double x[ROWS * I];
    make_rows(x, ROWS);
    const struct gru_series series = { .x = x, .n_rows = ROWS };
    const struct gru_training training = training_of(&series, 1);
    struct gru_model *trained = whole_of(model, &training);
    void *bytes;
    size_t n_bytes;
    struct gru_model *again;
    ck_assert(trained->selftest.n_rows > 0 && trained->selftest.x[0] == x[0]);
    ck_assert_int_eq(gru_model_info(trained)->inputs[0].transform.kind, GRU_DIFFERENCE);
    ck_assert_int_eq(gru_model_save(trained, &bytes, &n_bytes), GRU_OK);
    ck_assert_int_eq(gru_model_load(bytes, n_bytes, &again, NULL), GRU_OK);
    gru_model_unref(again);
    free(bytes);
    gru_model_unref(trained);
    gru_model_unref(model);
}

/* ---- what is refused ---- */

TEST(data_that_a_transform_never_knows_is_no_training)
{
    struct gru_model *model = model_of("{\"seasonal_difference\":60}", 1, "");
    double x[ROWS * I];
    make_rows(x, ROWS);
    struct gru_series series = { .x = x, .n_rows = 60 };
    struct gru_training training = { .series = &series,
                                     .n_series = 1,
                                     .hyperparameters = training_plain() };
    training_expect_bad(model, &training, "training.series",
                        "before a transform has the readings that it subtracts");
    series.n_rows = ROWS;
    ck_assert_uint_eq(training_info(model, &training).n_train_targets, ROWS - 60);
    gru_model_unref(model);
}

/* Only the transform itself can tell, so the check lets it pass. */
TEST(what_no_float_holds_is_refused_with_its_place)
{
    struct gru_model *model = model_of("{\"level\":0.5,\"scale\":true}", 1, "");
    struct gru_trainer *trainer;
    struct gru_error error = { 0 };
    double x[] = { 0, 0, 1e-35, 0, 1e-35, 0, 1e30, 0, 2, 0 };
    const struct gru_series series = { .x = x, .n_rows = 5 };
    const struct gru_training training = { .series = &series,
                                           .n_series = 1,
                                           .hyperparameters = training_plain() };
    ck_assert_int_eq(gru_trainer_create(model, &training, &trainer, &error), GRU_BAD_TRAINING);
    ck_assert_str_eq(error.param, "training.series[0].x[3][0]");
    ck_assert_ptr_nonnull(strstr(error.message, "too far from the readings before it"));
    gru_model_unref(model);
}

TEST(losses_of_logits_need_probabilities)
{
    struct gru_model *model = model_of("\"difference\"", 1, "");
    double x[ROWS * I];
    make_rows(x, ROWS);
    const struct gru_series series = { .x = x, .n_rows = ROWS };
    struct gru_training training = training_of(&series, 1);
    training.hyperparameters.loss = GRU_BCE;
    training_expect_bad(model, &training, "hyperparameters.loss",
                        "'x0' forecasts the transformed input 'x0'");
    gru_model_unref(model);
}

/* ---- what it is for ---- */

TEST(trend_is_learned_as_its_differences)
{
    struct gru_model *model = model_of("\"difference\"", 1, "");
    double x[300 * I];
    double level = 1e9;
    for (size_t t = 0; t < 300; t++) {
        level += 3 + (double)(t % 4);
        x[t * I] = level;
        x[t * I + 1] = (double)(t % 4) - 1.5;
    }
    const struct gru_series series = { .x = x, .n_rows = 300 };
    struct gru_training training = training_of(&series, 1);
    training.hyperparameters.n_epochs = 200;
    training.hyperparameters.learning_rate = 0.02;
    struct gru_progress progress;
    gru_model_unref(training_whole(model, &training, &progress));
    ck_assert_msg(progress.valid_loss < 0.05 * progress.persistence_valid_loss, "%g, %g",
                  progress.valid_loss, progress.persistence_valid_loss);
    gru_model_unref(model);
}
