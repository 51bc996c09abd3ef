/* Training of networks of several kinds of layers: what is learned, what stays, and that it is the
 * same however it was interrupted. */
#include "engine/fixture.h"
#include "test.h"
#include "training.h"
#include "trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES = 4, ROWS = 11, INPUTS = 3, OUTPUTS = 2 };

struct set {
    struct gru_model *model;
    double *x, *y;
    struct gru_series series[SERIES];
    struct gru_training training;
};

/* Every kind, learned first states, a statistic, and a head of several layers. */
static const struct plan_layer every_kind[] = {
    { .kind = GRU_LAYER_BATCH_NORM },
    { .kind = GRU_LAYER_DENSE, .n_units = 5 },
    { .kind = GRU_LAYER_ACTIVATION, .activation = GRU_GELU },
    { .kind = GRU_LAYER_LSTM, .n_units = 6, .has_learned_state = true },
    { .kind = GRU_LAYER_NORM },
    { .kind = GRU_LAYER_GRU, .n_units = 4, .has_learned_state = true },
    { .kind = GRU_LAYER_BATCH_NORM, .is_bare = true },
    { .kind = GRU_LAYER_DENSE, .n_units = 7 },
    { .kind = GRU_LAYER_ACTIVATION, .activation = GRU_RELU },
    { .kind = GRU_LAYER_DENSE, .n_units = OUTPUTS },
};

#define LENGTH(chain) (sizeof(chain) / sizeof *(chain))

static void make_set(struct set *set, const struct plan_layer *chain, size_t n_layers)
{
    const struct plan plan = {
        .chain = chain, .n_layers = n_layers, .n_inputs = INPUTS, .steps = 1
    };
    memset(set, 0, sizeof *set);
    set->model = trial_model(&plan);
    set->x = training_noise(SERIES * ROWS * INPUTS, 1);
    set->y = training_noise(SERIES * ROWS * OUTPUTS, 2);
    set->training = (struct gru_training){
        .series = set->series, .n_series = SERIES, .hyperparameters = training_plain(), .seed = 3
    };
    set->training.hyperparameters.window = 4;
    set->training.hyperparameters.batch_size = 3;
    set->training.hyperparameters.n_epochs = 3;
    set->training.hyperparameters.learning_rate = 0.02;
    for (size_t k = 0; k < SERIES; k++) {
        set->series[k] = (struct gru_series){ .x = set->x + k * ROWS * INPUTS,
                                              .n_rows = ROWS - k,
                                              .y = set->y + k * ROWS * OUTPUTS,
                                              .n_targets = ROWS - k };
    }
}

static void free_set(struct set *set)
{
    gru_model_unref(set->model);
    free(set->x);
    free(set->y);
}

/* Whether a tensor of the two models has the same bits. */
static bool is_same(const struct gru_model *a, const struct gru_model *b, size_t l, size_t k)
{
    const struct gru_tensor *tensor = &a->layers[l].tensors[k];
    return memcmp(tensor->values, b->layers[l].tensors[k].values,
                  gru_tensor_floats(tensor) * sizeof(float)) == 0;
}

/* ---- what changes ---- */

TEST(parameters_are_trained_and_statistics_stay)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set, every_kind, LENGTH(every_kind));
    struct gru_hyperparameters *h = &set.training.hyperparameters;
    h->optimizer = GRU_ADAMW; /* whose decay reaches whatever is in the vector */
    h->weight_decay = 0.1;
    struct gru_model *model = training_whole(set.model, &set.training, &progress);
    size_t n_parameters = 0, n_statistics = 0;
    for (size_t l = 0; l < set.model->n_layers; l++) {
        const struct gru_layer *layer = &set.model->layers[l];
        for (size_t k = 0; k < layer->shape.kind->n_tensors; k++) {
            const bool is_statistic = layer->shape.kind->tensors[k].is_statistic;
            const size_t n = gru_tensor_floats(&layer->tensors[k]);
            ck_assert_msg(n == 0 || is_same(set.model, model, l, k) == is_statistic,
                          "layer %zu, %s", l, layer->shape.kind->tensors[k].name);
            n_statistics += is_statistic ? n : 0;
            n_parameters += is_statistic ? 0 : n;
        }
    }
    ck_assert_uint_eq(n_statistics, 2 * INPUTS + 2 * 4);
    ck_assert_uint_eq(model->info.n_parameters, n_parameters);
    gru_model_unref(model);
    free_set(&set);
}

/* That the parameters of the layers from `first` on are trained, and no others. */
static void expect_head(const struct plan_layer *chain, size_t n_layers, size_t first)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set, chain, n_layers);
    set.training.hyperparameters.train = GRU_TRAIN_HEAD;
    struct gru_model *model = training_whole(set.model, &set.training, &progress);
    for (size_t l = 0; l < n_layers; l++) {
        const struct gru_layer *layer = &set.model->layers[l];
        for (size_t k = 0; k < layer->shape.kind->n_tensors; k++) {
            const bool is_trained = l >= first && !layer->shape.kind->tensors[k].is_statistic;
            ck_assert_msg(gru_tensor_floats(&layer->tensors[k]) == 0 ||
                              is_same(set.model, model, l, k) != is_trained,
                          "layer %zu of %zu, %s", l, n_layers, layer->shape.kind->tensors[k].name);
        }
    }
    gru_model_unref(model);
    free_set(&set);
}

