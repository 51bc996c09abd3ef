/*
 * simd.c - every function of struct k_ops. Compiled once per instruction set, with K_LEVEL set to its name.
 */
#include "levels.h"
#include "simd_gates.h"
#include "simd_product.h"
#include "simd_vector.h"

/* ---- products alone -------------------------------------------------------------------------------- */

/* y = bias + w x for all rows and all n_panels panels, tile by tile. */
static void product_all(struct product p, size_t n_rows, size_t n_panels)
{
    const size_t n_columns = p.width / LANES, n_vectors = vectors_per_tile(n_columns);
    const struct product whole = p;
    for (size_t row = 0, rows; row < n_rows; row += rows) {
        rows = next_rows(n_rows - row, n_vectors);
        p.x = whole.x + row * p.ldx;
        for (size_t panel = 0, panels; panel < n_panels; panel += panels) {
            panels = next_panels(n_panels - panel, rows, n_vectors);
            p.w = whole.w + panel * p.width * p.k;
            p.bias = whole.bias + panel * p.width;
            p.y = whole.y + row * p.ldy + panel * p.width;
            product(p, rows, panels, n_columns);
        }
    }
}

/* A read-out of one panel has too few sums for the latency of an addition to hide behind the others. So here
 * k is dealt to CHAINS sums in turn, and these are added up at the end; for every batch alike. */
