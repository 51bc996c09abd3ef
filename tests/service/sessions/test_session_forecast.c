/* Forecasts of sessions that are explained: as the session's last step is, and nothing changes. */
#include "service/scores/blend.h"
#include "service/scores/crossing.h"
#include "service/service_support.h"
#include "service/sessions/session_forecast.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY = 8, AHEAD = 3, LONG_HISTORY = 4096, MANY = 3000 };

static const struct explain_wish first_output = { .output = 0, .ahead = 1 };
static const struct explain_wish far = { .output = 1, .ahead = AHEAD };

static void start(struct world *world, size_t history)
{
    world_init(world);
    world->config.session_history = history;
    world_use_data(world);
    world_start(world);
}

static struct forecast_options options_of(struct world *world, const struct explain_wish *wish)
{
    static const double future[AHEAD] = { 0.3, -0.4, 0.1 };
    struct forecast_options options = forecast_options_make(world, AHEAD, future, AHEAD);
    options.explain = wish;
    return options;
}

/* To its end, in slices of so many rows (0: as it would by itself), whose number is returned. */
static size_t finish(struct world *world, struct session_forecast *forecast, size_t slice_rows)
{
    struct prediction *prediction = &forecast->prediction;
    size_t n_slices = 0;
    prediction->slice_rows = slice_rows > 0 ? slice_rows : prediction->slice_rows;
    for (; prediction->n_rows_left > 0; n_slices++) {
        ck_assert(!forecast->explanation.is_ready);
        ck_assert_int_eq(predict_go_on(world->context, prediction, &world->fault), STATUS_OK);
    }
    predict_end(prediction);
    ck_assert(forecast->explanation.is_ready);
    return n_slices;
}

static struct session_forecast forecast_of(struct world *world, const char *session,
                                           const struct forecast_options *options)
{
    struct session_forecast forecast;
    forecast_begin(world, &world->kept, session, options, &forecast);
    finish(world, &forecast, 0);
    return forecast;
}

static struct gru_explanation explained(struct world *world, const char *session,
                                        const struct explain_wish *wish)
{
    const struct forecast_options options = options_of(world, wish);
    const struct session_forecast forecast = forecast_of(world, session, &options);
    const struct gru_explanation *explanation = &forecast.explanation.result;
    ck_assert(explanation->value ==
              forecast.sequence.forecast[(wish->ahead - 1) * OUTPUTS + wish->output]);
    double sum = explanation->baseline + explanation->state + explanation->residual;
    for (size_t i = 0; i < INPUTS; i++) {
        sum += explanation->inputs[i];
    }
    ck_assert_double_eq_tol(sum, explanation->value, 1e-9);
    return *explanation;
}

static void expect_same_explanation(const struct gru_explanation *a,
                                    const struct gru_explanation *b)
{
    ck_assert(a->value == b->value && a->baseline == b->baseline && a->state == b->state &&
              a->residual == b->residual);
    expect_same_values(a->inputs, b->inputs, INPUTS);
}

/* In turns, with all slices between them. */
static void take(struct world *world, struct step *step)
{
    struct step *steps[] = { step };
    struct fault fault;
    while (!step->is_done) {
        service_context_turn(world->context);
        service_steps(world->context, steps, 1);
        if (step->slices) {
            enum status status = STATUS_OK;
            while (status == STATUS_OK && step->slices->n_rows_left > 0) {
                status = predict_go_on(world->context, step->slices, &fault);
            }
            step_end_slices(step, status, &fault);
        }
    }
    ck_assert_msg(step->fault.status == STATUS_OK, "%s", step->fault.message);
}

static struct step explained_step(struct world *world, const double *x, uint64_t seq,
                                  const struct explain_wish *wish)
{
    struct step step = step_make(world, "s", x);
    step.arena = &world->kept;
    step.may_slice = true;
    step.has_seq = step.may_fill = true;
    step.seq = seq;
    step.forecast_options = options_of(world, wish);
    return step;
}

/* ---- the law: a step's explanation is that of a forecast behind it ---- */

TEST(the_last_step_is_explained_again_with_the_same_bits)
{
    static const struct explain_wish wishes[] = { { 0, 1 }, { 1, 1 }, { 0, AHEAD }, { 1, 2 } };
    struct world world;
    start(&world, HISTORY);
    for (uint64_t number = 1; number <= 3 * HISTORY; number++) {
        const struct explain_wish *wish = &wishes[number % 4];
        double x[INPUTS];
        reading(3, number, x);
        x[number % INPUTS] = number % 5 == 0 ? (double)NAN : x[number % INPUTS];
        number += number == HISTORY / 2 || number == 2 * HISTORY ? number : 0; /* some are filled */
        struct step step = explained_step(&world, x, number, wish);
        take(&world, &step);
        const struct gru_explanation again = explained(&world, "s", wish);
        expect_same_explanation(&again, step.explanation);
        arena_reset(&world.kept);
    }
    world_done(&world);
}

