/* Sessions that are asked how unusual their readings are. */
#include "service/service_support.h"
#include "service/sessions/session_calibration.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct interval_levels both = { 2, { 0.8, 0.9 } }, one = { 1, { 0.8 } };

enum { AHEAD = 5, FIRST_P = 42 /* nothing is forecast for the first reading */ };
static const double future[AHEAD] = { 0.1F, 0.2F, 0.3F, 0.4F, 0.5F };

static void begin(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world_start(world);
}

static struct step make(struct world *world, const char *id, uint64_t number, size_t ahead,
                        const struct interval_levels *levels, uint32_t parts)
{
    static double x[INPUTS];
    reading(3, number, x);
    struct step step = step_make(world, id, x);
    step.forecast_options =
        forecast_options_make(world, ahead > 1 ? ahead : 0, future, ahead > 1 ? ahead - 1 : 0);
    step.forecast_options.levels = levels;
    step.forecast_options.parts = parts;
    step.has_seq = true;
    step.seq = number;
    return step;
}

static struct step take(struct world *world, const char *id, uint64_t number, size_t ahead,
                        const struct interval_levels *levels, uint32_t parts)
{
    arena_reset(&world->arena);
    struct step step = make(world, id, number, ahead, levels, parts);
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

static struct step ask(struct world *world, const char *id, uint64_t number)
{
    return take(world, id, number, 1, NULL, TAIL_ANOMALY);
}

static void ask_all(struct world *world, const char *id, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        (void)ask(world, id, number);
    }
}

/* The bytes of a session's tail, and what it is of. */
struct held {
    struct session_intervals view;
    struct session_calibration calibration;
};

static struct held held_of(struct world *world, const char *id)
{
    struct held held;
    const struct session session = session_get(world, id);
    held.calibration = session.calibration;
    return held;
}

static void expect_same_tracker(struct world *world, const char *a, const char *b)
{
    const struct held ours = held_of(world, a), theirs = held_of(world, b);
    const struct gru_info *info = gru_model_info(world_model(world)->active->gru);
    const struct session_calibration *calibration = &ours.calibration;
    ck_assert_uint_eq(calibration->n_horizons, theirs.calibration.n_horizons);
    ck_assert_uint_eq(calibration->levels.n, theirs.calibration.levels.n);
    ck_assert_mem_eq(
        calibration->bytes, theirs.calibration.bytes,
        session_calibration_layout(info, calibration->n_horizons, calibration->levels.n).n_bytes);
}

/* Of `temp`, the only output whose truth comes: all that is behind the tracker. */
static void expect_same_part(struct world *world, const char *a, const char *b)
{
    struct session_intervals ours, theirs;
    const struct held of_a = held_of(world, a), of_b = held_of(world, b);
    const struct gru_info *info = gru_model_info(world_model(world)->active->gru);
    session_calibration_view(info, &of_a.calibration, &ours);
    session_calibration_view(info, &of_b.calibration, &theirs);
    ck_assert_uint_eq(ours.tail.parts, TAIL_ANOMALY);
    ck_assert_mem_eq(tail_part(&ours.tail, TAIL_ANOMALY), tail_part(&theirs.tail, TAIL_ANOMALY),
                     64);
}

