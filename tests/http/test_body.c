#include "http/body.h"

#include "deflate_bytes.h"
#include "http/coding.h"
#include "http/exchange_support.h"
#include "http/guard.h"
#include "test.h"

#include <stdlib.h>
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
    size_t n_left = 0;
    memset(piece, 'x', sizeof piece);
    exchange_world_begin(&world, &json);
    world.config.body_max = 10 * sizeof piece;
    for (int k = 0; k < 10; k++) {
        piece[0] = (char)('0' + k);
        ck_assert_int_eq(body_add(world.exchange, piece, sizeof piece, &n_left), STATUS_OK);
    }
    ck_assert_uint_eq(world.request->n_body, 10 * sizeof piece);
    for (size_t k = 0; k < 10; k++) {
        ck_assert_int_eq(world.exchange->body[k * sizeof piece], '0' + (int)k);
    }
    ck_assert_int_eq(body_add(world.exchange, piece, 1, &n_left), STATUS_BODY_TOO_LARGE);
    exchange_world_end(&world);
}

TEST(lines_are_handed_on_as_they_come)
{
    struct exchange_world world;
    exchange_world_begin(&world, &lines);
    world.request->is_ndjson = true;
    size_t n_left = 0;
    n_uploaded = 0;
    ck_assert_int_eq(body_add(world.exchange, "{}\n{", 4, &n_left), STATUS_OK);
    ck_assert_int_eq(body_add(world.exchange, "}\n", 2, &n_left), STATUS_OK);
    ck_assert_uint_eq(n_uploaded, 6);
    ck_assert_uint_eq(world.request->n_body, 6);
    ck_assert_ptr_null(world.exchange->body);
    exchange_world_end(&world);
}

/* ---- compressed ---- */

TEST(a_coding_that_is_not_taken_is_refused_by_name)
{
    struct exchange_world world;
    struct guard guard = { .content_length = 2,
                           .content_encoding = "br",
                           .n_content_encodings = 1 };
    exchange_world_begin(&world, &json);
    ck_assert_int_eq(body_check(world.exchange, &guard), STATUS_UNSUPPORTED_MEDIA_TYPE);
    ck_assert(world.exchange->is_coding_refused);
    ck_assert_str_eq(world.request->fault->param, "content-encoding");
    exchange_world_end(&world);
    guard.content_encoding = "gzip";
    ck_assert_int_eq(check(&json, &guard, NULL), STATUS_OK);
    ck_assert_int_eq(check(&none, &guard, NULL), STATUS_INVALID_REQUEST);
    guard.n_content_encodings = 2;
    ck_assert_int_eq(check(&json, &guard, NULL), STATUS_UNSUPPORTED_MEDIA_TYPE);
    guard.content_length = 0; /* of nothing */
    ck_assert_int_eq(check(&json, &guard, NULL), STATUS_OK);
    ck_assert_int_eq(check(&none, &guard, NULL), STATUS_OK);
}

/* Gives the bytes as libmicrohttpd would, which gives again what was left; returns how often. */
static size_t add_all(struct exchange_world *world, const char *bytes, size_t n, size_t piece,
                      enum status *ret_status)
{
    size_t at = 0, n_calls = 0;
    for (*ret_status = STATUS_OK; at < n && *ret_status == STATUS_OK; n_calls++) {
        const size_t n_piece = n - at < piece ? n - at : piece;
        size_t n_left = 0, n_before = world->request->n_body;
        *ret_status = body_add(world->exchange, bytes + at, n_piece, &n_left);
        ck_assert_uint_le(n_left, n_piece);
        ck_assert_uint_le(world->request->n_body - n_before, (256 << 10) + (8 << 10));
        at += n_piece - n_left;
    }
    return n_calls;
}

static void begin_coded(struct exchange_world *world, const struct route *route,
                        enum deflate_form form)
{
    const struct guard guard = { .is_chunked = true,
                                 .content_encoding = deflate_coding(form),
                                 .n_content_encodings = 1 };
    exchange_world_begin(world, route);
    world->buffers.arena.cap = 64 << 20;
    ck_assert_int_eq(body_check(world->exchange, &guard), STATUS_OK);
}

TEST(a_compressed_body_is_inflated_as_it_comes)
{
    enum { N = 100000 };
    static const size_t pieces[] = { 1, 100, 8192, N };
    char *text = malloc(N);
    for (size_t k = 0; k < N; k++) {
        text[k] = (char)(k * k % 251);
    }
    for (enum deflate_form form = 0; form < FORMS; form++) {
        size_t n;
        char *bytes = deflate_bytes(form, text, N, &n);
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            struct exchange_world world;
            enum status status;
            begin_coded(&world, &file, form);
            add_all(&world, bytes, n, pieces[k], &status);
            ck_assert_int_eq(status, STATUS_OK);
            ck_assert_int_eq(body_end(world.exchange), STATUS_OK);
            ck_assert_uint_eq(world.request->n_body, N);
            ck_assert_int_eq(memcmp(world.exchange->body, text, N), 0);
            exchange_world_end(&world);
        }
        free(bytes);
    }
    free(text);
}

