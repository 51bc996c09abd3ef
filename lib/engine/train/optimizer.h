/*
 * optimizer.h - makes an update of a gradient, with PyTorch's conventions. Private to lib/engine.
 *
 * Works on one flat vector; the moments and the starting weights belong to the caller. Every sum
 * is taken in one fixed order, so the same input gives the same bits.
 */
#ifndef OPTIMIZER_H
#define OPTIMIZER_H

#include "gru.h"

enum { OPTIMIZER_MOMENTS_MAX = 2 };

struct optimizer {
    const struct gru_hyperparameters *hyperparameters;
    double learning_rate;                  /* of the next update */
    size_t n;                              /* trained parameters */
    float *moments[OPTIMIZER_MOMENTS_MAX]; /* [n] each, as many as gru_optimizer_n_moments says;
                                              zero at first */
    const float *start; /* [n] the weights that l2_sp pulls to; NULL if it is 0 */
    uint64_t n_updates;
};

/* sgd without momentum 0, with momentum 1, adam and adamw 2. */
size_t gru_optimizer_n_moments(const struct gru_hyperparameters *hyperparameters);

/*
 * Adds the pull of l2_sp to the gradient and clips it, then changes the parameters; if the gradient
 * is not finite, nothing is changed and the result is false. *ret_norm: the gradient's before
 * clipping.
 */
GRU_CHECK bool gru_optimizer_update(struct optimizer *optimizer, float *parameters, float *gradient,
                                    double *ret_norm);

#endif
