#include "service/pool/pool_adopt.h"

#include "base/log.h"
#include "service/pool/pool_file.h"
#include "service/pool/pool_journal.h"
#include "service/pool/pool_slots.h"

#include <string.h>

/* A record that tells of a session what another record knows better. */
static void drop_stale(struct pool *pool, uint32_t slot)
{
    record_header_clear(pool_record(pool, slot));
    slots_retire(pool, atomic_load(&pool->begun), slot, RETIREMENT_CLEARED);
}

static uint64_t birth_of(const struct pool *pool, uint32_t slot)
{
    return record_header_of(pool_record(pool, slot))->birth;
}

uint32_t pool_find_slot(struct pool *pool, const struct pool_key *key)
{
    struct index_shard *shard = index_lock(&pool->index, key->hash);
    uint32_t slot = index_find(&pool->index, shard, key->hash, key->id, key->n);
    index_unlock(shard);
    return slot;
}

void pool_note_damaged(struct pool *pool, size_t number)
{
    log_event(LOG_ERROR, "session_damaged", LOG_STRING("session", NULL),
              LOG_INT("slot", (int64_t)number));
    atomic_fetch_add_explicit(&pool->n_ended[TOMBSTONE_DAMAGED], 1, memory_order_relaxed);
}

/* What was never promised may be there in part. */
static bool was_never_whole(struct pool *pool, uint32_t slot)
{
    struct record_findings findings;
    if (birth_of(pool, slot) < pool->promised_births) {
        return false;
    }
    record_examine(pool_layout(pool, slot), pool_record(pool, slot), &findings);
    return !findings.copy;
}

static void drop_damaged(struct pool *pool, uint32_t slot)
{
    char *record = pool_record(pool, slot);
    if (birth_of(pool, slot) < pool->promised_births && !record_birth_is_torn(record)) {
        pool_note_damaged(pool, slot);
    } else {
        pool_note_stepped_back(pool, NULL, 0);
    }
    record_begin(pool_layout(pool, slot), record, "", 0); /* so that it is noted once */
    slots_push_free(pool, slot);
}

/* Of two records of one session: whether the one that succeeded the other is to be dropped. It may
 * have been on its way to the disk and lack readings that the other one still has; the other one is
 * then what the last sync was for, or younger. */
static bool lacks_what_the_other_has(struct pool *pool, uint32_t slot, uint32_t other)
{
    struct record_findings own, of_other;
    if (birth_of(pool, slot) < pool->promised_births) {
        return false;
    }
    record_examine(pool_layout(pool, slot), pool_record(pool, slot), &own);
    record_examine(pool_layout(pool, other), pool_record(pool, other), &of_other);
    bool other_has_more = of_other.copy && (of_other.n_readings == of_other.copy->n_readings ||
                                            of_other.n_readings > own.n_readings);
    return own.n_readings < own.copy->n_readings && other_has_more;
}

/* Drops one of them; true if it is the second. A kill or a power failure leaves two. */
static bool drops_second(struct pool *pool, uint32_t first, uint32_t second, const char *id)
{
    bool is_second_younger = birth_of(pool, second) > birth_of(pool, first);
    uint32_t younger = is_second_younger ? second : first;
    uint32_t elder = is_second_younger ? first : second;
    bool lacks = lacks_what_the_other_has(pool, younger, elder);
    if (lacks) {
        pool_note_stepped_back(pool, id, pool_newest(pool, elder)->step);
    }
    return lacks == is_second_younger;
}

static enum status adopt_session(struct pool *pool, uint32_t slot, int64_t now_ms,
                                 struct fault *fault)
{
    char id[SESSION_ID_MAX + 1];
    struct pool_key key = pool_key_of_record(pool_record(pool, slot), id);
    if (was_never_whole(pool, slot)) {
        pool_note_stepped_back(pool, id, 0);
        record_header_clear(pool_record(pool, slot));
        slots_push_free(pool, slot);
        return STATUS_OK;
    }
    pool_slot(pool, slot)->hash = (uint32_t)key.hash;
    uint32_t other = pool_find_slot(pool, &key);
    if (other != INDEX_NONE && drops_second(pool, other, slot, id)) {
        drop_stale(pool, slot);
        return STATUS_OK;
    }
    struct index_shard *shard = index_lock(&pool->index, key.hash);
    if (other != INDEX_NONE) {
        index_remove(&pool->index, shard, other);
    }
    bool inserted = index_insert(&pool->index, shard, slot);
    index_unlock(shard);
    if (!inserted) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for session '%s'", id);
    }
    if (other != INDEX_NONE) {
        pool_count_session(pool, other, (size_t)-1);
        drop_stale(pool, other);
    }
    pool_count_session(pool, slot, 1);
    pool->n_taken++;
    slots_set_flags(pool, slot, SLOT_USED | SLOT_COUNTED);
    slots_note_found(pool, slot, pool_newest(pool, slot), now_ms);
    return STATUS_OK;
}

