#include "service/pool/pool_adopt.h"

#include "base/log.h"
#include "service/pool/pool_extents.h"
#include "service/pool/pool_file.h"
#include "service/pool/pool_journal.h"
#include "service/pool/pool_slots.h"

#include <string.h>

static void free_slot(struct pool *pool, uint32_t slot)
{
    char *record = pool_record(pool, slot);
    if (record_header_of(record)->check != 0) { /* else the page stays clean */
        record_header_clear(record);
    }
    pool_slot(pool, slot)->hash = pool->first_free;
    pool->first_free = slot;
}

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

void pool_note_damaged(struct pool *pool, size_t position)
{
    log_event(LOG_ERROR, "session_damaged", LOG_STRING("session", NULL),
              LOG_INT("slot", (int64_t)position));
    atomic_fetch_add_explicit(&pool->n_ended[TOMBSTONE_DAMAGED], 1, memory_order_relaxed);
}

/* What was never promised may be there in part. */
static bool was_never_whole(struct pool *pool, uint32_t slot)
{
    struct record_findings findings;
    if (birth_of(pool, slot) < pool->promised_births) {
        return false;
    }
    record_examine(&pool->layout, pool_record(pool, slot), &findings);
    return !findings.copy;
}

/* Frees a slot that holds no session. */
static bool drop_unused(struct pool *pool, uint32_t slot)
{
    char *record = pool_record(pool, slot);
    if (record_header_is_damaged(&pool->layout, record)) {
        if (birth_of(pool, slot) < pool->promised_births) {
            pool_note_damaged(pool, extents_position(pool, slot));
        } else {
            pool_note_stepped_back(pool, NULL, 0);
        }
        record_begin(&pool->layout, record, "", 0); /* so that it is noted once */
    } else if (record_header_is_valid(record)) {
        if (!was_never_whole(pool, slot)) {
            return false;
        }
        char id[SESSION_ID_MAX + 1];
        pool_key_of_record(record, id);
        pool_note_stepped_back(pool, id, 0);
    }
    free_slot(pool, slot);
    return true;
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
    record_examine(&pool->layout, pool_record(pool, slot), &own);
    record_examine(&pool->layout, pool_record(pool, other), &of_other);
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
        pool_note_stepped_back(pool, id,
                               record_newest(&pool->layout, pool_record(pool, elder))->step);
    }
    return lacks == is_second_younger;
}

static enum status adopt(struct pool *pool, uint32_t slot, int64_t now_ms, struct fault *fault)
{
    char *record = pool_record(pool, slot);
    if (record_header_is_ended(record) || drop_unused(pool, slot)) {
        return STATUS_OK;
    }
    char id[SESSION_ID_MAX + 1];
    struct pool_key key = pool_key_of_record(record, id);
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
        drop_stale(pool, other);
    } else {
        pool_count_session(pool, 1);
    }
    pool->n_taken++;
    slots_set_flags(pool, slot, SLOT_USED | SLOT_COUNTED);
    slots_note_found(pool, slot, record_newest(&pool->layout, record), now_ms);
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
        pool_count_session(pool, (size_t)-1);
        drop_stale(pool, other);
    }
    slots_retire(pool, atomic_load(&pool->begun), slot, RETIREMENT_ENDED);
}

/* How many whole records the file holds. Of a record that was cut off, the rest goes: the file will
 * grow again, and what the slot held once would be found there by a later process. */
static enum status map_records(struct pool *pool, const char *path, size_t *ret_n,
                               struct fault *fault)
{
    const struct record_layout *layout = &pool->layout;
    size_t size = atomic_load(&pool->region.size);
    *ret_n = 0;
    if (size <= pool->records_from) { /* there was no session yet, or the file was cut */
        return STATUS_OK;
    }
    size_t area = size - pool->records_from;
    size_t n = area / layout->record_bytes;
    size_t left = area - record_offset(layout, n);
    if (n >= POOL_SLOTS_MAX) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                         "%s has room for %zu sessions, and grud can hold %d of a model", path, n,
                         POOL_SLOTS_MAX - 1);
    }
    enum status status = extents_reach(pool, n + 1, fault);
    if (status != STATUS_OK) {
        return status;
    }
    char *rest = pool_record(pool, extents_slot_at(pool, n));
    if (left >= sizeof(struct record_header) && record_header_of(rest)->check != 0) {
        pool_note_damaged(pool, n);
    }
    memset(rest, 0, left);
    *ret_n = n;
    return STATUS_OK;
}

static bool is_unused(const struct pool *pool, uint32_t slot)
{
    char *record = pool_record(pool, slot);
    return record_header_of(record)->check == 0 && !record_header_is_damaged(&pool->layout, record);
}

enum status pool_adopt(struct pool *pool, const char *path, int64_t now_ms, struct fault *fault)
{
    size_t n;
    enum status status = map_records(pool, path, &n, fault);
    if (status != STATUS_OK) {
        return status;
    }
    pool_file_rewrite(pool, path);
    if (n > 0) {
        journal_apply(pool, n);
    }
    pool_file_start(pool, path);
    /* The file was grown in pages; beyond the limit only what holds a session is a slot. */
    while (n > pool->n_slots && is_unused(pool, extents_slot_at(pool, n - 1))) {
        n--;
    }
    pool->n_slots = n > pool->n_slots ? n : pool->n_slots;
    extents_set_fresh(pool, n);
    /* From the last to the first, so that the free list hands out the first first. */
    for (size_t k = n; status == STATUS_OK && k > 0; k--) {
        status = adopt(pool, extents_slot_at(pool, k - 1), now_ms, fault);
    }
    for (size_t k = n; status == STATUS_OK && k > 0; k--) {
        uint32_t slot = extents_slot_at(pool, k - 1);
        if (record_header_is_ended(pool_record(pool, slot))) {
            adopt_end(pool, slot);
        }
    }
    return status;
}
