#include "service/service_support.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the law: T steps are one sequence ---- */

/* The prediction of readings 1..n of a stream: [n][OUTPUTS] in the arena. */
static const double *predict(struct world *world, uint64_t stream, size_t n)
{
    double *x = readings(stream, 1, n);
    struct sequence sequence = { .x = x, .n_rows = n };
    struct prediction prediction = { .gru = world_model(world)->active->gru,
                                     .n_sequences = 1,
                                     .sequences = &sequence };
    ck_assert_int_eq(prediction_make(world, &prediction, &world->arena, 0), STATUS_OK);
    free(x);
    return sequence.y;
}

/* Hands in 60 steps of each of several sessions, in batches whose sizes and order vary: batch b
 * takes the next `b % 5 + 1` steps of each session, sessions interleaved. */
static void step_in_batches(struct world *world, size_t n_sessions, size_t n_steps, double *y)
{
    enum { MOST = 5 };
    size_t room = n_sessions * MOST;
    struct step *steps = calloc(room, sizeof *steps);
    struct step **handed = calloc(room, sizeof *handed);
    double(*x)[INPUTS] = calloc(room, sizeof *x);
    for (size_t first = 0, batch = 0; first < n_steps; batch++) {
        size_t each = batch % MOST + 1 < n_steps - first ? batch % MOST + 1 : n_steps - first,
               n = 0;
        for (size_t t = 0; t < each; t++) {
            for (size_t s = 0; s < n_sessions; s++, n++) {
                char id[32];
                snprintf(id, sizeof id, "s%zu", s);
                reading(s, first + t + 1, x[n]);
                steps[n] = step_make(world, id, x[n]);
                steps[n].has_seq = (s + t) % 2 == 0;
                steps[n].seq = first + t + 1;
                handed[n] = &steps[n];
            }
        }
        service_context_turn(world->context);
        service_steps(world->context, handed, n);
        for (size_t k = 0; k < n; k++) {
            ck_assert_msg(steps[k].is_done && steps[k].fault.status == STATUS_OK, "%s",
                          steps[k].fault.message);
            size_t s = k % n_sessions;
            ck_assert_uint_eq(steps[k].number, first + k / n_sessions + 1);
            memcpy(y + (s * n_steps + steps[k].number - 1) * OUTPUTS, steps[k].y,
                   OUTPUTS * sizeof *y);
        }
        first += each;
    }
    free(steps);
    free(handed);
    free(x);
}

static void expect_steps_to_be_sequences(size_t n_sessions, size_t n_steps)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    double *y = calloc(n_sessions * n_steps, OUTPUTS * sizeof *y);
    ck_assert_ptr_nonnull(y);
    step_in_batches(&world, n_sessions, n_steps, y);
    for (size_t s = 0; s < n_sessions; s++) {
        arena_reset(&world.arena);
        expect_same_values(y + s * n_steps * OUTPUTS, predict(&world, s, n_steps),
                           n_steps * OUTPUTS);
    }
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), n_sessions);
    free(y);
    world_done(&world);
}

TEST(steps_of_interleaved_sessions_are_whole_sequences_bit_for_bit)
{
    expect_steps_to_be_sequences(7, 60);
}

TEST(batches_larger_than_a_window_of_lanes_are_whole_sequences_too)
{
    expect_steps_to_be_sequences(SERVICE_CONTEXT_LANES + 41, 12);
}

TEST(many_steps_of_one_session_in_one_batch_are_done_in_order)
{
    enum { STEPS = 3 * SERVICE_CONTEXT_LANES + 5 };
    struct world world;
    world_init(&world);
    world_start(&world);
    static struct step steps[STEPS];
    static struct step *handed[STEPS];
    double *x = readings(1, 1, STEPS);
    for (size_t k = 0; k < STEPS; k++) {
        steps[k] = step_make(&world, "one", x + k * INPUTS);
        handed[k] = &steps[k];
    }
    service_steps(world.context, handed, STEPS);
    const double *y = predict(&world, 1, STEPS);
    for (size_t k = 0; k < STEPS; k++) {
        ck_assert(steps[k].is_done && steps[k].fault.status == STATUS_OK);
        ck_assert_uint_eq(steps[k].number, k + 1);
        expect_same_values(steps[k].y, y + k * OUTPUTS, OUTPUTS);
    }
    free(x);
    world_done(&world);
}

