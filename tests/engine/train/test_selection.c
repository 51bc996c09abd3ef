/* The epoch that early stopping keeps, against what comparisons say of each. */
#include "engine/train/trainer.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>

enum { SERIES = 9, ROWS = 120, EPOCHS = 30 };

struct streams {
    struct gru_model *base;
    double x[SERIES][ROWS];
    struct gru_series series[SERIES];
    struct gru_training training;
};

/* Streams that are alike but for their phase; the last one is larger and quicker. */
static void make(struct streams *s, size_t n_series, float size)
{
    *s = (struct streams){ .base = training_model(
                               "{\"inputs\":[{\"name\":\"a\"}],\"outputs\":[{\"name\":\"a\"}]}", 1,
                               6, 1, 1) };
    for (size_t k = 0; k < n_series; k++) {
        for (size_t t = 0; t < ROWS; t++) {
            const float wave = sinf(0.3F * (float)t + (float)k);
            s->x[k][t] = k == SERIES - 1 ? size * sinf(2.1F * (float)t) : 0.5F * wave;
        }
        s->series[k] = (struct gru_series){ .x = s->x[k], .n_rows = ROWS };
    }
    s->training = (struct gru_training){ .series = s->series,
                                         .n_series = n_series,
                                         .validation_fraction = 0.3,
                                         .hyperparameters = training_plain() };
    s->training.hyperparameters.learning_rate = 0.02;
    s->training.hyperparameters.n_epochs = EPOCHS;
}

static int compare_doubles(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The median over streams of the loss by the base's, as the gate takes it. */
static double median_of(const struct streams *s, struct gru_model *trained)
{
    struct gru_comparison *comparison;
    bool is_done = false;
    double ratios[SERIES];
    size_t n = 0;
    ck_assert_int_eq(gru_comparison_create(s->base, trained, &s->training, &comparison), GRU_OK);
    while (!is_done) {
        ck_assert_int_eq(gru_comparison_advance(comparison, &is_done), GRU_OK);
    }
    const struct gru_comparison_result *result = gru_comparison_result(comparison);
    for (size_t k = 0; k < result->n_streams; k++) {
        const struct gru_losses *losses = &result->streams[k].ahead;
        if (losses->n > 0) {
            ratios[n++] = losses->trained / losses->base;
        }
    }
    gru_comparison_free(comparison);
    ck_assert_uint_gt(n, 0);
    qsort(ratios, n, sizeof *ratios, compare_doubles);
    return n % 2 == 1 ? ratios[n / 2] : (ratios[n / 2 - 1] + ratios[n / 2]) / 2;
}

struct bests {
    size_t by_median, by_pooled;
    double medians[EPOCHS + 1];
};

/* The weights of the last step, whatever epoch was the best. */
static struct gru_model *train_to_the_end(const struct streams *s,
                                          const struct gru_training *training,
                                          struct gru_progress *ret_progress)
{
    struct gru_model *model;
    struct gru_trainer *trainer = training_begin(s->base, training);
    *ret_progress = training_run(trainer);
    ck_assert_int_eq(
        gru_backprop_model(trainer->backprop, gru_backprop_parameters(trainer->backprop), &model),
        GRU_OK);
    gru_trainer_free(trainer);
    return model;
}

/* Of all epochs: each is the last one of a training. */
static struct bests find_bests(const struct streams *s)
{
    struct bests bests = { 0 };
    double median = INFINITY, pooled = INFINITY;
    for (size_t epoch = 1; epoch <= EPOCHS; epoch++) {
        struct gru_training training = s->training;
        struct gru_progress progress;
        training.hyperparameters.n_epochs = epoch;
        struct gru_model *trained = train_to_the_end(s, &training, &progress);
        const double of_epoch = median_of(s, trained);
        bests.medians[epoch] = of_epoch;
        if (of_epoch < median) {
            bests.by_median = epoch;
            median = of_epoch;
        }
        if (progress.valid_loss < pooled) {
            bests.by_pooled = epoch;
            pooled = progress.valid_loss;
        }
        gru_model_unref(trained);
    }
    return bests;
}

static void expect_kept(struct streams *s)
{
    const struct bests bests = find_bests(s);
    struct gru_progress progress;
    enum gru_advance advance;
    s->training.hyperparameters.early_stopping_patience = EPOCHS;
    struct gru_trainer *trainer = training_begin(s->base, &s->training);
    while ((advance = gru_trainer_advance(trainer, &progress)) != GRU_ADVANCED_END) {
        if (advance == GRU_ADVANCED_EPOCH) {
            training_expect_near("median", progress.valid_by_base, bests.medians[progress.epoch],
                                 1e-3);
        }
    }
    ck_assert_uint_ne(bests.by_median, bests.by_pooled); /* else nothing is shown */
    ck_assert_uint_eq(progress.best_epoch, bests.by_median);
    gru_trainer_free(trainer);
}

TEST(one_large_stream_does_not_choose_the_epoch)
{
    struct streams s;
    make(&s, SERIES, 4.0F);
    expect_kept(&s);
    gru_model_unref(s.base);
}

/* A stream that ends before the validation part begins, and pieces of one stream. */
TEST(streams_without_targets_and_in_pieces_are_those_of_the_comparison)
{
    struct streams s;
    make(&s, SERIES, 4.0F);
    for (size_t t = ROWS / 2; t < ROWS; t++) {
        s.x[0][t] = s.x[SERIES - 2][t] = NAN;
    }
    s.series[2].is_continuation = s.series[3].is_continuation = true;
    expect_kept(&s);
    gru_model_unref(s.base);
}

TEST(an_outlier_does_not_choose_the_epoch)
{
    struct streams s;
    make(&s, 1, 0.0F);
    s.x[0][ROWS - 10] = -999.0F;
    expect_kept(&s);
    gru_model_unref(s.base);
}

/* Saved and restored in another trainer after each so many calls. */
TEST(a_restored_trainer_keeps_the_same_epoch)
{
    enum { CALLS = 37 };
    struct streams s;
    struct gru_progress progress, again;
    make(&s, SERIES, 4.0F);
    s.training.hyperparameters.early_stopping_patience = EPOCHS;
    struct gru_model *whole = training_whole(s.base, &s.training, &progress);
    struct gru_trainer *trainer = training_begin(s.base, &s.training);
    for (size_t n = 1; gru_trainer_advance(trainer, &again) != GRU_ADVANCED_END; n++) {
        void *bytes;
        size_t n_bytes;
        if (n % CALLS != 0) {
            continue;
        }
        ck_assert_int_eq(gru_trainer_save(trainer, &bytes, &n_bytes), GRU_OK);
        gru_trainer_free(trainer);
        trainer = training_begin(s.base, &s.training);
        ck_assert_int_eq(gru_trainer_restore(trainer, bytes, n_bytes), GRU_OK);
        free(bytes);
    }
    ck_assert_uint_eq(again.best_epoch, progress.best_epoch);
    ck_assert_double_eq(again.best_valid_loss, progress.best_valid_loss);
    ck_assert_double_eq(again.valid_by_base, progress.valid_by_base);
    struct gru_model *restored = training_model_of(trainer);
    training_expect_same_weights(restored, whole);
    gru_model_unref(restored);
    gru_model_unref(whole);
    gru_trainer_free(trainer);
    gru_model_unref(s.base);
}
