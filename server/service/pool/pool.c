#include "service/pool/pool.h"

#include "base/hash.h"
#include "base/log.h"

#include <sched.h>
#include <string.h>

struct pool_key pool_key_of(const char *id)
{
    struct pool_key key = { .id = id, .n = strlen(id) };
    key.hash = hash_64(id, key.n);
    key.hash = key.hash ? key.hash : 1; /* tombstones use 0 for an empty entry */
    return key;
}

static struct pool_key key_of_slot(const struct pool *pool, uint32_t slot,
                                   char id[SESSION_ID_MAX + 1])
{
    const struct record_header *header = record_header_of(pool_record(pool, slot));
    memcpy(id, header->id, header->n_id);
    id[header->n_id] = '\0';
    return pool_key_of(id);
}

/* ---- claims ---- */

/* Returns OWNER_NONE if the slot is the caller's now, else its owner. */
static uint16_t claim_slot(struct pool *pool, uint32_t slot, uint16_t owner)
{
    uint16_t holder = OWNER_NONE;
    bool claimed = atomic_compare_exchange_strong_explicit(
        &pool->slots[slot].owner, &holder, owner, memory_order_acquire, memory_order_relaxed);
    return claimed ? OWNER_NONE : holder;
}

static bool try_claim(struct pool *pool, uint32_t slot, uint16_t owner)
{
    return claim_slot(pool, slot, owner) == OWNER_NONE;
}

void pool_release(struct pool *pool, uint32_t slot)
{
    atomic_store_explicit(&pool->slots[slot].owner, OWNER_NONE, memory_order_release);
}

static unsigned flags_of(const struct pool *pool, uint32_t slot)
{
    return atomic_load_explicit(&pool->slots[slot].flags, memory_order_relaxed);
}

static void set_flags(struct pool *pool, uint32_t slot, unsigned flags)
{
    atomic_store_explicit(&pool->slots[slot].flags, (uint16_t)flags, memory_order_relaxed);
}

void pool_note_copy(struct pool *pool, uint32_t slot, const struct record_copy *copy)
{
    atomic_store_explicit(&pool->slots[slot].last_seen_at_ms, copy->last_seen_at_ms,
                          memory_order_relaxed);
    unsigned flags = flags_of(pool, slot);
    bool own = copy->ttl_s != RECORD_TTL_CONFIGURED && copy->ttl_s != 0;
    if (own != ((flags & SLOT_OWN_TTL) != 0)) {
        set_flags(pool, slot, flags ^ SLOT_OWN_TTL);
        atomic_fetch_add_explicit(&pool->n_own_ttl, own ? 1 : (size_t)-1, memory_order_relaxed);
    }
}

void pool_note_found(struct pool *pool, uint32_t slot, const struct record_copy *copy,
                     int64_t now_ms)
{
    pool_note_copy(pool, slot, copy);
    if (copy->last_seen_at_ms > now_ms) {
        atomic_store_explicit(&pool->slots[slot].last_seen_at_ms, now_ms, memory_order_relaxed);
    }
}

static uint32_t ttl_of(const struct pool *pool, uint32_t slot)
{
    uint32_t ttl_s = record_newest(&pool->layout, pool_record(pool, slot))->ttl_s;
    return ttl_s == RECORD_TTL_CONFIGURED ? pool->ttl_s : ttl_s;
}

int64_t pool_expires_at_ms(const struct pool *pool, uint32_t slot)
{
    uint32_t ttl_s = ttl_of(pool, slot);
    int64_t last_seen =
        atomic_load_explicit(&pool->slots[slot].last_seen_at_ms, memory_order_relaxed);
    return ttl_s == 0 ? 0 : last_seen + (int64_t)ttl_s * 1000;
}

/* ---- the end of a session ---- */

