/*
 * train.c - how deltas lie, and matrices packed for the way back.
 */
#include "kernels/train.h"

#include <string.h>

size_t k_deltas_stride(const struct k_planes *planes, size_t h)
{
    return planes->n * k_padded(h) + K_BLOCK;
}

size_t k_transposed_floats(size_t n_planes, size_t hp, size_t k)
{
    return n_planes * hp * k_padded(k);
}

/* Panels as in pack.c, of one block of columns of w each, whatever their number: panel[plane,
 * unit][K_BLOCK].
 */
void k_pack_transposed(const float *w, const unsigned char *gates, size_t n_planes, size_t h,
                       size_t hp, size_t k, float *packed)
{
    memset(packed, 0, k_transposed_floats(n_planes, hp, k) * sizeof *packed);
    for (size_t plane = 0; plane < n_planes; plane++) {
        for (size_t unit = 0; unit < h; unit++) {
            const float *row = w + (gates[plane] * h + unit) * k;
            float *to = packed + (plane * hp + unit) * K_BLOCK;
            for (size_t i = 0; i < k; i += K_BLOCK, to += n_planes * hp * K_BLOCK) {
                memcpy(to, row + i, (k - i < K_BLOCK ? k - i : K_BLOCK) * sizeof *to);
            }
        }
    }
}
