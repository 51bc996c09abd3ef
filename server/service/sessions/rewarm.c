#include "service/sessions/rewarm.h"

#include "service/models/models.h"
#include "service/service_private.h"
#include "service/sessions/session_copy.h"

#include <stdlib.h>

bool rewarm_grow(struct service_context *context, size_t n_floats)
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

enum status rewarm_session(struct service_context *context, const struct model *model,
                           uint32_t slot, struct fault *fault)
{
    struct pool *pool = model->pool;
    const struct version *active = model->active;
    const struct record_copy *now = record_newest(&pool->layout, pool_record(pool, slot));
    if (now->digest == active->digest.low && now->version == active->number) {
        return STATUS_OK;
    }
    const struct gru_info *info = gru_model_info(active->gru);
    if (!rewarm_grow(context, now->n_readings * info->n_inputs + info->y_floats)) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to re-warm the session");
    }
    struct record_copy *next = session_copy_begin(pool, slot, &now);
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
    session_copy_seal(pool, slot, next);
    atomic_fetch_add_explicit(&context->service->counters.n_rewarmed, 1, memory_order_relaxed);
    return STATUS_OK;
}
