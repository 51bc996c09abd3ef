#include "service/pool/pool_load.h"

#include "service/pool/pool_adopt.h"
#include "service/pool/pool_extents.h"
#include "service/pool/pool_file.h"
#include "service/pool/pool_slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t hash_of_slot(const void *context, uint32_t slot)
{
    const struct pool *pool = context;
    return pool_slot(pool, slot)->hash;
}

static bool is_slot(const void *context, uint32_t slot, const char *id, size_t n_id)
{
    const struct record_header *header = record_header_of(pool_record(context, slot));
    return header->n_id == n_id && memcmp(header->id, id, n_id) == 0;
}

bool pool_fits(const struct pool *pool, const struct pool_options *options)
{
    return memcmp(&pool->layout, &options->layout, sizeof pool->layout) == 0 &&
           pool->n_classes == options->n_classes &&
           memcmp(pool->classes, options->classes, pool->n_classes * sizeof *pool->classes) == 0;
}

unsigned pool_class_of(const struct pool *pool, const struct pool_class *kind, size_t n_outputs)
{
    for (unsigned k = 0; n_outputs == pool->layout.n_outputs && k < pool->n_classes; k++) {
        if (memcmp(&pool->classes[k], kind, sizeof *kind) == 0) {
            return k + 1;
        }
    }
    return 0;
}

/* ---- life ---- */

struct pool *pool_ref(struct pool *pool)
{
    atomic_fetch_add(&pool->n_refs, 1);
    return pool;
}

void pool_count_in(struct pool *pool, struct pool_memory *memory)
{
    size_t n_bytes = atomic_load(&pool->n_record_bytes);
    if (pool->memory) {
        atomic_fetch_sub(&pool->memory->n_bytes, n_bytes);
    }
    if (memory) {
        atomic_fetch_add(&memory->n_bytes, n_bytes);
    }
    pool->memory = memory;
}

void pool_unref(struct pool *pool)
{
    if (!pool || atomic_fetch_sub(&pool->n_refs, 1) != 1) {
        return;
    }
    pool_count_in(pool, NULL);
    extents_done(pool);
    free(pool->victims);
    region_close(&pool->region);
    index_done(&pool->index);
    tombstones_done(&pool->tombstones);
    free(pool);
}

static enum status alloc_pool(const struct pool_options *options, struct pool **ret_pool,
                              struct fault *fault)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for a session pool");
    }
    atomic_init(&pool->n_refs, 1);
    pool->region.fd = -1;
    pool->session_max = options->session_max;
    pool->ttl_s = options->ttl_s;
    pool->evict = options->evict;
    pool->is_cache = options->is_cache;
    pool->memory = options->memory;
    pool->listeners = options->listeners;
    pool->rule_states = options->rule_states;
    snprintf(pool->name, sizeof pool->name, "%s", options->name);
    slots_init(pool, options->session_max);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_mutex_init(&pool->victims_mutex, NULL);
    pthread_mutex_init(&pool->sync_mutex, NULL);
    pool->victims = options->evict ? calloc(POOL_VICTIMS, sizeof *pool->victims) : NULL;
    if ((options->evict && !pool->victims) || !extents_init(pool) ||
        !index_init(&pool->index, pool, is_slot, hash_of_slot) ||
        !tombstones_init(&pool->tombstones, options->tombstone_max)) {
        pool_unref(pool);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for a session pool");
    }
    *ret_pool = pool;
    return STATUS_OK;
}

static enum status begin(struct pool *pool, const struct pool_options *options, const char *path,
                         struct fault *fault)
{
    enum status status = pool_file_begin(pool, options, fault);
    if (status == STATUS_OK) {
        pool_file_start(pool, path);
    }
    return status;
}

enum status pool_load(const struct pool_options *options, const char *path, bool is_new,
                      struct pool **ret_pool, struct fault *fault)
{
    struct pool *pool = NULL;
    enum status status = alloc_pool(options, &pool, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = region_open(&pool->region, path, fault);
    if (status == STATUS_OK && is_new) {
        status = begin(pool, options, path, fault);
    } else if (status == STATUS_OK) {
        status = pool_file_check(pool, options, path, fault);
        if (status == STATUS_OK && !pool_file_is_former(pool)) {
            status = pool_adopt(pool, path, options->now_ms, fault);
        }
    }
    if (status != STATUS_OK) {
        pool_unref(pool);
        return status;
    }
    *ret_pool = pool;
    return STATUS_OK;
}
