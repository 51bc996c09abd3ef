/*
 * tombstones.h - sessions that ended on their own (expired, evicted, damaged), remembered for up to a day so that
 * clients can be told; a bounded number of them, the oldest forgotten first. In memory only. Any thread: one
 * mutex, held alone and briefly.
 */
#ifndef TOMBSTONES_H
#define TOMBSTONES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tomb_reason { TOMB_EXPIRED, TOMB_EVICTED, TOMB_DAMAGED, TOMB_REASONS };

struct tomb {
    uint64_t hash; /* of the id; 0: an empty place */
    int64_t ended_at_ms;
    uint32_t ttl_s;
    uint32_t next; /* the next in its chain, + 1 */
    enum tomb_reason reason;
};

struct tombs {
    pthread_mutex_t mutex; /* guards everything below but n */
    struct tomb *ring;     /* [max] */
    uint32_t *chains;      /* [n_chains] first of each chain, + 1 */
    size_t max, n_chains, next_place;
    _Atomic size_t n;
};

__attribute__((warn_unused_result)) bool tombs_init(struct tombs *tombs, size_t max);
void tombs_done(struct tombs *tombs);
void tombs_add(struct tombs *tombs, uint64_t hash, enum tomb_reason reason, int64_t ended_at_ms,
               uint32_t ttl_s);
bool tombs_find(struct tombs *tombs, uint64_t hash, int64_t now_ms, struct tomb *ret_tomb);
bool tombs_forget(struct tombs *tombs, uint64_t hash); /* true if there was one */
/* Adds what `from` remembers to `to`, the oldest first. */
void tombs_copy(struct tombs *from, struct tombs *to);

#endif
