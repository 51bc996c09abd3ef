/* Making and freeing roll-outs; see horizon.h. */
#include "engine/train/horizon.h"

#include <stdlib.h>
#include <string.h>

static size_t blocks_of(const struct gru_info *info, size_t horizon)
{
    return (horizon + info->steps - 1) / info->steps;
}

bool gru_has_horizon(const struct gru_model *model, const struct gru_training *training)
{
    return training->hyperparameters.horizon_loss > model->info.steps;
}

/* ---- sizes ---- */

static bool find_sizes(const struct gru_model *model, const struct gru_training *training,
                       size_t n_lanes, size_t n_steps, struct horizon_sizes *ret_sizes)
{
    const struct gru_info *info = &model->info;
    struct horizon_sizes sizes = { .n_blocks =
                                       blocks_of(info, training->hyperparameters.horizon_loss),
                                   .n_state_floats = gru_state_last_offset(model) };
    bool fits = !__builtin_mul_overflow(sizes.n_blocks - 1, info->steps, &sizes.n_steps);
    sizes.spacing = (sizes.n_steps + HORIZON_SHARES - 1) / HORIZON_SHARES;
    const size_t n_rows = (n_steps + sizes.spacing - 1) / sizes.spacing;
    fits = fits && !__builtin_mul_overflow(n_rows, n_lanes, &sizes.n_origins) &&
           !__builtin_mul_overflow(n_lanes, n_steps, &sizes.n_window_rows) &&
           !__builtin_mul_overflow(sizes.n_origins, info->steps, &sizes.n_block_rows) &&
           !__builtin_mul_overflow(sizes.n_origins, sizes.n_steps, &sizes.n_rows) &&
           !__builtin_mul_overflow(sizes.n_origins, sizes.n_blocks, &sizes.n_outputs);
    *ret_sizes = sizes;
    return fits;
}

static struct backprop_options options_of(const struct gru_training *training,
                                          const struct horizon_sizes *sizes)
{
    return (struct backprop_options){ .rows_max = sizes->n_rows,
                                      .lanes_max = sizes->n_origins,
                                      .dropout = training->hyperparameters.dropout,
                                      .passes_to_input = true };
}

/* ---- arrays ---- */

static void cut(struct horizon *horizon, const struct gru_info *info, struct block_cutter *cutter)
{
    const struct horizon_sizes *sizes = &horizon->sizes;
    const size_t n = sizes->n_origins, n_outputs = info->n_outputs;
    horizon->origins = block_take(cutter, n, sizeof *horizon->origins);
    horizon->n_of = block_take(cutter, sizes->n_blocks + 1, sizeof *horizon->n_of);
    horizon->marks = block_take(cutter, sizes->n_window_rows, sizeof *horizon->marks);
    horizon->n_lanes = block_take(cutter, sizes->n_steps, sizeof *horizon->n_lanes);
    horizon->states = block_take_floats(cutter, n, sizes->n_state_floats);
    horizon->d_states = block_take_floats(cutter, n, sizes->n_state_floats);
    horizon->in = block_take_floats(cutter, sizes->n_rows, info->n_inputs);
    horizon->out = block_take_floats(cutter, sizes->n_block_rows, info->y_floats);
    horizon->d_out = block_take_floats(cutter, sizes->n_block_rows, info->y_floats);
    horizon->d_in = block_take_floats(cutter, sizes->n_block_rows, info->n_inputs);
    horizon->z = block_take_floats(cutter, sizes->n_outputs, info->y_floats);
    horizon->a = block_take_floats(cutter, sizes->n_outputs, info->y_floats);
    horizon->targets = block_take_floats(cutter, sizes->n_outputs, info->y_floats);
    horizon->raw = block_take(cutter, n, info->y_floats * sizeof *horizon->raw);
    horizon->base = block_take(cutter, n, n_outputs * sizeof *horizon->base);
    horizon->d_base = block_take(cutter, n, n_outputs * sizeof *horizon->d_base);
    horizon->naive = block_take(cutter, n, n_outputs * sizeof *horizon->naive);
}

bool gru_horizon_bytes(const struct dataset *dataset, const struct gru_model *model, size_t n_lanes,
                       size_t n_steps, size_t *ret_n_bytes)
{
    struct horizon horizon;
    struct block_cutter count = { 0 };
    size_t n_backprop, n_bytes;
    if (!find_sizes(model, dataset->training, n_lanes, n_steps, &horizon.sizes)) {
        return false;
    }
    const struct backprop_options options = options_of(dataset->training, &horizon.sizes);
    cut(&horizon, dataset->info, &count);
    if (count.is_too_large || !gru_backprop_bytes(model, &options, &n_backprop) ||
        __builtin_add_overflow(count.n_bytes, n_backprop, &n_bytes)) {
        return false;
    }
    return !__builtin_add_overflow(n_bytes, sizeof horizon, ret_n_bytes);
}

/* ---- its life ---- */

enum gru_status gru_horizon_create(const struct dataset *dataset, const struct gru_model *model,
                                   size_t n_lanes, size_t n_steps, struct horizon **ret_horizon)
{
    struct horizon *horizon = calloc(1, sizeof *horizon);
    if (!horizon || !find_sizes(model, dataset->training, n_lanes, n_steps, &horizon->sizes)) {
        free(horizon);
        return GRU_NO_MEMORY;
    }
    struct block_cutter count = { 0 };
    horizon->dataset = horizon->seen = dataset;
    cut(horizon, dataset->info, &count);
    horizon->block = block_alloc(&count);
    enum gru_status status = horizon->block ? GRU_OK : GRU_NO_MEMORY;
    if (status == GRU_OK) {
        memset(horizon->block, 0, count.n_bytes);
        struct block_cutter cutter = { .block = horizon->block };
        cut(horizon, dataset->info, &cutter);
        const struct backprop_options options = options_of(dataset->training, &horizon->sizes);
        status = gru_backprop_create(model, &options, &horizon->backprop);
    }
    if (status != GRU_OK) {
        gru_horizon_free(horizon);
        return status;
    }
    *ret_horizon = horizon;
    return GRU_OK;
}

void gru_horizon_free(struct horizon *horizon)
{
    if (horizon) {
        gru_backprop_free(horizon->backprop);
        free(horizon->block);
        free(horizon);
    }
}

void gru_horizon_refresh(struct horizon *horizon, const float *parameters)
{
    memcpy(gru_backprop_parameters(horizon->backprop), parameters,
           gru_backprop_n_parameters(horizon->backprop) * sizeof *parameters);
    gru_backprop_refresh(horizon->backprop);
}
