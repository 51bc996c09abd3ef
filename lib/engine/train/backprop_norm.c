/* backprop_norm.c - normalising layers while they are trained; see struct backprop_family. x is
 * what a layer saw, n what it made of it before `weight` and `bias`. */
#include "engine/layer_norm.h"
#include "engine/train/backprop_layer.h"

#include <math.h>
#include <string.h>

/* ---- layer_norm ---- */

/* With g = d (.) weight, d the gradient by the output: that by x is
 * (g - mean(g) - n mean(g (.) n)) / sqrt(variance + eps). */
static void pass_back(const struct backprop_layer *layer, const struct norm_moments *moments,
                      const float *x, const float *d, float *d_in)
{
    const size_t n = layer->shape->n_units;
    const float *weight = layer->packed.norm.weight;
    double mean = 0, along = 0;
    for (size_t k = 0; k < n; k++) {
        const double g = (double)d[k] * (double)weight[k];
        mean += g;
        along += g * ((double)x[k] - moments->mean) * moments->scale;
    }
    mean /= (double)n;
    along /= (double)n;
    for (size_t k = 0; k < n; k++) {
        const double normed = ((double)x[k] - moments->mean) * moments->scale;
        const double g = (double)d[k] * (double)weight[k];
        d_in[k] = (float)((g - mean - normed * along) * moments->scale);
    }
}

static void norm_backward(const struct backprop_pass *pass, const struct backprop_layer *layer,
                          const struct backprop_rows *rows)
{
    const size_t n = layer->shape->n_units;
    float *d_weight = backprop_gradient(pass->bp, layer, NORM_WEIGHT);
    float *d_bias = backprop_gradient(pass->bp, layer, NORM_BIAS);
    for (size_t row = 0; row < pass->chunk->n_rows; row++) {
        const float *x = rows->in + row * rows->ld_in, *d = rows->d_out + row * rows->ld_d_out;
        const struct norm_moments moments = gru_norm_moments(x, n, layer->shape->eps);
        for (size_t k = 0; d_weight && k < n; k++) {
            d_weight[k] += d[k] * (float)(((double)x[k] - moments.mean) * moments.scale);
        }
        for (size_t k = 0; d_bias && k < n; k++) {
            d_bias[k] += d[k];
        }
        if (layer->passes_back) {
            float *d_in = rows->d_in + row * rows->ld_d_in;
            pass_back(layer, &moments, x, d, d_in);
            memset(d_in + n, 0, (rows->ld_d_in - n) * sizeof *d_in);
        }
    }
}

const struct backprop_family backprop_norm_family = {
    .cut = backprop_cut_rows,
    .forward = backprop_forward_rows,
    .backward = norm_backward,
};

/* ---- batch_norm ---- */

/* The output is x (.) scale + shift, whose scale and shift the statistics are a part of. */
static void batch_norm_backward(const struct backprop_pass *pass,
                                const struct backprop_layer *layer,
                                const struct backprop_rows *rows)
{
    const size_t n = layer->shape->n_units;
    const float *mean = layer->tensors[NORM_MEAN].values, *scale = layer->packed.norm.weight;
    float *d_weight = backprop_gradient(pass->bp, layer, NORM_WEIGHT);
    float *d_bias = backprop_gradient(pass->bp, layer, NORM_BIAS);
    for (size_t row = 0; row < pass->chunk->n_rows; row++) {
        const float *x = rows->in + row * rows->ld_in, *d = rows->d_out + row * rows->ld_d_out;
        for (size_t k = 0; d_weight && k < n; k++) {
            d_weight[k] += d[k] * (x[k] - mean[k]);
        }
        for (size_t k = 0; d_bias && k < n; k++) {
            d_bias[k] += d[k];
        }
        if (layer->passes_back) {
            float *d_in = rows->d_in + row * rows->ld_d_in;
            for (size_t k = 0; k < n; k++) {
                d_in[k] = d[k] * scale[k];
            }
            memset(d_in + n, 0, (rows->ld_d_in - n) * sizeof *d_in);
        }
    }
}

/* n is (x - mean) / sqrt(variance + eps); what it is divided by is the same in each row. */
static void batch_norm_gather(const struct backprop *bp, const struct backprop_layer *layer)
{
    const float *variance = layer->tensors[NORM_VARIANCE].values;
    float *d_weight = backprop_gradient(bp, layer, NORM_WEIGHT);
    for (size_t k = 0; d_weight && k < layer->shape->n_units; k++) {
        const double of_n = (double)variance[k] + (double)layer->shape->eps;
        d_weight[k] = (float)((double)d_weight[k] / sqrt(of_n));
    }
}

const struct backprop_family backprop_batch_norm_family = {
    .cut = backprop_cut_rows,
    .forward = backprop_forward_rows,
    .backward = batch_norm_backward,
    .gather = batch_norm_gather,
};
