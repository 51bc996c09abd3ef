#include "service/sessions/session_copy.h"

#include "service/degraded.h"
#include "service/models/models.h"
#include "service/service_private.h"

#include <string.h>

/* ---- the next copy ---- */

struct record_copy *session_copy_begin(const struct pool *pool, uint32_t slot,
                                       const struct record_copy **ret_now)
{
    char *record = pool_record(pool, slot);
    struct record_copy *now = record_newest(&pool->layout, record);
    struct record_copy *next = record_other(&pool->layout, record, now);
    uint16_t writes = next->writes; /* until it is sealed, the other copy stays the newest */
    memcpy(next, now, pool->layout.copy_bytes);
    next->check = 0;
    next->writes = writes;
    *ret_now = now;
    return next;
}

void session_copy_seal(struct pool *pool, uint32_t slot, struct record_copy *copy)
{
    char *record = pool_record(pool, slot);
    copy->writes = (uint16_t)(record_other(&pool->layout, record, copy)->writes + 1);
    record_seal(&pool->layout, record, copy);
    pool_note_copy(pool, slot, copy);
}

/* ---- new sessions ---- */

enum claim session_copy_alloc(struct service_context *context, const struct model *model,
                              const struct pool_key *key, uint32_t *ret_slot,
                              struct record_copy **ret_copy, struct fault *fault)
{
    struct pool *pool = model->pool;
    enum status status = pool_alloc(pool, key, context->owner, context->now_ms, ret_slot, fault);
    degraded_settle(context->service, DEGRADED_SESSIONS, status);
    if (status != STATUS_OK) {
        return atomic_load(&pool->is_closed) ? CLAIM_MOVED : CLAIM_ENDED;
    }
    char *record = pool_record(pool, *ret_slot);
    struct record_copy *copy = record_copy_at(&pool->layout, record, 0);
    memset(copy, 0, pool->layout.copy_bytes);
    copy->last_seen_at_ms = context->now_ms;
    copy->created_at_s = (uint32_t)(context->now_ms / 1000);
    copy->ttl_s = RECORD_TTL_CONFIGURED;
    copy->version = model->active->number;
    copy->digest = model->active->digest.low;
    gru_state_init(model->active->gru, record_state(&pool->layout, copy));
    record_copy_at(&pool->layout, record, 1)->writes = 0;
    *ret_copy = copy;
    return CLAIM_OK;
}

enum claim session_copy_publish(struct pool *pool, const struct pool_key *key, uint32_t slot,
                                struct record_copy *copy, struct fault *fault)
{
    /* Sealed only then: a copy that counts, of a session that another worker makes as well, would
     * be found in the file by the next process. */
    enum claim claim = pool_publish(pool, key, slot, fault);
    if (claim == CLAIM_OK) {
        session_copy_seal(pool, slot, copy);
        record_end_birth(&pool->layout, pool_record(pool, slot));
    } else {
        pool_discard(pool, slot);
    }
    return claim;
}
