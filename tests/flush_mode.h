/*
 * flush_mode.h - whether the processor has the mode that kernels/flush.h sets. valgrind's has not:
 * it drops these bits, and what depends on them cannot be seen below it.
 */
#ifndef FLUSH_MODE_H
#define FLUSH_MODE_H

#include <stdbool.h>
#include <stdint.h>

/* The thread's own mode, and only it: other bits of the register say how to round. */
static inline uint64_t flush_mode_now(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_stmxcsr() & 0x8040;
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control & UINT64_C(1) << 24;
#else
    return 0;
#endif
}

static inline bool flush_mode_exists(void)
{
#if defined(__x86_64__)
    const unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | 0x8040);
    const bool exists = flush_mode_now() == 0x8040;
    __builtin_ia32_ldmxcsr(before);
    return exists;
#elif defined(__aarch64__)
    return true; /* it is part of the architecture */
#else
    return false;
#endif
}

#endif
