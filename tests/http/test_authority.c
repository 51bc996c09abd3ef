#include "http/authority.h"

#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* "host port", or "none". */
static const char *parsed(const char *text)
{
    static char out[300];
    struct authority authority;
    if (!authority_parse(text, strlen(text), &authority)) {
        return "none";
    }
    snprintf(out, sizeof out, "%.*s %u", (int)authority.n_host, authority.host, authority.port);
    return out;
}

TEST(a_host_may_have_a_port)
{
    static const char *const due[][2] = {
        { "grud", "grud 0" },
        { "grud.example:8080", "grud.example 8080" },
        { "grud.example.", "grud.example 0" },
        { "grud.example.:1", "grud.example 1" },
        { "a_b-c.d", "a_b-c.d 0" },
        { "127.0.0.1:65535", "127.0.0.1 65535" },
        { "[::1]", "[::1] 0" },
        { "[fe80::1%25eth0]:8080", "[fe80::1%25eth0] 8080" },
        { "localhost:", "localhost 0" },
        { "", "none" },
        { ".", "none" },
        { ":8080", "none" },
        { "[::1", "none" },
        { "[::1]8080", "none" },
        { "localhost:65536", "none" },
        { "localhost:000080", "none" },
        { "localhost:80x", "none" },
        { "localhost:-1", "none" },
        { "localhost:80:80", "none" },
        { "user@localhost", "none" },
        { "localhost/", "none" },
        { "local host", "none" },
        { "localhost,localhost", "none" },
        { "::1", "none" },
        { "caf\xc3\xa9", "none" },
    };
    for (size_t k = 0; k < sizeof due / sizeof *due; k++) {
        ck_assert_str_eq(parsed(due[k][0]), due[k][1]);
    }
}

/* As IPv6's, or "none". */
static const char *address_of(const char *text)
{
    static char out[INET6_ADDRSTRLEN];
    struct authority authority;
    struct in6_addr address;
    ck_assert(authority_parse(text, strlen(text), &authority));
    return authority_address(&authority, &address) ? inet_ntop(AF_INET6, &address, out, sizeof out)
                                                   : "none";
}

TEST(an_address_is_told_from_a_name)
{
    static const char *const due[][2] = {
        { "127.0.0.1:8080", "::ffff:127.0.0.1" },
        { "10.1.2.3.", "::ffff:10.1.2.3" },
        { "[::1]:80", "::1" },
        { "[fe80::1%25eth0]", "fe80::1" },
        { "[::ffff:10.1.2.3]", "::ffff:10.1.2.3" },
        { "127.1", "none" },
        { "0x7f.0.0.1", "none" },
        { "127.0.0.1.example", "none" },
        { "[127.0.0.1]", "none" },
        { "[grud]", "none" },
        { "[]", "none" },
        { "[1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:10:11:12:13:14:15:16:17:18]", "none" },
    };
    for (size_t k = 0; k < sizeof due / sizeof *due; k++) {
        ck_assert_str_eq(address_of(due[k][0]), due[k][1]);
    }
}

static bool is_loopback(const char *text)
{
    struct in6_addr address;
    ck_assert_int_eq(inet_pton(AF_INET6, text, &address), 1);
    return authority_is_loopback(&address);
}

TEST(the_loopback_is_127_and_1)
{
    ck_assert(is_loopback("::1") && is_loopback("::ffff:127.0.0.1"));
    ck_assert(is_loopback("::ffff:127.255.3.4"));
    ck_assert(!is_loopback("::2") && !is_loopback("::") && !is_loopback("::ffff:126.0.0.1"));
    ck_assert(!is_loopback("::127.0.0.1") && !is_loopback("::ffff:0.0.0.0"));
}

TEST(a_socket_has_the_address_that_is_in_it)
{
    struct sockaddr_storage socket = { .ss_family = AF_UNIX };
    struct in6_addr address;
    ck_assert(!authority_socket_address(&socket, &address));
    *(struct sockaddr_in *)&socket =
        (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    ck_assert(authority_socket_address(&socket, &address) && authority_is_loopback(&address));
    *(struct sockaddr_in6 *)&socket =
        (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    ck_assert(authority_socket_address(&socket, &address) && authority_is_loopback(&address));
}

static bool is_same(const char *a, const char *b, unsigned default_port)
{
    struct authority first, second;
    ck_assert(authority_parse(a, strlen(a), &first) && authority_parse(b, strlen(b), &second));
    return authority_is_same(&first, &second, default_port);
}

TEST(no_port_is_the_default_one)
{
    ck_assert(is_same("grud", "GRUD", 80) && is_same("grud:80", "grud", 80));
    ck_assert(is_same("grud:443", "grud.", 443) && is_same("[::1]:8080", "[::1]:8080", 80));
    ck_assert(!is_same("grud:80", "grud", 443) && !is_same("grud:8080", "grud:8081", 80));
    ck_assert(!is_same("grud", "grud.example", 80));
}

TEST(a_scheme_is_http_or_https)
{
    bool is_https;
    ck_assert_str_eq(authority_path("/v1?a"), "/v1?a");
    ck_assert_str_eq(authority_path("http://a/b"), "/b");
    ck_assert_str_eq(authority_path("http://a"), "/");
    ck_assert_str_eq(authority_skip_scheme("http://a/b", &is_https), "a/b");
    ck_assert(!is_https);
    ck_assert_str_eq(authority_skip_scheme("HTTPS://a", &is_https), "a");
    ck_assert(is_https);
    ck_assert_ptr_null(authority_skip_scheme("ftp://a", &is_https));
    ck_assert_ptr_null(authority_skip_scheme("null", &is_https));
}

TEST(a_list_has_commas_and_perhaps_spaces)
{
    const char *list = " a, b c ,,d ", *item;
    static const char *const due[] = { "a", "b c", "d" };
    size_t n;
    for (size_t k = 0; k < 3; k++) {
        ck_assert(authority_next(&list, &item, &n));
        ck_assert_uint_eq(n, strlen(due[k]));
        ck_assert_int_eq(memcmp(item, due[k], n), 0);
    }
    ck_assert(!authority_next(&list, &item, &n));
}
