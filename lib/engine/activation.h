/* activation.h - the activations, forwards. Private to lib/engine; pure functions. */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include "gru.h"

#define ACTIVATION_LEAK 0.01F
/* G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-Normalizing Neural Networks", 2017 */
#define ACTIVATION_SELU_ALPHA 1.6732632423543772F
#define ACTIVATION_SELU_SCALE 1.0507009873554805F

/* In place: n_rows rows of n at stride ld. A softmax is over the row. */
void gru_activate(enum gru_activation activation, float *rows, size_t n_rows, size_t n, size_t ld);

/* The read-out's, or its heads': n_rows rows of S * O at stride ld, each forecast step by itself.
 */
void gru_activate_output(const struct gru_info *info, float *rows, size_t n_rows, size_t ld);

/* What is applied to a column of S * O. */
enum gru_activation gru_output_activation(const struct gru_info *info, size_t column);

#endif
