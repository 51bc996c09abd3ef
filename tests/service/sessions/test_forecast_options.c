/* How far a request looks ahead, and the room that its forecast needs. */
#include "service/service_support.h"
#include "test.h"

TEST(no_room_is_made_for_a_forecast_that_was_not_asked_for)
{
    struct world world;
    double *forecast;
    size_t n;
    const struct forecast_options none = { .horizon = 0 };
    world_init(&world);
    world_start(&world);
    const struct gru_info *info = gru_model_info(world_model(&world)->active->gru);
    ck_assert_int_eq(forecast_options_room(info, &none, &world.arena, &forecast, &n, &world.fault),
                     STATUS_OK);
    ck_assert(n == 0 && forecast == NULL);
    world_done(&world);
}

TEST(a_forecast_beyond_the_arena_is_refused_by_its_horizon)
{
    struct world world;
    double *forecast;
    size_t n;
    const struct forecast_options far = { .horizon = 100000 };
    struct arena small;
    world_init(&world);
    world_start(&world);
    arena_init(&small, 4096);
    const struct gru_info *info = gru_model_info(world_model(&world)->active->gru);
    ck_assert_int_ne(forecast_options_room(info, &far, &small, &forecast, &n, &world.fault),
                     STATUS_OK);
    ck_assert_str_eq(world.fault.param, "horizon");
    arena_done(&small);
    world_done(&world);
}

TEST(models_whose_outputs_feed_other_inputs_have_other_columns)
{
    struct gru_variable fed[] = { { .feeds = 0 }, { .feeds = -1 } };
    struct gru_variable other[] = { { .feeds = -1 }, { .feeds = 0 } };
    struct gru_info a = { .n_inputs = 2, .inputs = fed };
    struct gru_info b = { .n_inputs = 2, .inputs = other };
    struct gru_info shorter = { .n_inputs = 1, .inputs = fed };
    ck_assert(forecast_options_columns(&a) == forecast_options_columns(&a));
    ck_assert(forecast_options_columns(&a) != forecast_options_columns(&b));
    ck_assert(forecast_options_columns(&a) != forecast_options_columns(&shorter));
}

TEST(each_failure_of_a_forecast_has_a_status_of_the_request)
{
    struct world world;
    const struct forecast_options options = { .horizon = 3, .n_future_rows = 1 };
    static const struct {
        enum gru_status failure;
        enum status status;
        const char *param;
    } cases[] = { { GRU_NO_ROLL_OUT, STATUS_HORIZON_NOT_SUPPORTED, "horizon" },
                  { GRU_BAD_FUTURE, STATUS_WRONG_LENGTH, "future" },
                  { GRU_NO_READING, STATUS_NO_READING, "" },
                  { GRU_MISSING_INPUT, STATUS_MISSING_INPUT, "future" },
                  { GRU_NON_FINITE, STATUS_NON_FINITE_RESULT, "horizon" },
                  { GRU_NO_MEMORY, STATUS_NO_MEMORY, "" } };
    world_init(&world);
    world_start(&world);
    struct gru_model *gru = world_model(&world)->active->gru;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        ck_assert_int_eq(forecast_options_fault(gru, cases[k].failure, &options, &world.fault),
                         cases[k].status);
        ck_assert_str_eq(world.fault.param, cases[k].param);
    }
    world_done(&world);
}
