/* The prediction intervals of sessions that are read, restored and forked. */
#include "service/service_support.h"
#include "service/sessions/session_calibration.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct interval_levels both = { 2, { 0.8, 0.9 } }, one = { 1, { 0.9 } };

enum { AHEAD = 5 };

static const double future[AHEAD] = { 0.1F, 0.2F, 0.3F, 0.4F, 0.5F };

/* Reading `number` of stream 3, with a forecast of so many steps. */
static struct step take_ahead(struct world *world, const char *session, uint64_t number,
                              size_t ahead, const struct interval_levels *levels)
{
    double x[INPUTS];
    reading(3, number, x);
    struct step step = step_make(world, session, x);
    step.forecast_options =
        forecast_options_make(world, ahead > 1 ? ahead : 0, future, ahead > 1 ? ahead - 1 : 0);
    step.forecast_options.levels = levels;
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

static void take_all(struct world *world, const char *session, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        (void)take_ahead(world, session, number, AHEAD, &both);
        arena_reset(&world->arena);
    }
}

static void expect_same_bits(const struct interval_replies *a, const struct interval_replies *b)
{
    ck_assert(a->n == b->n && a->n_rows == b->n_rows);
    for (size_t i = 0; i < a->n; i++) {
        ck_assert_mem_eq(a->of[i].lower, b->of[i].lower, a->n_rows * OUTPUTS * sizeof(double));
        ck_assert_mem_eq(a->of[i].upper, b->of[i].upper, a->n_rows * OUTPUTS * sizeof(double));
        ck_assert_mem_eq(a->of[i].observed, b->of[i].observed, a->n_rows * sizeof(uint64_t));
        ck_assert_mem_eq(a->of[i].coverage, b->of[i].coverage, a->n_rows * sizeof(double));
    }
}

/* That both go on alike. */
static void expect_twins(struct world *world, const char *a, const char *b, uint64_t first,
                         uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        const struct step ours = take_ahead(world, a, number, AHEAD, &both);
        const struct step theirs = take_ahead(world, b, number, AHEAD, &both);
        expect_same_bits(&ours.intervals, &theirs.intervals);
        ck_assert(number < 60 || ours.intervals.of[0].observed[0] > 0);
        arena_reset(&world->arena);
    }
}

static void begin(struct world *world, const char *levels)
{
    world_init(world);
    world_use_data(world);
    world->config.interval_levels = levels;
    world_start(world);
}

static struct session_restore restore_with(const struct session *session)
{
    struct session_restore restore = restore_of(session);
    restore.calibration = &session->calibration;
    return restore;
}

static void put(struct world *world, const char *id, const struct session_restore *restore)
{
    bool created;
    ck_assert_msg(session_put_whole(world, id, restore, &created) == STATUS_OK, "%s",
                  world->fault.message);
}

static void expect_same_calibration(const struct session *a, const struct session *b)
{
    const struct session_calibration *ours = &a->calibration, *theirs = &b->calibration;
    ck_assert_uint_eq(ours->levels.n, theirs->levels.n);
    ck_assert_mem_eq(ours->levels.level, theirs->levels.level, ours->levels.n * sizeof(double));
    ck_assert_uint_eq(ours->n_horizons, theirs->n_horizons);
    ck_assert_uint_eq(ours->step, theirs->step);
    const size_t n =
        session_calibration_layout(gru_model_info(a->gru), ours->n_horizons, ours->levels.n)
            .n_bytes;
    ck_assert(ours->levels.n == 0 || memcmp(ours->bytes, theirs->bytes, n) == 0);
}

TEST(a_fork_goes_on_with_the_same_intervals)
{
    struct world world;
    begin(&world, "0.8,0.9,0.95");
    take_all(&world, "s", 1, 100);
    ck_assert_int_eq(
        session_fork(world.context, world_model(&world), "s", "fork", &world.kept, &world.fault),
        STATUS_OK);
    const struct session source = session_get(&world, "s"), fork = session_get(&world, "fork");
    ck_assert_uint_eq(source.calibration.levels.n, 3);
    ck_assert_uint_eq(source.calibration.n_horizons, 12);
    expect_same_calibration(&source, &fork);
    expect_twins(&world, "s", "fork", 101, 140);
    world_restart(&world);
    expect_twins(&world, "s", "fork", 141, 150);
    world_done(&world);
}

