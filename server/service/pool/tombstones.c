#include "service/pool/tombstones.h"

#include <stdlib.h>

static const int64_t day_ms = 86400000;

bool tombs_init(struct tombs *tombs, size_t max)
{
    size_t n_chains = 1;
    while (n_chains < max) {
        n_chains *= 2;
    }
    *tombs = (struct tombs){ .mutex = PTHREAD_MUTEX_INITIALIZER, .max = max, .n_chains = n_chains };
    tombs->ring = calloc(max ? max : 1, sizeof *tombs->ring);
    tombs->chains = calloc(n_chains, sizeof *tombs->chains);
    if (!tombs->ring || !tombs->chains) {
        tombs_done(tombs);
        return false;
    }
    return true;
}

void tombs_done(struct tombs *tombs)
{
    free(tombs->ring);
    free(tombs->chains);
    tombs->ring = NULL;
    tombs->chains = NULL;
}

/* The link that leads to the hash's tomb, or to the end of its chain. */
static uint32_t *link_to(struct tombs *tombs, uint64_t hash)
{
    uint32_t *link = &tombs->chains[hash & (tombs->n_chains - 1)];
    while (*link != 0 && tombs->ring[*link - 1].hash != hash) {
        link = &tombs->ring[*link - 1].next;
    }
    return link;
}

static bool unlink_tomb(struct tombs *tombs, uint64_t hash)
{
    uint32_t *link = link_to(tombs, hash);
    if (*link == 0) {
        return false;
    }
    struct tomb *tomb = &tombs->ring[*link - 1];
    *link = tomb->next;
    tomb->hash = 0;
    atomic_fetch_sub_explicit(&tombs->n, 1, memory_order_relaxed);
    return true;
}

void tombs_add(struct tombs *tombs, uint64_t hash, enum tomb_reason reason, int64_t ended_at_ms,
               uint32_t ttl_s)
{
    if (tombs->max == 0) {
        return;
    }
    pthread_mutex_lock(&tombs->mutex);
    unlink_tomb(tombs, hash);
    struct tomb *tomb = &tombs->ring[tombs->next_place];
    if (tomb->hash != 0) {
        unlink_tomb(tombs, tomb->hash);
    }
    uint32_t *chain = &tombs->chains[hash & (tombs->n_chains - 1)];
    *tomb = (struct tomb){
        .hash = hash, .ended_at_ms = ended_at_ms, .ttl_s = ttl_s, .next = *chain, .reason = reason
    };
    *chain = (uint32_t)tombs->next_place + 1;
    tombs->next_place = (tombs->next_place + 1) % tombs->max;
    atomic_fetch_add_explicit(&tombs->n, 1, memory_order_relaxed);
    pthread_mutex_unlock(&tombs->mutex);
}

bool tombs_find(struct tombs *tombs, uint64_t hash, int64_t now_ms, struct tomb *ret_tomb)
{
    if (atomic_load_explicit(&tombs->n, memory_order_relaxed) == 0) {
        return false;
    }
    pthread_mutex_lock(&tombs->mutex);
    uint32_t at = *link_to(tombs, hash);
    bool found = at != 0 && now_ms - tombs->ring[at - 1].ended_at_ms < day_ms;
    if (found) {
        *ret_tomb = tombs->ring[at - 1];
    }
    pthread_mutex_unlock(&tombs->mutex);
    return found;
}

bool tombs_forget(struct tombs *tombs, uint64_t hash)
{
    pthread_mutex_lock(&tombs->mutex);
    bool found = unlink_tomb(tombs, hash);
    pthread_mutex_unlock(&tombs->mutex);
    return found;
}

void tombs_copy(struct tombs *from, struct tombs *to)
{
    for (size_t k = 0; k < from->max && atomic_load_explicit(&from->n, memory_order_relaxed) > 0; k++) {
        pthread_mutex_lock(&from->mutex);
        struct tomb tomb = from->ring[(from->next_place + k) % from->max];
        pthread_mutex_unlock(&from->mutex);
        if (tomb.hash != 0) {
            tombs_add(to, tomb.hash, tomb.reason, tomb.ended_at_ms, tomb.ttl_s);
        }
    }
}
