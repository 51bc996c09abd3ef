/* Prediction intervals of sessions. */
#include "service/service_support.h"
#include "service/sessions/session_intervals.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct interval_levels both = { 2, { 0.8, 0.9 } };
static const struct interval_levels offered = { 3, { 0.8, 0.9, 0.95 } }, one = { 1, { 0.9 } };

enum { AHEAD = 5 };

static void begin(struct world *world, bool has_data)
{
    world_init(world);
    if (has_data) {
        world_use_data(world);
    }
    world_start(world);
}

/* Reading `number` of stream 3, with a forecast of AHEAD steps (or 1), and intervals if levels are
 * given. */
static struct step take(struct world *world, uint64_t number, size_t ahead,
                        const struct interval_levels *levels)
{
    static float x[INPUTS];
    static const float future[AHEAD] = { 0.1F, 0.2F, 0.3F, 0.4F, 0.5F };
    arena_reset(&world->arena);
    reading(3, number, x);
    struct step step = step_make(world, "s", x);
    step.forecast_options =
        forecast_options_make(world, ahead > 1 ? ahead : 0, future, ahead > 1 ? ahead - 1 : 0);
    step.forecast_options.levels = levels;
    step.has_seq = true;
    step.seq = number;
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

static void expect_same(const struct interval_replies *a, const struct interval_replies *b)
{
    ck_assert(a->n == b->n && a->n_rows == b->n_rows);
    for (size_t i = 0; i < a->n; i++) {
        ck_assert(a->of[i].level == b->of[i].level);
        ck_assert_mem_eq(a->of[i].lower, b->of[i].lower, a->n_rows * OUTPUTS * sizeof(float));
        ck_assert_mem_eq(a->of[i].upper, b->of[i].upper, a->n_rows * OUTPUTS * sizeof(float));
        ck_assert_mem_eq(a->of[i].observed, b->of[i].observed, a->n_rows * sizeof(uint64_t));
        ck_assert_mem_eq(a->of[i].coverage, b->of[i].coverage, a->n_rows * sizeof(double));
    }
}

/* A session that asks from its third step on, beside a tracker that is told the same; with a
 * restart in the middle. */
TEST(a_session_tells_what_a_tracker_beside_it_does)
{
    enum { STEPS = 120, FIRST = 3, RESTART = 70 };
    struct world world;
    begin(&world, true);
    const struct gru_info *info = gru_model_info(world_model(&world)->active->gru);
    const struct interval_layout layout = interval_layout_of(OUTPUTS, 12, offered.n);
    const struct interval_tracker tracker = { &layout, &offered, malloc(layout.n_bytes) };
    interval_tracker_begin(&tracker);
    for (uint64_t number = 1; number <= STEPS; number++) {
        if (number == RESTART) {
            world_restart(&world);
            info = gru_model_info(world_model(&world)->active->gru);
        }
        struct step step = take(&world, number, AHEAD, number < FIRST ? NULL : &both);
        if (number < FIRST) {
            ck_assert_uint_eq(step.intervals.n, 0);
            continue;
        }
        float x[INPUTS], truths[OUTPUTS];
        reading(3, number, x);
        session_intervals_truths(info, x, truths);
        interval_tracker_step(&tracker, number, truths, step.forecast, step.n_forecast);
        struct interval_replies replies;
        ck_assert(interval_replies_room(&both, AHEAD, OUTPUTS, &world.arena, &replies));
        interval_replies_fill(&replies, &tracker, step.forecast);
        expect_same(&step.intervals, &replies);
        const struct interval_replies told = step.intervals;
        struct step again = step; /* with the same seq: the same answer, and no second step */
        again.is_done = false;
        ck_assert_int_eq(step_take(&world, &again), STATUS_OK);
        expect_same(&again.intervals, &told);
    }
    free(tracker.bytes);
    world_done(&world);
}

TEST(a_session_that_asks_for_more_goes_on_from_what_it_knows)
{
    struct world world;
    begin(&world, false);
    for (uint64_t number = 1; number <= 60; number++) {
        (void)take(&world, number, 1, &one);
    }
    struct step step = take(&world, 61, 1, &one);
    const float before = step.intervals.of[0].upper[0];
    ck_assert(!isnan(before));
    ck_assert_uint_gt(step.intervals.of[0].observed[0], 0);
    step = take(&world, 62, AHEAD, &one); /* with all levels: counts begin anew */
    ck_assert_uint_eq(step.intervals.of[0].observed[0], 0);
    ck_assert(!isnan(step.intervals.of[0].upper[0]));
    ck_assert(isnan(step.intervals.of[0].upper[OUTPUTS]));
    step = take(&world, 63, AHEAD, &both);
    ck_assert(step.intervals.of[0].upper[0] < step.intervals.of[1].upper[0]);
    for (uint64_t number = 64; number <= 120; number++) {
        step = take(&world, number, AHEAD, &both);
    }
    ck_assert(!isnan(step.intervals.of[0].upper[(AHEAD - 1) * OUTPUTS]));
    world_done(&world);
}

TEST(sessions_that_do_not_ask_have_no_tail)
{
    struct world world;
    begin(&world, false);
    expect_steps(&world, "plain", 5, 1, 10);
    (void)take(&world, 1, 1, &one);
    const struct pool *pool = world_pool(&world);
    for (uint32_t slot = pool_next_slot(pool, INDEX_NONE); slot != INDEX_NONE;
         slot = pool_next_slot(pool, slot)) {
        const struct record_header *header = record_header_of(pool_record(pool, slot));
        const bool is_plain = header->n_id == 5;
        ck_assert_uint_eq(pool_extent(pool, slot)->record_class, is_plain ? 0 : 1);
        ck_assert(is_plain || pool_layout(pool, slot)->tail_bytes <= 48 * OUTPUTS);
    }
    world_done(&world);
}

/* What is filled is scored as missing, and what comes after it as ever. */
TEST(a_gap_that_is_filled_drops_what_waits_beyond_one_step)
{
    struct world world;
    begin(&world, false);
    for (uint64_t number = 1; number <= 60; number++) {
        (void)take(&world, number, AHEAD, &both);
    }
    struct step step = take(&world, 61, AHEAD, &both);
    const uint64_t before = step.intervals.of[0].observed[0];
    float x[INPUTS];
    reading(3, 65, x);
    struct step late = step_make(&world, "s", x);
    late.has_seq = late.may_fill = true;
    late.seq = 65;
    late.forecast_options.levels = &both;
    ck_assert_msg(step_take(&world, &late) == STATUS_OK, "%s", late.fault.message);
    ck_assert_uint_eq(late.intervals.n, 2);
    ck_assert_uint_eq(late.intervals.of[0].observed[0], before + 1);
    world_done(&world);
}
