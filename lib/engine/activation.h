/* activation.h - the read-out's activation. Private to lib/engine; pure functions. */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include "gru.h"

/* In place: n_rows rows of S * O at stride ld. */
void gru_activate(const struct gru_info *info, float *rows, size_t n_rows, size_t ld);

#endif
