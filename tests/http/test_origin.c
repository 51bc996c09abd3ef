/* What is decided by Host, Origin and Sec-Fetch-Site. */
#include "http/origin.h"

#include "http/exchange_support.h"
#include "test.h"

#include <string.h>

static const struct route step = { .scope = SCOPE_PREDICT, .changes = true },
                          predict = { .scope = SCOPE_PREDICT }, health = { .is_probe = true },
                          page = { .scope = SCOPE_NONE, .is_page = true };

struct asked {
    const char *host, *origin, *site; /* NULL: none */
};

static enum status check(struct exchange_world *world, struct asked asked)
{
    struct guard guard;
    guard_begin(&guard, NULL, NULL);
    const char *const headers[] = { "Host",       asked.host,       "Origin",
                                    asked.origin, "Sec-Fetch-Site", asked.site };
    for (size_t k = 0; k < 6; k += 2) {
        if (headers[k + 1]) {
            guard_header(&guard, headers[k], strlen(headers[k]), headers[k + 1],
                         strlen(headers[k + 1]));
        }
    }
    world->exchange->origin = NULL;
    if (guard.origin) {
        origin_note(world->exchange, &guard);
    }
    return origin_check(world->exchange, &guard);
}

static enum status check_with(const struct route *route, const char *cors_origin,
                              const char *host_name, struct asked asked)
{
    struct exchange_world world;
    exchange_world_begin(&world, route);
    world.config.cors_origin = cors_origin;
    world.config.host_name = host_name;
    enum status status = check(&world, asked);
    exchange_world_end(&world);
    return status;
}

/* ---- hosts ---- */

TEST(a_host_is_an_address_of_ours_or_a_name_that_was_given)
{
    static const char names[] = "grud, Grud.Example,192.0.2.7,[2001:db8::7]";
    static const char *const ours[] = { "localhost",          "LocalHost:8080", "localhost.:1",
                                        "127.0.0.1",          "127.9.9.9:80",   "[::1]:8080",
                                        "[::ffff:127.0.0.1]", "grud:8080",      "GRUD.example.",
                                        "192.0.2.7:1",        "[2001:DB8::7]" };
    static const char *const others[] = {
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "grud.evil.example",
        "192.0.2.8",
        "0.0.0.0",
        "8.8.8.8:8080",
        "[::]",
        "[::2]",
        "",
        "127.1",
        "2130706433",
        "localhost@evil",
        "localhost:80@evil",
        "evil.example:8080",
        "evil.example,localhost",
        "foo.localhost",
    };
    for (size_t k = 0; k < sizeof ours / sizeof *ours; k++) {
        enum status status = check_with(&predict, "", names, (struct asked){ ours[k], NULL, NULL });
        ck_assert_msg(status == STATUS_OK, "%s", ours[k]);
    }
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        enum status status =
            check_with(&predict, "", names, (struct asked){ others[k], NULL, NULL });
        ck_assert_msg(status == STATUS_HOST_REFUSED, "%s", others[k]);
    }
    ck_assert_int_eq(check_with(&predict, "", "", (struct asked){ "grud", NULL, NULL }),
                     STATUS_HOST_REFUSED);
    ck_assert_int_eq(check_with(&health, "", "", (struct asked){ "grud", NULL, NULL }), STATUS_OK);
    ck_assert_int_eq(check_with(&page, "", "", (struct asked){ "grud", NULL, NULL }),
                     STATUS_HOST_REFUSED);
    ck_assert_int_eq(check_with(&predict, "", "", (struct asked){ NULL, NULL, NULL }), STATUS_OK);
}

TEST(the_address_to_listen_on_is_ours)
{
    struct exchange_world world;
    exchange_world_begin(&world, &predict);
    ck_assert(endpoint_parse("0.0.0.0:8080", &world.http.endpoint));
    ck_assert_int_eq(check(&world, (struct asked){ "0.0.0.0:8080", NULL, NULL }), STATUS_OK);
    ck_assert_int_eq(check(&world, (struct asked){ "[::]:8080", NULL, NULL }), STATUS_HOST_REFUSED);
    exchange_world_end(&world);
}

