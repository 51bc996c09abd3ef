/* golden.h - the exact answers of tests/fixtures/golden, read for a test; any failure to read ends
 * the test.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "gru.h"

struct golden {
    struct gru_model *model;
    size_t n_rows;
    double *x;       /* [T][I] */
    double *y;       /* [T][S * O] */
    double *h_final; /* the layers' states in turn */
    size_t n_hidden; /* floats of h_final */
};

/* The inference cases, NULL-terminated. */
extern const char *const golden_names[];

struct golden golden_load(const char *name);
void golden_free(struct golden *golden);

#endif
