/*
 * reference.h - each cell in double precision, written from docs/MODELS.md ("Cells") with no eye on
 * speed, and a fixture that holds random weights both as model files have them and packed for the
 * kernels.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "kernels/kernels.h"

#include <stdbool.h>
#include <stddef.h>

/* Values of the same law in every run: uniform in [-scale, scale]. */
void fill_random(float *values, size_t n, float scale, unsigned seed);

/* n floats, 64-byte aligned and all NaN, so that a forgotten one shows. Fails the test when out of
 * memory. */
float *new_floats(size_t n);

/* A layer with random weights. Free with cell_free. */
struct cell {
    enum k_cell kind;
    size_t i, h, hp, n_gates;
    float *w, *u;           /* [G * H][I], [G * H][H] */
    float *bias_w, *bias_u; /* [G * H] b_ih and b_hh; only reset-after's n gate tells them apart */
    struct k_layer layer;
};

void cell_create(struct cell *cell, enum k_cell kind, size_t i, size_t h);
void cell_free(struct cell *cell);

/* One step of one stream. h and c (of cells that have a memory) are updated in place; out: [H], the
 * layer's output. */
void cell_step(const struct cell *cell, const float *x, double *h, double *c, double *out);

/* n_steps steps of n_rows streams through a table's kernels, from states of zero. x:
 * [n_steps][n_rows][I]; y: [n_steps][n_rows][Hp], what the layer gives at each step; h, c:
 * [n_rows][Hp], the final states (c may be NULL for the cells that have none). One project serves
 * all steps, unless by_step. */
void cell_run(const struct k_ops *ops, const struct cell *cell, size_t n_steps, size_t n_rows,
              const float *x, float *y, float *h, float *c, bool by_step);

#endif
