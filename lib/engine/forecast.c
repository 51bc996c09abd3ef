/* forecast.c - the autoregressive roll-out: a model's outputs become its next readings. */
#include "engine/model.h"
#include "engine/work.h"

#include <math.h>
#include <string.h>

size_t gru_future_rows(const struct gru_model *model, size_t horizon)
{
    size_t steps = model->info.steps;
    if (horizon <= steps || model->info.n_future == 0) {
        return 0;
    }
    return (horizon - 1) / steps * steps;
}

/* The S readings that follow what is known: fed inputs from the last S forecast rows [S][O], the others from
 * the known future rows [S][n_future]. x: [S][I]. */
static void next_readings(const struct gru_info *info, const float *y, const float *future, float *x)
{
    for (size_t s = 0; s < info->steps; s++) {
        for (size_t i = 0; i < info->n_inputs; i++) {
            int fed_by = info->inputs[i].feeds;
            *x++ = fed_by >= 0 ? y[s * info->n_outputs + (size_t)fed_by] : *future++;
        }
    }
}

enum gru_status gru_forecast(const struct gru_model *model, struct gru_work *work, const float *state,
                             size_t horizon, const float *future, size_t n_future_rows, float *forecast)
{
    const struct gru_info *info = &model->info;
    const float *y_now = state + gru_state_y_offset(model);
    if (horizon == 0) {
        return GRU_BAD_ARGUMENT;
    }
    if (isnan(y_now[0])) {
        return GRU_NO_READING;
    }
    if (horizon > info->steps && info->n_feeds == 0) {
        return GRU_NO_ROLL_OUT;
    }
    if (n_future_rows < gru_future_rows(model, horizon)) {
        return GRU_BAD_FUTURE;
    }
    size_t n_x = info->steps * info->n_inputs;
    if (gru_work_roll(work, info->state_floats + n_x + info->y_floats) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    float *rolled = work->roll;
    float *x = rolled + info->state_floats;
    float *y = x + n_x;
    memcpy(rolled, state, info->state_floats * sizeof *rolled);
    memcpy(y, y_now, info->y_floats * sizeof *y);
    struct gru_lane lane = {
        .state_in = rolled, .state_out = rolled, .x = x, .n_rows = info->steps, .y = y, .last_only = true
    };
    for (size_t done = 0;;) {
        size_t rows = horizon - done < info->steps ? horizon - done : info->steps;
        memcpy(forecast + done * info->n_outputs, y, rows * info->n_outputs * sizeof *forecast);
        done += rows;
        if (done == horizon) {
            return GRU_OK;
        }
        next_readings(info, y, future, x);
        future = future ? future + info->steps * info->n_future : NULL;
        enum gru_status status = gru_run(model, work, &lane, 1);
        if (status == GRU_OK) {
            status = lane.status;
        }
        if (status != GRU_OK) {
            return status;
        }
    }
}
