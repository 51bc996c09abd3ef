/*
 * simd_vector.h - vectors of the level's native width, and exp, sigmoid and tanh over them. Part of
 * simd.c.
 *
 * GCC's vector extensions give the same operation to every lane, whatever the optimiser does: a
 * lane's bits depend on that lane's inputs alone. Nothing here is faster under -ffast-math, and NaN
 * and infinity survive.
 */
#ifndef SIMD_VECTOR_H
#define SIMD_VECTOR_H

#include "kernels/kernels.h"

#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64, N_REGISTERS = 32 };
#elif defined(__AVX2__)
enum { VECTOR_BYTES = 32, N_REGISTERS = 16 };
#else
enum { VECTOR_BYTES = 16, N_REGISTERS = 16 };
#endif

enum {
    LANES = VECTOR_BYTES / sizeof(float),
    BLOCK_VECTORS = K_BLOCK / LANES, /* vectors that hold one block of units */
};

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int32_t ivec __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef float vec_unaligned __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(4)));

INLINE vec load(const float *p)
{
    return *(const vec *)p;
}

INLINE void store(float *p, vec v)
{
    *(vec *)p = v;
}

INLINE vec load_unaligned(const float *p)
{
    return *(const vec_unaligned *)p;
}

INLINE void store_unaligned(float *p, vec v)
{
    *(vec_unaligned *)p = v;
}

INLINE vec broadcast(float value)
{
    return value - (vec){ 0 }; /* minus, because -0.0f + 0.0f is +0.0f */
}

/* v, in a register from here on. Left alone, the compiler folds one load into each of several
 * multiply-adds, and a weight that is not in L1 is then fetched as many times. */
INLINE vec in_register(vec v)
{
#if defined(__AVX512F__)
    __asm__("" : "+v"(v));
#elif defined(__x86_64__)
    __asm__("" : "+x"(v));
#elif defined(__aarch64__)
    __asm__("" : "+w"(v));
#endif
    return v;
}

/* x within [-limit, limit]; NaN stays NaN. x86's minimum and maximum give the second operand when
 * they cannot compare, which is just this, but the compiler does not see it in the portable form: 2
 * instructions for 6.
 */
INLINE vec clamp(vec x, float limit)
{
    vec high = broadcast(limit), low = broadcast(-limit);
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)low, _mm512_min_ps((__m512)high, (__m512)x));
#elif defined(__AVX2__)
    return (vec)_mm256_max_ps((__m256)low, _mm256_min_ps((__m256)high, (__m256)x));
#elif defined(__x86_64__)
    return (vec)_mm_max_ps((__m128)low, _mm_min_ps((__m128)high, (__m128)x));
#else
    ivec above = x > high, below = x < low;
    ivec inside = ~(above | below);
    return (vec)((above & (ivec)high) | (below & (ivec)low) | (inside & (ivec)x));
#endif
}

/* 1 / x, for x in [2^-100, 2^120]. With AVX-512 from a 14-bit estimate and one Newton step, good to
 * 1 ulp: a division of 16 lanes keeps the processor busy for 16 cycles, this for 4. */
#if defined(__AVX512F__)
#define QUICK_RECIPROCAL 1
INLINE vec reciprocal(vec x)
{
    /* The step lives on the single rounding of a fused multiply-add, so it does not leave that to
     * the compiler. */
    __m512 estimate = _mm512_rcp14_ps((__m512)x);
    __m512 rest = _mm512_fnmadd_ps((__m512)x, estimate, _mm512_set1_ps(1.0f));
    return (vec)_mm512_fmadd_ps(estimate, rest, estimate);
}
#else
#define QUICK_RECIPROCAL 0
INLINE vec reciprocal(vec x)
{
    return 1.0f / x;
}
#endif

/* 2^(x * factor) = scale * (1 + f * tail): kept in parts, because each caller adds or takes 1 where
 * that costs the least accuracy and the least waiting. */
struct power {
    vec scale, f, tail;
};

/*
 * For |x * factor| <= 126. n is the nearest integer and f the rest, within [-1/2, 1/2]; scale =
 * 2^n, and f * tail is a minimax fit of 2^f - 1, 3e-9 from it, whose first coefficient is ln 2
 * itself so that it is as good near 0. The sums are in Estrin's order: this chain of operations,
 * not their number, is what a step waits for.
 */
INLINE struct power power_of_2(vec x, float factor)
{
    /* 1.5 * 2^23 + 127: the sum's low bits are n + 127, the exponent field of 2^n. */
    const float magic = 12583039.0f;
    vec shifted = x * factor + magic;
    vec f = x * factor - (shifted - magic);
    vec f2 = f * f;
    vec low = f * 2.402264757e-1f + 6.931471825e-1f;
    vec middle = f * 9.618519167e-3f + 5.550359402e-2f;
    vec high = f * 1.532413844e-4f + 1.339106850e-3f;
    middle = f2 * high + middle;
    return (struct power){ .scale = (vec)((ivec)shifted << 23), .f = f, .tail = f2 * middle + low };
}

/* 2^(x * factor) + term. */
INLINE vec power_plus(struct power p, float term)
{
    return (p.scale * p.f) * p.tail + (p.scale + term);
}

#define LOG2_E 1.44269504f

/* Beyond these limits float's sigmoid and tanh change by less than 1e-17 and 1e-8. The first also
 * keeps the product of two (1 + e^x) finite; e^-87 is just above the smallest normal float. */
#define SIGMOID_LIMIT 40.0f
#define TANH_LIMIT    10.0f
#define EXP_LIMIT     87.0f

INLINE vec exp_of(vec x)
{
    return power_plus(power_of_2(clamp(x, EXP_LIMIT), LOG2_E), 0.0f);
}

/* 1 + e^-x: the denominator of sigmoid. */
INLINE vec sigmoid_denominator(vec x)
{
    return power_plus(power_of_2(clamp(x, SIGMOID_LIMIT), -LOG2_E), 1.0f);
}

INLINE vec sigmoid_of(vec x)
{
    return reciprocal(sigmoid_denominator(x));
}

/* Two sigmoids; for one division, where there is no quick reciprocal: it is the dearest part of a
 * sigmoid. */
INLINE void sigmoid_pair(vec a, vec b, vec *ret_a, vec *ret_b)
{
    vec da = sigmoid_denominator(a);
    vec db = sigmoid_denominator(b);
#if QUICK_RECIPROCAL
    *ret_a = reciprocal(da);
    *ret_b = reciprocal(db);
#else
    vec inverse = reciprocal(da * db);
    *ret_a = db * inverse;
    *ret_b = da * inverse;
#endif
}

/* (e^2x - 1) / (e^2x + 1); the numerator keeps its relative accuracy near 0. */
INLINE vec tanh_of(vec x)
{
    struct power p = power_of_2(clamp(x, TANH_LIMIT), 2.0f * LOG2_E);
    return power_plus(p, -1.0f) * reciprocal(power_plus(p, 1.0f));
}

/* sigmoid(s) tanh(t), for one division. */
INLINE vec gated_tanh(vec s, vec t)
{
    struct power p = power_of_2(clamp(t, TANH_LIMIT), 2.0f * LOG2_E);
    return power_plus(p, -1.0f) * reciprocal(sigmoid_denominator(s) * power_plus(p, 1.0f));
}

#endif
