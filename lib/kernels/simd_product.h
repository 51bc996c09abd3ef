/*
 * simd_product.h - products of packed matrices with a few vectors at a time. Part of simd.c.
 *
 * A packed matrix is a row of panels, one per block of K_BLOCK units: panel[k][width], where width
 * is K_BLOCK for a plain matrix and G * K_BLOCK for gates. So a product walks through memory
 * forwards, and never sums across lanes.
 *
 * The work is done in tiles: R rows of x by N panels by C vectors, all of whose sums stay in
 * registers. Larger tiles read each weight and each x less often, and keep enough additions in
 * flight to hide their latency. Whatever the tile, an output is bias + w[0] x[0] + w[1] x[1] + ...
 * in this order, one chain of fused multiply-adds (of multiplies and adds at a level without them):
 * that makes its bits independent of the tile.
 */
#ifndef SIMD_PRODUCT_H
#define SIMD_PRODUCT_H

#include "kernels/simd_vector.h"

enum {
    ROWS_MAX = N_REGISTERS == 32 ? 8 : 4,  /* R */
    PANELS_MAX = 4,                        /* N */
    VECTORS_MAX = 12,                      /* C */
    SUMS_MAX = N_REGISTERS == 32 ? 24 : 12 /* R * N * C: the rest of the registers holds w and x */
};

struct product {
    const float *w; /* the first panel */
    size_t k;
    size_t width;      /* floats in a row of a panel: from w[k] to w[k + 1] */
    const float *bias; /* like a row of y; NULL: zero */
    const float *x;
    size_t ldx;
    float *y; /* [n_rows][n_panels * width] */
    size_t ldy;
};

/* The sizes are constants at every call, so the loops over them unroll and `sums` lives in
 * registers. */
