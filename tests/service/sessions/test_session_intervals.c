/* Prediction intervals of sessions. */
#include "service/service_support.h"
#include "service/sessions/session_intervals.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
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
    static double x[INPUTS];
    static const double future[AHEAD] = { 0.1F, 0.2F, 0.3F, 0.4F, 0.5F };
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
        ck_assert_mem_eq(a->of[i].lower, b->of[i].lower, a->n_rows * OUTPUTS * sizeof(double));
        ck_assert_mem_eq(a->of[i].upper, b->of[i].upper, a->n_rows * OUTPUTS * sizeof(double));
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
        double x[INPUTS], truths[OUTPUTS];
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
    const double before = step.intervals.of[0].upper[0];
    ck_assert(!isnan(before));
    const uint64_t n_observed = step.intervals.of[0].observed[0];
    step = take(&world, 62, AHEAD, &one); /* of the same level: all that is known goes on */
    ck_assert_uint_eq(step.intervals.of[0].observed[0], n_observed + 1);
    ck_assert(!isnan(step.intervals.of[0].upper[0]));
    ck_assert(isnan(step.intervals.of[0].upper[OUTPUTS]));
    step = take(&world, 63, AHEAD, &both); /* with all levels: counts begin anew */
    ck_assert_uint_eq(step.intervals.of[0].observed[0], 0);
    ck_assert(!isnan(step.intervals.of[0].upper[0]));
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

/* Twelve steps ahead for one level, too: who asks for one does not pay for all that are offered. */
TEST(a_session_of_one_level_has_room_for_one)
{
    struct world world;
    begin(&world, false);
    (void)take(&world, 1, AHEAD, &one);
    const struct pool *pool = world_pool(&world);
    const uint32_t slot = pool_next_slot(pool, INDEX_NONE);
    const size_t n_bytes = interval_layout_of(OUTPUTS, 12, 1).n_bytes;
    ck_assert_uint_le(pool_layout(pool, slot)->tail_bytes, n_bytes + 8);
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
    double x[INPUTS];
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

/* ---- memory ---- */

/* Sessions old0, old1, … that do not ask, the first one the oldest. */
static void fill(struct world *world, int n)
{
    for (int k = 0; k < n; k++) {
        char id[16];
        snprintf(id, sizeof id, "old%d", k);
        expect_steps(world, id, 5, 1, 1);
        world_age(world, id, (n - k) * 1000);
    }
}

static size_t memory_of(struct world *world)
{
    return atomic_load(&world_pool(world)->memory->n_bytes);
}

static void begin_full(struct world *world, unsigned full, size_t n_plain, size_t n_more)
{
    begin(world, true);
    const size_t each = world_layout(world)->record_bytes;
    world->config.session_memory_max = n_plain * each + n_more;
    world->config.session_full = full;
    world_restart(world);
}

TEST(a_session_that_asks_for_more_than_there_is_memory_for_is_refused)
{
    struct world world;
    begin_full(&world, CONFIG_REJECT, 3, 100);
    fill(&world, 3);
    const struct session before = session_get(&world, "old1");
    double x[INPUTS];
    reading(5, 2, x);
    struct step step = step_make(&world, "old1", x);
    step.forecast_options.levels = &both;
    ck_assert_int_eq(step_take(&world, &step), STATUS_SESSIONS_FULL);
    ck_assert_ptr_nonnull(strstr(step.fault.message, "the intervals of session 'old1'"));
    ck_assert_ptr_nonnull(strstr(step.fault.message, "(session-memory-max)"));
    const struct session after = session_get(&world, "old1");
    expect_same_session(&after, &before, true);
    expect_twin(&world, "old1", 5, 2);
    ck_assert_uint_le(memory_of(&world), world.config.session_memory_max);
    world_done(&world);
}

/* Asks for intervals of AHEAD steps in session `id`, whose reading has that number. */
static struct step ask(struct world *world, const char *id, uint64_t number)
{
    static double x[INPUTS];
    static const double future[AHEAD] = { 0.1F, 0.2F, 0.3F, 0.4F, 0.5F };
    reading(5, number, x);
    struct step step = step_make(world, id, x);
    step.forecast_options = forecast_options_make(world, AHEAD, future, AHEAD - 1);
    step.forecast_options.levels = &both;
    return step;
}

TEST(a_session_that_asks_makes_as_many_go_as_it_takes)
{
    enum { SESSIONS = 30 };
    struct world world;
    begin_full(&world, CONFIG_EVICT, SESSIONS, 0);
    fill(&world, SESSIONS);
    const struct pool *pool = world_pool(&world);
    const struct interval_sessions of = interval_sessions_of(world.context, world_model(&world));
    const unsigned wanted = session_intervals_class_for(&of, &both, AHEAD, 0);
    const size_t each = world_layout(&world)->record_bytes;
    const size_t more = pool_record_bytes(pool, wanted, strlen("old29")) - each;
    const size_t n_gone = (more + each - 1) / each;
    ck_assert(n_gone > 1 && n_gone < SESSIONS - 2);
    struct step step = ask(&world, "old29", 2);
    ck_assert_msg(step_take(&world, &step) == STATUS_OK, "%s", step.fault.message);
    ck_assert_uint_le(memory_of(&world), world.config.session_memory_max);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), SESSIONS - n_gone);
    expect_twin(&world, "old28", 5, 2); /* the oldest went */
    /* A new one that asks takes as much. */
    step = ask(&world, "new", 1);
    ck_assert_msg(step_take(&world, &step) == STATUS_OK, "%s", step.fault.message);
    ck_assert_uint_le(memory_of(&world), world.config.session_memory_max);
    world_done(&world);
}

/* What cannot be has evicted nobody. */
TEST(a_step_that_fails_makes_nobody_go)
{
    struct world world;
    begin_full(&world, CONFIG_EVICT, 3, 0);
    fill(&world, 3);
    struct step step = ask(&world, "old1", 2); /* more than all others together */
    ck_assert_int_eq(step_take(&world, &step), STATUS_SESSIONS_FULL);
    step = ask(&world, "new", 1);
    ck_assert_int_eq(step_take(&world, &step), STATUS_SESSIONS_FULL);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 3);
    world_done(&world);
    begin_full(&world, CONFIG_EVICT, 20, 0);
    fill(&world, 20);
    step = ask(&world, "old1", 2);
    step.x = (const double[INPUTS]){ INFINITY, INFINITY };
    ck_assert_int_ne(step_take(&world, &step), STATUS_OK);
    step = ask(&world, "new", 1);
    step.x = (const double[INPUTS]){ INFINITY, INFINITY };
    ck_assert_int_ne(step_take(&world, &step), STATUS_OK);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 20);
    world_done(&world);
}

TEST(a_calibration_that_is_restored_takes_its_memory_too)
{
    struct world world;
    begin(&world, true);
    struct step step = ask(&world, "rich", 1);
    ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
    const struct session rich = session_get(&world, "rich");
    ck_assert_int_eq(world_delete(&world, "rich"), STATUS_OK);
    fill(&world, 3);
    world.config.session_memory_max = memory_of(&world);
    world_restart(&world);
    struct session_restore restore = restore_of(&rich);
    restore.calibration = &rich.calibration;
    bool created;
    ck_assert_int_eq(session_put_whole(&world, "old1", &restore, &created), STATUS_SESSIONS_FULL);
    ck_assert_uint_le(memory_of(&world), world.config.session_memory_max);
    expect_twin(&world, "old1", 5, 2);
    world_done(&world);
}
