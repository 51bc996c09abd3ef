/* Layers that read a sequence from both ends: whole sequences alone, however long. */
#include "engine/fixture.h"
#include "engine/golden.h"
#include "engine/model.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNITS = 4, INPUTS = 2, ROWS = 300 /* more than two chunks of forward_grid.h */ };

static void run(const struct gru_model *model, const double *x, size_t n_rows, double *y)
{
    struct gru_work *work;
    struct gru_lane lane = { .x = x, .n_rows = n_rows, .y = y };
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_OK);
    gru_work_free(work);
}

/* A GRU that reads both ways, and a read-out. */
static struct fixture both_ways(const char *first, const char *second)
{
    struct fixture f = fixture_new();
    char name[64];
    const char *const ends[] = { first, second };
    for (size_t k = 0; k < 2; k++) {
        snprintf(name, sizeof name, "rnn.weight_ih_l0%s", ends[k]);
        fixture_tensor(&f, name, (size_t)3 * UNITS, INPUTS);
        snprintf(name, sizeof name, "rnn.weight_hh_l0%s", ends[k]);
        fixture_tensor(&f, name, (size_t)3 * UNITS, UNITS);
        snprintf(name, sizeof name, "rnn.bias_ih_l0%s", ends[k]);
        fixture_tensor(&f, name, (size_t)3 * UNITS, 0);
        snprintf(name, sizeof name, "rnn.bias_hh_l0%s", ends[k]);
        fixture_tensor(&f, name, (size_t)3 * UNITS, 0);
    }
    fixture_tensor(&f, "fc.weight", 1, (size_t)2 * UNITS);
    return f;
}

static void fill(double *x, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        x[k] = sinf((float)k * 0.7F) + (float)(k % 5) * 0.1F;
    }
}

TEST(golden_answers_are_given)
{
    static const char *const names[] = { "bidirectional", "bidirectional-lstm-stacked" };
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct golden golden = golden_load(names[n]);
        const size_t n_floats = golden.n_rows * gru_model_info(golden.model)->y_floats;
        double *y = malloc(n_floats * sizeof *y);
        ck_assert(gru_model_info(golden.model)->is_bidirectional);
        run(golden.model, golden.x, golden.n_rows, y);
        for (size_t k = 0; k < n_floats; k++) {
            ck_assert_msg(fabs((double)y[k] - (double)golden.y[k]) <= 1e-5, "%s[%zu]: %.9g, %.9g",
                          names[n], k, (double)y[k], (double)golden.y[k]);
        }
        free(y);
        golden_free(&golden);
    }
}

/* With the halves exchanged, the sequence from its end gives the answers from their end: wherever
 * the chunks are cut, they are cut elsewhere then. */
TEST(exchanged_halves_give_the_mirrored_answer)
{
    struct fixture f = both_ways("", "_reverse"), g = both_ways("_reverse", "");
    float *weight = fixture_values(&g, "fc.weight");
    for (size_t k = 0; k < UNITS; k++) {
        const float kept = weight[k];
        weight[k] = weight[UNITS + k];
        weight[UNITS + k] = kept;
    }
    struct gru_model *a = fixture_loaded(&f), *b = fixture_loaded(&g);
    static const size_t lengths[] = { 1, 2, 127, 128, 129, 256, ROWS };
    double x[ROWS * INPUTS], turned[ROWS * INPUTS], y[ROWS], mirrored[ROWS];
    fill(x, (size_t)ROWS * INPUTS);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        const size_t n = lengths[l];
        for (size_t row = 0; row < n; row++) {
            memcpy(turned + row * INPUTS, x + (n - 1 - row) * INPUTS, INPUTS * sizeof *x);
        }
        run(a, x, n, y);
        run(b, turned, n, mirrored);
        for (size_t row = 0; row < n; row++) {
            ck_assert_double_eq_tol((double)y[row], (double)mirrored[n - 1 - row], 1e-6);
        }
    }
    gru_model_unref(a);
    gru_model_unref(b);
}

/* A read-out that does not look at the half from the end sees what a model without it gives. */
TEST(forward_half_is_the_model_that_reads_one_way)
{
    struct fixture f = both_ways("", "_reverse"), g = both_ways("", "_reverse");
    float *weight = fixture_values(&f, "fc.weight");
    memset(weight + UNITS, 0, UNITS * sizeof *weight);
    float narrow[UNITS];
    memcpy(narrow, weight, sizeof narrow);
    fixture_remove(&g, "rnn.weight_ih_l0_reverse");
    fixture_remove(&g, "rnn.weight_hh_l0_reverse");
    fixture_remove(&g, "rnn.bias_ih_l0_reverse");
    fixture_remove(&g, "rnn.bias_hh_l0_reverse");
    fixture_remove(&g, "fc.weight");
    fixture_raw_tensor(&g, "fc.weight", "F32", 1, UNITS, narrow, sizeof narrow);
    struct gru_model *both = fixture_loaded(&f), *one = fixture_loaded(&g);
    double x[ROWS * INPUTS], a[ROWS], b[ROWS];
    fill(x, (size_t)ROWS * INPUTS);
    run(both, x, ROWS, a);
    run(one, x, ROWS, b);
    for (size_t row = 0; row < ROWS; row++) {
        ck_assert_double_eq_tol((double)a[row], (double)b[row], 1e-6);
    }
    gru_model_unref(both);
    gru_model_unref(one);
}

