/* backprop_dense.c - dense layers while they are trained; see struct backprop_family. */
#include "engine/layer_dense.h"
#include "engine/train/backprop_layer.h"
#include "kernels/product.h"

#include <string.h>

static void describe(struct backprop_layer *layer)
{
    layer->dense.transposed =
        (struct k_matrix){ .n = layer->shape->n_inputs, .k = layer->shape->n_units };
}

static struct backprop_needs needs(const struct backprop_layer *layer)
{
    return (struct backprop_needs){ .before = k_padded(layer->shape->n_inputs) };
}

static void cut(const struct backprop *bp, struct backprop_layer *layer,
                struct block_cutter *cutter)
{
    const size_t i = layer->shape->n_inputs, h = layer->shape->n_units;
    backprop_cut_result(layer, cutter);
    layer->dense.transposed.packed = block_take_floats(cutter, 1, k_transposed_floats(1, h, i));
    layer->dense.d_weight = block_take_floats(cutter, bp->options.input_only ? 0 : h, k_padded(i));
}

static void pack(const float *const *values, struct backprop_layer *layer)
{
    static const unsigned char only[] = { 0 };
    const size_t i = layer->shape->n_inputs, h = layer->shape->n_units;
    k_pack_transposed(values[DENSE_WEIGHT], only, 1, h, h, i, layer->dense.transposed.packed);
}

static void forward(const struct backprop_pass *pass, const struct backprop_layer *layer,
                    const float *in, size_t ld_in)
{
    const struct k_matrix *weight = &layer->packed.dense.weight;
    pass->bp->ops->affine(weight, layer->packed.dense.bias, pass->chunk->n_rows, in, ld_in,
                          backprop_result(pass, layer), layer->hp);
}

/* What the layer saw, with a padding: readings have none. */
static const float *padded_in(const struct backprop_pass *pass, const struct backprop_layer *layer,
                              const struct backprop_rows *rows)
{
    const size_t i = layer->shape->n_inputs, ip = k_padded(i);
    if (layer != pass->bp->layers) {
        return rows->in;
    }
    float *to = pass->bp->before;
    for (size_t row = 0; row < pass->chunk->n_rows; row++) {
        memcpy(to + row * ip, rows->in + row * rows->ld_in, i * sizeof *to);
        memset(to + row * ip + i, 0, (ip - i) * sizeof *to);
    }
    return to;
}

/* Sums of the gradients by the weights and biases. */
static void add_weights(const struct backprop_pass *pass, const struct backprop_layer *layer,
                        const struct backprop_rows *rows)
{
    const size_t n_rows = pass->chunk->n_rows, h = layer->shape->n_units;
    const size_t ip = k_padded(layer->shape->n_inputs);
    const struct k_outer outer = { .n_rows = n_rows,
                                   .m = h,
                                   .n = ip,
                                   .a = rows->d_out,
                                   .b = padded_in(pass, layer, rows),
                                   .lda = rows->ld_d_out,
                                   .ldb = ip,
                                   .c = layer->dense.d_weight,
                                   .ldc = ip };
    k_add_outer(pass->bp->ops, &outer);
    float *d_bias = backprop_gradient(pass->bp, layer, DENSE_BIAS);
    for (size_t row = 0; d_bias && row < n_rows; row++) {
        for (size_t k = 0; k < h; k++) {
            d_bias[k] += rows->d_out[row * rows->ld_d_out + k];
        }
    }
}

static void backward(const struct backprop_pass *pass, const struct backprop_layer *layer,
                     const struct backprop_rows *rows)
{
    if (!pass->bp->options.input_only) {
        add_weights(pass, layer, rows);
    }
    if (layer->passes_back) {
        pass->bp->ops->train->back_project(&layer->dense.transposed, pass->chunk->n_rows,
                                           rows->d_out, rows->ld_d_out, rows->d_in, rows->ld_d_in);
    }
}

static void clear(const struct backprop *bp, const struct backprop_layer *layer)
{
    size_t n = layer->shape->n_units * k_padded(layer->shape->n_inputs);
    if (!bp->options.input_only) {
        memset(layer->dense.d_weight, 0, n * sizeof(float));
    }
}

static void gather(const struct backprop *bp, const struct backprop_layer *layer)
{
    const size_t i = layer->shape->n_inputs;
    float *d_weight = backprop_gradient(bp, layer, DENSE_WEIGHT);
    for (size_t k = 0; k < layer->shape->n_units; k++) {
        memcpy(d_weight + k * i, layer->dense.d_weight + k * k_padded(i), i * sizeof *d_weight);
    }
}

const struct backprop_family backprop_dense_family = {
    .describe = describe,
    .needs = needs,
    .cut = cut,
    .pack = pack,
    .forward = forward,
    .backward = backward,
    .clear = clear,
    .gather = gather,
};
