/* Back-tests of models through the service; tests/service/scores has the arithmetic. */
#include "service/scores/evaluated.h"
#include "service/service_support.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void start_with(struct world *world, const char *name)
{
    char path[80];
    snprintf(path, sizeof path, "tests/fixtures/evaluate/%s.safetensors", name);
    world_init(world);
    world_add_model(world, name, file_load(path));
    world_start(world);
}

static struct gru_model *network(struct world *world, const char *name)
{
    const struct model *model;
    service_context_turn(world->context);
    ck_assert_int_eq(model_find(world->context, name, &model, &world->fault), STATUS_OK);
    return model->active->gru;
}

/* In slices of so many rows; 0: as it would by itself. The arena keeps the result. */
static enum status evaluate(struct world *world, struct evaluation *evaluation, size_t slice_rows)
{
    enum status status = evaluation_begin(evaluation, &world->arena, &world->fault);
    return status == STATUS_OK ? prediction_finish(world, &evaluation->prediction, slice_rows)
                               : status;
}

static struct evaluation evaluation_of(struct world *world, const char *model,
                                       const struct evaluated *e)
{
    return (struct evaluation){ .prediction = { .gru = network(world, model) },
                                .x = e->x,
                                .n_rows = e->n_rows,
                                .y = e->y,
                                .horizon = e->horizon,
                                .season = e->season };
}

static struct evaluated load(struct world *world, const char *name)
{
    const struct gru_info *info = gru_model_info(network(world, name));
    int feeds[8];
    for (size_t o = 0; o < info->n_outputs; o++) {
        feeds[o] = info->outputs[o].feeds;
    }
    return evaluated_load(name, feeds);
}

/* The network, the roll-outs and the measures, all of which make.py has done by itself in double
 * precision; floats agree with them to some 1e-6. */
TEST(a_back_test_says_what_an_independent_one_says)
{
    for (const char *const *name = evaluated_names; *name; name++) {
        struct world world;
        start_with(&world, *name);
        struct evaluated e = load(&world, *name);
        struct evaluation evaluation = evaluation_of(&world, *name, &e);
        ck_assert_int_eq(evaluate(&world, &evaluation, 0), STATUS_OK);
        ck_assert_uint_eq(evaluation.back_test.n_done, e.n_windows);
        struct error_figures figures = back_test_all(&evaluation.back_test);
        expect_figures(*name, &figures, &e.all, ERROR_MAE, ERROR_SKILL_VS_SEASONAL_NAIVE, 1e-4);
        for (size_t h = 1; h <= e.horizon; h++) {
            figures = back_test_ahead(&evaluation.back_test, h);
            expect_figures(*name, &figures, &e.by_ahead[h - 1], ERROR_MAE,
                           ERROR_SKILL_VS_SEASONAL_NAIVE, 1e-4);
        }
        evaluated_free(&e);
        world_done(&world);
    }
}

/* Of a session that took the rows up to each origin, one by one. */
TEST(its_forecasts_are_those_of_a_session)
{
    enum { ROWS = 200, HORIZON = 5 };
    struct world world;
    world_init(&world);
    world_start(&world);
    struct gru_model *gru = network(&world, "m");
    double *x = readings(5, 1, ROWS), *values = calloc((size_t)ROWS * OUTPUTS, sizeof *values);
    struct evaluation evaluation = {
        .prediction = { .gru = gru }, .x = x, .n_rows = ROWS, .horizon = HORIZON, .level = 0.9
    };
    struct back_test twin = {
        .values = values, .n_values = ROWS, .n_outputs = OUTPUTS, .horizon = HORIZON, .level = 0.9
    };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t t = 0; t < ROWS; t++) {
        values[t * OUTPUTS] = x[t * INPUTS]; /* temp feeds temp; nothing is known of comfort */
        values[t * OUTPUTS + 1] = NAN;
    }
    ck_assert(back_test_begin(&twin, &arena));
    for (size_t t = 0; t + HORIZON < ROWS; t++) {
        double future[HORIZON];
        for (size_t h = 0; h < HORIZON; h++) {
            future[h] = x[(t + 1 + h) * INPUTS + 1];
        }
        struct sequence sequence = { .x = x, .n_rows = t + 1 };
        sequence.forecast_options = forecast_options_make(&world, HORIZON, future, HORIZON - 1);
        struct prediction prediction = {
            .gru = gru, .last_only = true, .n_sequences = 1, .sequences = &sequence
        };
        arena_reset(&world.arena);
        ck_assert_int_eq(prediction_make(&world, &prediction, &world.arena, 0), STATUS_OK);
        back_test_take(&twin, sequence.forecast);
    }
    arena_reset(&world.arena);
    ck_assert_int_eq(evaluate(&world, &evaluation, 0), STATUS_OK);
    ck_assert_uint_eq(evaluation.back_test.n_windows, twin.n_windows);
    ck_assert_mem_eq(evaluation.back_test.sums, twin.sums, HORIZON * OUTPUTS * sizeof *twin.sums);
    ck_assert_uint_gt(twin.sums[0].n_intervals, 100);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    arena_done(&arena);
    free(values);
    free(x);
    world_done(&world);
}

