/* forecast.c - the autoregressive roll-out, whole or in parts: a model's outputs become its next
 * readings. */
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

/* The S readings that follow what is known: fed inputs from the last S forecast rows [S][O], the
 * others from the known future rows [S][n_future]. x: [S][I]. */
static void next_readings(const struct gru_info *info, const float *y, const float *future,
                          float *x)
{
    for (size_t s = 0; s < info->steps; s++) {
        for (size_t i = 0; i < info->n_inputs; i++) {
            int fed_by = info->inputs[i].feeds;
            *x++ = fed_by >= 0 ? y[s * info->n_outputs + (size_t)fed_by] : *future++;
        }
    }
}

/* The next rows of the forecast: the state's last output. */
static void take_rows(struct gru_roll *roll)
{
    const struct gru_info *info = &roll->model->info;
    size_t n_rows = roll->n_rows_left < info->steps ? roll->n_rows_left : info->steps;
    memcpy(roll->forecast, roll->state + gru_state_y_offset(roll->model),
           n_rows * info->n_outputs * sizeof *roll->forecast);
    roll->forecast += n_rows * info->n_outputs;
    roll->n_rows_left -= n_rows;
}

enum gru_status gru_roll_begin(const struct gru_model *model, float *state, size_t horizon,
                               const float *future, size_t n_future_rows, float *forecast,
                               struct gru_roll *ret_roll)
{
    const struct gru_info *info = &model->info;
    if (horizon == 0) {
        return GRU_BAD_ARGUMENT;
    }
    if (isnan(state[gru_state_y_offset(model)])) {
        return GRU_NO_READING;
    }
    if (horizon > info->steps && info->n_feeds == 0) {
        return GRU_NO_ROLL_OUT;
    }
    if (n_future_rows < gru_future_rows(model, horizon)) {
        return GRU_BAD_FUTURE;
    }
    *ret_roll = (struct gru_roll){ .n_rows_left = horizon,
                                   .model = model,
                                   .state = state,
                                   .future = future,
                                   .forecast = forecast };
    take_rows(ret_roll);
    return GRU_OK;
}

/* Scratch of a roll-out: S readings, and the outputs of the last of them. */
static size_t scratch_floats(const struct gru_info *info)
{
    return info->steps * info->n_inputs + info->y_floats;
}

/* scratch: [scratch_floats] */
static enum gru_status roll_on(struct gru_roll *roll, struct gru_work *work, size_t most_rows,
                               float *scratch)
{
    const struct gru_info *info = &roll->model->info;
    struct gru_lane lane = { .state_in = roll->state,
                             .state_out = roll->state,
                             .x = scratch,
                             .n_rows = info->steps,
                             .y = scratch + info->steps * info->n_inputs,
                             .last_only = true };
    for (size_t n_rows = 0; roll->n_rows_left > 0 && n_rows < most_rows; n_rows += info->steps) {
        next_readings(info, roll->state + gru_state_y_offset(roll->model), roll->future, scratch);
        roll->future = roll->future ? roll->future + info->steps * info->n_future : NULL;
        enum gru_status status = gru_run(roll->model, work, &lane, 1);
        if (status == GRU_OK) {
            status = lane.status;
        }
        if (status != GRU_OK) {
            return status;
        }
        take_rows(roll);
    }
    return GRU_OK;
}

enum gru_status gru_roll_part(struct gru_roll *roll, struct gru_work *work, size_t most_rows)
{
    if (gru_work_roll(work, scratch_floats(&roll->model->info)) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    return roll_on(roll, work, most_rows, work->roll);
}

enum gru_status gru_forecast(const struct gru_model *model, struct gru_work *work,
                             const float *state, size_t horizon, const float *future,
                             size_t n_future_rows, float *forecast)
{
    const struct gru_info *info = &model->info;
    struct gru_roll roll;
    if (gru_work_roll(work, scratch_floats(info) + info->state_floats) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    float *rolled = work->roll + scratch_floats(info);
    memcpy(rolled, state, info->state_floats * sizeof *rolled);
    enum gru_status status =
        gru_roll_begin(model, rolled, horizon, future, n_future_rows, forecast, &roll);
    return status == GRU_OK ? roll_on(&roll, work, SIZE_MAX, work->roll) : status;
}
