/*
 * simd_train.h - every function of struct k_train_ops. Part of simd.c.
 */
#ifndef SIMD_TRAIN_H
#define SIMD_TRAIN_H

#include "kernels/simd_product.h"
#include "kernels/simd_train_gates.h"
#include "kernels/train.h"

/* ---- a step forward -------------------------------------------------------------------------- */

enum { TILE_FLOATS = 8 * PANELS_MAX * K_GATES_MAX * K_BLOCK }; /* the products of a tile, at most */

/* The tile's rows from `row` on, in n_panels blocks from `first` on. */
static void forward_gates(const struct k_forward_step *s, size_t row, size_t n_rows, size_t first,
                          size_t n_panels, const float *u, forward_fn *gates)
{
    const size_t hp = k_padded(s->layer->h), unit = first * K_BLOCK, at = row * hp + unit;
    const size_t width = k_n_gates(s->layer->cell) * K_BLOCK;
    const size_t n_kept = k_cells[s->layer->cell].n_kept;
    /* What the cell does not use is NULL, to which nothing must be added: h_out stands in for it.
     */
    const struct forward_tile g = {
        .n_rows = n_rows,
        .n_panels = n_panels,
        .width = width,
        .u = u,
        .pre = s->pre + row * s->layer->uh.n + first * width,
        .ld_pre = s->layer->uh.n,
        .bias_n = (s->layer->bias_n ? s->layer->bias_n : s->h_out) + unit,
        .h_in = s->h_in + at,
        .c_in = (s->c_in ? s->c_in : s->h_out) + at,
        .h_out = s->h_out + at,
        .c_out = (s->c_out ? s->c_out : s->h_out) + at,
        .out = (s->out ? s->out : s->h_out) + at,
        .reset_h = (s->reset_h ? s->reset_h : s->h_out) + at,
        .ld_state = hp,
        .kept = s->kept + row * n_kept * hp + first * n_kept * K_BLOCK,
        .ld_kept = n_kept * hp,
        .kept_width = n_kept * K_BLOCK,
    };
    gates(&g);
}

/* Products of x with some gates' matrices, and behind them the gates. A panel of weights is used
 * for all rows before the next one's turn, so that it comes from L2 once a step. */
static void forward_pass(const struct k_forward_step *s, const struct gate_range *ranges,
                         size_t n_ranges, const float *x, forward_fn *gates)
{
    _Alignas(64) float u[TILE_FLOATS];
    const size_t hp = k_padded(s->layer->h), width = k_n_gates(s->layer->cell) * K_BLOCK,
                 k = s->layer->h;
    const size_t n_vectors = ranges[0].n * BLOCK_VECTORS, n_panels = hp / K_BLOCK;
    const size_t most = next_rows(s->n_rows, n_vectors);
    for (size_t first = 0, panels; first < n_panels; first += panels) {
        panels = next_panels(n_panels - first, most, n_vectors);
        for (size_t row = 0, rows; row < s->n_rows; row += rows) {
            rows = next_rows(s->n_rows - row, n_vectors);
            const struct product p = { .w = s->layer->uh.packed + first * width * k,
                                       .k = k,
                                       .width = width,
                                       .x = x + row * hp,
                                       .ldx = hp,
                                       .y = u,
                                       .ldy = panels * width };
            for (size_t i = 0; i < n_ranges; i++) {
                product(&p, ranges[i].first * K_BLOCK, rows, panels, ranges[i].n * BLOCK_VECTORS);
            }
            forward_gates(s, row, rows, first, panels, u, gates);
        }
    }
}

static void train_forward(const struct k_forward_step *s)
{
    static const struct gate_range r_z_o[] = { { 0, 2 }, { 3, 1 } }, n_only[] = { { 2, 1 } };
    const enum k_cell cell = s->layer->cell;
    const struct gate_range all = { 0, k_n_gates(cell) };
    if (first_forward_of[cell]) {
        forward_pass(s, r_z_o, all.n - 2, s->h_in, first_forward_of[cell]);
        forward_pass(s, n_only, 1, s->reset_h, forward_of[cell]);
    } else {
        forward_pass(s, &all, 1, s->h_in, forward_of[cell]);
    }
}