TEST(a_forecast_that_is_explained_changes_nothing)
{
    struct world world;
    start(&world, HISTORY);
    expect_steps(&world, "s", 3, 1, 2 * HISTORY);
    const struct session before = session_get(&world, "s");
    explained(&world, "s", &far);
    const struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    expect_twin(&world, "s", 3, 2 * HISTORY + 1);
    world_done(&world);
}

TEST(another_version_explains_what_it_forecasts)
{
    struct world world;
    double x[INPUTS];
    start(&world, HISTORY);
    expect_steps(&world, "s", 3, 1, 2 * HISTORY);
    const struct gru_explanation first = explained(&world, "s", &far);
    world_activate(&world, world_put_version(&world, network_file(HIDDEN, SEED + 1)));
    const struct gru_explanation second = explained(&world, "s", &far);
    ck_assert(first.value != second.value && second.state == 0); /* it began with those readings */
    reading(3, 2 * HISTORY, x);
    struct step step = explained_step(&world, x, 2 * HISTORY, &far);
    take(&world, &step);
    expect_same_explanation(&second, step.explanation);
    world_done(&world);
}

/* ---- with what else a forecast has ---- */

TEST(what_is_explained_is_the_model_s_own_forecast)
{
    static const struct interval_levels levels = { 2, { 0.8, 0.9 } };
    static const struct crossing crossing = { 0, true, 0.5 };
    struct world world;
    start(&world, HISTORY);
    struct forecast_options options = options_of(&world, NULL);
    options.levels = &levels;
    options.crossing = &crossing;
    options.parts = TAIL_BLEND;
    for (uint64_t number = 1; number <= 120; number++) {
        double x[INPUTS];
        reading(3, number, x);
        struct step step = step_make(&world, "s", x);
        step.forecast_options = options;
        ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
    }
    struct session_forecast without;
    forecast_begin(&world, &world.kept, "s", &options, &without);
    ck_assert_int_eq(prediction_finish(&world, &without.prediction, 0), STATUS_OK);
    ck_assert(!without.explanation.is_ready && without.sequence.blend.is_told);
    options.explain = &first_output;
    const struct session_forecast with = forecast_of(&world, "s", &options);
    expect_same_values(with.sequence.forecast, without.sequence.forecast, AHEAD * OUTPUTS);
    expect_same_values(with.sequence.crossing.by_horizon, without.sequence.crossing.by_horizon,
                       AHEAD);
    for (size_t i = 0; i < levels.n; i++) {
        expect_same_values(with.sequence.intervals.of[i].lower,
                           without.sequence.intervals.of[i].lower, AHEAD * OUTPUTS);
    }
    const struct gru_explanation alone = explained(&world, "s", &first_output);
    expect_same_explanation(&with.explanation.result, &alone);
    ck_assert(alone.value != with.sequence.forecast[0]);
    world_done(&world);
}

/* ---- sessions without readings ---- */

TEST(without_kept_readings_all_is_the_state_s)
{
    struct world world;
    bool created;
    start(&world, HISTORY);
    expect_steps(&world, "s", 3, 1, 5);
    const struct gru_explanation whole = explained(&world, "s", &first_output);
    const struct session session = session_get(&world, "s");
    struct session_restore restore = restore_of(&session);
    restore.readings = NULL;
    restore.n_readings = 0;
    ck_assert_int_eq(session_put_whole(&world, "s", &restore, &created), STATUS_OK);
    const struct gru_explanation bare = explained(&world, "s", &first_output);
    ck_assert(bare.value == whole.value && bare.state == bare.value - bare.baseline);
    ck_assert(bare.state != 0 && bare.residual == 0);
    for (size_t i = 0; i < INPUTS; i++) {
        ck_assert(bare.inputs[i] == 0);
    }
    world_done(&world);
}

TEST(a_session_that_begins_has_nothing_to_explain)
{
    const struct session_restore restore = { .ttl_s = -1 };
    struct world world;
    struct session_forecast forecast;
    bool created;
    start(&world, HISTORY);
    ck_assert_int_eq(session_put_whole(&world, "s", &restore, &created), STATUS_OK);
    const struct forecast_options options = options_of(&world, &first_output);
    ck_assert_int_eq(session_forecast_begin(world.context, world_model(&world), "s", &options,
                                            &world.kept, &forecast, &world.fault),
                     STATUS_NO_READING);
    world_done(&world);
}