TEST(a_session_tells_how_unusual_its_readings_are)
{
    struct world world;
    begin(&world);
    for (uint64_t number = 1; number <= 200; number++) {
        const struct step step = ask(&world, "s", number);
        ck_assert_int_eq(isnan(step.anomaly_p), number < FIRST_P);
        ck_assert_uint_eq(step.intervals.n, 0);
        ck_assert_ptr_null(step.anomaly_by_output); /* the truth of only one comes */
        struct step again = step; /* with the same seq: the same answer, and no second step */
        again.is_done = false;
        ck_assert_int_eq(step_take(&world, &again), STATUS_OK);
        ck_assert_mem_eq(&again.anomaly_p, &step.anomaly_p, sizeof step.anomaly_p);
        const struct step plain = take(&world, "plain", number, 1, NULL, 0);
        ck_assert(isnan(plain.anomaly_p));
        ck_assert_mem_eq(plain.y, step.y, OUTPUTS * sizeof *plain.y);
    }
    const double far[INPUTS] = { 1000, 0 };
    struct step step = make(&world, "s", 201, 1, NULL, TAIL_ANOMALY);
    step.x = far;
    ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
    ck_assert_double_lt(step.anomaly_p, 0.01);
    struct step missing = make(&world, "s", 202, 1, NULL, TAIL_ANOMALY);
    missing.x = (const double[INPUTS]){ NAN, NAN };
    ck_assert_int_eq(step_take(&world, &missing), STATUS_OK);
    ck_assert(isnan(missing.anomaly_p));
    world_done(&world);
}

/* Without a level: one of those that are offered, one step ahead. */
TEST(a_session_that_asks_for_nothing_else_has_the_smallest_tail)
{
    struct world world;
    begin(&world);
    (void)take(&world, "plain", 1, 1, NULL, 0);
    (void)ask(&world, "s", 1);
    (void)take(&world, "far", 1, AHEAD, NULL, TAIL_ANOMALY);
    const struct session_calibration plain = held_of(&world, "plain").calibration,
                                     s = held_of(&world, "s").calibration,
                                     far = held_of(&world, "far").calibration;
    ck_assert_uint_eq(plain.levels.n, 0);
    ck_assert(s.levels.n == 1 && s.levels.level[0] == 0.9);
    ck_assert(s.n_horizons == 1 && s.parts == TAIL_ANOMALY);
    ck_assert(far.levels.n == 1 && far.n_horizons == 1);
    world_done(&world);
}

/* In any order, and beside one that never asks for it. */
TEST(a_session_that_asks_for_more_goes_on_with_each_part)
{
    struct world world;
    begin(&world);
    enum { ASKED = 100, FAR = 200, MORE_LEVELS = 250 };
    for (uint64_t number = 1; number <= 300; number++) {
        const bool is_far = number > FAR, is_asked = number > ASKED;
        const struct interval_levels *levels = number > MORE_LEVELS ? &both : &one;
        const struct step s =
            take(&world, "s", number, is_far ? AHEAD : 1, levels, is_asked ? TAIL_ANOMALY : 0);
        const struct step without = take(&world, "without", number, is_far ? AHEAD : 1, levels, 0);
        const struct step only = take(&world, "only", number, 1, &one, is_asked ? TAIL_ANOMALY : 0);
        ck_assert_uint_eq(s.intervals.n, without.intervals.n);
        expect_same_tracker(&world, "s", "without");
        ck_assert_int_eq(isnan(only.anomaly_p), number <= ASKED + 20);
        if (number <= MORE_LEVELS) {
            ck_assert_mem_eq(&s.anomaly_p, &only.anomaly_p, sizeof s.anomaly_p);
        } else { /* with other levels nothing waits */
            ck_assert_int_eq(isnan(s.anomaly_p), number == MORE_LEVELS + 1);
        }
        if (number == MORE_LEVELS) {
            expect_same_part(&world, "s", "only");
        }
        arena_reset(&world.kept);
    }
    ck_assert_uint_eq(held_of(&world, "only").calibration.n_horizons, 1);
    ck_assert_uint_eq(held_of(&world, "s").calibration.levels.n, 3);
    world_done(&world);
}

/* Who no longer asks is told nothing, and loses nothing. */
TEST(what_is_kept_goes_on_while_nobody_asks)
{
    struct world world;
    begin(&world);
    for (uint64_t number = 1; number <= 150; number++) {
        (void)ask(&world, "s", number);
        (void)take(&world, "t", number, 1, NULL, number > 100 ? 0 : TAIL_ANOMALY);
    }
    expect_same_part(&world, "s", "t");
    world_done(&world);
}

