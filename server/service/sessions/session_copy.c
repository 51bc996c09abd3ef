/* session_copy.c - what may be done to a claimed session: its next copy, its first one, and its
 * state under another version. */
#include "base/log.h"
#include "service/service_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- the next copy ---- */

struct record_copy *session_begin_copy(const struct pool *pool, uint32_t slot,
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

void session_seal_copy(struct pool *pool, uint32_t slot, struct record_copy *copy)
{
    char *record = pool_record(pool, slot);
    copy->writes = (uint16_t)(record_other(&pool->layout, record, copy)->writes + 1);
    record_seal(&pool->layout, record, copy);
    pool_note_copy(pool, slot, copy);
}

enum status pool_commit(struct service *service, struct pool *pool, struct fault *fault)
{
    if (service->config->sync_interval_ms != 0 || pool->region.fd < 0) {
        return STATUS_OK;
    }
    atomic_fetch_add(&service->counters.n_syncs, 1);
    if (pool_sync(pool)) {
        return STATUS_OK;
    }
    atomic_fetch_add(&service->counters.n_failed_syncs, 1);
    degraded_begins(service, DEGRADED_SYNC);
    return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                     "done, but a sync failed: what is not known to be on disk is not acknowledged "
                     "until grud is "
                     "restarted; with `seq` it is safe to send it again then");
}

/* ---- new sessions ---- */

enum claim session_alloc(struct service_context *context, const struct model *model,
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

enum claim session_publish(struct pool *pool, const struct pool_key *key, uint32_t slot,
                           struct record_copy *copy, struct fault *fault)
{
    /* Sealed only then: a copy that counts, of a session that another worker makes as well, would
     * be found in the file by the next process. */
    enum claim claim = pool_publish(pool, key, slot, fault);
    if (claim == CLAIM_OK) {
        session_seal_copy(pool, slot, copy);
        record_end_birth(&pool->layout, pool_record(pool, slot));
    } else {
        pool_discard(pool, slot);
    }
    return claim;
}

/* ---- re-warming ---- */

bool service_context_grow_rewarm(struct service_context *context, size_t n_floats)
{
    if (context->n_rewarm >= n_floats) {
        return true;
    }
    float *larger = reallocarray(NULL, n_floats, sizeof *larger);
    if (!larger) {
        return false;
    }
    free(context->rewarm);
    context->rewarm = larger;
    context->n_rewarm = n_floats;
    return true;
}

/* From a fresh state; *ret_bad_row: the first that does not run. */
static enum gru_status replay(struct service_context *context, const struct gru_model *gru,
                              const float *readings, size_t n_readings, float *state, float *y,
                              size_t *ret_bad_row)
{
    if (n_readings == 0) {
        gru_state_init(gru, state);
        return GRU_OK;
    }
    struct gru_lane lane = {
        .state_out = state, .x = readings, .n_rows = n_readings, .y = y, .last_only = true
    };
    enum gru_status status = gru_run(gru, context->work, &lane, 1);
    *ret_bad_row = lane.bad_row;
    return status == GRU_OK ? lane.status : status;
}

enum status session_replay(struct service_context *context, const struct version *version,
                           const float *readings, size_t n_readings, float *state, float *y,
                           struct fault *fault)
{
    size_t bad_row;
    enum gru_status status =
        replay(context, version->gru, readings, n_readings, state, y, &bad_row);
    if (status == GRU_OK) {
        return STATUS_OK;
    }
    return fault_set(fault, status_of_gru(status), NULL,
                     "the readings do not run through version %u: %s", version->number,
                     gru_status_text(status));
}

enum status session_rewarm(struct service_context *context, const struct model *model,
                           uint32_t slot, struct fault *fault)
{
    struct pool *pool = model->pool;
    const struct version *active = model->active;
    const struct record_copy *now = record_newest(&pool->layout, pool_record(pool, slot));
    if (now->digest == active->digest.low && now->version == active->number) {
        return STATUS_OK;
    }
    const struct gru_info *info = gru_model_info(active->gru);
    if (!service_context_grow_rewarm(context, now->n_readings * info->n_inputs + info->y_floats)) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to re-warm the session");
    }
    struct record_copy *next = session_begin_copy(pool, slot, &now);
    float *y = context->rewarm;
    float *readings = y + info->y_floats;
    record_read_readings(&pool->layout, pool_record(pool, slot), now, readings);
    /* A reading that the new version refuses must not keep the session from its next step: what
     * follows it counts. */
    size_t n_left = now->n_readings;
    size_t bad_row = 0;
    enum gru_status status;
    while ((status = replay(context, active->gru, readings, n_left,
                            record_state(&pool->layout, next), y, &bad_row)) != GRU_OK) {
        if (status == GRU_NO_MEMORY) {
            return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to re-warm the session");
        }
        readings += (bad_row + 1) * info->n_inputs;
        n_left -= bad_row + 1;
    }
    next->version = active->number;
    next->digest = active->digest.low;
    session_seal_copy(pool, slot, next);
    atomic_fetch_add_explicit(&context->service->counters.n_rewarmed, 1, memory_order_relaxed);
    return STATUS_OK;
}
