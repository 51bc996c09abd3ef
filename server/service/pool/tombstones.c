#include "service/pool/tombstones.h"

#include <stdlib.h>

static const int64_t day_ms = 86400000;

bool tombstones_init(struct tombstones *tombstones, size_t max)
{
    size_t n_chains = 1;
    while (n_chains < max) {
        n_chains *= 2;
    }
    *tombstones =
        (struct tombstones){ .mutex = PTHREAD_MUTEX_INITIALIZER, .max = max, .n_chains = n_chains };
    tombstones->ring = calloc(max ? max : 1, sizeof *tombstones->ring);
    tombstones->chains = calloc(n_chains, sizeof *tombstones->chains);
    if (!tombstones->ring || !tombstones->chains) {
        tombstones_done(tombstones);
        return false;
    }
    return true;
}

void tombstones_done(struct tombstones *tombstones)
{
    free(tombstones->ring);
    free(tombstones->chains);
    tombstones->ring = NULL;
    tombstones->chains = NULL;
}

/* The link that leads to the hash's tombstone, or to the end of its chain. */
static uint32_t *link_to(struct tombstones *tombstones, uint64_t hash)
{
    uint32_t *link = &tombstones->chains[hash & (tombstones->n_chains - 1)];
    while (*link != 0 && tombstones->ring[*link - 1].hash != hash) {
        link = &tombstones->ring[*link - 1].next;
    }
    return link;
}

static bool unlink_tombstone(struct tombstones *tombstones, uint64_t hash)
{
    uint32_t *link = link_to(tombstones, hash);
    if (*link == 0) {
        return false;
    }
    struct tombstone *tombstone = &tombstones->ring[*link - 1];
    *link = tombstone->next;
    tombstone->hash = 0;
    atomic_fetch_sub_explicit(&tombstones->n, 1, memory_order_relaxed);
    return true;
}

void tombstones_add(struct tombstones *tombstones, uint64_t hash, enum tombstone_reason reason,
                    int64_t ended_at_ms, uint32_t ttl_s)
{
    if (tombstones->max == 0) {
        return;
    }
    pthread_mutex_lock(&tombstones->mutex);
    unlink_tombstone(tombstones, hash);
    struct tombstone *tombstone = &tombstones->ring[tombstones->next_entry];
    if (tombstone->hash != 0) {
        unlink_tombstone(tombstones, tombstone->hash);
    }
    uint32_t *chain = &tombstones->chains[hash & (tombstones->n_chains - 1)];
    *tombstone = (struct tombstone){
        .hash = hash, .ended_at_ms = ended_at_ms, .ttl_s = ttl_s, .next = *chain, .reason = reason
    };
    *chain = (uint32_t)tombstones->next_entry + 1;
    tombstones->next_entry = (tombstones->next_entry + 1) % tombstones->max;
    atomic_fetch_add_explicit(&tombstones->n, 1, memory_order_relaxed);
    pthread_mutex_unlock(&tombstones->mutex);
}

bool tombstones_find(struct tombstones *tombstones, uint64_t hash, int64_t now_ms,
                     struct tombstone *ret_tombstone)
{
    if (atomic_load_explicit(&tombstones->n, memory_order_relaxed) == 0) {
        return false;
    }
    pthread_mutex_lock(&tombstones->mutex);
    uint32_t at = *link_to(tombstones, hash);
    bool found = at != 0 && now_ms - tombstones->ring[at - 1].ended_at_ms < day_ms;
    if (found) {
        *ret_tombstone = tombstones->ring[at - 1];
    }
    pthread_mutex_unlock(&tombstones->mutex);
    return found;
}

bool tombstones_forget(struct tombstones *tombstones, uint64_t hash)
{
    pthread_mutex_lock(&tombstones->mutex);
    bool found = unlink_tombstone(tombstones, hash);
    pthread_mutex_unlock(&tombstones->mutex);
    return found;
}

void tombstones_copy(struct tombstones *from, struct tombstones *to)
{
    for (size_t k = 0; k < from->max && atomic_load_explicit(&from->n, memory_order_relaxed) > 0;
         k++) {
        pthread_mutex_lock(&from->mutex);
        struct tombstone tombstone = from->ring[(from->next_entry + k) % from->max];
        pthread_mutex_unlock(&from->mutex);
        if (tombstone.hash != 0) {
            tombstones_add(to, tombstone.hash, tombstone.reason, tombstone.ended_at_ms,
                           tombstone.ttl_s);
        }
    }
}
