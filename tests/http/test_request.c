/* What a handler asks of its request, and hands in. The headers come through libmicrohttpd
 * itself. */
#include "http/request.h"

#include "http/mhd_support.h"
#include "test.h"

#include <stdio.h>

static const struct route route = { .scope = SCOPE_PREDICT };

/* ---- headers ---- */

static void look_at_headers(struct exchange_world *world, const char *version, void *context)
{
    const struct request *request = world->request;
    (void)version;
    (void)context;
    ck_assert_str_eq(request_header(request, "Last-Event-ID"), "7");
    ck_assert_str_eq(request_header(request, "last-event-id"), "7");
    ck_assert_str_eq(request_header(request, "X-Twice"), "first");
    ck_assert_str_eq(request_header(request, "X-Empty"), "");
    ck_assert_ptr_null(request_header(request, "X-Absent"));
}

TEST(a_header_is_found_in_any_case_and_the_first_of_several)
{
    struct exchange_world world;
    exchange_world_begin(&world, &route);
    mhd_send(&world,
             "GET / HTTP/1.1\r\nHost: x\r\nLAST-EVENT-ID: 7\r\nX-Twice: first\r\n"
             "X-Twice: second\r\nX-Empty:\r\n\r\n",
             look_at_headers, NULL);
    exchange_world_end(&world);
}

static void look_at_accept(struct exchange_world *world, const char *version, void *context)
{
    bool *accepted = context; /* [MEDIA_COUNT] */
    (void)version;
    for (enum media media = 0; media < MEDIA_COUNT; media++) {
        accepted[media] = request_accepts(world->request, media);
    }
}

/* Which media types such a request accepts, as a set. */
static unsigned accepted_by(const char *headers)
{
    struct exchange_world world;
    bool accepted[MEDIA_COUNT];
    char request[256];
    unsigned set = 0;
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
    exchange_world_begin(&world, &route);
    mhd_send(&world, request, look_at_accept, accepted);
    exchange_world_end(&world);
    for (unsigned media = 0; media < MEDIA_COUNT; media++) {
        set |= accepted[media] ? 1U << media : 0;
    }
    return set;
}

TEST(a_media_type_is_accepted_where_any_accept_header_names_it)
{
    ck_assert_uint_eq(accepted_by(""), 0);
    ck_assert_uint_eq(accepted_by("Accept: */*\r\n"), 0);
    ck_assert_uint_eq(accepted_by("Accept: application/x-ndjson\r\n"), MEDIA_SET_NDJSON);
    ck_assert_uint_eq(accepted_by("ACCEPT: text/html\r\naccept: text/event-stream\r\n"),
                      MEDIA_SET_EVENTS);
    ck_assert_uint_eq(accepted_by("Accept: application/json, application/x-ndjson;q=0\r\n"),
                      MEDIA_SET_JSON);
    ck_assert_uint_eq(accepted_by("X-Accept: application/json\r\n"), 0);
}

/* ---- query parameters ---- */

TEST(a_query_parameter_is_found_by_its_exact_name)
{
    struct exchange_world world;
    exchange_world_begin(&world, &route);
    world.buffers.queries[0] = (struct query_parameter){ "limit", "7" };
    world.buffers.queries[1] = (struct query_parameter){ "left", "over" };
    world.exchange->n_queries = 1;
    ck_assert_str_eq(request_query(world.request, "limit"), "7");
    ck_assert_ptr_null(request_query(world.request, "Limit"));
    ck_assert_ptr_null(request_query(world.request, "limi"));
    ck_assert_ptr_null(request_query(world.request, "left"));
    exchange_world_end(&world);
}

/* ---- work ---- */

TEST(steps_count_as_many_rows_as_one_turn_takes_of_them)
{
    static struct step steps[STEPS_PER_REQUEST + 5];
    struct exchange_world world;
    exchange_world_begin(&world, &route);
    for (size_t k = 0; k < STEPS_PER_REQUEST + 5; k++) {
        steps[k] = (struct step){ .model = &world.model, .forecast_options.horizon = 2 };
    }
    ck_assert(!world.exchange->is_handed_in);
    ck_assert_int_eq(request_hand_in(world.request, steps, 3), STATUS_OK);
    ck_assert(world.exchange->is_handed_in);
    ck_assert_uint_eq(world.exchange->n_rows, 9);
    ck_assert_int_eq(request_hand_in(world.request, steps, STEPS_PER_REQUEST + 5), STATUS_OK);
    ck_assert_uint_eq(world.exchange->n_rows, 3 * STEPS_PER_REQUEST);
    ck_assert_uint_eq(world.request->n_steps, STEPS_PER_REQUEST + 5);
    ck_assert_ptr_eq(world.request->steps, steps);
    exchange_world_end(&world);
}

TEST(steps_with_a_long_forecast_are_refused_only_before_any_was_handed_in)
{
    struct exchange_world world;
    exchange_world_begin(&world, &route);
    load_begin(&world.worker.load, 1000000000, 0);
    struct step step = { .model = &world.model };
    step.forecast_options.horizon = slice_rows(world.version.gru) + 1;
    world.worker.load.n_work = SIZE_MAX;
    ck_assert_int_eq(request_hand_in(world.request, &step, 1), STATUS_OVERLOADED);
    ck_assert(world.exchange->is_shed && !world.exchange->is_handed_in);
    world.exchange->is_shed = false;
    step.forecast_options.horizon = 1;
    ck_assert_int_eq(request_hand_in(world.request, &step, 1), STATUS_OK);
    step.forecast_options.horizon = slice_rows(world.version.gru) + 1;
    ck_assert_int_eq(request_hand_in(world.request, &step, 1), STATUS_OK);
    ck_assert(!world.exchange->is_shed && world.exchange->is_handed_in);
    exchange_world_end(&world);
}

TEST(a_long_prediction_waits_for_its_turn_unless_there_is_too_much_to_do)
{
    struct exchange_world world;
    struct prediction prediction = { .n_rows_left = 1000, .slice_rows = 10, .row_work = 3 };
    exchange_world_begin(&world, &route);
    load_begin(&world.worker.load, 1000000000, 0);
    ck_assert(predict_is_long(&prediction));
    ck_assert_int_eq(request_predict(world.request, &prediction), STATUS_OK);
    ck_assert_ptr_eq(world.request->prediction, &prediction);
    ck_assert_int_eq(world.request->reply.code, 0);
    world.worker.load.n_work = SIZE_MAX;
    ck_assert_int_eq(request_predict(world.request, &prediction), STATUS_OVERLOADED);
    ck_assert(world.exchange->is_shed);
    exchange_world_end(&world);
}