static void push_free(struct pool *pool, uint32_t slot)
{
    record_header_clear(pool_record(pool, slot));
    if (flags_of(pool, slot) & SLOT_OWN_TTL) {
        atomic_fetch_sub_explicit(&pool->n_own_ttl, 1, memory_order_relaxed);
    }
    set_flags(pool, slot, 0);
    pthread_mutex_lock(&pool->mutex);
    pool->slots[slot].hash = pool->first_free;
    pool->first_free = slot;
    pool->n_taken--;
    pool_release(pool, slot);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_discard(struct pool *pool, uint32_t slot)
{
    push_free(pool, slot);
}

void pool_remove(struct pool *pool, uint32_t slot)
{
    char id[SESSION_ID_MAX + 1];
    struct pool_key key = key_of_slot(pool, slot, id);
    /* Before anyone can make a session of that id anew: the file never has two of them. */
    record_header_clear(pool_record(pool, slot));
    struct index_shard *shard = index_lock(&pool->index, key.hash);
    index_remove(&pool->index, shard, slot);
    index_unlock(shard);
    atomic_fetch_sub_explicit(&pool->n_sessions, 1, memory_order_relaxed);
    push_free(pool, slot);
}

/* Removes a claimed session that ended on its own, and remembers that. */
static void end_session(struct pool *pool, uint32_t slot, enum tombstone_reason reason,
                        int64_t ended_at_ms)
{
    char id[SESSION_ID_MAX + 1];
    struct pool_key key = key_of_slot(pool, slot, id);
    tombstones_add(&pool->tombstones, key.hash, reason, ended_at_ms, ttl_of(pool, slot));
    atomic_fetch_add_explicit(&pool->n_ended[reason], 1, memory_order_relaxed);
    pool_remove(pool, slot);
}

static bool end_if_expired(struct pool *pool, uint32_t slot, int64_t now_ms)
{
    int64_t expires_at_ms = pool_expires_at_ms(pool, slot);
    if (expires_at_ms == 0 || expires_at_ms > now_ms) {
        return false;
    }
    end_session(pool, slot, TOMBSTONE_EXPIRED, expires_at_ms);
    return true;
}

static enum claim fault_of_tombstone(struct pool *pool, const struct pool_key *key, int64_t now_ms,
                                     struct fault *fault)
{
    struct tombstone tombstone;
    if (!tombstones_find(&pool->tombstones, key->hash, now_ms, &tombstone)) {
        return CLAIM_ABSENT;
    }
    long long ago = (long long)(now_ms - tombstone.ended_at_ms) / 1000;
    ago = ago > 0 ? ago : 0; /* another thread, whose turn began later, may have ended it */
    switch (tombstone.reason) {
    case TOMBSTONE_EXPIRED:
        fault_set(fault, STATUS_SESSION_EXPIRED, "session",
                  "session '%s' expired %lld s ago (ttl %u s); DELETE or PUT it to begin anew",
                  key->id, ago, tombstone.ttl_s);
        break;
    case TOMBSTONE_EVICTED:
        fault_set(fault, STATUS_SESSION_EVICTED, "session",
                  "session '%s' was the least recently used when the pool was full, %lld s ago; "
                  "DELETE or "
                  "PUT it to "
                  "begin anew",
                  key->id, ago);
        break;
    case TOMBSTONE_DAMAGED:
        fault_set(
            fault, STATUS_SESSION_DAMAGED, "session",
            "both copies of session '%s' were damaged on disk; DELETE or PUT it to begin anew",
            key->id);
        break;
    case TOMBSTONE_REASONS:
        break;
    }
    return CLAIM_ENDED;
}

/* ---- finding ---- */

/* The first claim after a restart checks what the last process wrote. */
static bool is_verified(struct pool *pool, uint32_t slot, int64_t now_ms)
{
    unsigned flags = flags_of(pool, slot);
    if (flags & SLOT_VERIFIED) {
        return true;
    }
    char *record = pool_record(pool, slot);
    if (!record_verify(&pool->layout, record)) {
        return false;
    }
    set_flags(pool, slot, flags | SLOT_VERIFIED);
    pool_note_found(pool, slot, record_newest(&pool->layout, record), now_ms);
    return true;
}

enum claim pool_claim(struct pool *pool, const struct pool_key *key, uint16_t owner, int64_t now_ms,
                      uint32_t *ret_slot, struct fault *fault)
{
    struct index_shard *shard = index_lock(&pool->index, key->hash);
    uint32_t slot = index_find(&pool->index, shard, key->hash, key->id, key->n);
    uint16_t holder = slot != INDEX_NONE ? claim_slot(pool, slot, owner) : OWNER_NONE;
    index_unlock(shard);
    if (slot == INDEX_NONE) {
        return atomic_load(&pool->is_closed) ? CLAIM_MOVED
                                             : fault_of_tombstone(pool, key, now_ms, fault);
    }
    if (holder != OWNER_NONE) {
        return holder == OWNER_MOVED ? CLAIM_MOVED : holder == owner ? CLAIM_OWN : CLAIM_BUSY;
    }
    if (!is_verified(pool, slot, now_ms)) {
        log_event(LOG_ERROR, "session_damaged", LOG_STRING("session", key->id));
        end_session(pool, slot, TOMBSTONE_DAMAGED, now_ms);
        return fault_of_tombstone(pool, key, now_ms, fault);
    }
    if (end_if_expired(pool, slot, now_ms)) {
        return fault_of_tombstone(pool, key, now_ms, fault);
    }
    *ret_slot = slot;
    return CLAIM_OK;
}

/* ---- new sessions ---- */

static enum status make_room(struct pool *pool, uint32_t n_slots, struct fault *fault)
{
    enum { STEP_MIN = 1 << 16, STEP_MAX = 1 << 24 };
    size_t needed = RECORD_PAGE + record_area_bytes(&pool->layout, n_slots);
    size_t size = atomic_load(&pool->region.size);
    if (needed <= size) {
        return STATUS_OK;
    }
    size_t step = size < STEP_MIN ? STEP_MIN : size > STEP_MAX ? STEP_MAX : size;
    size_t larger = size + step > needed ? size + step : needed;
    larger = (larger + RECORD_PAGE - 1) / RECORD_PAGE * RECORD_PAGE;
    larger = larger < pool->region.reserved ? larger : pool->region.reserved;
    return region_grow(&pool->region, larger, fault);
}

/* With the mutex held: the POOL_VICTIMS least recently used sessions, the oldest last. Those
 * touched meanwhile are younger than all of them, so the list stays right until it is used up. */
static void find_victims(struct pool *pool)
{
    pool->n_victims = 0;
    for (uint32_t slot = 0; slot < pool->n_fresh; slot++) {
        int64_t seen =
            atomic_load_explicit(&pool->slots[slot].last_seen_at_ms, memory_order_relaxed);
        bool is_full = pool->n_victims == POOL_VICTIMS;
        if (!(flags_of(pool, slot) & SLOT_USED) ||
            (is_full && seen >= pool->victims[0].last_seen_at_ms)) {
            continue;
        }
        size_t at = 0; /* youngest first: a full list drops its first */
        size_t n = pool->n_victims;
        while (at < n && pool->victims[at].last_seen_at_ms > seen) {
            at++;
        }
        if (is_full) {
            at--;
            memmove(pool->victims, pool->victims + 1, at * sizeof *pool->victims);
        } else {
            memmove(pool->victims + at + 1, pool->victims + at, (n - at) * sizeof *pool->victims);
            pool->n_victims++;
        }
        pool->victims[at] = (struct pool_victim){ .slot = slot, .last_seen_at_ms = seen };
    }
}

/* False: there is none to evict. Another thread may hold the one that was found. */
static bool evict_one(struct pool *pool, uint16_t owner, int64_t now_ms, size_t *n_evicted)
{
    pthread_mutex_lock(&pool->mutex);
    if (pool->n_victims == 0) {
        find_victims(pool);
    }
    bool found = pool->n_victims > 0;
    struct pool_victim victim = { 0 };
    if (found) {
        victim = pool->victims[--pool->n_victims];
    }
    pthread_mutex_unlock(&pool->mutex);
    if (!found || !try_claim(pool, victim.slot, owner)) {
        return found;
    }
    int64_t seen =
        atomic_load_explicit(&pool->slots[victim.slot].last_seen_at_ms, memory_order_relaxed);
    if ((flags_of(pool, victim.slot) & SLOT_USED) && seen == victim.last_seen_at_ms) {
        end_session(pool, victim.slot, TOMBSTONE_EVICTED, now_ms);
        ++*n_evicted;
    } else {
        pool_release(pool, victim.slot);
    }
    return true;
}

/* `most`: how many may be taken, with this one. */
static enum status take_slot(struct pool *pool, size_t most, uint32_t *ret_slot,
                             struct fault *fault)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&pool->mutex);
    if (pool->n_taken >= most) {
        status = STATUS_SESSIONS_FULL;
    } else if (pool->first_free != INDEX_NONE) {
        *ret_slot = pool->first_free;
        pool->first_free = pool->slots[*ret_slot].hash;
    } else {
        status = make_room(pool, pool->n_fresh + 1, fault);
        *ret_slot = pool->n_fresh;
        pool->n_fresh += status == STATUS_OK;
    }
    pool->n_taken += status == STATUS_OK;
    pthread_mutex_unlock(&pool->mutex);
    return status;
}

