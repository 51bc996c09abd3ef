/* Runs of models with transforms: what the network sees and what comes back, by the same network
 * without them; and that the laws of runs hold. */
#include "engine/fixture.h"
#include "engine/model.h"
#include "engine/transform.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* x0 is forecast by the output "x0"; x1 and y1 are neither fed nor feeding. */
enum { I = 2, O = 2, ROWS = 40, FLOATS = 128, STEPS_MAX = 4 };

static const char *const transforms[] = { "\"difference\"", "{\"seasonal_difference\":5}",
                                          "{\"level\":0.2}", "{\"level\":0.2,\"scale\":true}" };
enum { N_TRANSFORMS = sizeof transforms / sizeof *transforms };

static struct gru_model *load(size_t steps, const char *transform, const char *more)
{
    struct fixture f = fixture_new();
    char grud[400];
    fixture_layer(&f, "gru.", 0, 3, I, 4);
    fixture_tensor(&f, "fc.weight", steps * O, 4);
    fixture_tensor(&f, "fc.bias", steps * O, 0);
    snprintf(grud, sizeof grud,
             "{\"inputs\":[{\"name\":\"x0\",\"mean\":0.5,\"std\":2,\"transform\":%s},"
             "{\"name\":\"x1\"}],\"outputs\":[{\"name\":\"x0\",\"mean\":0.25,\"std\":1.5},"
             "{\"name\":\"y1\"}],\"steps\":%zu%s}",
             transform, steps, more);
    f.grud = grud;
    return fixture_loaded(&f);
}

/* Whole numbers, so that no sum of them is rounded. */
static void make_rows(double *x, size_t n_rows, double level)
{
    srand(3);
    for (size_t t = 0; t < n_rows; t++) {
        x[t * I] = level + (double)(4 * t) + rand() % 9;
        x[t * I + 1] = (double)(rand() % 5) - 2;
    }
}

static struct gru_lane lane_of(const double *x, size_t n_rows, double *y, float *state)
{
    return (struct gru_lane){ .x = x, .n_rows = n_rows, .y = y, .state_out = state };
}

static void run(const struct gru_model *model, struct gru_lane *lanes, size_t n)
{
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_run(model, work, lanes, n), GRU_OK);
    for (size_t k = 0; k < n; k++) {
        ck_assert_int_eq(lanes[k].status, GRU_OK);
    }
    gru_work_free(work);
}

static bool same(const void *a, const void *b, size_t n_bytes)
{
    return memcmp(a, b, n_bytes) == 0;
}

/* ---- by the plain network ---- */

/* The plain network is fed u; what it gives is turned back here, step by step. */
static void expect_by_plain(const char *transform, size_t steps, const char *more)
{
    struct gru_model *model = load(steps, transform, more);
    struct gru_model *plain = load(steps, "\"none\"", more);
    const struct gru_info *info = gru_model_info(model);
    const struct gru_transform *of = &info->inputs[0].transform;
    double x[ROWS * I], u[ROWS * I], y[ROWS * STEPS_MAX * O], v[ROWS * STEPS_MAX * O];
    float state[FLOATS], plain_state[FLOATS], moved[FLOATS];
    ck_assert_uint_le(info->state_floats, FLOATS);
    make_rows(x, ROWS, 1000);
    memcpy(u, x, sizeof u);
    gru_transform_init(of, moved);
    for (size_t t = 0; t < ROWS; t++) {
        u[t * I] =
            gru_transform_apply(gru_transform_map(of, moved), x[t * I], info->inputs[0].mean);
        gru_transform_push(of, moved, x[t * I]);
    }
    struct gru_lane lanes[] = { lane_of(x, ROWS, y, state), lane_of(u, ROWS, v, plain_state) };
    run(model, &lanes[0], 1);
    run(plain, &lanes[1], 1);
    gru_transform_init(of, moved);
    for (size_t t = 0; t < ROWS; t++) {
        gru_transform_push(of, moved, x[t * I]);
        float ahead[FLOATS];
        memcpy(ahead, moved, sizeof ahead);
        for (size_t s = 0; s < steps; s++) {
            const size_t at = t * steps * O + s * O;
            const double wanted = gru_transform_invert(gru_transform_map(of, ahead), v[at]);
            ck_assert_msg(fabs(y[at] - wanted) <= 1e-3, "%s: row %zu, step %zu: %.17g, not %.17g",
                          transform, t, s, y[at], wanted);
            ck_assert_double_eq_tol(y[at + 1], v[at + 1], 1e-6);
            gru_transform_push(of, ahead, y[at]);
        }
    }
    gru_model_unref(model);
    gru_model_unref(plain);
}

