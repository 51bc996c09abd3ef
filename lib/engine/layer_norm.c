/* The normalising families, forwards; see layer_norm.h. */
#include "engine/layer_norm.h"

#include <math.h>

struct layer_needs gru_norm_needs(const struct layer_shape *shape)
{
    (void)shape;
    return (struct layer_needs){ 0 };
}

void gru_norm_cut(const struct layer_shape *shape, struct block_cutter *cutter,
                  union layer_packed *packed)
{
    const size_t np = k_padded(shape->n_units);
    packed->norm.n = shape->n_units;
    packed->norm.eps = shape->eps;
    packed->norm.weight = block_take_floats(cutter, 1, np);
    packed->norm.bias = block_take_floats(cutter, 1, np);
}

static float value_or(const float *values, size_t k, float otherwise)
{
    return values ? values[k] : otherwise;
}

/* ---- layer_norm ---- */

/* In doubles, and in one order: a row's bits do not depend on what else there is. */
struct norm_moments gru_norm_moments(const float *row, size_t n, float eps)
{
    double sum = 0, squares = 0;
    for (size_t k = 0; k < n; k++) {
        sum += (double)row[k];
    }
    const double mean = sum / (double)n;
    for (size_t k = 0; k < n; k++) {
        squares += ((double)row[k] - mean) * ((double)row[k] - mean);
    }
    return (struct norm_moments){ .mean = mean,
                                  .scale = 1 / sqrt(squares / (double)n + (double)eps) };
}

void gru_norm_pack(const float *const *values, union layer_packed *packed)
{
    for (size_t k = 0; k < packed->norm.n; k++) {
        packed->norm.weight[k] = value_or(values[NORM_WEIGHT], k, 1);
        packed->norm.bias[k] = value_or(values[NORM_BIAS], k, 0);
    }
}

void gru_norm_forward(const union layer_packed *packed, const struct layer_rows *rows)
{
    const size_t n = packed->norm.n, ld_out = k_padded(n);
    for (size_t row = 0; row < rows->n_steps * rows->n_lanes; row++) {
        const float *in = rows->in + row * rows->ld_in;
        float *out = rows->out + row * ld_out;
        const struct norm_moments moments = gru_norm_moments(in, n, packed->norm.eps);
        for (size_t k = 0; k < n; k++) {
            const double normed = ((double)in[k] - moments.mean) * moments.scale;
            out[k] = (float)normed * packed->norm.weight[k] + packed->norm.bias[k];
        }
    }
}

/* ---- batch_norm ---- */

/* (x - mean) / sqrt(var + eps) * weight + bias as x * scale + shift. */
void gru_batch_norm_pack(const float *const *values, union layer_packed *packed)
{
    for (size_t k = 0; k < packed->norm.n; k++) {
        const double variance = (double)values[NORM_VARIANCE][k] + (double)packed->norm.eps;
        const double scale = (double)value_or(values[NORM_WEIGHT], k, 1) / sqrt(variance);
        const double bias = (double)value_or(values[NORM_BIAS], k, 0);
        packed->norm.weight[k] = (float)scale;
        packed->norm.bias[k] = (float)(bias - (double)values[NORM_MEAN][k] * scale);
    }
}

void gru_batch_norm_forward(const union layer_packed *packed, const struct layer_rows *rows)
{
    const size_t n = packed->norm.n, ld_out = k_padded(n);
    for (size_t row = 0; row < rows->n_steps * rows->n_lanes; row++) {
        const float *in = rows->in + row * rows->ld_in;
        float *out = rows->out + row * ld_out;
        for (size_t k = 0; k < n; k++) {
            out[k] = in[k] * packed->norm.weight[k] + packed->norm.bias[k];
        }
    }
}
