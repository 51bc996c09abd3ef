/* See activation_slope.h. */
#include "engine/train/activation_slope.h"
#include "engine/activation.h"

#include <math.h>

/* f'(z), from z and a = f(z). */
typedef float slope_fn(float z, float a);

static float sigmoid_slope(float z, float a)
{
    (void)z;
    return a * (1.0F - a);
}

static float tanh_slope(float z, float a)
{
    (void)z;
    return 1.0F - a * a;
}

static float relu_slope(float z, float a)
{
    (void)a;
    return z > 0 ? 1.0F : 0.0F;
}

static float leaky_relu_slope(float z, float a)
{
    (void)a;
    return z > 0 ? 1.0F : ACTIVATION_LEAK;
}

static float elu_slope(float z, float a)
{
    return z > 0 ? 1.0F : a + 1.0F;
}

static float selu_slope(float z, float a)
{
    return z > 0 ? ACTIVATION_SELU_SCALE : a + ACTIVATION_SELU_SCALE * ACTIVATION_SELU_ALPHA;
}

/* z Phi(z): Phi(z) + z phi(z), with the normal distribution and its density. */
static float gelu_slope(float z, float a)
{
    (void)a;
    return 0.5F * (1 + erff(z * 0.70710678118654752F)) +
           z * 0.39894228040143268F * expf(-0.5F * z * z);
}

/* z sigma(z): sigma(z) (1 + z (1 - sigma(z))). */
static float silu_slope(float z, float a)
{
    const float s = 1 / (1 + expf(-z));
    (void)a;
    return s * (1 + z * (1 - s));
}

static float softplus_slope(float z, float a)
{
    (void)a;
    return 1 / (1 + expf(-z));
}

void gru_activation_slopes(enum gru_activation activation, const float *a, size_t n, float *z)
{
    static slope_fn *const slopes[GRU_N_ACTIVATIONS] = {
        [GRU_SIGMOID] = sigmoid_slope,   [GRU_TANH] = tanh_slope,
        [GRU_RELU] = relu_slope,         [GRU_LEAKY_RELU] = leaky_relu_slope,
        [GRU_ELU] = elu_slope,           [GRU_SELU] = selu_slope,
        [GRU_GELU] = gelu_slope,         [GRU_SILU] = silu_slope,
        [GRU_SOFTPLUS] = softplus_slope,
    };
    slope_fn *slope = slopes[activation];
    for (size_t k = 0; k < n; k++) {
        z[k] = slope ? slope(z[k], a[k]) : 1.0F;
    }
}

/* dL/dz_j = a_j (dL/da_j - sum_k a_k dL/da_k) */
void gru_softmax_undo(const float *a, size_t n, float *d)
{
    double mean = 0;
    for (size_t k = 0; k < n; k++) {
        mean += (double)a[k] * (double)d[k];
    }
    for (size_t k = 0; k < n; k++) {
        d[k] = a[k] * (d[k] - (float)mean);
    }
}
