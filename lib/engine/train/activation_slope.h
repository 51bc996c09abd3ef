/* activation_slope.h - the activations, backwards. Private to lib/engine/train; pure functions. */
#ifndef ACTIVATION_SLOPE_H
#define ACTIVATION_SLOPE_H

#include "gru.h"

/* n values z become f'(z); a is f(z). Where f has a corner the slope is PyTorch's. A softmax has
 * none: 1. */
void gru_activation_slopes(enum gru_activation activation, const float *a, size_t n, float *z);
/* From the gradient by a softmax a to the one by its input, in place, over a row of n. */
void gru_softmax_undo(const float *a, size_t n, float *d);

#endif
