/* Which thread calls a handler. */
#include "http/offload.h"

#include "http/exchange_support.h"
#include "http/routes.h"
#include "test.h"

enum { LARGE = 1 << 20, SMALL = 1 << 10 };

static enum disk_queue queue_of(const struct route *route, size_t n_body, bool is_ndjson)
{
    struct exchange_world world;
    exchange_world_begin(&world, route);
    world.request->n_body = n_body;
    world.request->is_ndjson = is_ndjson;
    enum disk_queue queue = offload_queue(world.exchange);
    exchange_world_end(&world);
    return queue;
}

TEST(a_large_body_is_read_aside_where_that_is_all_the_handler_does)
{
    static const struct route plain = { .scope = SCOPE_PREDICT },
                              read_aside = { .scope = SCOPE_PREDICT, .is_read_aside = true },
                              waits = { .scope = SCOPE_TRAIN, .disk = DISK_JOBS };
    ck_assert_int_eq(queue_of(&plain, LARGE, false), DISK_NONE);
    ck_assert_int_eq(queue_of(&read_aside, SMALL, false), DISK_NONE);
    ck_assert_int_eq(queue_of(&read_aside, LARGE, false), DISK_BODIES);
    ck_assert_int_eq(queue_of(&read_aside, LARGE, true), DISK_NONE); /* its lines were taken */
    ck_assert_int_eq(queue_of(&waits, SMALL, false), DISK_JOBS);
    ck_assert_int_eq(queue_of(&waits, LARGE, true), DISK_JOBS);
}

static enum status never(struct request *request)
{
    ck_abort_msg("%s is printed by the worker", request->route->path);
}

/* Where `finish` is called once a prediction is done of as many rows, and of as long a forecast. */
static enum disk_queue finish_queue_of(const struct route *route, size_t n_rows, size_t n_forecast)
{
    struct exchange_world world;
    exchange_world_begin(&world, route);
    struct sequence sequence = { .n_rows = n_rows, .n_forecast = n_forecast };
    struct prediction prediction = { .gru = world.version.gru,
                                     .n_sequences = 1,
                                     .sequences = &sequence };
    world.request->prediction = &prediction;
    enum disk_queue queue = offload_finish_queue(world.exchange);
    if (queue != DISK_NONE) {
        world.exchange->phase = PHASE_WORKING;
        exchange_finish(world.exchange, STATUS_OK);
        ck_assert(world.exchange->phase == PHASE_DUE && world.exchange->is_to_finish);
    }
    exchange_world_end(&world);
    return queue;
}

TEST(a_large_reply_is_printed_by_another_thread)
{
    static const struct route prints = { .path = "/", .scope = SCOPE_PREDICT, .finish = never },
                              writes = { .scope = SCOPE_PREDICT, .changes = true };
    ck_assert_int_eq(finish_queue_of(&prints, LARGE, 0), DISK_BODIES);
    ck_assert_int_eq(finish_queue_of(&prints, 1, LARGE), DISK_BODIES);
    ck_assert_int_eq(finish_queue_of(&prints, SMALL, SMALL), DISK_NONE);
    ck_assert_int_eq(finish_queue_of(&writes, LARGE, 0), DISK_NONE); /* it prints none of it */
}

/* Whatever a request asks, others of its worker are answered meanwhile. */
TEST(no_large_body_is_read_by_a_worker)
{
    for (size_t k = 0; k < http_n_routes; k++) {
        const struct route *route = &http_routes[k];
        if (route->takes != 0) {
            ck_assert_msg(queue_of(route, LARGE, false) != DISK_NONE, "%s %s", route->method,
                          route->path);
        }
        ck_assert_msg(!route->is_read_aside || route->finish, "%s writes in its handler",
                      route->path);
    }
}

TEST(what_is_handed_in_on_another_thread_is_admitted_on_the_workers)
{
    static const struct route route = { .scope = SCOPE_PREDICT, .is_read_aside = true };
    struct exchange_world world;
    exchange_world_begin(&world, &route);
    load_begin(&world.worker.load, 1000000000, 0);
    world.worker.load.n_work = SIZE_MAX;
    world.exchange->phase = PHASE_OFFLOADED;
    struct step step = { .model = &world.model };
    step.forecast_options.horizon = slice_rows(world.version.gru) + 1;
    ck_assert_int_eq(request_hand_in(world.request, &step, 1), STATUS_OK);
    ck_assert(world.exchange->is_long && !world.exchange->is_shed);
    exchange_world_end(&world);
}
