/* What sessions tell of thresholds. */
#include "service/scores/crossing.h"
#include "service/service_support.h"
#include "service/sessions/session_forecast.h"
#include "service/sessions/session_intervals.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct interval_levels offered = { 3, { 0.8, 0.9, 0.95 } }, one = { 1, { 0.9 } };
static const struct crossing crossing = { 0, true, 0.5 };

enum { AHEAD = 5 };

static struct forecast_options options_of(struct world *world, const struct interval_levels *levels,
                                          const struct crossing *its_crossing)
{
    static const double future[AHEAD] = { 0.1, 0.2, 0.3, 0.4, 0.5 };
    struct forecast_options options = forecast_options_make(world, AHEAD, future, AHEAD - 1);
    options.levels = levels;
    options.crossing = its_crossing;
    return options;
}

static struct step take(struct world *world, uint64_t number, const struct interval_levels *levels,
                        const struct crossing *its_crossing)
{
    static double x[INPUTS];
    arena_reset(&world->arena);
    reading(3, number, x);
    struct step step = step_make(world, "s", x);
    step.forecast_options = options_of(world, levels, its_crossing);
    step.has_seq = true;
    step.seq = number;
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

static void expect_same(const struct crossing_reply *a, const struct crossing_reply *b)
{
    ck_assert(a->ahead == b->ahead && a->n_rows == b->n_rows);
    ck_assert_mem_eq(a->by_horizon, b->by_horizon, a->n_rows * sizeof *a->by_horizon);
}

/* As if `level` had named all that are offered; and no intervals are told for it. */
TEST(a_session_tells_what_a_tracker_of_all_levels_beside_it_does)
{
    enum { STEPS = 90, FIRST = 3, RESTART = 60 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    const struct interval_layout layout = interval_layout_of(OUTPUTS, 12, offered.n);
    const struct interval_tracker tracker = { &layout, &offered, malloc(layout.n_bytes) };
    interval_tracker_begin(&tracker);
    for (uint64_t number = 1; number <= STEPS; number++) {
        if (number == RESTART) {
            world_restart(&world);
        }
        struct step step = take(&world, number, NULL, number < FIRST ? NULL : &crossing);
        ck_assert_uint_eq(step.intervals.n, 0);
        if (number < FIRST) {
            ck_assert_ptr_null(step.crossing.by_horizon);
            continue;
        }
        double x[INPUTS], truths[OUTPUTS], by_horizon[AHEAD];
        reading(3, number, x);
        session_intervals_truths(gru_model_info(world_model(&world)->active->gru), x, truths);
        interval_tracker_step(&tracker, number, truths, step.forecast, step.n_forecast);
        crossing_probabilities(&crossing, &tracker, step.forecast, AHEAD, by_horizon);
        const struct crossing_reply expected = {
            crossing_ahead(&crossing, step.forecast, AHEAD, OUTPUTS), AHEAD, by_horizon
        };
        expect_same(&step.crossing, &expected);
        ck_assert(isnan(by_horizon[0]) == (number < FIRST + INTERVAL_WARM_UP));
        const struct crossing_reply told = step.crossing;
        struct step again = step; /* with the same seq: the same answer, and no second step */
        again.is_done = false;
        ck_assert_int_eq(step_take(&world, &again), STATUS_OK);
        expect_same(&again.crossing, &told);
    }
    free(tracker.bytes);
    world_done(&world);
}

TEST(intervals_are_the_same_with_and_without_a_threshold)
{
    struct world world, other;
    world_init(&world);
    world_start(&world);
    world_init(&other);
    world_start(&other);
    for (uint64_t number = 1; number <= 60; number++) {
        const struct step a = take(&world, number, &offered, &crossing);
        const struct step b = take(&other, number, &offered, NULL);
        ck_assert_ptr_null(b.crossing.by_horizon);
        for (size_t i = 0; i < offered.n; i++) {
            ck_assert_mem_eq(a.intervals.of[i].lower, b.intervals.of[i].lower,
                             AHEAD * OUTPUTS * sizeof(double));
        }
    }
    world_done(&other);
    world_done(&world);
}

/* Of what the session has asked for so far: nothing, a single level, all. */
TEST(a_forecast_tells_what_the_session_has_calibrated)
{
    struct world world;
    struct session_forecast forecast;
    world_init(&world);
    world_start(&world);
    for (uint64_t number = 1; number <= 130; number++) {
        const bool is_single = number > 40 && number <= 80;
        const struct step step =
            take(&world, number, is_single ? &one : NULL, number > 80 ? &crossing : NULL);
        if (number % 40 != 0 && number < 130) {
            continue;
        }
        const struct forecast_options options = options_of(&world, NULL, &crossing);
        ck_assert_int_eq(session_forecast_begin(world.context, world_model(&world), "s", &options,
                                                &world.arena, &forecast, &world.fault),
                         STATUS_OK);
        while (forecast.prediction.n_rows_left > 0) {
            ck_assert_int_eq(predict_go_on(world.context, &forecast.prediction, &world.fault),
                             STATUS_OK);
        }
        predict_end(&forecast.prediction);
        ck_assert_uint_eq(forecast.sequence.intervals.n, 0);
        ck_assert_uint_eq(forecast.sequence.crossing.n_rows, AHEAD);
        ck_assert(isnan(forecast.sequence.crossing.by_horizon[0]) == (number == 40));
        if (number > 80) {
            expect_same(&forecast.sequence.crossing, &step.crossing);
        }
    }
    world_done(&world);
}
