#include "base/digest.h"

#include "base/digest_avx2.h"

#include <inttypes.h>
#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* What is short has no use for wider vectors. */
uint64_t digest_64(const void *bytes, size_t n, uint64_t seed)
{
#ifdef __x86_64__
    if (n > XXH3_MIDSIZE_MAX && __builtin_cpu_supports("avx2")) {
        return digest_avx2_64(bytes, n, seed);
    }
#endif
    return XXH3_64bits_withSeed(bytes, n, seed);
}

struct digest digest_128(const void *bytes, size_t n)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, n);
    return (struct digest){ .high = hash.high64, .low = hash.low64 };
}

void digest_print(struct digest digest, char text[DIGEST_TEXT])
{
    snprintf(text, DIGEST_TEXT, "xxh3:%016" PRIx64 "%016" PRIx64, digest.high, digest.low);
}
