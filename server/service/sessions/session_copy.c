#include "service/sessions/session_copy.h"

#include "service/degraded.h"
#include "service/models/models.h"
#include "service/service_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- scratch ---- */

bool session_copy_room(struct service_context *context, const struct record_layout *layout,
                       size_t n)
{
    size_t n_bytes = n * layout->copy_bytes;
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
                                         const struct record_layout *layout, size_t which)
{
    return (struct record_copy *)(void *)(context->copies + which * layout->copy_bytes);
}

/* ---- new sessions ---- */

enum claim session_copy_create(struct service_context *context, const struct model *model,
                               const struct pool_key *key, uint64_t keep, uint32_t *ret_slot,
                               struct fault *fault)
{
    struct pool *pool = model->pool;
    uint32_t slot;
    enum status status = pool_alloc(pool, key, keep, context->owner, context->now_ms, &slot, fault);
    degraded_settle(context->service, DEGRADED_SESSIONS, status);
    if (status != STATUS_OK) {
        return atomic_load(&pool->is_closed) ? CLAIM_MOVED : CLAIM_ENDED;
    }
    struct record_copy *copy = record_copy_at(&pool->layout, pool_record(pool, slot), 0);
    memset(copy, 0, pool->layout.copy_bytes);
    copy->last_seen_at_ms = context->now_ms;
    copy->created_at_s = (uint32_t)(context->now_ms / 1000);
    copy->ttl_s = RECORD_TTL_CONFIGURED;
    copy->version = model->active->number;
    copy->digest = model->active->digest.low;
    gru_state_init(model->active->gru, record_state(&pool->layout, copy));
    enum claim claim = pool_publish(pool, key, slot, fault);
    if (claim != CLAIM_OK) {
        pool_discard(pool, slot);
        return claim;
    }
    *ret_slot = slot;
    return CLAIM_OK;
}
