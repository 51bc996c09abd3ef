#include "service/sessions/step_intervals.h"

#include "service/models/interval_classes.h"
#include "service/models/models.h"
#include "service/scores/blend.h"
#include "service/scores/error_totals.h"
#include "service/service_private.h"
#include "service/sessions/forecast_errors.h"
#include "service/sessions/session_blend.h"
#include "service/sessions/session_intervals.h"

#include <math.h>

/* Whether anything is asked of a session's calibration. */
static inline bool asks(const struct forecast_options *options)
{
    return options->levels || options->crossing || options->parts != 0;
}

bool step_intervals_need_raise(const struct service_context *context,
                               const struct pending_step *pending)
{
    const struct step *step = pending->step;
    const struct forecast_options *options = pending->wanted;
    if (!asks(options) || pending->is_new) {
        return false;
    }
    const struct interval_sessions sessions = interval_sessions_of(context, step->model);
    return session_intervals_class(&sessions, pending->slot, options) !=
           pool_extent(step->model->pool, pending->slot)->record_class;
}

enum claim step_intervals_raise(struct service_context *context, struct pending_step *pending)
{
    struct step *step = pending->step;
    if (!step_intervals_need_raise(context, pending)) {
        return CLAIM_OK;
    }
    const struct interval_sessions sessions = interval_sessions_of(context, step->model);
    return session_intervals_raise(&sessions, &pending->slot, pending->wanted, pending->next,
                                   &step->fault);
}

/* Of how many of the next readings one season before may be known. */
static size_t season_ahead(const struct pool *pool, uint32_t slot)
{
    const struct pool_class *kind = &pool->classes[pool_extent(pool, slot)->record_class - 1];
    const size_t reach = interval_class_of(kind).n_horizons, season = pool->layout.season;
    return season < reach ? season : reach;
}

/* Whether the truth of several outputs comes. */
static bool has_several(const struct gru_info *info)
{
    size_t n = 0;
    for (size_t o = 0; o < info->n_outputs; o++) {
        n += info->outputs[o].feeds >= 0;
    }
    return n > 1;
}

/* False: no memory. */
static bool make_room_for_anomaly(struct step *step)
{
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    if (!(step->forecast_options.parts & TAIL_ANOMALY) || !has_several(info)) {
        return true;
    }
    step->anomaly_by_output =
        arena_array(step->arena, info->n_outputs, sizeof *step->anomaly_by_output);
    return step->anomaly_by_output != NULL;
}

/* For mixed forecasts: of a session that has some, or asks for them. False: no memory. */
static bool make_room_for_blend(struct pending_step *pending, size_t n_rows)
{
    const struct step *step = pending->step;
    const struct pool *pool = step->model->pool;
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    const unsigned kept = pool_extent(pool, pending->slot)->record_class;
    const bool is_kept = kept > 0 && (interval_class_parts(&pool->classes[kept - 1]) & TAIL_BLEND);
    const bool has_begun = is_kept && pool_newest(pool, pending->slot)->tail_mark != 0;
    const bool is_first = !has_begun && (step->forecast_options.parts & TAIL_BLEND);
    struct step_blend *blend = &pending->blend;
    *blend = (struct step_blend){ 0 };
    if (is_kept || is_first) {
        blend->mixed = arena_array(step->arena, n_rows * info->n_outputs, sizeof *blend->mixed);
    }
    if (is_kept) {
        const size_t n = season_ahead(pool, pending->slot);
        blend->seasonal =
            arena_array(step->arena, (n + 1) * info->n_outputs, sizeof *blend->seasonal);
    }
    if (is_first) {
        blend->first = arena_array(step->arena, session_blend_first_bytes(info, n_rows), 1);
    }
    return (!is_kept || (blend->mixed && blend->seasonal)) &&
           (!is_first || (blend->mixed && blend->first));
}

