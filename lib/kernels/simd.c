/*
 * simd.c - every function of struct k_ops and k_train_ops. Compiled once per instruction set, with
 * K_LEVEL set to its name.
 */
#include "kernels/levels.h"
#include "kernels/simd_gates.h"
#include "kernels/simd_product.h"
#include "kernels/simd_train.h"
#include "kernels/simd_vector.h"

/* ---- products alone -------------------------------------------------------------------------- */

/* y = bias + w x for all rows and all n_panels panels, tile by tile. */
static void product_all(const struct product *all, size_t n_rows, size_t n_panels)
{
    const size_t n_vectors = all->width / LANES;
    for (size_t row = 0, rows; row < n_rows; row += rows) {
        rows = next_rows(n_rows - row, n_vectors);
        for (size_t panel = 0, panels; panel < n_panels; panel += panels) {
            panels = next_panels(n_panels - panel, rows, n_vectors);
            const struct product p = { .w = all->w + panel * all->width * all->k,
                                       .k = all->k,
                                       .width = all->width,
                                       .bias = all->bias + panel * all->width,
                                       .x = all->x + row * all->ldx,
                                       .ldx = all->ldx,
                                       .y = all->y + row * all->ldy + panel * all->width,
                                       .ldy = all->ldy };
            product(&p, 0, rows, panels, n_vectors);
        }
    }
}

/* A read-out of one panel has too few sums for the latency of an addition to hide behind the
 * others. So here k is dealt to CHAINS sums in turn, and these are added up at the end; for every
 * batch alike. */
