#include "http/limits.h"

#include "http/exchange_support.h"
#include "test.h"

static const struct route light = { .scope = SCOPE_PREDICT },
                          heavy = { .scope = SCOPE_TRAIN, .is_heavy = true },
                          health = { .is_probe = true };

static uint64_t n_refused(const struct exchange_world *world, enum refusal refusal)
{
    return atomic_load(&world->worker.metrics->refusals[refusal]);
}

TEST(a_target_and_a_head_have_a_largest_size)
{
    struct exchange_world world;
    exchange_world_begin(&world, NULL);
    world.connection.n_target = world.config.url_max;
    world.exchange->n_head = world.config.header_max;
    ck_assert_int_eq(limit_head(world.exchange), STATUS_OK);
    world.exchange->n_head++;
    ck_assert_int_eq(limit_head(world.exchange), STATUS_HEADERS_TOO_LARGE);
    world.connection.n_target++;
    ck_assert_int_eq(limit_head(world.exchange), STATUS_URL_TOO_LONG);
    exchange_world_end(&world);
}

TEST(an_excess_connection_is_refused_until_others_have_left)
{
    struct exchange_world world;
    exchange_world_begin(&world, &light);
    world.connection.is_excess = true;
    atomic_store(&world.http.n_connections, world.config.connection_max + 1);
    ck_assert_int_eq(limit_connections(world.exchange), STATUS_OVERLOADED);
    ck_assert_uint_eq(n_refused(&world, REFUSED_CONNECTION), 1);
    world.request->route = &health;
    ck_assert_int_eq(limit_connections(world.exchange), STATUS_OK);
    ck_assert(world.connection.is_excess);
    world.request->route = &light;
    atomic_store(&world.http.n_connections, world.config.connection_max);
    ck_assert_int_eq(limit_connections(world.exchange), STATUS_OK);
    ck_assert(!world.connection.is_excess);
    ck_assert_int_gt(world.connection.deadline_ns, 0);
    ck_assert_uint_eq(n_refused(&world, REFUSED_CONNECTION), 1);
    exchange_world_end(&world);
}

TEST(an_address_has_no_more_than_its_connections)
{
    struct exchange_world world;
    exchange_world_begin(&world, &light);
    world.config.connection_address_max = 1;
    world.connection.address = 12345;
    addresses_enter(&world.http.addresses, world.connection.address);
    ck_assert_int_eq(limit_connections(world.exchange), STATUS_OK);
    addresses_enter(&world.http.addresses, world.connection.address);
    ck_assert_int_eq(limit_connections(world.exchange), STATUS_TOO_MANY_CONNECTIONS);
    ck_assert_uint_eq(n_refused(&world, REFUSED_ADDRESS), 1);
    exchange_world_end(&world);
}

/* A request that has waited for longer than it may. */
static void check_shed(const struct route *route, enum refusal refusal)
{
    struct exchange_world world;
    exchange_world_begin(&world, route);
    load_begin(&world.worker.load, 1000, 0);
    world.worker.now_ns = 1000000;
    ck_assert_int_eq(limit_load(world.exchange), STATUS_OVERLOADED);
    ck_assert(world.exchange->is_shed);
    ck_assert_int_eq(world.request->reply.code, 503);
    ck_assert_uint_eq(n_refused(&world, refusal), 1);
    world.exchange->is_shed = false;
    world.request->route = &health;
    ck_assert_int_eq(limit_load(world.exchange), STATUS_OK);
    ck_assert(!world.exchange->is_shed);
    exchange_world_end(&world);
}

TEST(what_cannot_be_served_in_time_is_shed_and_health_never_is)
{
    check_shed(&light, REFUSED_LIGHT);
    check_shed(&heavy, REFUSED_HEAVY);
}

/* A training series of 200 000 rows takes longer to parse than a heavy request may wait. */
TEST(the_time_in_which_its_own_body_was_taken_is_no_waiting)
{
    struct exchange_world world;
    exchange_world_begin(&world, &heavy);
    load_begin(&world.worker.load, 1000, 0);
    world.worker.now_ns = 1000000;
    world.exchange->arrived_ns = world.worker.now_ns;
    ck_assert_int_eq(limit_load(world.exchange), STATUS_OK);
    world.worker.now_ns += 501; /* half the limit, and a nanosecond: others were served meanwhile */
    ck_assert_int_eq(limit_load(world.exchange), STATUS_OVERLOADED);
    exchange_world_end(&world);
}

TEST(a_worker_has_no_more_than_its_streams)
{
    struct exchange_world world;
    exchange_world_begin(&world, &light);
    world.worker.streams.n = world.config.stream_max - 1;
    ck_assert_int_eq(limit_streams(world.exchange), STATUS_OK);
    world.worker.streams.n++;
    ck_assert_int_eq(limit_streams(world.exchange), STATUS_OVERLOADED);
    ck_assert_uint_eq(n_refused(&world, REFUSED_STREAM), 1);
    exchange_world_end(&world);
}
