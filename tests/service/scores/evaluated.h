/*
 * evaluated.h - series with forecasts of them and the figures that they make, as
 * tests/fixtures/evaluate/make.py has worked them out: independently, from the formulas.
 */
#ifndef EVALUATED_H
#define EVALUATED_H

#include "service/scores/error_measures.h"

#include <stddef.h>

extern const char *const evaluated_names[]; /* ends with NULL */

struct evaluated {
    size_t n_inputs, n_outputs, horizon, season, n_rows, n_windows, n_values;
    double level;
    double *x, *y;     /* [n_rows][I]; [n_rows][O] or NULL */
    double *values;    /* [n_values][O] what forecasts are of (back_test.h) */
    double *forecasts; /* [n_windows][H][O] */
    double *bounds;    /* [n_windows][H][O][2] lower and upper, made up */
    struct error_figures all, *by_ahead, *by_output; /* [H], [O] */
};

/* feeds: [O] the input that each output forecasts, or -1. */
struct evaluated evaluated_load(const char *name, const int *feeds);
void evaluated_free(struct evaluated *evaluated);

/* That both say the same, to `tolerance` of 1 or of the figure, whichever is larger. */
void expect_figures(const char *what, const struct error_figures *figures,
                    const struct error_figures *expected, enum error_measure first,
                    enum error_measure last, double tolerance);

#endif
