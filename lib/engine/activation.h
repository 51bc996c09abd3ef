/* activation.h - the activations, forwards. Private to lib/engine; pure functions. */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include "gru.h"

/* In place: n_rows rows of n at stride ld. A softmax is over the row. */
void gru_activate(enum gru_activation activation, float *rows, size_t n_rows, size_t n, size_t ld);

/* The read-out's, or its heads': n_rows rows of S * O at stride ld, each forecast step by itself.
 */
void gru_activate_output(const struct gru_info *info, float *rows, size_t n_rows, size_t ld);

#endif
