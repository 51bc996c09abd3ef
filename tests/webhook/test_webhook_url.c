/* What the URL of a webhook may be. */
#include "webhook/webhook_url.h"

#include "test.h"

#include <string.h>

static enum status check(const char *url, bool may_be_private, struct fault *fault)
{
    *fault = (struct fault){ .status = STATUS_OK };
    return webhook_url_check(url, may_be_private, fault);
}

TEST(urls_of_the_internet_are_taken)
{
    static const char *const good[] = { "https://example.org",
                                        "http://example.org/hooks/a?b=c&d=%20",
                                        "https://example.org:8443/x",
                                        "https://8.8.8.8/",
                                        "https://[2606:4700::1111]:443/a",
                                        "HTTPS://Example.ORG/",
                                        "http://8.8.8.8./",
                                        "http://example.org.:65535?a",
                                        "http://localhost.example.org/",
                                        "http://xlocalhost/",
                                        "http://example.org:/",
                                        "http://xn--exmple-cua.org/" };
    struct fault fault;
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        ck_assert_msg(check(good[k], false, &fault) == STATUS_OK, "%s: %s", good[k], fault.message);
    }
}

TEST(others_are_refused_with_the_reason)
{
    static const struct {
        const char *url, *reason;
    } bad[] = {
        { "", "is none" },
        { "example.org/hooks", "is none" },
        { "https://", "is none" },
        { "ftp://example.org/", "https://" },
        { "file:///etc/passwd", "https://" },
        { "gopher://example.org/", "https://" },
        { "https://user@example.org/", "no user" },
        { "https://user:word@example.org/", "no user" },
        { "https://exa mple.org/", "printable" },
        { "https://example.org/\r\nx: y", "printable" },
        { "https://example.org/\xc3\xa4", "printable" },
        { "https://example.org:99999/", "is none" },
        { "https://example.org:65536/", "is none" },
        { "https://example.org:+80/", "is none" },
        { "https://example.org:0/", "port 0" },
        { "https://example.org:00/", "port 0" },
        { "https://example.org/#part", "'#'" },
        { "https://:word@example.org/", "no user" },
        { "https://@example.org/", "no user" },
        { "http://example.org\\@127.0.0.1/", "no user" },
        { "http:/example.org/", "is none" },
        { "http:///example.org/", "is none" },
        { "http:example.org", "is none" },
        { "//example.org/", "is none" },
        { "http://exa%00mple.org/", "is none" },
        { "http://exa%20mple.org/", "is none" },
        { "http://[::1/", "is none" },
        { "https://example.org/\x7f", "printable" },
        { "https://example.org/\t", "printable" },
        { "http://127.0.0.1:9093/api/v2/alerts", "--webhook-private" },
        { "http://localhost/", "--webhook-private" },
        { "http://LOCALHOST:1/", "--webhook-private" },
        { "http://10.1.2.3/", "--webhook-private" },
        { "http://[::1]/", "--webhook-private" },
        { "http://localhost./", "--webhook-private" },
        { "http://a.localhost/", "--webhook-private" },
        { "http://127.0.0.1./", "--webhook-private" },
        { "http://[::ffff:10.0.0.1]/", "--webhook-private" },
        { "http://[::ffff:127.0.0.1]/", "--webhook-private" },
        { "http://[::ffff:7f00:1]/", "--webhook-private" },
        { "http://[::]/", "--webhook-private" },
        { "http://[0:0:0:0:0:0:0:1]/", "--webhook-private" },
        { "http://[fe80::1%25eth0]/", "--webhook-private" },
        { "http://[64:ff9b::7f00:1]/", "--webhook-private" },
        { "http://0.0.0.0/", "--webhook-private" },
        { "http://0/", "--webhook-private" },
        { "http://169.254.169.254/latest/meta-data", "--webhook-private" },
        { "http://0x7f.1/", "--webhook-private" }, /* the same written otherwise */
        { "http://2130706433/", "--webhook-private" },
        { "http://0177.0.0.1/", "--webhook-private" },
        { "http://127.1/", "--webhook-private" },
        { "http://%31%32%37.0.0.1/", "--webhook-private" },
    };
    struct fault fault;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert_msg(check(bad[k].url, false, &fault) == STATUS_INVALID_VALUE, "%s", bad[k].url);
        ck_assert_str_eq(fault.param, "url");
        ck_assert_msg(strstr(fault.message, bad[k].reason) != NULL, "%s: %s", bad[k].url,
                      fault.message);
    }
}

TEST(private_ones_are_taken_where_they_may)
{
    static const char *const given[] = { "http://127.0.0.1:9093/", "http://localhost/",
                                         "https://[::1]/", "http://192.168.1.2/x",
                                         "http://a.localhost./" };
    struct fault fault;
    for (size_t k = 0; k < sizeof given / sizeof *given; k++) {
        ck_assert_int_eq(check(given[k], true, &fault), STATUS_OK);
    }
    ck_assert_int_eq(check("ftp://127.0.0.1/", true, &fault), STATUS_INVALID_VALUE);
}

TEST(the_longest_url_is_taken_and_a_longer_one_is_not)
{
    char url[WEBHOOK_URL_MAX + 2] = "https://example.org/";
    struct fault fault;
    memset(url + strlen(url), 'a', sizeof url - 1 - strlen(url));
    url[WEBHOOK_URL_MAX] = '\0';
    ck_assert_int_eq(check(url, false, &fault), STATUS_OK);
    url[WEBHOOK_URL_MAX] = 'a';
    url[WEBHOOK_URL_MAX + 1] = '\0';
    ck_assert_int_eq(check(url, false, &fault), STATUS_INVALID_VALUE);
}
