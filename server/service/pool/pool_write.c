#include "service/pool/pool_write.h"

#include "service/pool/pool_journal.h"
#include "service/pool/pool_slots.h"
#include "service/pool/record_ring.h"

#include <sched.h>
#include <string.h>

/* ---- sections ---- */

uint64_t pool_begin_writes(struct pool *pool)
{
    for (;;) {
        uint64_t section = atomic_load(&pool->begun);
        atomic_fetch_add(&pool->n_writers[section & 1], 1);
        if (atomic_load(&pool->begun) == section) {
            return section;
        }
        pool_end_writes(pool, section);
    }
}

void pool_end_writes(struct pool *pool, uint64_t section)
{
    atomic_fetch_sub_explicit(&pool->n_writers[section & 1], 1, memory_order_release);
}

uint64_t pool_begin_sync(struct pool *pool)
{
    uint64_t before = atomic_fetch_add(&pool->begun, 1);
    while (atomic_load(&pool->n_writers[before & 1]) > 0) {
        sched_yield();
    }
    return before + 1;
}

/* ---- places ---- */

enum standing { STANDING_SYNCED, STANDING_UNSYNCED, STANDING_IN_SYNC };

static enum standing standing_of(const struct pool *pool, uint64_t section, uint32_t slot)
{
    uint64_t written = pool_slot(pool, slot)->written;
    if (atomic_load_explicit(&pool->done, memory_order_acquire) > written) {
        return STANDING_SYNCED;
    }
    return written == section ? STANDING_UNSYNCED : STANDING_IN_SYNC;
}

static void note_written(struct pool *pool, uint64_t section, uint32_t slot,
                         const struct record_copy *copy)
{
    unsigned flags = slots_flags(pool, slot);
    if ((flags & SLOT_YOUNG) && pool_slot(pool, slot)->written != section) {
        slots_set_flags(pool, slot, flags ^ SLOT_YOUNG);
    }
    pool_slot(pool, slot)->written = section;
    slots_note_copy(pool, slot, copy);
}

/* A copy that nothing depends on yet is written over. */
static void put_copy(const struct record_layout *layout, struct record_copy *place,
                     const struct record_copy *copy)
{
    memcpy(place, copy, layout->copy_bytes);
    atomic_signal_fence(memory_order_seq_cst);
}

/* ---- births ---- */

static void give_birth(struct pool *pool, char *record)
{
    record_set_birth(record, atomic_fetch_add(&pool->next_birth, 1));
}

/* The copy counts as soon as the header does. */
static void put_first(struct pool *pool, uint64_t section, uint32_t slot, struct record_copy *copy)
{
    const struct record_layout *layout = pool_layout(pool, slot);
    char *record = pool_record(pool, slot);
    copy->writes = 1;
    record_seal(layout, record, copy);
    put_copy(layout, record_copy_at(layout, record, 0), copy);
    record_header_seal(record);
    pool_slot(pool, slot)->written = section;
    slots_set_flags(pool, slot, slots_flags(pool, slot) | SLOT_YOUNG);
    slots_note_life(pool, slot);
    slots_note_copy(pool, slot, copy);
}

void pool_write_first(struct pool *pool, uint64_t section, uint32_t slot,
                      const struct record_life *life, struct record_copy *copy,
                      const struct pool_readings *readings)
{
    char *record = pool_record(pool, slot);
    record_set_life(record, life);
    give_birth(pool, record);
    record_put_readings(pool_layout(pool, slot), record, copy, readings->x, readings->stamps,
                        readings->n);
    put_first(pool, section, slot, copy);
}

/* ---- successors ---- */

/* A claimed and unborn slot that is to take the place of a session's, with its life. Not to be
 * found. */
static enum status alloc_successor(struct pool *pool, uint32_t slot, unsigned record_class,
                                   uint16_t owner, uint32_t *ret_successor, struct fault *fault)
{
    const struct record_header *header = record_header_of(pool_record(pool, slot));
    uint32_t successor;
    enum status status = slots_take(pool, record_class, record_room_of(header->n_id),
                                    SLOTS_UNCOUNTED, owner, &successor, fault);
    if (status == STATUS_SESSIONS_FULL) {
        return fault_set(fault, status, "session",
                         "no room to write the session anew beside the %zu that there are; try "
                         "again after the next sync",
                         atomic_load(&pool->n_sessions));
    }
    if (status != STATUS_OK) {
        return status;
    }
    char *record = pool_record(pool, successor);
    record_begin(pool_layout(pool, successor), record, header->id, header->n_id);
    record_set_life(record, &header->life);
    pool_slot(pool, successor)->hash = pool_slot(pool, slot)->hash;
    if (pool->is_cache) {
        *pool_token(pool, successor) = *pool_token(pool, slot);
        *pool_stamp(pool, successor) = *pool_stamp(pool, slot);
    }
    *ret_successor = successor;
    return STATUS_OK;
}

/* From here on the session is found there, still claimed. False if the pool is closed. */
static bool succeed(struct pool *pool, uint32_t slot, uint32_t successor)
{
    char id[SESSION_ID_MAX + 1];
    struct pool_key key = pool_key_of_record(pool_record(pool, slot), id);
    struct index_shard *shard = index_lock(&pool->index, key.hash);
    bool is_closed = atomic_load(&pool->is_closed);
    if (!is_closed) {
        index_remove(&pool->index, shard, slot);
        /* There is room for as many as there were. */
        is_closed = !index_insert(&pool->index, shard, successor);
        pool_count_session(pool, slot, (size_t)-1);
        pool_count_session(pool, successor, 1);
        slots_set_flags(pool, successor, SLOT_USED | SLOT_VERIFIED | SLOT_COUNTED | SLOT_SUCCESSOR);
        slots_set_flags(pool, slot,
                        slots_flags(pool, slot) & ~(unsigned)(SLOT_USED | SLOT_COUNTED));
        slots_replace_donor(pool, slot, successor);
    }
    index_unlock(shard);
    return !is_closed;
}

