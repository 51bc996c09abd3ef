#include "fixture.h"
#include "flush_mode.h"
#include "golden.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct gru_work *make_work(void)
{
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    return work;
}

static double *doubles(size_t n)
{
    double *values = calloc(n ? n : 1, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

static float *floats(size_t n)
{
    float *values = calloc(n ? n : 1, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

static void run_one(const struct gru_model *model, struct gru_work *work, struct gru_lane *lane)
{
    ck_assert_int_eq(gru_run(model, work, lane, 1), GRU_OK);
    ck_assert_int_eq(lane->status, GRU_OK);
}

static void assert_close(const char *what, const double *got, const double *want, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        ck_assert_msg(fabs(got[k] - want[k]) <= 1e-5, "%s[%zu]: %.9g instead of %.9g", what, k,
                      got[k], want[k]);
    }
}

static void assert_state_close(const char *what, const float *got, const double *want, size_t n)
{
    double *values = doubles(n);
    for (size_t k = 0; k < n; k++) {
        values[k] = (double)got[k];
    }
    assert_close(what, values, want, n);
    free(values);
}

TEST(golden_sequences_agree_to_1e_5)
{
    struct gru_work *work = make_work();
    for (size_t c = 0; golden_names[c]; c++) {
        struct golden golden = golden_load(golden_names[c]);
        const struct gru_info *info = gru_model_info(golden.model);
        float *state = floats(info->state_floats);
        double *y = doubles(golden.n_rows * info->y_floats);
        struct gru_lane lane = {
            .state_out = state, .x = golden.x, .n_rows = golden.n_rows, .y = y
        };
        run_one(golden.model, work, &lane);
        assert_close(golden_names[c], y, golden.y, golden.n_rows * info->y_floats);
        ck_assert_uint_eq(golden.n_hidden, gru_state_last_offset(golden.model));
        assert_state_close(golden_names[c], state, golden.h_final, golden.n_hidden);
        free(state);
        free(y);
        golden_free(&golden);
    }
    gru_work_free(work);
}

TEST(stepwise_equals_whole_sequence_bit_for_bit)
{
    struct gru_work *work = make_work();
    for (size_t c = 0; golden_names[c]; c++) {
        struct golden golden = golden_load(golden_names[c]);
        const struct gru_info *info = gru_model_info(golden.model);
        float *state = floats(info->state_floats), *whole_state = floats(info->state_floats);
        double *y = doubles(info->y_floats), *whole = doubles(golden.n_rows * info->y_floats);
        struct gru_lane lane = {
            .state_out = whole_state, .x = golden.x, .n_rows = golden.n_rows, .y = whole
        };
        run_one(golden.model, work, &lane);
        gru_state_init(golden.model, state);
        for (size_t t = 0; t < golden.n_rows; t++) {
            struct gru_lane step = { .state_in = state,
                                     .state_out = state,
                                     .x = golden.x + t * info->n_inputs,
                                     .n_rows = 1,
                                     .y = y };
            run_one(golden.model, work, &step);
            ck_assert_mem_eq(y, whole + t * info->y_floats, info->y_floats * sizeof *y);
        }
        ck_assert_mem_eq(state, whole_state, info->state_floats * sizeof *state);
        free(state);
        free(whole_state);
        free(y);
        free(whole);
        golden_free(&golden);
    }
    gru_work_free(work);
}

/* 70 lanes of different lengths (more than one group) against each lane alone, cut into two calls.
 */
TEST(lanes_of_a_batch_do_not_touch_each_other)
{
    enum { LANES = 70 };
    struct gru_work *work = make_work();
    struct golden golden = golden_load("torch-stacked");
    const struct gru_info *info = gru_model_info(golden.model);
    struct gru_lane lanes[LANES];
    for (size_t k = 0; k < LANES; k++) {
        size_t n_rows = 1 + (k * 37) % golden.n_rows;
        lanes[k] = (struct gru_lane){ .state_out = floats(info->state_floats),
                                      .x = golden.x + (golden.n_rows - n_rows) * info->n_inputs,
                                      .n_rows = n_rows,
                                      .y = doubles(n_rows * info->y_floats),
                                      .last_only = k % 3 == 0 };
    }
    ck_assert_int_eq(gru_run(golden.model, work, lanes, LANES), GRU_OK);
    float *state = floats(info->state_floats);
    double *y = doubles(golden.n_rows * info->y_floats);
    for (size_t k = 0; k < LANES; k++) {
        ck_assert_int_eq(lanes[k].status, GRU_OK);
        size_t half = lanes[k].n_rows / 2;
        struct gru_lane alone = { .state_out = state, .x = lanes[k].x, .n_rows = half, .y = y };
        if (half > 0) {
            run_one(golden.model, work, &alone);
            alone.state_in = state;
        }
        alone.x += half * info->n_inputs;
        alone.y += half * info->y_floats;
        alone.n_rows = lanes[k].n_rows - half;
        run_one(golden.model, work, &alone);
        ck_assert_mem_eq(state, lanes[k].state_out, info->state_floats * sizeof *state);
        size_t first = lanes[k].last_only ? lanes[k].n_rows - 1 : 0;
        ck_assert_mem_eq(y + first * info->y_floats, lanes[k].y,
                         (lanes[k].n_rows - first) * info->y_floats * sizeof *y);
        free(lanes[k].state_out);
        free(lanes[k].y);
    }
    free(state);
    free(y);
    golden_free(&golden);
    gru_work_free(work);
}

TEST(a_lane_that_fails_keeps_its_state_and_spares_the_others)
{
    struct gru_work *work = make_work();
    struct golden golden = golden_load("torch-small");
    const struct gru_info *info = gru_model_info(golden.model);
    double *bad_x = doubles(4 * info->n_inputs);
    bad_x[2 * info->n_inputs + 1] = INFINITY;
    float *kept = floats(info->state_floats), *before = floats(info->state_floats);
    gru_state_init(golden.model, kept);
    memcpy(before, kept, info->state_floats * sizeof *kept);
    double *y_bad = doubles(4 * info->y_floats), *y = doubles(golden.n_rows * info->y_floats);
    struct gru_lane lanes[] = {
        { .state_in = kept, .state_out = kept, .x = bad_x, .n_rows = 4, .y = y_bad },
        { .x = golden.x, .n_rows = golden.n_rows, .y = y },
    };
    ck_assert_int_eq(gru_run(golden.model, work, lanes, 2), GRU_OK);
    ck_assert_int_eq(lanes[0].status, GRU_NON_FINITE);
    ck_assert_uint_eq(lanes[0].bad_row, 2);
    ck_assert_mem_eq(kept, before, info->state_floats * sizeof *kept);
    ck_assert_int_eq(lanes[1].status, GRU_OK);
    assert_close("y", y, golden.y, golden.n_rows * info->y_floats);
    free(bad_x);
    free(kept);
    free(before);
    free(y_bad);
    free(y);
    golden_free(&golden);
    gru_work_free(work);
}

TEST(a_lane_without_rows_is_refused)
{
    struct gru_work *work = make_work();
    struct golden golden = golden_load("torch-small");
    struct gru_lane lane = { .x = golden.x, .n_rows = 0 };
    ck_assert_int_eq(gru_run(golden.model, work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_BAD_ARGUMENT);
    golden_free(&golden);
    gru_work_free(work);
}

/* ---- numbers below FLT_MIN ---- */

/* A model whose inputs are so small that a denormal reading would be half a standard deviation. */
static struct gru_model *small_model(float bias)
{
    struct fixture f = fixture_small();
    f.grud = "{\"inputs\":[{\"name\":\"a\",\"std\":2e-38},{\"name\":\"b\",\"std\":2e-38}],"
             "\"outputs\":[{\"name\":\"a\",\"std\":2e-38,\"mean\":0},{\"name\":\"y\"}],"
             "\"residual\":true}";
    for (size_t k = 0; k < 12; k++) { /* two that are a normal number together */
        fixture_values(&f, "gru.bias_ih_l0")[k] = fixture_values(&f, "gru.bias_hh_l0")[k] = bias;
    }
    fixture_values(&f, "gru.weight_ih_l0")[3] = fixture_values(&f, "gru.weight_hh_l0")[5] = bias;
    fixture_values(&f, "fc.weight")[1] = bias;
    return expect_loaded(fixture_file(&f));
}

enum { SMALL_ROWS = 12 };

/* Its outputs for readings of which every other row is `value`, whole and step by step, and the
 * forecast that follows. y: [SMALL_ROWS + 2][2]. */
static void run_small(struct gru_model *model, float value, double *y)
{
    struct gru_work *work = make_work();
    const struct gru_info *info = gru_model_info(model);
    double x[SMALL_ROWS * 2], step_y[2];
    float *state = floats(info->state_floats), *stepped = floats(info->state_floats);
    for (size_t k = 0; k < SMALL_ROWS * 2; k++) {
        x[k] = k / 2 % 2 ? 3e-38F - 2e-39F * (float)k : value;
    }
    gru_state_init(model, stepped);
    for (size_t k = 0; k < 4; k++) {
        stepped[k] = value;
    }
    struct gru_lane whole = {
        .state_in = stepped, .state_out = state, .x = x, .n_rows = SMALL_ROWS, .y = y
    };
    run_one(model, work, &whole);
    for (size_t t = 0; t < SMALL_ROWS; t++) {
        struct gru_lane step = {
            .state_in = stepped, .state_out = stepped, .x = x + t * 2, .n_rows = 1, .y = step_y
        };
        run_one(model, work, &step);
        ck_assert_mem_eq(step_y, y + t * 2, sizeof step_y);
    }
    ck_assert_mem_eq(state, stepped, info->state_floats * sizeof *state);
    for (size_t k = 0; k < info->state_floats; k++) {
        bool is_reading = k >= gru_state_last_offset(model) && k < gru_state_y_offset(model);
        ck_assert(is_reading || fpclassify(state[k]) != FP_SUBNORMAL);
    }
    const double future[] = { value };
    ck_assert_int_eq(gru_forecast(model, work, state, 2, future, 1, y + (size_t)SMALL_ROWS * 2),
                     GRU_OK);
    free(state);
    free(stepped);
    gru_work_free(work);
}

TEST(numbers_too_small_to_be_normal_count_as_zero)
{
    const uint64_t mode = flush_mode_now();
    for (int is_negative = 0; is_negative < 2 && flush_mode_exists(); is_negative++) {
        const float sign = is_negative ? -1.0F : 1.0F;
        struct gru_model *small = small_model(sign * 0.9F * FLT_MIN);
        struct gru_model *zeroed = small_model(sign * 0.0F);
        double y[(SMALL_ROWS + 2) * 2], y_zeroed[(SMALL_ROWS + 2) * 2];
        run_small(small, sign * 0.9F * FLT_MIN, y);
        run_small(zeroed, sign * 0.0F, y_zeroed);
        ck_assert_mem_eq(y, y_zeroed, sizeof y);
        gru_model_unref(small);
        gru_model_unref(zeroed);
    }
    ck_assert_uint_eq(flush_mode_now(), mode);
}