TEST(one_failure_in_a_batch_leaves_the_others_alone)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "m", network_file_that_overflows());
    world_start(&world);
    double *x = readings(2, 1, 2);
    struct step steps[] = { step_make(&world, "a", x), step_make(&world, "a", huge),
                            step_make(&world, "bad", huge), step_make(&world, "a", x + INPUTS) };
    struct step *handed[] = { &steps[0], &steps[1], &steps[2], &steps[3] };
    service_steps(world.context, handed, 4);
    ck_assert_int_eq(steps[0].fault.status, STATUS_OK);
    ck_assert_int_eq(steps[1].fault.status, STATUS_NON_FINITE_RESULT);
    ck_assert_int_eq(steps[2].fault.status, STATUS_NON_FINITE_RESULT);
    ck_assert_int_eq(steps[3].fault.status, STATUS_OK);
    ck_assert_uint_eq(steps[3].number, 2);
    double y[OUTPUTS];
    twin(&world, NULL, 2, 1, 2, y);
    expect_same_values(steps[3].y, y, OUTPUTS);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    free(x);
    world_done(&world);
}

TEST(models_of_one_batch_do_not_mix)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "other", network_file(5, 77));
    world_start(&world);
    enum { STEPS = 20 };
    struct step steps[STEPS];
    struct step *handed[STEPS];
    double *x = readings(9, 1, STEPS / 2);
    for (size_t k = 0; k < STEPS; k++) {
        steps[k] = step_make(&world, "same-id", x + k / 2 * INPUTS);
        snprintf(steps[k].model_name, sizeof steps[k].model_name, "%s", k % 2 ? "other" : "m");
        handed[k] = &steps[k];
    }
    service_steps(world.context, handed, STEPS);
    const struct model *model;
    ck_assert_int_eq(model_find(world.context, "other", &model, &world.fault), STATUS_OK);
    for (size_t k = 0; k < STEPS; k++) {
        double y[OUTPUTS];
        ck_assert_int_eq(steps[k].fault.status, STATUS_OK);
        twin(&world, k % 2 ? model->active->gru : NULL, 9, 1, k / 2 + 1, y);
        expect_same_values(steps[k].y, y, OUTPUTS);
    }
    free(x);
    world_done(&world);
}

/* ---- steps that fail ---- */

/* Steps that fail, whatever the session: none may leave a trace. */
static void fail_in_all_ways(struct world *world, const char *session, bool is_new)
{
    const double fine[INPUTS] = { 0.5F, 0.5F }, missing[INPUTS] = { NAN, 0.5F };
    struct step step;
    ck_assert_int_eq(step_x(world, session, huge, &step), STATUS_NON_FINITE_RESULT);
    ck_assert_int_eq(step_x(world, session, missing, &step), STATUS_MISSING_INPUT);
    ck_assert_str_eq(step.fault.param, "x[0]");
    step = step_make(world, session, fine);
    step.forecast_options.horizon = 5; /* without the future rows of `humidity` */
    ck_assert_int_eq(step_take(world, &step), STATUS_WRONG_LENGTH);
    ck_assert_ptr_null(step.y);
    const double future[4 * 1] = { 0, NAN, 0, 0 };
    step = step_make(world, session, fine);
    step.forecast_options = forecast_options_make(world, 5, future, 4);
    ck_assert_int_eq(step_take(world, &step), STATUS_MISSING_INPUT);
    const double endless[4 * 1] = { 3e38F, 3e38F, 3e38F, 3e38F };
    step = step_make(world, session, huge);
    step.forecast_options = forecast_options_make(world, 5, endless, 4);
    ck_assert_int_eq(step_take(world, &step), STATUS_NON_FINITE_RESULT);
    step = step_make(world, session, fine);
    step.has_seq = true;
    step.seq = is_new ? 2 : 1000;
    ck_assert_int_eq(step_take(world, &step), STATUS_SEQUENCE_MISMATCH);
    struct arena small;
    arena_init(&small, 20000);
    step = step_make(world, session, fine);
    step.arena = &small;
    step.forecast_options = forecast_options_make(world, 5000, endless, 4);
    ck_assert_int_eq(step_take(world, &step), STATUS_REQUEST_TOO_LARGE);
    arena_done(&small);
}

TEST(a_step_that_fails_leaves_the_session_as_it_was)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_add_model(&world, "m", network_file_that_is_strict());
    world_start(&world);
    for (uint64_t number = 1; number <= 12; number++) {
        double y[OUTPUTS];
        expect_step(&world, "s", 4, number, y);
        struct session before = session_get(&world, "s");
        fail_in_all_ways(&world, "s", false);
        struct session after = session_get(&world, "s");
        expect_same_session(&before, &after, true);
        expect_y(after.gru, after.state, y);
    }
    world_restart(&world);
    expect_twin(&world, "s", 4, 13);
    world_done(&world);
}

TEST(a_first_step_that_fails_creates_no_session)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.session_max = 3;
    world_add_model(&world, "m", network_file_that_is_strict());
    world_start(&world);
    for (int k = 0; k < 5; k++) {
        fail_in_all_ways(&world, "s", true);
    }
    struct session session;
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    ck_assert_int_eq(
        session_read(world.context, world_model(&world), "s", &world.arena, &session, &world.fault),
        STATUS_SESSION_NOT_FOUND);
    world_restart(&world);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    expect_twin(&world, "s", 4, 1);
    struct service_figures figures;
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_sessions_created, 1);
    ck_assert_uint_eq(figures.n_steps, 1);
    world_done(&world);
}