/* For what the reply says of the forecast. */
static bool make_room_for_reply(struct step *step, size_t n_rows)
{
    const struct forecast_options *options = &step->forecast_options;
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    bool has_room = true;
    if (options->crossing) {
        step->crossing.n_rows = n_rows;
        step->crossing.by_horizon =
            arena_array(step->arena, n_rows, sizeof *step->crossing.by_horizon);
        has_room = step->crossing.by_horizon != NULL;
    }
    return has_room &&
           (!options->levels || interval_replies_room(options->levels, n_rows, info->n_outputs,
                                                      step->arena, &step->intervals));
}

enum status step_intervals_room(struct pending_step *pending)
{
    struct step *step = pending->step;
    const bool is_kept = session_intervals_are_kept(step->model->pool, pending->slot);
    if (!is_kept && !asks(&step->forecast_options)) {
        return STATUS_OK;
    }
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    const size_t n_asked = forecast_options_rows(info, &step->forecast_options);
    const size_t n_rows = n_asked > 0 ? n_asked : 1;
    bool has_room = make_room_for_anomaly(step) && make_room_for_blend(pending, n_rows) &&
                    make_room_for_reply(step, n_rows);
    if (has_room && is_kept) {
        pending->truths = arena_array(step->arena, info->n_outputs, sizeof *pending->truths);
        has_room = pending->truths != NULL;
    }
    return has_room ? STATUS_OK
                    : fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for the reply");
}

/* In the tallies of the model: how the intervals held that were told for this reading. In a cluster
 * it counts when the engine has the step. */
static void score(const struct service_context *context, struct pending_step *pending,
                  const struct interval_tracker *tracker)
{
    const struct model *model = pending->step->model;
    struct interval_tally *tallies =
        context->cluster ? NULL : error_totals_intervals_of(model->error_totals, context->owner);
    if (tallies || context->cluster) {
        forecast_errors_note_intervals(tracker, gru_model_info(model->active->gru)->n_outputs,
                                       &context->service->interval_levels, pending->next->step + 1,
                                       pending->truths, tallies, &pending->errors);
    }
}

/* ---- mixed forecasts ---- */

/* What a step makes of the mixture that its session has. */
static void mix(const struct interval_sessions *of, struct pending_step *pending,
                const struct session_intervals *intervals, const double *x, const double *forecast,
                size_t n_rows)
{
    const struct tail *tail = &intervals->tail;
    const struct record_layout *layout = pool_layout(of->pool, pending->slot);
    const struct mixture_reading reading = { .step = pending->next->step + 1,
                                             .truths = pending->truths,
                                             .forecasts = forecast,
                                             .n_horizons = n_rows,
                                             .season = layout->season,
                                             .seasonal = pending->blend.seasonal };
    session_blend_seasonal(gru_model_info(of->version->gru), layout,
                           pool_record(of->pool, pending->slot), pending->next, x,
                           season_ahead(of->pool, pending->slot), pending->blend.seasonal);
    const struct blend blend = blend_of(&tail->tracker, tail_part(tail, TAIL_BLEND));
    pending->blend.told = blend_step(&blend, &reading, pending->blend.mixed);
}

/* ---- what the reply says ---- */

/* Of a forecast, from the tracker of its errors; NULL: there is none. */
static void tell_forecast(struct step *step, const struct interval_tracker *tracker,
                          const double *forecast)
{
    interval_replies_fill(&step->intervals, tracker, forecast);
    if (step->crossing.by_horizon) {
        const struct gru_info *info = gru_model_info(step->model->active->gru);
        crossing_reply_fill(step->forecast_options.crossing, tracker, forecast, info->n_outputs,
                            &step->crossing);
    }
}