/* A session that has ended, and what other records still hold of it. */
static void adopt_end(struct pool *pool, uint32_t slot)
{
    char id[SESSION_ID_MAX + 1];
    struct pool_key key = pool_key_of_record(pool_record(pool, slot), id);
    uint32_t other = pool_find_slot(pool, &key);
    if (other != INDEX_NONE && birth_of(pool, other) < birth_of(pool, slot)) {
        struct index_shard *shard = index_lock(&pool->index, key.hash);
        index_remove(&pool->index, shard, other);
        index_unlock(shard);
        pool_count_session(pool, other, (size_t)-1);
        drop_stale(pool, other);
    }
    slots_retire(pool, atomic_load(&pool->begun), slot, RETIREMENT_ENDED);
}

/* An end is put before those of *first_end: it can only be understood once all sessions are known.
 */
static enum status adopt(struct pool *pool, uint32_t slot, int64_t now_ms, uint32_t *first_end,
                         struct fault *fault)
{
    enum status status = STATUS_OK;
    switch (record_use_of(pool_layout(pool, slot), pool_record(pool, slot))) {
    case RECORD_UNUSED:
        slots_push_free(pool, slot);
        break;
    case RECORD_IN_USE:
        status = adopt_session(pool, slot, now_ms, fault);
        break;
    case RECORD_ENDED:
        pool_slot(pool, slot)->hash = *first_end;
        *first_end = slot;
        break;
    case RECORD_DAMAGED:
        drop_damaged(pool, slot);
        break;
    }
    return status;
}

/* Asks for what `adopt` reads of the record that lies so many before this one: without that, most
 * of the time of a start goes by waiting for memory. */
static void prefetch_before(const struct pool *pool, uint32_t slot, uint32_t n_left)
{
    enum { AHEAD = 8 };
    if (n_left > AHEAD) {
        const struct record_layout *layout = pool_layout(pool, slot);
        char *record = pool_record(pool, slot - AHEAD);
        for (size_t at = 0; at < record_header_bytes(layout); at += 64) {
            __builtin_prefetch(record + at);
        }
        for (int k = 0; k < 2; k++) {
            __builtin_prefetch(record_copy_at(layout, record, k));
        }
    }
}

enum status pool_adopt(struct pool *pool, const char *path, int64_t now_ms, struct fault *fault)
{
    enum status status = STATUS_OK;
    size_t n = atomic_load(&pool->n_extents), n_slots = 0;
    uint32_t first_end = INDEX_NONE;
    for (size_t k = 0; k < n; k++) {
        n_slots += pool->extents[k].n_fresh;
    }
    if (!index_reserve(&pool->index, n_slots)) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for %zu sessions", n_slots);
    }
    pool_file_rewrite(pool, path);
    journal_apply(pool);
    pool_file_start(pool, path);
    /* From the last to the first, so that the free list hands out the first first. */
    for (size_t k = n; k > 0; k--) {
        uint32_t first = (uint32_t)(k - 1) * EXTENT_SLOTS_MAX;
        for (uint32_t i = pool->extents[k - 1].n_fresh; status == STATUS_OK && i > 0; i--) {
            prefetch_before(pool, first + i - 1, i);
            status = adopt(pool, first + i - 1, now_ms, &first_end, fault);
        }
    }
    while (status == STATUS_OK && first_end != INDEX_NONE) {
        uint32_t slot = first_end;
        first_end = pool_slot(pool, slot)->hash;
        adopt_end(pool, slot);
    }
    return status;
}
