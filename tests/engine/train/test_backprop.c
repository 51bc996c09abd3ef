/* Gradients by central differences of a double-precision network, for every kind of cell. */
#include "test.h"
#include "trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_plan(const struct plan *plan)
{
    struct trial t = trial_new(plan);
    trial_both(&t);
    struct reference ref = reference_new(&t);
    trial_check_forward(&t, &ref);
    trial_check_gradients(&t, &ref);
    reference_free(&ref);
    trial_free(&t);
}

/* Every cell, with each reset form. */
static void for_every_cell(const struct plan *plan)
{
    for (int cell = 0; cell < GRU_N_LAYER_KINDS; cell++) {
        if (!gru_layer_kind_is_recurrent((enum gru_layer_kind)cell)) {
            continue;
        }
        for (int reset = GRU_RESET_AFTER; reset <= GRU_RESET_BEFORE; reset++) {
            struct plan this = *plan;
            this.cell = (enum gru_layer_kind)cell;
            this.reset = (enum gru_reset)reset;
            check_plan(&this);
        }
    }
}

static const struct plan one_layer = {
    .n_inputs = 3,
    .n_outputs = 2,
    .steps = 1,
    .n_layers = 1,
    .hidden = { 5 },
    .n_steps = 6,
    .n_lanes = { 3, 3, 3, 3, 3, 3 },
};
static const struct plan three_layers = {
    .n_inputs = 2,
    .n_outputs = 2,
    .steps = 3,
    .n_layers = 3,
    .hidden = { 20, 7, 16 },
    .n_steps = 5,
    .n_lanes = { 9, 9, 4, 4, 1 },
};

TEST(gradients_are_the_slopes_of_the_loss)
{
    for_every_cell(&one_layer);
}

TEST(gradients_hold_for_stacked_layers_and_lanes_that_end)
{
    for_every_cell(&three_layers);
}

TEST(gradients_hold_for_narrow_layers)
{
    struct plan plan = one_layer;
    plan.n_inputs = 1;
    plan.n_outputs = 1;
    plan.n_layers = 3;
    plan.hidden[0] = 1;
    plan.hidden[1] = 2;
    plan.hidden[2] = 4;
    for_every_cell(&plan);
}

TEST(gradients_hold_without_biases)
{
    struct plan plan = three_layers;
    plan.n_layers = 2;
    plan.no_biases = true;
    for_every_cell(&plan);
}

TEST(gradients_hold_with_dropout)
{
    struct plan plan = three_layers;
    plan.dropout = 0.4;
    for_every_cell(&plan);
}

/* More than a chunk's rows, and chunks in which the number of lanes changes. */
TEST(gradients_hold_over_many_chunks)
{
    struct plan plan = { .n_inputs = 2,
                         .n_outputs = 1,
                         .steps = 1,
                         .n_layers = 2,
                         .hidden = { 6, 3 },
                         .n_steps = 8,
                         .n_lanes = { 70, 60, 60, 50, 50, 33, 3, 1 } };
    for_every_cell(&plan);
    size_t lanes[] = { 150, 140, 140, 20, 20, 20, 20, 20 }; /* a step alone is more than a chunk */
    memcpy(plan.n_lanes, lanes, sizeof lanes);
    check_plan(&plan);
    plan.dropout = 0.2;
    check_plan(&plan);
}

/* So wide that gradients of weights are OpenBLAS's. */
TEST(gradients_hold_for_wide_layers)
{
    const struct plan plan = { .n_inputs = 2,
                               .n_outputs = 1,
                               .steps = 1,
                               .n_layers = 2,
                               .hidden = { 400, 330 },
                               .n_steps = 2,
                               .n_lanes = { 3, 2 } };
    check_plan(&plan);
}

TEST(the_head_is_trained_alone)
{
    struct plan plan = three_layers;
    plan.head_only = true;
    for_every_cell(&plan);
    plan.dropout = 0.3;
    for_every_cell(&plan);
    struct plan many = { .n_inputs = 2,
                         .n_outputs = 1,
                         .steps = 1,
                         .n_layers = 2,
                         .hidden = { 6, 3 },
                         .head_only = true,
                         .n_steps = 8,
                         .n_lanes = { 70, 60, 60, 50, 50, 33, 3, 1 } };
    for_every_cell(&many);
    many.dropout = 0.2;
    for_every_cell(&many);
}

