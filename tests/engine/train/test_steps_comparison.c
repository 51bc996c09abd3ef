/* Comparisons of models that forecast different numbers of rows at once. */
#include "engine/layer_dense.h"
#include "engine/model.h"
#include "engine/train/model_copy.h"
#include "test.h"
#include "training.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 90, HELD = 30, STEPS = 3, I = 2, O = 2, H = 5 };

static const char *const names[] = { "a", "b" };

static struct gru_model *model_of(size_t steps)
{
    const size_t width = H;
    const struct gru_plan plan = { .n_inputs = I,
                                   .n_outputs = O,
                                   .n_layers = 1,
                                   .inputs = names,
                                   .outputs = names,
                                   .hidden_sizes = &width,
                                   .cell = GRU_LAYER_GRU,
                                   .steps = steps,
                                   .seed = 7 };
    struct gru_model *model;
    ck_assert_int_eq(gru_model_create(&plan, &model, NULL), GRU_OK);
    return model;
}

/* One of several steps whose first is what `one` says; both have the same recurrent layer. */
static struct gru_model *go_on(const struct gru_model *one)
{
    struct gru_model *drawn = model_of(STEPS), *model;
    ck_assert_int_eq(gru_model_copy(drawn, &model), GRU_OK);
    for (size_t l = 0; l < model->n_layers; l++) {
        for (size_t k = 0; k < model->layers[l].shape.kind->n_tensors; k++) {
            const struct gru_tensor *from = &one->layers[l].tensors[k];
            if (from->values) {
                memcpy(model->layers[l].tensors[k].values, from->values,
                       gru_tensor_floats(from) * sizeof *from->values);
            }
        }
    }
    ck_assert_int_eq(gru_model_finish(model), GRU_OK);
    gru_model_unref(drawn);
    return model;
}

struct pair {
    struct gru_model *one, *several;
    double *x;
    struct gru_series series;
    struct gru_training training;
};

static void make(struct pair *pair)
{
    pair->one = model_of(1);
    pair->several = go_on(pair->one);
    pair->x = training_noise((size_t)ROWS * I, 3);
    pair->series = (struct gru_series){ .x = pair->x, .n_rows = ROWS };
    pair->training = (struct gru_training){ .series = &pair->series,
                                            .n_series = 1,
                                            .validation_fraction = 1.0 / 3,
                                            .hyperparameters = training_plain() };
}

static void done(struct pair *pair)
{
    gru_model_unref(pair->one);
    gru_model_unref(pair->several);
    free(pair->x);
}

static struct gru_comparison *compare(struct gru_model *base, struct gru_model *trained,
                                      const struct gru_training *training)
{
    struct gru_comparison *comparison;
    bool is_done = false;
    ck_assert_int_eq(gru_comparison_create(base, trained, training, &comparison), GRU_OK);
    while (!is_done) {
        ck_assert_int_eq(gru_comparison_advance(comparison, &is_done), GRU_OK);
    }
    return comparison;
}

TEST(models_of_different_steps_are_compared_by_the_rows_that_both_forecast)
{
    struct pair pair;
    make(&pair);
    for (size_t turn = 0; turn < 2; turn++) {
        struct gru_comparison *comparison = turn == 0
                                                ? compare(pair.one, pair.several, &pair.training)
                                                : compare(pair.several, pair.one, &pair.training);
        const struct gru_comparison_result *result = gru_comparison_result(comparison);
        ck_assert_uint_eq(result->all.n, HELD * O);
        training_expect_near("trained", result->all.trained, result->all.base, 1e-6);
        const struct gru_losses *rolled = &result->streams[0].rolled;
        ck_assert(rolled->n > 0 && rolled->trained != rolled->base);
        gru_comparison_free(comparison);
    }
    done(&pair);
}

/* Roll-outs lose the same, whichever of the two is the base. */
TEST(what_aims_at_roll_outs_is_judged_by_them_also_where_one_needs_none)
{
    struct pair pair;
    make(&pair);
    pair.training.hyperparameters.horizon_loss = STEPS;
    struct gru_comparison *there = compare(pair.one, pair.several, &pair.training),
                          *back = compare(pair.several, pair.one, &pair.training);
    const struct gru_comparison_result *one = gru_comparison_result(there),
                                       *other = gru_comparison_result(back);
    ck_assert(one->is_of_rolls && other->is_of_rolls);
    ck_assert_uint_eq(one->horizon, STEPS);
    ck_assert(one->streams[0].rolled.trained == other->streams[0].rolled.base);
    ck_assert(one->streams[0].rolled.base == other->streams[0].rolled.trained);
    gru_comparison_free(there);
    gru_comparison_free(back);
    done(&pair);
}

TEST(targets_of_their_own_belong_to_one_number_of_steps)
{
    struct pair pair;
    struct gru_comparison *comparison;
    make(&pair);
    double *y = training_noise((size_t)ROWS * O * STEPS, 4);
    pair.series.y = y;
    pair.series.n_targets = ROWS;
    ck_assert_int_eq(gru_comparison_create(pair.one, pair.several, &pair.training, &comparison),
                     GRU_BAD_ARGUMENT);
    free(y);
    done(&pair);
}
