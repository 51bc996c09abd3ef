/* An activation as a layer, forwards; see layer_activation.h. */
#include "engine/layer_activation.h"
#include "engine/activation.h"

#include <string.h>

struct layer_needs gru_activation_needs(const struct layer_shape *shape)
{
    (void)shape;
    return (struct layer_needs){ 0 };
}

void gru_activation_cut(const struct layer_shape *shape, struct block_cutter *cutter,
                        union layer_packed *packed)
{
    (void)cutter;
    packed->activation.n = shape->n_units;
    packed->activation.activation = shape->activation;
}

void gru_activation_pack(const float *const *values, union layer_packed *packed)
{
    (void)values;
    (void)packed;
}

void gru_activation_forward(const union layer_packed *packed, const struct layer_rows *rows)
{
    const size_t n = packed->activation.n, n_rows = rows->n_steps * rows->n_lanes;
    const size_t ld_out = k_padded(n);
    if (rows->ld_in == ld_out) {
        memcpy(rows->out, rows->in, n_rows * ld_out * sizeof *rows->out);
    } else { /* what a network that is trained reads is not padded */
        for (size_t row = 0; row < n_rows; row++) {
            memcpy(rows->out + row * ld_out, rows->in + row * rows->ld_in, n * sizeof *rows->out);
        }
    }
    gru_activate(packed->activation.activation, rows->out, n_rows, n, ld_out);
}