TEST(network_sees_the_transformed_series_and_forecasts_it)
{
    for (size_t k = 0; k < N_TRANSFORMS; k++) {
        expect_by_plain(transforms[k], 1, "");
        expect_by_plain(transforms[k], 1, ",\"residual\":true");
        expect_by_plain(transforms[k], 3, "");
        expect_by_plain(transforms[k], 3, ",\"residual\":true");
    }
}

/* ---- laws ---- */

/* What a test runs: every transform with every policy for missing readings, some with more. */
struct variant {
    const char *transform;
    size_t steps;
    char more[80];
};

static const char *const policies[] = { "last", "mean", "forecast" };
enum { N_POLICIES = 3, N_VARIANTS = N_TRANSFORMS * N_POLICIES * 2 };

static struct variant variant_at(size_t k)
{
    struct variant variant = { .transform = transforms[k % N_TRANSFORMS],
                               .steps = k / N_TRANSFORMS % 2 == 0 ? 1 : STEPS_MAX };
    snprintf(variant.more, sizeof variant.more, ",\"missing\":\"%s\"%s",
             policies[k / N_TRANSFORMS / 2], k % 3 == 0 ? ",\"residual\":true" : "");
    return variant;
}

/* Some readings are missing, the first ones among them. */
static void make_gaps(double *x, size_t n_rows)
{
    for (size_t t = 0; t < n_rows; t++) {
        x[t * I] = t < 2 || t % 7 == 4 || (t > 20 && t < 24) ? (double)NAN : x[t * I];
        x[t * I + 1] = t % 5 == 1 ? (double)NAN : x[t * I + 1];
    }
}

TEST(rows_one_by_one_are_the_sequence_bit_for_bit)
{
    for (size_t k = 0; k < N_VARIANTS; k++) {
        const struct variant variant = variant_at(k);
        struct gru_model *model = load(variant.steps, variant.transform, variant.more);
        const struct gru_info *info = gru_model_info(model);
        double x[ROWS * I], whole[ROWS * STEPS_MAX * O], one[STEPS_MAX * O];
        float state[FLOATS], stepped[FLOATS];
        make_rows(x, ROWS, 1e9);
        make_gaps(x, ROWS);
        struct gru_lane lane = lane_of(x, ROWS, whole, state);
        run(model, &lane, 1);
        gru_state_init(model, stepped);
        for (size_t t = 0; t < ROWS; t++) {
            struct gru_lane step = lane_of(x + t * I, 1, one, stepped);
            step.state_in = stepped;
            run(model, &step, 1);
            ck_assert_msg(same(one, whole + t * info->y_floats, info->y_floats * sizeof *one),
                          "%s%s: row %zu", variant.transform, variant.more, t);
        }
        ck_assert(same(state, stepped, info->state_floats * sizeof *state));
        gru_model_unref(model);
    }
}

TEST(lane_does_not_see_the_others)
{
    enum { LANES = 70 };
    for (size_t k = 0; k < N_VARIANTS; k++) {
        const struct variant variant = variant_at(k);
        struct gru_model *model = load(variant.steps, variant.transform, variant.more);
        const size_t n_y = gru_model_info(model)->y_floats,
                     n_state = gru_model_info(model)->state_floats;
        double *x = calloc((size_t)LANES * ROWS * I, sizeof *x);
        double *y = calloc((size_t)LANES * ROWS * n_y, sizeof *y);
        float *states = calloc(LANES * n_state, sizeof *states);
        struct gru_lane lanes[LANES];
        ck_assert(x && y && states);
        for (size_t b = 0; b < LANES; b++) {
            make_rows(x + b * ROWS * I, ROWS, (double)(1000 * b));
            make_gaps(x + b * ROWS * I, ROWS);
            lanes[b] = lane_of(x + b * ROWS * I, 1 + b * 7 % ROWS, y + b * ROWS * n_y,
                               states + b * n_state);
            lanes[b].last_only = b % 3 == 0;
        }
        run(model, lanes, LANES);
        for (size_t b = 0; b < LANES; b++) {
            double alone[ROWS * STEPS_MAX * O];
            float state[FLOATS];
            struct gru_lane lane = lane_of(lanes[b].x, lanes[b].n_rows, alone, state);
            lane.last_only = lanes[b].last_only;
            run(model, &lane, 1);
            ck_assert(same(state, lanes[b].state_out, n_state * sizeof *state));
            ck_assert(
                same(alone, lanes[b].y, (lane.last_only ? 1 : lane.n_rows) * n_y * sizeof *alone));
        }
        free(x);
        free(y);
        free(states);
        gru_model_unref(model);
    }
}

