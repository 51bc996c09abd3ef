/* Weights of classes, from the targets that are trained on; and what is validated with them. */
#include "engine/train/class_weights.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>

enum { SERIES = 4, ROWS = 30 };

/* 3 classes, of which the first is 3 times as frequent as the second and the third is rare. */
struct set {
    struct gru_model *model;
    double *x, y[SERIES * ROWS];
    struct gru_series series[SERIES];
    struct gru_training training;
};

static void make_set(struct set *set, enum gru_class_weighting weighting)
{
    *set = (struct set){ .model = training_model(NULL, 2, 4, 1, 3),
                         .x = training_noise((size_t)SERIES * ROWS * 2, 1) };
    set->training = (struct gru_training){ .series = set->series,
                                           .n_series = SERIES,
                                           .validation_fraction = 0.5,
                                           .hyperparameters = training_plain() };
    set->training.hyperparameters.loss = GRU_CROSS_ENTROPY;
    set->training.hyperparameters.class_weighting = weighting;
    set->training.hyperparameters.n_epochs = 3;
    for (size_t k = 0; k < SERIES * ROWS; k++) {
        set->y[k] = k % 15 == 0 ? 2 : k % 4 == 1 ? 1 : k % 11 == 3 ? NAN : 0;
    }
    for (size_t k = 0; k < SERIES; k++) {
        set->series[k] = (struct gru_series){
            .x = set->x + k * ROWS * 2, .n_rows = ROWS, .y = set->y + k * ROWS, .n_targets = ROWS
        };
    }
}

static void free_set(struct set *set)
{
    gru_model_unref(set->model);
    free(set->x);
}

TEST(balanced_weights_make_up_for_how_rare_a_class_is)
{
    struct set set;
    struct dataset dataset;
    double weights[3], n[3] = { 0 }, total = 0;
    make_set(&set, GRU_CLASSES_BALANCED);
    gru_dataset_init(&dataset, set.model, &set.training);
    for (size_t k = 0; k < SERIES * ROWS; k++) { /* of the first halves, which are trained on */
        if (k % ROWS < ROWS / 2 && !isnan(set.y[k])) {
            n[(size_t)set.y[k]]++;
            total++;
        }
    }
    gru_class_weights_find(&dataset, weights);
    for (size_t k = 0; k < 3; k++) {
        ck_assert(n[k] > 0);
        training_expect_near("weight", weights[k], total / (3 * n[k]), 1e-12);
    }
    for (size_t k = 0; k < SERIES * ROWS; k++) { /* a class that is never trained on */
        set.y[k] = set.y[k] == 2 ? 0 : set.y[k];
    }
    gru_class_weights_find(&dataset, weights);
    ck_assert(weights[2] == 1 && weights[1] > 1 && weights[0] < 1);
    free_set(&set);
}

TEST(validation_and_comparison_weigh_alike)
{
    for (int weighting = GRU_CLASSES_ALIKE; weighting < GRU_N_CLASS_WEIGHTINGS; weighting++) {
        struct set set;
        struct gru_progress progress;
        struct gru_comparison *comparison;
        bool is_done = false;
        make_set(&set, (enum gru_class_weighting)weighting);
        for (size_t k = 0; weighting == GRU_CLASSES_GIVEN && k < 3; k++) {
            set.training.hyperparameters.class_weights[k] = 1 + 2 * (double)k;
        }
        struct gru_model *model = training_whole(set.model, &set.training, &progress);
        ck_assert_int_eq(gru_comparison_create(set.model, model, &set.training, &comparison),
                         GRU_OK);
        while (!is_done) {
            ck_assert_int_eq(gru_comparison_advance(comparison, &is_done), GRU_OK);
        }
        const struct gru_comparison_result *result = gru_comparison_result(comparison);
        training_expect_near("base", result->all.base / result->all_weight,
                             progress.baseline_valid_loss, 1e-5);
        training_expect_near("trained", result->all.trained / result->all_weight,
                             progress.best_valid_loss, 1e-5);
        ck_assert((result->all_weight == (double)result->all.n) ==
                  (weighting == GRU_CLASSES_ALIKE));
        gru_comparison_free(comparison);
        gru_model_unref(model);
        free_set(&set);
    }
}

/* Restored, the weights are found anew. */
TEST(a_weighted_training_continues_bit_for_bit)
{
    struct set set;
    struct gru_progress progress;
    void *bytes;
    size_t n_bytes;
    make_set(&set, GRU_CLASSES_BALANCED);
    struct gru_model *undisturbed = training_whole(set.model, &set.training, &progress);
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    while (gru_trainer_advance(trainer, &progress) != GRU_ADVANCED_EPOCH) {
    }
    ck_assert_int_eq(gru_trainer_save(trainer, &bytes, &n_bytes), GRU_OK);
    gru_trainer_free(trainer);
    trainer = training_begin(set.model, &set.training);
    ck_assert_int_eq(gru_trainer_restore(trainer, bytes, n_bytes), GRU_OK);
    training_run(trainer);
    struct gru_model *model = training_model_of(trainer);
    training_expect_same_weights(model, undisturbed);
    free(bytes);
    gru_model_unref(model);
    gru_model_unref(undisturbed);
    gru_trainer_free(trainer);
    free_set(&set);
}
