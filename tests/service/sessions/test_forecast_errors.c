/* Forecasts of sessions against the readings that came, as they were made then. */
#include "service/scores/error_totals.h"
#include "service/service_support.h"
#include "test.h"

#include <math.h>

static struct error_total totals_of(struct world *world, size_t output)
{
    return error_totals_sum(world_model(world)->error_totals, output);
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
        float last[INPUTS], x[INPUTS], y[OUTPUTS];
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
    const struct error_total total = totals_of(&world, 0);
    ck_assert_double_eq(total.n, n);
    ck_assert_double_eq_tol(total.absolute, absolute, 1e-9 * absolute);
    ck_assert_double_eq_tol(total.squared, squared, 1e-9 * squared);
    ck_assert_double_eq_tol(total.persistence, persistence, 1e-9 * persistence);
    ck_assert_double_gt(total.recent_absolute, 0.0);
    ck_assert_double_eq(totals_of(&world, 1).n, 0.0); /* nothing is known of comfort */
    world_done(&world);
}

TEST(what_is_missing_is_not_compared)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const float here[INPUTS] = { 1.0F, 2.0F }, gone[INPUTS] = { NAN, 2.0F };
    struct step step;
    ck_assert_int_eq(step_x(&world, "s", gone, &step), STATUS_OK);
    ck_assert_int_eq(step_x(&world, "s", here, &step), STATUS_OK); /* the first value */
    ck_assert_int_eq(step_x(&world, "s", gone, &step), STATUS_OK);
    ck_assert_double_eq(totals_of(&world, 0).n, 0.0);
    ck_assert_int_eq(step_x(&world, "s", here, &step), STATUS_OK); /* beside the last one known */
    const struct error_total total = totals_of(&world, 0);
    ck_assert_double_eq(total.n, 1.0);
    ck_assert_double_eq(total.persistence, 0.0);
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
    float x[INPUTS];
    struct step step;
    reading(5, 11, x);
    ck_assert_int_eq(step_x(&world, "s", x, &step), STATUS_OK);
    ck_assert_double_eq(totals_of(&world, 0).n, 10.0);
    world_done(&world);
}
