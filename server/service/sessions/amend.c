#include "service/sessions/amend.h"

#include "service/models/models.h"
#include "service/pool/pool_write.h"
#include "service/pool/record_ring.h"
#include "service/service_private.h"
#include "service/sessions/amend_plan.h"
#include "service/sessions/forecast_errors.h"
#include "service/sessions/pending_step.h"
#include "service/sessions/recorder.h"
#include "service/sessions/session_time.h"
#include "service/sessions/slice.h"
#include "service/sessions/step_ahead.h"
#include "service/sessions/step_intervals.h"
#include "service/sessions/step_place.h"

#include <string.h>

/* All that a session is but for its readings. */
struct moment {
    struct record_stamp time;
    struct record_error *errors; /* [O] */
    float *state;
};

enum { TRIES_MAX = 5 };

struct amend {
    uint64_t birth, writes; /* of the copy that it began with, and */
    unsigned version;       /* its version */
    struct amend_plan plan;
    size_t n_run;
    unsigned n_tries;
    size_t first_kept; /* of the plan's rows: the first behind the base, afterwards */
    struct moment base, now;
    double *y; /* [S * O] */
};

static enum status no_memory(struct step *step)
{
    return fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory to amend the session");
}

/* ---- it begins ---- */

static bool is_of(const struct amend *amend, const struct step *step,
                  const struct step_place *place)
{
    const struct record_copy *now = record_newest(place->layout, place->record);
    return amend->birth == record_header_of(place->record)->birth && amend->writes == now->writes &&
           amend->version == step->model->active->number;
}

static bool make_moment(struct step *step, struct moment *moment)
{
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    moment->errors = arena_array(step->arena, info->n_outputs, sizeof *moment->errors);
    moment->state = arena_array(step->arena, info->state_floats, sizeof *moment->state);
    return moment->errors && moment->state;
}

static void take_moment(const struct record_layout *layout, struct moment *to,
                        const struct moment *from)
{
    to->time = from->time;
    memcpy(to->errors, from->errors, layout->n_outputs * sizeof *to->errors);
    memcpy(to->state, from->state, layout->state_floats * sizeof *to->state);
}

/* Behind the base stay K readings at most, and none from before the hidden state began anew. */
static size_t first_kept(const struct amend_plan *plan, size_t n_history)
{
    const size_t n_left = plan->n_rows > n_history ? plan->n_rows - n_history : 0;
    return plan->first > n_left ? plan->first : n_left;
}

static enum status begin(struct service_context *context, struct step *step,
                         const struct step_place *place)
{
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    const struct record_layout *layout = place->layout;
    struct record_copy *now = record_newest(layout, place->record);
    struct record_base *base = record_base_of(layout, now);
    const unsigned n_tries = step->amend ? step->amend->n_tries : 0;
    if (n_tries == TRIES_MAX) {
        return fault_set(&step->fault, STATUS_OVERLOADED, NULL,
                         "session '%s' has moved on %d times while this reading was put in its "
                         "place; nothing of it is done, send it again",
                         step->session, TRIES_MAX);
    }
    struct amend *amend = arena_alloc(step->arena, sizeof *amend);
    if (!amend) {
        return no_memory(step);
    }
    *amend = (struct amend){ .birth = record_header_of(place->record)->birth,
                             .writes = now->writes,
                             .version = step->model->active->number,
                             .n_tries = n_tries + 1 };
    amend->y = arena_array(step->arena, info->y_floats, sizeof *amend->y);
    if (!amend->y || !make_moment(step, &amend->base) || !make_moment(step, &amend->now)) {
        return no_memory(step);
    }
    enum status status = amend_plan_make(step, layout, place->record, info,
                                         context->service->config->gap_max, &amend->plan);
    const struct moment from = { .time = { base->last_at, base->gap },
                                 .errors = base->errors,
                                 .state = record_base_state(layout, base) };
    take_moment(layout, &amend->now, &from);
    amend->first_kept = first_kept(&amend->plan, layout->n_history);
    step->amend = status == STATUS_OK ? amend : NULL;
    return status;
}

/* ---- it goes on ---- */

static enum status run_row(struct service_context *context, struct step *step,
                           const struct record_layout *layout)
{
    struct amend *amend = step->amend;
    const struct gru_model *gru = step->model->active->gru;
    const struct amend_row *row = &amend->plan.rows[amend->n_run];
    struct gru_lane lane = { .state_in = amend->now.state,
                             .state_out = amend->now.state,
                             .x = row->x,
                             .n_rows = 1,
                             .y = amend->y };
    if (row->stamp.gap == RECORD_GAP_RESTARTED) {
        gru_state_init(gru, amend->now.state);
    }
    if (amend->n_run == amend->first_kept) {
        take_moment(layout, &amend->base, &amend->now);
    }
    forecast_errors_note(gru, amend->now.state, row->x, amend->now.errors);
    if (gru_run(gru, context->work, &lane, 1) != GRU_OK) {
        return no_memory(step);
    }
    if (lane.status != GRU_OK) {
        return step_lane_fault(step, &lane);
    }
    amend->now.time = row->stamp;
    amend->n_run++;
    context->n_work_left -= (int64_t)slice_row_work(gru);
    return STATUS_OK;
}