INLINE void tile(const struct product *given, size_t column, const size_t n_rows,
                 const size_t n_panels, const size_t n_vectors)
{
    const struct product p = *given; /* a copy that the stores below cannot alias */
    /* Nothing but three gates comes in threes, so there the width is a constant too. */
    const size_t width = n_vectors % 3 == 0 ? 3 * K_BLOCK : p.width;
    const size_t panel = width * p.k, n_columns = n_panels * n_vectors;
    vec sums[ROWS_MAX][PANELS_MAX * VECTORS_MAX];
#pragma GCC unroll 16
    for (size_t j = 0; j < n_columns; j++) {
        const size_t at = j / n_vectors * width + j % n_vectors * LANES;
        const vec start = p.bias ? load(p.bias + column + at) : (vec){ 0 };
#pragma GCC unroll 8
        for (size_t r = 0; r < n_rows; r++) {
            sums[r][j] = start;
        }
    }
    for (size_t i = 0; i < p.k; i++) {
        const float *w = p.w + column + i * width, *x = p.x + i;
        /* Whichever of x and w is shorter stays in registers meanwhile; the other passes through
         * one. */
        if (n_rows <= n_columns) {
            vec values[ROWS_MAX];
#pragma GCC unroll 8
            for (size_t r = 0; r < n_rows; r++) {
                values[r] = broadcast(x[r * p.ldx]);
            }
#pragma GCC unroll 16
            for (size_t j = 0; j < n_columns; j++) {
                const vec loaded = load(w + j / n_vectors * panel + j % n_vectors * LANES);
                const vec weight = n_rows > 1 ? in_register(loaded) : loaded;
#pragma GCC unroll 8
                for (size_t r = 0; r < n_rows; r++) {
                    sums[r][j] += weight * values[r];
                }
            }
        } else {
            vec weights[PANELS_MAX * VECTORS_MAX];
#pragma GCC unroll 16
            for (size_t j = 0; j < n_columns; j++) {
                weights[j] = load(w + j / n_vectors * panel + j % n_vectors * LANES);
            }
#pragma GCC unroll 8
            for (size_t r = 0; r < n_rows; r++) {
                const vec value = broadcast(x[r * p.ldx]);
#pragma GCC unroll 16
                for (size_t j = 0; j < n_columns; j++) {
                    sums[r][j] += weights[j] * value;
                }
            }
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < n_rows; r++) {
#pragma GCC unroll 16
        for (size_t j = 0; j < n_columns; j++) {
            const size_t at = j / n_vectors * width + j % n_vectors * LANES;
            store_unaligned(p.y + r * p.ldy + column + at, sums[r][j]);
        }
    }
}

typedef void tile_fn(const struct product *, size_t column);

/* One function per shape; those with too many sums are never entered in the table, and so not
 * compiled. */
#define TILE_FITS(R, N, C) ((R) <= ROWS_MAX && (R) * (N) * (C) <= SUMS_MAX)
/* clang-format off */
#define TILE_SHAPES(X)                                                                                       \
    TILE_COLUMNS(X, 1) TILE_COLUMNS(X, 2) TILE_COLUMNS(X, 3) TILE_COLUMNS(X, 4)                              \
    TILE_COLUMNS(X, 5) TILE_COLUMNS(X, 6) TILE_COLUMNS(X, 7) TILE_COLUMNS(X, 8)                              \
    X(1, 1, 6) X(1, 2, 6) X(1, 1, 8) X(1, 1, 12)
#define TILE_COLUMNS(X, R)   TILE_PANELS(X, R, 1) TILE_PANELS(X, R, 2) TILE_PANELS(X, R, 4)
#define TILE_PANELS(X, R, N) X(R, N, 1) X(R, N, 2) X(R, N, 3) X(R, N, 4)
/* clang-format on */

#define TILE_FUNCTION(R, N, C)                                                                     \
    static void tile_##R##_##N##_##C(const struct product *p, size_t column)                       \
    {                                                                                              \
        if (TILE_FITS(R, N, C)) {                                                                  \
            tile(p, column, R, N, C);                                                              \
        }                                                                                          \
    }
TILE_SHAPES(TILE_FUNCTION)

#define TILE_ENTRY(R, N, C) [R][N][C] = TILE_FITS(R, N, C) ? tile_##R##_##N##_##C : NULL,
static tile_fn *const tiles[8 + 1][PANELS_MAX + 1][VECTORS_MAX + 1] = { TILE_SHAPES(TILE_ENTRY) };

/* C, for n_vectors side by side in each panel. One row is a matter of reading weights, and of each
 * cache line only once, so it takes the whole width of a panel if there are registers for it. */
static size_t vectors_per_tile(size_t n_vectors, size_t n_rows)
{
    if (n_rows == 1 && n_vectors <= SUMS_MAX) {
        return n_vectors;
    }
    return n_vectors % 3 == 0 ? 3 : n_vectors % 4 == 0 ? 4 : n_vectors % 2 == 0 ? 2 : 1;
}

/* R of the next tile: as even a division as possible (9 is 5 + 4, not 8 + 1). */
static size_t next_rows(size_t n_left, size_t n_vectors)
{
    static const unsigned char most_rows[] = { 0, ROWS_MAX, ROWS_MAX, SUMS_MAX / 3, SUMS_MAX / 4 };
    const size_t most = most_rows[vectors_per_tile(n_vectors, ROWS_MAX)];
    if (n_left <= most) {
        return n_left;
    }
    const size_t n_tiles = (n_left + most - 1) / most;
    return (n_left + n_tiles - 1) / n_tiles;
}

/* N of the next tile: at most n_left, and 4, 2 or 1. */
static size_t next_panels(size_t n_left, size_t n_rows, size_t n_vectors)
{
    const size_t sums_of_one = n_rows * vectors_per_tile(n_vectors, n_rows);
    size_t panels = PANELS_MAX;
    while (panels > 1 && (panels > n_left || panels * sums_of_one > SUMS_MAX)) {
        panels /= 2;
    }
    return panels;
}

/* y = bias + w x for n_vectors vectors of each panel from `column` on; n_rows and n_panels are from
 * the two above. The struct goes down by pointer and is never copied whole: to read in one wide
 * load what was just written in narrow stores, a processor waits until all that went before has
 * retired. */
INLINE void product(const struct product *p, size_t column, size_t n_rows, size_t n_panels,
                    size_t n_vectors)
{
    const size_t step = vectors_per_tile(n_vectors, n_rows);
    tile_fn *run = tiles[n_rows][n_panels][step];
    for (size_t v = 0; v < n_vectors; v += step) {
        run(p, column + v * LANES);
    }
}

#endif