/* ---- a step back ----------------------------------------------------------------------------- */

static void back_project(const struct k_matrix *m, size_t n_rows, const float *x, size_t ldx,
                         float *y, size_t ldy)
{
    const size_t n_panels = k_padded(m->n) / K_BLOCK;
    const size_t most = next_rows(n_rows, BLOCK_VECTORS);
    for (size_t first = 0, panels; first < n_panels; first += panels) {
        panels = next_panels(n_panels - first, most, BLOCK_VECTORS);
        for (size_t row = 0, rows; row < n_rows; row += rows) {
            rows = next_rows(n_rows - row, BLOCK_VECTORS);
            const struct product p = { .w = m->packed + first * K_BLOCK * m->k,
                                       .k = m->k,
                                       .width = K_BLOCK,
                                       .x = x + row * ldx,
                                       .ldx = ldx,
                                       .y = y + row * ldy + first * K_BLOCK,
                                       .ldy = ldy };
            product(&p, 0, rows, panels, BLOCK_VECTORS);
        }
    }
}

static void backward_gates(const struct k_backward_step *s, backward_fn *gates)
{
    const size_t hp = k_padded(s->layer->h);
    const size_t n_kept = k_cells[s->layer->cell].n_kept;
    /* What the cell does not use is NULL, to which nothing must be added: d_h stands in for it. */
    const struct backward_tile g = {
        .n_rows = s->n_rows,
        .n_panels = hp / K_BLOCK,
        .kept = s->kept,
        .h_in = s->h_in,
        .c_in = s->c_in ? s->c_in : s->d_h,
        .h_out = s->h_out,
        .c_out = s->c_out ? s->c_out : s->d_h,
        .d_out = s->d_out,
        .d_h = s->d_h,
        .d_hu = s->d_hu,
        .d_c = s->d_c ? s->d_c : s->d_h,
        .reset_h = s->reset_h ? s->reset_h : s->d_h,
        .deltas = s->deltas,
        .sums = s->sums,
        .hp = hp,
        .ld_kept = n_kept * hp,
        .kept_width = n_kept * K_BLOCK,
        .ld_deltas = s->ld_deltas,
    };
    gates(&g);
}

static void train_backward(const struct k_backward_step *s)
{
    const struct k_back_layer *layer = s->layer;
    const size_t hp = k_padded(layer->h);
    backward_gates(s, backward_of[layer->cell]);
    if (first_forward_of[layer->cell]) { /* r's delta is behind the product of n's */
        const float *delta_n = s->deltas + layer->ut.k;
        back_project(&layer->ut_reset, s->n_rows, delta_n, s->ld_deltas, s->d_hu, hp);
        backward_gates(s, backward_reset_before);
    }
    if (!s->is_first) {
        back_project(&layer->ut, s->n_rows, s->deltas, s->ld_deltas, s->d_hu, hp);
    }
}

/* ---- gradients of weights -------------------------------------------------------------------- */

enum { OUTER_ROWS = N_REGISTERS == 32 ? 8 : 4, OUTER_VECTORS = 3 };

/* c[m..][n..] for a tile of it, whose sums stay in registers. */
INLINE void outer_tile(const struct k_outer *o, size_t m, size_t n, const size_t rows,
                       const size_t vectors)
{
    const float *a = o->a + m, *b = o->b + n;
    const size_t lda = o->lda, ldb = o->ldb, ldc = o->ldc, n_rows = o->n_rows;
    float *c = o->c + m * ldc + n;
    vec sums[OUTER_ROWS][OUTER_VECTORS];
#pragma GCC unroll 8
    for (size_t i = 0; i < rows; i++) {
#pragma GCC unroll 3
        for (size_t j = 0; j < vectors; j++) {
            sums[i][j] = load(c + i * ldc + j * LANES);
        }
    }
    for (size_t row = 0; row < n_rows; row++, a += lda, b += ldb) {
        vec values[OUTER_VECTORS];
#pragma GCC unroll 3
        for (size_t j = 0; j < vectors; j++) {
            values[j] = load(b + j * LANES);
        }
#pragma GCC unroll 8
        for (size_t i = 0; i < rows; i++) {
            const vec factor = broadcast(a[i]);
#pragma GCC unroll 3
            for (size_t j = 0; j < vectors; j++) {
                sums[i][j] += values[j] * factor;
            }
        }
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < rows; i++) {
#pragma GCC unroll 3
        for (size_t j = 0; j < vectors; j++) {
            store(c + i * ldc + j * LANES, sums[i][j]);
        }
    }
}

