#include "service/pool/index.h"

#include <stdlib.h>
#include <string.h>

enum { SHARD_FIRST_SIZE = 64 };

/* An entry is a slot + 1 with the hash's upper bits above it, so that most entries that are
 * another's are passed over without a look at their slot, which is rarely in the cache. */
#define SLOT_MASK ((uint32_t)INDEX_SLOTS_MAX)

static uint32_t make_entry(uint32_t slot, uint32_t low)
{
    return (low & ~SLOT_MASK) | (slot + 1);
}

uint32_t index_slot(uint32_t entry)
{
    return (entry & SLOT_MASK) - 1;
}

bool index_init(struct index *index, const void *context,
                bool (*is_slot)(const void *, uint32_t, const char *, size_t),
                uint32_t (*hash_of)(const void *, uint32_t))
{
    index->context = context;
    index->is_slot = is_slot;
    index->hash_of = hash_of;
    for (size_t k = 0; k < INDEX_SHARDS; k++) {
        struct index_shard *shard = &index->shards[k];
        *shard = (struct index_shard){ .mutex = PTHREAD_MUTEX_INITIALIZER,
                                       .n_entries = SHARD_FIRST_SIZE };
        shard->entries = calloc(shard->n_entries, sizeof *shard->entries);
        if (!shard->entries) {
            index_done(index);
            return false;
        }
    }
    return true;
}

void index_done(struct index *index)
{
    for (size_t k = 0; k < INDEX_SHARDS; k++) {
        free(index->shards[k].entries);
        index->shards[k].entries = NULL;
    }
}

/* The top bits choose the shard, the low 32 (which the slot keeps) the place in it. */
struct index_shard *index_lock(struct index *index, uint64_t hash)
{
    struct index_shard *shard = &index->shards[hash >> 58];
    pthread_mutex_lock(&shard->mutex);
    return shard;
}

void index_unlock(struct index_shard *shard)
{
    pthread_mutex_unlock(&shard->mutex);
}

uint32_t index_find(const struct index *index, const struct index_shard *shard, uint64_t hash,
                    const char *id, size_t n_id)
{
    size_t mask = shard->n_entries - 1;
    uint32_t low = (uint32_t)hash;
    for (size_t at = low & mask; shard->entries[at] != 0; at = (at + 1) & mask) {
        uint32_t entry = shard->entries[at];
        uint32_t slot = index_slot(entry);
        if (entry == make_entry(slot, low) && index->hash_of(index->context, slot) == low &&
            index->is_slot(index->context, slot, id, n_id)) {
            return slot;
        }
    }
    return INDEX_NONE;
}

static void place(uint32_t *entries, size_t mask, uint32_t low, uint32_t entry)
{
    size_t at = low & mask;
    while (entries[at] != 0) {
        at = (at + 1) & mask;
    }
    entries[at] = entry;
}

static bool grow(const struct index *index, struct index_shard *shard, size_t n)
{
    uint32_t *entries = calloc(n, sizeof *entries);
    if (!entries) {
        return false;
    }
    for (size_t k = 0; k < shard->n_entries; k++) {
        if (shard->entries[k] != 0) {
            place(entries, n - 1, index->hash_of(index->context, index_slot(shard->entries[k])),
                  shard->entries[k]);
        }
    }
    free(shard->entries);
    shard->entries = entries;
    shard->n_entries = n;
    return true;
}

static bool holds(size_t n_entries, size_t n_used)
{
    return n_used * 10 <= n_entries * 7;
}

bool index_reserve(struct index *index, size_t n)
{
    size_t n_entries = SHARD_FIRST_SIZE;
    while (!holds(n_entries, n / INDEX_SHARDS)) {
        n_entries *= 2;
    }
    for (size_t k = 0; k < INDEX_SHARDS; k++) {
        struct index_shard *shard = &index->shards[k];
        if (n_entries > shard->n_entries && !grow(index, shard, n_entries)) {
            return false;
        }
    }
    return true;
}

bool index_insert(const struct index *index, struct index_shard *shard, uint32_t slot)
{
    if (!holds(shard->n_entries, shard->n_used + 1) && !grow(index, shard, 2 * shard->n_entries)) {
        return false;
    }
    uint32_t low = index->hash_of(index->context, slot);
    place(shard->entries, shard->n_entries - 1, low, make_entry(slot, low));
    shard->n_used++;
    return true;
}

void index_remove(const struct index *index, struct index_shard *shard, uint32_t slot)
{
    size_t mask = shard->n_entries - 1;
    uint32_t low = index->hash_of(index->context, slot);
    size_t hole = low & mask;
    while (shard->entries[hole] != make_entry(slot, low)) {
        hole = (hole + 1) & mask;
    }
    /* Entries behind the hole that would no longer be found from their home move into it
     * (Knuth 6.4, algorithm R). */
    for (size_t at = (hole + 1) & mask; shard->entries[at] != 0; at = (at + 1) & mask) {
        size_t home = index->hash_of(index->context, index_slot(shard->entries[at])) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            shard->entries[hole] = shard->entries[at];
            hole = at;
        }
    }
    shard->entries[hole] = 0;
    shard->n_used--;
}
