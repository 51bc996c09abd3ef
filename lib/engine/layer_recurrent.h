/*
 * layer_recurrent.h - the recurrent family of layers, forwards: a product with all inputs of a
 * chunk, then step by step (kernels.h: project, recur). The columns of layer_kind.h say what each
 * function does. Private to lib/engine; pure functions.
 */
#ifndef LAYER_RECURRENT_H
#define LAYER_RECURRENT_H

#include "engine/layer_kind.h"

/* The family's tensors, as they stand in the kinds' rows. */
enum {
    RECURRENT_WEIGHT_IH,
    RECURRENT_WEIGHT_HH,
    RECURRENT_BIAS_IH,
    RECURRENT_BIAS_HH,
    RECURRENT_INITIAL_H,
    RECURRENT_INITIAL_C
};

static inline enum k_cell gru_recurrent_cell(const struct layer_shape *shape)
{
    return shape->kind->cells[shape->reset];
}

struct layer_needs gru_recurrent_needs(const struct layer_shape *shape);
void gru_recurrent_cut(const struct layer_shape *shape, struct block_cutter *cutter,
                       union layer_packed *packed);
void gru_recurrent_pack(const float *const *values, union layer_packed *packed);
void gru_recurrent_forward(const union layer_packed *packed, const struct layer_rows *rows);

#endif
