/*
 * levels.h - the tables that simd.c becomes, one per instruction set. Private to lib/kernels.
 */
#ifndef LEVELS_H
#define LEVELS_H

#include "kernels/kernels.h"

extern const struct k_ops k_ops_baseline; /* what every processor of the architecture has */
#ifdef __x86_64__
extern const struct k_ops k_ops_avx2;   /* x86-64-v3: AVX2 and FMA */
extern const struct k_ops k_ops_avx512; /* x86-64-v4 */
#endif

#endif