/* ---- laws ---- */

TEST(a_pass_without_training_drops_nothing)
{
    struct plan plan = three_layers;
    plan.dropout = 0.4;
    struct trial dropping = trial_new(&plan);
    plan.dropout = 0;
    struct trial plain = trial_new(&plan);
    dropping.window.is_training = false;
    plain.window.is_training = false;
    trial_forward(&dropping);
    trial_forward(&plain);
    ck_assert_mem_eq(dropping.out, plain.out, plain.n_out * sizeof(float));
    struct reference ref = reference_new(&plain);
    trial_check_forward(&plain, &ref);
    reference_free(&ref);
    trial_free(&dropping);
    trial_free(&plain);
}

TEST(the_same_pass_gives_the_same_bits)
{
    struct plan plan = three_layers;
    plan.dropout = 0.4;
    struct trial a = trial_new(&plan), b = trial_new(&plan);
    trial_both(&a);
    b.window.dropout_key++;
    trial_both(&b); /* another mask; and what it leaves behind must not matter */
    ck_assert_mem_ne(a.out, b.out, a.n_out * sizeof(float));
    b.window.dropout_key--;
    trial_both(&b);
    ck_assert_mem_eq(a.out, b.out, a.n_out * sizeof(float));
    ck_assert_mem_eq(gru_backprop_gradients(a.bp), gru_backprop_gradients(b.bp),
                     a.n_parameters * sizeof(float));
    trial_free(&a);
    trial_free(&b);
}

/* Two windows give the outputs and states of one, but the later one's gradient ends where it
 * begins. */
TEST(a_window_carries_the_state_but_not_the_gradient)
{
    struct plan plan = three_layers;
    struct trial whole = trial_new(&plan);
    trial_both(&whole);
    plan.n_steps = 2;
    struct trial part = trial_new(&plan);
    memcpy(part.in, whole.in, part.n_rows * plan.n_inputs * sizeof(float));
    trial_forward(&part);
    ck_assert_mem_eq(part.out, whole.out, part.n_out * sizeof(float));
    struct plan rest = three_layers;
    rest.n_steps = 3;
    memmove(rest.n_lanes, rest.n_lanes + 2, 3 * sizeof *rest.n_lanes);
    struct trial second = trial_new(&rest);
    memcpy(second.in, whole.in + part.n_rows * plan.n_inputs,
           second.n_rows * plan.n_inputs * sizeof(float));
    memcpy(second.first_states, part.states, second.n_states * sizeof(float));
    trial_both(&second);
    ck_assert_mem_eq(second.out, whole.out + part.n_out, second.n_out * sizeof(float));
    ck_assert_mem_eq(second.states, whole.states, second.n_states * sizeof(float));
    struct reference ref = reference_new(&second);
    trial_check_gradients(&second, &ref);
    reference_free(&ref);
    trial_free(&whole);
    trial_free(&part);
    trial_free(&second);
}

TEST(a_lane_that_ended_keeps_its_state)
{
    struct plan plan = three_layers;
    for (int head_only = 0; head_only < 2; head_only++) {
        plan.head_only = head_only;
        struct trial t = trial_new(&plan);
        trial_forward(&t);
        struct reference ref = reference_new(&t);
        trial_check_forward(&t, &ref);
        reference_free(&ref);
        trial_free(&t);
    }
}

/* Raw and normalised units are the same here, so gru_run says what the network gives. */
TEST(forward_gives_what_gru_run_gives)
{
    for (int is_training = 0; is_training < 2; is_training++) {
        struct plan plan = three_layers;
        plan.n_lanes[0] = 1;
        plan.n_lanes[1] = 1;
        plan.n_lanes[2] = 1;
        plan.n_lanes[3] = 1;
        plan.cell = GRU_LAYER_OUTPUT_GATE;
        struct trial t = trial_new(&plan);
        memset(t.first_states, 0, t.n_states * sizeof(float));
        t.window.is_training = is_training;
        trial_forward(&t);
        struct gru_work *work;
        const size_t n_in = t.n_rows * plan.n_inputs;
        double *x = trial_allocate(n_in * sizeof *x), *y = trial_allocate(t.n_out * sizeof *y);
        for (size_t k = 0; k < n_in; k++) {
            x[k] = (double)t.in[k];
        }
        struct gru_lane lane = { .x = x, .n_rows = plan.n_steps, .y = y };
        ck_assert_int_eq(gru_work_create(&work), GRU_OK);
        ck_assert_int_eq(gru_run(t.model, work, &lane, 1), GRU_OK);
        for (size_t k = 0; k < t.n_out; k++) {
            ck_assert_double_eq_tol((double)t.out[k], y[k], 1e-5);
        }
        free(x);
        free(y);
        gru_work_free(work);
        trial_free(&t);
    }
}

