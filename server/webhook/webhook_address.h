/*
 * webhook_address.h - which addresses a webhook may be posted to: those of the public Internet. A
 * rule's URL comes from a client, and grud stands where that client may not: behind a firewall,
 * beside a cloud's metadata service. Pure; any thread.
 */
#ifndef WEBHOOK_ADDRESS_H
#define WEBHOOK_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Whether it is an address that anyone may have: none of this machine, of a private or a link's own
 * network, of a group, or of a use that the registries of special addresses name (RFC 6890). One of
 * IPv6 that stands for one of IPv4 is judged by that. */
bool webhook_address_is_public(const struct sockaddr *address);

#endif