TEST(what_was_read_is_restored)
{
    struct world world;
    begin(&world, "0.8,0.9,0.95");
    take_all(&world, "s", 1, 100);
    const struct session session = session_get(&world, "s");
    const struct session_restore restore = restore_with(&session);
    put(&world, "new", &restore);
    const struct session fresh = session_get(&world, "new");
    expect_same_calibration(&fresh, &session);
    expect_twins(&world, "s", "new", 101, 110);
    put(&world, "s", &restore); /* back to what it was */
    const struct session back = session_get(&world, "s");
    expect_same_calibration(&back, &session);
    put(&world, "new", &restore);
    expect_twins(&world, "s", "new", 101, 120);
    world_done(&world);
}

/* One that has one level at one step ahead is kept as small as it was. */
TEST(a_small_calibration_stays_small)
{
    struct world world;
    begin(&world, "0.8,0.9,0.95");
    for (uint64_t number = 1; number <= 50; number++) {
        (void)take_ahead(&world, "s", number, 1, &one);
    }
    const struct session session = session_get(&world, "s");
    ck_assert_uint_eq(session.calibration.levels.n, 1);
    ck_assert_uint_eq(session.calibration.n_horizons, 1);
    const struct session_restore restore = restore_with(&session);
    const size_t before = atomic_load(&world_pool(&world)->n_record_bytes);
    put(&world, "t", &restore);
    ck_assert_uint_eq(atomic_load(&world_pool(&world)->n_record_bytes), 2 * before);
    world_done(&world);
}

static uint64_t n_observed(struct world *world, const char *session, uint64_t number)
{
    const struct step step = take_ahead(world, session, number, AHEAD, &both);
    return step.intervals.of[0].observed[0];
}

/* Without the field: the calibration that the session has is kept, but the forecasts that wait are
 * of other readings. */
TEST(an_old_body_keeps_the_calibration_and_scores_nothing_twice)
{
    struct world world;
    begin(&world, "0.8,0.9,0.95");
    take_all(&world, "s", 1, 60);
    const struct session session = session_get(&world, "s");
    const uint64_t before = n_observed(&world, "s", 61);
    take_all(&world, "s", 62, 100);
    const uint64_t now = n_observed(&world, "s", 101);
    ck_assert_uint_gt(now, before);
    const struct session_restore restore = restore_of(&session);
    put(&world, "s", &restore);
    const struct step step = take_ahead(&world, "s", 61, AHEAD, &both);
    ck_assert_uint_eq(step.intervals.of[0].observed[0], now); /* nothing waited */
    ck_assert(!isnan(step.intervals.of[0].upper[0]));
    for (uint64_t number = 62; number < 61 + AHEAD; number++) {
        const struct step next = take_ahead(&world, "s", number, AHEAD, &both);
        ck_assert_uint_eq(next.intervals.of[0].observed[0], now + number - 61);
    }
    put(&world, "new", &restore); /* one that is not there has none */
    const struct session fresh = session_get(&world, "new");
    ck_assert_uint_eq(fresh.calibration.levels.n, 0);
    world_done(&world);
}

TEST(a_session_that_begins_anew_is_as_unsure_as_after_a_restart)
{
    struct world world;
    begin(&world, "0.8,0.9,0.95");
    take_all(&world, "s", 1, 60);
    const struct step before = take_ahead(&world, "s", 61, AHEAD, &both);
    const double width = before.intervals.of[0].upper[0] - before.intervals.of[0].lower[0];
    const struct session_restore anew = { .ttl_s = -1 };
    put(&world, "s", &anew);
    const struct step after = take_ahead(&world, "s", 1, AHEAD, &both);
    const double twice = after.intervals.of[0].upper[0] - after.intervals.of[0].lower[0];
    ck_assert_double_eq_tol(twice, 2 * width, 0.1 * width);
    world_done(&world);
}

TEST(none_is_restored_as_none)
{
    struct world world;
    begin(&world, "0.8,0.9,0.95");
    take_all(&world, "s", 1, 60);
    expect_steps(&world, "plain", 3, 1, 60);
    const struct session plain = session_get(&world, "plain");
    const struct session_restore restore = restore_with(&plain);
    put(&world, "s", &restore);
    const struct session session = session_get(&world, "s");
    expect_same_session(&session, &plain, false);
    ck_assert_uint_eq(session.calibration.levels.n, 0);
    world_done(&world);
}

/* At another step, or of another version, it is kept, and what waits is not. */
TEST(a_calibration_of_another_moment_scores_nothing_that_it_should_not)
{
    struct world world;
    begin(&world, "0.8,0.9,0.95");
    take_all(&world, "s", 1, 60);
    const struct session session = session_get(&world, "s");
    struct session_restore restore = restore_with(&session);
    const uint64_t n = n_observed(&world, "s", 61) - 1; /* by then */
    put(&world, "t", &restore);
    ck_assert_uint_eq(n_observed(&world, "t", 61), n + 1);
    restore.step = 67;
    put(&world, "t", &restore);
    ck_assert_uint_eq(n_observed(&world, "t", 61), n);
    world_activate(&world, world_put_version(&world, network_file(HIDDEN, SEED + 1)));
    restore.step = 60;
    restore.state = NULL; /* its readings are replayed */
    put(&world, "t", &restore);
    ck_assert_uint_eq(n_observed(&world, "t", 61), n);
    ck_assert_uint_eq(n_observed(&world, "t", 62), n + 1);
    world_done(&world);
}

