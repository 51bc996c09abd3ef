/* Steps that are explained: by the library, from the readings that their session keeps. */
#include "service/service_support.h"
#include "service/sessions/step_explain.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY = 8, AHEAD = 3 };

static const struct explain_wish first_output = { .output = 0, .ahead = 1 };

static void start(struct world *world, size_t history)
{
    world_init(world);
    world->config.session_history = history;
    world_use_data(world);
    world_start(world);
}

static struct step explained_step(struct world *world, const char *session, const double *x,
                                  const struct explain_wish *wish)
{
    static const double future[AHEAD] = { 0.3, -0.4, 0.1 };
    struct step step = step_make(world, session, x);
    step.arena = &world->kept;
    step.may_slice = true;
    if (wish->ahead > 1) {
        step.forecast_options = forecast_options_make(world, AHEAD, future, AHEAD);
    }
    step.forecast_options.explain = wish;
    return step;
}

/* In turns, with all slices between them; returns how many slices there were. */
static size_t take(struct world *world, struct step *step)
{
    struct step *steps[] = { step };
    struct fault fault;
    size_t n_slices = 0;
    while (!step->is_done) {
        service_context_turn(world->context);
        service_steps(world->context, steps, 1);
        if (!step->slices) {
            continue;
        }
        enum status status = STATUS_OK;
        for (; status == STATUS_OK && step->slices->n_rows_left > 0; n_slices++) {
            status = predict_go_on(world->context, step->slices, &fault);
        }
        step_end_slices(step, status, &fault);
    }
    return n_slices;
}

/* What the library says of readings first..last of the stream, in a session that has had all. */
static struct gru_explanation by_library(struct world *world, const struct step *step,
                                         uint64_t stream, uint64_t first, double inputs[INPUTS])
{
    struct gru_model *gru = world_model(world)->active->gru;
    const struct session session = session_get(world, step->session);
    double *x = readings(stream, first, session.row.step);
    const struct gru_question question = { .state = session.state,
                                           .x = x,
                                           .n_rows = session.row.step + 1 - first,
                                           .future = step->forecast_options.future,
                                           .n_future_rows = step->forecast_options.n_future_rows,
                                           .output = step->forecast_options.explain->output,
                                           .ahead = step->forecast_options.explain->ahead };
    struct gru_explain *explain;
    struct gru_explanation explanation;
    ck_assert_int_eq(gru_explain_create(gru, &question, &explain), GRU_OK);
    while (gru_explain_rows_left(explain) > 0) {
        ck_assert_int_eq(gru_explain_part(explain, world->context->work, SIZE_MAX), GRU_OK);
    }
    gru_explain_result(explain, &explanation);
    memcpy(inputs, explanation.inputs, INPUTS * sizeof *inputs);
    gru_explain_free(explain);
    free(x);
    return explanation;
}

/* That the step was explained, by readings first..its own. */
static void expect_explained(struct world *world, const struct step *step, uint64_t stream,
                             uint64_t first)
{
    double inputs[INPUTS];
    ck_assert_msg(step->fault.status == STATUS_OK, "%s", step->fault.message);
    ck_assert_ptr_nonnull(step->explanation);
    const struct gru_explanation wanted = by_library(world, step, stream, first, inputs);
    const struct gru_explanation *is = step->explanation;
    ck_assert(is->value == wanted.value && is->baseline == wanted.baseline &&
              is->state == wanted.state && is->residual == wanted.residual);
    expect_same_values(is->inputs, inputs, INPUTS);
    const size_t ahead = step->forecast_options.explain->ahead,
                 output = step->forecast_options.explain->output;
    ck_assert(is->value ==
              (ahead > 1 ? step->forecast[(ahead - 1) * OUTPUTS + output] : step->y[output]));
}

