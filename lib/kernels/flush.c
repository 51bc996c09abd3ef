/* flush.c - see flush.h. */
#include "kernels/flush.h"

#if defined(__x86_64__)

#include <immintrin.h>

enum { ZERO_RESULTS = 0x8000, ZERO_OPERANDS = 0x0040 }; /* MXCSR: FTZ and DAZ */

uint64_t k_flush_begin(void)
{
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | ZERO_RESULTS | ZERO_OPERANDS);
    return before;
}

void k_flush_end(uint64_t before)
{
    _mm_setcsr((unsigned)before);
}

#elif defined(__aarch64__)

#define ZERO_BOTH (UINT64_C(1) << 24) /* FPCR: FZ */

static void set_control(uint64_t control)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory");
}

uint64_t k_flush_begin(void)
{
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    set_control(before | ZERO_BOTH);
    return before;
}

void k_flush_end(uint64_t before)
{
    set_control(before);
}

#else

uint64_t k_flush_begin(void)
{
    return 0;
}

void k_flush_end(uint64_t before)
{
    (void)before;
}

#endif
