/* Steps that are worked out before their session is touched: those with a long forecast. */
#include "service/service_support.h"
#include "service/sessions/step_ahead.h"
#include "service/sessions/step_place.h"
#include "test.h"

#include <string.h>

enum { LONG_ROWS = 100000 }; /* a few slices of the network that tests have */

static struct step long_step(struct world *world, const char *session, const double *x)
{
    static double future[LONG_ROWS];
    struct step step = step_make(world, session, x);
    step.arena = &world->kept; /* other steps are made meanwhile */
    step.may_slice = true;
    step.forecast_options = forecast_options_make(world, LONG_ROWS, future, LONG_ROWS);
    return step;
}

static void hand_in(struct world *world, struct step *step)
{
    struct step *steps[] = { step };
    service_context_turn(world->context);
    service_steps(world->context, steps, 1);
}

static uint64_t n_forecast_rows(struct world *world)
{
    struct service_figures figures;
    service_read_figures(world->service, &figures);
    return figures.n_forecast_rows;
}

/* To the end of the slices; none has more rows than one may have. */
static void slice(struct world *world, struct step *step)
{
    struct fault fault;
    enum status status = STATUS_OK;
    ck_assert_ptr_nonnull(step->slices);
    while (status == STATUS_OK && step->slices->n_rows_left > 0) {
        uint64_t before = n_forecast_rows(world);
        status = predict_go_on(world->context, step->slices, &fault);
        ck_assert_uint_le(n_forecast_rows(world) - before,
                          slice_rows(world_model(world)->active->gru));
    }
    step_end_slices(step, status, &fault);
}

static void expect_forecast_of_session(struct world *world, const struct step *step)
{
    struct session_forecast forecast;
    struct arena arena;
    arena_init(&arena, (size_t)1 << 30);
    forecast_begin(world, &arena, step->session, &step->forecast_options, &forecast);
    ck_assert_int_eq(prediction_finish(world, &forecast.prediction, 0), STATUS_OK);
    ck_assert_uint_eq(forecast.step, step->number);
    ck_assert_uint_eq(step->n_forecast, LONG_ROWS);
    expect_same_values(step->forecast, forecast.sequence.forecast, LONG_ROWS * OUTPUTS);
    arena_done(&arena);
}

TEST(a_long_forecast_of_a_step_is_made_in_slices_before_the_step_is_done)
{
    struct world world;
    double x[INPUTS], y[OUTPUTS];
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    expect_steps(&world, "s", 3, 1, 5);
    reading(3, 6, x);
    struct session before = session_get(&world, "s");
    struct step step = long_step(&world, "s", x);
    hand_in(&world, &step);
    ck_assert(!step.is_done && step.slices);
    ck_assert_uint_eq(n_forecast_rows(&world), 0);
    slice(&world, &step);
    struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    hand_in(&world, &step);
    ck_assert(step.is_done);
    ck_assert_int_eq(step.fault.status, STATUS_OK);
    ck_assert_uint_eq(step.number, 6);
    twin(&world, NULL, 3, 1, 6, y);
    expect_same_values(step.y, y, OUTPUTS);
    expect_forecast_of_session(&world, &step);
    expect_twin(&world, "s", 3, 7);
    world_done(&world);
}

TEST(a_long_forecast_of_a_first_step_makes_no_session_before_it_is_done)
{
    struct world world;
    double x[INPUTS];
    world_init(&world);
    world.config.session_max = 1;
    world.config.session_full = CONFIG_EVICT;
    world_start(&world);
    expect_steps(&world, "old", 3, 1, 5);
    reading(3, 1, x);
    struct step step = long_step(&world, "new", x);
    hand_in(&world, &step);
    slice(&world, &step);
    ck_assert_uint_eq(session_get(&world, "old").row.step, 5);
    hand_in(&world, &step);
    ck_assert(step.is_done && step.number == 1);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    expect_forecast_of_session(&world, &step);
    world_done(&world);
}

TEST(a_session_that_moves_on_meanwhile_lets_the_step_begin_anew)
{
    struct world world;
    double x[INPUTS];
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    expect_steps(&world, "s", 3, 1, 5);
    reading(3, 7, x);
    struct step step = long_step(&world, "s", x);
    hand_in(&world, &step);
    slice(&world, &step);
    expect_steps(&world, "s", 3, 6, 6);
    hand_in(&world, &step);
    ck_assert(!step.is_done);
    slice(&world, &step);
    world_activate(&world, world_put_version(&world, network_file(HIDDEN, 77)));
    hand_in(&world, &step);
    ck_assert(!step.is_done);
    slice(&world, &step);
    hand_in(&world, &step);
    ck_assert(step.is_done);
    ck_assert_uint_eq(step.number, 7);
    ck_assert_uint_eq(step.version, 2);
    expect_forecast_of_session(&world, &step);
    world_done(&world);
}

