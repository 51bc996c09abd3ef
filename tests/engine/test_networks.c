/* Networks of any chain of layers: what holds for every one of them. */
#include "engine/random_networks.h"
#include "gru.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NETWORKS = 200, ROWS = 40, LANES = 3 };

/* Rows of readings, here and there one that is missing. */
static double *make_rows(const struct gru_info *info, size_t n)
{
    double *x = malloc(n * info->n_inputs * sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (size_t k = 0; k < n * info->n_inputs; k++) {
        x[k] = k % 37 == 11 ? NAN : 3 + 4 * sinf((float)k * 0.7F);
    }
    return x;
}

/* What a stream remembers and says, run in pieces of `piece` rows. */
struct told {
    double *y;
    float *state;
};

static struct told tell(const struct gru_model *model, struct gru_work *work, const double *x,
                        size_t piece)
{
    const struct gru_info *info = gru_model_info(model);
    struct told told = { .y = calloc(ROWS * info->y_floats, sizeof(double)),
                         .state = calloc(info->state_floats, sizeof(float)) };
    ck_assert(told.y && told.state);
    gru_state_init(model, told.state);
    for (size_t t = 0; t < ROWS; t += piece) {
        struct gru_lane lane = { .state_in = told.state,
                                 .state_out = told.state,
                                 .x = x + t * info->n_inputs,
                                 .n_rows = ROWS - t < piece ? ROWS - t : piece,
                                 .y = told.y + t * info->y_floats };
        ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
        ck_assert_int_eq(lane.status, GRU_OK);
    }
    return told;
}

static void told_free(struct told told)
{
    free(told.y);
    free(told.state);
}

static void expect_same_told(const struct gru_info *info, struct told a, struct told b)
{
    ck_assert_mem_eq(a.y, b.y, ROWS * info->y_floats * sizeof *a.y);
    ck_assert_mem_eq(a.state, b.state, info->state_floats * sizeof *a.state);
}

/* Lanes of other lengths beside it, and only the last row wanted. */
static void expect_lanes(const struct gru_model *model, struct gru_work *work, const double *x,
                         struct told whole)
{
    const struct gru_info *info = gru_model_info(model);
    double *y = calloc(LANES * ROWS * info->y_floats, sizeof *y);
    struct gru_lane lanes[LANES];
    ck_assert_ptr_nonnull(y);
    for (size_t k = 0; k < LANES; k++) {
        lanes[k] = (struct gru_lane){
            .x = x, .n_rows = ROWS - 13 * k, .y = y + k * ROWS * info->y_floats, .last_only = k == 1
        };
    }
    ck_assert_int_eq(gru_run(model, work, lanes, LANES), GRU_OK);
    for (size_t k = 0; k < LANES; k++) {
        const size_t last = (lanes[k].n_rows - 1) * info->y_floats;
        ck_assert_int_eq(lanes[k].status, GRU_OK);
        ck_assert_mem_eq(lanes[k].y + (lanes[k].last_only ? 0 : last), whole.y + last,
                         info->y_floats * sizeof *y);
    }
    free(y);
}

/* Law 1: a result does not depend on where a run is cut, nor on what runs beside it. */
TEST(random_networks_give_the_same_bits_however_they_are_cut)
{
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    for (uint64_t seed = 1; seed <= NETWORKS; seed++) {
        struct gru_model *model = expect_loaded(random_network(seed));
        const struct gru_info *info = gru_model_info(model);
        double *x = make_rows(info, ROWS);
        struct told whole = tell(model, work, x, ROWS), halves = tell(model, work, x, 17),
                    steps = tell(model, work, x, 1);
        expect_same_told(info, whole, halves);
        expect_same_told(info, whole, steps);
        expect_lanes(model, work, x, whole);
        told_free(whole);
        told_free(halves);
        told_free(steps);
        free(x);
        gru_model_unref(model);
    }
    gru_work_free(work);
}

TEST(random_networks_save_and_load_bit_for_bit)
{
    for (uint64_t seed = 1; seed <= NETWORKS; seed++) {
        struct gru_model *model = expect_loaded(random_network(seed));
        struct file first = save(model), copy = save(model);
        struct gru_model *again = expect_loaded(copy);
        expect_same(model, again);
        struct file second = save(again);
        ck_assert_uint_eq(first.n, second.n);
        ck_assert_mem_eq(first.bytes, second.bytes, first.n);
        free(first.bytes);
        free(second.bytes);
        gru_model_unref(again);
        gru_model_unref(model);
    }
}