TEST(a_host_that_was_ours_is_looked_at_when_it_changes)
{
    static const struct asked ours = { "localhost:8080", NULL, NULL };
    struct exchange_world world;
    exchange_world_begin(&world, &predict);
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(check(&world, ours), STATUS_OK);
    }
    ck_assert_int_eq(check(&world, (struct asked){ "localhost:808O", NULL, NULL }),
                     STATUS_HOST_REFUSED);
    ck_assert_int_eq(check(&world, (struct asked){ "", NULL, NULL }), STATUS_HOST_REFUSED);
    ck_assert_int_eq(check(&world, ours), STATUS_OK);
    exchange_world_end(&world);
}

TEST(a_target_that_is_written_in_full_has_a_host_of_ours_too)
{
    static const struct asked ours = { "localhost", NULL, NULL };
    struct exchange_world world;
    exchange_world_begin(&world, &predict);
    static const char *const targets[] = { "http://localhost/v1", "https://127.0.0.1:1?a",
                                           "HTTP://LOCALHOST" };
    for (size_t k = 0; k < 3; k++) {
        world.connection.target = targets[k];
        ck_assert_int_eq(check(&world, ours), STATUS_OK);
    }
    static const char *const others[] = { "http://evil.example/v1", "http://localhost@evil/",
                                          "http:///v1" };
    for (size_t k = 0; k < 3; k++) {
        world.connection.target = others[k];
        ck_assert_int_eq(check(&world, ours), STATUS_HOST_REFUSED);
    }
    exchange_world_end(&world);
}

TEST(a_refusal_says_the_way_out)
{
    struct exchange_world world;
    exchange_world_begin(&world, &step);
    ck_assert_int_eq(check(&world, (struct asked){ "Grud.example.:8080", NULL, NULL }),
                     STATUS_HOST_REFUSED);
    ck_assert_ptr_nonnull(strstr(world.request->fault->message, "--host-name Grud.example"));
    ck_assert_int_eq(check(&world, (struct asked){ "a\"b", NULL, NULL }), STATUS_HOST_REFUSED);
    ck_assert_ptr_null(strchr(world.request->fault->message, '"'));
    ck_assert_int_eq(check(&world, (struct asked){ "localhost", "https://a.example:1", NULL }),
                     STATUS_ORIGIN_REFUSED);
    ck_assert_ptr_nonnull(
        strstr(world.request->fault->message, "--cors-origin https://a.example:1"));
    ck_assert_int_eq(check(&world, (struct asked){ "localhost", "null", NULL }),
                     STATUS_ORIGIN_REFUSED);
    ck_assert_ptr_nonnull(strstr(world.request->fault->message, "--cors-origin"));
    exchange_world_end(&world);
}

/* ---- pages ---- */

