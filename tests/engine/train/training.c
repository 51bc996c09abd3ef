#include "training.h"
#include "engine/fixture.h"
#include "engine/random.h"
#include "engine/train/backprop.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct gru_model *training_model(const char *grud, size_t n_inputs, size_t n_hidden,
                                 size_t n_layers, size_t n_head)
{
    struct fixture f = fixture_new();
    size_t n_gates =
        grud && (strstr(grud, "output_gate") || strstr(grud, "three_gate") || strstr(grud, "lstm"))
            ? 4
            : 3;
    for (size_t l = 0; l < n_layers; l++) {
        fixture_layer(&f, "gru.", l, n_gates, l > 0 ? n_hidden : n_inputs, n_hidden);
    }
    fixture_tensor(&f, "head.weight", n_head, n_hidden);
    fixture_tensor(&f, "head.bias", n_head, 0);
    f.grud = grud;
    return expect_loaded(fixture_file(&f));
}

double *training_noise(size_t n, uint64_t seed)
{
    double *values = malloc((n > 0 ? n : 1) * sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t k = 0; k < n; k++) {
        values[k] = (double)(gru_random_at(seed, k) >> 40) * 0x1p-23 - 1;
    }
    return values;
}

float *training_float_noise(size_t n, uint64_t seed)
{
    double *noise = training_noise(n, seed);
    float *values = malloc((n > 0 ? n : 1) * sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t k = 0; k < n; k++) {
        values[k] = (float)noise[k];
    }
    free(noise);
    return values;
}

struct gru_hyperparameters training_plain(void)
{
    struct gru_hyperparameters hyperparameters;
    gru_hyperparameters_init(&hyperparameters);
    hyperparameters.clip_norm = 0;
    hyperparameters.early_stopping_patience = 0;
    return hyperparameters;
}

void training_follow(const struct gru_model *model, const struct gru_series *series, size_t n)
{
    const struct gru_info *info = gru_model_info(model);
    for (size_t k = 0; k < n; k++) {
        double *y = (double *)(uintptr_t)series[k].y;
        for (size_t i = 0; y && i < series[k].n_targets * info->y_floats; i++) {
            const int fed = info->outputs[i % info->n_outputs].feeds;
            const size_t at = i / info->y_floats + 1 + i % info->y_floats / info->n_outputs;
            if (fed >= 0 && series[k].n_targets == series[k].n_rows && at < series[k].n_rows) {
                y[i] = series[k].x[at * info->n_inputs + (size_t)fed];
            }
        }
    }
}

void training_set_make(struct training_set *set, const char *grud)
{
    static const size_t rows[TRAINING_SERIES] = { 6, 19, 3, 12, 1, 19, 8 };
    memset(set, 0, sizeof *set);
    set->model = training_model(grud, TRAINING_INPUTS, 5, 2, TRAINING_OUTPUTS);
    set->x = training_noise(TRAINING_SERIES * TRAINING_ROWS * TRAINING_INPUTS, 1);
    set->y = training_noise(TRAINING_SERIES * TRAINING_ROWS * TRAINING_OUTPUTS, 2);
    set->training = (struct gru_training){ .series = set->series,
                                           .n_series = TRAINING_SERIES,
                                           .hyperparameters = training_plain(),
                                           .seed = 5 };
    set->training.hyperparameters.n_epochs = 4;
    set->training.hyperparameters.batch_size = 3;
    set->training.hyperparameters.window = 5;
    set->training.hyperparameters.learning_rate = 0.01;
    for (size_t k = 0; k < TRAINING_SERIES; k++) {
        set->series[k] = (struct gru_series){ .x = set->x + k * TRAINING_ROWS * TRAINING_INPUTS,
                                              .n_rows = rows[k],
                                              .y = set->y + k * TRAINING_ROWS * TRAINING_OUTPUTS,
                                              .n_targets = rows[k] };
    }
    for (size_t k = 3; k < TRAINING_SERIES * TRAINING_ROWS * TRAINING_OUTPUTS; k += 4) {
        set->y[k] = NAN;
    }
    training_follow(set->model, set->series, TRAINING_SERIES);
}

void training_set_free(struct training_set *set)
{
    gru_model_unref(set->model);
    free(set->x);
    free(set->y);
}

