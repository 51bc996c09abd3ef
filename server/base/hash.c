#include "base/hash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

static uint64_t key[2];

enum status hash_draw_key(struct fault *fault)
{
    uint64_t drawn[2];
    ssize_t n;
    do {
        n = getrandom(drawn, sizeof drawn, 0);
    } while (n < 0 && errno == EINTR);
    if (n != sizeof drawn) {
        return fault_set(fault, STATUS_INTERNAL, NULL, "the system gives no random numbers: %s",
                         strerrordesc_np(errno));
    }
    memcpy(key, drawn, sizeof key);
    return STATUS_OK;
}

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

struct sip {
    uint64_t a, b, c, d;
};

static inline struct sip mix(struct sip v)
{
    v.a += v.b;
    v.c += v.d;
    v.b = rotate(v.b, 13) ^ v.a;
    v.d = rotate(v.d, 16) ^ v.c;
    v.a = rotate(v.a, 32) + v.d;
    v.c += v.b;
    v.d = rotate(v.d, 21) ^ v.a;
    v.b = rotate(v.b, 17) ^ v.c;
    v.c = rotate(v.c, 32);
    return v;
}

static inline struct sip take(struct sip v, uint64_t word)
{
    v.d ^= word;
    v = mix(v);
    v.a ^= word;
    return v;
}

uint64_t hash_64(const void *bytes, size_t n)
{
    const char *at = bytes;
    struct sip v = { .a = key[0] ^ UINT64_C(0x736F6D6570736575),
                     .b = key[1] ^ UINT64_C(0x646F72616E646F6D),
                     .c = key[0] ^ UINT64_C(0x6C7967656E657261),
                     .d = key[1] ^ UINT64_C(0x7465646279746573) };
    uint64_t word;
    size_t n_left = n;
    for (; n_left >= sizeof word; n_left -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        v = take(v, le64toh(word));
    }
    unsigned char last[sizeof word] = { [sizeof word - 1] = (unsigned char)n };
    memcpy(last, at, n_left);
    memcpy(&word, last, sizeof word);
    v = take(v, le64toh(word));
    v.c ^= 0xFF;
    v = mix(mix(mix(v)));
    return v.a ^ v.b ^ v.c ^ v.d;
}
