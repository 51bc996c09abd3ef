/* Training: its laws. */
#include "engine/model.h"
#include "flush_mode.h"
#include "test.h"
#include "training.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SERIES = TRAINING_SERIES,
    ROWS_MAX = TRAINING_ROWS,
    INPUTS = TRAINING_INPUTS,
    OUTPUTS = TRAINING_OUTPUTS
};

static bool same_weights(const struct gru_model *a, const struct gru_model *b)
{
    size_t n;
    float *weights_a = training_weights(a, &n), *weights_b = training_weights(b, &n);
    bool same = memcmp(weights_a, weights_b, n * sizeof *weights_a) == 0;
    free(weights_a);
    free(weights_b);
    return same;
}

TEST(the_same_seed_gives_the_same_bits_and_another_does_not)
{
    struct training_set set;
    struct gru_progress first, second, third;
    training_set_make(&set, NULL);
    for (int drops = 0; drops < 2; drops++) {
        set.training.seed = 5;
        set.training.hyperparameters.dropout = drops ? 0.3 : 0;
        struct gru_model *a = training_whole(set.model, &set.training, &first);
        struct gru_model *b = training_whole(set.model, &set.training, &second);
        training_expect_same_weights(a, b);
        ck_assert(first.train_loss == second.train_loss && first.step_loss == second.step_loss);
        set.training.seed = 6;
        struct gru_model *c = training_whole(set.model, &set.training, &third);
        ck_assert(!same_weights(a, c));
        gru_model_unref(a);
        gru_model_unref(b);
        gru_model_unref(c);
    }
    training_set_free(&set);
}

TEST(steps_are_as_many_as_were_announced)
{
    static const size_t windows[] = { 1, 4, 5, 64 }, batches[] = { 1, 2, 3, 7, 32 };
    struct training_set set;
    training_set_make(&set, NULL);
    for (size_t k = 0; k < 20; k++) {
        set.training.hyperparameters.window = windows[k % 4];
        set.training.hyperparameters.batch_size = batches[k % 5];
        for (size_t s = 0; s < SERIES; s++) {
            set.series[s].n_targets = k % 3 == 0 ? 1 : set.series[s].n_rows;
        }
        struct gru_trainer *trainer = training_begin(set.model, &set.training);
        struct gru_progress progress;
        size_t n_steps = 0, n_epochs = 0;
        enum gru_advance advance;
        while ((advance = gru_trainer_advance(trainer, &progress)) != GRU_ADVANCED_END) {
            n_steps += advance == GRU_ADVANCED_STEP;
            n_epochs += advance == GRU_ADVANCED_EPOCH;
            ck_assert_uint_eq(progress.step, n_steps);
            ck_assert_uint_eq(progress.epoch, n_epochs);
        }
        ck_assert_uint_eq(n_steps, training_info(set.model, &set.training).n_steps);
        ck_assert_uint_eq(n_steps, progress.n_steps);
        ck_assert_uint_eq(n_epochs, progress.n_epochs);
        ck_assert_uint_eq(progress.n_skipped, 0);
        gru_trainer_free(trainer);
    }
    training_set_free(&set);
}

TEST(what_is_over_stays_over)
{
    struct training_set set;
    struct gru_progress progress, again;
    training_set_make(&set, NULL);
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    progress = training_run(trainer);
    struct gru_model *model = training_model_of(trainer);
    ck_assert_int_eq(gru_trainer_advance(trainer, &again), GRU_ADVANCED_END);
    struct gru_model *later = training_model_of(trainer);
    ck_assert(again.step == progress.step && again.train_loss == progress.train_loss);
    ck_assert(isnan(again.valid_loss) && isnan(again.baseline_valid_loss) &&
              isnan(again.train_accuracy));
    ck_assert(again.best_epoch == 0 && !again.stopped_early);
    training_expect_same_weights(model, later);
    gru_model_unref(model);
    gru_model_unref(later);
    gru_trainer_free(trainer);
    training_set_free(&set);
}

/* With steps too small to change a weight, the windows of one series have the losses of one run
 * over it. */
