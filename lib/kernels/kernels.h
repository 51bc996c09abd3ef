/*
 * kernels.h - the arithmetic of a GRU over float arrays: packed products, gates, activations.
 *
 * Owns nothing and allocates nothing; every function is pure and may be called from any thread.
 * Each exists once per instruction set, in one table; k_best() gives the best that this processor
 * has.
 *
 * Laws that callers build on, and tests hold:
 *  - batch invariance: row b of a result has the same bits whatever B is and whatever the other
 * rows hold;
 *  - each output is summed over k in one fixed order, so project-then-recur gives the same bits
 * however the rows are cut into calls;
 *  - NaN and infinity in an input reach the result.
 *
 * Units are padded to blocks of K_BLOCK, and the gates are interleaved block by block: a row of G *
 * Hp floats is [block 0: gate 0 | gate 1 | ... ][block 1: ...]..., each piece K_BLOCK long, Hp =
 * k_padded(H). Lanes beyond H are zero weights and zero state, and stay zero. All arrays that hold
 * padded rows are 64-byte aligned.
 */
#ifndef KERNELS_H
#define KERNELS_H

#include "kernels/cells.h"

enum { K_BLOCK = 16 };

static inline size_t k_padded(size_t n)
{
    return (n + K_BLOCK - 1) / K_BLOCK * K_BLOCK;
}

/* A row-major matrix packed for products: N rows (outputs) x K columns, interleaved as above when
 * it holds gates. */
struct k_matrix {
    size_t n;      /* outputs; for gates: G * Hp */
    size_t k;      /* inputs */
    float *packed; /* k_packed_floats(n, k) floats, 64-byte aligned */
};

size_t k_packed_floats(size_t n, size_t k);
/* Packs w[N][K] (row-major) for k_ops.affine. */
void k_pack(const float *w, size_t n, size_t k, float *packed);
/* Packs a recurrent tensor w[G * H][K] (gate-major rows, as in model files) with its gates
 * interleaved and padded. */
void k_pack_gates(const float *w, size_t n_gates, size_t h, size_t k, float *packed);
/* Packs a layer's biases b_ih and b_hh (gate-major [G * H], or NULL: none) into bias_x [G * Hp] and
 * bias_n [Hp] of struct k_layer. */
void k_pack_biases(enum k_cell cell, size_t h, const float *b_ih, const float *b_hh, float *bias_x,
                   float *bias_n);

/* A recurrent layer ready to run. */
struct k_layer {
    enum k_cell cell;
    size_t i, h;        /* true sizes */
    struct k_matrix wx; /* [G * Hp] x I */
    struct k_matrix uh; /* [G * Hp] x H */
    float *bias_x;      /* [G * Hp] added by project: b_ih + b_hh where both add outside r (.) and
                           f (.); of K_THREE_GATE the c gate's piece is zero */
    float *bias_n;      /* [Hp] K_*_AFTER: b_hh of n, inside r (.); K_THREE_GATE: the bias of c,
                           outside f (.); else unused */
};

struct k_ops {
    const char *name; /* "avx512", "avx2", "baseline" */

    /* y[b][0..n) = bias[0..n) + m . x[b][0..k); n need not be padded, y has room for k_padded(n)
     * per row (ldy
     * >= that); bias has k_padded(n) floats. */
    void (*affine)(const struct k_matrix *m, const float *bias, size_t n_rows, const float *x,
                   size_t ldx, float *y, size_t ldy);

    /* pre[b] = bias_x + wx . x[b], a row of G * Hp for each of n_rows inputs: the part of the gates
     * that does not wait for the hidden state, for one step or for all steps of a sequence at once.
     */
    void (*project)(const struct k_layer *layer, size_t n_rows, const float *x, size_t ldx,
                    float *pre);

    /* One time step of n_rows states. pre: from project. h_in, h_out: [n_rows][Hp], not
     * overlapping. c: [n_rows][Hp], the cell memory of cells that have one, updated in place, else
     * NULL. out: [n_rows][Hp], the layer's output where it differs from h_out (the output-gate
     * cells), else NULL. scratch: k_recur_scratch(layer, n_rows) floats. */
    void (*recur)(const struct k_layer *layer, size_t n_rows, const float *pre, const float *h_in,
                  float *h_out, float *c, float *out, float *scratch);

    /* In place over rows of n at stride ld: activations. Softmax subtracts the row's
     * maximum first. */
    void (*relu)(float *y, size_t n_rows, size_t n, size_t ld);
    void (*sigmoid)(float *y, size_t n_rows, size_t n, size_t ld);
    void (*tanh)(float *y, size_t n_rows, size_t n, size_t ld);
    void (*softmax)(float *y, size_t n_rows, size_t n, size_t ld);

    const struct k_train_ops *train; /* train.h */
};

size_t k_recur_scratch(const struct k_layer *layer, size_t n_rows);

/* The best table for this processor, chosen once. GRUD_KERNELS=avx512|avx2|baseline overrides the
 * choice (an instruction set that the processor lacks is ignored). */
const struct k_ops *k_best(void);
/* The i-th table that this processor can run, best first; NULL past the last. For tests and
 * benchmarks. */
const struct k_ops *k_table(size_t i);

#endif
