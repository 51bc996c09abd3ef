/* Networks of one kind side by side, as one network whose forecast is the mean of theirs. */
#include "engine/layer_dense.h"
#include "engine/recipe/recipe.h"
#include "engine/selftest.h"
#include "engine/train/model_copy.h"

#include <string.h>

/* Row and column of a block, in floats. */
struct corner {
    size_t row, column;
};

/* A block of a wide tensor. */
static void put(const struct gru_tensor *from, struct gru_tensor *to, size_t from_row,
                size_t n_rows, struct corner place)
{
    const size_t n_columns = from->columns > 0 ? from->columns : 1;
    const size_t stride = to->columns > 0 ? to->columns : 1;
    for (size_t row = 0; row < n_rows; row++) {
        memcpy(to->values + (place.row + row) * stride + place.column,
               from->values + (from_row + row) * n_columns, n_columns * sizeof(float));
    }
}

/* The units of member k in each gate; they see the inputs and each other. */
static void put_recurrent(const struct gru_layer *from, size_t k, struct gru_layer *to)
{
    const size_t n = from->shape.n_units, n_wide = to->shape.n_units;
    for (size_t t = 0; t < from->shape.kind->n_tensors; t++) {
        if (!from->tensors[t].values) {
            continue;
        }
        const size_t n_gates = from->tensors[t].rows / n;
        const size_t column = from->shape.kind->tensors[t].columns == EXTENT_UNITS ? k * n : 0;
        for (size_t gate = 0; gate < n_gates; gate++) {
            put(&from->tensors[t], &to->tensors[t], gate * n, n,
                (struct corner){ gate * n_wide + k * n, column });
        }
    }
}

/* Its share of the mean. */
static void put_read_out(const struct gru_layer *from, size_t k, size_t n_members,
                         struct gru_layer *to)
{
    const struct gru_tensor *weight = &from->tensors[DENSE_WEIGHT];
    const struct gru_tensor *bias = &from->tensors[DENSE_BIAS];
    const size_t n = weight->columns, n_wide = to->tensors[DENSE_WEIGHT].columns;
    for (size_t row = 0; row < weight->rows; row++) {
        for (size_t column = 0; column < n; column++) {
            to->tensors[DENSE_WEIGHT].values[row * n_wide + k * n + column] =
                weight->values[row * n + column] / (float)n_members;
        }
        to->tensors[DENSE_BIAS].values[row] += bias->values[row] / (float)n_members;
    }
}

static void clear(struct gru_model *model)
{
    for (size_t l = 0; l < model->n_layers; l++) {
        struct gru_layer *layer = &model->layers[l];
        for (size_t t = 0; t < layer->shape.kind->n_tensors; t++) {
            if (layer->tensors[t].values) {
                memset(layer->tensors[t].values, 0,
                       gru_tensor_floats(&layer->tensors[t]) * sizeof(float));
            }
        }
    }
}

/* The members side by side, of which there is at least one. */
static enum gru_status join(const struct gru_recipe *recipe, const struct gru_model *wide,
                            size_t n_members, struct gru_model **ret_model)
{
    uint64_t random = recipe->task.seed;
    struct gru_model *model;
    size_t n = 0;
    enum gru_status status = gru_model_copy(wide, &model);
    if (status != GRU_OK) {
        return status;
    }
    clear(model);
    for (size_t k = gru_recipe_n_tried(recipe); k < recipe->findings.n_trials; k++) {
        const struct gru_model *member = recipe->trials[k].best;
        if (member) {
            put_recurrent(&member->layers[0], n, &model->layers[0]);
            put_read_out(&member->layers[1], n, n_members, &model->layers[1]);
            n++;
        }
    }
    status = gru_model_finish(model);
    status = status == GRU_OK ? gru_selftest_draw(model, &random) : status;
    if (status != GRU_OK) {
        gru_model_unref(model);
        return status;
    }
    *ret_model = model;
    return GRU_OK;
}

enum gru_status gru_recipe_join(struct gru_recipe *recipe)
{
    const size_t first = gru_recipe_n_tried(recipe);
    struct gru_recipe_trial wide_one = recipe->shown[first];
    struct gru_model *wide = NULL, *joined = NULL;
    enum gru_status status = GRU_OK;
    size_t n = 0;
    for (size_t k = first; k < recipe->findings.n_trials; k++) {
        n += recipe->trials[k].best != NULL;
    }
    if (n > 0) {
        wide_one.width *= n;
        status = gru_recipe_model_create(recipe, &wide_one, RECIPE_WHOLE, &wide);
    }
    if (status == GRU_OK && n > 0) {
        status = join(recipe, wide, n, &joined);
        gru_model_unref(wide);
    }
    if (status == GRU_OK) {
        gru_model_unref(recipe->joined);
        recipe->joined = joined;
    }
    return status;
}