static enum status take_slot_of_another(struct pool *pool, uint16_t owner, int64_t now_ms,
                                        uint32_t *ret_slot, struct fault *fault)
{
    enum { ATTEMPTS = 1000 };
    size_t n_evicted = 0;
    enum status status = STATUS_SESSIONS_FULL;
    for (int k = 0; status == STATUS_SESSIONS_FULL && k < ATTEMPTS; k++) {
        if (!evict_one(pool, owner, now_ms, &n_evicted)) {
            break;
        }
        /* Beyond the limit two go for one that comes. */
        size_t most = n_evicted < 2 ? pool->session_max : pool->n_slots;
        status = take_slot(pool, most, ret_slot, fault);
    }
    return status;
}

enum status pool_alloc(struct pool *pool, const struct pool_key *key, uint16_t owner,
                       int64_t now_ms, uint32_t *ret_slot, struct fault *fault)
{
    uint32_t slot = INDEX_NONE;
    enum status status = take_slot(pool, pool->session_max, &slot, fault);
    if (status == STATUS_SESSIONS_FULL && pool->evict) {
        status = take_slot_of_another(pool, owner, now_ms, &slot, fault);
    }
    if (status == STATUS_SESSIONS_FULL) {
        return fault_set(fault, STATUS_SESSIONS_FULL, "session",
                         "no room for session '%s': this model has %zu sessions, and may have %zu "
                         "(session-max)",
                         key->id, atomic_load(&pool->n_sessions), pool->session_max);
    }
    if (status != STATUS_OK) {
        return status;
    }
    while (!try_claim(pool, slot, owner)) {
        sched_yield(); /* expiry or eviction looks whether the slot is in use; it lets go at once */
    }
    pool->slots[slot].hash = (uint32_t)key->hash;
    char *record = pool_record(pool, slot);
    record_begin(&pool->layout, record);
    record_header_write(record, key->id);
    *ret_slot = slot;
    return STATUS_OK;
}

