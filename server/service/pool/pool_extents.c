#include "service/pool/pool_extents.h"

#include <stdlib.h>
#include <sys/mman.h>

bool extents_init(struct pool *pool)
{
    void *extents = mmap(NULL, EXTENTS_MAX * sizeof *pool->extents, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    pool->extents = extents != MAP_FAILED ? extents : NULL;
    return pool->extents != NULL;
}

static size_t n_extents(const struct pool *pool)
{
    return atomic_load_explicit(&pool->n_extents, memory_order_acquire);
}

void extents_done(struct pool *pool)
{
    for (size_t k = 0; k < n_extents(pool); k++) {
        free(pool->extents[k].slots);
    }
    if (pool->extents) {
        munmap(pool->extents, EXTENTS_MAX * sizeof *pool->extents);
    }
}

/* How many slots all extents have. */
static size_t reach_of(const struct pool *pool)
{
    size_t n = n_extents(pool);
    return n > 0 ? pool->extents[n - 1].first + (size_t)pool->extents[n - 1].n_slots : 0;
}

/* As many as there are, or a few to begin with; none that the pool may not use. */
static uint32_t size_of_next(const struct pool *pool, size_t needed)
{
    enum { FIRST_BYTES = 1 << 16 };
    size_t so_far = reach_of(pool);
    size_t first = FIRST_BYTES / pool->layout.record_bytes;
    size_t n = so_far > first ? so_far : first;
    size_t left = pool->n_slots > so_far ? pool->n_slots - so_far : 0;
    n = n < left ? n : left;
    n = n > needed ? n : needed;
    return n < EXTENT_SLOTS_MAX ? (uint32_t)n : EXTENT_SLOTS_MAX;
}

static enum status add_extent(struct pool *pool, size_t needed, struct fault *fault)
{
    size_t n = n_extents(pool);
    if (n == EXTENTS_MAX) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "a pool has no more than %d extents",
                         EXTENTS_MAX);
    }
    struct extent *extent = &pool->extents[n];
    extent->first = (uint32_t)reach_of(pool);
    extent->n_slots = size_of_next(pool, needed);
    extent->record_bytes = pool->layout.record_bytes;
    extent->slots = calloc(extent->n_slots, sizeof *extent->slots);
    if (!extent->slots) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for more sessions");
    }
    size_t from = pool->records_from + record_offset(&pool->layout, extent->first);
    enum status status =
        region_map(&pool->region, from, record_offset(&pool->layout, extent->n_slots),
                   &extent->records, fault);
    if (status != STATUS_OK) {
        free(extent->slots);
        return status;
    }
    atomic_store_explicit(&pool->n_extents, (uint32_t)n + 1, memory_order_release);
    return STATUS_OK;
}

enum status extents_reach(struct pool *pool, size_t n_slots, struct fault *fault)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && reach_of(pool) < n_slots) {
        status = add_extent(pool, n_slots - reach_of(pool), fault);
    }
    return status;
}

size_t extents_position(const struct pool *pool, uint32_t slot)
{
    return (size_t)pool_extent(pool, slot)->first + slot % EXTENT_SLOTS_MAX;
}

uint32_t extents_slot_at(const struct pool *pool, size_t position)
{
    size_t k = n_extents(pool) - 1;
    while (pool->extents[k].first > position) {
        k--;
    }
    return (uint32_t)(k * EXTENT_SLOTS_MAX + position - pool->extents[k].first);
}

/* ---- fresh slots ---- */

static void note_fresh(struct extent *extent, uint32_t n)
{
    atomic_store_explicit(&extent->n_fresh, n, memory_order_release);
}

void extents_set_fresh(struct pool *pool, size_t n)
{
    for (size_t k = 0; k < n_extents(pool); k++) {
        struct extent *extent = &pool->extents[k];
        size_t n_here = n > extent->first ? n - extent->first : 0;
        note_fresh(extent, n_here < extent->n_slots ? (uint32_t)n_here : extent->n_slots);
    }
    pool->n_fresh = n;
}

/* The file grows by more than one record, up to the extent's last. */
static enum status make_room(struct pool *pool, const struct extent *extent, size_t position,
                             struct fault *fault)
{
    enum { STEP_MIN = 1 << 16, STEP_MAX = 1 << 24 };
    size_t needed = pool->records_from + record_offset(&pool->layout, position + 1);
    size_t most =
        pool->records_from + record_offset(&pool->layout, extent->first + (size_t)extent->n_slots);
    size_t size = atomic_load(&pool->region.size);
    if (needed <= size) {
        return STATUS_OK;
    }
    size_t step = size < STEP_MIN ? STEP_MIN : size > STEP_MAX ? STEP_MAX : size;
    size_t larger = size + step > needed ? size + step : needed;
    larger = larger < most ? larger : most;
    larger = (larger + RECORD_PAGE - 1) / RECORD_PAGE * RECORD_PAGE;
    enum status status = region_grow(&pool->region, larger, fault);
    if (status == STATUS_OK) {
        atomic_store(pool->noted_bytes, larger);
    }
    return status;
}

enum status extents_take_fresh(struct pool *pool, uint32_t *ret_slot, struct fault *fault)
{
    enum status status = extents_reach(pool, pool->n_fresh + 1, fault);
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t slot = extents_slot_at(pool, pool->n_fresh);
    struct extent *extent = &pool->extents[slot / EXTENT_SLOTS_MAX];
    status = make_room(pool, extent, pool->n_fresh, fault);
    if (status == STATUS_OK) {
        note_fresh(extent, slot % EXTENT_SLOTS_MAX + 1);
        pool->n_fresh++;
        *ret_slot = slot;
    }
    return status;
}