void training_pair_make(struct training_pair *pair, bool with_y)
{
    *pair = (struct training_pair){ .training = { .n_series = 2,
                                                  .hyperparameters = training_plain() } };
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < TRAINING_PAIR_ROWS * 2; i++) {
            pair->x[k][i] = 0.1F * (float)i;
        }
        pair->series[k] = (struct gru_series){ .x = pair->x[k], .n_rows = TRAINING_PAIR_ROWS };
        if (with_y) {
            pair->series[k].y = pair->y[k];
            pair->series[k].n_targets = TRAINING_PAIR_ROWS;
        }
    }
    pair->training.series = pair->series;
}

struct gru_trainer *training_begin(struct gru_model *model, const struct gru_training *training)
{
    struct gru_trainer *trainer = NULL;
    struct gru_error error = { 0 };
    enum gru_status status = gru_trainer_create(model, training, &trainer, &error);
    ck_assert_msg(status == GRU_OK, "%s: %s", error.param, error.message);
    return trainer;
}

struct gru_progress training_run(struct gru_trainer *trainer)
{
    struct gru_progress progress;
    while (gru_trainer_advance(trainer, &progress) != GRU_ADVANCED_END) {
    }
    return progress;
}

struct gru_model *training_model_of(const struct gru_trainer *trainer)
{
    struct gru_model *model = NULL;
    ck_assert_int_eq(gru_trainer_model(trainer, &model), GRU_OK);
    return model;
}

struct gru_model *training_whole(struct gru_model *model, const struct gru_training *training,
                                 struct gru_progress *ret_progress)
{
    struct gru_trainer *trainer = training_begin(model, training);
    *ret_progress = training_run(trainer);
    struct gru_model *trained = training_model_of(trainer);
    gru_trainer_free(trainer);
    return trained;
}

size_t training_head(const struct gru_model *model)
{
    return model->info.n_parameters - gru_backprop_n_trained(model, true);
}

float *training_weights(const struct gru_model *model, size_t *ret_n)
{
    float *weights = malloc(model->info.n_parameters * sizeof *weights);
    ck_assert_ptr_nonnull(weights);
    size_t n = 0;
    for (size_t l = 0; l < model->n_layers; l++) {
        const struct layer_kind *kind = model->layers[l].shape.kind;
        for (size_t k = 0; k < kind->n_tensors; k++) {
            const struct gru_tensor *tensor = &model->layers[l].tensors[k];
            size_t n_floats = kind->tensors[k].is_statistic ? 0 : gru_tensor_floats(tensor);
            if (n_floats > 0) {
                memcpy(weights + n, tensor->values, n_floats * sizeof *weights);
            }
            n += n_floats;
        }
    }
    ck_assert_uint_eq(n, model->info.n_parameters);
    *ret_n = n;
    return weights;
}

void training_expect_same_weights(const struct gru_model *a, const struct gru_model *b)
{
    size_t n_a, n_b;
    float *weights_a = training_weights(a, &n_a);
    float *weights_b = training_weights(b, &n_b);
    ck_assert_uint_eq(n_a, n_b);
    ck_assert_mem_eq(weights_a, weights_b, n_a * sizeof *weights_a);
    free(weights_a);
    free(weights_b);
}

void training_expect_bad(struct gru_model *model, const struct gru_training *training,
                         const char *param, const char *part)
{
    struct gru_training_info info;
    struct gru_trainer *trainer = NULL;
    for (int k = 0; k < 2; k++) {
        struct gru_error error = { 0 };
        enum gru_status status = k == 0 ? gru_training_check(model, training, &info, &error)
                                        : gru_trainer_create(model, training, &trainer, &error);
        ck_assert_int_eq(status, GRU_BAD_TRAINING);
        ck_assert_str_eq(error.param, param);
        ck_assert_msg(strstr(error.message, part) != NULL, "%s", error.message);
    }
    ck_assert_ptr_null(trainer);
}

struct gru_training_info training_info(const struct gru_model *model,
                                       const struct gru_training *training)
{
    struct gru_training_info info;
    struct gru_error error = { 0 };
    enum gru_status status = gru_training_check(model, training, &info, &error);
    ck_assert_msg(status == GRU_OK, "%s: %s", error.param, error.message);
    return info;
}

void training_expect_near(const char *what, double got, double want, double relative)
{
    ck_assert_msg(fabs(got - want) <= relative * fmax(fabs(want), 1e-30),
                  "%s: %.9g instead of %.9g", what, got, want);
}