/* Of comfort, which feeds no input, only y tells what it should have been. */
TEST(all_outputs_have_intervals_where_y_has_their_truths)
{
    enum { ROWS = 100 };
    struct world world;
    world_init(&world);
    world_start(&world);
    double *x = readings(5, 1, ROWS), y[ROWS * OUTPUTS];
    for (size_t t = 0; t < ROWS; t++) {
        y[t * OUTPUTS] = NAN;
        y[t * OUTPUTS + 1] = x[t * INPUTS + 1];
    }
    for (int has_y = 0; has_y < 2; has_y++) {
        struct evaluation evaluation = { .prediction = { .gru = network(&world, "m") },
                                         .x = x,
                                         .y = has_y ? y : NULL,
                                         .n_rows = ROWS,
                                         .horizon = 2,
                                         .level = 0.9 };
        ck_assert_int_eq(evaluate(&world, &evaluation, 0), STATUS_OK);
        const struct back_test *test = &evaluation.back_test;
        ck_assert_uint_gt(back_test_output(test, 0).n_intervals, 100);
        ck_assert_int_eq(back_test_output(test, 1).n_intervals > 100, has_y);
        ck_assert_uint_eq(test->layout.n_tracked, has_y ? OUTPUTS : 1);
        arena_reset(&world.arena);
    }
    free(x);
    world_done(&world);
}

/* With roll-outs and without. */
TEST(no_bit_of_an_evaluation_depends_on_its_slices)
{
    enum { ROWS = 300 };
    static const size_t slices[] = { 1, 7, 64, 129, 1000 }, horizons[] = { 1, 6 };
    struct world world;
    world_init(&world);
    world_start(&world);
    double *x = readings(5, 1, ROWS);
    struct arena arena;
    arena_init(&arena, 1 << 24);
    for (size_t h = 0; h < 2; h++) {
        struct evaluation whole = { .prediction = { .gru = network(&world, "m") },
                                    .x = x,
                                    .n_rows = ROWS,
                                    .horizon = horizons[h],
                                    .season = 3,
                                    .level = 0.9 };
        struct evaluation cut[5];
        for (size_t k = 0; k < 5; k++) {
            cut[k] = whole;
            ck_assert_int_eq(evaluation_begin(&cut[k], &arena, &world.fault), STATUS_OK);
            ck_assert_int_eq(prediction_finish(&world, &cut[k].prediction, slices[k]), STATUS_OK);
        }
        ck_assert_int_eq(evaluation_begin(&whole, &arena, &world.fault), STATUS_OK);
        ck_assert_int_eq(prediction_finish(&world, &whole.prediction, SIZE_MAX), STATUS_OK);
        for (size_t k = 0; k < 5; k++) {
            ck_assert_mem_eq(cut[k].back_test.sums, whole.back_test.sums,
                             horizons[h] * OUTPUTS * sizeof *whole.back_test.sums);
        }
    }
    arena_done(&arena);
    free(x);
    world_done(&world);
}

TEST(a_slice_of_an_evaluation_is_no_longer_than_it_may_be)
{
    enum { ROWS = 400, HORIZON = 4, SLICE = 50 };
    struct world world;
    world_init(&world);
    world_start(&world);
    double *x = readings(5, 1, ROWS);
    struct evaluation evaluation = {
        .prediction = { .gru = network(&world, "m") }, .x = x, .n_rows = ROWS, .horizon = HORIZON
    };
    struct prediction *prediction = &evaluation.prediction;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(evaluation_begin(&evaluation, &arena, &world.fault), STATUS_OK);
    ck_assert_uint_eq(prediction->n_rows_left, (ROWS - HORIZON) * HORIZON);
    ck_assert_uint_le(prediction->n_rows_left, evaluation_rows(prediction->gru, ROWS, HORIZON));
    prediction->slice_rows = SLICE;
    size_t n_used = arena.used;
    double y[OUTPUTS];
    for (uint64_t step = 1; prediction->n_rows_left > 0; step++) {
        size_t n_before = prediction->n_rows_left;
        ck_assert_int_eq(predict_go_on(world.context, prediction, &world.fault), STATUS_OK);
        ck_assert_uint_gt(n_before, prediction->n_rows_left);
        ck_assert_uint_lt(n_before - prediction->n_rows_left, SLICE + 128); /* a pass of lanes */
        expect_step(&world, "s", 8, step, y);
    }
    ck_assert_uint_eq(arena.used, n_used);
    predict_end(prediction);
    arena_done(&arena);
    free(x);
    world_done(&world);
}