typedef void outer_fn(const struct k_outer *, size_t m, size_t n);

/* clang-format off */
#define OUTER_SHAPES(X)                                                                                      \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(7, 1) X(8, 1)                                          \
    X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(5, 2) X(6, 2) X(7, 2) X(8, 2)                                          \
    X(1, 3) X(2, 3) X(3, 3) X(4, 3) X(5, 3) X(6, 3) X(7, 3) X(8, 3)
/* clang-format on */

#define OUTER_FUNCTION(R, V)                                                                       \
    static void outer_##R##_##V(const struct k_outer *o, size_t m, size_t n)                       \
    {                                                                                              \
        if ((R) <= OUTER_ROWS) {                                                                   \
            outer_tile(o, m, n, R, V);                                                             \
        }                                                                                          \
    }
OUTER_SHAPES(OUTER_FUNCTION)

#define OUTER_ENTRY(R, V) [R][V] = (R) <= OUTER_ROWS ? outer_##R##_##V : NULL,
static outer_fn *const outers[8 + 1][OUTER_VECTORS + 1] = { OUTER_SHAPES(OUTER_ENTRY) };

static void add_outer(const struct k_outer *o)
{
    const size_t n_floats = k_padded(o->n);
    for (size_t n = 0, vectors; n < n_floats; n += vectors * LANES) {
        vectors = (n_floats - n) / LANES;
        vectors = vectors < OUTER_VECTORS ? vectors : OUTER_VECTORS;
        for (size_t m = 0, rows; m < o->m; m += rows) {
            rows = o->m - m < OUTER_ROWS ? o->m - m : OUTER_ROWS;
            outers[rows][vectors](o, m, n);
        }
    }
}

/* ---- dropout --------------------------------------------------------------------------------- */

typedef uint32_t uvec __attribute__((vector_size(VECTOR_BYTES), may_alias));

/* SplitMix64's finaliser. */
static uint64_t mix_64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

/* A 32-bit finaliser (C. Wellons, "prospecting for hash functions"). */
INLINE uvec mix_32(uvec x)
{
    x = (x ^ x >> 16) * 0x7feb352dU;
    x = (x ^ x >> 15) * 0x846ca68bU;
    return x ^ x >> 16;
}

static void drop_rows(const struct k_drop *drop, const float *x, float *y)
{
    const size_t np = k_padded(drop->n);
    const vec scale = broadcast((float)(1.0 / (1.0 - drop->p)));
    const ivec limit = (ivec){ 0 } + (int32_t)(drop->p * 2147483648.0);
    uvec lane;
    for (size_t j = 0; j < LANES; j++) {
        lane[j] = (uint32_t)j;
    }
    for (size_t row = 0; row < drop->n_rows; row++, x += np, y += np) {
        const uint64_t seed = mix_64(drop->key ^ mix_64(drop->first_row + row));
        for (size_t i = 0; i < np; i += LANES) {
            const uvec unit = lane + (uint32_t)i;
            const uvec hash = mix_32(mix_32(unit ^ (uint32_t)seed) ^ (uint32_t)(seed >> 32));
            const ivec stays = (ivec)(hash >> 1) >= limit;
            store(y + i, (vec)((ivec)(load(x + i) * scale) & stays));
        }
    }
}

static const struct k_train_ops train_ops = {
    .forward = train_forward,
    .backward = train_backward,
    .back_project = back_project,
    .add_outer = add_outer,
    .drop = drop_rows,
};

#endif
