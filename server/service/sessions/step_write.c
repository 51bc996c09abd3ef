#include "service/sessions/step_write.h"

#include "service/models/drift.h"
#include "service/models/models.h"
#include "service/pool/pool_wire.h"
#include "service/pool/pool_write.h"
#include "service/pool/record_ring.h"
#include "service/scores/error_totals.h"
#include "service/service_private.h"
#include "service/sessions/error_notes.h"
#include "service/sessions/forecast_errors.h"
#include "service/sessions/pending_step.h"
#include "service/sessions/recorder.h"
#include "service/sessions/rewarm.h"
#include "service/sessions/step_notes.h"
#include "service/sessions/step_place.h"

#include <math.h>
#include <string.h>

/* Compares what was forecast with the reading x, for the session and for its model; for that it
 * counts in a cluster when the engine has the step. */
static void note_errors(const struct service_context *context, struct pending_step *pending,
                        const double *x)
{
    const struct model *model = pending->step->model;
    const struct gru_model *gru = model->active->gru;
    const struct record_layout *layout = pool_layout(model->pool, pending->slot);
    struct record_copy *newest = pending_newest(pending);
    const float *state = record_state(layout, newest);
    const uint64_t season = layout->season;
    const float *season_ago = season > 0 && season <= newest->n_readings
                                  ? record_reading(layout, pool_record(model->pool, pending->slot),
                                                   newest->step + 1 - season)
                                  : NULL;
    const double error = forecast_errors_note(gru, state, x, pending->next->errors);
    if (season_ago) {
        forecast_errors_note_seasonal(gru, state, x, layout, season_ago,
                                      record_seasonal_of(layout, pending->next));
    }
    if (context->cluster) {
        error_notes_add_drift(&pending->errors, error);
        forecast_errors_keep(gru, state, x, layout, season_ago, &pending->errors);
        return;
    }
    if (!isnan(error)) {
        drift_note(model->drift, context->owner, error, context->now_ms);
    }
    struct error_tally *tallies = error_totals_of(model->error_totals, context->owner);
    if (tallies) {
        forecast_errors_tally(gru, state, x, layout, season_ago, tallies);
    }
}

/* What the state before a reading forecast for it, which the write may overwrite. */
static void keep_forecast(struct service_context *context, const struct pending_step *pending,
                          struct recorder_row *row)
{
    const struct model *model = pending->step->model;
    const struct gru_model *gru = model->active->gru;
    const size_t n = gru_model_info(gru)->n_outputs;
    const float *state = record_state(&model->pool->layout, pending_newest(pending));
    if (!isnan(gru_state_y(gru, state, 0)) && rewarm_grow(context, n * sizeof *row->y)) {
        double *y = context->rewarm;
        for (size_t o = 0; o < n; o++) {
            y[o] = gru_state_y(gru, state, o);
        }
        row->y = y;
        row->n_outputs = n;
    }
}

static void record(struct service_context *context, const struct pending_step *pending,
                   const struct recorder_row *row)
{
    const struct step *step = pending->step;
    const struct pool *pool = step->model->pool;
    if (context->notes) {
        const struct record_life life = { .created_at_s = pool_life(pool, pending->slot) };
        const struct recorded reading =
            recorder_reading(step->model->name, step->session, &life, pending->next, row);
        step_notes_add(context->notes, &reading);
    } else if (context->outbox) {
        const struct record_header *header = record_header_of(pool_record(pool, pending->slot));
        recorder_note(context->outbox, step->model->name, step->session, &header->life,
                      pending->next, row);
    }
}

void step_write_reading(struct service_context *context, struct pending_step *pending,
                        uint64_t section, const double *x, size_t n_left)
{
    const struct step *step = pending->step;
    struct pool *pool = step->model->pool;
    struct recorder_row row = { .x = x, .n_inputs = pool->layout.n_inputs };
    if (!step->is_restarted) {
        note_errors(context, pending, x);
        if (context->outbox || context->notes) {
            keep_forecast(context, pending, &row);
        }
    } else {
        atomic_fetch_add_explicit(&context->service->counters.n_sessions_restarted, 1,
                                  memory_order_relaxed);
    }
    pending->next->last_seen_at_ms = context->now_ms;
    if (step->has_at || !isnan(pending->next->last_at)) {
        step_place_note_time(step, n_left, pending->next);
    }
    pending_let_go(pending);
    pool_write_copy(pool, section, &pending->slot, context->owner, pending->next, x);
    if (!step->is_restarted) {
        record(context, pending, &row);
    }
}
