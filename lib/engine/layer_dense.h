/*
 * layer_dense.h - the dense family of layers, forwards: a matrix and a bias, row by row. The
 * read-out is one. The columns of layer_kind.h say what each function does. Private to lib/engine;
 * pure functions.
 */
#ifndef LAYER_DENSE_H
#define LAYER_DENSE_H

#include "engine/layer_kind.h"

/* The family's tensors, as they stand in the kinds' rows. */
enum { DENSE_WEIGHT, DENSE_BIAS };

struct layer_needs gru_dense_needs(const struct layer_shape *shape);
void gru_dense_cut(const struct layer_shape *shape, struct block_cutter *cutter,
                   union layer_packed *packed);
void gru_dense_pack(const float *const *values, union layer_packed *packed);
void gru_dense_forward(const union layer_packed *packed, const struct layer_rows *rows);

#endif
