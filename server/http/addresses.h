/*
 * addresses.h - how many connections each client address has open, all workers together. An IPv6
 * /64 counts as one address, since that is what a single client may choose from; an IPv4 address
 * that came in through IPv6 is itself.
 *
 * A count-min sketch (G. Cormode, S. Muthukrishnan, J. Algorithms 55, 2005): each address counts in
 * one place of every row, and has as many connections as the least of these says, or fewer if it
 * shares all its places with busier ones. The places follow from the key of hash.h, so that no
 * client can choose whose places it shares. Fixed memory, no lock, any thread.
 */
#ifndef ADDRESSES_H
#define ADDRESSES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_ROWS = 4, ADDRESS_PLACES_BITS = 12 };

struct addresses {
    uint64_t factors[ADDRESS_ROWS];
    _Atomic uint32_t n[ADDRESS_ROWS][1 << ADDRESS_PLACES_BITS];
};

void addresses_init(struct addresses *addresses);

/* What an address is known by here. */
uint64_t address_key(const struct sockaddr *address);

void addresses_enter(struct addresses *addresses, uint64_t key); /* one connection more */
void addresses_leave(struct addresses *addresses, uint64_t key);
size_t addresses_count(const struct addresses *addresses, uint64_t key);

#endif
