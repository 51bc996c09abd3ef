#include "service/sessions/step_answer.h"

#include "service/models/models.h"
#include "service/service_private.h"
#include "service/sessions/pending_step.h"
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

enum status step_answer_again(struct service_context *context, struct pending_step *pending,
                              struct record_copy *now, uint64_t number)
{
    struct step *step = pending->step;
    atomic_fetch_add_explicit(&context->service->counters.n_repeated_readings, 1,
                              memory_order_relaxed);
    if (number == now->step) {
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
    step->is_repeated = true;
    step->number = number;
    return STATUS_OK;
}
