#include "service/pool/pool_evict.h"

#include "service/pool/pool_slots.h"

#include <stdlib.h>

bool evict_is_kept(const struct pool *pool, uint32_t slot, uint64_t keep)
{
    return keep != POOL_KEEP_NONE && pool_slot(pool, slot)->hash == (uint32_t)keep;
}

/* ---- the candidates, while they are looked for: a heap, the youngest on top ---- */

static void rise(struct pool_victim *heap, size_t at, struct pool_victim victim)
{
    while (at > 0 && heap[(at - 1) / 2].last_seen_at_ms < victim.last_seen_at_ms) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = victim;
}

/* In the place of the one on top. */
static void sink(struct pool_victim *heap, size_t n, struct pool_victim victim)
{
    size_t at = 0;
    for (size_t child = 1; child < n; child = 2 * at + 1) {
        bool is_right_younger =
            child + 1 < n && heap[child + 1].last_seen_at_ms > heap[child].last_seen_at_ms;
        child += is_right_younger;
        if (heap[child].last_seen_at_ms <= victim.last_seen_at_ms) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = victim;
}

/* The oldest last. */
static int compare_victims(const void *a, const void *b)
{
    const struct pool_victim *first = a, *second = b;
    return (first->last_seen_at_ms < second->last_seen_at_ms) -
           (first->last_seen_at_ms > second->last_seen_at_ms);
}

/* With the mutex of the victims held: the POOL_VICTIMS least recently used sessions. A session only
 * grows younger, also while this looks, so all that are not among them are younger than any that
 * is, until the list is used up. */
static void look_for_victims(struct pool *pool, uint64_t keep)
{
    struct pool_victim *heap = pool->victims;
    size_t n = 0;
    for (uint32_t slot = pool_next_slot(pool, INDEX_NONE); slot != INDEX_NONE;
         slot = pool_next_slot(pool, slot)) {
        struct pool_victim victim = { .slot = slot,
                                      .last_seen_at_ms = atomic_load_explicit(
                                          &pool_slot(pool, slot)->last_seen_at_ms,
                                          memory_order_relaxed) };
        if (n == POOL_VICTIMS && victim.last_seen_at_ms >= heap[0].last_seen_at_ms) {
            continue;
        }
        if (!(slots_flags(pool, slot) & SLOT_USED) || evict_is_kept(pool, slot, keep)) {
            continue;
        }
        if (n < POOL_VICTIMS) {
            rise(heap, n++, victim);
        } else {
            sink(heap, n, victim);
        }
    }
    qsort(heap, n, sizeof *heap, compare_victims);
    pool->n_victims = n;
}

bool evict_find(struct pool *pool, uint64_t keep, struct pool_victim *ret_victim)
{
    pthread_mutex_lock(&pool->victims_mutex);
    if (pool->n_victims == 0) {
        look_for_victims(pool, keep);
    }
    bool found = pool->n_victims > 0;
    if (found) {
        *ret_victim = pool->victims[--pool->n_victims];
    }
    pthread_mutex_unlock(&pool->victims_mutex);
    return found;
}
