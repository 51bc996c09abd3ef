#include "service/sessions/rewarm_slices.h"

#include "service/models/models.h"
#include "service/pool/pool.h"
#include "service/pool/record_ring.h"
#include "service/service_private.h"
#include "service/sessions/slice.h"

#include <stdlib.h>
#include <string.h>

enum {
    TURNS_PER_SLICE = 4, /* as long predictions have: what comes during one is served meanwhile */
    TURNS_OF_PATIENCE = 64
};

struct rewarming {
    struct gru_model *gru;
    struct record_header header; /* of the session */
    uint64_t step, digest;       /* where it is, and of what version */
    uint64_t turn;               /* of the context, when it was last gone on with */
    double *values;              /* what follows points into it */
    double *y;
    float *state;
    const double *readings; /* [n_left][I] */
    size_t n_left;
    bool is_done;
    struct gru_lane lane;
    struct gru_lane *order[1];
    struct gru_run run;
};

bool rewarm_slices_are_needed(const struct gru_model *gru, size_t n_readings)
{
    return n_readings > slice_rows(gru);
}

void rewarm_slices_free(struct rewarming *rewarming)
{
    if (rewarming) {
        gru_model_unref(rewarming->gru);
        free(rewarming->values);
        free(rewarming);
    }
}

static bool is_of(const struct rewarming *rewarming, const struct model *model, char *record,
                  const struct record_copy *now)
{
    return rewarming->gru == model->active->gru && rewarming->step == now->step &&
           rewarming->digest == now->digest &&
           memcmp(&rewarming->header, record_header_of(record), sizeof rewarming->header) == 0;
}

/* From a fresh state, through the readings that are left. */
static void begin_run(struct rewarming *rewarming)
{
    gru_state_init(rewarming->gru, rewarming->state);
    rewarming->is_done = rewarming->n_left == 0;
    rewarming->lane = (struct gru_lane){ .state_out = rewarming->state,
                                         .x = rewarming->readings,
                                         .n_rows = rewarming->n_left,
                                         .y = rewarming->y,
                                         .last_only = true };
    if (!rewarming->is_done) {
        gru_run_begin(rewarming->gru, &rewarming->lane, 1, rewarming->order, &rewarming->run);
    }
}

static struct rewarming *begin(const struct model *model, uint32_t slot,
                               const struct record_copy *now)
{
    struct gru_model *gru = model->active->gru;
    const struct gru_info *info = gru_model_info(gru);
    struct rewarming *rewarming = calloc(1, sizeof *rewarming);
    const size_t n_values = now->n_readings * info->n_inputs + info->y_floats;
    double *values = malloc(n_values * sizeof *values + info->state_floats * sizeof(float));
    if (!rewarming || !values) {
        free(rewarming);
        free(values);
        return NULL;
    }
    double *readings = values + info->y_floats;
    char *record = pool_record(model->pool, slot);
    record_read_readings(pool_layout(model->pool, slot), record, now, readings);
    gru_model_ref(gru);
    rewarming->gru = gru;
    rewarming->header = *record_header_of(record);
    rewarming->step = now->step;
    rewarming->digest = now->digest;
    rewarming->values = values;
    rewarming->y = values;
    rewarming->state = (float *)(void *)(values + n_values);
    rewarming->readings = readings;
    rewarming->n_left = now->n_readings;
    begin_run(rewarming);
    return rewarming;
}

/* A reading that the new version refuses must not keep the session from its next step: what follows
 * it counts. */
static void skip_bad_reading(struct rewarming *rewarming)
{
    size_t n = rewarming->lane.bad_row + 1;
    rewarming->readings += n * gru_model_info(rewarming->gru)->n_inputs;
    rewarming->n_left -= n;
    begin_run(rewarming);
}

static enum rewarm run_slice(struct service_context *context, struct rewarming *rewarming)
{
    if (rewarming->run.n_rows_left > 0 &&
        gru_run_part(&rewarming->run, context->work, slice_rows(rewarming->gru)) != GRU_OK) {
        return REWARM_FAILED;
    }
    if (rewarming->run.n_rows_left == 0 && rewarming->lane.status != GRU_OK) {
        skip_bad_reading(rewarming);
    } else if (rewarming->run.n_rows_left == 0) {
        rewarming->is_done = true;
    }
    return rewarming->is_done ? REWARM_DONE : REWARM_LATER;
}

enum rewarm rewarm_slices_go_on(struct service_context *context, const struct model *model,
                                uint32_t slot, const struct record_copy *now,
                                const float **ret_state)
{
    char *record = pool_record(model->pool, slot);
    struct rewarming *rewarming = context->rewarming;
    bool is_own = rewarming && is_of(rewarming, model, record, now);
    if (rewarming) {
        bool is_in_hand = !is_own && !rewarming->is_done;
        if (context->n_turns - rewarming->turn <
            (is_in_hand ? TURNS_OF_PATIENCE : TURNS_PER_SLICE)) {
            return REWARM_LATER;
        }
    }
    if (!is_own) {
        rewarm_slices_free(rewarming);
        rewarming = begin(model, slot, now);
        context->rewarming = rewarming;
    }
    if (!rewarming) {
        return REWARM_FAILED;
    }
    rewarming->turn = context->n_turns;
    enum rewarm result = rewarming->is_done ? REWARM_DONE : run_slice(context, rewarming);
    *ret_state = rewarming->state;
    return result;
}
