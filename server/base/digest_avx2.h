/* digest_avx2.h - checksums on x86-64 processors that have AVX2 (digest.c asks). A leaf; any
 * thread. */
#ifndef DIGEST_AVX2_H
#define DIGEST_AVX2_H

#include <stddef.h>
#include <stdint.h>

/* The same as digest_64. */
uint64_t digest_avx2_64(const void *bytes, size_t n, uint64_t seed);

#endif
