/* With --amend: the base of a session leads, through the readings behind it, to what the session
 * is; whatever has come, and whoever has kept it. */
#include "service/pool/record_ring.h"
#include "service/sessions/forecast_errors.h"
#include "test.h"
#include "timed_readings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY = 8 };

/* Replays what is behind the base, and compares; returns how much that is. */
static uint32_t expect_base_leads_here(struct world *world, const char *id)
{
    struct pool *pool = world_pool(world);
    char *record = world_record(world, id);
    const struct record_layout *layout = &pool->layouts_by_room[0][0];
    struct record_copy *copy = record_newest(layout, record);
    struct record_base *base = record_base_of(layout, copy);
    const struct gru_model *gru = world_model(world)->active->gru;
    float state[64];
    double x[INPUTS], y[OUTPUTS];
    struct record_error errors[OUTPUTS];
    ck_assert_uint_le(base->n_since, copy->n_readings);
    ck_assert_uint_le(layout->state_floats, 64);
    memcpy(state, record_base_state(layout, base), layout->state_floats * sizeof *state);
    memcpy(errors, base->errors, sizeof errors);
    struct record_stamp stamp = { .last_at = base->last_at, .gap = base->gap };
    for (uint64_t step = copy->step - base->n_since + 1; step <= copy->step; step++) {
        record_read_reading(layout, record, step, x);
        struct gru_lane lane = {
            .state_in = state, .state_out = state, .x = x, .n_rows = 1, .y = y
        };
        forecast_errors_note(gru, state, x, errors);
        ck_assert_int_eq(gru_run(gru, world->context->work, &lane, 1), GRU_OK);
        stamp = record_read_stamp(layout, record, step);
    }
    expect_same_floats(record_state(layout, copy), state, layout->state_floats);
    ck_assert_mem_eq(copy->errors, errors, sizeof errors);
    ck_assert_mem_eq(&stamp.last_at, &copy->last_at, sizeof stamp.last_at);
    ck_assert_uint_eq(stamp.gap, copy->gap);
    return base->n_since;
}

static void take(struct world *world, const char *id, uint64_t number, double n_intervals)
{
    double x[INPUTS];
    reading(3, number, x);
    arena_reset(&world->arena);
    struct step step = step_make(world, id, x);
    step.has_at = !isnan(n_intervals);
    step.at = first_day + n_intervals * INTERVAL_S;
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
}

TEST(a_base_follows_readings_with_and_without_times)
{
    for (int timed = 0; timed < 2; timed++) {
        struct world world;
        timed_start(&world, HISTORY, true);
        for (uint64_t number = 1; number <= 3 * HISTORY; number++) {
            take(&world, "s", number, timed ? (double)number : (double)NAN);
            ck_assert_uint_eq(expect_base_leads_here(&world, "s"),
                              number < HISTORY ? number : HISTORY);
            if (number % 5 == 0) {
                world_restart(&world);
                (void)session_get(&world, "s");
            }
        }
        world_done(&world);
    }
}

/* Gaps of less and of more than is kept, and one that is too long. */
TEST(a_base_follows_gaps_that_are_filled)
{
    static const int n_losts[] = { 1, 3, HISTORY - 1, HISTORY, 40, 100, 0, 2, 2, 101, 5, 1 };
    struct world world;
    double at = 0;
    timed_start(&world, HISTORY, true);
    take(&world, "s", 1, 0);
    for (size_t k = 0; k < sizeof n_losts / sizeof *n_losts; k++) {
        at += 1 + n_losts[k];
        take(&world, "s", k + 2, at);
        const uint32_t n = expect_base_leads_here(&world, "s");
        const struct session session = session_get(&world, "s");
        ck_assert_uint_eq(n, session.n_readings);
        ck_assert_uint_eq(n, n_losts[k] > 100 ? 1 : session.n_readings);
    }
    world_done(&world);
}

/* Of many sessions in one round, each with a lane of its own for its base. */
TEST(bases_of_a_batch_follow)
{
    enum { SESSIONS = 40, ROUNDS = 2 * HISTORY + 3 };
    struct world world;
    char ids[SESSIONS][8];
    timed_start(&world, HISTORY, false);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        struct step steps[SESSIONS];
        struct step *pointers[SESSIONS];
        double x[SESSIONS][INPUTS];
        arena_reset(&world.arena);
        for (uint64_t s = 0; s < SESSIONS; s++) {
            snprintf(ids[s], sizeof ids[s], "s%d", (int)s);
            reading(s, round, x[s]);
            steps[s] = step_make(&world, ids[s], x[s]);
            pointers[s] = &steps[s];
        }
        service_context_turn(world.context);
        service_steps(world.context, pointers, round % 2 == 0 ? SESSIONS : SESSIONS / 2);
    }
    for (uint64_t s = 0; s < SESSIONS; s++) {
        ck_assert_uint_eq(expect_base_leads_here(&world, ids[s]), HISTORY);
    }
    world_done(&world);
}

