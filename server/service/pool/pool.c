#include "service/pool/pool.h"

#include "base/log.h"
#include "service/listeners.h"
#include "service/pool/pool_evict.h"
#include "service/pool/pool_slots.h"
#include "service/pool/pool_write.h"
#include "service/rules/rule_states.h"

#include <math.h>
#include <string.h>

/* ---- claims ---- */

static bool try_claim(struct pool *pool, uint32_t slot, uint16_t owner)
{
    return slots_claim(pool, slot, owner) == OWNER_NONE;
}

uint32_t pool_ttl_of(const struct pool *pool, uint32_t slot)
{
    uint32_t ttl_s = record_header_of(pool_record(pool, slot))->life.ttl_s;
    return ttl_s == RECORD_TTL_CONFIGURED ? pool->ttl_s : ttl_s;
}

int64_t pool_expires_at_ms(const struct pool *pool, uint32_t slot)
{
    uint32_t ttl_s = pool_ttl_of(pool, slot);
    int64_t last_seen =
        atomic_load_explicit(&pool_slot(pool, slot)->last_seen_at_ms, memory_order_relaxed);
    return ttl_s == 0 ? 0 : last_seen + (int64_t)ttl_s * 1000;
}

/* ---- the end of a session ---- */

void pool_discard(struct pool *pool, uint32_t slot)
{
    slots_free(pool, slot);
}

void pool_remove(struct pool *pool, uint32_t slot)
{
    char id[SESSION_ID_MAX + 1];
    char *record = pool_record(pool, slot);
    struct pool_key key = pool_key_of_record(record, id);
    bool is_unborn = record_is_unborn(record);
    uint64_t section = pool_begin_writes(pool);
    /* Before anyone can make a session of that id anew: the file never has two of them. */
    if (!is_unborn) {
        record_header_end(record);
    }
    struct index_shard *shard = index_lock(&pool->index, key.hash);
    index_remove(&pool->index, shard, slot);
    index_unlock(shard);
    pool_count_session(pool, slot, (size_t)-1);
    slots_replace_donor(pool, slot, INDEX_NONE);
    if (is_unborn) {
        slots_free(pool, slot);
    } else {
        slots_retire(pool, section, slot, RETIREMENT_ENDED);
    }
    pool_end_writes(pool, section);
}

static void end_firings(const struct pool *pool, const struct pool_key *key, int64_t ended_at_ms)
{
    const struct rule_session session = { .model = pool->name, .id = key->id, .hash = key->hash };
    const struct rule_sample sample = { .at_ms = ended_at_ms, .value = NAN };
    if (pool->rule_states && rule_states_are_any(pool->rule_states)) {
        rule_states_end_session(pool->rule_states, &session, &sample);
    }
}

