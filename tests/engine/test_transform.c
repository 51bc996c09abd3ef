/* Transforms of a stream: what the equations say, there and back. */
#include "engine/transform.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLOATS = 64 };

static const struct gru_transform difference = { .kind = GRU_DIFFERENCE };
static const struct gru_transform season_3 = { .kind = GRU_SEASONAL_DIFFERENCE, .season = 3 };
static const struct gru_transform level = { .kind = GRU_LEVEL, .rate = 0.25 };
static const struct gru_transform level_and_scale = { .kind = GRU_LEVEL,
                                                      .rate = 0.25,
                                                      .scale = true };
static const struct gru_transform *const all[] = { &difference, &season_3, &level,
                                                   &level_and_scale };
enum { N_ALL = sizeof all / sizeof *all };

static void begin(const struct gru_transform *transform, float *state)
{
    ck_assert_uint_le(gru_transform_floats(transform), FLOATS);
    gru_transform_init(transform, state);
}

/* Pushes x and returns what it was; NaN: not known. */
static double push(const struct gru_transform *transform, float *state, double x)
{
    const double u = gru_transform_apply(gru_transform_map(transform, state), x, (double)NAN);
    gru_transform_push(transform, state, x);
    return u;
}

static void expect(const struct gru_transform *transform, const double *x, const double *u,
                   size_t n)
{
    float state[FLOATS];
    begin(transform, state);
    for (size_t t = 0; t < n; t++) {
        const double got = push(transform, state, x[t]);
        ck_assert_msg(isnan(u[t]) ? isnan(got) : fabs(got - u[t]) <= 1e-12, "%zu: %.17g, not %.17g",
                      t, got, u[t]);
    }
}

TEST(readings_become_what_the_equations_say)
{
    static const double x[] = { 10, 14, 11, 19, 20 };
    const double nan = (double)NAN;
    expect(&difference, x, (double[]){ nan, 4, -3, 8, 1 }, 5);
    expect(&season_3, x, (double[]){ nan, nan, nan, 9, 6 }, 5);
    /* Levels: 10; 12 and 35/3 as plain means; then 1/4 is more than 1/5. */
    const double l3 = 35.0 / 3, l4 = l3 + (19 - l3) / 4;
    expect(&level, x, (double[]){ nan, 4, -1, 19 - l3, 20 - l4 }, 5);
    /* Scales: none; 4; the mean of 4 and 1; the mean of 4, 1 and 22/3. */
    const double s4 = (4 + 1 + (19 - l3)) / 3;
    expect(&level_and_scale, x, (double[]){ nan, nan, -0.25, (19 - l3) / 2.5, (20 - l4) / s4 }, 5);
}

TEST(what_is_not_known_is_the_mean_and_forecast_as_the_last_reading_or_level)
{
    static const double before[N_ALL] = { 0, 0, 0, 0 };
    static const double after_one[N_ALL] = { 5, 5, 5, 5 };
    for (size_t k = 0; k < N_ALL; k++) {
        float state[FLOATS];
        begin(all[k], state);
        struct transform_map map = gru_transform_map(all[k], state);
        ck_assert(!gru_transform_is_known(map));
        ck_assert(gru_transform_apply(map, 17, 2.5) == 2.5);
        ck_assert(gru_transform_invert(map, 2.5) == before[k]);
        gru_transform_push(all[k], state, 5);
        map = gru_transform_map(all[k], state);
        ck_assert(gru_transform_invert(map, 0) == after_one[k]);
    }
}

TEST(stream_that_stands_still_has_no_scale)
{
    float state[FLOATS];
    begin(&level_and_scale, state);
    for (int t = 0; t < 5; t++) {
        gru_transform_push(&level_and_scale, state, 7);
    }
    const struct transform_map map = gru_transform_map(&level_and_scale, state);
    ck_assert(!gru_transform_is_known(map) && gru_transform_invert(map, 100) == 7);
}

TEST(inverse_gives_the_reading_back)
{
    for (size_t k = 0; k < N_ALL; k++) {
        float state[FLOATS];
        begin(all[k], state);
        srand(5);
        for (int t = 0; t < 200; t++) {
            const double x = 1e8 + (double)(rand() % 1000) / 8;
            const struct transform_map map = gru_transform_map(all[k], state);
            if (gru_transform_is_known(map)) {
                const double back = gru_transform_invert(map, gru_transform_apply(map, x, 0));
                ck_assert_msg(fabs(back - x) <= 1e-7, "%zu, %d: %.17g, not %.17g", k, t, back, x);
            }
            gru_transform_push(all[k], state, x);
        }
    }
}

TEST(whole_units_of_a_counter_are_not_lost)
{
    float state[FLOATS];
    begin(&difference, state);
    for (int t = 0; t < 5; t++) {
        const double u = push(&difference, state, 1e12 + t);
        ck_assert(t == 0 ? isnan(u) : u == 1);
    }
}

