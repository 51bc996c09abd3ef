/*
 * cells.h - THE table of cells, which are the kinds of recurrent arithmetic: what packing, passes
 * and the engine must know about each. The arithmetic itself is in simd_gates.h and
 * simd_train_gates.h, whose tables of functions have the same order. Constants; any thread.
 *
 * Deltas are the gradients of the loss by what stands inside each gate's sigmoid or tanh. A row of
 * them lies in planes of Hp floats (not interleaved), so that those which meet the same matrix are
 * one run: a plane per gate, and a further one where a gate sees W x, U h and its bias differently.
 *
 *   K_*_AFTER     [r (.) n | r | z | (o |) n]  n = tanh(W x + b_ih + r (.) (U h + b_hh)),
 *                                              so U sees r (.) n
 *   K_*_BEFORE    [r | z | (o |) n]            n's plane meets r (.) h where the others meet h
 *   K_THREE_GATE  [f | i | f (.) c | o | c]    c = tanh(f (.) (W x + U h) + b)
 *   K_LSTM        [i | f | g | o]
 */
#ifndef CELLS_H
#define CELLS_H

#include <stdbool.h>
#include <stddef.h>

enum { K_GATES_MAX = 4, K_PLANES_MAX = 5, K_CANDIDATE = 2 /* the gate n, c or g */ };

/* The equations stand in docs/MODELS.md ("Cells") and at the reference in tests/kernels. Gate
 * order: r, z, n (, o); for K_THREE_GATE f, i, c, o; for K_LSTM i, f, g, o. */
enum k_cell {
    K_GRU_AFTER,
    K_GRU_BEFORE,
    K_OUTPUT_GATE_AFTER,
    K_OUTPUT_GATE_BEFORE,
    K_THREE_GATE,
    K_LSTM,
    K_N_CELLS
};

/* Where the biases b_ih and b_hh of the candidate act. Those of the other gates add up. */
enum k_bias {
    K_BIAS_SUM,         /* they add up too */
    K_BIAS_HH_IN_RESET, /* b_hh inside r (.), b_ih outside */
    K_BIAS_OUTSIDE_GATE /* their sum outside f (.), which the products are inside of */
};

/* Where a cell's deltas are. By gate: the plane as W x, as U h, as b_ih and as b_hh see it. */
struct k_planes {
    size_t n;       /* planes */
    size_t x_first; /* W x meets as many planes as there are gates, from this one on */
    size_t n_u;     /* U h meets this many planes, from 0 on; of K_*_BEFORE the next one meets
                       U (r (.) h) */
    unsigned char x[K_GATES_MAX], u[K_GATES_MAX], bias_x[K_GATES_MAX], bias_u[K_GATES_MAX];
};

struct k_cell_traits {
    size_t n_gates;
    size_t n_kept;       /* values that a unit's step keeps for the way back */
    bool has_memory;     /* c beside h: the state is [h, c] */
    bool has_own_output; /* the output is another one than h */
    bool resets_before;  /* r acts before the product with U_n, so a step has two products */
    enum k_bias bias;
    struct k_planes planes;
};

extern const struct k_cell_traits k_cells[K_N_CELLS];

/* A cell has three gates or four. Written as a choice between two constants, it lets the compiler
 * make a loop for each. */
static inline size_t k_n_gates(enum k_cell cell)
{
    return k_cells[cell].n_gates == 3 ? 3 : 4;
}

#endif
