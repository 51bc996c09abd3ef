#include "http/addresses.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

static uint64_t key_4(const char *text)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1) };
    ck_assert_int_eq(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return address_key((const struct sockaddr *)&address);
}

static uint64_t key_6(const char *text)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(2) };
    ck_assert_int_eq(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
    return address_key((const struct sockaddr *)&address);
}

TEST(an_ipv6_network_of_64_bits_is_one_address)
{
    ck_assert(key_6("2001:db8:1:2::1") == key_6("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    ck_assert(key_6("2001:db8:1:2::1") != key_6("2001:db8:1:3::1"));
    ck_assert(key_6("2001:db8::1") != key_4("32.1.13.184"));
    ck_assert(key_6("2001:db8::1") != key_4("184.13.1.32"));
}

TEST(an_ipv4_address_is_itself_either_way)
{
    ck_assert(key_4("192.0.2.1") == key_6("::ffff:192.0.2.1"));
    ck_assert(key_4("192.0.2.1") != key_4("192.0.2.2"));
    ck_assert(key_6("::ffff:192.0.2.1") != key_6("::ffff:192.0.2.2"));
}

TEST(each_address_is_counted)
{
    enum { ADDRESSES = 300 };
    struct addresses *addresses = malloc(sizeof *addresses);
    ck_assert_ptr_nonnull(addresses);
    addresses_init(addresses);
    for (uint64_t key = 0; key < ADDRESSES; key++) {
        for (uint64_t k = 0; k <= key; k++) {
            addresses_enter(addresses, key);
        }
    }
    size_t n_over = 0;
    for (uint64_t key = 0; key < ADDRESSES;
         key++) { /* never too few; too many by a chance of one in millions */
        ck_assert_uint_ge(addresses_count(addresses, key), key + 1);
        n_over += addresses_count(addresses, key) > key + 1;
    }
    ck_assert_uint_le(n_over, 3);
    for (uint64_t key = 0; key < ADDRESSES; key++) {
        for (uint64_t k = 0; k <= key; k++) {
            addresses_leave(addresses, key);
        }
    }
    for (uint64_t key = 0; key < 2 * ADDRESSES; key++) {
        ck_assert_uint_eq(addresses_count(addresses, key), 0);
    }
    free(addresses);
}
