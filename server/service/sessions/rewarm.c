#include "service/sessions/rewarm.h"

#include "service/models/models.h"
#include "service/pool/pool_write.h"
#include "service/pool/record_ring.h"
#include "service/service_private.h"
#include "service/sessions/session_intervals.h"
#include "service/sessions/slice.h"

#include <stdlib.h>
#include <string.h>

bool rewarm_grow(struct service_context *context, size_t n_bytes)
{
    if (context->n_rewarm_bytes >= n_bytes) {
        return true;
    }
    void *larger = malloc(n_bytes);
    if (!larger) {
        return false;
    }
    free(context->rewarm);
    context->rewarm = larger;
    context->n_rewarm_bytes = n_bytes;
    return true;
}

/* From a fresh state; *ret_bad_row: the first that does not run. */
static enum gru_status replay(struct service_context *context, const struct gru_model *gru,
                              const double *readings, size_t n_readings, float *state, double *y,
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

/* The state that the kept readings lead to, all at once; in context->rewarm. */
static enum rewarm replay_all(struct service_context *context, const struct model *model,
                              uint32_t slot, const struct record_copy *now, const float **ret_state)
{
    const struct pool *pool = model->pool;
    const struct gru_model *gru = model->active->gru;
    const struct gru_info *info = gru_model_info(gru);
    const size_t n_values = now->n_readings * info->n_inputs + info->y_floats;
    if (!rewarm_grow(context, n_values * sizeof(double) + info->state_floats * sizeof(float))) {
        return REWARM_FAILED;
    }
    double *y = context->rewarm;
    double *readings = y + info->y_floats;
    float *state = (float *)(void *)(y + n_values);
    record_read_readings(pool_layout(pool, slot), pool_record(pool, slot), now, readings);
    /* A reading that the new version refuses must not keep the session from its next step: what
     * follows it counts. */
    size_t n_left = now->n_readings;
    size_t bad_row = 0;
    enum gru_status status;
    while ((status = replay(context, gru, readings, n_left, state, y, &bad_row)) != GRU_OK) {
        if (status == GRU_NO_MEMORY) {
            return REWARM_FAILED;
        }
        readings += (bad_row + 1) * info->n_inputs;
        n_left -= bad_row + 1;
    }
    *ret_state = state;
    return REWARM_DONE;
}

static enum rewarm find_state(struct service_context *context, const struct model *model,
                              uint32_t slot, const struct record_copy *now, const float **ret_state)
{
    const struct gru_model *gru = model->active->gru;
    if (rewarm_slices_are_needed(gru, now->n_readings)) {
        return rewarm_slices_go_on(context, model, slot, now, ret_state);
    }
    if (context->n_work_left <= 0) {
        return REWARM_LATER;
    }
    context->n_work_left -= (int64_t)(now->n_readings * slice_row_work(gru));
    return replay_all(context, model, slot, now, ret_state);
}

enum rewarm rewarm_session(struct service_context *context, const struct model *model,
                           uint32_t *slot, struct record_copy *scratch, struct fault *fault)
{
    struct pool *pool = model->pool;
    const struct version *active = model->active;
    const struct record_copy *now = pool_newest(pool, *slot);
    if (now->digest == active->digest.low && now->version == active->number) {
        return REWARM_DONE;
    }
    const float *state;
    enum rewarm result = find_state(context, model, *slot, now, &state);
    if (result == REWARM_FAILED) {
        fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to re-warm the session");
    }
    if (result != REWARM_DONE) {
        return result;
    }
    memcpy(scratch, now, pool_layout(pool, *slot)->copy_bytes);
    memcpy(record_state(&pool->layout, scratch), state, pool->layout.state_floats * sizeof *state);
    scratch->version = active->number;
    scratch->digest = active->digest.low;
    record_rebase(&pool->layout, scratch, scratch);
    const struct version *before = version_with_digest(model, now->digest);
    const struct interval_sessions sessions = interval_sessions_of(context, model);
    session_intervals_follow(&sessions, *slot, scratch, before);
    uint64_t section = pool_begin_writes(pool);
    pool_write_copy(pool, section, slot, context->owner, scratch, NULL);
    pool_end_writes(pool, section);
    atomic_fetch_add_explicit(&context->service->counters.n_rewarmed, 1, memory_order_relaxed);
    return REWARM_DONE;
}