static unsigned class_of(const struct pool *pool, uint32_t slot)
{
    return pool_extent(pool, slot)->record_class;
}

/* Writes the copy as the first one of another record. */
static enum claim move(struct pool *pool, uint64_t section, uint32_t *slot, unsigned record_class,
                       uint16_t owner, struct record_copy *copy, const double *x,
                       struct fault *fault)
{
    uint32_t successor;
    if (alloc_successor(pool, *slot, record_class, owner, &successor, fault) != STATUS_OK) {
        return CLAIM_ENDED;
    }
    if (!succeed(pool, *slot, successor)) {
        slots_free(pool, successor);
        return CLAIM_MOVED;
    }
    const struct record_layout *layout = pool_layout(pool, successor);
    char *record = pool_record(pool, successor);
    give_birth(pool, record);
    record_copy_readings(pool_layout(pool, *slot), pool_record(pool, *slot), layout, record, copy);
    if (x) {
        record_advance(layout, record, copy, x);
    }
    put_first(pool, section, successor, copy);
    slots_retire(pool, section, *slot, RETIREMENT_SUCCEEDED);
    *slot = successor;
    return CLAIM_OK;
}

enum claim pool_raise(struct pool *pool, uint32_t *slot, unsigned record_class, uint16_t owner,
                      struct record_copy *copy, struct fault *fault)
{
    record_take_copy(&pool->layouts[record_class], copy, pool_newest(pool, *slot));
    uint64_t section = pool_begin_writes(pool);
    enum claim claim = move(pool, section, slot, record_class, owner, copy, NULL, fault);
    pool_end_writes(pool, section);
    return claim;
}

enum claim pool_write_anew(struct pool *pool, uint32_t *slot, unsigned record_class, uint16_t owner,
                           const struct record_life *life, struct record_copy *copy,
                           const struct pool_readings *readings, struct fault *fault)
{
    uint32_t successor;
    if (alloc_successor(pool, *slot, record_class, owner, &successor, fault) != STATUS_OK) {
        return CLAIM_ENDED;
    }
    uint64_t section = pool_begin_writes(pool);
    bool succeeded = succeed(pool, *slot, successor);
    if (succeeded) {
        pool_write_first(pool, section, successor, life, copy, readings);
        slots_retire(pool, section, *slot, RETIREMENT_SUCCEEDED);
        *slot = successor;
    }
    pool_end_writes(pool, section);
    if (!succeeded) {
        slots_free(pool, successor);
    }
    return succeeded ? CLAIM_OK : CLAIM_MOVED;
}

/* ---- the next copy ---- */

static void write_next(struct pool *pool, uint64_t section, uint32_t slot, uint16_t owner,
                       struct record_copy *copy)
{
    const struct record_layout *layout = pool_layout(pool, slot);
    char *record = pool_record(pool, slot);
    struct record_copy *now = record_newest(layout, record);
    enum standing standing = standing_of(pool, section, slot);
    copy->writes = now->writes + 1;
    record_seal(layout, record, copy);
    if (standing == STANDING_SYNCED) {
        put_copy(layout, record_other(layout, record, now), copy);
    } else {
        atomic_fetch_add_explicit(&pool->n_exposed, standing == STANDING_IN_SYNC,
                                  memory_order_relaxed);
        journal_write(pool, slot, now == record_copy_at(layout, record, 1), owner, copy);
    }
    note_written(pool, section, slot, copy);
}

void pool_write_copy(struct pool *pool, uint64_t section, uint32_t *slot, uint16_t owner,
                     struct record_copy *copy, const double *x)
{
    char *record = pool_record(pool, *slot);
    bool is_unborn = record_is_unborn(record);
    if (is_unborn) {
        give_birth(pool, record);
    } else if (standing_of(pool, section, *slot) == STANDING_IN_SYNC) {
        struct fault ignored; /* it is written where it is, then */
        if (move(pool, section, slot, class_of(pool, *slot), owner, copy, x, &ignored) ==
            CLAIM_OK) {
            return;
        }
    }
    if (x) {
        record_advance(pool_layout(pool, *slot), record, copy, x);
    }
    if (is_unborn) {
        put_first(pool, section, *slot, copy);
    } else {
        write_next(pool, section, *slot, owner, copy);
    }
}

void pool_write_found(struct pool *pool, uint32_t slot, const struct record_findings *findings)
{
    const struct record_layout *layout = pool_layout(pool, slot);
    char *record = pool_record(pool, slot);
    struct record_copy *copy = record_other(layout, record, findings->copy);
    uint64_t section = pool_begin_writes(pool);
    put_copy(layout, copy, findings->copy);
    copy->n_readings = (uint16_t)findings->n_readings;
    if (findings->n_readings < findings->copy->n_readings) {
        record_rebase(layout, copy, copy);
    }
    copy->writes = findings->writes + 1;
    record_seal(layout, record, copy);
    note_written(pool, section, slot, copy);
    pool_end_writes(pool, section);
}