/* ---- what is refused ---- */

static void expect_refusal(struct world *world, struct evaluation evaluation, enum status status,
                           const char *param, const char *part)
{
    arena_reset(&world->arena);
    ck_assert_int_eq(evaluate(world, &evaluation, 0), status);
    ck_assert_str_eq(world->fault.param, param);
    ck_assert_msg(strstr(world->fault.message, part), "%s", world->fault.message);
}

TEST(a_series_too_short_is_refused_with_the_rows_that_are_needed)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    double *x = readings(5, 1, 20);
    struct evaluation evaluation = {
        .prediction = { .gru = network(&world, "m") }, .x = x, .n_rows = 4, .horizon = 4
    };
    expect_refusal(&world, evaluation, STATUS_SERIES_TOO_SHORT, "x", "at least 5");
    evaluation.n_rows = 0;
    expect_refusal(&world, evaluation, STATUS_SERIES_TOO_SHORT, "x", "0 rows");
    evaluation.n_rows = 20;
    evaluation.season = 20;
    expect_refusal(&world, evaluation, STATUS_SERIES_TOO_SHORT, "season", "at least 21");
    evaluation.season = 19;
    ck_assert_int_eq(evaluate(&world, &evaluation, 0), STATUS_OK);
    for (size_t t = 1; t < 20; t++) {
        x[t * INPUTS] = NAN;
    }
    expect_refusal(&world, evaluation, STATUS_SERIES_TOO_SHORT, "x", "no value");
    free(x);
    world_done(&world);
}

TEST(truths_that_are_no_truths_are_refused)
{
    struct world world;
    start_with(&world, "several");
    struct evaluated e = load(&world, "several");
    struct evaluation evaluation = evaluation_of(&world, "several", &e);
    e.y[7 * 3 + 1] = e.x[8 * 3 + 1];
    ck_assert_int_eq(evaluate(&world, &evaluation, 0), STATUS_OK);
    e.y[7 * 3 + 1] += 1.0F;
    expect_refusal(&world, evaluation, STATUS_INVALID_VALUE, "y[7][1]", "send null");
    evaluated_free(&e);
    world_done(&world);
}

TEST(a_model_that_forecasts_no_input_needs_truths)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "class", network_file_of_other_shape());
    world_start(&world);
    const double x[] = { 1.0F, 2.0F, 3.0F }, y[] = { 0.5F, NAN, 0.25F }, none[] = { NAN, NAN, NAN };
    struct evaluation evaluation = {
        .prediction = { .gru = network(&world, "class") }, .x = x, .n_rows = 3, .horizon = 1
    };
    expect_refusal(&world, evaluation, STATUS_MISSING_FIELD, "y", "no output");
    evaluation.y = none;
    expect_refusal(&world, evaluation, STATUS_SERIES_TOO_SHORT, "y", "no value");
    evaluation.y = y;
    ck_assert_int_eq(evaluate(&world, &evaluation, 0), STATUS_OK);
    ck_assert_uint_eq(back_test_all(&evaluation.back_test).n, 2);
    world_done(&world);
}

TEST(what_a_model_cannot_run_through_is_named_by_its_row)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "m", network_file_that_is_strict());
    world_start(&world);
    double *x = readings(5, 1, 300);
    struct evaluation evaluation = {
        .prediction = { .gru = network(&world, "m") }, .x = x, .n_rows = 300, .horizon = 1
    };
    memcpy(x + (size_t)250 * INPUTS, huge, sizeof huge);
    expect_refusal(&world, evaluation, STATUS_NON_FINITE_RESULT, "x", "row 250");
    evaluation.horizon = 2;
    expect_refusal(&world, evaluation, STATUS_NON_FINITE_RESULT, "x", "row 250");
    x[299 * INPUTS + 1] = NAN;
    expect_refusal(&world, evaluation, STATUS_MISSING_INPUT, "x[299][1]", "'humidity'");
    free(x);
    world_done(&world);
}

TEST(an_evaluation_without_memory_is_refused)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    double *x = readings(5, 1, 3000);
    struct evaluation evaluation = {
        .prediction = { .gru = network(&world, "m") }, .x = x, .n_rows = 3000, .horizon = 3
    };
    struct arena small;
    for (size_t cap = 1000; cap < 40000; cap += 3000) {
        arena_init(&small, cap);
        ck_assert_int_eq(evaluation_begin(&evaluation, &small, &world.fault),
                         STATUS_REQUEST_TOO_LARGE);
        arena_done(&small);
    }
    free(x);
    world_done(&world);
}