TEST(windows_carry_the_state_like_a_run)
{
    struct training_set set;
    training_set_make(&set, NULL);
    const struct gru_series *series = &set.series[1];
    struct gru_hyperparameters *h = &set.training.hyperparameters;
    set.training.series = series;
    set.training.n_series = 1;
    h->learning_rate = 1e-12;
    h->optimizer = GRU_SGD;
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    double y[ROWS_MAX * OUTPUTS];
    struct gru_lane lane = { .x = series->x, .n_rows = series->n_rows, .y = y };
    ck_assert_int_eq(gru_run(set.model, work, &lane, 1), GRU_OK);
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    for (size_t first = 0; first < series->n_rows; first += h->window) {
        struct gru_progress progress;
        double sum = 0;
        size_t n = 0;
        for (size_t k = first * OUTPUTS;
             k < (first + h->window) * OUTPUTS && k < series->n_rows * OUTPUTS; k++) {
            double difference = (double)y[k] - (double)series->y[k];
            sum += isnan(difference) ? 0 : difference * difference;
            n += !isnan(difference);
        }
        ck_assert_int_eq(gru_trainer_advance(trainer, &progress), GRU_ADVANCED_STEP);
        training_expect_near("loss", progress.step_loss, sum / (double)n, 1e-5);
    }
    gru_trainer_free(trainer);
    gru_work_free(work);
    training_set_free(&set);
}

TEST(a_short_window_learns_otherwise_than_a_long_one)
{
    struct training_set set;
    struct gru_progress progress;
    training_set_make(&set, NULL);
    for (size_t k = 0; k < SERIES; k++) { /* one step an epoch in both cases */
        set.series[k].n_rows = 12;
        set.series[k].n_targets = 1;
    }
    set.training.hyperparameters.batch_size = SERIES;
    set.training.hyperparameters.window = 4;
    struct gru_model *brief = training_whole(set.model, &set.training, &progress);
    ck_assert_uint_eq(progress.step, 4);
    set.training.hyperparameters.window = 12;
    struct gru_model *whole = training_whole(set.model, &set.training, &progress);
    ck_assert_uint_eq(progress.step, 4);
    ck_assert(!same_weights(brief, whole));
    gru_model_unref(brief);
    gru_model_unref(whole);
    training_set_free(&set);
}

TEST(windows_without_targets_only_run)
{
    struct training_set set;
    struct gru_progress progress;
    training_set_make(&set, NULL);
    set.training.series = &set.series[1];
    set.training.n_series = 1;
    set.series[1].n_targets = 1;
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(gru_trainer_advance(trainer, &progress), GRU_ADVANCED);
    }
    struct gru_model *model = training_model_of(trainer);
    training_expect_same_weights(model, set.model);
    ck_assert_int_eq(gru_trainer_advance(trainer, &progress), GRU_ADVANCED_STEP);
    gru_model_unref(model);
    gru_trainer_free(trainer);
    training_set_free(&set);
}

/* Seven times the same row, one to a step, and steps too small to change a weight: only what is
 * dropped differs.
 */
TEST(each_step_drops_other_units)
{
    struct training_set set;
    double losses[2 * SERIES];
    size_t n = 0, n_distinct = 0;
    training_set_make(&set, NULL);
    for (size_t k = 0; k < SERIES; k++) {
        set.series[k] = (struct gru_series){ .x = set.x, .n_rows = 1, .y = set.y, .n_targets = 1 };
    }
    struct gru_hyperparameters *h = &set.training.hyperparameters;
    h->optimizer = GRU_SGD;
    h->learning_rate = 1e-12;
    h->dropout = 0.5;
    h->batch_size = 1;
    h->n_epochs = 2;
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    struct gru_progress progress;
    enum gru_advance advance;
    while ((advance = gru_trainer_advance(trainer, &progress)) != GRU_ADVANCED_END) {
        if (advance == GRU_ADVANCED_STEP) {
            losses[n++] = progress.step_loss;
        }
    }
    ck_assert_uint_eq(n, 2 * SERIES);
    for (size_t k = 0; k < n; k++) {
        bool seen = false;
        for (size_t j = 0; j < k; j++) {
            seen = seen || losses[j] == losses[k];
        }
        n_distinct += !seen;
    }
    ck_assert_uint_gt(n_distinct, SERIES);
    gru_trainer_free(trainer);
    training_set_free(&set);
}

TEST(training_the_head_leaves_the_layers_as_they_were)
{
    struct training_set set;
    struct gru_progress progress;
    size_t n;
    training_set_make(&set, NULL);
    set.training.hyperparameters.train = GRU_TRAIN_HEAD;
    set.training.hyperparameters.weight_decay = 0.1;
    set.training.hyperparameters.l2_sp = 0.1;
    for (int optimizer = GRU_SGD; optimizer <= GRU_ADAMW; optimizer++) {
        set.training.hyperparameters.optimizer = optimizer;
        struct gru_model *model = training_whole(set.model, &set.training, &progress);
        float *before = training_weights(set.model, &n), *after = training_weights(model, &n);
        size_t head = training_head(model);
        ck_assert_mem_eq(before, after, head * sizeof *before);
        for (size_t k = head; k < n; k++) {
            ck_assert(before[k] != after[k]);
        }
        free(before);
        free(after);
        gru_model_unref(model);
    }
    training_set_free(&set);
}

