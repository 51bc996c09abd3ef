/*
 * simd_train_gates.h - the elementwise half of training each cell: forwards keeping what the way
 * back reads, and backwards. Part of simd.c. The equations are those of docs/MODELS.md ("Cells"),
 * and their derivatives.
 */
#ifndef SIMD_TRAIN_GATES_H
#define SIMD_TRAIN_GATES_H

#include "kernels/simd_gates.h"
#include "kernels/train.h"

/* ---- forwards -------------------------------------------------------------------------------- */

/* A tile of rows and blocks as in struct gates, with what is kept of each unit. */
struct forward_tile {
    size_t n_rows, n_panels, width; /* width: of a block of u and of pre */
    const float *u, *pre, *bias_n, *h_in, *c_in;
    float *h_out, *c_out, *out, *reset_h;
    float *kept;
    size_t ld_pre, ld_state, ld_kept;
    size_t kept_width; /* of a block of kept */
};

/* One vector of units of one row. */
struct forward_units {
    const float *u, *pre, *bias_n, *h_in, *c_in;
    float *h_out, *c_out, *out, *reset_h, *kept;
};

INLINE void for_forward_units(const struct forward_tile *tile,
                              void (*one)(const struct forward_units *))
{
    const struct forward_tile g = *tile; /* a copy that the stores below cannot alias */
    for (size_t row = 0; row < g.n_rows; row++) {
        for (size_t panel = 0; panel < g.n_panels; panel++) {
            for (size_t lane = 0; lane < K_BLOCK; lane += LANES) {
                const size_t unit = panel * K_BLOCK + lane, state = row * g.ld_state + unit;
                const struct forward_units units = {
                    .u = g.u + (row * g.n_panels + panel) * g.width + lane,
                    .pre = g.pre + row * g.ld_pre + panel * g.width + lane,
                    .bias_n = g.bias_n + unit,
                    .h_in = g.h_in + state,
                    .c_in = g.c_in + state,
                    .h_out = g.h_out + state,
                    .c_out = g.c_out + state,
                    .out = g.out + state,
                    .reset_h = g.reset_h + state,
                    .kept = g.kept + row * g.ld_kept + panel * g.kept_width + lane,
                };
                one(&units);
            }
        }
    }
}

INLINE vec sum_of_gate(const struct forward_units *b, size_t gate)
{
    return load(b->pre + gate * K_BLOCK) + load(b->u + gate * K_BLOCK);
}

INLINE void keep(const struct forward_units *b, size_t place, vec value)
{
    store(b->kept + place * K_BLOCK, value);
}

/* Keeps r, z, n, U h + b_hh of n. */
INLINE vec forward_reset_after(const struct forward_units *b)
{
    vec r, z;
    sigmoid_pair(sum_of_gate(b, 0), sum_of_gate(b, 1), &r, &z);
    vec inner = load(b->u + 2 * K_BLOCK) + load(b->bias_n);
    vec n = tanh_of(load(b->pre + 2 * K_BLOCK) + r * inner);
    vec h = blend(z, n, load(b->h_in));
    keep(b, 0, r);
    keep(b, 1, z);
    keep(b, 2, n);
    keep(b, 3, inner);
    store(b->h_out, h);
    return h;
}

INLINE void forward_gru_after_units(const struct forward_units *b)
{
    forward_reset_after(b);
}

/* And o. */
INLINE void forward_output_gate_after_units(const struct forward_units *b)
{
    vec o = sigmoid_of(sum_of_gate(b, 3));
    vec h = forward_reset_after(b);
    keep(b, 4, o);
    store(b->out, o * tanh_of(h));
}

/* Keeps r, z, n(, o), in two halves. */
INLINE void forward_gru_before_first_units(const struct forward_units *b)
{
    vec r, z;
    sigmoid_pair(sum_of_gate(b, 0), sum_of_gate(b, 1), &r, &z);
    keep(b, 0, r);
    keep(b, 1, z);
    store(b->reset_h, r * load(b->h_in));
}

