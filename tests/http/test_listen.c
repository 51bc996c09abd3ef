#include "http/listen.h"
#include "test.h"

static struct endpoint parse(const char *text)
{
    struct endpoint endpoint;
    ck_assert_msg(endpoint_parse(text, &endpoint), "'%s' was refused", text);
    return endpoint;
}

TEST(the_workers_share_one_free_port)
{
    int fds[3];
    struct fault fault;
    struct endpoint endpoint = parse("127.0.0.1:0");
    ck_assert_int_eq(listen_open(&endpoint, 3, fds, &fault), STATUS_OK);
    ck_assert_uint_gt(endpoint_port(&endpoint), 0);
    for (int k = 0; k < 3; k++) {
        struct endpoint bound = { .n_address = sizeof bound.address };
        ck_assert_int_eq(getsockname(fds[k], (struct sockaddr *)&bound.address, &bound.n_address),
                         0);
        ck_assert_uint_eq(endpoint_port(&bound), endpoint_port(&endpoint));
    }
    listen_close(fds, 3);
}

TEST(a_port_in_use_is_refused_even_if_its_user_would_share_it)
{
    int theirs[2], ours[2];
    struct fault fault;
    struct endpoint endpoint = parse("127.0.0.1:0");
    ck_assert_int_eq(listen_open(&endpoint, 2, theirs, &fault), STATUS_OK);
    ck_assert_int_eq(listen_open(&endpoint, 1, ours, &fault), STATUS_INVALID_VALUE);
    ck_assert_str_eq(fault.param, "listen");
    ck_assert_int_eq(listen_open(&endpoint, 2, ours, &fault), STATUS_INVALID_VALUE);
    listen_close(theirs, 2);
    ck_assert_int_eq(listen_open(&endpoint, 2, ours, &fault), STATUS_OK);
    listen_close(ours, 2);
    ck_assert_int_eq(ours[0], -1);
}
