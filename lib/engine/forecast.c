/* forecast.c - the autoregressive roll-out, whole or in parts, of one stream or of many at once: a
 * model's outputs become its next readings. */
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
static void next_readings(const struct gru_model *model, const float *state, const double *future,
                          double *x)
{
    const struct gru_info *info = &model->info;
    for (size_t s = 0; s < info->steps; s++) {
        for (size_t i = 0; i < info->n_inputs; i++) {
            int fed_by = info->inputs[i].feeds;
            *x++ = fed_by >= 0 ? gru_state_y(model, state, s * info->n_outputs + (size_t)fed_by)
                               : *future++;
        }
    }
}

/* The next rows of the forecast: the state's last output. */
static void take_rows(struct gru_roll *roll)
{
    const struct gru_info *info = &roll->model->info;
    size_t n_rows = roll->n_rows_left < info->steps ? roll->n_rows_left : info->steps;
    gru_readings_unpack(info, roll->state + gru_state_y_offset(roll->model),
                        n_rows * info->n_outputs, roll->forecast);
    roll->forecast += n_rows * info->n_outputs;
    roll->n_rows_left -= n_rows;
}

enum gru_status gru_roll_begin(const struct gru_model *model, float *state, size_t horizon,
                               const double *future, size_t n_future_rows, double *forecast,
                               struct gru_roll *ret_roll)
{
    const struct gru_info *info = &model->info;
    if (horizon == 0) {
        return GRU_BAD_ARGUMENT;
    }
    if (isnan(gru_state_y(model, state, 0))) {
        return GRU_NO_READING;
    }
    if (horizon > info->steps && info->n_feeds == 0) {
        return GRU_NO_ROLL_OUT;
    }
    if (horizon > info->steps && info->is_bidirectional) {
        return GRU_NOT_CAUSAL;
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
static size_t scratch_doubles(const struct gru_info *info)
{
    return info->steps * info->n_inputs + info->y_floats;
}

/* The next S readings of the rolls that are not done, as lanes. Returns how many. */
static size_t make_lanes(struct gru_roll *rolls, size_t n, struct gru_lane *lanes, double *scratch)
{
    const struct gru_info *info = &rolls->model->info;
    size_t n_lanes = 0;
    for (size_t k = 0; k < n; k++) {
        struct gru_roll *roll = &rolls[k];
        if (roll->n_rows_left == 0) {
            continue;
        }
        next_readings(roll->model, roll->state, roll->future, scratch);
        roll->future = roll->future ? roll->future + info->steps * info->n_future : NULL;
        lanes[n_lanes++] = (struct gru_lane){ .state_in = roll->state,
                                              .state_out = roll->state,
                                              .x = scratch,
                                              .n_rows = info->steps,
                                              .y = scratch + info->steps * info->n_inputs,
                                              .last_only = true };
        scratch += scratch_doubles(info);
    }
    return n_lanes;
}

/* What the lanes have brought. */
static enum gru_status take_lanes(struct gru_roll *rolls, size_t n, const struct gru_lane *lanes,
                                  size_t *ret_failed)
{
    for (size_t k = 0; k < n; k++) {
        if (rolls[k].n_rows_left == 0) {
            continue;
        }
        if (lanes->status != GRU_OK) {
            *ret_failed = k;
            return lanes->status;
        }
        take_rows(&rolls[k]);
        lanes++;
    }
    return GRU_OK;
}

/* scratch: [n][scratch_doubles] */
static enum gru_status roll_on(struct gru_roll *rolls, size_t n, struct gru_work *work,
                               size_t most_rows, double *scratch, size_t *ret_failed)
{
    enum gru_status status = GRU_OK;
    size_t n_rows = 0, n_lanes;
    while (status == GRU_OK && n_rows < most_rows &&
           (n_lanes = make_lanes(rolls, n, work->lanes, scratch)) > 0) {
        status = gru_run(rolls->model, work, work->lanes, n_lanes);
        if (status == GRU_OK) {
            status = take_lanes(rolls, n, work->lanes, ret_failed);
        }
        n_rows += n_lanes * rolls->model->info.steps;
    }
    return status;
}

enum gru_status gru_rolls_part(struct gru_roll *rolls, size_t n, struct gru_work *work,
                               size_t most_rows, size_t *ret_failed)
{
    size_t n_doubles;
    if (n == 0) {
        return GRU_OK;
    }
    if (__builtin_mul_overflow(n, scratch_doubles(&rolls->model->info), &n_doubles) ||
        gru_work_roll(work, n_doubles, 0) != GRU_OK || gru_work_lanes(work, n) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    return roll_on(rolls, n, work, most_rows, work->roll, ret_failed);
}

enum gru_status gru_roll_part(struct gru_roll *roll, struct gru_work *work, size_t most_rows)
{
    size_t failed;
    return gru_rolls_part(roll, 1, work, most_rows, &failed);
}

enum gru_status gru_forecast(const struct gru_model *model, struct gru_work *work,
                             const float *state, size_t horizon, const double *future,
                             size_t n_future_rows, double *forecast)
{
    const struct gru_info *info = &model->info;
    struct gru_roll roll;
    size_t failed;
    if (gru_work_roll(work, scratch_doubles(info), info->state_floats) != GRU_OK ||
        gru_work_lanes(work, 1) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    memcpy(work->rolled, state, info->state_floats * sizeof *work->rolled);
    enum gru_status status =
        gru_roll_begin(model, work->rolled, horizon, future, n_future_rows, forecast, &roll);
    return status == GRU_OK ? roll_on(&roll, 1, work, SIZE_MAX, work->roll, &failed) : status;
}
