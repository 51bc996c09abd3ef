/* What GET says of a session's forecasts beyond its sums. */
#include "service/service_support.h"
#include "service/sessions/session_figures.h"
#include "test.h"

#include <math.h>

enum { AHEAD = 3, STEPS = 150 };

/* Reading `number` of stream 3, with intervals if levels are given. */
static struct step take(struct world *world, uint64_t number, const struct interval_levels *levels)
{
    static float x[INPUTS];
    static const float future[AHEAD] = { 0.1F, 0.2F, 0.3F };
    arena_reset(&world->arena);
    reading(3, number, x);
    struct step step = step_make(world, "s", x);
    step.forecast_options = forecast_options_make(world, AHEAD, future, AHEAD - 1);
    step.forecast_options.levels = levels;
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

static struct session get(struct world *world)
{
    struct session session = session_get(world, "s");
    ck_assert_ptr_null(session.figures);
    ck_assert_int_eq(session_figures_read(&session, &world->kept, &world->fault), STATUS_OK);
    return session;
}

TEST(the_scale_of_a_sessions_errors_is_that_of_its_kept_readings)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    (void)take(&world, 1, NULL);
    ck_assert(isnan(get(&world).figures->mase[0])); /* neither an error nor a change */
    for (uint64_t number = 2; number <= STEPS; number++) {
        (void)take(&world, number, NULL);
    }
    const struct session session = get(&world);
    const uint64_t n_kept = session.n_readings;
    double change = 0.0;
    ck_assert_uint_gt(n_kept, 2);
    for (uint64_t number = STEPS - n_kept + 2; number <= STEPS; number++) {
        float before[INPUTS], x[INPUTS];
        reading(3, number - 1, before);
        reading(3, number, x);
        change += fabs((double)x[0] - (double)before[0]) / (double)(n_kept - 1);
    }
    ck_assert_double_eq_tol((double)session.figures->mase[0],
                            (double)session.errors.mae[0] / change, 1e-6);
    ck_assert(isnan(session.figures->mase[1])); /* it feeds no input */
    ck_assert_uint_eq(session.figures->n_ahead, 0);
    ck_assert_uint_eq(session.figures->levels.n, 0);
    world_done(&world);
}

/* What replies told of the intervals, and the mean of the errors that were made. */
TEST(a_session_that_asked_for_levels_says_how_they_were_kept)
{
    static const struct interval_levels asked = { 2, { 0.8, 0.9 } };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    struct step step;
    double mean = 0.0, y = NAN;
    for (uint64_t number = 1; number <= STEPS; number++) {
        step = take(&world, number, &asked);
        if (number > 1) {
            const double n = (double)(number - 1), error = fabs((double)step.x[0] - y);
            mean += fmax(0.005, 2.0 / (n + 1.0)) * (error - mean);
        }
        y = (double)step.y[0];
    }
    const struct interval_replies told = step.intervals;
    for (int which = 0; which < 2; which++) {
        const struct session session = get(&world);
        const struct session_figures *figures = session.figures;
        const size_t n = figures->n_ahead;
        ck_assert_uint_ge(n, AHEAD);
        ck_assert_uint_eq(figures->levels.n, 3); /* all, beyond one step ahead */
        ck_assert_double_eq_tol((double)figures->recent_mae[0], mean, 1e-5);
        ck_assert(isnan(figures->recent_mae[1]) || figures->recent_mae[1] == 0.0F);
        for (size_t k = 0; k < AHEAD * told.n; k++) {
            const size_t level = k / AHEAD, ahead = k % AHEAD;
            const struct interval_coverage *coverage = &figures->coverage[level * n + ahead];
            const struct interval_reply *reply = &told.of[level];
            ck_assert_double_eq(figures->levels.level[level], reply->level);
            ck_assert_uint_eq(coverage->n_scored, reply->observed[ahead]);
            ck_assert_double_eq(coverage->covered, reply->coverage[ahead]);
            ck_assert(coverage->recent > 0.5 && coverage->recent <= 1.0);
            ck_assert_double_eq_tol((double)figures->widths[(level * n + ahead) * OUTPUTS],
                                    (double)reply->upper[ahead * OUTPUTS] -
                                        (double)reply->lower[ahead * OUTPUTS],
                                    1e-5);
        }
        world_restart(&world);
    }
    world_done(&world);
}
