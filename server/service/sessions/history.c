#include "service/sessions/history.h"

#include "service/models/models.h"
#include "service/pool/pool_wire.h"
#include "service/pool/record_ring.h"
#include "service/service_private.h"
#include "service/sessions/commit.h"
#include "service/sessions/forecast_errors.h"
#include "service/sessions/recorded_list.h"
#include "service/sessions/recorder.h"
#include "service/sessions/session_claim.h"

#include <math.h>
#include <string.h>

/* ---- what the record has, copied while it is claimed ---- */

struct kept {
    struct record_layout layout;
    struct record_life life;
    uint64_t step;
    bool is_acknowledged;
    size_t n;                    /* readings */
    double *x;                   /* [n][I] */
    double *at;                  /* [n] NaN: not known */
    float *state;                /* [state_floats] after the last of them */
    struct record_error *errors; /* [O] likewise */
    /* From where they can be replayed, if that is known: */
    bool has_start;
    size_t first; /* the first reading after it */
    float *start; /* [state_floats] */
    struct record_error *start_errors;
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the readings");
}

static void *copy_of(struct arena *arena, const void *from, size_t n_bytes)
{
    void *copy = arena_alloc(arena, n_bytes);
    return copy ? memcpy(copy, from, n_bytes) : NULL;
}

static double time_of(double last_at, uint64_t gap)
{
    return gap == RECORD_GAP_UNTIMED ? (double)NAN : last_at;
}

static void read_times(char *record, const struct record_copy *copy, struct kept *kept)
{
    for (size_t k = 0; k < kept->n; k++) {
        kept->at[k] = NAN;
        if (record_has_base(&kept->layout)) {
            const struct record_stamp stamp =
                record_read_stamp(&kept->layout, record, kept->step - kept->n + 1 + k);
            kept->at[k] = time_of(stamp.last_at, stamp.gap);
        }
    }
    if (kept->n > 0) {
        kept->at[kept->n - 1] = time_of(copy->last_at, copy->gap);
    }
}

/* A session that has fewer readings than are kept has all of them since its hidden state was
 * fresh. */
static bool read_start(const struct gru_model *gru, struct record_copy *copy, struct arena *arena,
                       struct kept *kept)
{
    const struct record_layout *layout = &kept->layout;
    const size_t n_state = layout->state_floats * sizeof(float);
    const size_t n_errors = layout->n_outputs * sizeof(struct record_error);
    kept->start = arena_alloc(arena, n_state);
    kept->start_errors = arena_alloc(arena, n_errors);
    if (!kept->start || !kept->start_errors) {
        return false;
    }
    if (record_has_base(layout)) {
        struct record_base *base = record_base_of(layout, copy);
        kept->has_start = base->n_since <= kept->n;
        kept->first = kept->has_start ? kept->n - base->n_since : 0;
        memcpy(kept->start, record_base_state(layout, base), n_state);
        memcpy(kept->start_errors, base->errors, n_errors);
        return true;
    }
    kept->has_start = kept->n == kept->step || kept->n < layout->n_history;
    kept->first = 0;
    gru_state_init(gru, kept->start);
    memset(kept->start_errors, 0, n_errors);
    return true;
}

static bool read_kept(const struct model *model, uint32_t slot, struct arena *arena,
                      struct kept *kept)
{
    char *record = pool_record(model->pool, slot);
    kept->layout = *pool_layout(model->pool, slot);
    const struct record_layout *layout = &kept->layout;
    struct record_copy *copy = record_newest(layout, record);
    kept->life = record_header_of(record)->life;
    kept->life.created_at_s = pool_life(model->pool, slot);
    kept->step = copy->step;
    kept->n = copy->n_readings;
    kept->x = arena_array(arena, kept->n * layout->n_inputs, sizeof *kept->x);
    kept->at = arena_array(arena, kept->n, sizeof *kept->at);
    kept->state =
        copy_of(arena, record_state(layout, copy), layout->state_floats * sizeof *kept->state);
    kept->errors = copy_of(arena, copy->errors, layout->n_outputs * sizeof *kept->errors);
    if (!kept->x || !kept->at || !kept->state || !kept->errors ||
        !read_start(model->active->gru, copy, arena, kept)) {
        return false;
    }
    record_read_readings(layout, record, copy, kept->x);
    read_times(record, copy, kept);
    return true;
}