/* Bit for bit: what is forecast is what a state keeps of it. */
TEST(roll_out_is_feeding_the_forecasts_back_as_readings)
{
    enum { HORIZON = 22 };
    for (size_t k = 0; k < N_VARIANTS; k++) {
        const struct variant variant = variant_at(k);
        struct gru_model *model = load(variant.steps, variant.transform, variant.more);
        const size_t n_y = gru_model_info(model)->y_floats;
        struct gru_work *work;
        double x[ROWS * I], y[ROWS * STEPS_MAX * O], future[HORIZON], forecast[HORIZON * O];
        float state[FLOATS];
        ck_assert_int_eq(gru_work_create(&work), GRU_OK);
        make_rows(x, ROWS, 1e10);
        struct gru_lane lane = lane_of(x, ROWS, y, state);
        lane.last_only = true;
        run(model, &lane, 1);
        for (size_t t = 0; t < HORIZON; t++) {
            future[t] = (double)(t % 3);
        }
        ck_assert_int_eq(gru_forecast(model, work, state, HORIZON, future, HORIZON, forecast),
                         GRU_OK);
        for (size_t t = 0; t < HORIZON; t += variant.steps) {
            for (size_t s = 0; s < variant.steps && t + s < HORIZON; s++) {
                ck_assert(same(forecast + (t + s) * O, y + s * O, O * sizeof *y));
            }
            double fed[STEPS_MAX * I];
            for (size_t s = 0; s < variant.steps; s++) {
                fed[s * I] = y[s * O];
                fed[s * I + 1] = t + s < HORIZON ? future[t + s] : 0;
            }
            struct gru_lane next = lane_of(fed, variant.steps, y, state);
            next.state_in = state;
            next.last_only = true;
            run(model, &next, 1);
        }
        ck_assert_uint_eq(n_y, variant.steps * O);
        gru_work_free(work);
        gru_model_unref(model);
    }
}

TEST(saved_and_loaded_it_runs_the_same)
{
    for (size_t k = 0; k < N_VARIANTS; k++) {
        const struct variant variant = variant_at(k);
        struct gru_model *model = load(variant.steps, variant.transform, variant.more);
        struct gru_model *again = expect_loaded(save(model));
        expect_same(model, again);
        double x[ROWS * I], y[2][ROWS * STEPS_MAX * O];
        float states[2][FLOATS];
        make_rows(x, ROWS, 0);
        struct gru_lane lanes[] = { lane_of(x, ROWS, y[0], states[0]),
                                    lane_of(x, ROWS, y[1], states[1]) };
        run(model, &lanes[0], 1);
        run(again, &lanes[1], 1);
        ck_assert(same(y[0], y[1], ROWS * gru_model_info(model)->y_floats * sizeof **y));
        gru_model_unref(model);
        gru_model_unref(again);
    }
}

/* ---- digits ---- */

/* The weights of the read-out are zero, and its bias is what is forecast. */
static struct gru_model *load_constant(const char *transform, float output)
{
    struct fixture f = fixture_new();
    char grud[200];
    fixture_layer(&f, "gru.", 0, 3, 1, 4);
    fixture_tensor(&f, "fc.weight", 1, 4);
    fixture_tensor(&f, "fc.bias", 1, 0);
    memset(fixture_values(&f, "fc.weight"), 0, 4 * sizeof(float));
    *fixture_values(&f, "fc.bias") = output;
    snprintf(grud, sizeof grud,
             "{\"inputs\":[{\"name\":\"n\",\"transform\":%s}],\"outputs\":[{\"name\":\"n\"}]}",
             transform);
    f.grud = grud;
    return fixture_loaded(&f);
}

