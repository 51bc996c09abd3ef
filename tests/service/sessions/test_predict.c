#include "service/service_support.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status predict(struct world *world, struct sequence *sequences, size_t n,
                           bool last_only, bool has_instances)
{
    struct prediction prediction = { .gru = world_model(world)->active->gru,
                                     .last_only = last_only,
                                     .has_instances = has_instances,
                                     .n_sequences = n,
                                     .sequences = sequences };
    return prediction_make(world, &prediction, &world->arena, 0);
}

TEST(sequences_of_different_lengths_do_not_touch_each_other)
{
    enum { SEQUENCES = 37 };
    struct world world;
    world_init(&world);
    world_start(&world);
    struct sequence sequences[SEQUENCES], alone;
    double *x[SEQUENCES];
    for (size_t k = 0; k < SEQUENCES; k++) {
        x[k] = readings(k, 1, k % 11 + 1);
        sequences[k] = (struct sequence){ .x = x[k], .n_rows = k % 11 + 1 };
    }
    ck_assert_int_eq(predict(&world, sequences, SEQUENCES, false, true), STATUS_OK);
    for (size_t k = 0; k < SEQUENCES; k++) {
        alone = (struct sequence){ .x = x[k], .n_rows = k % 11 + 1 };
        ck_assert_int_eq(predict(&world, &alone, 1, false, false), STATUS_OK);
        expect_same_values(sequences[k].y, alone.y, alone.n_rows * OUTPUTS);
        double y[OUTPUTS];
        twin(&world, NULL, k, 1, alone.n_rows, y);
        expect_same_values(alone.y + (alone.n_rows - 1) * OUTPUTS, y, OUTPUTS);
        struct sequence last = { .x = x[k], .n_rows = k % 11 + 1 };
        ck_assert_int_eq(predict(&world, &last, 1, true, false), STATUS_OK);
        expect_same_values(last.y, y, OUTPUTS);
        ck_assert_ptr_null(alone.forecast);
        free(x[k]);
    }
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    world_done(&world);
}

TEST(a_forecast_after_a_sequence_is_that_of_a_session_that_saw_it)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    double *x = readings(5, 1, 20);
    const double future[6] = { 0.1F, 0.2F, NAN, 0.4F, 0.5F, 0.6F };
    const struct forecast_options forecast_options = forecast_options_make(&world, 7, future, 6);
    struct sequence sequence = { .x = x, .n_rows = 20, .forecast_options = forecast_options };
    ck_assert_int_eq(predict(&world, &sequence, 1, true, false), STATUS_OK);
    expect_steps(&world, "s", 5, 1, 20);
    arena_reset(&world.arena);
    ck_assert_int_eq(predict(&world, &sequence, 1, true, false), STATUS_OK);
    ck_assert_uint_eq(sequence.n_forecast, 7);
    for (size_t slice_rows = 1; slice_rows <= 8; slice_rows++) {
        struct session_forecast forecast;
        forecast_begin(&world, &world.arena, "s", &forecast_options, &forecast);
        ck_assert_uint_eq(forecast.step, 20);
        ck_assert_uint_eq(forecast.prediction.version, 1);
        ck_assert_int_eq(prediction_finish(&world, &forecast.prediction, slice_rows), STATUS_OK);
        ck_assert_uint_eq(forecast.sequence.n_forecast, 7);
        expect_same_values(sequence.forecast, forecast.sequence.forecast, (size_t)7 * OUTPUTS);
    }
    free(x);
    world_done(&world);
}