static const double *x_of(const struct kept *kept, size_t k)
{
    return kept->x + k * kept->layout.n_inputs;
}

/* ---- what had been forecast for them, by a replay ---- */

/* Errors of another version's forecasts are other ones. Where nothing was compared there must not
 * have been another version. */
static bool is_proof(const struct model *model, const struct kept *kept,
                     const struct record_error *errors)
{
    const struct gru_info *info = gru_model_info(model->active->gru);
    bool is_compared = false;
    for (size_t o = 0; o < info->n_outputs; o++) {
        is_compared = is_compared || errors[o].n > 0;
    }
    return (is_compared || model->newest == 1) &&
           memcmp(errors, kept->errors, info->n_outputs * sizeof *errors) == 0;
}

/* [S * O]. */
static void read_y(const struct gru_model *gru, const float *state, double *ret_y)
{
    for (size_t k = 0; k < gru_model_info(gru)->y_floats; k++) {
        ret_y[k] = gru_state_y(gru, state, k);
    }
}

/* What a state says beside its layers, one reading later. */
static void note_reading(const struct gru_model *gru, const double *x, const double *y,
                         float *state)
{
    const struct gru_info *info = gru_model_info(gru);
    for (size_t i = 0; i < info->n_inputs; i++) {
        if (!isnan(x[i])) {
            gru_state_set_last(gru, state, i, x[i]);
        }
    }
    for (size_t k = 0; k < info->y_floats; k++) {
        gru_state_set_y(gru, state, k, y[k]);
    }
}

/* ret_y [n], each [O] or NULL: not known. False: no memory. */
static bool replay(struct service_context *context, const struct model *model,
                   const struct kept *kept, struct arena *arena, const double **ret_y)
{
    const struct gru_model *gru = model->active->gru;
    const struct gru_info *info = gru_model_info(gru);
    const size_t n = kept->n - kept->first;
    double *y = arena_array(arena, (1 + n) * info->y_floats, sizeof *y);
    float *state = arena_array(arena, info->state_floats, sizeof *state);
    if (!y || !state) {
        return false;
    }
    struct gru_lane lane = { .state_in = kept->start,
                             .state_out = state,
                             .x = x_of(kept, kept->first),
                             .n_rows = n,
                             .y = y + info->y_floats };
    enum gru_status status = gru_run(gru, context->work, &lane, 1);
    if (status != GRU_OK || lane.status != GRU_OK ||
        memcmp(state, kept->state, info->state_floats * sizeof *state) != 0) {
        return status != GRU_NO_MEMORY;
    }
    memcpy(state, kept->start, info->state_floats * sizeof *state);
    read_y(gru, state, y);
    for (size_t k = 0; k < n; k++) {
        const double *x = x_of(kept, kept->first + k);
        forecast_errors_note(gru, state, x, kept->start_errors);
        note_reading(gru, x, y + (k + 1) * info->y_floats, state);
    }
    for (size_t k = 0; k < n && is_proof(model, kept, kept->start_errors); k++) {
        const double *before = y + k * info->y_floats;
        ret_y[kept->first + k] = isnan(before[0]) ? NULL : before;
    }
    return true;
}

/* ---- both ---- */

struct merging {
    const struct kept *kept;
    const double **kept_y; /* [kept->n] by a replay */
    const struct recorded_reading *recorded;
    size_t n_recorded;
};

static bool is_same(const double *a, const double *b, size_t n)
{
    size_t k = 0;
    while (k < n && (a[k] == b[k] || (isnan(a[k]) && isnan(b[k])))) {
        k++;
    }
    return k == n;
}

/* A kept reading, with what its recording knows of it. Where x is another one it was amended, and
 * the recording is of what it was. */
static struct session_reading merge(const struct merging *merging, size_t k,
                                    const struct recorded_reading *recorded)
{
    const struct kept *kept = merging->kept;
    struct session_reading reading = { .step = kept->step - kept->n + 1 + k,
                                       .at = kept->at[k],
                                       .x = x_of(kept, k),
                                       .y = merging->kept_y[k] };
    if (recorded && is_same(recorded->x, reading.x, kept->layout.n_inputs)) {
        reading.at = isnan(reading.at) ? recorded->at : reading.at;
        reading.y = recorded->y ? recorded->y : reading.y;
    }
    return reading;
}

/* From the last one before `before` back, into the end of readings[limit]; one more than that is
 * looked for. */
