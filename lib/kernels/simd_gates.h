/*
 * simd_gates.h - the elementwise half of each cell, a tile of rows and units at a time. Part of
 * simd.c.
 *
 * The equations are those of docs/MODELS.md ("Cells"). Every batch and tile shape calls these same
 * functions through the tables at the end, never an inlined copy, so the compiler cannot contract
 * the same expression into different instructions in two places.
 */
#ifndef SIMD_GATES_H
#define SIMD_GATES_H

#include "kernels/simd_vector.h"

/* The gates of n_rows rows in n_panels blocks. A row is at `ld...` from the last; the pointers are
 * to the first row's first block. The products come in pieces of K_BLOCK, one per gate, like a
 * block of pre. */
struct gates {
    size_t n_rows, n_panels, width; /* width: G * K_BLOCK, a block of u and of pre */
    const float *u;   /* [n_rows][n_panels][width] U h; of the n gate of K_*_BEFORE U (r . h) */
    const float *pre; /* W x + bias */
    size_t ld_pre;
    const float *bias_n;
    const float *h_in; /* h_in, h_out, c and out all at ld_state */
    float *h_out, *c, *out;
    size_t ld_state;
    float *reset_h, *z, *o; /* K_*_BEFORE only: what its first half leaves for its second */
    size_t ld_kept;
};

/* One vector of units of one row. */
struct units {
    const float *u, *pre, *bias_n, *h_in;
    float *h_out, *c, *out, *reset_h, *z, *o;
};

/* Calls `one` for every vector of units. Inlined with it, so the constants of exp stay in
 * registers, and the processor overlaps one vector's long chain of operations with the next one's.
 */
INLINE void for_units(const struct gates *tile, void (*one)(const struct units *))
{
    const struct gates g = *tile; /* a copy that the stores below cannot alias */
    for (size_t row = 0; row < g.n_rows; row++) {
        for (size_t panel = 0; panel < g.n_panels; panel++) {
            for (size_t lane = 0; lane < K_BLOCK; lane += LANES) {
                const size_t unit = panel * K_BLOCK + lane;
                const size_t state = row * g.ld_state + unit, kept = row * g.ld_kept + unit;
                const size_t gate = panel * g.width + lane;
                struct units units = {
                    .u = g.u + row * g.n_panels * g.width + gate,
                    .pre = g.pre + row * g.ld_pre + gate,
                    .bias_n = g.bias_n + unit,
                    .h_in = g.h_in + state,
                    .h_out = g.h_out + state,
                    .c = g.c + state,
                    .out = g.out + state,
                    .reset_h = g.reset_h + kept,
                    .z = g.z + kept,
                    .o = g.o + kept,
                };
                one(&units);
            }
        }
    }
}

/* A run of gates, in the numbers of a panel's row. */
struct gate_range {
    size_t first, n;
};

INLINE vec gate_sum(const struct units *b, size_t gate)
{
    return load(b->pre + gate * K_BLOCK) + load(b->u + gate * K_BLOCK);
}

/* (1 - z) n + z h. With h - n rounded first, h stays exactly where it is when n = h. */
INLINE vec blend(vec z, vec n, vec h)
{
    return n + z * (h - n);
}

/* h = (1 - z) n + z h, n = tanh(W x + b + r (U h + b_n)). */
INLINE vec reset_after(const struct units *b)
{
    vec r, z;
    sigmoid_pair(gate_sum(b, 0), gate_sum(b, 1), &r, &z);
    vec inner = load(b->u + 2 * K_BLOCK) + load(b->bias_n);
    vec n = tanh_of(load(b->pre + 2 * K_BLOCK) + r * inner);
    return blend(z, n, load(b->h_in));
}

INLINE void gru_after_units(const struct units *b)
{
    store(b->h_out, reset_after(b));
}

INLINE void output_gate_after_units(const struct units *b)
{
    vec h = reset_after(b);
    store(b->h_out, h);
    store(b->out, gated_tanh(gate_sum(b, 3), h));
}

/* h = f h + i c + o c_prev, c = tanh(f (W x + U h) + b). */
INLINE void three_gate_units(const struct units *b)
{
    vec f, i;
    sigmoid_pair(gate_sum(b, 0), gate_sum(b, 1), &f, &i);
    vec o = sigmoid_of(gate_sum(b, 3));
    vec c = tanh_of(load(b->bias_n) + f * gate_sum(b, 2));
    vec kept = f * load(b->h_in) + o * load(b->c);
    store(b->h_out, kept + i * c);
    store(b->c, c);
}

/* c = f c_prev + i g, g = tanh(W x + U h + b); h = o tanh(c). */
INLINE void lstm_units(const struct units *b)
{
    vec kept = sigmoid_of(gate_sum(b, 1)) * load(b->c);
    vec c = kept + gated_tanh(gate_sum(b, 0), gate_sum(b, 2));
    store(b->c, c);
    store(b->h_out, gated_tanh(gate_sum(b, 3), c));
}

/* The half of K_*_BEFORE that comes before the second product: z, and r . h for it. */
INLINE void gru_before_first_units(const struct units *b)
{
    vec r, z;
    sigmoid_pair(gate_sum(b, 0), gate_sum(b, 1), &r, &z);
    store(b->z, z);
    store(b->reset_h, r * load(b->h_in));
}

INLINE void output_gate_before_first_units(const struct units *b)
{
    gru_before_first_units(b);
    store(b->o, sigmoid_of(gate_sum(b, 3)));
}

INLINE void gru_before_units(const struct units *b)
{
    store(b->h_out, blend(load(b->z), tanh_of(gate_sum(b, 2)), load(b->h_in)));
}

INLINE void output_gate_before_units(const struct units *b)
{
    vec h = blend(load(b->z), tanh_of(gate_sum(b, 2)), load(b->h_in));
    store(b->h_out, h);
    store(b->out, load(b->o) * tanh_of(h));
}

typedef void gates_fn(const struct gates *);

#define GATES_FUNCTION(name)                                                                       \
    static void name(const struct gates *g)                                                        \
    {                                                                                              \
        for_units(g, name##_units);                                                                \
    }
GATES_FUNCTION(gru_after)
GATES_FUNCTION(output_gate_after)
GATES_FUNCTION(three_gate)
GATES_FUNCTION(lstm)
GATES_FUNCTION(gru_before_first)
GATES_FUNCTION(output_gate_before_first)
GATES_FUNCTION(gru_before)
GATES_FUNCTION(output_gate_before)

static gates_fn *const gates_of[K_N_CELLS] = {
    [K_GRU_AFTER] = gru_after,
    [K_GRU_BEFORE] = gru_before,
    [K_OUTPUT_GATE_AFTER] = output_gate_after,
    [K_OUTPUT_GATE_BEFORE] = output_gate_before,
    [K_THREE_GATE] = three_gate,
    [K_LSTM] = lstm,
};

static gates_fn *const first_gates_of[K_N_CELLS] = {
    [K_GRU_BEFORE] = gru_before_first,
    [K_OUTPUT_GATE_BEFORE] = output_gate_before_first,
};

#endif