TEST(the_head_is_what_stands_behind_the_last_recurrent_layer)
{
    const struct plan_layer gru = { .kind = GRU_LAYER_GRU, .n_units = 6 };
    const struct plan_layer narrow = { .kind = GRU_LAYER_GRU, .n_units = OUTPUTS };
    const struct plan_layer dense = { .kind = GRU_LAYER_DENSE, .n_units = OUTPUTS };
    const struct plan_layer norm = { .kind = GRU_LAYER_NORM };
    const struct plan_layer bare = { .kind = GRU_LAYER_NORM, .is_bare = true };
    const struct plan_layer one[] = { dense, gru, dense };
    const struct plan_layer several[] = { gru, norm, gru, norm, dense, norm };
    const struct plan_layer nothing[] = { dense, gru, narrow };
    const struct plan_layer no_parameters[] = { gru, narrow, bare };
    expect_head(one, LENGTH(one), 2);
    expect_head(several, LENGTH(several), 3);
    expect_head(nothing, LENGTH(nothing), 2);
    expect_head(no_parameters, LENGTH(no_parameters), 1);
    expect_head(&narrow, 1, 0);
    expect_head(every_kind, LENGTH(every_kind), 7);
}

/* ---- learned first states ---- */

/* Two epochs are one after the other: the second one begins with the states that the first one has
 * learned. (One batch, and an optimizer that remembers nothing.) */
TEST(an_epoch_begins_with_what_first_states_have_become)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set, every_kind, LENGTH(every_kind));
    struct gru_hyperparameters *h = &set.training.hyperparameters;
    h->optimizer = GRU_SGD;
    h->learning_rate = 0.5;
    h->batch_size = SERIES;
    h->n_epochs = 2;
    struct gru_model *at_once = training_whole(set.model, &set.training, &progress);
    h->n_epochs = 1;
    struct gru_model *half = training_whole(set.model, &set.training, &progress);
    struct gru_model *whole = training_whole(half, &set.training, &progress);
    training_expect_same_weights(at_once, whole);
    gru_model_unref(at_once);
    gru_model_unref(half);
    gru_model_unref(whole);
    free_set(&set);
}

/* Validation, the comparison and gru_run begin streams alike. */
TEST(losses_are_those_of_streams_that_begin_with_the_learned_states)
{
    struct set set;
    struct gru_progress progress;
    struct gru_comparison *comparison;
    bool is_done = false;
    make_set(&set, every_kind, LENGTH(every_kind));
    set.training.validation_fraction = 0.4;
    struct gru_model *model = training_whole(set.model, &set.training, &progress);
    ck_assert_int_eq(gru_comparison_create(set.model, model, &set.training, &comparison), GRU_OK);
    while (!is_done) {
        ck_assert_int_eq(gru_comparison_advance(comparison, &is_done), GRU_OK);
    }
    const struct gru_losses *all = &gru_comparison_result(comparison)->all;
    training_expect_near("base", all->base / (double)all->n, progress.baseline_valid_loss, 1e-5);
    training_expect_near("trained", all->trained / (double)all->n, progress.best_valid_loss, 1e-5);
    gru_comparison_free(comparison);
    gru_model_unref(model);
    free_set(&set);
}

/* ---- interrupted ---- */

TEST(a_network_continues_from_any_checkpoint_bit_for_bit)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set, every_kind, LENGTH(every_kind));
    set.training.hyperparameters.dropout = 0.2;
    set.training.hyperparameters.l2_sp = 0.1;
    set.training.hyperparameters.early_stopping_patience = 2;
    set.training.validation_fraction = 0.3;
    struct gru_model *undisturbed = training_whole(set.model, &set.training, &progress);
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    do {
        void *bytes;
        size_t n_bytes;
        struct gru_progress end;
        struct gru_trainer *other = training_begin(set.model, &set.training);
        ck_assert_int_eq(gru_trainer_save(trainer, &bytes, &n_bytes), GRU_OK);
        ck_assert_int_eq(gru_trainer_restore(other, bytes, n_bytes), GRU_OK);
        end = training_run(other);
        struct gru_model *model = training_model_of(other);
        training_expect_same_weights(model, undisturbed);
        ck_assert_mem_eq(&end.train_loss, &progress.train_loss, sizeof end.train_loss);
        gru_model_unref(model);
        gru_trainer_free(other);
        free(bytes);
    } while (gru_trainer_advance(trainer, &(struct gru_progress){ 0 }) != GRU_ADVANCED_END);
    gru_model_unref(undisturbed);
    gru_trainer_free(trainer);
    free_set(&set);
}

/* ---- it proves itself ---- */

TEST(a_trained_model_answers_the_selftest_of_its_base)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set, every_kind, LENGTH(every_kind));
    struct gru_selftest *of_base = &set.model->selftest;
    of_base->n_rows = 3;
    of_base->x = training_noise(3 * INPUTS, 9);
    of_base->y = training_noise(3 * OUTPUTS, 10);
    struct gru_model *model = training_whole(set.model, &set.training, &progress);
    ck_assert_uint_eq(model->selftest.n_rows, 3);
    ck_assert_mem_eq(model->selftest.x, of_base->x, 3 * INPUTS * sizeof(float));
    struct gru_work *work;
    double y[3 * OUTPUTS];
    struct gru_lane lane = { .x = of_base->x, .n_rows = 3, .y = y };
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
    ck_assert_mem_eq(model->selftest.y, y, sizeof y);
    gru_work_free(work);
    gru_model_unref(model);
    free_set(&set);
}
