#include "support.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status predict(struct world *world, struct sequence *sequences, size_t n, bool last_only,
                           bool has_instances)
{
    struct prediction prediction = { .version = world_model(world)->active,
                                     .last_only = last_only,
                                     .has_instances = has_instances,
                                     .n_sequences = n,
                                     .sequences = sequences };
    return service_predict(world->worker, &prediction, &world->arena, &world->fault);
}

TEST(sequences_of_different_lengths_do_not_touch_each_other)
{
    enum { SEQUENCES = 37 };
    struct world world;
    world_init(&world);
    world_start(&world);
    struct sequence sequences[SEQUENCES], alone;
    float *x[SEQUENCES];
    for (size_t k = 0; k < SEQUENCES; k++) {
        x[k] = readings(k, 1, k % 11 + 1);
        sequences[k] = (struct sequence){ .x = x[k], .n_rows = k % 11 + 1 };
    }
    ck_assert_int_eq(predict(&world, sequences, SEQUENCES, false, true), STATUS_OK);
    for (size_t k = 0; k < SEQUENCES; k++) {
        alone = (struct sequence){ .x = x[k], .n_rows = k % 11 + 1 };
        ck_assert_int_eq(predict(&world, &alone, 1, false, false), STATUS_OK);
        expect_same_floats(sequences[k].y, alone.y, alone.n_rows * OUTPUTS);
        float y[OUTPUTS];
        twin(&world, NULL, k, 1, alone.n_rows, y);
        expect_same_floats(alone.y + (alone.n_rows - 1) * OUTPUTS, y, OUTPUTS);
        struct sequence last = { .x = x[k], .n_rows = k % 11 + 1 };
        ck_assert_int_eq(predict(&world, &last, 1, true, false), STATUS_OK);
        expect_same_floats(last.y, y, OUTPUTS);
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
    float *x = readings(5, 1, 20);
    const float future[6] = { 0.1F, 0.2F, NAN, 0.4F, 0.5F, 0.6F };
    const struct outlook outlook = { .horizon = 7, .future = future, .n_future_rows = 6 };
    struct sequence sequence = { .x = x, .n_rows = 20, .outlook = outlook };
    ck_assert_int_eq(predict(&world, &sequence, 1, true, false), STATUS_OK);
    expect_steps(&world, "s", 5, 1, 20);
    arena_reset(&world.arena);
    ck_assert_int_eq(predict(&world, &sequence, 1, true, false), STATUS_OK);
    struct session_forecast forecast;
    ck_assert_int_eq(session_forecast(world.worker, world_model(&world), "s", &outlook, &world.arena,
                                      &forecast, &world.fault),
                     STATUS_OK);
    ck_assert_uint_eq(sequence.n_forecast, 7);
    expect_same_floats(sequence.forecast, forecast.forecast, (size_t)7 * OUTPUTS);
    free(x);
    world_done(&world);
}

static void expect_wrong(struct world *world, struct sequence *sequences, size_t n, enum status status,
                         const char *param, const char *part)
{
    ck_assert_int_eq(predict(world, sequences, n, false, n > 1), status);
    ck_assert_str_eq(world->fault.param, param);
    ck_assert_msg(strstr(world->fault.message, part), "%s", world->fault.message);
}

TEST(what_is_wrong_with_a_sequence_is_named)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "m", network_file_that_is_strict());
    world_start(&world);
    float *x = readings(5, 1, 6), *good = readings(6, 1, 6);
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
    float *x = readings(5, 1, 6);
    struct sequence sequences[] = { { .x = x, .n_rows = 6 },
                                    { .x = x, .n_rows = 6, .outlook = { .horizon = 3 } } };
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
    float *x = readings(5, 1, 3000);
    struct sequence sequence = { .x = x, .n_rows = 3000 };
    struct prediction prediction = { .version = world_model(&world)->active,
                                     .n_sequences = 1,
                                     .sequences = &sequence };
    struct arena small;
    arena_init(&small, 20000);
    ck_assert_int_eq(service_predict(world.worker, &prediction, &small, &world.fault),
                     STATUS_REQUEST_TOO_LARGE);
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
    float *x = readings(5, 1, 9), y[OUTPUTS];
    struct sequence sequence = { .x = x, .n_rows = 9 };
    struct prediction prediction = {
        .version = version, .last_only = true, .n_sequences = 1, .sequences = &sequence
    };
    ck_assert_int_eq(service_predict(world.worker, &prediction, &world.arena, &world.fault), STATUS_OK);
    twin(&world, version->gru, 5, 1, 9, y);
    expect_same_floats(sequence.y, y, OUTPUTS);
    ck_assert_int_eq(version_find(world_model(&world), 99, &version, &world.fault), STATUS_VERSION_NOT_FOUND);
    free(x);
    world_done(&world);
}
