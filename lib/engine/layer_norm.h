/*
 * layer_norm.h - the normalising families of layers, forwards: layer_norm by the mean and variance
 * of each row (J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization", 2016), batch_norm by
 * those of the data that the layer was trained on (S. Ioffe, C. Szegedy, "Batch Normalization",
 * ICML 2015, the form of inference). The columns of layer_kind.h say what each function does.
 * Private to lib/engine; pure functions.
 */
#ifndef LAYER_NORM_H
#define LAYER_NORM_H

#include "engine/layer_kind.h"

/* The families' tensors, as they stand in the kinds' rows; layer_norm has the first two. */
enum { NORM_WEIGHT, NORM_BIAS, NORM_MEAN, NORM_VARIANCE };

/* Of a row of n: its mean, and 1 / sqrt(variance + eps). */
struct norm_moments {
    double mean, scale;
};
struct norm_moments gru_norm_moments(const float *row, size_t n, float eps);

struct layer_needs gru_norm_needs(const struct layer_shape *shape);
void gru_norm_cut(const struct layer_shape *shape, struct block_cutter *cutter,
                  union layer_packed *packed);
void gru_norm_pack(const float *const *values, union layer_packed *packed);
void gru_norm_forward(const union layer_packed *packed, const struct layer_rows *rows);

void gru_batch_norm_pack(const float *const *values, union layer_packed *packed);
void gru_batch_norm_forward(const union layer_packed *packed, const struct layer_rows *rows);

#endif
