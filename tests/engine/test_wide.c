/* Raw values that need more digits than a float has: a counter near 1e8 that moves by ones. */
#include "engine/readings.h"
#include "fixture.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { ROWS = 24, UNITS = 8, STATE_MAX = 64 };

static struct gru_model *make_model(double mean, double std, bool residual)
{
    static const char *const names[] = { "count", "load" };
    static const size_t units[] = { UNITS };
    const struct gru_scaling scaling = { "count", mean, std };
    const struct gru_plan plan = { .n_inputs = 2,
                                   .n_outputs = 1,
                                   .n_layers = 1,
                                   .inputs = names,
                                   .outputs = names,
                                   .hidden_sizes = units,
                                   .scalings = &scaling,
                                   .n_scalings = 1,
                                   .residual = residual,
                                   .has_selftest = true,
                                   .seed = 3 };
    struct gru_model *model;
    ck_assert_int_eq(gru_model_create(&plan, &model, NULL), GRU_OK);
    ck_assert_uint_le(gru_model_info(model)->state_floats, STATE_MAX);
    return model;
}

static struct gru_work *make_work(void)
{
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    return work;
}

static void run(const struct gru_model *model, struct gru_lane lane)
{
    struct gru_work *work = make_work();
    ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_OK);
    gru_work_free(work);
}

static bool is_wide(double mean, double std)
{
    struct gru_model *model = make_model(mean, std, false);
    bool is_wide = gru_model_info(model)->is_wide;
    const size_t n_values = 3, width = gru_reading_floats(gru_model_info(model));
    ck_assert_uint_eq(width, is_wide ? 2 : 1);
    ck_assert_uint_eq(gru_model_info(model)->state_floats, UNITS + n_values * width);
    gru_model_unref(model);
    return is_wide;
}

TEST(a_model_is_wide_if_a_mean_is_far_from_0_in_its_std)
{
    ck_assert(!is_wide(0, 1));
    ck_assert(!is_wide(1024, 1));
    ck_assert(is_wide(1025, 1));
    ck_assert(is_wide(-1e8, 2));
    ck_assert(!is_wide(1e8, 1e8));
}

TEST(of_a_reading_so_many_digits_count_as_the_model_keeps)
{
    static const double values[] = { 0,    21.4,   1e8 + 3, 123456789.015625, -1e8 - 0.1,
                                     1e30, 5e-324, 3e-39,   16777217 };
    struct gru_info narrow = { .is_wide = false }, wide = { .is_wide = true };
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        const double x = values[k], kept = gru_reading(&wide, x);
        float floats[2];
        double back;
        ck_assert(gru_reading(&narrow, x) == (double)(float)x);
        ck_assert(fabs(kept - x) <= fabs(x) * 0x1p-48 + 1e-45);
        ck_assert(gru_reading(&wide, kept) == kept);
        gru_readings_pack(&wide, &x, 1, floats);
        gru_readings_unpack(&wide, floats, 1, &back);
        ck_assert(back == kept);
        gru_readings_pack(&narrow, &x, 1, floats);
        gru_readings_unpack(&narrow, floats, 1, &back);
        ck_assert(back == (double)(float)x);
    }
    ck_assert(isnan(gru_reading(&wide, (double)NAN)) && isnan(gru_reading(&narrow, (double)NAN)));
    ck_assert(isinf(gru_reading(&wide, 1e39)) && isinf(gru_reading(&narrow, -1e39)));
}

TEST(readings_that_one_float_cannot_tell_apart_give_different_forecasts)
{
    struct gru_model *model = make_model(1e8, 2, false);
    double before = 0;
    for (int k = 0; k < 5; k++) {
        const double x[] = { 1e8 + k, 0.5 };
        double y;
        run(model, (struct gru_lane){ .x = x, .n_rows = 1, .y = &y });
        ck_assert_msg(k == 0 || fabs(y - before) > 1e-4, "%d: %.9f", k, y);
        ck_assert(fabs(y - 1e8) < 10);
        before = y;
    }
    gru_model_unref(model);
}

static void fill(double x[ROWS * 2])
{
    for (size_t t = 0; t < ROWS; t++) {
        x[2 * t] = t % 7 == 3 ? (double)NAN : 1e8 + (double)(t % 5);
        x[2 * t + 1] = 0.1 * (double)t;
    }
}

TEST(law_1_holds_for_wide_models)
{
    for (int residual = 0; residual < 2; residual++) {
        struct gru_model *model = make_model(1e8, 2, residual);
        double x[ROWS * 2], whole[ROWS], y[ROWS];
        float state[STATE_MAX], stepped[STATE_MAX];
        fill(x);
        run(model, (struct gru_lane){ .x = x, .n_rows = ROWS, .y = whole, .state_out = state });
        gru_state_init(model, stepped);
        for (size_t t = 0; t < ROWS; t++) {
            run(model, (struct gru_lane){ .x = x + 2 * t,
                                          .n_rows = 1,
                                          .y = y + t,
                                          .state_in = stepped,
                                          .state_out = stepped });
        }
        ck_assert_mem_eq(y, whole, sizeof y);
        ck_assert_mem_eq(state, stepped, gru_model_info(model)->state_floats * sizeof *state);
        ck_assert(gru_state_last(model, state, 0) == x[(size_t)2 * (ROWS - 1)]);
        ck_assert(gru_state_y(model, state, 0) == whole[ROWS - 1]);
        gru_model_unref(model);
    }
}

TEST(a_roll_out_of_a_wide_model_is_its_forecasts_fed_back)
{
    enum { HORIZON = 6 };
    static const double future[HORIZON] = { 1, 2, 3, 4, 5, 6 };
    struct gru_model *model = make_model(1e8, 2, true);
    struct gru_work *work = make_work();
    double x[ROWS * 2], y[ROWS], forecast[HORIZON];
    float state[STATE_MAX];
    fill(x);
    run(model, (struct gru_lane){ .x = x, .n_rows = ROWS, .y = y, .state_out = state });
    ck_assert_int_eq(gru_forecast(model, work, state, HORIZON, future, HORIZON, forecast), GRU_OK);
    ck_assert(forecast[0] == y[ROWS - 1]);
    for (size_t k = 1; k < HORIZON; k++) {
        const double next[] = { forecast[k - 1], future[k - 1] };
        run(model, (struct gru_lane){
                       .x = next, .n_rows = 1, .y = y, .state_in = state, .state_out = state });
        ck_assert(forecast[k] == y[0]);
    }
    gru_work_free(work);
    gru_model_unref(model);
}

TEST(a_wide_model_is_the_same_after_saving)
{
    struct gru_model *model = make_model(1e8, 2, true);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    ck_assert(gru_model_info(again)->is_wide);
    gru_model_unref(again);
    gru_model_unref(model);
}