INLINE void forward_output_gate_before_first_units(const struct forward_units *b)
{
    forward_gru_before_first_units(b);
    keep(b, 3, sigmoid_of(sum_of_gate(b, 3)));
}

INLINE vec forward_reset_before(const struct forward_units *b)
{
    vec n = tanh_of(sum_of_gate(b, 2));
    vec h = blend(load(b->kept + K_BLOCK), n, load(b->h_in));
    keep(b, 2, n);
    store(b->h_out, h);
    return h;
}

INLINE void forward_gru_before_units(const struct forward_units *b)
{
    forward_reset_before(b);
}

INLINE void forward_output_gate_before_units(const struct forward_units *b)
{
    vec h = forward_reset_before(b);
    store(b->out, load(b->kept + 3 * K_BLOCK) * tanh_of(h));
}

/* Keeps f, i, W x + U h of c, o. */
INLINE void forward_three_gate_units(const struct forward_units *b)
{
    vec f, i;
    sigmoid_pair(sum_of_gate(b, 0), sum_of_gate(b, 1), &f, &i);
    vec o = sigmoid_of(sum_of_gate(b, 3));
    vec inner = sum_of_gate(b, 2);
    vec c = tanh_of(load(b->bias_n) + f * inner);
    keep(b, 0, f);
    keep(b, 1, i);
    keep(b, 2, inner);
    keep(b, 3, o);
    store(b->h_out, f * load(b->h_in) + o * load(b->c_in) + i * c);
    store(b->c_out, c);
}

/* Keeps i, f, g, o. */
INLINE void forward_lstm_units(const struct forward_units *b)
{
    vec i, f;
    sigmoid_pair(sum_of_gate(b, 0), sum_of_gate(b, 1), &i, &f);
    vec g = tanh_of(sum_of_gate(b, 2)), o = sigmoid_of(sum_of_gate(b, 3));
    vec c = f * load(b->c_in) + i * g;
    keep(b, 0, i);
    keep(b, 1, f);
    keep(b, 2, g);
    keep(b, 3, o);
    store(b->c_out, c);
    store(b->h_out, o * tanh_of(c));
}

/* ---- backwards ------------------------------------------------------------------------------- */

struct backward_tile {
    size_t n_rows, n_panels;
    const float *kept, *h_in, *c_in, *h_out, *c_out, *d_out;
    float *d_h, *d_hu, *d_c, *reset_h, *deltas, *sums;
    size_t hp, ld_kept, kept_width, ld_deltas;
};

struct backward_units {
    const float *kept, *h_in, *c_in, *h_out, *c_out, *d_out;
    float *d_h, *d_hu, *d_c, *reset_h, *deltas;
    vec *sums; /* one per plane */
    size_t hp;
};

/* The rows of one vector of units follow each other, so that the sums over rows stay in registers.
 */
INLINE void for_backward_units(const struct backward_tile *tile, const size_t n_sums,
                               void (*one)(const struct backward_units *))
{
    const struct backward_tile g = *tile; /* a copy that the stores below cannot alias */
    for (size_t unit = 0; unit < g.n_panels * K_BLOCK; unit += LANES) {
        const size_t kept = unit / K_BLOCK * g.kept_width + unit % K_BLOCK;
        vec sums[K_PLANES_MAX];
        for (size_t plane = 0; plane < n_sums; plane++) {
            sums[plane] = load(g.sums + plane * g.hp + unit);
        }
        for (size_t row = 0; row < g.n_rows; row++) {
            const size_t state = row * g.hp + unit;
            const struct backward_units units = {
                .kept = g.kept + row * g.ld_kept + kept,
                .h_in = g.h_in + state,
                .c_in = g.c_in + state,
                .h_out = g.h_out + state,
                .c_out = g.c_out + state,
                .d_out = g.d_out + state,
                .d_h = g.d_h + state,
                .d_hu = g.d_hu + state,
                .d_c = g.d_c + state,
                .reset_h = g.reset_h + state,
                .deltas = g.deltas + row * g.ld_deltas + unit,
                .sums = sums,
                .hp = g.hp,
            };
            one(&units);
        }
        for (size_t plane = 0; plane < n_sums; plane++) {
            store(g.sums + plane * g.hp + unit, sums[plane]);
        }
    }
}