TEST(a_horizon_on_a_model_without_feedback_is_refused)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "m", network_file_of_other_shape());
    world_start(&world);
    const double x[1] = { 1 };
    struct step step = step_make(&world, "s", x);
    step.forecast_options.horizon = 2;
    ck_assert_int_eq(step_take(&world, &step), STATUS_HORIZON_NOT_SUPPORTED);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    world_done(&world);
}

TEST(a_step_on_an_unknown_model_is_refused)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const double x[INPUTS] = { 1, 1 };
    struct step step = step_make(&world, "s", x);
    snprintf(step.model_name, sizeof step.model_name, "nowhere");
    ck_assert_int_eq(step_take(&world, &step), STATUS_MODEL_NOT_FOUND);
    world_done(&world);
}

/* ---- claims ---- */

TEST(a_session_in_use_elsewhere_waits_and_so_do_its_later_steps)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 1);
    struct pool *pool = world_pool(&world);
    struct pool_key key = pool_key_of("s");
    uint32_t slot;
    ck_assert_int_eq(pool_claim(pool, &key, 4242, 0, &slot, &world.fault), CLAIM_OK);
    double *x = readings(1, 2, 4);
    struct step steps[] = { step_make(&world, "s", x), step_make(&world, "free", x),
                            step_make(&world, "s", x + INPUTS),
                            step_make(&world, "s", x + 2 * INPUTS) };
    struct step *handed[] = { &steps[0], &steps[1], &steps[2], &steps[3] };
    service_steps(world.context, handed, 4);
    ck_assert(!steps[0].is_done && steps[1].is_done && !steps[2].is_done && !steps[3].is_done);
    pool_release(pool, slot);
    service_context_turn(world.context);
    service_steps(world.context, handed, 4);
    ck_assert(steps[0].number == 2 && steps[2].number == 3 && steps[3].number == 4);
    ck_assert_uint_eq(steps[1].number, 1);
    free(x);
    expect_twin(&world, "s", 1, 5);
    world_done(&world);
}

TEST(a_step_takes_no_memory_while_it_waits)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 1);
    struct pool *pool = world_pool(&world);
    struct pool_key key = pool_key_of("s");
    struct arena small;
    uint32_t slot;
    double x[INPUTS];
    reading(1, 2, x);
    arena_init(&small, 20000);
    ck_assert_int_eq(pool_claim(pool, &key, 4242, 0, &slot, &world.fault), CLAIM_OK);
    struct step step = step_make(&world, "s", x);
    struct step *handed[] = { &step };
    step.arena = &small;
    for (int turn = 0; turn < 10000; turn++) {
        service_context_turn(world.context);
        service_steps(world.context, handed, 1);
        ck_assert(turn % 1000 || !step.is_done);
    }
    pool_release(pool, slot);
    ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
    arena_done(&small);
    world_done(&world);
}

/* ---- forecast errors ---- */

TEST(errors_are_the_means_over_what_was_forecast)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    enum { STEPS = 50 };
    double sum = 0, squares = 0;
    double y[OUTPUTS] = { 0 }, x[INPUTS];
    for (uint64_t number = 1; number <= STEPS; number++) {
        reading(6, number, x);
        double miss = (double)x[0] - (double)y[0];
        sum += number > 1 ? fabs(miss) : 0;
        squares += number > 1 ? miss * miss : 0;
        expect_step(&world, "s", 6, number, y);
    }
    struct session session = session_get(&world, "s");
    ck_assert_uint_eq(session.errors.n[0], STEPS - 1);
    ck_assert_double_eq_tol((double)session.errors.mae[0], sum / (STEPS - 1), 1e-5);
    ck_assert_double_eq_tol((double)session.errors.rmse[0], sqrt(squares / (STEPS - 1)), 1e-5);
    ck_assert_uint_eq(session.errors.n[1], 0); /* comfort feeds nothing */
    ck_assert(isnan(session.errors.mae[1]) && isnan(session.errors.rmse[1]));
    world_done(&world);
}

TEST(errors_stay_finite_whatever_the_readings)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    static const double extremes[][INPUTS] = {
        { 3e38F, 0 }, { -3e38F, 0 }, { 1e30F, 0 }, { 0, 0 }, { 1, 1 }
    };
    struct step step;
    for (size_t k = 0; k < 20; k++) {
        ck_assert_int_eq(step_x(&world, "s", extremes[k % 5], &step), STATUS_OK);
        struct session session = session_get(&world, "s");
        ck_assert(k == 0 || (isfinite(session.errors.mae[0]) && isfinite(session.errors.rmse[0])));
    }
    world_done(&world);
}
