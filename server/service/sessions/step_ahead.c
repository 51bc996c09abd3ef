#include "service/sessions/step_ahead.h"

#include "service/models/models.h"
#include "service/pool/record_ring.h"
#include "service/service_private.h"
#include "service/sessions/predict.h"
#include "service/sessions/step_explain.h"
#include "service/sessions/step_place.h"
#include "service/sessions/steps.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TRIES_MAX = 5 };

struct step_ahead {
    uint64_t last; /* where it began */
    bool is_new;
    unsigned version;
    size_t state_floats;
    size_t n_rows, n_run;
    unsigned n_tries;
    bool has_forecast, is_ready;
    float *states;  /* [1 + n_rows][state_floats]: where it began, and after each row */
    float *bases;   /* [1 + n_rows][state_floats]: of the session's base; NULL: it has none */
    size_t n_since; /* readings behind the first of them */
    bool is_base_lost;
    double *missing; /* [I] a reading of which nothing is known */
    double *leaving; /* [I] one that leaves those behind the base */
    double *y;       /* [2][S * O] */
    double *forecast;
    size_t n_forecast;
    struct prediction prediction; /* of the forecast, if that is long */
    struct sequence sequence;
};

enum status step_lane_fault(struct step *step, const struct gru_lane *lane)
{
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    char param[32];
    snprintf(param, sizeof param, "x[%zu]", lane->bad_column);
    if (lane->status == GRU_MISSING_INPUT) {
        return fault_set(&step->fault, STATUS_MISSING_INPUT, param,
                         "input '%s' is missing, and the model's policy is to refuse that",
                         info->inputs[lane->bad_column].name);
    }
    return fault_set(
        &step->fault, status_of_gru(lane->status), "x",
        "output '%s' would not be a finite number for this reading; the session is as it was",
        info->outputs[lane->bad_column % info->n_outputs].name);
}

static enum status no_memory(struct step *step)
{
    return fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for this step");
}

/* ---- it begins ---- */

static bool has_long_forecast(const struct step *step)
{
    const struct gru_model *gru = step->model->active->gru;
    const size_t n = forecast_options_rows(gru_model_info(gru), &step->forecast_options);
    return n > 1 && n > slice_rows(gru);
}

bool step_measure(struct step *step)
{
    const struct gru_model *gru = step->model->active->gru;
    bool is_long = has_long_forecast(step);
    step->n_rows =
        1 + (is_long ? 0 : forecast_options_rows(gru_model_info(gru), &step->forecast_options));
    step->n_rows += step_explain_rows_at_once(step);
    step->n_work = step->n_rows * slice_row_work(gru);
    return is_long;
}

bool step_ahead_is_needed(const struct step *step, size_t n_rows)
{
    return n_rows > 1 || step->forecast_options.explain || has_long_forecast(step);
}

static bool is_at(const struct step_ahead *ahead, const struct step *step,
                  const struct step_place *place)
{
    return ahead->version == step->model->active->number && ahead->last == place->last &&
           ahead->n_rows == place->n_rows &&
           (place->state ? memcmp(ahead->states, place->state,
                                  ahead->state_floats * sizeof *ahead->states) == 0
                         : ahead->is_new);
}

static bool make_room(struct step *step, struct step_ahead *ahead, size_t n_rows)
{
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    ahead->state_floats = info->state_floats;
    ahead->n_rows = n_rows;
    ahead->states =
        arena_array(step->arena, (1 + n_rows) * info->state_floats, sizeof *ahead->states);
    ahead->missing = arena_array(step->arena, 2 * info->n_inputs, sizeof *ahead->missing);
    ahead->leaving = ahead->missing ? ahead->missing + info->n_inputs : NULL;
    ahead->y = arena_array(step->arena, 2 * info->y_floats, sizeof *ahead->y);
    const bool has_base = record_has_base(&step->model->pool->layout);
    ahead->bases =
        has_base ? arena_array(step->arena, (1 + n_rows) * info->state_floats, sizeof *ahead->bases)
                 : NULL;
    for (size_t k = 0; ahead->missing && k < info->n_inputs; k++) {
        ahead->missing[k] = NAN;
    }
    return ahead->states && ahead->missing && ahead->y && (!has_base || ahead->bases);
}

/* Where the base is, too: a session that begins, or begins anew, is its own. */
static void begin_base(struct step *step, const struct step_place *place, struct step_ahead *ahead)
{
    const float *state = ahead->states;
    if (ahead->bases && place->state && !step->is_restarted) {
        const struct record_layout *layout = place->layout;
        struct record_base *base = record_base_of(layout, record_newest(layout, place->record));
        state = record_base_state(layout, base);
        ahead->n_since = base->n_since;
    }
    if (ahead->bases) {
        memcpy(ahead->bases, state, ahead->state_floats * sizeof *state);
    }
}

/* What was begun before, for the same readings and version, has the room already: a step that is
 * tried again and again must not take memory each time. */
