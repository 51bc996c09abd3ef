#include "service/cluster/heal.h"

#include "base/clock.h"
#include "cluster/cluster_library.h"
#include "service/pool/pool_slots.h"
#include "service/pool/pool_wire.h"

enum { BATCH = 64 };

struct batch {
    struct heal *heal;
    struct engine *engine;
    struct pool *pool;
    uint32_t slots[BATCH]; /* claimed */
    size_t n;
};

/* ---- what goes on its way ---- */

static void settle(const struct batch *batch, size_t k, const struct cluster_reply *entry)
{
    enum { HAS_IT = 0, TAKEN = 1, HAS_NEWER = 2 };
    const uint32_t slot = batch->slots[k];
    const bool is_number = entry->type == CLUSTER_NUMBER;
    if (is_number && entry->number <= TAKEN) {
        batch->heal->n_given_back += entry->number == TAKEN;
        *pool_stamp(batch->pool, slot) = engine_stamp(batch->engine);
        pool_release(batch->pool, slot);
        return;
    }
    batch->heal->n_newer += is_number && entry->number == HAS_NEWER;
    batch->heal->n_failed += !is_number;
    pool_remove(batch->pool, slot);
}

/* False: nobody answers, or it is healed no more. */
static bool send(struct batch *batch)
{
    const struct cluster_reply *reply = NULL, *entries = NULL;
    struct fault fault;
    if (batch->n == 0) {
        return true;
    }
    engine_begin(batch->engine, CLUSTER_HEAL);
    for (size_t k = 0; k < batch->n; k++) {
        engine_heal(batch->engine, batch->pool, batch->slots[k]);
    }
    if (engine_call(batch->engine, &reply, &fault) == STATUS_OK) {
        entries = engine_entries(batch->engine, reply, batch->n);
    }
    for (size_t k = 0; k < batch->n; k++) {
        if (entries) {
            settle(batch, k, &entries[k]);
        } else {
            pool_release(batch->pool, batch->slots[k]);
        }
    }
    batch->n = 0;
    return entries != NULL;
}

/* ---- the walk ---- */

/* Of the claimed session. What was not lost is known of the healed engine, too. */
static bool is_lost(const struct batch *batch, uint32_t slot)
{
    const struct cluster_link *link = engine_link(batch->engine);
    const uint64_t mask = (UINT64_C(1) << ENGINE_WRITES_BITS) - 1;
    uint64_t *stamp = pool_stamp(batch->pool, slot);
    const unsigned losses = cluster_link_losses(link);
    if (*stamp >> ENGINE_WRITES_BITS == (uint16_t)losses) {
        return false; /* it was given back, or is known to be there */
    }
    if ((*stamp & mask) > (uint64_t)cluster_link_n_left(link)) {
        return true;
    }
    *stamp = (uint64_t)(uint16_t)losses << ENGINE_WRITES_BITS | (*stamp & mask);
    return false;
}

void heal_pool(struct heal *heal, struct engine *engine, struct pool *pool, int64_t until_ns)
{
    struct batch batch = { .heal = heal, .engine = engine, .pool = pool };
    for (uint32_t slot = pool_next_slot(pool, INDEX_NONE); slot != INDEX_NONE;
         slot = pool_next_slot(pool, slot)) {
        if (!(slots_flags(pool, slot) & SLOT_USED)) {
            continue;
        }
        if (slots_claim(pool, slot, OWNER_MAIN) != OWNER_NONE) {
            continue; /* until the next time */
        }
        if (!(slots_flags(pool, slot) & SLOT_USED) || !is_lost(&batch, slot)) {
            pool_release(pool, slot);
        } else {
            batch.slots[batch.n++] = slot;
        }
        if (batch.n == BATCH && (!send(&batch) || clock_monotonic_ns() > until_ns)) {
            return;
        }
    }
    (void)send(&batch);
}

bool heal_is_over(struct engine *engine)
{
    const struct cluster_reply *reply = NULL;
    struct fault fault;
    engine_begin(engine, CLUSTER_HEAL);
    if (engine_call(engine, &reply, &fault) != STATUS_OK || reply->type != CLUSTER_NUMBER) {
        return false;
    }
    cluster_link_end_healing(engine_link(engine));
    return true;
}
