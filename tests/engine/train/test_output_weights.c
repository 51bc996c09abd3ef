/* Weights of outputs: what is weighed alike, and what a weight of 0 is. */
#include "test.h"
#include "training.h"

#include <math.h>
#include <string.h>

/* One output feeds an input, both have targets. */
static const char grud[] = "{\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
                           "\"outputs\":[{\"name\":\"b\"},{\"name\":\"c\"}]}";

static void make_set(struct training_set *set, int loss, double first, double second)
{
    training_set_make(set, grud);
    struct gru_hyperparameters *h = &set->training.hyperparameters;
    set->training.validation_fraction = 0.4;
    h->loss = loss;
    h->n_output_weights = 2;
    h->output_weights[0] = first;
    h->output_weights[1] = second;
}

static void expect_same_training(struct training_set *a, struct training_set *b)
{
    struct gru_progress of_a, of_b;
    struct gru_model *model_a = training_whole(a->model, &a->training, &of_a);
    struct gru_model *model_b = training_whole(b->model, &b->training, &of_b);
    training_expect_same_weights(model_a, model_b);
    ck_assert_mem_eq(&of_a.valid_loss, &of_b.valid_loss, sizeof of_a.valid_loss);
    gru_model_unref(model_a);
    gru_model_unref(model_b);
}

TEST(weights_that_are_all_1_change_nothing)
{
    struct training_set plain, weighted;
    make_set(&plain, GRU_MSE, 0, 0);
    plain.training.hyperparameters.n_output_weights = 0;
    make_set(&weighted, GRU_MSE, 1, 1);
    expect_same_training(&plain, &weighted);
    training_set_free(&plain);
    training_set_free(&weighted);
}

TEST(an_output_of_weight_0_has_no_targets)
{
    struct training_set without, weighted;
    make_set(&without, GRU_HUBER, 0, 0);
    without.training.hyperparameters.n_output_weights = 0;
    for (size_t k = 0; k < (size_t)TRAINING_SERIES * TRAINING_ROWS; k++) {
        without.y[2 * k] = NAN;
    }
    make_set(&weighted, GRU_HUBER, 0, 1);
    ck_assert_uint_eq(training_info(without.model, &without.training).n_train_targets,
                      training_info(weighted.model, &weighted.training).n_train_targets);
    expect_same_training(&without, &weighted);
    for (size_t k = 0; k < (size_t)TRAINING_SERIES * TRAINING_ROWS; k++) {
        weighted.y[2 * k + 1] = NAN;
    }
    training_expect_bad(weighted.model, &weighted.training, "validation.fraction", "no target");
    weighted.training.validation_fraction = 0;
    training_expect_bad(weighted.model, &weighted.training, "training.series", "of weight 0");
    training_set_free(&without);
    training_set_free(&weighted);
}

TEST(validation_persistence_and_comparison_weigh_outputs_alike)
{
    for (int loss = GRU_MSE; loss <= GRU_HUBER; loss++) {
        struct training_set set;
        struct gru_progress progress;
        struct gru_comparison *comparison;
        bool is_done = false;
        make_set(&set, loss, 0.25, 3);
        struct gru_model *model = training_whole(set.model, &set.training, &progress);
        ck_assert_int_eq(gru_comparison_create(set.model, model, &set.training, &comparison),
                         GRU_OK);
        while (!is_done) {
            ck_assert_int_eq(gru_comparison_advance(comparison, &is_done), GRU_OK);
        }
        const struct gru_comparison_result *result = gru_comparison_result(comparison);
        const double weight = result->all_weight;
        ck_assert(weight != (double)result->all.n);
        training_expect_near("base", result->all.base / weight, progress.baseline_valid_loss, 1e-5);
        training_expect_near("trained", result->all.trained / weight, progress.best_valid_loss,
                             1e-5);
        ck_assert(progress.persistence_valid_loss > 0);
        gru_comparison_free(comparison);
        gru_model_unref(model);
        training_set_free(&set);
    }
}
