#include "service/sessions/session_forecast.h"

#include "service/service_private.h"
#include "service/sessions/sequence_blend.h"
#include "service/sessions/session_intervals.h"
#include "service/sessions/session_time.h"
#include "service/sessions/sessions.h"

#include <string.h>

static enum status no_room(const struct arena *arena, struct fault *fault)
{
    return fault_no_room(fault, arena->is_full, NULL,
                         "the reply would need more memory than a request may use");
}

/* ---- what the forecast is told with ---- */

/* From the session's own calibration, as far as it reaches; one that has none begins. */
static enum status take_calibration(const struct session *session,
                                    const struct interval_levels *levels, struct sequence *sequence,
                                    struct arena *arena, struct fault *fault)
{
    struct session_intervals *own = arena_alloc(arena, sizeof *own);
    const size_t n_ahead = sequence->n_forecast > 0 ? sequence->n_forecast : 1;
    sequence->calibration = sequence_intervals_create(session->gru, levels, n_ahead, 1, arena);
    if (!own || !sequence->calibration) {
        return no_room(arena, fault);
    }
    sequence->calibration->asked = sequence->forecast_options.levels;
    if (sequence->mixing && sequence->mixing->tracker.bytes) {
        sequence->calibration->tracker = sequence->mixing->tracker;
    } else if (sequence->mixing) { /* what others know is not of mixtures */
        interval_tracker_begin(&sequence->calibration->tracker);
    } else if (session->calibration.levels.n > 0) {
        session_calibration_view(gru_model_info(session->gru), &session->calibration, own);
        sequence->calibration->tracker = own->tail.tracker;
    }
    return STATUS_OK;
}

static enum status make_crossing(struct sequence *sequence, struct arena *arena,
                                 struct fault *fault)
{
    struct crossing_reply *crossing = &sequence->crossing;
    if (!sequence->forecast_options.crossing) {
        return STATUS_OK;
    }
    crossing->n_rows = sequence->n_forecast;
    crossing->by_horizon = arena_array(arena, crossing->n_rows, sizeof *crossing->by_horizon);
    return crossing->by_horizon ? STATUS_OK : no_room(arena, fault);
}

/* What the forecast is to be told with. */
static enum status take_tail(const struct service_context *context, const struct session *session,
                             struct sequence *sequence, struct arena *arena, struct fault *fault)
{
    const struct interval_levels *levels =
        forecast_options_levels(&sequence->forecast_options, &context->service->interval_levels);
    if (sequence->forecast_options.parts & TAIL_BLEND) {
        sequence->mixing = sequence_blend_create(session, sequence->n_forecast, arena);
        if (!sequence->mixing) {
            return no_room(arena, fault);
        }
    }
    enum status status = make_crossing(sequence, arena, fault);
    return status == STATUS_OK && levels ? take_calibration(session, levels, sequence, arena, fault)
                                         : status;
}

/* ---- why it is what it is ---- */

static enum status run_explanation(struct service_context *context, struct prediction *prediction,
                                   size_t most_rows, struct fault *fault)
{
    struct session_forecast *forecast = (struct session_forecast *)(void *)prediction;
    return explanation_run(context, &forecast->explanation, prediction, most_rows, fault);
}

static void end_explanation(struct prediction *prediction)
{
    explanation_end(&((struct session_forecast *)(void *)prediction)->explanation);
}

/* Behind the forecast, which rolls the session's state on: it has a copy. */
static enum status add_explanation(const struct session *session, struct session_forecast *forecast,
                                   struct arena *arena, struct fault *fault)
{
    const size_t n = gru_model_info(session->gru)->state_floats;
    float *state = arena_array(arena, n, sizeof *state);
    if (!state) {
        return no_room(arena, fault);
    }
    memcpy(state, session->state, n * sizeof *state);
    forecast->explanation.arena = arena;
    forecast->explanation.forecast_options = &forecast->sequence.forecast_options;
    forecast->explanation.state = state;
    forecast->explanation.x = session->readings;
    forecast->explanation.n_rows = session->n_readings;
    enum status status = explanation_begin(&forecast->explanation, session->gru, fault);
    if (status == STATUS_OK) {
        predict_add_rows(&forecast->prediction, explanation_rows_left(&forecast->explanation),
                         run_explanation, end_explanation);
    }
    return status;
}

/* ---- it begins ---- */

static enum status begin(const struct service_context *context, const struct session *session,
                         const struct forecast_options *forecast_options, struct arena *arena,
                         struct session_forecast *forecast, struct fault *fault)
{
    enum status status = predict_begin_forecast(&forecast->prediction, &forecast->sequence,
                                                session->gru, session->row.version, session->state,
                                                forecast_options, arena, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = take_tail(context, session, &forecast->sequence, arena, fault);
    if (status == STATUS_OK && forecast_options->explain) {
        status = add_explanation(session, forecast, arena, fault);
    }
    if (status != STATUS_OK) {
        predict_end(&forecast->prediction);
    }
    return status;
}

enum status session_forecast_begin(struct service_context *context, const struct model *model,
                                   const char *id, const struct forecast_options *forecast_options,
                                   struct arena *arena, struct session_forecast *ret_forecast,
                                   struct fault *fault)
{
    struct session session;
    enum status status = session_read(context, model, id, arena, &session, fault);
    if (status != STATUS_OK) {
        return status;
    }
    ret_forecast->step = session.row.step;
    ret_forecast->last_at = session_time_last_at(&session.time);
    ret_forecast->explanation = (struct explanation){ .is_ready = false };
    return begin(context, &session, forecast_options, arena, ret_forecast, fault);
}
