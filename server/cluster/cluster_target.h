/*
 * cluster_target.h - the engine that a node's options name: where it is, who grud is to it, and
 * whose certificates it is checked by. Read at the start, before the user is changed; all links
 * share it. Constant but for what was last logged about it and what its links have counted, which
 * is atomic, and for the password.
 */
#ifndef CLUSTER_TARGET_H
#define CLUSTER_TARGET_H

#include "base/status.h"
#include "cluster/cluster_url.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cluster_counts;
struct config;
struct tls_trust;

enum { CLUSTER_PREFIX_MAX = 64, CLUSTER_NAME_MAX = CLUSTER_HOST_MAX + 40 };

/* The newest; those before it are kept as long as the target, since links may be reading them. */
struct cluster_password {
    struct cluster_password *former;
    bool is_given; /* else nothing is said */
    char text[CLUSTER_PASSWORD_MAX + 1];
};

struct cluster_target {
    struct cluster_url url; /* but for its password, which is below */
    _Atomic(struct cluster_password *) password;
    char name[CLUSTER_NAME_MAX]; /* "redis://host:6379/0": without user and password */
    char prefix[CLUSTER_PREFIX_MAX + 1];
    int64_t timeout_ns;
    bool heals;                  /* nodes give back what it has lost */
    size_t n_replicas;           /* that must have what is acknowledged */
    struct tls_trust *trust;     /* NULL: no TLS */
    atomic_uint_fast64_t logged; /* troubles since the log last said that it is ready, as bits */
    atomic_bool is_warned;       /* of its policy of eviction */
    _Atomic(struct cluster_counts *) counts; /* of each link: cluster_counts.h */
};

/* Of an option --cluster that is not empty; before a filter of system calls. Faults have the option
 * as param. */
__attribute__((warn_unused_result)) enum status
cluster_target_read(const struct config *config, struct cluster_target **ret_target,
                    struct fault *fault);
/* The password as the options, and the file that they name, have it now: for cluster_target_take,
 * or cluster_password_free. */
__attribute__((warn_unused_result)) enum status
cluster_password_read(const struct config *config, struct cluster_password **ret_password,
                      struct fault *fault);
void cluster_password_free(struct cluster_password *password); /* wipes it; takes NULL */
/* Connections that are made from now on say that one. It is the target's from then on. */
void cluster_target_take(struct cluster_target *target, struct cluster_password *password);
/* Any thread. */
const struct cluster_password *cluster_target_password(const struct cluster_target *target);
/* When no link is left. Wipes the passwords. Takes NULL. */
void cluster_target_free(struct cluster_target *target);

#endif