static void merge_all(const struct merging *merging, uint64_t before, size_t limit,
                      struct session_history *history)
{
    const struct kept *kept = merging->kept;
    const uint64_t first = kept->step - kept->n + 1; /* of the kept ones */
    size_t n_recorded = merging->n_recorded, n_kept = kept->n;
    struct session_reading *end = history->readings + limit;
    while (n_kept > 0 && first + n_kept - 1 >= before) {
        n_kept--;
    }
    while (n_recorded > 0 || n_kept > 0) {
        const struct recorded_reading *recorded =
            n_recorded > 0 ? &merging->recorded[n_recorded - 1] : NULL;
        const uint64_t step = n_kept > 0 ? first + n_kept - 1 : 0;
        if (recorded && recorded->step > kept->step) {
            n_recorded--; /* made since the record was copied: the next call has it */
            continue;
        }
        if (history->n == limit) {
            history->has_more = true;
            return;
        }
        const bool is_kept = !recorded || (n_kept > 0 && step >= recorded->step);
        const bool is_both = is_kept && recorded && step == recorded->step;
        end[-1 - (ptrdiff_t)history->n++] =
            is_kept
                ? merge(merging, n_kept - 1, is_both ? recorded : NULL)
                : (struct session_reading){
                      .step = recorded->step, .at = recorded->at, .x = recorded->x, .y = recorded->y
                  };
        n_kept -= is_kept;
        n_recorded -= !is_kept || is_both;
    }
}

static enum status read_recorded(struct service_context *context, const struct model *model,
                                 const char *id, uint64_t before, size_t limit,
                                 const struct kept *kept, struct arena *arena,
                                 struct merging *merging, struct fault *fault)
{
    const uint64_t end = kept->step < UINT64_MAX ? kept->step + 1 : kept->step;
    const struct recordings_page page = { .model = model->name,
                                          .session = id,
                                          .before = before < end ? before : end,
                                          .limit = limit + 1,
                                          .n_inputs = kept->layout.n_inputs,
                                          .n_outputs = kept->layout.n_outputs };
    struct recorded_reading *recorded = NULL;
    const struct recorded_trips trips = { .engine = context->engine };
    enum status status =
        recorder_read_page(context->service->recorder, context->engine ? &trips : NULL, &kept->life,
                           page, arena, &recorded, &merging->n_recorded, fault);
    merging->recorded = recorded;
    return status;
}

static enum status take_kept(struct service_context *context, const struct model **model,
                             const char *id, struct arena *arena, struct kept *kept,
                             struct fault *fault)
{
    uint32_t slot;
    enum status status = session_claim_live(context, model, id, &slot, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const bool is_read = read_kept(*model, slot, arena, kept);
    kept->is_acknowledged = commit_is_done(context, (*model)->pool, slot);
    pool_release((*model)->pool, slot);
    return is_read ? pool_check_whole((*model)->pool, fault) : no_memory(fault);
}

enum status session_history_read(struct service_context *context, const struct model *model,
                                 const char *id, uint64_t before, size_t limit, struct arena *arena,
                                 struct session_history *ret_history, struct fault *fault)
{
    struct kept kept = { .n = 0 };
    struct merging merging = { .kept = &kept };
    enum status status = take_kept(context, &model, id, arena, &kept, fault);
    if (status == STATUS_OK) {
        status = read_recorded(context, model, id, before, limit, &kept, arena, &merging, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct session_history history = { .gru = model->active->gru,
                                       .step = kept.step,
                                       .is_acknowledged = kept.is_acknowledged };
    history.readings = arena_array(arena, limit, sizeof *history.readings);
    merging.kept_y = arena_array(arena, kept.n, sizeof *merging.kept_y);
    double *y = arena_array(arena, gru_model_info(history.gru)->y_floats, sizeof *y);
    if (!history.readings || !merging.kept_y || !y) {
        return no_memory(fault);
    }
    memset(merging.kept_y, 0, kept.n * sizeof *merging.kept_y);
    if (kept.has_start && kept.n > kept.first &&
        !replay(context, model, &kept, arena, merging.kept_y)) {
        return no_memory(fault);
    }
    read_y(history.gru, kept.state, y);
    history.y = isnan(y[0]) ? NULL : y;
    merge_all(&merging, before, limit, &history);
    history.readings += limit - history.n;
    *ret_history = history;
    return STATUS_OK;
}
