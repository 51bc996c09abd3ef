#include "http/addresses.h"

#include "base/hash.h"

#include <endian.h>
#include <netinet/in.h>
#include <string.h>

void addresses_init(struct addresses *addresses)
{
    memset(addresses, 0, sizeof *addresses);
    for (size_t row = 0; row < ADDRESS_ROWS; row++) {
        addresses->factors[row] = hash_64(&row, sizeof row);
    }
}

uint64_t address_key(const struct sockaddr *address)
{
    uint32_t four;
    uint64_t half;
    if (address->sa_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
    }
    if (address->sa_family != AF_INET6) {
        return 0;
    }
    const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(six)) {
        memcpy(&four, six->s6_addr + 12, sizeof four);
        return ntohl(four);
    }
    memcpy(&half, six->s6_addr, sizeof half);
    return be64toh(half); /* begins with 32 zeros in no network, unlike those above */
}

/* Multiply-shift hashing: its places are as good as drawn (M. Dietzfelbinger et al., J. Algorithms
 * 25, 1997).
 */
static size_t place(const struct addresses *addresses, size_t row, uint64_t key)
{
    return (size_t)(key * (addresses->factors[row] | 1) >> (64 - ADDRESS_PLACES_BITS));
}

void addresses_enter(struct addresses *addresses, uint64_t key)
{
    for (size_t row = 0; row < ADDRESS_ROWS; row++) {
        atomic_fetch_add_explicit(&addresses->n[row][place(addresses, row, key)], 1,
                                  memory_order_relaxed);
    }
}

void addresses_leave(struct addresses *addresses, uint64_t key)
{
    for (size_t row = 0; row < ADDRESS_ROWS; row++) {
        atomic_fetch_sub_explicit(&addresses->n[row][place(addresses, row, key)], 1,
                                  memory_order_relaxed);
    }
}

size_t addresses_count(const struct addresses *addresses, uint64_t key)
{
    uint32_t least = UINT32_MAX;
    for (size_t row = 0; row < ADDRESS_ROWS; row++) {
        uint32_t n = atomic_load_explicit(&addresses->n[row][place(addresses, row, key)],
                                          memory_order_relaxed);
        least = n < least ? n : least;
    }
    return least;
}
