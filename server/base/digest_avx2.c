/* Compiled for AVX2 (mk/server.mk), by which xxHash chooses its vectors. */
#include "base/digest_avx2.h"

#ifdef __AVX2__
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t digest_avx2_64(const void *bytes, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n, seed);
}
#endif
