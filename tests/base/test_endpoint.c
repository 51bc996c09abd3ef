#include "base/endpoint.h"
#include "test.h"

static struct endpoint parse(const char *text)
{
    struct endpoint endpoint;
    ck_assert_msg(endpoint_parse(text, &endpoint), "'%s' was refused", text);
    return endpoint;
}

TEST(addresses_are_numbers)
{
    ck_assert_uint_eq(endpoint_port(&(struct endpoint){ .n_address = 0 }), 0);
    struct endpoint endpoint = parse("127.0.0.1:8080");
    ck_assert_uint_eq(endpoint_port(&endpoint), 8080);
    ck_assert_int_eq(endpoint.address.ss_family, AF_INET);
    endpoint = parse("[::1]:65535");
    ck_assert_uint_eq(endpoint_port(&endpoint), 65535);
    ck_assert_int_eq(endpoint.address.ss_family, AF_INET6);
    endpoint = parse("localhost:0");
    ck_assert_uint_eq(endpoint_port(&endpoint), 0);
}

TEST(loopback_is_known)
{
    ck_assert(parse("127.0.0.1:1").is_loopback && parse("127.9.9.9:1").is_loopback);
    ck_assert(parse("[::1]:1").is_loopback && parse("[::ffff:127.0.0.1]:1").is_loopback);
    ck_assert(parse("localhost:1").is_loopback);
    ck_assert(!parse("0.0.0.0:1").is_loopback && !parse("10.0.0.1:1").is_loopback);
    ck_assert(!parse("[::]:1").is_loopback && !parse("[fe80::1]:1").is_loopback);
    ck_assert(!parse("[::ffff:10.0.0.1]:1").is_loopback);
}

TEST(what_is_no_address_is_refused)
{
    const char *const odd[] = {
        "",
        ":",
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:-1",
        "127.0.0.1:65536",
        "127.0.0.1:808080",
        "127.0.0.1:8080 ",
        "::1:8080",
        "[::1]",
        "[::1]8080",
        "[::1:8080",
        "[127.0.0.1]:8080",
        "example.org:80",
        "*:80",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80"
    };
    struct endpoint endpoint;
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        ck_assert_msg(!endpoint_parse(odd[k], &endpoint), "'%s' was accepted", odd[k]);
    }
}

static void expect_near(const char *text, const char *expected)
{
    char near[ENDPOINT_TEXT_MAX];
    const struct endpoint endpoint = parse(text);
    endpoint_print_near(&endpoint, 8081, near);
    ck_assert_str_eq(near, expected);
}

TEST(a_wildcard_is_near_at_the_loopback)
{
    expect_near("0.0.0.0:1", "127.0.0.1:8081");
    expect_near("[::]:1", "127.0.0.1:8081");
    expect_near("[0::0]:1", "127.0.0.1:8081");
    expect_near("[::ffff:0.0.0.0]:1", "127.0.0.1:8081");
    expect_near("[::ffff:10.1.2.3]:1", "[::ffff:10.1.2.3]:8081");
    expect_near("localhost:1", "127.0.0.1:8081");
    expect_near("127.0.0.2:1", "127.0.0.2:8081");
    expect_near("10.1.2.3:1", "10.1.2.3:8081");
    expect_near("[2001:db8::1]:1", "[2001:db8::1]:8081");
    expect_near("[2001:0db8:1111:2222:3333:4444:5555:6666]:1",
                "[2001:db8:1111:2222:3333:4444:5555:6666]:8081");
}
