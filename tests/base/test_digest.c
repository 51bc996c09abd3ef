#include "base/digest.h"
#include "test.h"

#include <string.h>

/* The digests are what xxh128sum 0.8.1 of Debian's xxhash prints for a file of these bytes. */
static void check(const void *bytes, size_t n, const char *expected)
{
    char text[DIGEST_TEXT];
    digest_print(digest_128(bytes, n), text);
    ck_assert_str_eq(text, expected);
}

TEST(digests_are_those_of_xxh128sum)
{
    unsigned char bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 7);
    }
    check("", 0, "xxh3:99aa06d3014798d86001c324468d497f");
    check("abc", 3, "xxh3:06b05ab6733a618578af5f94892f3950");
    check(bytes, sizeof bytes, "xxh3:abee229cdadad76d10ad30264426c830");
    memset(bytes, 0, sizeof bytes);
    check(bytes, 100, "xxh3:6ba30a4e9dffe1ff801fedc74ccd608c");
}

TEST(leading_zeros_of_a_digest_are_printed)
{
    char text[DIGEST_TEXT];
    digest_print((struct digest){ .high = 1, .low = 0xa }, text);
    ck_assert_str_eq(text, "xxh3:0000000000000001000000000000000a");
    ck_assert_uint_eq(strlen(text) + 1, DIGEST_TEXT);
}

/* xxhsum -H3 prints these for seed 0 */
TEST(checksums_are_those_of_xxhsum)
{
    ck_assert_uint_eq(digest_64("", 0, 0), UINT64_C(0x2d06800538d394c2));
    ck_assert_uint_eq(digest_64("abc", 3, 0), UINT64_C(0x78af5f94892f3950));
}

/* Of what is long the lower half of 128 bits is the checksum; for those there are no wider vectors.
 */
TEST(checksums_are_the_same_with_and_without_vectors)
{
    unsigned char bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    }
    for (size_t n = 241; n <= sizeof bytes; n++) {
        ck_assert_uint_eq(digest_64(bytes, n, 0), digest_128(bytes, n).low);
    }
}

TEST(a_checksum_depends_on_every_byte_and_on_the_seed)
{
    unsigned char bytes[600] = { 0 };
    uint64_t plain = digest_64(bytes, sizeof bytes, 0);
    ck_assert_uint_ne(digest_64(bytes, sizeof bytes, 1), plain);
    ck_assert_uint_ne(digest_64(bytes, sizeof bytes - 1, 0), plain);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 1;
        ck_assert_uint_ne(digest_64(bytes, sizeof bytes, 0), plain);
        bytes[i] ^= 1;
    }
    ck_assert_uint_eq(digest_64(bytes, sizeof bytes, 0), plain);
}
