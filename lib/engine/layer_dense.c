/* The dense family, forwards; see layer_dense.h. */
#include "engine/layer_dense.h"

#include <string.h>

struct layer_needs gru_dense_needs(const struct layer_shape *shape)
{
    (void)shape;
    return (struct layer_needs){ 0 };
}

void gru_dense_cut(const struct layer_shape *shape, struct block_cutter *cutter,
                   union layer_packed *packed)
{
    size_t n = shape->n_units, k = shape->n_inputs;
    packed->dense.weight = (struct k_matrix){ .n = n, .k = k };
    packed->dense.weight.packed = block_take_floats(cutter, 1, k_packed_floats(n, k));
    packed->dense.bias = block_take_floats(cutter, 1, k_padded(n));
}

void gru_dense_pack(const float *const *values, union layer_packed *packed)
{
    const struct k_matrix *weight = &packed->dense.weight;
    k_pack(values[DENSE_WEIGHT], weight->n, weight->k, weight->packed);
    if (values[DENSE_BIAS]) {
        memcpy(packed->dense.bias, values[DENSE_BIAS], weight->n * sizeof(float));
    }
}

void gru_dense_forward(const union layer_packed *packed, const struct layer_rows *rows)
{
    const struct k_matrix *weight = &packed->dense.weight;
    rows->ops->affine(weight, packed->dense.bias, rows->n_steps * rows->n_lanes, rows->in,
                      rows->ld_in, rows->out, k_padded(weight->n));
}
