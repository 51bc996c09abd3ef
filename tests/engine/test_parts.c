/* Runs that are done in parts: no bit of a result tells where they were cut, or what else the
 * scratch memory served in between. Roll-outs in parts are in test_forecast.c. */
#include "golden.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

enum { LANES = 70 /* more than one group */ };

static const size_t parts[] = { 1, 7, 100, 1000 };
enum { N_PARTS = sizeof parts / sizeof *parts };

static double *doubles(size_t n)
{
    double *values = calloc(n ? n : 1, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

static float *floats(size_t n)
{
    float *values = calloc(n, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

/* Of different lengths; one fails, one has no rows. */
static void make_lanes(const struct golden *golden, double *bad_x, struct gru_lane lanes[LANES])
{
    const struct gru_info *info = gru_model_info(golden->model);
    for (size_t k = 0; k < LANES; k++) {
        size_t n_rows = 1 + (k * 37) % golden->n_rows;
        lanes[k] = (struct gru_lane){ .state_out = floats(info->state_floats),
                                      .x = golden->x + (golden->n_rows - n_rows) * info->n_inputs,
                                      .n_rows = n_rows,
                                      .y = doubles(n_rows * info->y_floats),
                                      .last_only = k % 3 == 0 };
    }
    bad_x[2 * info->n_inputs] = INFINITY;
    lanes[3].x = bad_x;
    lanes[5].n_rows = 0;
}

static void free_lanes(struct gru_lane lanes[LANES])
{
    for (size_t k = 0; k < LANES; k++) {
        free(lanes[k].state_out);
        free(lanes[k].y);
    }
}

static void expect_same_lanes(const struct gru_info *info, const struct gru_lane *a,
                              const struct gru_lane *b)
{
    for (size_t k = 0; k < LANES; k++) {
        ck_assert_int_eq(a[k].status, b[k].status);
        if (a[k].status == GRU_OK) {
            size_t n_rows = a[k].last_only ? 1 : a[k].n_rows;
            ck_assert_mem_eq(a[k].y, b[k].y, n_rows * info->y_floats * sizeof(float));
            ck_assert_mem_eq(a[k].state_out, b[k].state_out, info->state_floats * sizeof(float));
        }
    }
    ck_assert_int_eq(a[3].status, GRU_NON_FINITE);
    ck_assert_uint_eq(a[3].bad_row, 2);
    ck_assert_uint_eq(b[3].bad_row, 2);
    ck_assert_int_eq(a[5].status, GRU_BAD_ARGUMENT);
}

/* What others do between two parts. */
static void disturb(const struct golden *golden, struct gru_work *work)
{
    const struct gru_info *info = gru_model_info(golden->model);
    double *y = doubles(info->y_floats);
    float *state = floats(info->state_floats);
    struct gru_lane lane = { .x = golden->x, .n_rows = 1, .y = y, .state_out = state };
    ck_assert_int_eq(gru_run(golden->model, work, &lane, 1), GRU_OK);
    free(y);
    free(state);
}

static void run_in_parts(const struct golden *golden, struct gru_work *work, struct gru_lane *lanes,
                         size_t most_rows)
{
    struct gru_run run;
    struct gru_lane *order[LANES];
    size_t n_parts = 0, n_rows;
    gru_run_begin(golden->model, lanes, LANES, order, &run);
    n_rows = run.n_rows_left;
    for (; run.n_rows_left > 0; n_parts++) {
        size_t n_before = run.n_rows_left;
        ck_assert_int_eq(gru_run_part(&run, work, most_rows), GRU_OK);
        ck_assert_uint_lt(run.n_rows_left, n_before);
        disturb(golden, work);
    }
    ck_assert_uint_ge(n_parts, n_rows / (most_rows + LANES)); /* it did stop in between */
}

TEST(a_run_in_parts_equals_the_whole_bit_for_bit)
{
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    for (size_t c = 0; golden_names[c]; c++) {
        struct golden golden = golden_load(golden_names[c]);
        const struct gru_info *info = gru_model_info(golden.model);
        struct gru_lane whole[LANES], cut[LANES];
        double *bad_x = doubles(golden.n_rows * info->n_inputs);
        make_lanes(&golden, bad_x, whole);
        ck_assert_int_eq(gru_run(golden.model, work, whole, LANES), GRU_OK);
        for (size_t k = 0; k < N_PARTS; k++) {
            make_lanes(&golden, bad_x, cut);
            run_in_parts(&golden, work, cut, parts[k]);
            expect_same_lanes(info, whole, cut);
            free_lanes(cut);
        }
        free_lanes(whole);
        free(bad_x);
        golden_free(&golden);
    }
    gru_work_free(work);
}

TEST(a_part_of_a_single_lane_has_as_many_rows_as_it_may)
{
    struct gru_work *work;
    struct gru_lane *order[1];
    struct gru_run run;
    struct golden golden = golden_load("torch-small");
    const struct gru_info *info = gru_model_info(golden.model);
    float *state = floats(info->state_floats);
    double *y = doubles(golden.n_rows * info->y_floats);
    struct gru_lane lane = { .state_out = state, .x = golden.x, .n_rows = golden.n_rows, .y = y };
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    gru_run_begin(golden.model, &lane, 1, order, &run);
    ck_assert_uint_eq(run.n_rows_left, golden.n_rows);
    ck_assert_int_eq(gru_run_part(&run, work, 5), GRU_OK);
    ck_assert_uint_eq(run.n_rows_left, golden.n_rows - 5);
    free(state);
    free(y);
    golden_free(&golden);
    gru_work_free(work);
}