TEST(what_is_read_and_forked_goes_on_alike)
{
    struct world world;
    begin(&world);
    ask_all(&world, "s", 1, 150);
    const struct session session = session_get(&world, "s");
    struct session_restore restore = restore_of(&session);
    restore.calibration = &session.calibration;
    bool created;
    ck_assert_int_eq(session_put_whole(&world, "t", &restore, &created), STATUS_OK);
    ck_assert_int_eq(
        session_fork(world.context, world_model(&world), "s", "u", &world.kept, &world.fault),
        STATUS_OK);
    expect_same_part(&world, "s", "t");
    expect_same_part(&world, "s", "u");
    for (uint64_t number = 151; number <= 200; number++) {
        if (number == 170) {
            world_restart(&world);
        }
        const struct step s = ask(&world, "s", number), t = ask(&world, "t", number),
                          u = ask(&world, "u", number);
        ck_assert(!isnan(s.anomaly_p) && s.anomaly_p == t.anomaly_p && s.anomaly_p == u.anomaly_p);
    }
    expect_same_part(&world, "s", "u");
    restore.step = 160; /* another moment: nothing waits, and nothing is told of the last reading */
    ck_assert_int_eq(session_put_whole(&world, "t", &restore, &created), STATUS_OK);
    const struct step first = ask(&world, "t", 161), next = ask(&world, "t", 162);
    ck_assert(isnan(first.anomaly_p) && !isnan(next.anomaly_p));
    world_done(&world);
}

/* A version whose errors were twice as large in its validation. */
TEST(another_version_is_as_unusual_by_its_own_errors)
{
    static const double means[] = { 1 }, twice[] = { 2 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_add_model(&world, "m", network_file_with_residuals(HIDDEN, SEED, means, 1));
    world_start(&world);
    ask_all(&world, "s", 1, 100);
    struct session_intervals before, after;
    const struct gru_info *info = gru_model_info(world_model(&world)->active->gru);
    const struct held was = held_of(&world, "s");
    world_activate(&world,
                   world_put_version(&world, network_file_with_residuals(HIDDEN, SEED, twice, 1)));
    ck_assert(isnan(ask(&world, "s", 101).anomaly_p)); /* nothing waited */
    const struct held is = held_of(&world, "s");
    session_calibration_view(info, &was.calibration, &before);
    session_calibration_view(info, &is.calibration, &after);
    const float *scales[] = { tail_part(&before.tail, TAIL_ANOMALY),
                              tail_part(&after.tail, TAIL_ANOMALY) };
    ck_assert_float_eq(scales[1][1], 2 * scales[0][1]);
    ck_assert(!isnan(ask(&world, "s", 102).anomaly_p));
    world_done(&world);
}

/* Versions may have several outputs whose truth comes. */
TEST(several_outputs_are_told_one_by_one)
{
    struct world world;
    world_init(&world);
    world_add_model(
        &world, "m",
        network_file_with(
            HIDDEN, SEED,
            "{\\\"inputs\\\":[{\\\"name\\\":\\\"temp\\\"},{\\\"name\\\":\\\"humidity\\\"}],"
            "\\\"outputs\\\":[{\\\"name\\\":\\\"temp\\\"},"
            "{\\\"name\\\":\\\"comfort\\\",\\\"feeds\\\":\\\"humidity\\\"}]}"));
    world_start(&world);
    for (uint64_t number = 1; number <= 100; number++) {
        const struct step step = ask(&world, "s", number);
        ck_assert_ptr_nonnull(step.anomaly_by_output);
        const double *p = step.anomaly_by_output, least = fmin(p[0], p[1]);
        ck_assert(isnan(p[0]) == (number < FIRST_P) && isnan(p[1]) == (number < FIRST_P));
        ck_assert(number < FIRST_P || step.anomaly_p == fmin(1, 2 * least));
    }
    world_done(&world);
}