TEST(counter_is_forecast_to_whole_units)
{
    struct gru_model *model = load_constant("\"difference\"", 3);
    struct gru_work *work;
    double x[8], y[8], forecast[10];
    float state[FLOATS];
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    for (size_t t = 0; t < 8; t++) {
        x[t] = 1e12 + (double)t * (double)t;
    }
    struct gru_lane lane = lane_of(x, 8, y, state);
    run(model, &lane, 1);
    for (size_t t = 0; t < 8; t++) {
        ck_assert_msg(y[t] == x[t] + 3, "%.17g", y[t]);
    }
    ck_assert_int_eq(gru_forecast(model, work, state, 10, NULL, 0, forecast), GRU_OK);
    for (size_t t = 0; t < 10; t++) {
        ck_assert_msg(forecast[t] == x[7] + 3 * (double)(t + 1), "%.17g", forecast[t]);
    }
    gru_work_free(work);
    gru_model_unref(model);
}

TEST(season_that_is_not_full_is_forecast_as_the_last_reading)
{
    struct gru_model *model = load_constant("{\"seasonal_difference\":3}", 0.5F);
    double x[] = { 4, 9, 7, 6, 1 }, y[5];
    float state[FLOATS];
    struct gru_lane lane = lane_of(x, 5, y, state);
    run(model, &lane, 1);
    static const double wanted[] = { 4, 9, 4.5, 9.5, 7.5 };
    ck_assert(same(y, wanted, sizeof y));
    gru_model_unref(model);
}

/* ---- missing readings ---- */

/* The network of a transform, without the reading at row `gap` and with the one that stands for it:
 * the same from there on. */
static void expect_filled(const char *transform, const char *policy, double filled)
{
    enum { GAP = 9, END = 20 };
    char more[40];
    snprintf(more, sizeof more, ",\"missing\":\"%s\"", policy);
    struct gru_model *model = load(1, transform, more);
    double x[END * I], gappy[END * I], y[END * O], y_gappy[END * O];
    float state[FLOATS], state_gappy[FLOATS];
    make_rows(x, END, 50);
    memcpy(gappy, x, sizeof x);
    gappy[GAP * I] = (double)NAN;
    struct gru_lane lane = lane_of(gappy, END, y_gappy, state_gappy);
    run(model, &lane, 1);
    const double forecast = y_gappy[(GAP - 1) * O], last = x[(GAP - 1) * I];
    x[GAP * I] = strcmp(policy, "forecast") == 0 ? forecast : isnan(filled) ? last : filled;
    lane = lane_of(x, END, y, state);
    run(model, &lane, 1);
    ck_assert_msg(same(y, y_gappy, sizeof y), "%s, %s", transform, policy);
    ck_assert(same(state, state_gappy, gru_model_info(model)->state_floats * sizeof *state));
    gru_model_unref(model);
}

TEST(missing_reading_is_what_the_policy_says_in_raw_units)
{
    const double nan = (double)NAN;
    for (size_t k = 0; k < N_TRANSFORMS; k++) {
        expect_filled(transforms[k], "last", nan);
        expect_filled(transforms[k], "forecast", nan);
    }
    double x[9 * I];
    make_rows(x, 9, 50);
    expect_filled("\"difference\"", "mean", x[8 * I] + 0.5);
    expect_filled("{\"seasonal_difference\":5}", "mean", x[4 * I] + 0.5);
    for (size_t k = 2; k < N_TRANSFORMS; k++) { /* of a level: by the map that is tested alone */
        struct gru_transform level = { .kind = GRU_LEVEL, .rate = 0.2, .scale = k == 3 };
        float moved[FLOATS];
        gru_transform_init(&level, moved);
        for (size_t t = 0; t < 9; t++) {
            gru_transform_push(&level, moved, x[t * I]);
        }
        const double filled = gru_transform_invert(gru_transform_map(&level, moved), 0.5);
        const double hi = (double)(float)filled;
        expect_filled(transforms[k], "mean", hi + (double)(float)(filled - hi));
    }
}

