/*
 * index.h - a sharded hash table from session ids to slots. Open addressing with linear probing;
 * four bytes an entry. Clients choose the ids, so the hashes are keyed (base/hash.h): whatever they
 * choose, an id has few neighbours.
 *
 * A shard's mutex is held by index_lock until index_unlock; in between, the callbacks of the pool
 * look at records. Nothing else is locked meanwhile.
 */
#ifndef INDEX_H
#define INDEX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INDEX_SHARDS = 64, INDEX_SLOTS_MAX = (1 << 27) - 1 };
#define INDEX_NONE UINT32_MAX

struct index_shard {
    pthread_mutex_t mutex; /* guards the three below */
    uint32_t *entries;     /* index_slot tells the slot; 0: empty */
    size_t n_entries, n_used;
} __attribute__((aligned(64)));

struct index {
    struct index_shard shards[INDEX_SHARDS];
    const void *context;
    /* Whether the slot's id is this one; the low 32 bits of the slot's hash, by which entries
     * move. */
    bool (*is_slot)(const void *context, uint32_t slot, const char *id, size_t n_id);
    uint32_t (*hash_of)(const void *context, uint32_t slot);
};

__attribute__((warn_unused_result)) bool index_init(struct index *index, const void *context,
                                                    bool (*is_slot)(const void *, uint32_t,
                                                                    const char *, size_t),
                                                    uint32_t (*hash_of)(const void *, uint32_t));
void index_done(struct index *index);
/* Before other threads use it: makes room for about so many entries at once. */
__attribute__((warn_unused_result)) bool index_reserve(struct index *index, size_t n);
uint32_t index_slot(uint32_t entry);

struct index_shard *index_lock(struct index *index, uint64_t hash);
void index_unlock(struct index_shard *shard);

/* All with the shard locked. */
uint32_t index_find(const struct index *index, const struct index_shard *shard, uint64_t hash,
                    const char *id, size_t n_id);
__attribute__((warn_unused_result)) bool
index_insert(const struct index *index, struct index_shard *shard,
             uint32_t slot); /* the id is not in it; false: no memory */
void index_remove(const struct index *index, struct index_shard *shard, uint32_t slot);

#endif
