/*
 * cluster_lookup.h - the addresses of a host, without waiting for them: a name is looked up by a
 * thread of the C library. One at a time, for one thread.
 */
#ifndef CLUSTER_LOOKUP_H
#define CLUSTER_LOOKUP_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Before a filter of system calls, below which no code may be loaded any more. False: the C library
 * could not end a thread. */
__attribute__((warn_unused_result)) bool cluster_lookup_setup(void);

struct cluster_lookup; /* on its way */

/* NULL: no memory. */
struct cluster_lookup *cluster_lookup_begin(const char *host, uint16_t port);

enum cluster_found { CLUSTER_FOUND, CLUSTER_FINDS, CLUSTER_FOUND_NOTHING };
/* FOUND: the list of addresses, which is freed with the lookup; FOUND_NOTHING: the reason, a
 * constant. */
enum cluster_found cluster_lookup_look(const struct cluster_lookup *lookup,
                                       const struct addrinfo **ret_list, const char **ret_reason);
/* Takes NULL, and one that is still on its way: that is given up. */
void cluster_lookup_free(struct cluster_lookup *lookup);

#endif