TEST(the_limit_is_of_what_is_inflated)
{
    enum { LIMIT = 1 << 20 };
    for (enum deflate_form form = 0; form < FORMS; form++) {
        for (size_t beyond = 0; beyond < 2; beyond++) {
            struct exchange_world world;
            enum status status;
            size_t n;
            char *bytes = deflate_zeros(form, LIMIT + beyond, &n);
            begin_coded(&world, &file, form);
            world.config.body_max = LIMIT;
            add_all(&world, bytes, n, n, &status);
            ck_assert_int_eq(status, beyond ? STATUS_BODY_TOO_LARGE : STATUS_OK);
            exchange_world_end(&world);
            free(bytes);
        }
    }
}

/* However much it would be: nothing is inflated beyond the limit, and no call does much of it. */
TEST(a_bomb_is_refused_at_the_limit)
{
    enum { LIMIT = 1 << 20 };
    struct exchange_world world;
    enum status status;
    size_t n;
    char *bytes = deflate_zeros(FORM_GZIP, 1 << 30, &n);
    begin_coded(&world, &file, FORM_GZIP);
    world.config.body_max = LIMIT;
    const size_t n_calls = add_all(&world, bytes, n, n, &status);
    ck_assert_int_eq(status, STATUS_BODY_TOO_LARGE);
    ck_assert_uint_le(n_calls, 5);
    ck_assert_uint_le(world.request->n_body, LIMIT);
    ck_assert_uint_le(world.buffers.arena.used, 4 * LIMIT);
    exchange_world_end(&world);
    free(bytes);
}

/* Members without content come to nothing, for ever. */
TEST(bytes_that_come_to_nothing_have_a_limit)
{
    struct exchange_world world;
    enum status status = STATUS_OK;
    size_t n, n_all = 0;
    char *bytes = deflate_bytes(FORM_GZIP, "", 0, &n);
    begin_coded(&world, &file, FORM_GZIP);
    world.config.body_max = 1 << 20;
    while (status == STATUS_OK && n_all < 4 << 20) {
        add_all(&world, bytes, n, n, &status);
        n_all += n;
    }
    ck_assert_int_eq(status, STATUS_BODY_TOO_LARGE);
    ck_assert_uint_le(n_all, (2 << 20) + (8 << 10));
    exchange_world_end(&world);
    free(bytes);
}

TEST(a_compressed_body_that_is_not_whole_is_refused)
{
    struct exchange_world world;
    enum status status;
    size_t n;
    char *bytes = deflate_bytes(FORM_GZIP, "{}", 2, &n);
    begin_coded(&world, &json, FORM_GZIP);
    ck_assert_int_eq(body_end(world.exchange), STATUS_OK); /* nothing came */
    add_all(&world, bytes, n - 1, n, &status);
    ck_assert_int_eq(status, STATUS_OK);
    ck_assert_int_eq(body_end(world.exchange), STATUS_INVALID_ENCODING);
    ck_assert_str_eq(world.request->fault->param, "content-encoding");
    exchange_world_end(&world);
    free(bytes);
}

/* Lines that came before the damage may be done: they are answered. */
TEST(compressed_lines_that_break_off_are_cut)
{
    struct exchange_world world;
    enum status status;
    size_t n;
    char *bytes = deflate_bytes(FORM_GZIP, "{}\n{}\n", 6, &n);
    const struct route *const routes[] = { &lines, &training };
    for (size_t k = 0; k < 2; k++) {
        begin_coded(&world, routes[k], FORM_GZIP);
        world.request->is_ndjson = true;
        world.request->state = &world;
        n_uploaded = 0;
        add_all(&world, bytes, n - 1, n, &status);
        ck_assert_int_eq(status, STATUS_OK);
        ck_assert_uint_eq(n_uploaded, 6);
        ck_assert_int_eq(body_end(world.exchange), k == 0 ? STATUS_OK : STATUS_INVALID_ENCODING);
        ck_assert(world.request->is_cut == (k == 0));
        exchange_world_end(&world);
    }
    free(bytes);
}

static size_t n_aside_calls;

static enum status upload_aside(struct request *request, const char *bytes, size_t n)
{
    (void)bytes;
    n_uploaded += n;
    n_aside_calls++;
    request->is_aside = true;
    return STATUS_OK;
}

/* What is read aside is waited for before anything else is inflated; and nothing is lost. */
TEST(inflating_waits_for_what_is_read_aside)
{
    enum { N = 100000 };
    static const struct route aside = { .takes = MEDIA_SET_NDJSON, .upload = upload_aside };
    struct exchange_world world;
    size_t n, at = 0;
    char *bytes = deflate_zeros(FORM_RAW, N, &n);
    begin_coded(&world, &aside, FORM_RAW);
    world.request->is_ndjson = true;
    n_uploaded = n_aside_calls = 0;
    while (at < n) {
        size_t n_left = 0, n_calls = n_aside_calls;
        world.request->is_aside = false;
        ck_assert_int_eq(body_add(world.exchange, bytes + at, n - at, &n_left), STATUS_OK);
        ck_assert_uint_le(n_aside_calls, n_calls + 1);
        at = n - n_left;
    }
    ck_assert_uint_eq(n_uploaded, N);
    ck_assert_int_eq(body_end(world.exchange), STATUS_OK);
    exchange_world_end(&world);
    free(bytes);
}
