/*
 * levels.h - what pack.c, dispatch.c and simd.c share: how a matrix lies in memory, and the tables
 * that simd.c becomes, one per instruction set. Private to lib/kernels.
 */
#ifndef LEVELS_H
#define LEVELS_H

#include "kernels/kernels.h"

/* A matrix of so few outputs would waste most of a panel's lanes, and with them the cache that the
 * recurrent weights need; it is packed by rows instead, [n][k_padded(k)]. Gates are never that few.
 */
static inline bool packed_by_rows(size_t n)
{
    return n <= 4;
}

extern const struct k_ops k_ops_baseline; /* what every processor of the architecture has */
#ifdef __x86_64__
extern const struct k_ops k_ops_avx2;   /* x86-64-v3: AVX2 and FMA */
extern const struct k_ops k_ops_avx512; /* x86-64-v4 */
#endif

#endif
