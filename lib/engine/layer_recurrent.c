/* The recurrent family, forwards; see layer_recurrent.h. */
#include "engine/layer_recurrent.h"

#include <string.h>

struct layer_needs gru_recurrent_needs(const struct layer_shape *shape)
{
    const struct k_cell_traits *cell = &k_cells[gru_recurrent_cell(shape)];
    const struct k_layer layer = { .cell = gru_recurrent_cell(shape), .h = shape->n_units };
    size_t hp = k_padded(shape->n_units);
    return (struct layer_needs){ .h = cell->has_own_output ? hp : 0,
                                 .pre = cell->n_gates * hp,
                                 .scratch = k_recur_scratch(&layer, 1) };
}

void gru_recurrent_cut(const struct layer_shape *shape, struct block_cutter *cutter,
                       union layer_packed *packed)
{
    size_t i = shape->n_inputs, h = shape->n_units, hp = k_padded(h);
    size_t n = shape->kind->n_gates * hp;
    struct k_layer *layer = &packed->recurrent;
    layer->cell = gru_recurrent_cell(shape);
    layer->i = i;
    layer->h = h;
    layer->wx = (struct k_matrix){ .n = n, .k = i };
    layer->uh = (struct k_matrix){ .n = n, .k = h };
    layer->wx.packed = block_take_floats(cutter, 1, k_packed_floats(n, i));
    layer->uh.packed = block_take_floats(cutter, 1, k_packed_floats(n, h));
    layer->bias_x = block_take_floats(cutter, 1, n);
    layer->bias_n = block_take_floats(cutter, 1, hp);
}

void gru_recurrent_pack(const float *const *values, union layer_packed *packed)
{
    struct k_layer *layer = &packed->recurrent;
    size_t n_gates = k_n_gates(layer->cell), h = layer->h;
    k_pack_gates(values[RECURRENT_WEIGHT_IH], n_gates, h, layer->i, layer->wx.packed);
    k_pack_gates(values[RECURRENT_WEIGHT_HH], n_gates, h, h, layer->uh.packed);
    k_pack_biases(layer->cell, h, values[RECURRENT_BIAS_IH], values[RECURRENT_BIAS_HH],
                  layer->bias_x, layer->bias_n);
}

void gru_recurrent_forward(const union layer_packed *packed, const struct layer_rows *rows)
{
    const struct k_layer *layer = &packed->recurrent;
    const struct k_cell_traits *cell = &k_cells[layer->cell];
    const size_t n = rows->n_lanes, step_floats = n * k_padded(layer->h);
    float *c = cell->has_memory ? rows->states + rows->ld_states : NULL;
    float *h = cell->has_own_output ? rows->h : rows->out;
    float *out = cell->has_own_output ? rows->out : NULL;
    const float *h_in = rows->states, *pre = rows->pre;
    rows->ops->project(layer, rows->n_steps * n, rows->in, rows->ld_in, rows->pre);
    for (size_t step = 0; step < rows->n_steps; step++) {
        rows->ops->recur(layer, n, pre, h_in, h, c, out, rows->scratch);
        h_in = h;
        h += step_floats;
        out = out ? out + step_floats : NULL;
        pre += n * layer->uh.n;
    }
    memcpy(rows->states, h_in, step_floats * sizeof *h);
}