TEST(lanes_of_any_length_do_not_disturb_each_other)
{
    struct fixture f = both_ways("", "_reverse");
    struct gru_model *model = fixture_loaded(&f);
    struct gru_work *work;
    double x[ROWS * INPUTS], alone[ROWS];
    fill(x, (size_t)ROWS * INPUTS);
    enum { LANES = 70 };
    static double y[LANES][ROWS];
    struct gru_lane lanes[LANES];
    for (size_t k = 0; k < LANES; k++) {
        lanes[k] = (struct gru_lane){ .x = x, .n_rows = 1 + k * 4, .y = y[k] };
    }
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_run(model, work, lanes, LANES), GRU_OK);
    for (size_t k = 0; k < LANES; k++) {
        run(model, x, lanes[k].n_rows, alone);
        ck_assert_int_eq(lanes[k].status, GRU_OK);
        ck_assert_mem_eq(y[k], alone, lanes[k].n_rows * sizeof(double));
    }
    gru_work_free(work);
    gru_model_unref(model);
}

TEST(nothing_goes_on_from_where_it_stood)
{
    struct fixture f = both_ways("", "_reverse");
    f.grud = "{\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"outputs\":[{\"name\":\"a\"}]}";
    struct gru_model *model = fixture_loaded(&f);
    const struct gru_info *info = gru_model_info(model);
    float state[64];
    double x[2 * INPUTS] = { 1, 2, 3, NAN }, y[2], forecast[2];
    struct gru_work *work;
    ck_assert_uint_le(info->state_floats, 64);
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    struct gru_lane lane = { .x = x, .n_rows = 2, .y = y, .state_out = state };
    ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_OK);
    ck_assert_int_eq(gru_forecast(model, work, state, 1, NULL, 0, forecast), GRU_OK);
    ck_assert(forecast[0] == y[1]);
    ck_assert_int_eq(gru_forecast(model, work, state, 2, x, 1, forecast), GRU_NOT_CAUSAL);
    lane.state_in = state;
    ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_NOT_CAUSAL);
    gru_work_free(work);
    gru_model_unref(model);
}

TEST(models_save_and_load_bit_for_bit)
{
    static const char *const networks[] = {
        NULL,
        "{\"network\":[{\"type\":\"activation\",\"activation\":\"tanh\"},"
        "{\"type\":\"gru\",\"prefix\":\"rnn\"},{\"type\":\"activation\",\"activation\":\"relu\"},"
        "{\"type\":\"dense\",\"prefix\":\"fc\"}]}",
    };
    for (size_t k = 0; k < sizeof networks / sizeof *networks; k++) {
        struct fixture f = both_ways("", "_reverse");
        f.grud = networks[k];
        struct gru_model *model = fixture_loaded(&f);
        struct gru_model *again = expect_loaded(save(model));
        ck_assert(gru_model_info(again)->is_bidirectional);
        expect_same(model, again);
        gru_model_unref(model);
        gru_model_unref(again);
    }
}

/* What the layer gives is then what the model gives: a read-out of ones and zeros says the same. */
TEST(network_may_end_in_a_layer_that_reads_both_ways)
{
    struct fixture f = both_ways("", "_reverse"), g = both_ways("", "_reverse");
    float unit[4 * UNITS * UNITS] = { 0 };
    double x[ROWS * INPUTS], a[ROWS * 2 * UNITS], b[ROWS * 2 * UNITS];
    for (size_t k = 0; k < (size_t)2 * UNITS; k++) {
        unit[k * 2 * UNITS + k] = 1;
    }
    fixture_remove(&f, "fc.weight");
    fixture_remove(&g, "fc.weight");
    fixture_raw_tensor(&g, "fc.weight", "F32", (size_t)2 * UNITS, (size_t)2 * UNITS, unit,
                       sizeof unit);
    f.grud = "{\"network\":[{\"type\":\"gru\",\"prefix\":\"rnn\"}]}";
    struct gru_model *bare = fixture_loaded(&f), *read_out = fixture_loaded(&g);
    ck_assert_uint_eq(gru_model_info(bare)->n_outputs, (size_t)2 * UNITS);
    fill(x, (size_t)ROWS * INPUTS);
    run(bare, x, ROWS, a);
    run(read_out, x, ROWS, b);
    ck_assert_mem_eq(a, b, sizeof a);
    struct gru_model *again = expect_loaded(save(bare));
    expect_same(bare, again);
    gru_model_unref(again);
    gru_model_unref(bare);
    gru_model_unref(read_out);
}

TEST(half_without_its_other_half_is_refused)
{
    struct fixture f = both_ways("", "_reverse");
    fixture_remove(&f, "rnn.weight_hh_l0_reverse");
    fixture_refused(&f, "rnn.weight_hh_l0_reverse", "is missing");
    f = both_ways("", "_reverse");
    fixture_remove(&f, "rnn.weight_hh_l0");
    fixture_refused(&f, "rnn.weight_hh_l0", "is missing");
    f = both_ways("", "_reverse");
    fixture_remove(&f, "rnn.weight_hh_l0_reverse");
    f.grud = "{\"network\":[{\"type\":\"gru\",\"prefix\":\"rnn\"},"
             "{\"type\":\"dense\",\"prefix\":\"fc\"}]}";
    fixture_refused(&f, "grud.network[0].prefix", "rnn.weight_hh_l0_reverse");
}

TEST(scratch_memory_grows_with_the_sequence)
{
    struct fixture f = both_ways("", "_reverse");
    struct gru_model *model = fixture_loaded(&f);
    ck_assert_uint_gt(gru_run_bytes(model, 100000), 100000 * sizeof(float));
    ck_assert_uint_eq(gru_run_bytes(model, SIZE_MAX / 8), SIZE_MAX);
    gru_model_unref(model);
}
