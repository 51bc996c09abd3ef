/*
 * pool.h - the sessions of one model: records in a region, found by id, claimed while they are
 * worked on. Any thread.
 *
 * Only the holder of a claim reads and writes the slot's record. A claim is an atomic word in the
 * slot, so taking one never blocks. Locks: `mutex` guards the free list and the eviction
 * candidates, each index shard and the tombstones have their own, and so do syncs; none is held
 * while another is taken, nor while a claim is waited for.
 */
#ifndef POOL_H
#define POOL_H

#include "base/status.h"
#include "service/pool/index.h"
#include "service/pool/record.h"
#include "service/pool/tombstones.h"
#include "store/region.h"

#include <stdatomic.h>

enum { POOL_VICTIMS = 64 };

/* Owners of a claim: workers from 1 on, and these. */
enum { OWNER_NONE = 0, OWNER_MAIN = UINT16_MAX - 1, OWNER_MOVED = UINT16_MAX };

enum { SLOT_USED = 1, SLOT_VERIFIED = 2, SLOT_OWN_TTL = 4 };

struct slot {
    _Atomic uint16_t owner;
    _Atomic uint16_t flags;
    uint32_t hash; /* low bits of the id's hash; of a free slot: the next free one */
    _Atomic int64_t last_seen_at_ms;
};

struct pool_options {
    const char *name;   /* the model's */
    const char *path;   /* NULL: anonymous memory */
    uint64_t variables; /* a digest of the names of its inputs and outputs */
    struct record_layout layout;
    size_t session_max, tombstone_max;
    uint32_t ttl_s; /* 0: never */
    bool evict;
    int64_t now_ms;
};

struct pool_victim {
    uint32_t slot;
    int64_t last_seen_at_ms;
};

struct pool {
    _Atomic unsigned n_refs;
    struct record_layout layout;
    size_t session_max;
    uint32_t ttl_s;
    bool evict;
    struct region region;
    struct slot *slots; /* [n_slots], address space that is touched as slots are used */
    size_t n_slots;     /* session_max, or as many as the last process left */
    struct index index;
    struct tombstones tombstones;
    _Atomic bool is_closed; /* its sessions are moving to another pool: none may be added */
    _Atomic size_t n_sessions, n_own_ttl;
    _Atomic uint64_t n_created, n_ended[TOMBSTONE_REASONS];

    pthread_mutex_t mutex; /* guards what follows */
    uint32_t n_fresh;      /* slots below it have been in use at some time */
    uint32_t n_taken;      /* of those that are in use now, also by sessions in the making */
    uint32_t first_free;   /* INDEX_NONE: none */
    struct pool_victim victims[POOL_VICTIMS];
    size_t n_victims;

    _Atomic bool owes_sync;         /* somebody waits for a sync (commit.h) */
    _Atomic bool has_failed_commit; /* for good: one that somebody waited for */
    _Atomic uint64_t n_sync_tickets;
    pthread_mutex_t sync_mutex; /* held while the disk works; guards what follows */
    uint64_t n_synced_tickets;
    bool has_failed_sync; /* for good */
};

/* An id with its hash, which is keyed: the files hold no hash of an id. */
struct pool_key {
    const char *id;
    size_t n;
    uint64_t hash;
};
struct pool_key pool_key_of(const char *id);

enum status pool_open(const struct pool_options *options, struct pool **ret_pool,
                      struct fault *fault);
struct pool *pool_ref(struct pool *pool);
void pool_unref(struct pool *pool);

static inline char *pool_record(const struct pool *pool, uint32_t slot)
{
    return pool->region.base + RECORD_PAGE + record_offset(&pool->layout, slot);
}

enum claim {
    CLAIM_OK,
    CLAIM_OWN,   /* this owner has it already */
    CLAIM_BUSY,  /* another owner works on it */
    CLAIM_MOVED, /* it is in another pool, which is about to be published */
    CLAIM_ABSENT,
    CLAIM_ENDED /* expired, evicted or damaged: *fault says so */
};

/* Claims the session for `owner`. One whose time is over is ended on the way. */
enum claim pool_claim(struct pool *pool, const struct pool_key *key, uint16_t owner, int64_t now_ms,
                      uint32_t *ret_slot, struct fault *fault);
void pool_release(struct pool *pool, uint32_t slot);

/* Whether another session needs one to be evicted. */
static inline bool pool_is_full(const struct pool *pool)
{
    return atomic_load_explicit(&pool->n_sessions, memory_order_relaxed) >= pool->session_max;
}

/* A new record, claimed, with its header written and no copy sealed; not to be found until
 * pool_publish. When the pool is full, the least recently used session makes room, or the answer is
 * sessions_full. A pool that the last process left fuller than session_max serves all that there
 * are; for a new one two make room, until the limit holds. */
enum status pool_alloc(struct pool *pool, const struct pool_key *key, uint16_t owner,
                       int64_t now_ms, uint32_t *ret_slot, struct fault *fault);
/* Lets the record be found (it stays claimed). CLAIM_BUSY: another thread made a session of that id
 * meanwhile. CLAIM_ENDED: no memory (*fault). On anything but CLAIM_OK the caller discards the
 * slot. */
enum claim pool_publish(struct pool *pool, const struct pool_key *key, uint32_t slot,
                        struct fault *fault);
void pool_discard(struct pool *pool, uint32_t slot); /* a slot that was not published */
void pool_remove(struct pool *pool,
                 uint32_t slot); /* a claimed session: it is gone, and so is the claim */

/* When the claimed session's time is over; 0: never. All times here are by the steady clock. */
int64_t pool_expires_at_ms(const struct pool *pool, uint32_t slot);
/* To be called by the holder of the claim after a copy was sealed. */
void pool_note_copy(struct pool *pool, uint32_t slot, const struct record_copy *copy);
/* The same of a copy that another process left. A time to come is none (its steady clock was not
 * kept, or it was another machine's): the session counts as seen now. */
void pool_note_found(struct pool *pool, uint32_t slot, const struct record_copy *copy,
                     int64_t now_ms);

/* Returns once everything that was written before the call is on disk; calls meanwhile share
 * the next sync. False if a sync has ever failed: the kernel then forgets what it was to
 * write, so that one that works proves nothing of what came before it. The next process that opens
 * the file writes all of it anew. */
__attribute__((warn_unused_result)) bool pool_sync(struct pool *pool);

/* Ends every session whose time is over. */
void pool_expire(struct pool *pool, int64_t now_ms);

/* The sessions of `old` in a new pool of the wanted layout, whose file takes the place of the old
 * one's. Their states are left for the next step to re-warm. Afterwards, and for good, claims on
 * `old` say CLAIM_MOVED; on failure `old` is as it was. */
enum status pool_convert(const struct pool_options *options, struct pool *old,
                         struct pool **ret_pool, struct fault *fault);

#endif