static struct step_ahead *find_room(struct step *step, const struct step_place *place)
{
    struct step_ahead *ahead = step->ahead;
    if (ahead && ahead->version == step->model->active->number && ahead->n_rows == place->n_rows) {
        return ahead;
    }
    ahead = arena_alloc(step->arena, sizeof *ahead);
    if (ahead) {
        *ahead = (struct step_ahead){ .n_tries = step->ahead ? step->ahead->n_tries : 0 };
    }
    return ahead && make_room(step, ahead, place->n_rows) ? ahead : NULL;
}

/* Only what takes several turns is given up: a short step is worked out while the session is
 * claimed, and waits for no more than another layout of the sessions. */
static enum status begin(struct step *step, const struct step_place *place)
{
    const struct version *active = step->model->active;
    if (step->ahead && step->ahead->n_tries == TRIES_MAX) {
        return fault_set(&step->fault, STATUS_OVERLOADED, NULL,
                         "session '%s' has moved on %d times while this step was worked out; "
                         "nothing of it is done, send it again",
                         step->session, TRIES_MAX);
    }
    struct step_ahead *ahead = find_room(step, place);
    if (!ahead) {
        return no_memory(step);
    }
    ahead->last = place->last;
    ahead->is_new = !place->state;
    ahead->version = active->number;
    ahead->n_tries += step_ahead_is_needed(step, place->n_rows);
    ahead->n_run = 0;
    ahead->n_since = 0;
    ahead->is_base_lost = false;
    ahead->has_forecast = ahead->is_ready = false;
    if (place->state) {
        memcpy(ahead->states, place->state, ahead->state_floats * sizeof *ahead->states);
    } else {
        gru_state_init(active->gru, ahead->states);
    }
    begin_base(step, place, ahead);
    step->ahead = ahead;
    return STATUS_OK;
}

/* ---- it goes on ---- */

/* The lane of the base through the reading that this row pushes out; false: it pushes out none. */
static bool make_base_lane(const struct step *step, const struct step_place *place,
                           struct gru_lane *lane)
{
    const struct step_ahead *ahead = step->ahead;
    const size_t n_history = step->model->pool->layout.n_history, n = ahead->n_since + ahead->n_run;
    float *state = ahead->bases + ahead->n_run * ahead->state_floats;
    if (n < n_history) {
        memcpy(state + ahead->state_floats, state, ahead->state_floats * sizeof *state);
        return false;
    }
    const size_t leaving = n - n_history; /* from the oldest behind the base where this began */
    const bool is_kept = leaving < ahead->n_since;
    if (is_kept) {
        record_read_reading(place->layout, place->record,
                            ahead->last - ahead->n_since + 1 + leaving, ahead->leaving);
    }
    *lane = (struct gru_lane){ .state_in = state,
                               .state_out = state + ahead->state_floats,
                               .x = is_kept ? ahead->leaving
                                            : step_ahead_x(step, leaving - ahead->n_since),
                               .n_rows = 1,
                               .y = ahead->y + gru_model_info(step->model->active->gru)->y_floats };
    return true;
}

static enum status run_row(struct service_context *context, struct step *step,
                           const struct step_place *place)
{
    struct step_ahead *ahead = step->ahead;
    float *state = ahead->states + ahead->n_run * ahead->state_floats;
    const bool is_own = ahead->n_run + 1 == ahead->n_rows;
    struct gru_lane lanes[2] = { { .state_in = state,
                                   .state_out = state + ahead->state_floats,
                                   .x = step_ahead_x(step, ahead->n_run),
                                   .n_rows = 1,
                                   .y = ahead->y } };
    const struct gru_lane *lane = lanes;
    const size_t n_lanes = 1 + (ahead->bases && make_base_lane(step, place, &lanes[1]));
    if (gru_run(step->model->active->gru, context->work, lanes, n_lanes) != GRU_OK) {
        return no_memory(step);
    }
    ahead->is_base_lost |= n_lanes > 1 && lanes[1].status != GRU_OK;
    if (lane->status == GRU_MISSING_INPUT && !is_own) {
        return fault_set(&step->fault, STATUS_FILL_NOT_SUPPORTED, "fill",
                         "the model's policy is to refuse missing readings, so the %zu before this "
                         "one cannot be filled; send them",
                         ahead->n_rows - 1);
    }
    if (lane->status != GRU_OK) {
        return step_lane_fault(step, lane);
    }
    ahead->n_run++;
    context->n_work_left -= (int64_t)(n_lanes * slice_row_work(step->model->active->gru));
    return STATUS_OK;
}