TEST(a_forecast_looks_ahead_of_the_step_that_it_began_at)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const double future[4] = { 0.1F, 0.2F, NAN, 0.4F };
    const struct forecast_options forecast_options = forecast_options_make(&world, 5, future, 4);
    struct arena arena; /* the world's is emptied at each step */
    struct session_forecast before, meanwhile, after;
    arena_init(&arena, 1 << 20);
    expect_steps(&world, "s", 5, 1, 20);
    forecast_begin(&world, &arena, "s", &forecast_options, &before);
    ck_assert_int_eq(prediction_finish(&world, &before.prediction, 0), STATUS_OK);
    forecast_begin(&world, &arena, "s", &forecast_options, &meanwhile);
    meanwhile.prediction.slice_rows = 2;
    ck_assert_int_eq(predict_go_on(world.context, &meanwhile.prediction, &world.fault), STATUS_OK);
    expect_steps(&world, "s", 5, 21, 22);
    ck_assert_int_eq(prediction_finish(&world, &meanwhile.prediction, 2), STATUS_OK);
    ck_assert_uint_eq(meanwhile.step, 20);
    expect_same_values(meanwhile.sequence.forecast, before.sequence.forecast, (size_t)5 * OUTPUTS);
    forecast_begin(&world, &arena, "s", &forecast_options, &after);
    ck_assert_int_eq(prediction_finish(&world, &after.prediction, 0), STATUS_OK);
    ck_assert_uint_eq(after.step, 22);
    ck_assert_mem_ne(after.sequence.forecast, before.sequence.forecast,
                     5 * OUTPUTS * sizeof(double));
    arena_done(&arena);
    world_done(&world);
}

/* A model that refuses missing readings. */
static void start_strict(struct world *world)
{
    world_init(world);
    world_add_model(world, "m", network_file_that_is_strict());
    world_start(world);
}

static void expect_wrong(struct world *world, struct sequence *sequences, size_t n,
                         enum status status, const char *param, const char *part)
{
    ck_assert_int_eq(predict(world, sequences, n, false, n > 1), status);
    ck_assert_str_eq(world->fault.param, param);
    ck_assert_msg(strstr(world->fault.message, part), "%s", world->fault.message);
}

TEST(what_is_wrong_with_a_sequence_is_named)
{
    struct world world;
    start_strict(&world);
    double *x = readings(5, 1, 6), *good = readings(6, 1, 6);
    struct sequence sequences[] = { { .x = good, .n_rows = 6 }, { .x = x, .n_rows = 6 } };
    x[3 * INPUTS + 1] = NAN;
    expect_wrong(&world, sequences, 2, STATUS_MISSING_INPUT, "instances[1].x[3][1]", "'humidity'");
    expect_wrong(&world, sequences + 1, 1, STATUS_MISSING_INPUT, "x[3][1]", "'humidity'");
    memcpy(x + 3 * INPUTS, huge, sizeof huge);
    expect_wrong(&world, sequences, 2, STATUS_NON_FINITE_RESULT, "instances[1].x", "row 3");
    expect_wrong(&world, sequences + 1, 1, STATUS_NON_FINITE_RESULT, "x", "row 3");
    free(x);
    free(good);
    world_done(&world);
}

TEST(what_is_wrong_with_the_future_of_a_sequence_is_named)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    double *x = readings(5, 1, 6);
    struct sequence sequences[] = { { .x = x, .n_rows = 6 },
                                    { .x = x, .n_rows = 6, .forecast_options = { .horizon = 3 } } };
    ck_assert_int_eq(predict(&world, sequences, 2, true, true), STATUS_WRONG_LENGTH);
    ck_assert_str_eq(world.fault.param, "instances[1].future");
    ck_assert_int_eq(predict(&world, sequences + 1, 1, true, false), STATUS_WRONG_LENGTH);
    ck_assert_str_eq(world.fault.param, "future");
    free(x);
    world_done(&world);
}

TEST(a_prediction_that_needs_too_much_memory_is_refused)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    double *x = readings(5, 1, 3000);
    struct sequence sequence = { .x = x, .n_rows = 3000 };
    struct prediction prediction = { .gru = world_model(&world)->active->gru,
                                     .n_sequences = 1,
                                     .sequences = &sequence };
    struct arena small;
    arena_init(&small, 20000);
    ck_assert_int_eq(predict_begin(&prediction, &small, &world.fault), STATUS_REQUEST_TOO_LARGE);
    arena_done(&small);
    free(x);
    world_done(&world);
}