/* The maps some steps ahead are those after the forecasts were pushed one by one. */
TEST(walk_ahead_is_as_pushing_one_by_one)
{
    enum { AHEAD = 8, STRIDE = 2 };
    for (size_t k = 0; k < N_ALL; k++) {
        for (int n_before = 0; n_before < 12; n_before++) {
            float state[FLOATS];
            double forecasts[AHEAD * STRIDE];
            begin(all[k], state);
            for (int t = 0; t < n_before; t++) {
                gru_transform_push(all[k], state, 3 + t * t % 7);
            }
            struct transform_walk walk = {
                .transform = all[k], .state = state, .forecasts = forecasts, .stride = STRIDE
            };
            float pushed[FLOATS];
            memcpy(pushed, state, sizeof pushed);
            for (size_t ahead = 0; ahead < AHEAD; ahead++) {
                const struct transform_map map = gru_transform_walk_map(&walk);
                const struct transform_map one = gru_transform_map(all[k], pushed);
                ck_assert_msg(map.base == one.base && map.unit == one.unit,
                              "%zu, %d before, %zu ahead: %.17g %g, not %.17g %g", k, n_before,
                              ahead, map.base, map.unit, one.base, one.unit);
                forecasts[ahead * STRIDE] = (float)gru_transform_invert(map, 0.3);
                gru_transform_push(all[k], pushed, forecasts[ahead * STRIDE]);
                gru_transform_walk_on(&walk);
            }
        }
    }
}

TEST(what_stands_before_the_first_reading_changes_nothing)
{
    for (size_t k = 0; k < N_ALL; k++) {
        float state[FLOATS], pushed[FLOATS];
        begin(all[k], state);
        memcpy(pushed, state, gru_transform_floats(all[k]) * sizeof *state);
        gru_transform_push(all[k], pushed, (double)NAN);
        ck_assert_int_eq(memcmp(pushed, state, gru_transform_floats(all[k]) * sizeof *state), 0);
    }
}

/* A session's state may come from outside. */
TEST(state_of_any_floats_is_safe)
{
    static const float odd[] = { -1, 1e30F, INFINITY, -INFINITY, NAN, 2.5F, 3, 0 };
    for (size_t k = 0; k < N_ALL; k++) {
        for (size_t o = 0; o < sizeof odd / sizeof *odd; o++) {
            float state[FLOATS];
            for (size_t f = 0; f < FLOATS; f++) {
                state[f] = odd[o];
            }
            for (int t = 0; t < 5; t++) {
                (void)push(all[k], state, t);
            }
        }
    }
}

TEST(no_transform_keeps_nothing)
{
    static const struct gru_transform none = { .kind = GRU_TRANSFORM_NONE };
    ck_assert_uint_eq(gru_transform_floats(&none), 0);
    const struct transform_map map = gru_transform_map(&none, NULL);
    ck_assert(map.base == 0 && map.unit == 1);
}

TEST(column_of_readings_is_transformed_as_a_stream_is)
{
    const double nan = (double)NAN;
    const double x[] = { nan, 9, 10, 9, nan, 9, 14, 9, nan, 9, nan, 9, 15, 9 };
    const double differences[] = { nan, nan, nan, 4, nan, nan, 1 };
    const double seasonal[] = { nan, nan, nan, nan, nan, nan, 1 };
    double u[7];
    ck_assert_int_eq(gru_transform_column(&difference, x, 7, 2, u), GRU_OK);
    for (size_t t = 0; t < 7; t++) {
        ck_assert(isnan(differences[t]) ? isnan(u[t]) : u[t] == differences[t]);
    }
    ck_assert_int_eq(gru_transform_column(&season_3, x, 7, 2, u), GRU_OK);
    for (size_t t = 0; t < 7; t++) {
        ck_assert(isnan(seasonal[t]) ? isnan(u[t]) : u[t] == seasonal[t]);
    }
}

/* By pushing the last reading again and again. */
TEST(the_same_as_last_is_what_pushing_it_says)
{
    for (size_t k = 0; k < N_ALL; k++) {
        float state[FLOATS];
        begin(all[k], state);
        for (int t = 0; t < 20; t++) {
            gru_transform_push(all[k], state, 3 + t * t % 7);
        }
        const double last = 3 + 19 * 19 % 7;
        const struct transform_map next = gru_transform_map(all[k], state);
        for (size_t ahead = 1; ahead < 8; ahead++) {
            const struct transform_map then = gru_transform_map(all[k], state);
            const double wanted = gru_transform_apply(then, last, 0);
            const double got = gru_transform_same(all[k], next, then, last, ahead, 0);
            ck_assert_msg(fabs(got - wanted) < 1e-9, "%zu, %zu ahead: %g, not %g", k, ahead, got,
                          wanted);
            gru_transform_push(all[k], state, last);
        }
    }
}
