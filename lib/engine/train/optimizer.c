/* Optimizers; see optimizer.h. Loops are plain, so that the compiler makes vectors of them. */
#include "engine/train/optimizer.h"

#include <math.h>

/* PyTorch's defaults. */
#define BETA_1   0.9
#define BETA_2   0.999
#define EPSILON  1e-8
#define CLIP_EPS 1e-6

size_t gru_optimizer_n_moments(const struct gru_hyperparameters *hyperparameters)
{
    if (hyperparameters->optimizer != GRU_SGD) {
        return 2;
    }
    return hyperparameters->momentum > 0 ? 1 : 0;
}

/* The L2-SP penalty's gradient, l2_sp (w - w_start): X. Li, Y. Grandvalet, F. Davoine, "Explicit
 * Inductive Bias for Transfer Learning with Convolutional Networks", ICML 2018. */
static void pull_to_start(const struct optimizer *optimizer, const float *w, float *g)
{
    const float strength = (float)optimizer->hyperparameters->l2_sp;
    for (size_t k = 0; k < optimizer->n; k++) {
        g[k] += strength * (w[k] - optimizer->start[k]);
    }
}

/* In double, because squares of floats overflow; in eight running sums, which is one fixed order
 * that a processor can add side by side. */
static double norm(const float *g, size_t n)
{
    enum { SUMS = 8 };
    double sums[SUMS] = { 0 };
    size_t k = 0;
    for (; k + SUMS <= n; k += SUMS) {
        for (size_t j = 0; j < SUMS; j++) {
            sums[j] += (double)g[k + j] * (double)g[k + j];
        }
    }
    for (size_t j = 0; k < n; k++, j++) {
        sums[j] += (double)g[k] * (double)g[k];
    }
    double sum = 0;
    for (size_t j = 0; j < SUMS; j++) {
        sum += sums[j];
    }
    return sqrt(sum);
}

static void scale(float *g, size_t n, float by)
{
    for (size_t k = 0; k < n; k++) {
        g[k] *= by;
    }
}

/* torch.optim.SGD: g += weight_decay w; buf = momentum buf + g (from 0: the first buf is g); w -=
 * lr buf. */
static void update_sgd(const struct optimizer *optimizer, float *w, const float *g)
{
    const struct gru_hyperparameters *h = optimizer->hyperparameters;
    const float rate = (float)optimizer->learning_rate;
    const float decay = (float)h->weight_decay;
    const float momentum = (float)h->momentum;
    float *buf = optimizer->moments[0];
    if (!buf) {
        for (size_t k = 0; k < optimizer->n; k++) {
            w[k] -= rate * (g[k] + decay * w[k]);
        }
        return;
    }
    for (size_t k = 0; k < optimizer->n; k++) {
        buf[k] = momentum * buf[k] + (g[k] + decay * w[k]);
        w[k] -= rate * buf[k];
    }
}

/* torch.optim.Adam and AdamW: D. Kingma, J. Ba, "Adam", ICLR 2015; I. Loshchilov, F. Hutter,
 * "Decoupled Weight Decay Regularization", ICLR 2019. */
static void update_adam(const struct optimizer *optimizer, float *w, const float *g)
{
    const struct gru_hyperparameters *h = optimizer->hyperparameters;
    const bool decoupled = h->optimizer == GRU_ADAMW;
    const float keep = decoupled ? (float)(1 - optimizer->learning_rate * h->weight_decay) : 1.0F;
    const float decay = decoupled ? 0.0F : (float)h->weight_decay;
    const float beta_1 = (float)BETA_1, beta_2 = (float)BETA_2, epsilon = (float)EPSILON;
    const float rest_1 = (float)(1 - BETA_1), rest_2 = (float)(1 - BETA_2);
    const double t = (double)optimizer->n_updates;
    const float rate = (float)(optimizer->learning_rate / (1 - pow(BETA_1, t)));
    const float root = (float)(1 / sqrt(1 - pow(BETA_2, t)));
    float *m = optimizer->moments[0];
    float *v = optimizer->moments[1];
    for (size_t k = 0; k < optimizer->n; k++) {
        float d = g[k] + decay * w[k];
        m[k] = beta_1 * m[k] + rest_1 * d;
        v[k] = beta_2 * v[k] + rest_2 * d * d;
        w[k] = keep * w[k] - rate * m[k] / (sqrtf(v[k]) * root + epsilon);
    }
}

bool gru_optimizer_update(struct optimizer *optimizer, float *parameters, float *gradient,
                          double *ret_norm)
{
    const struct gru_hyperparameters *h = optimizer->hyperparameters;
    if (optimizer->start) {
        pull_to_start(optimizer, parameters, gradient);
    }
    double size = norm(gradient, optimizer->n);
    *ret_norm = size;
    if (!isfinite(size)) {
        return false;
    }
    double coefficient = h->clip_norm / (size + CLIP_EPS); /* torch.nn.utils.clip_grad_norm_ */
    if (h->clip_norm > 0 && coefficient < 1) {
        scale(gradient, optimizer->n, (float)coefficient);
    }
    optimizer->n_updates++;
    if (h->optimizer == GRU_SGD) {
        update_sgd(optimizer, parameters, gradient);
    } else {
        update_adam(optimizer, parameters, gradient);
    }
    return true;
}