TEST(a_named_version_predicts_though_another_is_active)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    unsigned number = world_put_version(&world, network_file(13, 13));
    const struct version *version;
    ck_assert_int_eq(version_find(world_model(&world), number, &version, &world.fault), STATUS_OK);
    double *x = readings(5, 1, 9), y[OUTPUTS];
    struct sequence sequence = { .x = x, .n_rows = 9 };
    struct prediction prediction = {
        .gru = version->gru, .last_only = true, .n_sequences = 1, .sequences = &sequence
    };
    ck_assert_int_eq(prediction_make(&world, &prediction, &world.arena, 0), STATUS_OK);
    twin(&world, version->gru, 5, 1, 9, y);
    expect_same_values(sequence.y, y, OUTPUTS);
    ck_assert_int_eq(version_find(world_model(&world), 99, &version, &world.fault),
                     STATUS_VERSION_NOT_FOUND);
    free(x);
    world_done(&world);
}

/* ---- slices ---- */

enum { CUT_SEQUENCES = 70, CUT_HORIZON = 6 };

/* Sequences of different lengths, with a forecast each but for some; in the arena. */
static struct prediction make_cut(struct world *world, double *x, const double *future,
                                  bool last_only)
{
    struct sequence *sequences = arena_array(&world->arena, CUT_SEQUENCES, sizeof *sequences);
    for (size_t k = 0; k < CUT_SEQUENCES; k++) {
        sequences[k] = (struct sequence){ .x = x + k * INPUTS, .n_rows = k % 13 + 1 };
        if (k % 5 != 0) {
            sequences[k].forecast_options =
                forecast_options_make(world, CUT_HORIZON, future, CUT_HORIZON - 1);
        }
    }
    return (struct prediction){ .gru = world_model(world)->active->gru,
                                .last_only = last_only,
                                .has_instances = true,
                                .n_sequences = CUT_SEQUENCES,
                                .sequences = sequences };
}

static void expect_same_prediction(const struct prediction *a, const struct prediction *b)
{
    for (size_t k = 0; k < CUT_SEQUENCES; k++) {
        const struct sequence *one = &a->sequences[k], *other = &b->sequences[k];
        expect_same_values(one->y, other->y, (a->last_only ? 1 : one->n_rows) * OUTPUTS);
        ck_assert_uint_eq(one->n_forecast, k % 5 == 0 ? 0 : CUT_HORIZON);
        ck_assert_uint_eq(other->n_forecast, one->n_forecast);
        expect_same_values(one->forecast, other->forecast, one->n_forecast * OUTPUTS);
    }
}

TEST(no_bit_of_a_prediction_depends_on_its_slices)
{
    static const size_t slices[] = { 1, 7, 64, 100, 1000 };
    const double future[CUT_HORIZON - 1] = { 0.1F, 0.2F, NAN, 0.4F, 0.5F };
    struct world world;
    world_init(&world);
    world_start(&world);
    double *x = readings(5, 1, CUT_SEQUENCES + 13);
    for (int last_only = 0; last_only < 2; last_only++) {
        struct prediction whole = make_cut(&world, x, future, last_only != 0);
        ck_assert_int_eq(prediction_make(&world, &whole, &world.arena, SIZE_MAX), STATUS_OK);
        for (size_t k = 0; k < sizeof slices / sizeof *slices; k++) {
            struct prediction cut = make_cut(&world, x, future, last_only != 0);
            ck_assert_int_eq(prediction_make(&world, &cut, &world.arena, slices[k]), STATUS_OK);
            expect_same_prediction(&whole, &cut);
        }
    }
    free(x);
    world_done(&world);
}