TEST(a_session_that_never_rests_refuses_the_step_in_the_end)
{
    struct world world;
    double x[INPUTS];
    uint64_t number = 5;
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 3, 1, number);
    reading(3, 100, x);
    struct step step = long_step(&world, "s", x);
    for (hand_in(&world, &step); !step.is_done; hand_in(&world, &step)) {
        slice(&world, &step);
        ck_assert_uint_lt(number, 50);
        number++;
        expect_steps(&world, "s", 3, number, number);
    }
    ck_assert_int_eq(step.fault.status, STATUS_OVERLOADED);
    ck_assert_ptr_null(step.y);
    expect_twin(&world, "s", 3, number + 1);
    world_done(&world);
}

/* As one that needs a larger record, while sessions move to another layout again and again. */
TEST(a_short_step_is_never_given_up_and_takes_no_more_memory)
{
    struct world world;
    double x[INPUTS];
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 3, 1, 1);
    reading(3, 2, x);
    struct step step = step_make(&world, "s", x);
    step.arena = &world.kept;
    step.model = world_model(&world);
    const struct record_layout *layout = world_layout(&world);
    char *record = world_record(&world, "s");
    struct step_place place = { .state = record_state(layout, record_newest(layout, record)),
                                .layout = layout,
                                .record = record,
                                .n_rows = 1 };
    const char *end = NULL;
    for (place.last = 1; place.last <= 20; place.last++) {
        bool is_ready = false;
        service_context_turn(world.context);
        ck_assert_int_eq(step_ahead_go_on(world.context, &step, &place, &is_ready), STATUS_OK);
        ck_assert(is_ready);
        end = place.last == 1 ? world.kept.p : end;
        ck_assert_ptr_eq(world.kept.p, end);
    }
    world_done(&world);
}

TEST(later_steps_of_the_session_wait_and_one_alone_is_worked_on)
{
    struct world world;
    double x[INPUTS];
    world_init(&world);
    world_start(&world);
    reading(3, 1, x);
    struct step first = long_step(&world, "s", x), second = long_step(&world, "s", x),
                third = step_make(&world, "s", x), other = step_make(&world, "t", x);
    second.may_slice = false;
    struct step *steps[] = { &first, &second, &third, &other };
    service_steps(world.context, steps, 4);
    ck_assert(first.slices && !second.slices && !first.is_done && !third.is_done);
    ck_assert(other.is_done);
    slice(&world, &first);
    service_steps(world.context, steps, 4);
    ck_assert(first.is_done && first.number == 1 && !second.slices && !third.is_done);
    second.may_slice = true;
    service_steps(world.context, steps, 4);
    slice(&world, &second);
    service_steps(world.context, steps, 4);
    ck_assert(second.is_done && second.number == 2);
    ck_assert(third.is_done && third.number == 3);
    world_done(&world);
}

TEST(a_long_forecast_that_fails_changes_nothing)
{
    struct world world;
    double x[INPUTS];
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 3, 1, 5);
    reading(3, 6, x);
    struct session before = session_get(&world, "s");
    struct step step = long_step(&world, "s", x);
    hand_in(&world, &step);
    const struct fault fault = { .status = STATUS_NON_FINITE_RESULT, .message = "too far" };
    step_end_slices(&step, fault.status, &fault);
    ck_assert(step.is_done && !step.slices);
    ck_assert_int_eq(step.fault.status, STATUS_NON_FINITE_RESULT);
    struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    world_done(&world);
}

/* Rows that fill a gap are bounded, too: what is too much for one call goes on in the next. */
TEST(a_gap_is_worked_out_over_as_many_calls_as_it_takes)
{
    enum { GAP = 200000 };
    struct world world;
    const double x[INPUTS] = { 1, 2 };
    world_init(&world);
    world.config.gap_max = GAP;
    world_start(&world);
    struct step step = step_make(&world, "s", x);
    step.has_seq = step.may_fill = true;
    step.seq = GAP;
    unsigned n_calls = 0;
    while (!step.is_done) {
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
        hand_in(&world, &step);
        n_calls++;
    }
    ck_assert_int_eq(step.fault.status, STATUS_OK);
    ck_assert_uint_ge(n_calls, GAP / slice_rows(world_model(&world)->active->gru));
    ck_assert_uint_eq(session_get(&world, "s").row.step, GAP);
    world_done(&world);
}
