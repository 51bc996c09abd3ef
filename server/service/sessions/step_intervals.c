#include "service/sessions/step_intervals.h"

#include "service/models/models.h"
#include "service/scores/error_totals.h"
#include "service/service_private.h"
#include "service/sessions/forecast_errors.h"
#include "service/sessions/session_intervals.h"

bool step_intervals_need_raise(const struct service_context *context,
                               const struct pending_step *pending)
{
    const struct step *step = pending->step;
    if (!step->forecast_options.levels || pending->is_new) {
        return false;
    }
    const struct interval_sessions sessions = interval_sessions_of(context, step->model);
    return session_intervals_class(&sessions, pending->slot, &step->forecast_options) !=
           pool_extent(step->model->pool, pending->slot)->record_class;
}

enum claim step_intervals_raise(struct service_context *context, struct pending_step *pending)
{
    struct step *step = pending->step;
    if (!step_intervals_need_raise(context, pending)) {
        return CLAIM_OK;
    }
    const struct interval_sessions sessions = interval_sessions_of(context, step->model);
    return session_intervals_raise(&sessions, &pending->slot, &step->forecast_options,
                                   pending->next, &step->fault);
}

enum status step_intervals_room(struct pending_step *pending)
{
    struct step *step = pending->step;
    const size_t n_outputs = gru_model_info(step->model->active->gru)->n_outputs;
    const struct interval_levels *levels = step->forecast_options.levels;
    bool has_room = true;
    if (session_intervals_are_kept(step->model->pool, pending->slot)) {
        pending->truths = arena_array(step->arena, n_outputs, sizeof *pending->truths);
        has_room = pending->truths != NULL;
    }
    if (has_room && levels) {
        const size_t n = forecast_options_rows(gru_model_info(step->model->active->gru),
                                               &step->forecast_options);
        has_room =
            interval_replies_room(levels, n > 0 ? n : 1, n_outputs, step->arena, &step->intervals);
    }
    return has_room ? STATUS_OK
                    : fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for the reply");
}

/* In the tallies of the model: how the intervals held that were told for this reading. */
static void score(const struct interval_sessions *of, const struct pending_step *pending,
                  const struct interval_tracker *tracker)
{
    struct interval_tally *tallies =
        error_totals_intervals_of(pending->step->model->error_totals, of->owner);
    if (tallies) {
        forecast_errors_note_intervals(tracker, gru_model_info(of->version->gru)->n_outputs,
                                       of->offered, pending->next->step + 1, pending->truths,
                                       tallies);
    }
}

/* With a tracker in the next copy, or without. */
static void go_on(const struct interval_sessions *of, struct pending_step *pending, const double *x,
                  const double *y)
{
    struct step *step = pending->step;
    const bool is_own = x == step->x, is_rolled = is_own && step->forecast;
    struct session_intervals intervals;
    if (step->is_restarted) {
        session_intervals_restart(of, pending->slot, pending->next);
    }
    const bool has_begun = session_intervals_begin(of, pending->slot, pending->next,
                                                   &step->forecast_options, &intervals);
    if (has_begun) {
        session_intervals_truths(gru_model_info(of->version->gru), x, pending->truths);
        score(of, pending, &intervals.tracker);
        session_intervals_step(of, pending->slot, pending->next->step + 1, &intervals,
                               pending->truths, is_rolled ? step->forecast : y,
                               is_rolled ? step->n_forecast : 1);
    }
    if (is_own) {
        interval_replies_fill(&step->intervals, has_begun ? &intervals.tracker : NULL,
                              step->forecast ? step->forecast : step->y);
    }
}

void step_intervals_go_on(struct service_context *context, struct pending_step *pending,
                          const double *x, const double *y)
{
    const struct step *step = pending->step;
    if (session_intervals_are_kept(step->model->pool, pending->slot)) {
        const struct interval_sessions sessions = interval_sessions_of(context, step->model);
        go_on(&sessions, pending, x, y);
    } else if (x == step->x) {
        step_intervals_tell(context, pending, pending->next);
    }
}

void step_intervals_drop(struct service_context *context, struct pending_step *pending)
{
    const struct interval_sessions sessions = interval_sessions_of(context, pending->step->model);
    const unsigned record_class = pool_extent(sessions.pool, pending->slot)->record_class;
    struct session_intervals intervals;
    if (session_intervals_of_copy(&sessions, record_class, pending->next, &intervals)) {
        interval_tracker_drop_waiting(&intervals.tracker);
    }
}

void step_intervals_tell(struct service_context *context, struct pending_step *pending,
                         struct record_copy *copy)
{
    struct step *step = pending->step;
    if (step->intervals.n > 0) {
        const struct interval_sessions sessions = interval_sessions_of(context, step->model);
        session_intervals_tell(&sessions, pending->slot, copy, &step->intervals,
                               step->forecast ? step->forecast : step->y);
    }
}