static void panel_row(const struct k_matrix *m, const float *bias, const float *x, float *y)
{
    enum { CHAINS = 4 };
    for (size_t v = 0; v < K_BLOCK; v += LANES) {
        const float *w = m->packed + v;
        vec sums[CHAINS] = { load(bias + v) };
        size_t i = 0;
        for (; i + CHAINS <= m->k; i += CHAINS) {
#pragma GCC unroll 4
            for (size_t chain = 0; chain < CHAINS; chain++) {
                sums[chain] += load(w + (i + chain) * K_BLOCK) * broadcast(x[i + chain]);
            }
        }
        for (; i < m->k; i++) {
            sums[0] += load(w + i * K_BLOCK) * broadcast(x[i]);
        }
        store_unaligned(y + v, (sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
}

/* The same for a matrix that is packed by rows (levels.h): lane by lane along k, then across the
 * lanes. */
static void dots_row(const struct k_matrix *m, const float *bias, const float *x, float *y)
{
    const size_t kp = k_padded(m->k), whole = m->k / LANES * LANES;
    _Alignas(64) float rest[LANES] = { 0 }, lanes[LANES];
    memcpy(rest, x + whole, (m->k - whole) * sizeof *x);
    for (size_t output = 0; output < m->n; output++) {
        const float *w = m->packed + output * kp;
        vec sums[2] = { { 0 } };
        for (size_t i = 0; i < whole; i += LANES) {
            sums[i / LANES % 2] += load(w + i) * load_unaligned(x + i);
        }
        if (whole < m->k) {
            sums[0] += load(w + whole) * load(rest);
        }
        store(lanes, sums[0] + sums[1]);
        for (size_t half = LANES / 2; half > 0; half /= 2) {
            for (size_t j = 0; j < half; j++) {
                lanes[j] += lanes[j + half];
            }
        }
        y[output] = bias[output] + lanes[0];
    }
}

static void affine(const struct k_matrix *m, const float *bias, size_t n_rows, const float *x,
                   size_t ldx, float *y, size_t ldy)
{
    if (m->n > K_BLOCK) {
        const struct product p = { .w = m->packed,
                                   .k = m->k,
                                   .width = K_BLOCK,
                                   .bias = bias,
                                   .x = x,
                                   .ldx = ldx,
                                   .y = y,
                                   .ldy = ldy };
        product_all(&p, n_rows, k_padded(m->n) / K_BLOCK);
        return;
    }
    for (size_t row = 0; row < n_rows; row++, x += ldx, y += ldy) {
        if (packed_by_rows(m->n)) {
            dots_row(m, bias, x, y);
        } else {
            panel_row(m, bias, x, y);
        }
    }
}

static void project(const struct k_layer *layer, size_t n_rows, const float *x, size_t ldx,
                    float *pre)
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
    product_all(&p, n_rows, layer->wx.n / width);
}

/* ---- the time step --------------------------------------------------------------------------- */

enum {
    STEP_BLOCKS = 8, /* blocks of results that are finished together */
    NEAR_L1_BYTES =
        65536, /* weights of up to this size come for a good part from L1 at each step */
};

/* What one time step works on: recur's arguments, and the rows that the tile at hand covers. */
struct recur_step {
    const struct k_layer *layer;
    size_t hp, width, n_panels; /* width of a panel: G * K_BLOCK */
    size_t row, n_rows;
    size_t tile_panels; /* the most in a tile */
    bool backwards;
    const float *pre, *h_in, *bias_n;
    float *h_out, *c, *out;
    float *scratch; /* of K_*_BEFORE: for each row r . h, z and o, [3][Hp] */
    size_t ld_kept;
};

/* Padding computes to zero by itself, except where a NaN or infinity meets its zero weights. */
static void clear_padding(const struct recur_step *s, float *state)
{
    for (size_t r = s->row; r < s->row + s->n_rows; r++) {
        for (size_t j = s->layer->h; j < s->hp; j++) {
            state[r * s->hp + j] = 0.0f;
        }
    }
}

/* The gates of the tile's rows in n_panels blocks from `first` on. u: their products. */
static void step_gates(const struct recur_step *s, size_t first, size_t n_panels, const float *u,
                       gates_fn *gates)
{
    const size_t unit = first * K_BLOCK, state = s->row * s->hp + unit;
    float *kept = s->scratch + s->row * s->ld_kept + unit;
    const struct gates g = {
        .n_rows = s->n_rows,
        .n_panels = n_panels,
        .width = s->width,
        .u = u,
        .pre = s->pre + (s->row * s->n_panels + first) * s->width,
        .ld_pre = s->n_panels * s->width,
        .bias_n = s->bias_n + unit,
        .h_in = s->h_in + state,
        .h_out = s->h_out + state,
        .c = s->c + state,
        .out = s->out + state,
        .ld_state = s->hp,
        .reset_h = kept,
        .z = kept + s->hp,
        .o = kept + 2 * s->hp,
        .ld_kept = s->ld_kept,
    };
    gates(&g);
    if (unit + n_panels * K_BLOCK > s->layer->h) {
        clear_padding(s, s->h_out);
        clear_padding(s, s->c);
        clear_padding(s, s->out);
    }
}

/* u = products of some gates with x, for n_panels panels from `first` on, tile by tile. */
static void step_products(const struct recur_step *s, const struct gate_range *ranges,
                          size_t n_ranges, const float *x, size_t ldx, size_t first,
                          size_t n_panels, float *u)
{
    const size_t k = s->layer->h, n_vectors = ranges[0].n * BLOCK_VECTORS;
    for (size_t done = 0, panels; done < n_panels; done += panels) {
        const size_t most = n_panels - done < s->tile_panels ? n_panels - done : s->tile_panels;
        panels = next_panels(most, s->n_rows, n_vectors);
        const size_t at = s->backwards ? n_panels - done - panels : done;
        const struct product p = { .w = s->layer->uh.packed + (first + at) * s->width * k,
                                   .k = k,
                                   .width = s->width,
                                   .x = x,
                                   .ldx = ldx,
                                   .y = u + at * s->width,
                                   .ldy = n_panels * s->width };
        for (size_t i = 0; i < n_ranges; i++) {
            product(&p, ranges[i].first * K_BLOCK, s->n_rows, panels, ranges[i].n * BLOCK_VECTORS);
        }
    }
}

/* For STEP_BLOCKS blocks of results at a time the products, and behind them the arithmetic that
 * waits for them: few enough for L1 to hold all operands, enough for the processor to work on
 * several blocks at once.
 */
static void step_pass(const struct recur_step *s, const struct gate_range *ranges, size_t n_ranges,
                      const float *x, size_t ldx, gates_fn *gates)
{
    _Alignas(64) float u[STEP_BLOCKS * K_GATES_MAX * K_BLOCK];
    const size_t most = STEP_BLOCKS / s->n_rows;
    for (size_t done = 0, panels; done < s->n_panels; done += panels) {
        panels = s->n_panels - done < most ? s->n_panels - done : most;
        const size_t first = s->backwards ? s->n_panels - done - panels : done;
        step_products(s, ranges, n_ranges, x, ldx, first, panels, u);
        step_gates(s, first, panels, u, gates);
    }
}

static void recur(const struct k_layer *layer, size_t n_rows, const float *pre, const float *h_in,
                  float *h_out, float *c, float *out, float *scratch)
{
    static const struct gate_range r_z_o[] = { { 0, 2 }, { 3, 1 } }, n_only[] = { { 2, 1 } };
    const struct gate_range all = { 0, k_n_gates(layer->cell) };
    const bool two_halves = first_gates_of[layer->cell];
    const size_t hp = k_padded(layer->h);
    /* What the cell does not use may be NULL, to which nothing must be added: h_out stands in for
     * it. */
    struct recur_step s = {
        .layer = layer,
        .hp = hp,
        .width = all.n * K_BLOCK,
        .n_panels = hp / K_BLOCK,
        .tile_panels = PANELS_MAX,
        .pre = pre,
        .h_in = h_in,
        .bias_n = layer->bias_n ? layer->bias_n : h_out,
        .h_out = h_out,
        .c = c ? c : h_out,
        .out = out ? out : h_out,
        .scratch = two_halves ? scratch : h_out,
        .ld_kept = two_halves ? 3 * hp : 0,
    };
    if (n_rows == 1 && layer->uh.n * layer->h * sizeof(float) <= NEAR_L1_BYTES) {
        /* Walk through the weights there and back in small pieces, and so begin each step with what
         * the last one left in L1. Which way it goes must not be remembered, but successive states
         * lie in successive rows, or in two buffers by turns. The order of the panels changes no
         * bit. */
        s.tile_panels = 2;
        s.backwards = (uintptr_t)h_out / (hp * sizeof *h_out) % 2;
    }
    const size_t n_vectors = (two_halves ? 2 : all.n) * BLOCK_VECTORS;
    for (; s.row < n_rows; s.row += s.n_rows) {
        s.n_rows = next_rows(n_rows - s.row, n_vectors);
        if (two_halves) {
            const float *reset_h = scratch + s.row * s.ld_kept;
            step_pass(&s, r_z_o, all.n - 2, h_in + s.row * hp, hp, first_gates_of[layer->cell]);
            step_pass(&s, n_only, 1, reset_h, s.ld_kept, gates_of[layer->cell]);
        } else {
            step_pass(&s, &all, 1, h_in + s.row * hp, hp, gates_of[layer->cell]);
        }
    }
}

/* ---- activations ----------------------------------------------------------------------------- */

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

/* NaN is not below 0, and stays. */
INLINE vec relu_of(vec x)
{
    return (vec)((ivec)x & ~(ivec)(x < broadcast(0.0f)));
}

static void relu_rows(float *y, size_t n_rows, size_t n, size_t ld)
{
    for (size_t row = 0; row < n_rows; row++) {
        map_row(y + row * ld, n, relu_of);
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
    .relu = relu_rows,
    .sigmoid = sigmoid_rows,
    .tanh = tanh_rows,
    .softmax = softmax_rows,
    .train = &train_ops,
};
