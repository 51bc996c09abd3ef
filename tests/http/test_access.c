#include "http/access.h"

#include "http/exchange_support.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- options ---- */

/* The option that is refused, or "none". */
static const char *refused(bool is_loopback, const char *const *flags)
{
    static char param[sizeof((struct fault *)0)->param];
    char *arguments[16] = { (char[]){ "grud" } }, error[512];
    char *const environment[] = { NULL };
    const struct endpoint endpoint = { .is_loopback = is_loopback };
    struct config config;
    struct fault fault;
    int n = 1;
    for (; *flags; flags++) {
        arguments[n++] = (char *)(uintptr_t)*flags;
    }
    ck_assert_msg(config_read(n, arguments, environment, &config, error, sizeof error), "%s",
                  error);
    enum status status = access_check_options(&config, &endpoint, &fault);
    snprintf(param, sizeof param, "%s", status == STATUS_OK ? "none" : fault.param);
    config_done(&config);
    return param;
}

#define REFUSED(is_loopback, ...) refused(is_loopback, (const char *const[]){ __VA_ARGS__, NULL })

TEST(options_that_cannot_work_together_are_refused)
{
    ck_assert_str_eq(REFUSED(true, "--tls-cert", "/c"), "tls-key");
    ck_assert_str_eq(REFUSED(true, "--tls-key", "/k"), "tls-cert");
    ck_assert_str_eq(REFUSED(true, "--tls-key", "/k", "--tls-cert", "/c"), "none");
    ck_assert_str_eq(REFUSED(false, "--workers", "1"), "listen");
    ck_assert_str_eq(REFUSED(false, "--listen-remote", "yes"), "none");
    ck_assert_str_eq(REFUSED(false, "--api-keys", "/a", "--tls-key", "/k", "--tls-cert", "/c"),
                     "none");
}

TEST(an_origin_is_a_scheme_and_a_host)
{
    static const char *const origins[] = { "*", "https://example.org", "http://localhost:3000",
                                           "https://a,http://b:1, chrome-extension://c" };
    static const char *const others[] = { "example.org",           "https://",   "://a",
                                          "https://example.org/x", "https://*",  "https://a,b",
                                          "https://a b",           "*,https://a" };
    for (size_t k = 0; k < sizeof origins / sizeof *origins; k++) {
        ck_assert_str_eq(REFUSED(true, "--cors-origin", origins[k]), "none");
    }
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        ck_assert_str_eq(REFUSED(true, "--cors-origin", others[k]), "cors-origin");
    }
}

/* ---- requests ---- */

#define READER "0123456789abcdef-reader"
#define WRITER "0123456789abcdef-writer"

static struct keys *read_keys(void)
{
    char path[] = "/tmp/test-access-XXXXXX";
    static const char text[] = READER " read\n" WRITER " predict\n";
    struct keys *keys = NULL;
    struct fault fault = { .status = STATUS_OK };
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    enum status status = keys_read(path, NULL, &keys, &fault);
    unlink(path);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return keys;
}

TEST(a_request_has_a_key_of_the_scope_of_its_route)
{
    static const struct route read_route = { .scope = SCOPE_READ },
                              open_route = { .scope = SCOPE_NONE };
    struct exchange_world world;
    exchange_world_begin(&world, &read_route);
    ck_assert_int_eq(access_check(world.exchange, NULL), STATUS_OK); /* none is asked for */
    world.worker.keys = read_keys();
    ck_assert_int_eq(access_check(world.exchange, NULL), STATUS_KEY_MISSING);
    ck_assert_int_eq(access_check(world.exchange, "Basic " READER), STATUS_KEY_MISSING);
    ck_assert_int_eq(access_check(world.exchange, "Bearer "), STATUS_KEY_MISSING);
    ck_assert_int_eq(access_check(world.exchange, "Bearer " READER "x"), STATUS_KEY_INVALID);
    ck_assert_int_eq(access_check(world.exchange, "Bearer " WRITER), STATUS_SCOPE_MISSING);
    ck_assert_int_eq(access_check(world.exchange, "bearer  " READER " "), STATUS_OK);
    world.request->route = &open_route;
    ck_assert_int_eq(access_check(world.exchange, NULL), STATUS_OK);
    keys_unref(world.worker.keys);
    exchange_world_end(&world);
}

TEST(a_key_has_a_rate)
{
    static const struct route route = { .scope = SCOPE_READ };
    struct exchange_world world;
    exchange_world_begin(&world, &route);
    world.config.key_rate = 2;
    world.worker.keys = read_keys();
    world.worker.now_ns = 1000000000;
    ck_assert_int_eq(access_check(world.exchange, "Bearer " READER), STATUS_OK);
    ck_assert_int_eq(access_check(world.exchange, "Bearer " READER), STATUS_OK);
    ck_assert_int_eq(access_check(world.exchange, "Bearer " READER), STATUS_RATE_LIMITED);
    world.worker.now_ns += 1000000000;
    ck_assert_int_eq(access_check(world.exchange, "Bearer " READER), STATUS_OK);
    keys_unref(world.worker.keys);
    exchange_world_end(&world);
}

TEST(new_keys_are_taken_before_one_is_looked_for)
{
    static const struct route route = { .scope = SCOPE_READ };
    struct exchange_world world;
    exchange_world_begin(&world, &route);
    world.http.keys = read_keys();
    access_join(&world.worker);
    atomic_store(&world.worker.new_keys, read_keys());
    struct keys *before = world.worker.keys;
    ck_assert_int_eq(access_check(world.exchange, "Bearer " READER), STATUS_OK);
    ck_assert_ptr_ne(world.worker.keys, before);
    ck_assert_ptr_null(atomic_load(&world.worker.new_keys));
    access_leave(&world.worker);
    keys_unref(world.http.keys);
    exchange_world_end(&world);
}
