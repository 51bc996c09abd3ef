/*
 * pool_slots.h - which slots of a pool are in use: the free list, the end of the file, and the
 * slots that are retired. For the other files of the pool; any thread, under the pool's mutex.
 *
 * A slot that is no longer in use is not used again at once. The disk may have any mixture of old
 * and new pages until a sync has worked, and what is written into the slot must not meet the
 * header of the session that was there. So it goes this way, a stage at a time after each sync:
 *
 *     succeeded   another slot has the session now; when that is on the disk: cleared
 *     ended       it says that its session has ended, until that and the clearing of those that it
 *                 succeeded are on the disk: cleared
 *     cleared     its header is 0; when that is on the disk: free
 *
 * A record that no sync can have met yet is free at once, unless it must tell of an end.
 *
 * If there is no other room, the slot that has waited longest is used before its time. A kill
 * loses nothing by that; after a power failure a session that was evicted or deleted meanwhile may
 * be there again, as it was at some time before.
 */
#ifndef POOL_SLOTS_H
#define POOL_SLOTS_H

#include "service/pool/pool.h"

enum { SLOTS_UNCOUNTED = 0 };

/* How many slots so many sessions may ever need: for each one, and for its successor while the disk
 * syncs; and some more, so that a few may be written anew again and again. */
size_t slots_needed(size_t session_max);
void slots_init(struct pool *pool, size_t session_max);

/* A slot of that class and room for one session more, of at most so many, or (SLOTS_UNCOUNTED) for
 * one that takes another slot's place. It is claimed. STATUS_SESSIONS_FULL has no *fault. */
__attribute__((warn_unused_result)) enum status slots_take(struct pool *pool, unsigned record_class,
                                                           unsigned room, size_t most,
                                                           uint16_t owner, uint32_t *ret_slot,
                                                           struct fault *fault);
/* With the mutex held, or before the pool is used. */
void slots_push_free(struct pool *pool, uint32_t slot);
/* A claimed slot of which nothing is on the disk. */
void slots_free(struct pool *pool, uint32_t slot);
/* In a section of writes: a claimed slot whose session is no longer to be found there. */
void slots_retire(struct pool *pool, uint64_t section, uint32_t slot, enum retirement retirement);
/* After each sync that worked. */
void slots_sweep(struct pool *pool);
/* What the slot knows of the session's newest copy. */
static inline void slots_note_copy(struct pool *pool, uint32_t slot, const struct record_copy *copy)
{
    atomic_store_explicit(&pool_slot(pool, slot)->last_seen_at_ms, copy->last_seen_at_ms,
                          memory_order_relaxed);
}
/* What it knows of the session's life (record.h), once that is fixed. */
void slots_note_life(struct pool *pool, uint32_t slot);
/* The same of a session that another process left. A time to come is none (its steady clock was not
 * kept, or it was another machine's): the session counts as seen now. */
void slots_note_found(struct pool *pool, uint32_t slot, const struct record_copy *copy,
                      int64_t now_ms);

static inline unsigned slots_flags(const struct pool *pool, uint32_t slot)
{
    return atomic_load_explicit(&pool_slot(pool, slot)->flags, memory_order_relaxed);
}

static inline void slots_set_flags(struct pool *pool, uint32_t slot, unsigned flags)
{
    atomic_store_explicit(&pool_slot(pool, slot)->flags, (uint16_t)flags, memory_order_relaxed);
}

/* The session of that slot is in another one now, or (INDEX_NONE) is gone. */
static inline void slots_replace_donor(struct pool *pool, uint32_t slot, uint32_t successor)
{
    if (atomic_load_explicit(&pool->donor, memory_order_relaxed) == slot) {
        atomic_store_explicit(&pool->donor, successor, memory_order_relaxed);
    }
}

/* Returns OWNER_NONE if the slot is the caller's now, else its owner. */
static inline uint16_t slots_claim(struct pool *pool, uint32_t slot, uint16_t owner)
{
    uint16_t holder = OWNER_NONE;
    bool claimed = atomic_compare_exchange_strong_explicit(
        &pool_slot(pool, slot)->owner, &holder, owner, memory_order_acquire, memory_order_relaxed);
    return claimed ? OWNER_NONE : holder;
}

#endif
