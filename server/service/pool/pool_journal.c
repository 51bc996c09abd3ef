#include "service/pool/pool_journal.h"

#include <sched.h>
#include <string.h>

struct journal_entry {
    _Atomic uint64_t target; /* 0: none; written last, and cleared last */
    char copy[];
};

static size_t entry_bytes(size_t copy_bytes)
{
    return sizeof(struct journal_entry) + copy_bytes;
}

size_t journal_bytes(size_t copy_bytes)
{
    return POOL_JOURNAL_ENTRIES * entry_bytes(copy_bytes);
}

static struct journal_entry *entry_at(const struct pool *pool, size_t k)
{
    return (struct journal_entry *)(void *)(pool->journal + k * entry_bytes(pool->copy_bytes_max));
}

static uint64_t make_target(uint32_t slot, int which)
{
    return (((uint64_t)slot << 1) | (unsigned)which) + 1;
}

static size_t take_entry(struct pool *pool, uint16_t owner)
{
    for (size_t k = owner % POOL_JOURNAL_ENTRIES, n_tried = 1;;
         k = (k + 1) % POOL_JOURNAL_ENTRIES, n_tried++) {
        bool is_taken = false;
        if (atomic_compare_exchange_strong_explicit(&pool->is_entry_taken[k], &is_taken, true,
                                                    memory_order_acquire, memory_order_relaxed)) {
            return k;
        }
        if (n_tried % POOL_JOURNAL_ENTRIES == 0) {
            sched_yield();
        }
    }
}

void journal_write(struct pool *pool, uint32_t slot, int which, uint16_t owner,
                   const struct record_copy *copy)
{
    const struct record_layout *layout = pool_layout(pool, slot);
    size_t k = take_entry(pool, owner);
    struct journal_entry *entry = entry_at(pool, k);
    memcpy(entry->copy, copy, layout->copy_bytes);
    atomic_store_explicit(&entry->target, make_target(slot, which), memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(record_copy_at(layout, pool_record(pool, slot), which), copy, layout->copy_bytes);
    atomic_store_explicit(&entry->target, 0, memory_order_release);
    atomic_store_explicit(&pool->is_entry_taken[k], false, memory_order_release);
}

static bool is_newer(const struct record_layout *layout, char *record,
                     const struct record_copy *copy)
{
    for (int k = 0; k < 2; k++) {
        const struct record_copy *there = record_copy_at(layout, record, k);
        if (there->writes >= copy->writes && record_copy_is_whole(layout, record, there)) {
            return false;
        }
    }
    return true;
}

static bool is_slot(const struct pool *pool, uint64_t slot)
{
    uint64_t k = slot / EXTENT_SLOTS_MAX;
    return k < atomic_load(&pool->n_extents) &&
           slot % EXTENT_SLOTS_MAX < atomic_load(&pool->extents[k].n_fresh);
}

static void apply(struct pool *pool, uint32_t slot, int which, const struct record_copy *copy)
{
    const struct record_layout *layout = pool_layout(pool, slot);
    char *record = pool_record(pool, slot);
    if (record_use_of(layout, record) == RECORD_IN_USE &&
        record_copy_is_whole(layout, record, copy) && is_newer(layout, record, copy)) {
        memcpy(record_copy_at(layout, record, which), copy, layout->copy_bytes);
    }
}

void journal_apply(struct pool *pool)
{
    for (size_t k = 0; k < POOL_JOURNAL_ENTRIES; k++) {
        struct journal_entry *entry = entry_at(pool, k);
        uint64_t target = atomic_load(&entry->target);
        uint64_t slot = (target - 1) >> 1;
        if (target == 0) {
            continue;
        }
        if (is_slot(pool, slot)) {
            apply(pool, (uint32_t)slot, (int)((target - 1) & 1),
                  (const struct record_copy *)(const void *)entry->copy);
        }
        atomic_store(&entry->target, 0);
    }
}