INLINE vec kept_value(const struct backward_units *b, size_t place)
{
    return load(b->kept + place * K_BLOCK);
}

INLINE void put_delta(const struct backward_units *b, size_t plane, vec delta)
{
    store(b->deltas + plane * b->hp, delta);
    b->sums[plane] += delta;
}

/* sigmoid' and tanh', by their values. */
INLINE vec sigmoid_slope(vec s)
{
    return s - s * s;
}

INLINE vec tanh_slope(vec t)
{
    return 1.0f - t * t;
}

INLINE vec d_state(const struct backward_units *b)
{
    return load(b->d_h) + load(b->d_hu);
}

/* out = o tanh(h): puts o's delta, returns the gradient by h. */
INLINE vec d_gated_output(const struct backward_units *b, size_t place, size_t plane)
{
    vec d_out = load(b->d_out), o = kept_value(b, place), t = tanh_of(load(b->h_out));
    put_delta(b, plane, d_out * t * sigmoid_slope(o));
    return d_state(b) + d_out * o * tanh_slope(t);
}

/* h = n + z (h_in - n): puts z's delta and the direct gradient by h_in, returns n's delta. */
INLINE vec d_blend(const struct backward_units *b, vec d_h, size_t plane_z)
{
    vec z = kept_value(b, 1), n = kept_value(b, 2);
    put_delta(b, plane_z, d_h * (load(b->h_in) - n) * sigmoid_slope(z));
    store(b->d_h, d_h * z);
    return (d_h - d_h * z) * tanh_slope(n);
}

INLINE void d_reset_after(const struct backward_units *b, vec d_h, size_t plane_n)
{
    vec r = kept_value(b, 0), delta_n = d_blend(b, d_h, 2);
    put_delta(b, plane_n, delta_n);
    put_delta(b, 0, delta_n * r);
    put_delta(b, 1, delta_n * kept_value(b, 3) * sigmoid_slope(r));
}

INLINE void backward_gru_after_units(const struct backward_units *b)
{
    d_reset_after(b, d_state(b) + load(b->d_out), 3);
}

INLINE void backward_output_gate_after_units(const struct backward_units *b)
{
    d_reset_after(b, d_gated_output(b, 4, 3), 4);
}

INLINE void backward_gru_before_units(const struct backward_units *b)
{
    put_delta(b, 2, d_blend(b, d_state(b) + load(b->d_out), 1));
}

INLINE void backward_output_gate_before_units(const struct backward_units *b)
{
    put_delta(b, 3, d_blend(b, d_gated_output(b, 3, 2), 1));
}

/* Behind the product with U_n: d_hu is the gradient by r (.) h_in. */
INLINE void backward_reset_before_units(const struct backward_units *b)
{
    vec r = kept_value(b, 0), h = load(b->h_in), d = load(b->d_hu);
    put_delta(b, 0, d * h * sigmoid_slope(r));
    store(b->d_h, load(b->d_h) + d * r);
    store(b->reset_h, r * h);
}

/* h = f h_in + i c + o c_in, c = tanh(f inner + b). */
INLINE void backward_three_gate_units(const struct backward_units *b)
{
    vec d_h = d_state(b) + load(b->d_out);
    vec f = kept_value(b, 0), i = kept_value(b, 1), inner = kept_value(b, 2), o = kept_value(b, 3);
    vec c = load(b->c_out);
    vec delta_c = (d_h * i + load(b->d_c)) * tanh_slope(c);
    put_delta(b, 0, (delta_c * inner + d_h * load(b->h_in)) * sigmoid_slope(f));
    put_delta(b, 1, d_h * c * sigmoid_slope(i));
    put_delta(b, 2, delta_c * f);
    put_delta(b, 3, d_h * load(b->c_in) * sigmoid_slope(o));
    put_delta(b, 4, delta_c);
    store(b->d_h, d_h * f);
    store(b->d_c, d_h * o);
}

