/* What --cluster may be. */
#include "cluster/cluster_url.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

TEST(urls_of_engines_are_taken_apart)
{
    static const struct {
        const char *text, *host, *user, *password; /* password NULL: none is given */
        unsigned port, db;
        bool is_tls;
    } good[] = {
        { "redis://engine", "engine", "", NULL, 6379, 0, false },
        { "redis://engine/", "engine", "", NULL, 6379, 0, false },
        { "REDIS://engine.example.org:1/2", "engine.example.org", "", NULL, 1, 2, false },
        { "rediss://10.0.0.1:65535/2147483647", "10.0.0.1", "", NULL, 65535, 2147483647, true },
        { "redis://[::1]", "::1", "", NULL, 6379, 0, false },
        { "redis://[fd00::7]:7000/0", "fd00::7", "", NULL, 7000, 0, false },
        { "redis://a_b-c:7000", "a_b-c", "", NULL, 7000, 0, false },
        { "redis://:word@h:1", "h", "", "word", 1, 0, false },
        { "redis://ann@h:1", "h", "ann", NULL, 1, 0, false },
        { "redis://ann:@h:1", "h", "ann", "", 1, 0, false },
        { "redis://ann:a:b@h:1", "h", "ann", "a:b", 1, 0, false },
        { "redis://a%40n:%3a%2F%c3%A4@[::1]:1/3", "::1", "a@n", ":/\xc3\xa4", 1, 3, false },
        { "redis://a@b:c@h", "h", "a@b", "c", 6379, 0, false },
    };
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        struct cluster_url url;
        struct fault fault = { .message = "" };
        ck_assert_msg(cluster_url_parse(good[k].text, &url, &fault) == STATUS_OK, "%s: %s",
                      good[k].text, fault.message);
        ck_assert_str_eq(url.host, good[k].host);
        ck_assert_str_eq(url.user, good[k].user);
        ck_assert_int_eq(url.has_password, good[k].password != NULL);
        ck_assert_str_eq(url.password, good[k].password ? good[k].password : "");
        ck_assert_uint_eq(url.port, good[k].port);
        ck_assert_uint_eq(url.db, good[k].db);
        ck_assert_int_eq(url.is_tls, good[k].is_tls);
    }
}

TEST(others_are_refused_and_not_repeated)
{
    static const struct {
        const char *text, *reason;
    } bad[] = {
        { "", "begins with redis://" },
        { "redis", "begins with redis://" },
        { "redis:/s3cret", "begins with redis://" },
        { "http://s3cret/", "begins with redis://" },
        { "unix:///run/s3cret", "begins with redis://" },
        { "redis://", "no host" },
        { "redis:///0", "no host" },
        { "redis://:6379", "no host" },
        { "redis://s3cret@/0", "no host" },
        { "redis://a b", "no host" },
        { "redis://a?b=s3cret", "no host" },
        { "redis://a%41", "no host" },
        { "redis://[::1", "no host" },
        { "redis://[]:1", "no host" },
        { "redis://[a]:1", "no host" },
        { "redis://[::1]1", "no host" },
        { "redis://::1", "no host" },
        { "redis://a:", "a port is" },
        { "redis://a:0", "a port is" },
        { "redis://a:65536", "a port is" },
        { "redis://a:99999999999999999999999", "a port is" },
        { "redis://a:+1", "a port is" },
        { "redis://a:s3cret", "a port is" },
        { "redis://a/b", "a database's number" },
        { "redis://a/-1", "a database's number" },
        { "redis://a/1/2", "a database's number" },
        { "redis://a/0?x=s3cret", "a database's number" },
        { "redis://a/2147483648", "a database's number" },
        { "redis://s3cret%@a", "%40" },
        { "redis://u:s3cret%4@a", "%40" },
        { "redis://u:s3cret%zz@a", "%40" },
        { "redis://u:s3cret%00@a", "%40" },
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct cluster_url url = { .port = 7 };
        struct fault fault = { .message = "" };
        ck_assert_msg(cluster_url_parse(bad[k].text, &url, &fault) == STATUS_INVALID_VALUE, "%s",
                      bad[k].text);
        ck_assert_str_eq(fault.param, "cluster");
        ck_assert_msg(strstr(fault.message, bad[k].reason) != NULL, "%s: %s", bad[k].text,
                      fault.message);
        ck_assert_ptr_null(strstr(fault.message, "s3cret"));
        ck_assert_uint_eq(url.port, 7);
    }
}

TEST(the_longest_parts_are_taken_and_longer_ones_are_not)
{
    static const size_t most[] = { CLUSTER_USER_MAX, CLUSTER_PASSWORD_MAX, CLUSTER_HOST_MAX };
    static const char *const before[] = { "redis://", "redis://:", "redis://" };
    static const char *const behind[] = { "@h", "@h", ":1" };
    for (size_t k = 0; k < 3; k++) {
        for (size_t more = 0; more < 2; more++) {
            char text[2048] = "";
            struct cluster_url url;
            struct fault fault;
            char part[CLUSTER_PASSWORD_MAX + 2] = "";
            memset(part, 'x', most[k] + more);
            snprintf(text, sizeof text, "%s%s%s", before[k], part, behind[k]);
            ck_assert_int_eq(cluster_url_parse(text, &url, &fault),
                             more > 0 ? STATUS_INVALID_VALUE : STATUS_OK);
        }
    }
}
