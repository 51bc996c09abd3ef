/* Prediction intervals of whole sequences. */
#include "service/service_support.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct interval_levels levels = { 2, { 0.8, 0.9 } };

static enum status predict(struct world *world, struct sequence *sequence, bool last_only,
                           size_t slice_rows)
{
    struct prediction prediction = { .gru = world_model(world)->active->gru,
                                     .last_only = last_only,
                                     .n_sequences = 1,
                                     .sequences = sequence };
    return prediction_make(world, &prediction, &world->arena, slice_rows);
}

/* What a session's tracker would say after the readings from `first` on, each of which was followed
 * by a forecast as long as this one. */
static struct interval_replies expected_of(struct world *world, const double *x, size_t n_rows,
                                           size_t n_ahead, size_t first, const double *forecast)
{
    const struct gru_model *gru = world_model(world)->active->gru;
    const struct gru_info *info = gru_model_info(gru);
    const struct interval_layout layout = interval_layout_of(OUTPUTS, n_ahead, levels.n);
    const struct interval_tracker tracker = { &layout, &levels, malloc(layout.n_bytes) };
    float *state = malloc(info->state_floats * sizeof *state);
    double y[OUTPUTS], truths[OUTPUTS], forecasts[24 * OUTPUTS], future[24 * INPUTS];
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    interval_tracker_begin(&tracker);
    gru_state_init(gru, state);
    for (size_t row = 0; row < n_rows; row++) {
        struct gru_lane lane = {
            .state_in = state, .state_out = state, .x = x + row * INPUTS, .n_rows = 1, .y = y
        };
        ck_assert_int_eq(gru_run(gru, work, &lane, 1), GRU_OK);
        size_t n = 0;
        for (size_t ahead = 1; row + ahead < n_rows && ahead <= n_ahead; ahead++, n++) {
            for (size_t i = 0, k = 0; i < INPUTS; i++) {
                if (info->inputs[i].feeds < 0) {
                    future[n * info->n_future + k++] = x[(row + ahead) * INPUTS + i];
                }
            }
        }
        ck_assert(n == 0 || gru_forecast(gru, work, state, n, future, n, forecasts) == GRU_OK);
        for (size_t o = 0; o < OUTPUTS; o++) {
            truths[o] = info->outputs[o].feeds >= 0
                            ? x[row * INPUTS + (size_t)info->outputs[o].feeds]
                            : (double)NAN;
        }
        if (row >= first) {
            interval_tracker_step(&tracker, row, truths, forecasts, n);
        }
    }
    struct interval_replies replies;
    ck_assert(interval_replies_room(&levels, n_ahead, OUTPUTS, &world->arena, &replies));
    interval_replies_fill(&replies, &tracker, forecast);
    gru_work_free(work);
    free(state);
    free(tracker.bytes);
    return replies;
}

static void expect_same_replies(const struct interval_replies *got,
                                const struct interval_replies *expected)
{
    ck_assert_uint_eq(got->n, levels.n);
    ck_assert_uint_eq(got->n_rows, expected->n_rows);
    for (size_t l = 0; l < levels.n; l++) {
        const struct interval_reply *a = &got->of[l], *b = &expected->of[l];
        ck_assert(a->level == levels.level[l]);
        ck_assert_mem_eq(a->lower, b->lower, got->n_rows * OUTPUTS * sizeof(double));
        ck_assert_mem_eq(a->upper, b->upper, got->n_rows * OUTPUTS * sizeof(double));
        ck_assert_mem_eq(a->coverage, b->coverage, got->n_rows * sizeof(double));
        ck_assert_mem_eq(a->observed, b->observed, got->n_rows * sizeof(uint64_t));
    }
}

TEST(intervals_of_a_sequence_are_those_that_a_session_would_have)
{
    static const size_t lengths[] = { 1, 2, 23, 150, 201, 202, 400 };
    static const size_t horizons[] = { 0, 1, 5 };
    struct world world;
    world_init(&world);
    world_start(&world);
    const double future[8] = { 0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F, 0.7F, 0.8F };
    for (size_t i = 0; i < 7 * 3; i++) {
        const size_t n_rows = lengths[i / 3], horizon = horizons[i % 3];
        double *x = readings(3, 1, n_rows);
        struct sequence sequence = { .x = x, .n_rows = n_rows }, plain = sequence, last;
        sequence.forecast_options =
            forecast_options_make(&world, horizon, future, horizon > 0 ? horizon - 1 : 0);
        plain.forecast_options = sequence.forecast_options;
        sequence.forecast_options.levels = &levels;
        last = sequence;
        ck_assert_int_eq(predict(&world, &sequence, false, 0), STATUS_OK);
        ck_assert_int_eq(predict(&world, &plain, false, 0), STATUS_OK);
        expect_same_values(sequence.y, plain.y, n_rows * OUTPUTS);
        expect_same_values(sequence.forecast, plain.forecast, horizon * OUTPUTS);
        ck_assert_uint_eq(plain.intervals.n, 0);
        const double *forecast = horizon > 0 ? plain.forecast : plain.y + (n_rows - 1) * OUTPUTS;
        const struct interval_replies expected =
            expected_of(&world, x, n_rows, horizon > 0 ? horizon : 1,
                        sequence_intervals_first(n_rows), forecast);
        expect_same_replies(&sequence.intervals, &expected);
        ck_assert(n_rows < 150 || sequence.intervals.of[0].observed[0] > 100);
        ck_assert_int_eq(predict(&world, &last, true, 1 + i), STATUS_OK); /* in slices */
        expect_same_values(last.y, plain.y + (n_rows - 1) * OUTPUTS, OUTPUTS);
        expect_same_replies(&last.intervals, &expected);
        free(x);
        arena_reset(&world.arena);
    }
    world_done(&world);
}