/* h = o tanh(c), c = f c_in + i g. All that h_in does goes through U. */
INLINE void backward_lstm_units(const struct backward_units *b)
{
    vec d_h = d_state(b) + load(b->d_out);
    vec i = kept_value(b, 0), f = kept_value(b, 1), g = kept_value(b, 2), o = kept_value(b, 3);
    vec t = tanh_of(load(b->c_out));
    vec d_c = load(b->d_c) + d_h * o * tanh_slope(t);
    put_delta(b, 0, d_c * g * sigmoid_slope(i));
    put_delta(b, 1, d_c * load(b->c_in) * sigmoid_slope(f));
    put_delta(b, 2, d_c * i * tanh_slope(g));
    put_delta(b, 3, d_h * t * sigmoid_slope(o));
    store(b->d_h, (vec){ 0 });
    store(b->d_c, d_c * f);
}

/* ---- the tables ------------------------------------------------------------------------------ */

typedef void forward_fn(const struct forward_tile *);
typedef void backward_fn(const struct backward_tile *);

#define FORWARD_FUNCTION(name)                                                                     \
    static void name(const struct forward_tile *g)                                                 \
    {                                                                                              \
        for_forward_units(g, name##_units);                                                        \
    }
#define BACKWARD_FUNCTION(name, n_sums)                                                            \
    static void name(const struct backward_tile *g)                                                \
    {                                                                                              \
        for_backward_units(g, n_sums, name##_units);                                               \
    }
FORWARD_FUNCTION(forward_gru_after)
FORWARD_FUNCTION(forward_gru_before_first)
FORWARD_FUNCTION(forward_gru_before)
FORWARD_FUNCTION(forward_output_gate_after)
FORWARD_FUNCTION(forward_output_gate_before_first)
FORWARD_FUNCTION(forward_output_gate_before)
FORWARD_FUNCTION(forward_three_gate)
FORWARD_FUNCTION(forward_lstm)
BACKWARD_FUNCTION(backward_gru_after, 4)
BACKWARD_FUNCTION(backward_gru_before, 3)
BACKWARD_FUNCTION(backward_output_gate_after, 5)
BACKWARD_FUNCTION(backward_output_gate_before, 4)
BACKWARD_FUNCTION(backward_reset_before, 1)
BACKWARD_FUNCTION(backward_three_gate, 5)
BACKWARD_FUNCTION(backward_lstm, 4)

static forward_fn *const forward_of[K_N_CELLS] = {
    [K_GRU_AFTER] = forward_gru_after,
    [K_GRU_BEFORE] = forward_gru_before,
    [K_OUTPUT_GATE_AFTER] = forward_output_gate_after,
    [K_OUTPUT_GATE_BEFORE] = forward_output_gate_before,
    [K_THREE_GATE] = forward_three_gate,
    [K_LSTM] = forward_lstm,
};

static forward_fn *const first_forward_of[K_N_CELLS] = {
    [K_GRU_BEFORE] = forward_gru_before_first,
    [K_OUTPUT_GATE_BEFORE] = forward_output_gate_before_first,
};

static backward_fn *const backward_of[K_N_CELLS] = {
    [K_GRU_AFTER] = backward_gru_after,
    [K_GRU_BEFORE] = backward_gru_before,
    [K_OUTPUT_GATE_AFTER] = backward_output_gate_after,
    [K_OUTPUT_GATE_BEFORE] = backward_output_gate_before,
    [K_THREE_GATE] = backward_three_gate,
    [K_LSTM] = backward_lstm,
};

#endif
