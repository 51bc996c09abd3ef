/*
 * train.c - how deltas lie, and matrices packed for the way back.
 */
#include "kernels/train.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

static const struct k_planes planes_of[K_N_CELLS] = {
    [K_GRU_AFTER] = { .n = 4,
                      .n_kept = 4,
                      .x_first = 1,
                      .n_u = 3,
                      .x = { 1, 2, 3 },
                      .u = { 1, 2, 0 },
                      .bias_x = { 1, 2, 3 },
                      .bias_u = { 1, 2, 0 } },
    [K_GRU_BEFORE] = { .n = 3,
                       .n_kept = 3,
                       .n_u = 2,
                       .before = true,
                       .x = { 0, 1, 2 },
                       .u = { 0, 1, 2 },
                       .bias_x = { 0, 1, 2 },
                       .bias_u = { 0, 1, 2 } },
    [K_OUTPUT_GATE_AFTER] = { .n = 5,
                              .n_kept = 5,
                              .x_first = 1,
                              .n_u = 4,
                              .x = { 1, 2, 4, 3 },
                              .u = { 1, 2, 0, 3 },
                              .bias_x = { 1, 2, 4, 3 },
                              .bias_u = { 1, 2, 0, 3 } },
    [K_OUTPUT_GATE_BEFORE] = { .n = 4,
                               .n_kept = 4,
                               .n_u = 3,
                               .before = true,
                               .x = { 0, 1, 3, 2 },
                               .u = { 0, 1, 3, 2 },
                               .bias_x = { 0, 1, 3, 2 },
                               .bias_u = { 0, 1, 3, 2 } },
    [K_THREE_GATE] = { .n = 5,
                       .n_kept = 4,
                       .n_u = 4,
                       .x = { 0, 1, 2, 3 },
                       .u = { 0, 1, 2, 3 },
                       .bias_x = { 0, 1, 4, 3 },
                       .bias_u = { 0, 1, 4, 3 } },
};

const struct k_planes *k_planes_of(enum k_cell cell)
{
    return &planes_of[cell];
}

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

unsigned k_flush_begin(void)
{
#ifdef __x86_64__
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | _MM_FLUSH_ZERO_ON | 0x0040 /* operands too: "denormals are zero" */);
    return before;
#else
    return 0;
#endif
}

void k_flush_end(unsigned before)
{
#ifdef __x86_64__
    _mm_setcsr(before);
#else
    (void)before;
#endif
}