/* With the mixture that the session has, or would begin with. */
static void tell_mixed(struct pending_step *pending, struct record_copy *copy,
                       const struct session_intervals *intervals)
{
    struct step *step = pending->step;
    const struct gru_model *gru = step->model->active->gru;
    const double *forecast = step->forecast ? step->forecast : step->y;
    const size_t n_rows = step->forecast ? step->n_forecast : 1;
    double *mixed = pending->blend.mixed;
    if (intervals && (intervals->tail.parts & TAIL_BLEND)) {
        const struct tail *tail = &intervals->tail;
        const struct blend blend = blend_of(&tail->tracker, tail_part(tail, TAIL_BLEND));
        step->blend = pending->blend.told.is_told
                          ? pending->blend.told /* by the step itself */
                          : blend_tell(&blend.mixture, forecast, n_rows, mixed);
        tell_forecast(step, &blend.tracker, mixed);
    } else {
        struct session_blend_first first;
        session_blend_first(gru, record_state(&step->model->pool->layout, copy), n_rows,
                            pending->blend.first, &first);
        step->blend = blend_tell(&first.mixture, forecast, n_rows, mixed);
        tell_forecast(step, NULL, mixed);
    }
    step->y = mixed;
    step->forecast = step->forecast ? mixed : NULL;
}

/* Of a session with such a tail; NULL: it has none. */
static void tell(struct pending_step *pending, struct record_copy *copy,
                 const struct session_intervals *intervals)
{
    struct step *step = pending->step;
    if (step->forecast_options.parts & TAIL_BLEND) {
        tell_mixed(pending, copy, intervals);
    } else {
        tell_forecast(step, intervals ? &intervals->tail.tracker : NULL,
                      step->forecast ? step->forecast : step->y);
    }
    step->anomaly_p =
        intervals ? session_intervals_anomaly(intervals, step->anomaly_by_output) : (double)NAN;
}

/* With a tracker in the next copy, or without. */
static void go_on(const struct service_context *context, struct pending_step *pending,
                  const double *x, const double *y)
{
    struct step *step = pending->step;
    const struct interval_sessions sessions = interval_sessions_of(context, step->model);
    const struct interval_sessions *of = &sessions;
    const bool is_own = x == step->x, is_rolled = is_own && step->forecast;
    struct session_intervals intervals;
    if (step->is_restarted) {
        session_intervals_restart(of, pending->slot, pending->next);
    }
    const bool has_begun =
        session_intervals_begin(of, pending->slot, pending->next, pending->wanted, &intervals);
    if (has_begun) {
        session_intervals_truths(gru_model_info(of->version->gru), x, pending->truths);
        score(context, pending, &intervals.tail.tracker);
        const size_t n_own = is_rolled ? step->n_forecast : 1;
        const bool is_outlook = is_own && pending->n_outlook > n_own;
        session_intervals_step(of, pending->slot, pending->next->step + 1, &intervals,
                               pending->truths,
                               is_outlook  ? pending->outlook
                               : is_rolled ? step->forecast
                                           : y,
                               is_outlook ? pending->n_outlook : n_own);
        if (intervals.tail.parts & TAIL_BLEND) {
            mix(of, pending, &intervals, x, is_rolled ? step->forecast : y, n_own);
        }
    }
    if (is_own) {
        tell(pending, pending->next, has_begun ? &intervals : NULL);
    }
}

void step_intervals_go_on(struct service_context *context, struct pending_step *pending,
                          const double *x, const double *y)
{
    const struct step *step = pending->step;
    if (session_intervals_are_kept(step->model->pool, pending->slot)) {
        go_on(context, pending, x, y);
    } else if (x == step->x && asks(&step->forecast_options)) {
        tell(pending, pending->next, NULL);
    }
}

void step_intervals_drop(struct service_context *context, struct pending_step *pending)
{
    const struct interval_sessions sessions = interval_sessions_of(context, pending->step->model);
    const unsigned record_class = pool_extent(sessions.pool, pending->slot)->record_class;
    struct session_intervals intervals;
    if (session_intervals_of_copy(&sessions, record_class, pending->next, &intervals)) {
        tail_drop_waiting(&intervals.tail);
    }
}

void step_intervals_tell(struct service_context *context, struct pending_step *pending,
                         struct record_copy *copy)
{
    struct step *step = pending->step;
    const struct interval_sessions sessions = interval_sessions_of(context, step->model);
    const unsigned record_class = pool_extent(sessions.pool, pending->slot)->record_class;
    struct session_intervals intervals;
    const bool has_begun = session_intervals_of_copy(&sessions, record_class, copy, &intervals);
    tell(pending, copy, has_begun ? &intervals : NULL);
}