/* The forecast behind the last row: at once if it is short, else in slices. */
static enum status look_ahead(struct service_context *context, struct step *step)
{
    struct step_ahead *ahead = step->ahead;
    const struct version *active = step->model->active;
    float *state = ahead->states + ahead->n_rows * ahead->state_floats;
    if (!has_long_forecast(step)) {
        ahead->has_forecast = true;
        return forecast_options_run(context, active->gru, state, &step->forecast_options,
                                    step->arena, &ahead->forecast, &ahead->n_forecast,
                                    &step->fault);
    }
    if (!step->may_slice) {
        return STATUS_OK;
    }
    float *rolling = arena_array(step->arena, ahead->state_floats, sizeof *rolling);
    if (!rolling) {
        return no_memory(step);
    }
    memcpy(rolling, state, ahead->state_floats * sizeof *rolling);
    enum status status =
        predict_begin_forecast(&ahead->prediction, &ahead->sequence, active->gru, active->number,
                               rolling, &step->forecast_options, step->arena, &step->fault);
    if (status == STATUS_OK) {
        step->slices = &ahead->prediction;
    }
    return status;
}

/* Why the forecast is what it is. */
static enum status explain(struct service_context *context, struct step *step,
                           const struct step_place *place)
{
    struct step_ahead *ahead = step->ahead;
    const bool has_readings = place->record && !step->is_restarted;
    const struct explain_place to = { .number = ahead->last + ahead->n_rows,
                                      .state = step_ahead_state(step, ahead->n_rows - 1),
                                      .layout = place->layout,
                                      .record = place->record,
                                      .copy = has_readings
                                                  ? record_newest(place->layout, place->record)
                                                  : NULL,
                                      .n_new = ahead->n_rows,
                                      .missing = ahead->missing };
    return step_explain_go_on(context, step, &to, &ahead->is_ready);
}

/* Once all rows have run. */
static enum status finish(struct service_context *context, struct step *step,
                          const struct step_place *place)
{
    struct step_ahead *ahead = step->ahead;
    enum status status = ahead->has_forecast ? STATUS_OK : look_ahead(context, step);
    if (status != STATUS_OK || !ahead->has_forecast) {
        return status;
    }
    /* An amended reading brings none behind the session's last. */
    const bool is_explained = step->forecast_options.explain && ahead->n_rows > 0;
    ahead->is_ready = !is_explained;
    return is_explained ? explain(context, step, place) : STATUS_OK;
}

enum status step_ahead_go_on(struct service_context *context, struct step *step,
                             const struct step_place *place, bool *ret_is_ready)
{
    enum status status = STATUS_OK;
    if (!step->ahead || !is_at(step->ahead, step, place)) {
        status = begin(step, place);
    }
    while (status == STATUS_OK && step->ahead->n_run < step->ahead->n_rows &&
           context->n_work_left > 0) {
        status = run_row(context, step, place);
    }
    if (status == STATUS_OK && step->ahead->n_run == step->ahead->n_rows) {
        status = finish(context, step, place);
    }
    *ret_is_ready = status == STATUS_OK && step->ahead->is_ready;
    return status;
}

void step_end_slices(struct step *step, enum status status, const struct fault *fault)
{
    struct step_ahead *ahead = step->ahead;
    if (step_explain_end_slices(step, status, fault)) {
        return;
    }
    predict_end(step->slices);
    step->slices = NULL;
    if (status != STATUS_OK) {
        step->fault = *fault;
        step->is_done = true;
        return;
    }
    ahead->forecast = ahead->sequence.forecast;
    ahead->n_forecast = ahead->sequence.n_forecast;
    ahead->has_forecast = true;
}

/* ---- it is done ---- */

const double *step_ahead_x(const struct step *step, size_t row)
{
    return row + 1 == step->ahead->n_rows ? step->x : step->ahead->missing;
}

const float *step_ahead_state(const struct step *step, size_t row)
{
    return step_ahead_before(step, row + 1);
}

const float *step_ahead_before(const struct step *step, size_t row)
{
    return step->ahead->states + row * step->ahead->state_floats;
}

const float *step_ahead_base(const struct step *step, size_t row)
{
    const struct step_ahead *ahead = step->ahead;
    return ahead->bases && !ahead->is_base_lost ? ahead->bases + (1 + row) * ahead->state_floats
                                                : NULL;
}

/* From a state to y, [O]. */
static const double *tell_y(const struct step *step, size_t row, double *y)
{
    const struct gru_model *gru = step->model->active->gru;
    const float *state = step_ahead_state(step, row);
    for (size_t o = 0; o < gru_model_info(gru)->n_outputs; o++) {
        y[o] = gru_state_y(gru, state, o);
    }
    return y;
}

const double *step_ahead_y(struct step *step, size_t row)
{
    return tell_y(step, row, step->ahead->y);
}

size_t step_ahead_answer(struct step *step)
{
    const struct step_ahead *ahead = step->ahead;
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    step->y = tell_y(step, ahead->n_rows - 1, ahead->y + info->y_floats);
    step->forecast = ahead->forecast;
    step->n_forecast = ahead->n_forecast;
    step->number = ahead->last + ahead->n_rows;
    step->version = ahead->version;
    return ahead->n_rows;
}