/* With a session that steps in between, on the same worker. */
TEST(a_slice_is_as_long_as_it_may_be_and_others_go_in_between)
{
    enum { ROWS = 40, SLICE = 10 };
    struct world world;
    world_init(&world);
    world_start(&world);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    double *x = readings(5, 1, ROWS), y[OUTPUTS];
    struct sequence sequence = { .x = x, .n_rows = ROWS };
    struct prediction prediction = { .gru = world_model(&world)->active->gru,
                                     .n_sequences = 1,
                                     .sequences = &sequence };
    ck_assert_int_eq(predict_begin(&prediction, &arena, &world.fault), STATUS_OK);
    ck_assert(!predict_is_long(&prediction));
    prediction.slice_rows = SLICE;
    for (size_t n_left = ROWS; n_left > 0; n_left -= SLICE) {
        ck_assert_uint_eq(prediction.n_rows_left, n_left);
        ck_assert(predict_is_long(&prediction) == (n_left > SLICE));
        ck_assert_int_eq(predict_go_on(world.context, &prediction, &world.fault), STATUS_OK);
        expect_step(&world, "s", 8, (ROWS - n_left) / SLICE + 1, y);
    }
    ck_assert_uint_eq(prediction.n_rows_left, 0);
    twin(&world, NULL, 5, 1, ROWS, y);
    expect_same_values(sequence.y + (size_t)(ROWS - 1) * OUTPUTS, y, OUTPUTS);
    predict_end(&prediction);
    arena_done(&arena);
    free(x);
    world_done(&world);
}

/* It holds the network that it began with. */
TEST(a_prediction_outlives_its_version)
{
    enum { ROWS = 9 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    unsigned number = world_put_version(&world, network_file(13, 13));
    const struct version *version;
    ck_assert_int_eq(version_find(world_model(&world), number, &version, &world.fault), STATUS_OK);
    double *x = readings(5, 1, ROWS), y[OUTPUTS];
    twin(&world, version->gru, 5, 1, ROWS, y);
    struct sequence sequence = { .x = x, .n_rows = ROWS };
    struct prediction prediction = {
        .gru = version->gru, .last_only = true, .n_sequences = 1, .sequences = &sequence
    };
    ck_assert_int_eq(predict_begin(&prediction, &arena, &world.fault), STATUS_OK);
    prediction.slice_rows = 1;
    for (size_t n_left = ROWS; n_left > 0; n_left--) {
        ck_assert_int_eq(predict_go_on(world.context, &prediction, &world.fault), STATUS_OK);
        if (n_left == ROWS) {
            ck_assert_int_eq(model_delete_version(world.context, "m", number, &world.fault),
                             STATUS_OK);
        }
        service_context_turn(world.context); /* what was found before is gone */
    }
    expect_same_values(sequence.y, y, OUTPUTS);
    predict_end(&prediction);
    arena_done(&arena);
    free(x);
    world_done(&world);
}

TEST(what_is_wrong_is_the_same_in_slices)
{
    struct world world;
    start_strict(&world);
    double *x = readings(5, 1, 6), *good = readings(6, 1, 6);
    struct sequence sequences[] = { { .x = good, .n_rows = 6 }, { .x = x, .n_rows = 6 } };
    struct prediction prediction = { .gru = world_model(&world)->active->gru,
                                     .has_instances = true,
                                     .n_sequences = 2,
                                     .sequences = sequences };
    memcpy(x + 3 * INPUTS, huge, sizeof huge);
    ck_assert_int_eq(prediction_make(&world, &prediction, &world.arena, 1),
                     STATUS_NON_FINITE_RESULT);
    ck_assert_str_eq(world.fault.param, "instances[1].x");
    ck_assert_ptr_nonnull(strstr(world.fault.message, "row 3"));
    x[5 * INPUTS + 1] = NAN; /* refused before a row is run */
    ck_assert_int_eq(predict_begin(&prediction, &world.arena, &world.fault), STATUS_MISSING_INPUT);
    ck_assert_str_eq(world.fault.param, "instances[1].x[5][1]");
    free(x);
    free(good);
    world_done(&world);
}
