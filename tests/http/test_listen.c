#include "http/listen.h"
#include "test.h"

#include <errno.h>
#include <unistd.h>

static struct listen_address parse(const char *text)
{
    struct listen_address address;
    ck_assert_msg(listen_parse(text, &address), "'%s' was refused", text);
    return address;
}

TEST(addresses_are_numbers)
{
    ck_assert_uint_eq(listen_port(&(struct listen_address){ .n_address = 0 }), 0);
    struct listen_address address = parse("127.0.0.1:8080");
    ck_assert_uint_eq(listen_port(&address), 8080);
    ck_assert_int_eq(address.address.ss_family, AF_INET);
    address = parse("[::1]:65535");
    ck_assert_uint_eq(listen_port(&address), 65535);
    ck_assert_int_eq(address.address.ss_family, AF_INET6);
    address = parse("localhost:0");
    ck_assert_uint_eq(listen_port(&address), 0);
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
    const char *const odd[] = { "",
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
                                "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80" };
    struct listen_address address;
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        ck_assert_msg(!listen_parse(odd[k], &address), "'%s' was accepted", odd[k]);
    }
}

TEST(the_workers_share_one_free_port)
{
    int fds[3];
    struct fault fault;
    struct listen_address address = parse("127.0.0.1:0");
    ck_assert_int_eq(listen_open(&address, 3, fds, &fault), STATUS_OK);
    ck_assert_uint_gt(listen_port(&address), 0);
    for (int k = 0; k < 3; k++) {
        struct listen_address bound = { .n_address = sizeof bound.address };
        ck_assert_int_eq(getsockname(fds[k], (struct sockaddr *)&bound.address, &bound.n_address), 0);
        ck_assert_uint_eq(listen_port(&bound), listen_port(&address));
    }
    listen_close(fds, 3);
}

TEST(a_port_in_use_is_refused_even_if_its_user_would_share_it)
{
    int theirs[2], ours[2];
    struct fault fault;
    struct listen_address address = parse("127.0.0.1:0");
    ck_assert_int_eq(listen_open(&address, 2, theirs, &fault), STATUS_OK);
    ck_assert_int_eq(listen_open(&address, 1, ours, &fault), STATUS_INVALID_VALUE);
    ck_assert_str_eq(fault.param, "listen");
    ck_assert_int_eq(listen_open(&address, 2, ours, &fault), STATUS_INVALID_VALUE);
    listen_close(theirs, 2);
    ck_assert_int_eq(listen_open(&address, 2, ours, &fault), STATUS_OK);
    listen_close(ours, 2);
    ck_assert_int_eq(ours[0], -1);
}
