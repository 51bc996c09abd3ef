/* backprop_activation.c - activations as layers while other layers are trained; see struct
 * backprop_family. */
#include "engine/train/activation_slope.h"
#include "engine/train/backprop_layer.h"

#include <string.h>

static void describe(struct backprop_layer *layer)
{
    (void)layer;
}

static struct backprop_needs needs(const struct backprop_layer *layer)
{
    (void)layer;
    return (struct backprop_needs){ 0 };
}

static void cut(const struct backprop *bp, struct backprop_layer *layer,
                struct block_cutter *cutter)
{
    (void)bp;
    backprop_cut_result(layer, cutter);
}

static void forward(const struct backprop_pass *pass, const struct backprop_layer *layer,
                    const float *in, size_t ld_in)
{
    const struct layer_rows rows = { .ops = pass->bp->ops,
                                     .n_lanes = pass->chunk->n_rows,
                                     .n_steps = 1,
                                     .in = in,
                                     .ld_in = ld_in,
                                     .out = backprop_result(pass, layer) };
    layer->shape->kind->forward(&layer->packed, &rows);
}

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
    .describe = describe,
    .needs = needs,
    .cut = cut,
    .forward = forward,
    .backward = backward,
};
