/*
 * tombstones.h - sessions that ended on their own (expired, evicted, damaged), remembered for up to
 * a day so that clients can be told; a bounded number of them, the oldest forgotten first. In
 * memory only. Any thread: one mutex, held alone and briefly.
 */
#ifndef TOMBSTONES_H
#define TOMBSTONES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tombstone_reason {
    TOMBSTONE_EXPIRED,
    TOMBSTONE_EVICTED,
    TOMBSTONE_DAMAGED,
    TOMBSTONE_REASONS
};

struct tombstone {
    uint64_t hash; /* of the id; 0: an empty entry */
    int64_t ended_at_ms;
    uint32_t ttl_s;
    uint32_t next; /* the next in its chain, + 1 */
    enum tombstone_reason reason;
};

struct tombstones {
    pthread_mutex_t mutex;  /* guards everything below but n */
    struct tombstone *ring; /* [max] */
    uint32_t *chains;       /* [n_chains] first of each chain, + 1 */
    size_t max, n_chains, next_entry;
    _Atomic size_t n;
};

__attribute__((warn_unused_result)) bool tombstones_init(struct tombstones *tombstones, size_t max);
void tombstones_done(struct tombstones *tombstones);
void tombstones_add(struct tombstones *tombstones, uint64_t hash, enum tombstone_reason reason,
                    int64_t ended_at_ms, uint32_t ttl_s);
bool tombstones_find(struct tombstones *tombstones, uint64_t hash, int64_t now_ms,
                     struct tombstone *ret_tombstone);
bool tombstones_forget(struct tombstones *tombstones, uint64_t hash); /* true if there was one */
/* Adds what `from` remembers to `to`, the oldest first. */
void tombstones_copy(struct tombstones *from, struct tombstones *to);

#endif