/* Removes a claimed session that ended on its own, and remembers that. */
static void end_session(struct pool *pool, uint32_t slot, enum tombstone_reason reason,
                        int64_t ended_at_ms)
{
    static const enum session_end ends[TOMBSTONE_REASONS] = { [TOMBSTONE_EXPIRED] = SESSION_EXPIRED,
                                                              [TOMBSTONE_EVICTED] = SESSION_EVICTED,
                                                              [TOMBSTONE_DAMAGED] =
                                                                  SESSION_DAMAGED };
    char id[SESSION_ID_MAX + 1];
    struct pool_key key = pool_key_of_record(pool_record(pool, slot), id);
    if (pool->is_cache) { /* the engine has it, and knows what became of it */
        pool_remove(pool, slot);
        return;
    }
    tombstones_add(&pool->tombstones, key.hash, reason, ended_at_ms, pool_ttl_of(pool, slot));
    atomic_fetch_add_explicit(&pool->n_ended[reason], 1, memory_order_relaxed);
    if (pool->listeners) {
        const struct told told = { .model = pool->name, .session = id, .hash = key.hash };
        listeners_tell_end(pool->listeners, &told, ends[reason], 0);
    }
    end_firings(pool, &key, ended_at_ms);
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

enum claim pool_fault_expired(const struct pool_key *key, long long ago_s, uint32_t ttl_s,
                              struct fault *fault)
{
    fault_set(fault, STATUS_SESSION_EXPIRED, "session",
              "session '%s' expired %lld s ago (ttl %u s); DELETE or PUT it to begin anew", key->id,
              ago_s, ttl_s);
    return CLAIM_ENDED;
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
        pool_fault_expired(key, ago, tombstone.ttl_s, fault);
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

enum status pool_check_whole(const struct pool *pool, struct fault *fault)
{
    if (!region_is_broken(&pool->region)) {
        return STATUS_OK;
    }
    return fault_set(fault, STATUS_STORAGE_FAILED, "session",
                     "the file of this model's sessions was cut while grud ran, so they are not "
                     "served; start grud again to go on with those that are whole");
}

/* Each of the first ones has a line in the log; then there is one each time that there are twice as
 * many. A power failure may mean it for all sessions. */
static bool is_worth_a_line(uint64_t n)
{
    enum { FIRST_ONES = 8 };
    return n <= FIRST_ONES || (n & (n - 1)) == 0;
}

void pool_note_stepped_back(struct pool *pool, const char *id, uint64_t step)
{
    uint64_t n = atomic_fetch_add(&pool->n_stepped_back, 1) + 1;
    if (is_worth_a_line(n)) {
        log_event(LOG_WARN, "session_stepped_back", LOG_STRING("session", id),
                  LOG_INT("step", (int64_t)step), LOG_INT("so_far", (int64_t)n));
    }
}

static void note_readings_lost(struct pool *pool, const char *id,
                               const struct record_findings *findings)
{
    uint64_t n = atomic_fetch_add(&pool->n_readings_lost, 1) + 1;
    if (is_worth_a_line(n)) {
        log_event(LOG_WARN, "readings_lost", LOG_STRING("session", id),
                  LOG_INT("step", (int64_t)findings->copy->step),
                  LOG_INT("kept", findings->n_readings), LOG_INT("of", findings->copy->n_readings),
                  LOG_INT("so_far", (int64_t)n));
    }
}

bool pool_verify(struct pool *pool, uint32_t slot, int64_t now_ms)
{
    unsigned flags = slots_flags(pool, slot);
    if (flags & SLOT_VERIFIED) {
        return true;
    }
    char *record = pool_record(pool, slot);
    struct record_findings findings;
    record_examine(pool_layout(pool, slot), record, &findings);
    if (!findings.copy) {
        return false;
    }
    char id[SESSION_ID_MAX + 1];
    bool lacks_readings = findings.n_readings < findings.copy->n_readings;
    pool_key_of_record(record, id);
    if (findings.is_behind) {
        pool_note_stepped_back(pool, id, findings.copy->step);
    }
    if (lacks_readings) {
        note_readings_lost(pool, id, &findings);
    }
    if (findings.is_behind || lacks_readings) {
        pool_write_found(pool, slot, &findings);
    }
    slots_set_flags(pool, slot, slots_flags(pool, slot) | SLOT_VERIFIED);
    slots_note_found(pool, slot, pool_newest(pool, slot), now_ms);
    return true;
}

enum claim pool_claim(struct pool *pool, const struct pool_key *key, uint16_t owner, int64_t now_ms,
                      uint32_t *ret_slot, struct fault *fault)
{
    struct index_shard *shard = index_lock(&pool->index, key->hash);
    uint32_t slot = index_find(&pool->index, shard, key->hash, key->id, key->n);
    uint16_t holder = slot != INDEX_NONE ? slots_claim(pool, slot, owner) : OWNER_NONE;
    index_unlock(shard);
    if (region_is_broken(&pool->region)) {
        if (holder == OWNER_NONE && slot != INDEX_NONE) {
            pool_release(pool, slot);
        }
        pool_check_whole(pool, fault);
        return CLAIM_ENDED;
    }
    if (slot == INDEX_NONE) {
        return atomic_load(&pool->is_closed) ? CLAIM_MOVED
                                             : fault_of_tombstone(pool, key, now_ms, fault);
    }
    if (holder != OWNER_NONE) {
        return holder == OWNER_MOVED ? CLAIM_MOVED : holder == owner ? CLAIM_OWN : CLAIM_BUSY;
    }
    if (!pool_verify(pool, slot, now_ms)) {
        if (pool_check_whole(pool, fault) != STATUS_OK) {
            pool_release(pool, slot);
            return CLAIM_ENDED;
        }
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

enum claim pool_claim_donor(struct pool *pool, uint16_t owner, uint32_t *ret_slot)
{
    uint32_t slot = atomic_load_explicit(&pool->donor, memory_order_relaxed);
    if (slot == INDEX_NONE) {
        return CLAIM_ABSENT;
    }
    uint16_t holder = slots_claim(pool, slot, owner);
    if (holder != OWNER_NONE && holder != owner) {
        return CLAIM_BUSY;
    }
    *ret_slot = slot;
    if (slots_flags(pool, slot) & SLOT_USED) {
        return holder == owner ? CLAIM_OWN : CLAIM_OK;
    }
    if (holder == OWNER_NONE) {
        pool_release(pool, slot);
    }
    return CLAIM_ABSENT;
}

/* ---- new sessions ---- */

enum { EVICTIONS_MAX = 1000 }; /* that are tried for one session */

struct eviction {
    size_t n, n_bytes;
};

/* False: there is none to evict. Another thread may hold the one that was found. */
static bool evict_one(struct pool *pool, uint64_t keep, uint16_t owner, int64_t now_ms,
                      struct eviction *done)
{
    struct pool_victim victim;
    bool found = evict_find(pool, keep, &victim);
    if (!found || !try_claim(pool, victim.slot, owner)) {
        return found;
    }
    int64_t seen =
        atomic_load_explicit(&pool_slot(pool, victim.slot)->last_seen_at_ms, memory_order_relaxed);
    if ((slots_flags(pool, victim.slot) & SLOT_USED) && !evict_is_kept(pool, victim.slot, keep) &&
        seen == victim.last_seen_at_ms) {
        done->n++;
        done->n_bytes += pool_extent(pool, victim.slot)->record_bytes;
        end_session(pool, victim.slot, TOMBSTONE_EVICTED, now_ms);
    } else {
        pool_release(pool, victim.slot);
    }
    return true;
}

/* Beyond the limit nothing more is taken than was given up. */
static bool has_room(const struct pool *pool, size_t n_bytes, const struct eviction *done)
{
    return pool_has_memory(pool, n_bytes) || done->n_bytes >= n_bytes;
}

/* Whether the others of this pool have so much to give up; else none must go in vain. */
static bool can_give(const struct pool *pool, size_t n_own_bytes, size_t n_bytes)
{
    return pool->evict && atomic_load_explicit(&pool->n_record_bytes, memory_order_relaxed) >=
                              n_own_bytes + n_bytes;
}

static enum status take_slot_of_another(struct pool *pool, const struct pool_key *key,
                                        unsigned record_class, uint64_t keep, uint16_t owner,
                                        int64_t now_ms, uint32_t *ret_slot, struct fault *fault)
{
    struct eviction done = { .n = 0 };
    enum status status = STATUS_SESSIONS_FULL;
    for (int k = 0; status == STATUS_SESSIONS_FULL && k < EVICTIONS_MAX; k++) {
        if (!evict_one(pool, keep, owner, now_ms, &done)) {
            break;
        }
        /* Beyond the limit two go for one that comes. */
        size_t most = done.n < 2 ? pool->session_max : POOL_SLOTS_MAX;
        if (has_room(pool, pool_record_bytes(pool, record_class, key->n), &done)) {
            status = slots_take(pool, record_class, record_room_of(key->n), most, owner, ret_slot,
                                fault);
        }
    }
    return status;
}

/* How many bytes more the session takes in a record of that class, if they are not there. */
static size_t lacking(const struct pool *pool, uint32_t slot, unsigned record_class)
{
    const size_t now = pool_extent(pool, slot)->record_bytes;
    const size_t n_id = record_header_of(pool_record(pool, slot))->n_id;
    const size_t wanted = pool_record_bytes(pool, record_class, n_id);
    return wanted <= now || pool_has_memory(pool, wanted - now) ? 0 : wanted - now;
}

enum status pool_make_room(struct pool *pool, uint32_t slot, unsigned record_class, uint16_t owner,
                           int64_t now_ms, struct fault *fault)
{
    const size_t n_bytes = lacking(pool, slot, record_class);
    struct eviction done = { .n = 0 };
    if (can_give(pool, pool_extent(pool, slot)->record_bytes, n_bytes)) {
        for (int k = 0; !has_room(pool, n_bytes, &done) && k < EVICTIONS_MAX; k++) {
            if (!evict_one(pool, POOL_KEEP_NONE, owner, now_ms, &done)) {
                break;
            }
        }
    }
    if (n_bytes == 0 || has_room(pool, n_bytes, &done)) {
        return STATUS_OK;
    }
    const struct record_header *header = record_header_of(pool_record(pool, slot));
    return fault_set(fault, STATUS_SESSIONS_FULL, "session",
                     "no room for the intervals of session '%.*s', which take %zu bytes more: the "
                     "sessions of all models take %zu bytes, and may take %zu "
                     "(session-memory-max); send this without `level`",
                     (int)header->n_id, header->id, n_bytes, atomic_load(&pool->memory->n_bytes),
                     pool->memory->max);
}

enum status pool_alloc(struct pool *pool, const struct pool_key *key, unsigned record_class,
                       uint64_t keep, uint16_t owner, int64_t now_ms, uint32_t *ret_slot,
                       struct fault *fault)
{
    uint32_t slot = INDEX_NONE;
    const size_t n_bytes = pool_record_bytes(pool, record_class, key->n);
    const unsigned room = record_room_of(key->n);
    bool has_memory = pool_has_memory(pool, n_bytes);
    enum status status =
        has_memory ? slots_take(pool, record_class, room, pool->session_max, owner, &slot, fault)
                   : STATUS_SESSIONS_FULL;
    if (status == STATUS_SESSIONS_FULL && (has_memory ? pool->evict : can_give(pool, 0, n_bytes))) {
        status = take_slot_of_another(pool, key, record_class, keep, owner, now_ms, &slot, fault);
    }
    if (status == STATUS_SESSIONS_FULL && !has_memory) {
        return fault_set(fault, STATUS_SESSIONS_FULL, "session",
                         "no room for session '%s': the sessions of all models take %zu bytes, and "
                         "may take %zu (session-memory-max)",
                         key->id, atomic_load(&pool->memory->n_bytes), pool->memory->max);
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
    pool_slot(pool, slot)->hash = (uint32_t)key->hash;
    if (pool->is_cache) {
        *pool_token(pool, slot) = (struct pool_token){ .name = 0 };
        *pool_stamp(pool, slot) = 0;
    }
    record_begin(pool_layout(pool, slot), pool_record(pool, slot), key->id, key->n);
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
        slots_set_flags(pool, slot, slots_flags(pool, slot) | SLOT_USED | SLOT_VERIFIED);
        pool_count_session(pool, slot, 1);
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
    bool is_due =
        pool->ttl_s != 0 || atomic_load_explicit(&pool->n_own_ttl, memory_order_relaxed) != 0;
    if (!is_due || region_is_broken(&pool->region)) {
        return;
    }
    for (uint32_t slot = pool_next_slot(pool, INDEX_NONE); slot != INDEX_NONE;
         slot = pool_next_slot(pool, slot)) {
        unsigned flags = slots_flags(pool, slot);
        int64_t seen =
            atomic_load_explicit(&pool_slot(pool, slot)->last_seen_at_ms, memory_order_relaxed);
        /* Nothing is added to `seen`: the copy that it is of may not have been verified. */
        bool due = pool->ttl_s != 0 && seen <= now_ms - (int64_t)pool->ttl_s * 1000;
        if (!(flags & SLOT_USED) || !(due || (flags & SLOT_OWN_TTL)) ||
            !try_claim(pool, slot, OWNER_MAIN)) {
            continue;
        }
        bool is_live = (slots_flags(pool, slot) & SLOT_USED) && pool_verify(pool, slot, now_ms);
        if (!is_live || !end_if_expired(pool, slot, now_ms)) {
            pool_release(pool, slot);
        }
    }
}