TEST(changed_parameters_count_after_a_refresh)
{
    for (int cell = 0; cell < GRU_N_LAYER_KINDS; cell++) {
        if (!gru_layer_kind_is_recurrent((enum gru_layer_kind)cell)) {
            continue;
        }
        struct plan plan = three_layers;
        plan.cell = (enum gru_layer_kind)cell;
        struct trial t = trial_new(&plan);
        trial_fill(gru_backprop_parameters(t.bp), t.n_parameters, 0.4F, 9);
        gru_backprop_refresh(t.bp);
        trial_both(&t);
        struct reference ref = reference_new(&t);
        trial_check_forward(&t, &ref);
        trial_check_gradients(&t, &ref);
        reference_free(&ref);
        trial_free(&t);
    }
}

TEST(parameters_become_a_model_and_back)
{
    struct plan plan = three_layers;
    struct trial t = trial_new(&plan);
    struct gru_model *model;
    float *parameters = trial_allocate(t.n_parameters * sizeof(float));
    trial_fill(parameters, t.n_parameters, 0.3F, 8);
    ck_assert_int_eq(gru_backprop_model(t.bp, parameters, &model), GRU_OK);
    const struct backprop_options options = { .rows_max = 1, .lanes_max = 1 };
    struct backprop *again;
    ck_assert_int_eq(gru_backprop_create(model, &options, &again), GRU_OK);
    ck_assert_uint_eq(gru_backprop_n_parameters(again), model->info.n_parameters);
    ck_assert_mem_eq(gru_backprop_parameters(again), parameters, t.n_parameters * sizeof(float));
    ck_assert_str_eq(model->info.outputs[1].name, t.model->info.outputs[1].name);
    gru_backprop_free(again);
    gru_model_unref(model);
    free(parameters);
    trial_free(&t);
}

TEST(values_that_are_not_finite_reach_the_gradients)
{
    for (int cell = 0; cell < GRU_N_LAYER_KINDS; cell++) {
        if (!gru_layer_kind_is_recurrent((enum gru_layer_kind)cell)) {
            continue;
        }
        struct plan plan = three_layers;
        plan.cell = (enum gru_layer_kind)cell;
        struct trial t = trial_new(&plan);
        t.in[0] = NAN;
        trial_both(&t);
        bool finite = true;
        for (size_t k = 0; k < t.n_parameters; k++) {
            finite = finite && isfinite(gru_backprop_gradients(t.bp)[k]);
        }
        ck_assert(!finite);
        trial_fill(t.in, 1, 1.0F, 1); /* and the next window is clean again */
        trial_both(&t);
        for (size_t k = 0; k < t.n_parameters; k++) {
            ck_assert(isfinite(gru_backprop_gradients(t.bp)[k]));
        }
        trial_free(&t);
    }
}

TEST(the_bound_grows_with_the_window_and_may_overflow)
{
    struct plan plan = three_layers;
    struct gru_model *model = trial_model(&plan);
    struct backprop_options options = { .rows_max = 100, .lanes_max = 4 };
    size_t small, large;
    ck_assert(gru_backprop_bytes(model, &options, &small));
    options.rows_max = 1000;
    ck_assert(gru_backprop_bytes(model, &options, &large));
    ck_assert_uint_gt(large, small + 900 * (20 + 7 + 16) * 5 * sizeof(float));
    options.head_only = true;
    ck_assert(gru_backprop_bytes(model, &options, &small));
    ck_assert_uint_lt(small, large);
    options.rows_max = SIZE_MAX / 64;
    ck_assert(!gru_backprop_bytes(model, &options, &small));
    gru_model_unref(model);
}