TEST(missing_reading_may_be_refused)
{
    struct gru_model *model = load(1, transforms[0], ",\"missing\":\"error\"");
    struct gru_work *work;
    double x[] = { 1, 2, (double)NAN, 2 }, y[2 * O];
    struct gru_lane lane = lane_of(x, 2, y, NULL);
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_MISSING_INPUT);
    ck_assert(lane.bad_row == 1 && lane.bad_column == 0);
    gru_work_free(work);
    gru_model_unref(model);
}

/* There is nothing that a forecast could go on from. */
TEST(before_its_first_reading_an_input_is_forecast_as_zero)
{
    for (size_t k = 0; k < N_VARIANTS; k++) {
        const struct variant variant = variant_at(k);
        struct gru_model *model = load(variant.steps, variant.transform, variant.more);
        double x[] = { (double)NAN, 1, (double)NAN, 2, 500, 1 }, y[3 * STEPS_MAX * O];
        float state[FLOATS];
        const size_t n_y = gru_model_info(model)->y_floats;
        struct gru_lane lane = lane_of(x, 3, y, state);
        run(model, &lane, 1);
        ck_assert(y[0] == 0 && y[n_y] == 0);
        ck_assert_msg(fabs(y[2 * n_y] - 500) < 10, "%s%s: %g", variant.transform, variant.more,
                      y[2 * n_y]);
        gru_model_unref(model);
    }
}

/* ---- new models ---- */

/* Whatever the season, the weights of the input are tested. */
TEST(new_model_proves_itself_by_readings_that_its_transforms_know)
{
    static const struct gru_transform of[] = {
        { .kind = GRU_DIFFERENCE },
        { .kind = GRU_SEASONAL_DIFFERENCE, .season = 24 },
        { .kind = GRU_LEVEL, .rate = 0.1 },
        { .kind = GRU_LEVEL, .rate = 0.1, .scale = true },
    };
    static const char *const names[] = { "a", "b" };
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        const struct gru_plan_transform planned = { "a", of[k] };
        const struct gru_plan plan = { .n_inputs = 2,
                                       .n_outputs = 1,
                                       .n_layers = 1,
                                       .inputs = names,
                                       .outputs = names,
                                       .hidden_sizes = (const size_t[]){ 3 },
                                       .transforms = &planned,
                                       .n_transforms = 1,
                                       .has_selftest = true };
        struct gru_model *model;
        double u[40];
        size_t n_known = 0;
        ck_assert_int_eq(gru_model_create(&plan, &model, NULL), GRU_OK);
        const struct gru_selftest *selftest = &model->selftest;
        ck_assert_uint_eq(selftest->n_rows, 8 + of[k].season);
        ck_assert_int_eq(gru_transform_column(&of[k], selftest->x, selftest->n_rows, 2, u), GRU_OK);
        for (size_t t = 0; t < selftest->n_rows; t++) {
            n_known += !isnan(u[t]) && u[t] != 0;
        }
        ck_assert_uint_ge(n_known, 6);
        struct gru_model *again = expect_loaded(save(model));
        expect_same(model, again);
        gru_model_unref(again);
        gru_model_unref(model);
    }
}

/* ---- what a state holds ---- */

TEST(what_a_transform_keeps_can_be_read_and_put_back)
{
    for (size_t k = 0; k < N_TRANSFORMS; k++) {
        struct gru_model *model = load(1, transforms[k], "");
        const size_t n_state = gru_model_info(model)->state_floats,
                     n = gru_state_transform_values(model, 0);
        double x[ROWS * I], y[ROWS * O];
        float state[FLOATS], put[FLOATS];
        make_rows(x, ROWS, 1e9);
        struct gru_lane lane = lane_of(x, ROWS, y, state);
        run(model, &lane, 1);
        ck_assert_uint_eq(gru_state_transform_values(model, 1), 0);
        ck_assert_uint_eq(2 * n, gru_transform_floats(&gru_model_info(model)->inputs[0].transform));
        gru_state_init(model, put);
        memcpy(put, state, (n_state - 2 * n) * sizeof *put);
        for (size_t v = 0; v < n; v++) {
            gru_state_set_transform(model, put, 0, v, gru_state_transform(model, state, 0, v));
        }
        ck_assert(same(put, state, n_state * sizeof *put));
        gru_model_unref(model);
    }
}
