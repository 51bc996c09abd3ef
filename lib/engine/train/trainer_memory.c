/* See trainer_memory.h. */
#include "engine/train/trainer_memory.h"
#include "engine/train/class_weights.h"
#include "engine/train/horizon.h"
#include "engine/train/model_copy.h"
#include "engine/train/scaling_fit.h"
#include "engine/train/selection.h"

/* ---- sizes ---- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t longest_series(const struct gru_training *training)
{
    size_t n_rows = 0;
    for (size_t k = 0; k < training->n_series; k++) {
        n_rows = larger(n_rows, training->series[k].n_rows);
    }
    for (size_t k = 0; k < training->n_validation; k++) {
        n_rows = larger(n_rows, training->validation[k].n_rows);
    }
    return n_rows;
}

bool gru_trainer_sizes(const struct gru_model *model, const struct gru_training *training,
                       struct trainer_sizes *ret_sizes)
{
    const struct gru_hyperparameters *h = &training->hyperparameters;
    struct dataset dataset;
    gru_dataset_init(&dataset, model, training);
    const size_t n_series = larger(training->n_series, training->n_validation);
    struct trainer_sizes sizes = {
        .n_lanes = smaller(h->batch_size, larger(n_series, dataset.n_stretches)),
        .n_steps = smaller(h->window, longest_series(training)),
        .n_parameters = model->info.n_parameters,
        .n_trained = gru_backprop_n_trained(model, h->train == GRU_TRAIN_HEAD),
    };
    if (__builtin_mul_overflow(sizes.n_lanes, sizes.n_steps, &sizes.n_rows) ||
        __builtin_mul_overflow(sizes.n_lanes, gru_state_last_offset(model), &sizes.n_states)) {
        return false;
    }
    *ret_sizes = sizes;
    return true;
}

struct backprop_options gru_trainer_backprop_options(const struct gru_training *training,
                                                     const struct trainer_sizes *sizes)
{
    return (struct backprop_options){ .rows_max = sizes->n_rows,
                                      .lanes_max = sizes->n_lanes,
                                      .head_only =
                                          training->hyperparameters.train == GRU_TRAIN_HEAD,
                                      .dropout = training->hyperparameters.dropout };
}

/* ---- arrays ---- */

void gru_trainer_cut(const struct dataset *dataset, const struct trainer_sizes *sizes,
                     struct block_cutter *cutter, struct trainer_arrays *arrays)
{
    const struct gru_info *info = dataset->info;
    const struct gru_hyperparameters *h = &dataset->training->hyperparameters;
    const bool validates = gru_dataset_n_series(dataset, PART_VALID) > 0;
    const size_t n_moments = gru_optimizer_n_moments(h);
    arrays->in = block_take_floats(cutter, sizes->n_rows, info->n_inputs);
    arrays->out = block_take_floats(cutter, sizes->n_rows, info->y_floats);
    arrays->d_out = block_take_floats(cutter, sizes->n_rows, info->y_floats);
    arrays->targets = block_take_floats(cutter, sizes->n_rows, dataset->width);
    arrays->states = block_take_floats(cutter, sizes->n_states, 1);
    arrays->start = block_take_floats(cutter, h->l2_sp > 0, sizes->n_trained);
    arrays->best = block_take_floats(cutter, validates, sizes->n_parameters);
    arrays->seen = block_take_doubles(cutter, validates ? sizes->n_lanes : 0,
                                      info->n_inputs + info->n_outputs);
    for (size_t k = 0; k < OPTIMIZER_MOMENTS_MAX; k++) {
        arrays->moments[k] = block_take_floats(cutter, k < n_moments, sizes->n_trained);
    }
    arrays->class_weights =
        block_take(cutter, gru_has_class_weights(dataset->training) ? info->n_outputs : 0,
                   sizeof *arrays->class_weights);
    arrays->plateau = block_take(cutter, 1, sizeof *arrays->plateau);
    arrays->lanes = block_take(cutter, sizes->n_lanes, sizeof *arrays->lanes);
    arrays->n_lanes = block_take(cutter, sizes->n_steps, sizeof *arrays->n_lanes);
}

bool gru_trainer_bytes(const struct gru_model *model, const struct dataset *dataset,
                       size_t *ret_n_bytes)
{
    struct trainer_sizes sizes;
    struct trainer_arrays arrays;
    struct block_cutter count = { 0 };
    size_t n_bytes, n_backprop, n_filled, n_selection = 0, n_horizon = 0, n_rescaled = 0;
    if (!gru_trainer_sizes(model, dataset->training, &sizes)) {
        return false;
    }
    struct backprop_options options = gru_trainer_backprop_options(dataset->training, &sizes);
    gru_trainer_cut(dataset, &sizes, &count, &arrays);
    if (arrays.best && !gru_selection_bytes(dataset, &n_selection)) {
        return false;
    }
    if (gru_has_horizon(model, dataset->training) &&
        !gru_horizon_bytes(dataset, model, sizes.n_lanes, sizes.n_steps, &n_horizon)) {
        return false;
    }
    if (gru_fits_scaling(dataset->training) && !gru_model_copy_bytes(model, &n_rescaled)) {
        return false;
    }
    return !count.is_too_large && gru_backprop_bytes(model, &options, &n_backprop) &&
           gru_dataset_bytes(dataset, &n_filled) &&
           !__builtin_mul_overflow(n_filled, gru_fits_scaling(dataset->training) ? 2 : 1,
                                   &n_filled) &&
           !__builtin_add_overflow(n_filled, n_rescaled, &n_filled) &&
           !__builtin_add_overflow(count.n_bytes, n_filled, &n_bytes) &&
           !__builtin_add_overflow(n_bytes, n_selection, &n_bytes) &&
           !__builtin_add_overflow(n_bytes, n_horizon, &n_bytes) &&
           !__builtin_add_overflow(n_bytes, n_backprop, ret_n_bytes);
}
