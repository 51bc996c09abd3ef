#include "webhook/webhook_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct network {
    unsigned char bytes[16];
    unsigned n_bits;
};

/* IANA's registry of special addresses of IPv4, but for those that are reached as any other. */
static const struct network special_4[] = {
    { { 0 }, 8 },             /* this network */
    { { 10 }, 8 },            /* private */
    { { 100, 64 }, 10 },      /* a provider's own */
    { { 127 }, 8 },           /* this machine */
    { { 169, 254 }, 16 },     /* a link's own, and clouds' metadata */
    { { 172, 16 }, 12 },      /* private */
    { { 192, 0, 0 }, 24 },    /* protocols */
    { { 192, 0, 2 }, 24 },    /* documentation */
    { { 192, 88, 99 }, 24 },  /* former relays of 6to4 */
    { { 192, 168 }, 16 },     /* private */
    { { 198, 18 }, 15 },      /* benchmarks */
    { { 198, 51, 100 }, 24 }, /* documentation */
    { { 203, 0, 113 }, 24 },  /* documentation */
    { { 224 }, 4 },           /* groups */
    { { 240 }, 4 },           /* reserved, and all of a network */
};

/* Of IPv6 only 2000::/3 is given to anyone; within it these are not. */
static const struct network special_6[] = {
    { { 0x20, 0x01, 0x00 }, 23 },       /* protocols, Teredo among them */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x20, 0x02 }, 16 },             /* 6to4 */
    { { 0x3f, 0xff, 0x00 }, 20 },       /* documentation */
};
static const struct network global_6 = { { 0x20 }, 3 };

/* Those whose last four bytes are an address of IPv4. */
static const struct network mapped_4[] = {
    { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96 }, /* ::ffff:0:0, IPv4 itself */
    { { 0x00, 0x64, 0xff, 0x9b }, 96 },                   /* 64:ff9b::, by a translator */
};

static bool is_in(const struct network *network, const unsigned char *bytes)
{
    const size_t n_whole = network->n_bits / 8;
    const unsigned n_rest = network->n_bits % 8;
    const unsigned char mask = (unsigned char)(0xff00U >> n_rest);
    return memcmp(network->bytes, bytes, n_whole) == 0 &&
           (n_rest == 0 || ((network->bytes[n_whole] ^ bytes[n_whole]) & mask) == 0);
}

static bool is_in_any(const struct network *networks, size_t n, const unsigned char *bytes)
{
    bool is_there = false;
    for (size_t k = 0; k < n; k++) {
        is_there = is_there || is_in(&networks[k], bytes);
    }
    return is_there;
}

#define IS_IN_ANY(networks, bytes)                                                                 \
    is_in_any((networks), sizeof(networks) / sizeof *(networks), (bytes))

bool webhook_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        unsigned char bytes[4];
        memcpy(bytes, (const char *)address + offsetof(struct sockaddr_in, sin_addr), sizeof bytes);
        return !IS_IN_ANY(special_4, bytes);
    }
    if (address->sa_family != AF_INET6) {
        return false;
    }
    unsigned char bytes[16];
    memcpy(bytes, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr), sizeof bytes);
    return IS_IN_ANY(mapped_4, bytes) ? !IS_IN_ANY(special_4, bytes + 12)
                                      : is_in(&global_6, bytes) && !IS_IN_ANY(special_6, bytes);
}
