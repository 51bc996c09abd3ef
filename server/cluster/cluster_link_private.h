/* cluster_link_private.h - what the files of cluster_link.h share. */
#ifndef CLUSTER_LINK_PRIVATE_H
#define CLUSTER_LINK_PRIVATE_H

#include "cluster/cluster_commands.h"
#include "cluster/cluster_counts.h"
#include "cluster/cluster_greeting.h"
#include "cluster/cluster_link.h"
#include "cluster/cluster_lookup.h"

enum {
    CLUSTER_MS_NS = 1000000,
    CLUSTER_LOOKUP_NS = 5 * CLUSTER_MS_NS, /* how often one that is on its way is looked at */
    CLUSTER_BACKOFF_NS = 10 * CLUSTER_MS_NS,
    CLUSTER_SILENCE_NS = 1000 * CLUSTER_MS_NS, /* then the engine is asked for a sign of life */
    CLUSTER_INPUT_BYTES = 64 << 10
};

enum cluster_link_state {
    LINK_RESTS,    /* until it is due to try again */
    LINK_LOOKS_UP, /* the host's addresses */
    LINK_CONNECTS, /* TLS, too */
    LINK_GREETS,
    LINK_READY,
    LINK_ENDS /* the engine is no longer fit; what is out may still be answered */
};

/* A command whose sender waits. */
struct cluster_waiter {
    const struct cluster_reply *reply;
    bool is_over;
};

struct cluster_link {
    struct cluster_target *target;
    struct cluster_counts *counts;
    enum cluster_link_state state;
    struct cluster_failure failure; /* why it is not ready */
    size_t n_failures;
    int64_t due_ns;     /* RESTS: the next attempt; CONNECTS: the end of this one */
    int64_t backoff_ns; /* of the next rest */
    int64_t ready_ns, heard_ns;
    uint32_t random;
    struct cluster_lookup *lookup;
    const struct addrinfo *address; /* the one that is tried; NULL: a new lookup */
    struct cluster_socket socket;
    struct cluster_commands commands;
    struct cluster_reader *reader;
    uint64_t n_received;
    struct cluster_greeting greeting;
    struct cluster_known known;
    bool admits_loss;
    int64_t n_left; /* of the writes of an engine that is being healed; else -1 */
    struct cluster_waiter *waiter;
    bool is_held;  /* the reply that the reader gave last is still of use */
    bool has_more; /* to be read, which poll does not see */
    char input[CLUSTER_INPUT_BYTES];
};

/* cluster_link_send in any state; the function is a cluster_queue. */
cluster_queue cluster_link_queue;
/* Begins an attempt to connect. */
void cluster_link_try(struct cluster_link *link, int64_t now_ns);
/* When the oldest command, of which there must be one, is given up. */
int64_t cluster_link_patience(const struct cluster_link *link);
/* Ends all that is out. */
void cluster_link_end_all(struct cluster_link *link);

#endif
