#include "http/query_string.h"

#include "http/exchange_support.h"
#include "test.h"

static enum status check(const struct route *route, const char *name)
{
    struct exchange_world world;
    exchange_world_begin(&world, route);
    world.buffers.queries[0] = (struct query_parameter){ "limit", "7" };
    world.buffers.queries[1] = (struct query_parameter){ name, "8" };
    world.exchange->n_queries = 2;
    enum status status = query_string_check(world.exchange);
    if (status != STATUS_OK) {
        ck_assert_str_eq(world.request->fault->param, name);
    }
    ck_assert_str_eq(request_query(world.request, "limit"), "7");
    ck_assert_str_eq(request_query(world.request, name), "8");
    ck_assert_ptr_null(request_query(world.request, "other"));
    exchange_world_end(&world);
    return status;
}

TEST(a_route_takes_the_query_parameters_of_its_row)
{
    static const struct route route = { .queries = { "after", "limit" } };
    ck_assert_int_eq(check(&route, "after"), STATUS_OK);
    ck_assert_int_eq(check(&route, "Limit"), STATUS_INVALID_REQUEST);
    ck_assert_int_eq(check(&route, "afte"), STATUS_INVALID_REQUEST);
    ck_assert_int_eq(check(&route, ""), STATUS_INVALID_REQUEST);
}

TEST(a_route_without_query_parameters_passes_them_over)
{
    static const struct route route = { .path = "/healthz" };
    ck_assert_int_eq(check(&route, "anything"), STATUS_OK);
}