/* A session that is put, forked or brought to another version begins with what it is then. */
TEST(a_session_that_is_written_anew_is_its_own_base)
{
    struct world world;
    bool created;
    timed_start(&world, HISTORY, true);
    expect_steps(&world, "s", 1, 1, 2 * HISTORY);
    struct session session = session_get(&world, "s");
    const struct session_restore restore = restore_of(&session);
    ck_assert_int_eq(session_put_whole(&world, "put", &restore, &created), STATUS_OK);
    ck_assert_int_eq(
        session_fork(world.context, world_model(&world), "s", "fork", &world.arena, &world.fault),
        STATUS_OK);
    world_activate(&world, world_put_version(&world, network_file(HIDDEN, SEED + 1)));
    (void)session_get(&world, "s");
    static const char *const ids[] = { "put", "fork", "s" };
    for (size_t k = 0; k < 3; k++) {
        (void)session_get(&world, ids[k]);
        ck_assert_uint_eq(expect_base_leads_here(&world, ids[k]), 0);
        for (uint64_t number = 1; number <= HISTORY + 2; number++) {
            expect_steps(&world, ids[k], 1, 2 * HISTORY + number, 2 * HISTORY + number);
            ck_assert_uint_eq(expect_base_leads_here(&world, ids[k]),
                              number < HISTORY ? number : HISTORY);
        }
    }
    world_done(&world);
}

/* Any step, late or not: whether it succeeds is its own matter. Returns whether it amended one. */
static bool take_any(struct world *world, uint64_t *random, double *now)
{
    double x[INPUTS];
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    const uint64_t what = *random >> 33;
    const struct session session = session_get(world, "s");
    reading(what % 7, what % 1000, x);
    arena_reset(&world->arena);
    struct step step = step_make(world, "s", x);
    step.may_amend = what % 3 == 0;
    step.has_at = what % 5 > 0;
    step.at = first_day + (*now - (double)(step.may_amend ? what / 64 % 9 : 0)) * INTERVAL_S;
    if (step.may_amend && !step.has_at) {
        step.amends_step = 1 + session.row.step - what / 64 % (HISTORY + 2) % session.row.step;
    } else if (what / 8 % 4 == 0) {
        step.has_seq = step.may_fill = true;
        step.seq = session.row.step + 1 + what / 64 % 4;
    }
    const enum status status = step_take(world, &step);
    *now += (what / 1024 % 97 == 0 ? 150.0 : (double)(what / 1024 % 4)) + 0.2;
    return status == STATUS_OK && step.amended > 0;
}

TEST(a_base_leads_to_its_session_whatever_has_come)
{
    enum { STEPS = 4000 };
    struct world world;
    uint64_t random = 1;
    double now = 0;
    size_t n_amended = 0;
    timed_start(&world, HISTORY, true);
    take(&world, "s", 1, 0);
    for (size_t k = 0; k < STEPS; k++) {
        n_amended += take_any(&world, &random, &now);
        (void)expect_base_leads_here(&world, "s");
        if (k % 500 == 499) {
            world_restart(&world);
        }
    }
    ck_assert_uint_gt(n_amended, STEPS / 10);
    world_done(&world);
}

/* As other layouts do, when grud is started with another --amend; states stay what they are. */
TEST(sessions_get_a_base_with_amend_and_lose_it_without)
{
    struct world world;
    timed_start(&world, HISTORY, true);
    expect_steps(&world, "s", 1, 1, HISTORY + 3);
    expect_steps(&world, "short", 2, 1, 3);
    for (int round = 0; round < 4; round++) {
        const struct session before = session_get(&world, "s");
        world_stop(&world);
        world.config.amend = round % 2;
        world_start(&world);
        const struct session after = session_get(&world, "s");
        expect_same_session(&before, &after, true);
        ck_assert_uint_eq(record_has_base(world_layout(&world)), round % 2);
        if (round % 2 == 0) {
            continue;
        }
        ck_assert_uint_eq(expect_base_leads_here(&world, "s"), 0);
        for (uint64_t n = 1; n <= HISTORY + 1; n++) {
            expect_steps(&world, "s", 1, after.row.step + n, after.row.step + n);
            ck_assert_uint_eq(expect_base_leads_here(&world, "s"), n < HISTORY ? n : HISTORY);
        }
    }
    world_done(&world);
}

/* A grud from before would read records of other sizes, so it must not read them at all. */
TEST(a_build_that_knows_no_bases_refuses_the_layout)
{
    struct world world;
    timed_start(&world, HISTORY, true);
    const struct record_layout layout = *world_layout(&world);
    uint32_t n_history; /* as format 3 had it, of at most 4096 */
    memcpy(&n_history, (const char *)&layout + offsetof(struct record_layout, n_history),
           sizeof n_history);
    ck_assert_uint_gt(n_history, RECORD_HISTORY_MAX);
    world_done(&world);
}
