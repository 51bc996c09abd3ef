/* Which addresses a webhook may reach. */
#include "webhook/webhook_address.h"

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static bool is_public(const char *text)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct sockaddr_in6 address_6 = { .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &address.sin_addr) == 1) {
        return webhook_address_is_public((const struct sockaddr *)&address);
    }
    ck_assert_msg(inet_pton(AF_INET6, text, &address_6.sin6_addr) == 1, "%s", text);
    return webhook_address_is_public((const struct sockaddr *)&address_6);
}

TEST(special_addresses_are_not_public)
{
    static const char *const special[] = {
        "0.0.0.0", "0.255.255.255", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255",
        "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1", "172.31.255.255",
        "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1",
        "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
        "240.0.0.1", "255.255.255.255",
        /* of IPv6 */
        "::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1",
        "100::1", "2001::1", "2001:1ff::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1",
        "3fff:fff::1", "4000::1", "1fff::1",
        /* of IPv4 in IPv6, as it is and by a translator */
        "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254", "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8", "::8.8.8.8"
    };
    for (size_t k = 0; k < sizeof special / sizeof *special; k++) {
        ck_assert_msg(!is_public(special[k]), "%s", special[k]);
    }
}

TEST(those_beside_them_are_public)
{
    static const char *const given[] = {
        "1.0.0.0",         "9.255.255.255", "11.0.0.0",        "100.63.255.255",  "100.128.0.0",
        "126.1.1.1",       "128.0.0.1",     "169.253.255.255", "169.255.0.0",     "172.15.255.255",
        "172.32.0.0",      "192.0.1.0",     "192.0.3.0",       "192.167.255.255", "192.169.0.0",
        "198.17.255.255",  "198.20.0.0",    "198.51.99.255",   "203.0.114.0",     "223.255.255.255",
        "2000::1",         "2001:200::1",   "2001:db7::1",     "2001:db9::1",     "2003::1",
        "2606:4700::1111", "3ffe::1",       "3fff:1000::1",    "::ffff:8.8.8.8",  "64:ff9b::8.8.8.8"
    };
    for (size_t k = 0; k < sizeof given / sizeof *given; k++) {
        ck_assert_msg(is_public(given[k]), "%s", given[k]);
    }
}

TEST(what_is_no_internet_address_is_not_public)
{
    const struct sockaddr address = { .sa_family = AF_UNIX };
    ck_assert(!webhook_address_is_public(&address));
}
