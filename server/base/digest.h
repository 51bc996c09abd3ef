/* digest.h - checksums and digests (XXH3 by xxHash). A leaf; any thread. Not a defence against
 * forgery. */
#ifndef DIGEST_H
#define DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_TEXT = 38 }; /* "xxh3:" + 32 hexadecimal digits + NUL */

/* 64 bits, for checksums in files. */
uint64_t digest_64(const void *bytes, size_t n, uint64_t seed);

/* A model file's digest, as `xxh128sum` prints it: 128 bits, most significant first. */
struct digest {
    uint64_t high, low;
};
static inline bool digest_equals(struct digest a, struct digest b)
{
    return a.high == b.high && a.low == b.low;
}
struct digest digest_128(const void *bytes, size_t n);
void digest_print(struct digest digest, char text[DIGEST_TEXT]);

#endif