TEST(a_calibration_of_another_version_is_rescaled)
{
    static const double means[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
                        others[] = { 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_add_model(&world, "m", network_file_with_residuals(HIDDEN, SEED, means, 12));
    world_start(&world);
    take_all(&world, "s", 1, 60);
    const struct session session = session_get(&world, "s");
    struct session_restore restore = restore_with(&session);
    float before, after;
    memcpy(&before, session.calibration.bytes, sizeof before); /* a mean */
    world_activate(
        &world, world_put_version(&world, network_file_with_residuals(HIDDEN, SEED, others, 12)));
    restore.state = NULL;
    put(&world, "t", &restore);
    const struct session restored = session_get(&world, "t");
    memcpy(&after, restored.calibration.bytes, sizeof after);
    ck_assert(before > 0 && after == 4 * before);
    /* Over one that was not brought to the active version yet, and which keeps its own. */
    world_activate(&world, 1);
    const struct session_restore own = restore_of(&session);
    put(&world, "t", &own);
    const struct session back = session_get(&world, "t");
    memcpy(&after, back.calibration.bytes, sizeof after);
    ck_assert(after == before);
    world_done(&world);
}

/* What another grud offers: some of the levels, others, more, fewer steps ahead, none. */
TEST(another_grud_keeps_what_it_offers)
{
    static const struct {
        const char *levels;
        size_t horizon_max, n_levels, n_horizons;
        bool has_counts;
    } cases[] = {
        { "0.8,0.9", 24, 2, 12, true },    { "0.9", 24, 1, 12, true },
        { "0.8,0.9,0.95", 3, 3, 3, true }, { "0.8,0.9,0.95,0.99", 24, 4, 12, false },
        { "0.7", 24, 1, 12, false },       { "", 24, 0, 0, false },
    };
    struct world world;
    begin(&world, "0.8,0.9,0.95");
    take_all(&world, "s", 1, 100);
    const struct session session = session_get(&world, "s");
    const struct session_restore restore = restore_with(&session);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world other;
        world_init(&other);
        other.config.interval_levels = cases[i].levels;
        other.config.interval_horizon_max = cases[i].horizon_max;
        world_start(&other);
        put(&other, "s", &restore);
        const struct session restored = session_get(&other, "s");
        ck_assert_uint_eq(restored.calibration.levels.n, cases[i].n_levels);
        if (cases[i].n_levels > 0) {
            struct session_intervals view;
            ck_assert_uint_eq(restored.calibration.n_horizons, cases[i].n_horizons);
            session_calibration_view(gru_model_info(restored.gru), &restored.calibration, &view);
            ck_assert(interval_tracker_is_valid(&view.tail.tracker));
            ck_assert(interval_tracker_has_seen_enough(&view.tail.tracker, 3));
            const struct interval_coverage coverage =
                interval_tracker_coverage(&view.tail.tracker, 0, 1);
            ck_assert((coverage.n_scored > 0) == cases[i].has_counts);
        }
        double y[OUTPUTS];
        expect_step(&other, "s", 3, 101, y);
        world_done(&other);
    }
    world_done(&world);
}

/* It would have been a larger record with other levels, in which counts begin anew. */
TEST(a_step_that_fails_leaves_the_calibration_as_it_was)
{
    struct world world;
    begin(&world, "0.8,0.9,0.95");
    for (uint64_t number = 1; number <= 60; number++) {
        (void)take_ahead(&world, "s", number, 1, &one);
    }
    const struct session before = session_get(&world, "s");
    const size_t n_bytes = atomic_load(&world_pool(&world)->n_record_bytes);
    struct step step = step_make(&world, "s", (const double[INPUTS]){ INFINITY, INFINITY });
    step.forecast_options = forecast_options_make(&world, AHEAD, future, AHEAD - 1);
    step.forecast_options.levels = &both;
    ck_assert_int_ne(step_take(&world, &step), STATUS_OK);
    const struct session after = session_get(&world, "s");
    expect_same_session(&after, &before, true);
    expect_same_calibration(&after, &before);
    ck_assert_uint_eq(atomic_load(&world_pool(&world)->n_record_bytes), n_bytes);
    world_done(&world);
}
