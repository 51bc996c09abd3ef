#include "service/sessions/session_copy.h"

#include "service/degraded.h"
#include "service/models/models.h"
#include "service/service_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- scratch ---- */

bool session_copy_room(struct service_context *context, const struct pool *pool, size_t n)
{
    size_t n_bytes = n * pool->copy_bytes_max;
    if (context->n_copies_bytes >= n_bytes) {
        return true;
    }
    char *larger = calloc(1, n_bytes);
    if (!larger) {
        return false;
    }
    free(context->copies);
    context->copies = larger;
    context->n_copies_bytes = n_bytes;
    return true;
}

struct record_copy *session_copy_scratch(const struct service_context *context,
                                         const struct pool *pool, size_t which)
{
    return (struct record_copy *)(void *)(context->copies + which * pool->copy_bytes_max);
}

/* ---- new sessions ---- */

enum claim session_copy_create(struct service_context *context, const struct model *model,
                               const struct pool_key *key, unsigned record_class, uint64_t keep,
                               uint32_t *ret_slot, struct fault *fault)
{
    struct pool *pool = model->pool;
    uint32_t slot;
    enum status status =
        pool_alloc(pool, key, record_class, keep, context->owner, context->now_ms, &slot, fault);
    degraded_settle(context->service, DEGRADED_SESSIONS, status);
    if (status != STATUS_OK) {
        return atomic_load(&pool->is_closed) ? CLAIM_MOVED : CLAIM_ENDED;
    }
    const struct record_layout *layout = pool_layout(pool, slot);
    const struct record_life life = { (uint32_t)(context->now_ms / 1000), RECORD_TTL_CONFIGURED };
    struct record_copy *copy = record_copy_at(layout, pool_record(pool, slot), 0);
    record_set_life(pool_record(pool, slot), &life);
    record_clear_copy(layout, copy);
    copy->last_seen_at_ms = context->now_ms;
    copy->version = model->active->number;
    copy->digest = model->active->digest.low;
    gru_state_init(model->active->gru, record_state(layout, copy));
    record_rebase(layout, copy, copy);
    enum claim claim = pool_publish(pool, key, slot, fault);
    if (claim != CLAIM_OK) {
        pool_discard(pool, slot);
        return claim;
    }
    *ret_slot = slot;
    return CLAIM_OK;
}
