/* See activation.h. */
#include "engine/activation.h"
#include "kernels/kernels.h"

#include <math.h>

typedef float activation_fn(float);

/* NaN stays NaN in each of them. */

static float leaky_relu(float x)
{
    return x < 0 ? ACTIVATION_LEAK * x : x;
}

static float elu(float x)
{
    return x < 0 ? expm1f(x) : x;
}

static float selu(float x)
{
    return ACTIVATION_SELU_SCALE * (x < 0 ? ACTIVATION_SELU_ALPHA * expm1f(x) : x);
}

static float gelu(float x)
{
    return 0.5F * x * (1 + erff(x * 0.70710678118654752F));
}

static float silu(float x)
{
    return x / (1 + expf(-x));
}

/* log(1 + e^x), which no x overflows. */
static float softplus(float x)
{
    return (x < 0 ? 0 : x) + log1pf(expf(-fabsf(x)));
}

static void map_rows(float *rows, size_t n_rows, size_t n, size_t ld, activation_fn *f)
{
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t k = 0; k < n; k++) {
            rows[row * ld + k] = f(rows[row * ld + k]);
        }
    }
}

void gru_activate(enum gru_activation activation, float *rows, size_t n_rows, size_t n, size_t ld)
{
    static activation_fn *const functions[GRU_N_ACTIVATIONS] = {
        [GRU_LEAKY_RELU] = leaky_relu,
        [GRU_ELU] = elu,
        [GRU_SELU] = selu,
        [GRU_GELU] = gelu,
        [GRU_SILU] = silu,
        [GRU_SOFTPLUS] = softplus,
    };
    switch (activation) {
    case GRU_LINEAR:
        break;
    case GRU_SIGMOID:
        k_best()->sigmoid(rows, n_rows, n, ld);
        break;
    case GRU_TANH:
        k_best()->tanh(rows, n_rows, n, ld);
        break;
    case GRU_SOFTMAX:
        k_best()->softmax(rows, n_rows, n, ld);
        break;
    case GRU_RELU:
        k_best()->relu(rows, n_rows, n, ld);
        break;
    default:
        map_rows(rows, n_rows, n, ld, functions[activation]);
    }
}

void gru_activate_output(const struct gru_info *info, float *rows, size_t n_rows, size_t ld)
{
    for (size_t k = 0; k < info->n_heads; k++) { /* which forecast one step */
        const struct gru_head *head = &info->heads[k];
        gru_activate(head->activation, rows, n_rows, head->n_outputs, ld);
        rows += head->n_outputs;
    }
    if (info->n_heads > 0) {
        return;
    }
    if (info->activation != GRU_SOFTMAX) {
        gru_activate(info->activation, rows, n_rows, info->y_floats, ld);
        return;
    }
    for (size_t s = 0; s < info->steps; s++) { /* each one is a distribution of its own */
        gru_activate(GRU_SOFTMAX, rows + s * info->n_outputs, n_rows, info->n_outputs, ld);
    }
}

enum gru_activation gru_output_activation(const struct gru_info *info, size_t column)
{
    for (size_t k = 0; k < info->n_heads; k++) {
        if (column < info->heads[k].n_outputs) {
            return info->heads[k].activation;
        }
        column -= info->heads[k].n_outputs;
    }
    return info->activation;
}