/* The replayed readings, and then the forecast, as of a step that brings no further one. */
static enum status work(struct service_context *context, struct step *step,
                        const struct step_place *place, bool *ret_is_ready)
{
    enum status status = STATUS_OK;
    *ret_is_ready = false;
    if (!step->amend || !is_of(step->amend, step, place)) {
        status = begin(context, step, place);
    }
    while (status == STATUS_OK && step->amend->n_run < step->amend->plan.n_rows &&
           context->n_work_left > 0) {
        status = run_row(context, step, place->layout);
    }
    if (status != STATUS_OK || step->amend->n_run < step->amend->plan.n_rows) {
        return status;
    }
    const struct record_copy *now = record_newest(place->layout, place->record);
    const struct step_place end = { .last = now->step - step->amend->plan.n_before +
                                            step->amend->plan.n_rows,
                                    .state = step->amend->now.state,
                                    .layout = place->layout,
                                    .record = place->record };
    return step_ahead_go_on(context, step, &end, ret_is_ready);
}

/* ---- it is written ---- */

/* How many readings the session stands for: the older ones are for re-warming alone. */
static size_t count_readings(const struct amend_plan *plan, const struct record_copy *now,
                             size_t n_history)
{
    const bool begins_anew = plan->rows[plan->first].stamp.gap == RECORD_GAP_RESTARTED;
    const size_t n_older = begins_anew ? 0 : now->n_readings - plan->n_before;
    const size_t n = n_older + plan->n_rows - plan->first;
    return n < n_history ? n : n_history;
}

/* The last n of what was before the base and what the plan has. */
static bool gather_readings(struct step *step, const struct step_place *place, size_t n,
                            struct pool_readings *ret_readings)
{
    const struct record_layout *layout = place->layout;
    const struct amend_plan *plan = &step->amend->plan;
    const size_t n_inputs = layout->n_inputs, n_rows = plan->n_rows;
    const uint64_t step_before = record_newest(layout, place->record)->step - plan->n_before;
    double *x = arena_array(step->arena, n * n_inputs, sizeof *x);
    struct record_stamp *stamps = arena_array(step->arena, n, sizeof *stamps);
    if (!x || !stamps) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        const size_t n_left = n - k;
        const bool is_older = n_left > n_rows;
        const uint64_t number = step_before - (is_older ? n_left - n_rows - 1 : 0);
        const struct amend_row *row = is_older ? NULL : &plan->rows[n_rows - n_left];
        stamps[k] = row ? row->stamp : record_read_stamp(layout, place->record, number);
        if (row) {
            memcpy(x + k * n_inputs, row->x, n_inputs * sizeof *x);
        } else {
            record_read_reading(layout, place->record, number, x + k * n_inputs);
        }
    }
    *ret_readings = (struct pool_readings){ .x = x, .stamps = stamps, .n = n };
    return true;
}

static void put_moment(const struct record_layout *layout, const struct amend *amend,
                       struct record_copy *copy)
{
    struct record_base *base = record_base_of(layout, copy);
    copy->last_at = amend->now.time.last_at;
    copy->gap = amend->now.time.gap;
    memcpy(copy->errors, amend->now.errors, layout->n_outputs * sizeof *copy->errors);
    memcpy(record_state(layout, copy), amend->now.state,
           layout->state_floats * sizeof *amend->now.state);
    base->n_since = (uint32_t)(amend->plan.n_rows - amend->first_kept);
    base->last_at = amend->base.time.last_at;
    base->gap = amend->base.time.gap;
    memcpy(base->errors, amend->base.errors, layout->n_outputs * sizeof *base->errors);
    memcpy(record_base_state(layout, base), amend->base.state,
           layout->state_floats * sizeof *amend->base.state);
}

static enum claim write(struct service_context *context, struct pending_step *pending,
                        const struct step_place *place)
{
    struct step *step = pending->step;
    struct pool *pool = step->model->pool;
    const struct amend_plan *plan = &step->amend->plan;
    const struct record_layout *layout = place->layout;
    const struct record_copy *now = record_newest(layout, place->record);
    struct record_copy *copy = pending->next;
    const struct record_life life = record_header_of(place->record)->life;
    struct pool_readings readings;
    if (!gather_readings(step, place, count_readings(plan, now, layout->n_history), &readings)) {
        no_memory(step);
        return CLAIM_ENDED;
    }
    memcpy(copy, now, layout->copy_bytes);
    copy->step = now->step - plan->n_before + plan->n_rows;
    copy->last_seen_at_ms = context->now_ms;
    put_moment(layout, step->amend, copy);
    if (plan->n_rows != plan->n_before) {
        step_intervals_drop(context, pending);
    }
    step_ahead_answer(step);
    step->amended = now->step - plan->n_before + 1 + plan->at;
    const struct session_time time = session_time_read(copy);
    step->last_at = session_time_last_at(&time);
    const unsigned record_class = pool_extent(pool, pending->slot)->record_class;
    enum claim claim = pool_write_anew(pool, &pending->slot, record_class, context->owner, &life,
                                       copy, &readings, &step->fault);
    if (claim != CLAIM_OK) {
        return claim;
    }
    step_intervals_tell(context, pending, copy);
    if (context->outbox && plan->n_rows != plan->n_before) {
        recorder_begin(context->outbox);
        recorder_note_step(context->outbox, step->model->name, step->session, &life, copy);
    }
    return CLAIM_OK;
}

enum claim amend_go_on(struct service_context *context, struct pending_step *pending,
                       struct step_place *place)
{
    struct step *step = pending->step;
    bool is_ready;
    enum status status = work(context, step, place, &is_ready);
    status = is_ready && status == STATUS_OK ? step_intervals_room(pending) : status;
    if (status != STATUS_OK) {
        return CLAIM_ENDED;
    }
    return is_ready ? write(context, pending, place) : CLAIM_BUSY;
}