enum claim pool_publish(struct pool *pool, const struct pool_key *key, uint32_t slot,
                        struct fault *fault)
{
    struct index_shard *shard = index_lock(&pool->index, key->hash);
    bool is_closed = atomic_load(&pool->is_closed);
    bool exists = index_find(&pool->index, shard, key->hash, key->id, key->n) != INDEX_NONE;
    bool inserted = !is_closed && !exists && index_insert(&pool->index, shard, slot);
    if (inserted) {
        /* Before the lock goes: a thread that closes the pool then looks for sessions to move by
         * this flag. */
        set_flags(pool, slot, flags_of(pool, slot) | SLOT_USED | SLOT_VERIFIED);
        atomic_fetch_add_explicit(&pool->n_sessions, 1, memory_order_relaxed);
    }
    index_unlock(shard);
    if (is_closed || exists) {
        return is_closed ? CLAIM_MOVED : CLAIM_BUSY;
    }
    if (!inserted) {
        fault_set(fault, STATUS_NO_MEMORY, "session", "no memory for another session");
        return CLAIM_ENDED;
    }
    return CLAIM_OK;
}

/* ---- expiry ---- */

void pool_expire(struct pool *pool, int64_t now_ms)
{
    if (pool->ttl_s == 0 && atomic_load_explicit(&pool->n_own_ttl, memory_order_relaxed) == 0) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    uint32_t n_fresh = pool->n_fresh;
    pthread_mutex_unlock(&pool->mutex);
    for (uint32_t slot = 0; slot < n_fresh; slot++) {
        unsigned flags = flags_of(pool, slot);
        int64_t seen =
            atomic_load_explicit(&pool->slots[slot].last_seen_at_ms, memory_order_relaxed);
        /* Nothing is added to `seen`: the copy that it is of may not have been verified. */
        bool due = pool->ttl_s != 0 && seen <= now_ms - (int64_t)pool->ttl_s * 1000;
        if (!(flags & SLOT_USED) || !(due || (flags & SLOT_OWN_TTL)) ||
            !try_claim(pool, slot, OWNER_MAIN)) {
            continue;
        }
        bool is_live = (flags_of(pool, slot) & SLOT_USED) && is_verified(pool, slot, now_ms);
        if (!is_live || !end_if_expired(pool, slot, now_ms)) {
            pool_release(pool, slot);
        }
    }
}
