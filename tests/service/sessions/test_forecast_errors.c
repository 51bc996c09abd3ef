/* Forecasts of sessions against the readings that came, as they were made then. */
#include "service/scores/error_totals.h"
#include "service/service_support.h"
#include "service/sessions/forecast_errors.h"
#include "test.h"

#include <math.h>

static struct error_sums totals_of(struct world *world, size_t output)
{
    return error_totals_sum(world_model(world)->error_totals, output, ERROR_SPAN_ALL);
}

TEST(a_model_counts_the_errors_of_all_its_sessions)
{
    enum { SESSIONS = 3, STEPS = 40 };
    struct world world;
    world_init(&world);
    world_start(&world);
    double absolute = 0.0, squared = 0.0, persistence = 0.0, n = 0.0;
    for (uint64_t s = 0; s < SESSIONS; s++) {
        const char name[] = { (char)('a' + (int)s), '\0' };
        double last[INPUTS], x[INPUTS], y[OUTPUTS];
        for (uint64_t k = 1; k <= STEPS; k++) {
            reading(s, k, x);
            if (k > 1) {
                double miss = (double)x[0] - (double)y[0], still = (double)x[0] - (double)last[0];
                absolute += fabs(miss);
                squared += miss * miss;
                persistence += fabs(still);
                n += 1.0;
            }
            expect_step(&world, name, s, k, y);
            last[0] = x[0];
        }
    }
    const struct error_sums total = totals_of(&world, 0);
    ck_assert_double_eq(total.n, n);
    ck_assert_double_eq_tol(total.absolute.sum, absolute, 1e-9 * absolute);
    ck_assert_double_eq_tol(total.squared.sum, squared, 1e-9 * squared);
    ck_assert_double_eq_tol(total.persistence.absolute.sum, persistence, 1e-9 * persistence);
    const struct error_sums recent =
        error_totals_sum(world_model(&world)->error_totals, 0, ERROR_SPAN_RECENT);
    ck_assert_double_gt(recent.absolute.sum, 0.0);
    ck_assert_double_lt(recent.absolute.sum, total.absolute.sum);
    ck_assert_double_eq(totals_of(&world, 1).n, 0.0); /* nothing is known of comfort */
    world_done(&world);
}

TEST(what_is_missing_is_not_compared)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const double here[INPUTS] = { 1.0F, 2.0F }, gone[INPUTS] = { NAN, 2.0F };
    struct step step;
    ck_assert_int_eq(step_x(&world, "s", gone, &step), STATUS_OK);
    ck_assert_int_eq(step_x(&world, "s", here, &step), STATUS_OK); /* the first value */
    ck_assert_int_eq(step_x(&world, "s", gone, &step), STATUS_OK);
    ck_assert_double_eq(totals_of(&world, 0).n, 0.0);
    ck_assert_int_eq(step_x(&world, "s", here, &step), STATUS_OK); /* beside the last one known */
    const struct error_sums total = totals_of(&world, 0);
    ck_assert_double_eq(total.n, 1.0);
    ck_assert_double_eq(total.persistence.absolute.sum, 0.0);
    world_done(&world);
}

/* Of a network that always says the same, or readings that are. */
TEST(what_does_not_vary_has_no_correlation)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const struct gru_model *gru = world_model(&world)->active->gru;
    float state[64] = { 0 };
    double x[INPUTS];
    ck_assert_uint_le(gru_model_info(gru)->state_floats, 64);
    for (int which = 0; which < 2; which++) {
        struct record_error errors[OUTPUTS] = { { .n = 0 } };
        const struct record_seasonal none = { .n = 0 };
        for (uint64_t k = 1; k <= 500; k++) {
            reading(1, k, x);
            gru_state_set_y(gru, state, 0, which == 0 ? 20.1F : 20.1F + (float)x[0]);
            x[0] = which == 0 ? 20.0F + (float)x[0] : 19.7F;
            forecast_errors_note(gru, state, x, errors);
            gru_state_set_last(gru, state, 0, x[0]);
        }
        for (enum error_span span = 0; span < ERROR_N_SPANS; span++) {
            const struct error_sums sums = forecast_errors_sums(&errors[0], &none, span);
            const struct error_figures figures = error_totals_figures(&sums, NAN);
            ck_assert(isnan(figures.values[ERROR_CORR]));
            ck_assert_int_eq(isnan(figures.values[ERROR_RSE]), which);
            ck_assert(figures.values[ERROR_RMSE] > 0.1);
        }
    }
    world_done(&world);
}

TEST(another_version_goes_on_counting)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    expect_steps(&world, "s", 5, 1, 10);
    unsigned number = world_put_version(&world, network_file(13, 13));
    world_activate(&world, number);
    double x[INPUTS];
    struct step step;
    reading(5, 11, x);
    ck_assert_int_eq(step_x(&world, "s", x, &step), STATUS_OK);
    ck_assert_double_eq(totals_of(&world, 0).n, 10.0);
    world_done(&world);
}

/* Reading `number` of stream 3, with an interval, or a forecast further ahead. */
static struct step step_with_level(struct world *world, uint64_t number, size_t ahead)
{
    static const struct interval_levels asked = { 1, { 0.9 } };
    static const double future[2] = { 0.1F, 0.2F };
    static double x[INPUTS];
    arena_reset(&world->arena);
    reading(3, number, x);
    struct step step = step_make(world, "s", x);
    step.forecast_options =
        forecast_options_make(world, ahead > 1 ? ahead : 0, future, ahead > 1 ? ahead - 1 : 0);
    step.forecast_options.levels = &asked;
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

/* What replies told, beside what came. */
TEST(a_model_scores_the_intervals_that_its_sessions_were_told)
{
    enum { STEPS = 200, WHICH = 1 };
    struct world world;
    world_init(&world);
    world_start(&world);
    double lower = NAN, upper = NAN;
    struct error_sums expected = { 0 };
    for (uint64_t k = 1; k <= STEPS; k++) {
        const struct step step = step_with_level(&world, k, k % 3 == 0 ? 3 : 1);
        const struct scored_forecast told = { .truth = (double)step.x[0],
                                              .forecast = 0.0,
                                              .persistence = NAN,
                                              .seasonal_naive = NAN,
                                              .lower = (double)lower,
                                              .upper = (double)upper };
        error_sums_add(&expected, &told, 0.9);
        lower = step.intervals.of[0].lower[0];
        upper = step.intervals.of[0].upper[0];
    }
    struct error_totals *totals = world_model(&world)->error_totals;
    const struct error_sums sums = error_totals_sum_intervals(totals, 0, WHICH, ERROR_SPAN_ALL);
    ck_assert_double_gt(sums.n_intervals, 150.0);
    ck_assert_double_eq(sums.n_intervals, expected.n_intervals);
    ck_assert_double_eq(sums.n_covered, expected.n_covered);
    ck_assert_double_eq_tol(sums.width.sum, expected.width.sum, 1e-6 * expected.width.sum);
    ck_assert_double_eq_tol(sums.interval_score.sum, expected.interval_score.sum,
                            1e-6 * expected.interval_score.sum);
    const struct error_sums comfort = error_totals_sum_intervals(totals, 1, WHICH, ERROR_SPAN_ALL);
    ck_assert_double_eq(comfort.n_intervals, 0.0);
    world_done(&world);
}
