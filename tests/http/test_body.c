#include "http/body.h"

#include "http/exchange_support.h"
#include "http/guard.h"
#include "test.h"

#include <string.h>

static size_t n_uploaded;

static enum status upload(struct request *request, const char *bytes, size_t n)
{
    (void)request;
    (void)bytes;
    n_uploaded += n;
    return STATUS_OK;
}

static const struct route json = { .takes = MEDIA_SET_JSON }, file = { .takes = MEDIA_SET_OCTETS },
                          none = { .path = "/" },
                          lines = { .takes = MEDIA_SET_JSON | MEDIA_SET_NDJSON, .upload = upload },
                          training = { .takes = MEDIA_SET_JSON | MEDIA_SET_NDJSON,
                                       .upload = upload,
                                       .has_training_lines = true };

static enum status check(const struct route *route, const struct guard *guard, const char *message)
{
    struct exchange_world world;
    exchange_world_begin(&world, route);
    enum status status = body_check(world.exchange, guard);
    if (message) {
        ck_assert_str_eq(world.request->fault->message, message);
    }
    body_settle(world.exchange);
    exchange_world_end(&world);
    return status;
}

TEST(a_body_has_a_media_type_that_the_route_takes)
{
    struct guard guard = { .content_length = 2, .content_type = "application/json" };
    ck_assert_int_eq(check(&json, &guard, NULL), STATUS_OK);
    ck_assert_int_eq(check(&lines, &guard, NULL), STATUS_OK);
    ck_assert_int_eq(check(&file, &guard,
                           "this path takes application/octet-stream; send it with -H "
                           "'content-type: application/octet-stream'"),
                     STATUS_UNSUPPORTED_MEDIA_TYPE);
    guard.content_type = "text/plain";
    ck_assert_int_eq(check(&lines, &guard,
                           "this path takes application/json or application/x-ndjson; send it "
                           "with -H 'content-type: application/json'"),
                     STATUS_UNSUPPORTED_MEDIA_TYPE);
    guard.content_type = NULL; /* one that is not named is the first */
    ck_assert_int_eq(check(&file, &guard, NULL), STATUS_OK);
    guard.content_encoding = "gzip";
    ck_assert_int_eq(check(&json, &guard, NULL), STATUS_UNSUPPORTED_MEDIA_TYPE);
}

TEST(a_route_that_takes_no_body_refuses_one)
{
    struct guard guard = { .content_length = 1 };
    ck_assert_int_eq(check(&none, &guard, NULL), STATUS_INVALID_REQUEST);
    guard = (struct guard){ .is_chunked = true };
    ck_assert_int_eq(check(&none, &guard, NULL), STATUS_INVALID_REQUEST);
    guard = (struct guard){ .content_type = "text/plain" }; /* of nothing */
    ck_assert_int_eq(check(&none, &guard, NULL), STATUS_OK);
}

TEST(lines_of_training_data_have_a_limit_of_their_own)
{
    struct exchange_world world;
    const struct guard guard = { .is_chunked = true, .content_type = "application/x-ndjson" };
    exchange_world_begin(&world, &training);
    ck_assert_int_eq(body_check(world.exchange, &guard), STATUS_OK);
    ck_assert(world.request->is_ndjson);
    ck_assert_uint_eq(body_limit(world.request), world.config.training_max);
    world.request->route = &lines;
    ck_assert_uint_eq(body_limit(world.request), world.config.body_max);
    exchange_world_end(&world);
}

TEST(what_is_announced_is_set_aside_until_it_has_come)
{
    struct exchange_world world;
    const size_t n = 100000;
    const struct guard guard = { .content_length = n };
    exchange_world_begin(&world, &json);
    ck_assert_int_eq(body_check(world.exchange, &guard), STATUS_OK);
    ck_assert_uint_eq(atomic_load(&world.http.memory.used), n);
    body_settle(world.exchange);
    body_settle(world.exchange);
    ck_assert_uint_eq(atomic_load(&world.http.memory.used), 0);
    world.config.memory_max = n - 1;
    ck_assert_int_eq(body_check(world.exchange, &guard), STATUS_OVERLOADED);
    world.config.body_max = n - 1;
    ck_assert_int_eq(body_check(world.exchange, &guard), STATUS_BODY_TOO_LARGE);
    exchange_world_end(&world);
}

TEST(pieces_are_put_together_up_to_the_limit)
{
    struct exchange_world world;
    char piece[3000];
    memset(piece, 'x', sizeof piece);
    exchange_world_begin(&world, &json);
    world.config.body_max = 10 * sizeof piece;
    for (int k = 0; k < 10; k++) {
        piece[0] = (char)('0' + k);
        ck_assert_int_eq(body_add(world.exchange, piece, sizeof piece), STATUS_OK);
    }
    ck_assert_uint_eq(world.request->n_body, 10 * sizeof piece);
    for (size_t k = 0; k < 10; k++) {
        ck_assert_int_eq(world.exchange->body[k * sizeof piece], '0' + (int)k);
    }
    ck_assert_int_eq(body_add(world.exchange, piece, 1), STATUS_BODY_TOO_LARGE);
    exchange_world_end(&world);
}

TEST(lines_are_handed_on_as_they_come)
{
    struct exchange_world world;
    exchange_world_begin(&world, &lines);
    world.request->is_ndjson = true;
    n_uploaded = 0;
    ck_assert_int_eq(body_add(world.exchange, "{}\n{", 4), STATUS_OK);
    ck_assert_int_eq(body_add(world.exchange, "}\n", 2), STATUS_OK);
    ck_assert_uint_eq(n_uploaded, 6);
    ck_assert_uint_eq(world.request->n_body, 6);
    ck_assert_ptr_null(world.exchange->body);
    exchange_world_end(&world);
}
