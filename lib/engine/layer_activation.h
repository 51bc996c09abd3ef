/*
 * layer_activation.h - the family of layers that are an activation alone, forwards. The columns of
 * layer_kind.h say what each function does. Private to lib/engine; pure functions.
 */
#ifndef LAYER_ACTIVATION_H
#define LAYER_ACTIVATION_H

#include "engine/layer_kind.h"

struct layer_needs gru_activation_needs(const struct layer_shape *shape);
void gru_activation_cut(const struct layer_shape *shape, struct block_cutter *cutter,
                        union layer_packed *packed);
void gru_activation_pack(const float *const *values, union layer_packed *packed);
void gru_activation_forward(const union layer_packed *packed, const struct layer_rows *rows);

#endif