static void product_narrow(const struct product *p)
{
    enum { CHAINS = 4 };
    const size_t k = p->k;
    for (size_t v = 0; v < K_BLOCK; v += LANES) {
        const float *w = p->w + v, *x = p->x;
        vec sums[CHAINS] = { load(p->bias + v) };
        size_t i = 0;
        for (; i + CHAINS <= k; i += CHAINS) {
#pragma GCC unroll 4
            for (size_t chain = 0; chain < CHAINS; chain++) {
                sums[chain] += load(w + (i + chain) * K_BLOCK) * broadcast(x[i + chain]);
            }
        }
        for (; i < k; i++) {
            sums[0] += load(w + i * K_BLOCK) * broadcast(x[i]);
        }
        store_unaligned(p->y + v, (sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
}

static void affine(const struct k_matrix *m, const float *bias, size_t n_rows, const float *x, size_t ldx,
                   float *y, size_t ldy)
{
    struct product p = {
        .w = m->packed, .k = m->k, .width = K_BLOCK, .bias = bias, .x = x, .ldx = ldx, .y = y, .ldy = ldy
    };
    if (m->n > K_BLOCK) {
        product_all(p, n_rows, k_padded(m->n) / K_BLOCK);
        return;
    }
    for (size_t row = 0; row < n_rows; row++, p.x += ldx, p.y += ldy) {
        product_narrow(&p);
    }
}

static void project(const struct k_layer *layer, size_t n_rows, const float *x, size_t ldx, float *pre)
{
    const size_t width = k_n_gates(layer->cell) * K_BLOCK;
    struct product p = { .w = layer->wx.packed,
                         .k = layer->wx.k,
                         .width = width,
                         .bias = layer->bias_x,
                         .x = x,
                         .ldx = ldx,
                         .y = pre,
                         .ldy = layer->wx.n };
    product_all(p, n_rows, layer->wx.n / width);
}

/* ---- the time step --------------------------------------------------------------------------------- */

/* What one time step works on: recur's arguments, and the rows that the tile at hand covers. */
struct step {
    const struct k_layer *layer;
    size_t hp, width, n_panels; /* width of a panel: G * K_BLOCK */
    size_t row, n_rows;
    bool two_halves, backwards;
    const float *pre, *h_in;
    float *h_out, *c, *out, *scratch;
};

/* Padding computes to zero by itself, except where a NaN or infinity meets its zero weights. */
static void clear_padding(const struct step *s, float *state)
{
    for (size_t r = s->row; state && r < s->row + s->n_rows; r++) {
        for (size_t j = s->layer->h; j < s->hp; j++) {
            state[r * s->hp + j] = 0.0f;
        }
    }
}

/* The gates of the tile's rows in n_panels blocks from `first` on. u: their products. */
static void step_gates(const struct step *s, size_t first, size_t n_panels, const float *u, gates_fn *gates)
{
    const size_t unit = first * K_BLOCK, state = s->row * s->hp + unit, ld_kept = 3 * s->hp;
    struct gates g = {
        .n_rows = s->n_rows,
        .n_panels = n_panels,
        .width = s->width,
        .u = u,
        .pre = s->pre + (s->row * s->n_panels + first) * s->width,
        .ld_pre = s->n_panels * s->width,
        .bias_n = s->layer->bias_n,
        .h_in = s->h_in + state,
        .h_out = s->h_out + state,
        .c = s->c,
        .out = s->out,
        .ld_state = s->hp,
    };
    /* What a cell does not use may be NULL, and NULL must not be added to. */
    g.bias_n = g.bias_n ? g.bias_n + unit : NULL;
    g.c = g.c ? g.c + state : NULL;
    g.out = g.out ? g.out + state : NULL;
    if (s->two_halves) {
        g.reset_h = s->scratch + s->row * ld_kept + unit;
        g.z = g.reset_h + s->hp;
        g.o = g.z + s->hp;
        g.ld_kept = ld_kept;
    }
    gates(&g);
    if (unit + n_panels * K_BLOCK > s->layer->h) {
        clear_padding(s, s->h_out);
        clear_padding(s, s->c);
        clear_padding(s, s->out);
    }
}

/* A run of gates, in the numbers of a panel's row. */
struct gate_range {
    size_t first, n;
};

/* The products of some gates with x, tile by tile, and behind each tile the arithmetic that waits for it: its
 * operands are still in L1, and the processor begins the next tile's loads while it divides. */
static void step_pass(const struct step *s, const struct gate_range *ranges, size_t n_ranges, const float *x,
                      size_t ldx, gates_fn *gates)
{
    _Alignas(64) float u[ROWS_MAX * PANELS_MAX * K_GATES_MAX * K_BLOCK];
    const size_t k = s->layer->uh.k;
    const size_t n_vectors = vectors_per_tile(ranges[0].n * BLOCK_VECTORS);
    for (size_t done = 0, panels; done < s->n_panels; done += panels) {
        panels = next_panels(s->n_panels - done, s->n_rows, n_vectors);
        const size_t first = s->backwards ? s->n_panels - done - panels : done;
        for (size_t i = 0; i < n_ranges; i++) {
            const size_t column = ranges[i].first * K_BLOCK;
            struct product p = { .w = s->layer->uh.packed + first * s->width * k + column,
                                 .k = k,
                                 .width = s->width,
                                 .x = x,
                                 .ldx = ldx,
                                 .y = u + column,
                                 .ldy = panels * s->width };
            product(p, s->n_rows, panels, ranges[i].n * BLOCK_VECTORS);
        }
        step_gates(s, first, panels, u, gates);
    }
}

static void recur(const struct k_layer *layer, size_t n_rows, const float *pre, const float *h_in,
                  float *h_out, float *c, float *out, float *scratch)
{
    static const struct gate_range r_z_o[] = { { 0, 2 }, { 3, 1 } }, n_only[] = { { 2, 1 } };
    const struct gate_range all = { 0, k_n_gates(layer->cell) };
    const size_t hp = k_padded(layer->h);
    struct step s = {
        .layer = layer,
        .hp = hp,
        .width = all.n * K_BLOCK,
        .n_panels = hp / K_BLOCK,
        .two_halves = first_gates_of[layer->cell],
        /* A caller that swaps two buffers from step to step walks through the weights there and back, and so
         * begins each step with what the last one left in L1. The order of the panels changes no bit. */
        .backwards = (uintptr_t)h_out < (uintptr_t)h_in,
        .pre = pre,
        .h_in = h_in,
        .h_out = h_out,
        .c = c,
        .out = out,
        .scratch = scratch,
    };
    const size_t n_vectors = vectors_per_tile((s.two_halves ? 2 : all.n) * BLOCK_VECTORS);
    for (; s.row < n_rows; s.row += s.n_rows) {
        s.n_rows = next_rows(n_rows - s.row, n_vectors);
        if (s.two_halves) {
            float *reset_h = scratch + s.row * 3 * hp;
            step_pass(&s, r_z_o, all.n - 2, h_in + s.row * hp, hp, first_gates_of[layer->cell]);
            step_pass(&s, n_only, 1, reset_h, 3 * hp, gates_of[layer->cell]);
        } else {
            step_pass(&s, &all, 1, h_in + s.row * hp, hp, gates_of[layer->cell]);
        }
    }
}

/* ---- the read-out's activations --------------------------------------------------------------------- */

typedef vec lane_fn(vec);

/* f over a row, in place; the last, partial vector goes through a buffer of its own. */
INLINE void map_row(float *y, size_t n, lane_fn *f)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        store_unaligned(y + i, f(load_unaligned(y + i)));
    }
    if (i < n) {
        _Alignas(64) float rest[LANES] = { 0 };
        memcpy(rest, y + i, (n - i) * sizeof *y);
        store(rest, f(load(rest)));
        memcpy(y + i, rest, (n - i) * sizeof *y);
    }
}

static void sigmoid_rows(float *y, size_t n_rows, size_t n, size_t ld)
{
    for (size_t row = 0; row < n_rows; row++) {
        map_row(y + row * ld, n, sigmoid_of);
    }
}

static void tanh_rows(float *y, size_t n_rows, size_t n, size_t ld)
{
    for (size_t row = 0; row < n_rows; row++) {
        map_row(y + row * ld, n, tanh_of);
    }
}

static void softmax_rows(float *y, size_t n_rows, size_t n, size_t ld)
{
    for (size_t row = 0; row < n_rows; row++, y += ld) {
        float most = y[0];
        for (size_t i = 1; i < n; i++) {
            most = y[i] > most ? y[i] : most;
        }
        for (size_t i = 0; i < n; i++) {
            y[i] -= most; /* NaN where y is NaN, or infinite like the maximum; the sum spreads it */
        }
        map_row(y, n, exp_of);
        float sum = 0.0f;
        for (size_t i = 0; i < n; i++) {
            sum += y[i];
        }
        for (size_t i = 0; i < n; i++) {
            y[i] /= sum;
        }
    }
}

#define NAME_2(level) #level
#define NAME_1(level) NAME_2(level)
#define JOIN_2(a, b)  a##b
#define JOIN_1(a, b)  JOIN_2(a, b)

const struct k_ops JOIN_1(k_ops_, K_LEVEL) = {
    .name = NAME_1(K_LEVEL),
    .affine = affine,
    .project = project,
    .recur = recur,
    .sigmoid = sigmoid_rows,
    .tanh = tanh_rows,
    .softmax = softmax_rows,
};