/* ---- long ones ---- */

TEST(no_slice_changes_a_bit)
{
    static const size_t slices[] = { 1, 50, 1000 };
    struct world world;
    start(&world, HISTORY);
    expect_steps(&world, "s", 3, 1, 2 * HISTORY);
    const struct forecast_options options = options_of(&world, &far);
    const struct gru_explanation whole = explained(&world, "s", &far);
    for (size_t k = 0; k < sizeof slices / sizeof *slices; k++) {
        struct session_forecast forecast;
        forecast_begin(&world, &world.kept, "s", &options, &forecast);
        const size_t n_slices = finish(&world, &forecast, slices[k]);
        ck_assert((n_slices > 1) == (slices[k] < 1000));
        expect_same_explanation(&forecast.explanation.result, &whole);
    }
    world_done(&world);
}

/* An arena whose bytes are counted. */
static void begin_counted(struct arena *arena, struct arena_total *total, atomic_size_t *most,
                          size_t cap)
{
    *most = (size_t)1 << 30;
    total->max = most;
    arena_init(arena, cap);
    arena->total = total;
}

TEST(a_long_explanation_is_made_in_slices_while_its_session_steps_on)
{
    struct world world;
    struct arena arena;
    struct arena_total total = { 0 };
    atomic_size_t most;
    struct session_forecast forecast;
    start(&world, LONG_HISTORY);
    expect_steps(&world, "s", 3, 1, MANY);
    const struct gru_explanation before = explained(&world, "s", &far);
    const struct forecast_options options = options_of(&world, &far);
    begin_counted(&arena, &total, &most, (size_t)1 << 30);
    forecast_begin(&world, &arena, "s", &options, &forecast);
    ck_assert(predict_is_long(&forecast.prediction));
    ck_assert_uint_gt(atomic_load(&total.used),
                      gru_explain_bytes(forecast.prediction.gru, MANY, AHEAD));
    expect_steps(&world, "s", 3, MANY + 1, MANY + 1);
    ck_assert_uint_gt(finish(&world, &forecast, 0), 1);
    expect_same_explanation(&forecast.explanation.result, &before);
    arena_done(&arena);
    ck_assert_uint_eq(atomic_load(&total.used), 0);
    expect_twin(&world, "s", 3, MANY + 2);
    world_done(&world);
}

TEST(a_client_that_leaves_leaves_nothing_behind)
{
    struct world world;
    struct arena arena;
    struct arena_total total = { 0 };
    atomic_size_t most;
    struct session_forecast forecast;
    start(&world, LONG_HISTORY);
    expect_steps(&world, "s", 3, 1, MANY);
    const struct forecast_options options = options_of(&world, &far);
    for (size_t n_slices = 0; n_slices < 2; n_slices++) {
        begin_counted(&arena, &total, &most, (size_t)1 << 30);
        forecast_begin(&world, &arena, "s", &options, &forecast);
        for (size_t k = 0; k < n_slices; k++) {
            ck_assert_int_eq(predict_go_on(world.context, &forecast.prediction, &world.fault),
                             STATUS_OK);
        }
        ck_assert_uint_gt(forecast.prediction.n_rows_left, 0);
        predict_end(&forecast.prediction);
        arena_done(&arena);
        ck_assert_uint_eq(atomic_load(&total.used), 0);
    }
    expect_twin(&world, "s", 3, MANY + 1);
    world_done(&world);
}

TEST(an_explanation_that_takes_too_much_memory_is_refused)
{
    struct world world;
    struct arena arena;
    struct arena_total total = { 0 };
    atomic_size_t most;
    struct session_forecast forecast;
    start(&world, LONG_HISTORY);
    expect_steps(&world, "s", 3, 1, MANY);
    const struct forecast_options options = options_of(&world, &far);
    begin_counted(&arena, &total, &most, (size_t)1 << 20);
    ck_assert_int_eq(session_forecast_begin(world.context, world_model(&world), "s", &options,
                                            &arena, &forecast, &world.fault),
                     STATUS_REQUEST_TOO_LARGE);
    ck_assert_str_eq(world.fault.param, "explain");
    arena_done(&arena);
    ck_assert_uint_eq(atomic_load(&total.used), 0);
    expect_twin(&world, "s", 3, MANY + 1);
    world_done(&world);
}