TEST(a_step_is_explained_by_the_readings_that_its_session_keeps)
{
    static const struct explain_wish wishes[] = { { 0, 1 }, { 1, 1 }, { 0, AHEAD }, { 1, 2 } };
    struct world world;
    start(&world, HISTORY);
    for (uint64_t number = 1; number <= 2 * HISTORY; number++) {
        double x[INPUTS];
        reading(3, number, x);
        struct step step = explained_step(&world, "s", x, &wishes[number % 4]);
        ck_assert_uint_eq(take(&world, &step), 0);
        ck_assert_uint_eq(step.number, number);
        expect_explained(&world, &step, 3, number > HISTORY ? number - HISTORY + 1 : 1);
        ck_assert((step.explanation->state == 0) == (number <= HISTORY));
        arena_reset(&world.kept);
    }
    expect_twin(&world, "s", 3, 2 * HISTORY + 1);
    world_done(&world);
}

TEST(steps_of_one_session_are_explained_in_order)
{
    struct world world;
    double x[3][INPUTS];
    struct step steps[3];
    struct step *all[3];
    start(&world, HISTORY);
    for (size_t k = 0; k < 3; k++) {
        reading(3, k + 1, x[k]);
        steps[k] = explained_step(&world, "s", x[k], &first_output);
        all[k] = &steps[k];
    }
    while (!steps[2].is_done) {
        service_context_turn(world.context);
        service_steps(world.context, all, 3);
    }
    for (size_t k = 0; k < 3; k++) {
        ck_assert_int_eq(steps[k].fault.status, STATUS_OK);
        ck_assert_uint_eq(steps[k].number, k + 1);
        ck_assert_ptr_nonnull(steps[k].explanation);
    }
    expect_explained(&world, &steps[2], 3, 1);
    expect_twin(&world, "s", 3, 4);
    world_done(&world);
}

TEST(a_step_that_was_made_is_explained_again)
{
    struct world world;
    double x[INPUTS];
    start(&world, HISTORY);
    expect_steps(&world, "s", 3, 1, 5);
    for (int k = 0; k < 3; k++) {
        reading(3, 5, x);
        struct step step = explained_step(&world, "s", x, &first_output);
        step.has_seq = true;
        step.seq = 5;
        take(&world, &step);
        expect_explained(&world, &step, 3, 1);
        ck_assert(!step.is_repeated && step.number == 5);
    }
    reading(3, 4, x);
    struct step step = explained_step(&world, "s", x, &first_output);
    step.has_seq = true;
    step.seq = 4;
    take(&world, &step);
    ck_assert(step.is_repeated && !step.explanation);
    expect_twin(&world, "s", 3, 6);
    world_done(&world);
}

TEST(readings_that_are_filled_are_explained_as_they_were_run)
{
    struct world world;
    double x[INPUTS];
    start(&world, HISTORY);
    expect_steps(&world, "s", 3, 1, 2);
    reading(3, 6, x);
    struct step step = explained_step(&world, "s", x, &first_output);
    step.has_seq = step.may_fill = true;
    step.seq = 6;
    take(&world, &step);
    ck_assert_int_eq(step.fault.status, STATUS_OK);
    ck_assert_uint_eq(step.number, 6);
    ck_assert(step.explanation->state == 0);
    ck_assert(fabs(step.explanation->residual) <= 1e-5);
    world_done(&world);
}

/* ---- long ones ---- */

enum { LONG_HISTORY = 4096, MANY = 3000 };

static void start_long(struct world *world, double **ret_x)
{
    start(world, LONG_HISTORY);
    expect_steps(world, "s", 3, 1, MANY);
    *ret_x = readings(3, MANY + 1, MANY + 2);
}

