#include "service/sessions/step_answer.h"

#include "service/models/models.h"
#include "service/service_private.h"
#include "service/sessions/pending_step.h"
#include "service/sessions/step_explain.h"
#include "service/sessions/step_intervals.h"
#include "service/sessions/steps.h"

#include <string.h>

enum status step_answer(struct service_context *context, struct step *step, uint64_t number,
                        const float *state)
{
    const struct gru_model *gru = step->model->active->gru;
    const struct gru_info *info = gru_model_info(gru);
    double *forecast;
    enum status status =
        forecast_options_run(context, gru, state, &step->forecast_options, step->arena, &forecast,
                             &step->n_forecast, &step->fault);
    if (status != STATUS_OK) {
        return status;
    }
    double *y = arena_array(step->arena, info->n_outputs, sizeof *y);
    if (!y) {
        return fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for the reply");
    }
    for (size_t o = 0; o < info->n_outputs; o++) {
        y[o] = gru_state_y(gru, state, o);
    }
    step->y = y;
    step->forecast = forecast;
    step->number = number;
    step->version = step->model->active->number;
    return STATUS_OK;
}

/* The last one. */
static enum status answer_last(struct service_context *context, struct pending_step *pending,
                               struct record_copy *now)
{
    struct step *step = pending->step;
    step->is_restarted = now->gap == RECORD_GAP_RESTARTED;
    step->n_filled = now->gap <= RECORD_GAP_FILLED_MAX ? now->gap : 0;
    enum status status =
        step_answer(context, step, now->step, record_state(&step->model->pool->layout, now));
    status = status == STATUS_OK ? step_intervals_room(pending) : status;
    if (status == STATUS_OK) {
        step_intervals_tell(context, pending, now);
    }
    return status;
}

static enum status explain_last(struct service_context *context, struct pending_step *pending,
                                struct record_copy *now, bool *ret_is_ready)
{
    struct pool *pool = pending->step->model->pool;
    const struct explain_place place = { .number = now->step,
                                         .state = record_state(&pool->layout, now),
                                         .layout = pool_layout(pool, pending->slot),
                                         .record = pool_record(pool, pending->slot),
                                         .copy = now };
    return step_explain_go_on(context, pending->step, &place, ret_is_ready);
}

enum status step_answer_again(struct service_context *context, struct pending_step *pending,
                              struct record_copy *now, uint64_t number, bool *ret_is_ready)
{
    struct step *step = pending->step;
    const bool is_last = number == now->step;
    enum status status = STATUS_OK;
    *ret_is_ready = true;
    if (is_last && step->forecast_options.explain) {
        status = explain_last(context, pending, now, ret_is_ready);
    }
    if (status != STATUS_OK || !*ret_is_ready) {
        return status;
    }
    atomic_fetch_add_explicit(&context->service->counters.n_repeated_readings, 1,
                              memory_order_relaxed);
    step->is_repeated = !is_last;
    step->number = number;
    return is_last ? answer_last(context, pending, now) : STATUS_OK;
}