static const struct {
    struct asked asked;
    const char *cors_origin;
    enum status status; /* of a step */
} pages[] = {
    { { "localhost:8080", NULL, NULL }, "", STATUS_OK },
    { { "localhost:8080", NULL, "same-origin" }, "", STATUS_OK },
    { { "localhost:8080", NULL, "none" }, "", STATUS_OK },
    { { "localhost:8080", NULL, "cross-site" }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost:8080", NULL, "same-site" }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost:8080", NULL, "" }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost:8080", "http://localhost:8080", NULL }, "", STATUS_OK },
    { { "localhost:8080", "HTTP://LOCALHOST:8080", "Same-Origin" }, "", STATUS_OK },
    { { "localhost:8080", "http://localhost:8080", "cross-site" }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost", "https://localhost", NULL }, "", STATUS_OK }, /* a proxy's TLS */
    { { "localhost:443", "https://localhost", NULL }, "", STATUS_OK },
    { { "localhost:80", "https://localhost", NULL }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost:8080", "http://localhost", NULL }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost:8080", "http://localhost:3000", "same-site" }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost:8080", "http://127.0.0.1:8080", NULL }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost:8080", "https://evil.example", NULL }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost:8080", "https://evil.example", "same-origin" }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost:8080", "null", NULL }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost:8080", "", NULL }, "", STATUS_ORIGIN_REFUSED },
    { { NULL, "http://localhost", NULL }, "", STATUS_ORIGIN_REFUSED },
    { { "localhost", "https://a.example", "cross-site" }, "https://a.example", STATUS_OK },
    { { "localhost", "https://b", "cross-site" }, "https://a.example, https://b", STATUS_OK },
    { { "localhost", "https://a.example.b", NULL }, "https://a.example", STATUS_ORIGIN_REFUSED },
    { { "localhost", "https://a.exampl", NULL }, "https://a.example", STATUS_ORIGIN_REFUSED },
    { { "localhost", "http://a.example", NULL }, "https://a.example", STATUS_ORIGIN_REFUSED },
    { { "localhost", "https://a.example:1", NULL }, "https://a.example", STATUS_ORIGIN_REFUSED },
    { { "localhost", "null", NULL }, "https://a.example", STATUS_ORIGIN_REFUSED },
    { { "localhost", NULL, "cross-site" }, "https://a.example", STATUS_ORIGIN_REFUSED },
    { { "localhost", "https://a.example,https://b", NULL },
      "https://a.example,https://b",
      STATUS_ORIGIN_REFUSED },
    { { "localhost", "https://anything", "cross-site" }, "*", STATUS_OK },
    { { "localhost", "null", "cross-site" }, "*", STATUS_OK },
};

TEST(a_page_of_another_origin_changes_nothing)
{
    for (size_t k = 0; k < sizeof pages / sizeof *pages; k++) {
        enum status status = check_with(&step, pages[k].cors_origin, "", pages[k].asked);
        ck_assert_msg(status == pages[k].status, "page %zu: %s", k, status_code(status));
        status = check_with(&predict, pages[k].cors_origin, "", pages[k].asked);
        ck_assert_msg(status == STATUS_OK, "page %zu: %s", k, status_code(status));
    }
}

TEST(over_tls_a_page_of_plain_http_is_another_origin)
{
    struct exchange_world world;
    exchange_world_begin(&world, &step);
    world.config.tls_cert = "cert.pem";
    ck_assert_int_eq(check(&world, (struct asked){ "localhost", "https://localhost", NULL }),
                     STATUS_OK);
    ck_assert_int_eq(check(&world, (struct asked){ "localhost", "http://localhost", NULL }),
                     STATUS_ORIGIN_REFUSED);
    exchange_world_end(&world);
}

TEST(with_keys_any_host_is_taken_but_not_any_page)
{
    struct exchange_world world;
    exchange_world_begin(&world, &step);
    world.worker.keys = (struct keys *)&world; /* only whether there are any counts */
    ck_assert_int_eq(check(&world, (struct asked){ "grud.example", NULL, NULL }), STATUS_OK);
    ck_assert_int_eq(check(&world, (struct asked){ "grud.example", "https://evil", NULL }),
                     STATUS_ORIGIN_REFUSED);
    exchange_world_end(&world);
}

/* ---- options ---- */

static bool is_refused(const char *cors_origin, const char *host_name)
{
    struct config config = { .cors_origin = cors_origin, .host_name = host_name };
    struct fault fault;
    return origin_check_options(&config, &fault) != STATUS_OK;
}

TEST(a_host_name_has_no_scheme_and_no_port)
{
    static const char *const names[] = { "", "grud", "grud,grud.example, 192.0.2.7",
                                         "[2001:db8::7]" };
    static const char *const others[] = { "http://grud", "grud:8080", "*",      "grud.",
                                          "a b",         "grud/x",    "[grud]", "[::1]:80" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        ck_assert_msg(!is_refused("", names[k]), "%s", names[k]);
    }
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        ck_assert_msg(is_refused("", others[k]), "%s", others[k]);
    }
}
