/*
 * cluster_counts.h - what the links to an engine count, for /metrics. Each link writes counts of
 * its own, so that counting takes no lock and no atomic addition; any thread may add them up. They
 * are the target's, and stay when their link goes: the next link goes on with them.
 */
#ifndef CLUSTER_COUNTS_H
#define CLUSTER_COUNTS_H

#include "base/histogram.h"
#include "cluster/cluster_trouble.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cluster_target;

/* What the engine said of a session that it was asked for. */
#define CLUSTER_READ_TABLE(X)                                                                      \
    X(CONFIRMED, "confirmed") /* it has what the cache has */                                      \
    X(MISSED, "missed")       /* the cache did not have it */                                      \
    X(NEWER, "newer")         /* than the cache's */                                               \
    X(ABSENT, "absent")       /* there is none */                                                  \
    X(FAILED, "failed")

/* And of one that was to be written or deleted. */
#define CLUSTER_WRITE_TABLE(X)                                                                     \
    X(DONE, "done")                                                                                \
    X(REFUSED, "refused") /* another node was faster */                                            \
    X(FAILED, "failed")

enum cluster_read_outcome {
#define CLUSTER_READ_ENUM(name, word) CLUSTER_READ_##name,
    CLUSTER_READ_TABLE(CLUSTER_READ_ENUM)
#undef CLUSTER_READ_ENUM
        CLUSTER_N_READS
};
enum cluster_write_outcome {
#define CLUSTER_WRITE_ENUM(name, word) CLUSTER_WRITE_##name,
    CLUSTER_WRITE_TABLE(CLUSTER_WRITE_ENUM)
#undef CLUSTER_WRITE_ENUM
        CLUSTER_N_WRITES
};

struct cluster_counts {
    _Atomic uint64_t n_connections; /* that became ready */
    _Atomic uint64_t n_unanswered;  /* trips that were sent */
    _Atomic uint64_t n_given_up;    /* writes that were refused once too often */
    _Atomic uint64_t failures[CLUSTER_N_TROUBLES];
    _Atomic uint64_t reads[CLUSTER_N_READS], writes[CLUSTER_N_WRITES];
    struct histogram trips_took; /* commands that were answered, but for signs of life */
    atomic_bool is_taken;
    struct cluster_counts *next;
};

const char *cluster_read_word(enum cluster_read_outcome outcome);
const char *cluster_write_word(enum cluster_write_outcome outcome);
/* Of enum cluster_trouble: "too_old". */
enum { CLUSTER_FAILURE_MAX = 32 };
void cluster_failure_word(size_t k, char ret_word[CLUSTER_FAILURE_MAX]);

/* Counts that no other link has; NULL: no memory. */
struct cluster_counts *cluster_counts_take(struct cluster_target *target);
void cluster_counts_leave(struct cluster_counts *counts); /* takes NULL */
/* When no link is left. */
void cluster_counts_free(struct cluster_target *target);

/* Any thread: the sum over all links of the count that lies at this offset in each. */
uint64_t cluster_counts_sum(const struct cluster_target *target, size_t at);

#endif
