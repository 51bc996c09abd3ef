/*
 * pack.c - lays weights out for simd.c: panels of one block of units each, panel[k][width], where
 * the width is K_BLOCK for a plain matrix and G * K_BLOCK for gates; the panels follow one another.
 * A matrix of very few outputs is packed by rows (levels.h).
 */
#include "kernels/flush.h"
#include "kernels/levels.h"

#include <string.h>

size_t k_packed_floats(size_t n, size_t k)
{
    return packed_by_rows(n) ? n * k_padded(k) : k_padded(n) * k;
}

/* Gate g of unit u is row g * h + u of w; a plain matrix is one gate. */
static void pack(const float *w, size_t n_gates, size_t h, size_t k, float *packed)
{
    const size_t width = n_gates * K_BLOCK;
    memset(packed, 0, n_gates * k_padded(h) * k * sizeof *packed);
    for (size_t gate = 0; gate < n_gates; gate++) {
        for (size_t unit = 0; unit < h; unit++) {
            const float *row = w + (gate * h + unit) * k;
            float *panel = packed + unit / K_BLOCK * width * k + gate * K_BLOCK + unit % K_BLOCK;
            for (size_t i = 0; i < k; i++) {
                panel[i * width] = row[i];
            }
        }
    }
}

void k_pack(const float *w, size_t n, size_t k, float *packed)
{
    if (!packed_by_rows(n)) {
        pack(w, 1, n, k, packed);
        return;
    }
    memset(packed, 0, k_packed_floats(n, k) * sizeof *packed);
    for (size_t output = 0; output < n; output++) {
        memcpy(packed + output * k_padded(k), w + output * k, k * sizeof *w);
    }
}

void k_pack_gates(const float *w, size_t n_gates, size_t h, size_t k, float *packed)
{
    pack(w, n_gates, h, k, packed);
}

/* Where a bias acts decides where it goes (enum k_bias). What does not simply add up is kept apart
 * in bias_n. */
void k_pack_biases(enum k_cell cell, size_t h, const float *b_ih, const float *b_hh, float *bias_x,
                   float *bias_n)
{
    const size_t n_gates = k_n_gates(cell);
    memset(bias_x, 0, n_gates * k_padded(h) * sizeof *bias_x);
    memset(bias_n, 0, k_padded(h) * sizeof *bias_n);
    const uint64_t before = k_flush_begin();
    for (size_t gate = 0; gate < n_gates; gate++) {
        for (size_t unit = 0; unit < h; unit++) {
            float input = b_ih ? b_ih[gate * h + unit] : 0.0F;
            float hidden = b_hh ? b_hh[gate * h + unit] : 0.0F;
            float *sum =
                &bias_x[unit / K_BLOCK * n_gates * K_BLOCK + gate * K_BLOCK + unit % K_BLOCK];
            *sum = input + hidden;
            const enum k_bias bias = gate == K_CANDIDATE ? k_cells[cell].bias : K_BIAS_SUM;
            if (bias == K_BIAS_HH_IN_RESET) {
                *sum = input;
                bias_n[unit] = hidden;
            } else if (bias == K_BIAS_OUTSIDE_GATE) {
                *sum = 0.0F;
                bias_n[unit] = input + hidden;
            }
        }
    }
    k_flush_end(before);
}

/* K_*_BEFORE keep z, r . h and o of every row between their two products; the others need nothing.
 */
size_t k_recur_scratch(const struct k_layer *layer, size_t n_rows)
{
    return k_cells[layer->cell].resets_before ? n_rows * 3 * k_padded(layer->h) : 0;
}
