/* backprop_activation.c - activations as layers while other layers are trained; see struct
 * backprop_family. */
#include "engine/train/activation_slope.h"
#include "engine/train/backprop_layer.h"

#include <string.h>

static void backward(const struct backprop_pass *pass, const struct backprop_layer *layer,
                     const struct backprop_rows *rows)
{
    const size_t n = layer->shape->n_units;
    const float *a = backprop_result(pass, layer);
    for (size_t row = 0; layer->passes_back && row < pass->chunk->n_rows; row++) {
        float *d_in = rows->d_in + row * rows->ld_d_in;
        const float *d_out = rows->d_out + row * rows->ld_d_out;
        memcpy(d_in, rows->in + row * rows->ld_in, n * sizeof *d_in);
        gru_activation_slopes(layer->shape->activation, a + row * layer->hp, n, d_in);
        for (size_t k = 0; k < n; k++) {
            d_in[k] *= d_out[k];
        }
        memset(d_in + n, 0, (rows->ld_d_in - n) * sizeof *d_in);
    }
}

const struct backprop_family backprop_activation_family = {
    .keeps_rows = true,
    .cut = backprop_cut_rows,
    .forward = backprop_forward_rows,
    .backward = backward,
};