static double distance(const struct gru_model *a, const struct gru_model *b)
{
    size_t n;
    float *weights_a = training_weights(a, &n), *weights_b = training_weights(b, &n);
    double square = 0;
    for (size_t k = 0; k < n; k++) {
        square += (double)(weights_a[k] - weights_b[k]) * (double)(weights_a[k] - weights_b[k]);
    }
    free(weights_a);
    free(weights_b);
    return sqrt(square);
}

TEST(l2_sp_pulls_back_to_the_start)
{
    struct training_set set;
    struct gru_progress progress;
    training_set_make(&set, NULL);
    double before = INFINITY;
    set.training.hyperparameters.n_epochs = 20;
    static const double strengths[] = { 0, 0.04, 0.4, 4 };
    for (size_t k = 0; k < 4; k++) {
        set.training.hyperparameters.l2_sp = strengths[k];
        struct gru_model *model = training_whole(set.model, &set.training, &progress);
        double now = distance(model, set.model);
        ck_assert_msg(now > 0 && now < 0.9 * before, "l2_sp %g: %g after %g", strengths[k], now,
                      before);
        before = now;
        gru_model_unref(model);
    }
    training_set_free(&set);
}

/* The change of a step of plain sgd is as long as the clipped gradient. */
TEST(a_long_gradient_is_clipped)
{
    struct training_set set;
    struct gru_progress progress;
    training_set_make(&set, NULL);
    struct gru_hyperparameters *h = &set.training.hyperparameters;
    h->optimizer = GRU_SGD;
    h->learning_rate = 1;
    h->n_epochs = 1;
    h->batch_size = SERIES;
    h->window = 64;
    h->clip_norm = 0.05;
    struct gru_model *model = training_whole(set.model, &set.training, &progress);
    ck_assert_uint_eq(progress.step, 1);
    ck_assert(progress.grad_norm > 0.1);
    training_expect_near("change", distance(model, set.model), 0.05, 1e-3);
    gru_model_unref(model);
    training_set_free(&set);
}

/* 3e38 away from its target the loss's slope is beyond a float. */
TEST(a_step_that_is_not_finite_is_skipped_and_counted)
{
    struct training_set set;
    struct gru_progress progress;
    training_set_make(&set, NULL);
    set.training.series = &set.series[2];
    set.training.n_series = 2;
    set.training.hyperparameters.batch_size = 1;
    set.training.hyperparameters.window = 64;
    set.series[2].n_targets = 1;
    set.series[2].n_rows = 3;
    set.y[2 * ROWS_MAX * OUTPUTS] = 3e38F;
    set.y[2 * ROWS_MAX * OUTPUTS + 1] = NAN;
    struct gru_model *model = training_whole(set.model, &set.training, &progress);
    ck_assert_uint_eq(progress.step, 8);
    ck_assert_uint_eq(progress.n_skipped, 4);
    ck_assert(isfinite(progress.train_loss) && progress.train_loss < 10);
    ck_assert(!same_weights(model, set.model));
    gru_model_unref(model);
    set.training.n_series = 1;
    model = training_whole(set.model, &set.training, &progress);
    ck_assert_uint_eq(progress.n_skipped, 4);
    ck_assert(isnan(progress.train_loss));
    training_expect_same_weights(model, set.model);
    gru_model_unref(model);
    training_set_free(&set);
}

/* As in a run (tests/engine/test_forward.c): a denormal reading would be half a standard deviation.
 */
TEST(numbers_too_small_to_be_normal_count_as_zero_in_training)
{
    struct training_set set;
    struct gru_progress small_progress, zeroed_progress;
    const uint64_t mode = flush_mode_now();
    training_set_make(&set, "{\"inputs\":[{\"name\":\"a\",\"std\":2e-38},{\"name\":\"b\"}]}");
    for (size_t k = 0; k < (size_t)SERIES * ROWS_MAX * INPUTS; k += INPUTS) {
        set.x[k] *= 0.9F * FLT_MIN;
    }
    struct gru_model *small = training_whole(set.model, &set.training, &small_progress);
    for (size_t k = 0; k < (size_t)SERIES * ROWS_MAX * INPUTS; k += INPUTS) {
        set.x[k] *= 0.0F;
    }
    struct gru_model *zeroed = training_whole(set.model, &set.training, &zeroed_progress);
    ck_assert(!flush_mode_exists() || same_weights(small, zeroed));
    ck_assert(!flush_mode_exists() || small_progress.train_loss == zeroed_progress.train_loss);
    ck_assert_uint_eq(flush_mode_now(), mode);
    gru_model_unref(small);
    gru_model_unref(zeroed);
    training_set_free(&set);
}
