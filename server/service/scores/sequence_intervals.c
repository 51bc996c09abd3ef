#include "service/scores/sequence_intervals.h"

#include "service/scores/version_errors.h"

#include <math.h>

size_t sequence_intervals_first(size_t n_rows)
{
    return n_rows > SEQUENCE_ORIGINS_MAX + 1 ? n_rows - SEQUENCE_ORIGINS_MAX : 1;
}

/* Of the forecasts from a row: those whose truth is in the sequence. */
static size_t n_known(const struct sequence_intervals *intervals, size_t row)
{
    const size_t n_after = intervals->n_rows - 1 - row;
    return n_after < intervals->n_ahead ? n_after : intervals->n_ahead;
}

/* The read-out's own S rows cost nothing. */
static size_t n_rolled(const struct sequence_intervals *intervals, size_t row)
{
    const size_t n = n_known(intervals, row), n_steps = gru_model_info(intervals->gru)->steps;
    return n > n_steps ? n - n_steps : 0;
}

struct sequence_intervals *sequence_intervals_create(const struct gru_model *gru,
                                                     const struct interval_levels *levels,
                                                     size_t n_ahead, size_t n_rows,
                                                     struct arena *arena)
{
    const struct gru_info *info = gru_model_info(gru);
    const struct interval_untracked untracked = interval_untracked_of(info);
    struct sequence_intervals *intervals = arena_alloc(arena, sizeof *intervals);
    if (!intervals) {
        return NULL;
    }
    *intervals = (struct sequence_intervals){
        .gru = gru,
        .asked = levels,
        .layout = interval_layout_without(&untracked, info->n_outputs, n_ahead, levels->n),
        .n_ahead = n_ahead,
        .forecast = arena_array(arena, n_ahead * info->n_outputs, sizeof(double)),
        .future = arena_array(arena, n_ahead * (info->n_future + 1), sizeof(double)),
        .truths = arena_array(arena, info->n_outputs, sizeof(double)),
        .n_rows = n_rows,
        .row = sequence_intervals_first(n_rows),
        .arena = arena,
    };
    if (info->is_wide) {
        intervals->layout = interval_layout_wide(&intervals->layout);
    }
    intervals->tracker = (struct interval_tracker){
        .layout = &intervals->layout,
        .levels = levels,
        .bytes = arena_alloc(arena, intervals->layout.n_bytes),
    };
    if (!intervals->forecast || !intervals->future || !intervals->truths ||
        !intervals->tracker.bytes) {
        return NULL;
    }
    for (size_t row = intervals->row; row < n_rows; row++) {
        intervals->n_rows_left += 1 + n_rolled(intervals, row);
    }
    interval_tracker_begin(&intervals->tracker);
    version_errors_begin(gru, &intervals->tracker);
    return intervals;
}

/* What is known ahead stands in the rows that follow. */
static void take_future(const struct sequence_intervals *intervals, const double *x, size_t n)
{
    const struct gru_info *info = gru_model_info(intervals->gru);
    double *value = intervals->future;
    for (size_t row = intervals->row + 1; row <= intervals->row + n; row++) {
        for (size_t i = 0; i < info->n_inputs; i++) {
            if (info->inputs[i].feeds < 0) {
                *value++ = x[row * info->n_inputs + i];
            }
        }
    }
}

/* How many rows ahead could be forecast from the state. */
static size_t forecast(const struct sequence_intervals *intervals, struct gru_work *work,
                       const double *x, const float *state)
{
    const size_t n = n_known(intervals, intervals->row);
    if (n == 0) {
        return 0;
    }
    const size_t n_future = gru_future_rows(intervals->gru, n);
    take_future(intervals, x, n_future);
    return gru_forecast(intervals->gru, work, state, n, intervals->future, n_future,
                        intervals->forecast) == GRU_OK
               ? n
               : 0;
}

enum gru_status sequence_intervals_go_on(struct sequence_intervals *intervals,
                                         struct gru_work *work, const double *x,
                                         struct gru_lane *lane)
{
    const struct gru_info *info = gru_model_info(intervals->gru);
    const double *reading = x + intervals->row * info->n_inputs;
    lane->x = reading;
    lane->n_rows = 1;
    lane->state_in = lane->state_out;
    if (gru_run(intervals->gru, work, lane, 1) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    if (lane->status != GRU_OK) {
        lane->bad_row = intervals->row;
        return lane->status;
    }
    for (size_t o = 0; o < info->n_outputs; o++) {
        const int feeds = info->outputs[o].feeds;
        intervals->truths[o] = feeds >= 0 ? reading[feeds] : (double)NAN;
    }
    const size_t n = forecast(intervals, work, x, lane->state_out);
    interval_tracker_step(&intervals->tracker, intervals->row, intervals->truths,
                          intervals->forecast, n);
    intervals->n_rows_left -= 1 + n_rolled(intervals, intervals->row);
    intervals->row++;
    return GRU_OK;
}

bool sequence_intervals_tell(const struct sequence_intervals *intervals, const double *forecast,
                             struct interval_replies *ret_replies)
{
    if (!interval_replies_room(intervals->asked, intervals->n_ahead,
                               gru_model_info(intervals->gru)->n_outputs, intervals->arena,
                               ret_replies)) {
        return false;
    }
    interval_replies_fill(ret_replies, intervals->tracker.bytes ? &intervals->tracker : NULL,
                          forecast);
    return true;
}