TEST(a_long_explanation_is_made_in_slices_before_the_step_is_done)
{
    struct world world;
    double *x;
    struct arena_total total = { 0 };
    atomic_size_t most = (size_t)1 << 30;
    total.max = &most;
    start_long(&world, &x);
    struct step step = explained_step(&world, "s", x, &first_output);
    struct arena arena;
    arena_init(&arena, (size_t)1 << 30);
    arena.total = &total;
    step.arena = &arena;
    struct step *steps[] = { &step };
    service_context_turn(world.context);
    service_steps(world.context, steps, 1);
    ck_assert(!step.is_done && step.slices);
    ck_assert_uint_gt(atomic_load(&total.used), gru_explain_bytes(step.slices->gru, MANY, 1));
    ck_assert_uint_eq(session_get(&world, "s").row.step, MANY);
    struct fault fault;
    size_t n_slices = 0;
    for (; step.slices->n_rows_left > 0; n_slices++) {
        ck_assert_int_eq(predict_go_on(world.context, step.slices, &fault), STATUS_OK);
        ck_assert_uint_le(step.slices->n_rows_run, 2 * step.slices->slice_rows);
    }
    step_end_slices(&step, STATUS_OK, &fault);
    ck_assert_uint_gt(n_slices, 1);
    take(&world, &step);
    expect_explained(&world, &step, 3, 1);
    arena_done(&arena);
    ck_assert_uint_eq(atomic_load(&total.used), 0);
    expect_twin(&world, "s", 3, MANY + 2);
    free(x);
    world_done(&world);
}

TEST(a_client_that_leaves_a_long_explanation_leaves_nothing_behind)
{
    struct world world;
    double *x;
    start_long(&world, &x);
    struct step step = explained_step(&world, "s", x, &first_output);
    struct step *steps[] = { &step };
    struct fault fault;
    service_context_turn(world.context);
    service_steps(world.context, steps, 1);
    ck_assert_int_eq(predict_go_on(world.context, step.slices, &fault), STATUS_OK);
    predict_end(step.slices);
    expect_twin(&world, "s", 3, MANY + 1);
    free(x);
    world_done(&world);
}

TEST(a_session_that_moves_on_is_explained_where_it_is_then)
{
    struct world world;
    double *x;
    start_long(&world, &x);
    struct step step = explained_step(&world, "s", x + INPUTS, &first_output);
    struct step *steps[] = { &step };
    service_context_turn(world.context);
    service_steps(world.context, steps, 1);
    ck_assert_ptr_nonnull(step.slices);
    expect_steps(&world, "s", 3, MANY + 1, MANY + 1);
    struct fault fault;
    while (step.slices->n_rows_left > 0) {
        ck_assert_int_eq(predict_go_on(world.context, step.slices, &fault), STATUS_OK);
    }
    step_end_slices(&step, STATUS_OK, &fault);
    take(&world, &step);
    ck_assert_uint_eq(step.number, MANY + 2);
    expect_explained(&world, &step, 3, 1);
    free(x);
    world_done(&world);
}

/* ---- what is refused ---- */

TEST(an_explanation_that_takes_too_much_memory_changes_nothing)
{
    struct world world;
    double *x;
    start_long(&world, &x);
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    struct step step = explained_step(&world, "s", x, &first_output);
    step.arena = &arena;
    take(&world, &step);
    ck_assert_int_eq(step.fault.status, STATUS_REQUEST_TOO_LARGE);
    ck_assert_str_eq(step.fault.param, "explain");
    arena_done(&arena);
    expect_twin(&world, "s", 3, MANY + 1);
    free(x);
    world_done(&world);
}

TEST(rows_that_another_version_does_not_forecast_are_refused)
{
    static const struct explain_wish far = { .output = 0, .ahead = 2 };
    struct world world;
    double x[INPUTS];
    start(&world, HISTORY);
    expect_steps(&world, "s", 3, 1, 2);
    reading(3, 3, x);
    struct step step = explained_step(&world, "s", x, &far);
    step.forecast_options.horizon = 0;
    take(&world, &step);
    ck_assert_int_eq(step.fault.status, STATUS_INVALID_VALUE);
    ck_assert_str_eq(step.fault.param, "explain.ahead");
    expect_twin(&world, "s", 3, 3);
    world_done(&world);
}
