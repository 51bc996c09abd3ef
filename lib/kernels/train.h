/*
 * train.h - the arithmetic of training: a time step forward that keeps what the step back reads,
 * the step back, and the sums that gradients of weights are. Like kernels.h it owns and allocates
 * nothing, is pure, and exists once per instruction set. A row's results have the same bits
 * whatever the other rows hold.
 */
#ifndef TRAIN_H
#define TRAIN_H

#include "kernels/kernels.h"

#include <stdint.h>

/* The stride of a row of deltas: n planes and a little, so that a column does not always meet the
 * same sets of a cache. */
size_t k_deltas_stride(const struct k_planes *planes, size_t h);

/* A matrix packed for y = w^T x. w: a recurrent tensor [gates * H][K], gate-major. x has n_planes
 * planes of hp >= h floats, plane p meets gate gates[p]; y has K. */
size_t k_transposed_floats(size_t n_planes, size_t hp, size_t k);
void k_pack_transposed(const float *w, const unsigned char *gates, size_t n_planes, size_t h,
                       size_t hp, size_t k, float *packed);

/* A recurrent layer ready to run backwards. */
struct k_back_layer {
    enum k_cell cell;
    size_t h;
    struct k_matrix ut;       /* H x [n_u * Hp] */
    struct k_matrix ut_reset; /* K_*_BEFORE: U_n, H x [Hp] */
    struct k_matrix wt;       /* I x [G * Hp] for back_project */
};

/* n_rows rows of one step forward. States have rows of Hp. */
struct k_forward_step {
    const struct k_layer *layer;
    size_t n_rows;
    const float *pre;         /* from k_ops.project */
    const float *h_in, *c_in; /* c_in, c_out: of cells with a memory */
    float *h_out, *c_out;
    float *out;     /* the output-gate cells' output */
    float *kept;    /* [n_rows][n_kept * Hp], interleaved by block like pre */
    float *reset_h; /* K_*_BEFORE: scratch, [n_rows][Hp] */
};

/* n_rows rows of one step back: from gradients by the step's output and by its state (which came
 * from the step after) to deltas, and to the gradient by the state before. */
struct k_backward_step {
    const struct k_back_layer *layer;
    size_t n_rows;
    const float *kept, *h_in, *c_in, *h_out, *c_out; /* as the step forward had and gave them */
    const float *d_out;                              /* [n_rows][Hp] */
    float *d_h, *d_hu; /* [n_rows][Hp] whose sum is the gradient by h_out; becomes that by h_in */
    float *d_c;        /* the same for c, of cells with a memory */
    float *deltas;     /* [n_rows][ld_deltas] */
    size_t ld_deltas;
    float *sums; /* [planes * Hp] has the sum of the rows' deltas added: the gradients of biases */
    float *reset_h; /* K_*_BEFORE: [n_rows][Hp] r (.) h_in, which U_n's gradient needs */
    bool is_first;  /* the gradient by h_in is not wanted: d_hu is left alone */
};

/* c[m][n] += sum over rows of a[row][m] b[row][n]. b and c are aligned and have room for
 * k_padded(n), which is what is read and written. */
struct k_outer {
    size_t n_rows, m, n;
    const float *a, *b;
    size_t lda, ldb;
    float *c;
    size_t ldc;
};

/* Inverted dropout (N. Srivastava et al., "Dropout", JMLR 15, 2014; of layers' outputs only: W.
 * Zaremba et al., arXiv:1409.2329) of rows of k_padded(n) floats: y = x / (1 - p) or 0. What is
 * dropped depends on the key, the row's number and the unit alone. */
struct k_drop {
    size_t n_rows, n;
    size_t first_row; /* the number of the first */
    double p;
    uint64_t key;
};

struct k_train_ops {
    void (*forward)(const struct k_forward_step *step);
    void (*backward)(const struct k_backward_step *step);
    /* y[row] = m x[row], without a bias; m from k_pack_transposed. y has room for k_padded(m->n).
     */
    void (*back_project)(const struct k_matrix *m, size_t n_rows, const float *x, size_t ldx,
                         float *y, size_t ldy);
    void (*add_outer)(const struct k_outer *outer);
    void (*drop)(const struct k_drop *drop, const float *x, float *y); /* y may be x */
};

#endif
