/* Where the arrays of a run lie; see forward_grid.h. */
#include "engine/block.h"
#include "engine/forward_grid.h"

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What layers need, each of them in turn. */
struct run_sizes {
    size_t between, h, pre, half, turned; /* floats a row */
    size_t scratch, states;               /* a lane */
};

static struct run_sizes measure(const struct gru_model *model)
{
    struct run_sizes sizes = { 0 };
    for (size_t l = 0; l < model->n_layers; l++) {
        const struct layer_shape *shape = &model->layers[l].shape;
        const struct layer_needs needs = shape->kind->needs(shape);
        const size_t hp = k_padded(shape->n_units), width = k_padded(gru_layer_width(model, l));
        const bool is_last = l + gru_layer_halves(model, l) == model->n_layers;
        sizes.between = is_last ? sizes.between : max_size(sizes.between, width);
        sizes.half = max_size(sizes.half, hp);
        sizes.turned = max_size(sizes.turned, k_padded(shape->n_inputs));
        sizes.h = max_size(sizes.h, needs.h);
        sizes.pre = max_size(sizes.pre, needs.pre);
        sizes.scratch = max_size(sizes.scratch, needs.scratch);
        sizes.states += shape->kind->n_states * hp;
    }
    return sizes;
}

/* Where an array of n_rows rows begins, in floats. */
static size_t place(struct block_cutter *cutter, size_t n_rows, size_t n_columns)
{
    size_t at = cutter->n_bytes / sizeof(float);
    (void)block_take_floats(cutter, n_rows, n_columns);
    return at;
}

/* The same of doubles. */
static size_t place_doubles(struct block_cutter *cutter, size_t n_rows, size_t n_columns)
{
    size_t at = cutter->n_bytes / sizeof(float);
    (void)block_take_doubles(cutter, n_rows, n_columns);
    return at;
}

bool gru_run_lay_out(const struct gru_model *model, size_t n_rows, struct run_layout *ret_layout)
{
    const struct gru_info *info = &model->info;
    const struct run_sizes sizes = measure(model);
    const bool both = info->is_bidirectional;
    const size_t n_lanes = both ? 1 : GRID_LANES;
    n_rows = both ? n_rows : GRID_ROWS;
    struct block_cutter cutter = { 0 };
    *ret_layout = (struct run_layout){
        .n_lanes = n_lanes,
        .in = place(&cutter, n_rows, max_size(sizes.between, k_padded(info->n_inputs))),
        .between = place(&cutter, n_rows, sizes.between),
        .y_out = place(&cutter, n_rows, k_padded(info->y_floats)),
        .raw = place_doubles(&cutter, n_rows, info->n_inputs),
        .h = place(&cutter, GRID_ROWS, sizes.h),
        .pre = place(&cutter, GRID_ROWS, sizes.pre),
        .turned = place(&cutter, both ? GRID_ROWS : 0, sizes.turned),
        .half = place(&cutter, both ? GRID_ROWS : 0, sizes.half),
        .scratch = place(&cutter, n_lanes, sizes.scratch),
        .states = place(&cutter, n_lanes, sizes.states),
        .last = place_doubles(&cutter, n_lanes, info->n_inputs),
        .y = place_doubles(&cutter, n_lanes, info->y_floats),
        .seen = place(&cutter, n_lanes, model->transform_floats),
        .written = place(&cutter, n_lanes, model->transform_floats),
    };
    ret_layout->n_floats = cutter.n_bytes / sizeof(float);
    return !cutter.is_too_large;
}

size_t gru_run_bytes(const struct gru_model *model, size_t n_rows)
{
    struct run_layout layout;
    return gru_run_lay_out(model, n_rows, &layout) ? layout.n_floats * sizeof(float) : SIZE_MAX;
}
