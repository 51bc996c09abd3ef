/*
 * dispatch.c - which of the tables this processor can run, and which is best.
 */
#include "kernels/levels.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* x86-64-v4 and -v3 are more than AVX-512 and AVX2; the parts that any of simd.c's instructions may
 * come from are asked for one by one. */
const struct k_ops *k_table(size_t i)
{
    const struct k_ops *tables[3];
    size_t n = 0;
#ifdef __x86_64__
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        tables[n++] = &k_ops_avx512;
    }
    if (avx2) {
        tables[n++] = &k_ops_avx2;
    }
#endif
    tables[n++] = &k_ops_baseline;
    return i < n ? tables[i] : NULL;
}

static const struct k_ops *choose_best(void)
{
    const struct k_ops *best = k_table(0);
    const char *wanted =
        getenv("GRUD_KERNELS"); /* NOLINT(concurrency-mt-unsafe): nobody changes it */
    for (size_t i = 0; wanted && k_table(i); i++) {
        if (strcmp(k_table(i)->name, wanted) == 0) {
            best = k_table(i);
        }
    }
    return best;
}

const struct k_ops *k_best(void)
{
    static _Atomic(const struct k_ops *)
        chosen; /* threads that come here at the same time choose the same */
    const struct k_ops *best = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!best) {
        best = choose_best();
        atomic_store_explicit(&chosen, best, memory_order_relaxed);
    }
    return best;
}
