#include "codec/base64.h"
#include "test.h"

#include <string.h>

TEST(bytes_are_written_as_in_the_standard)
{
    static const char *const texts[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
                                         "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" }; /* RFC 4648, 10 */
    static const unsigned char foobar[] = "foobar";
    for (size_t n = 0; n <= 6; n++) {
        char text[16] = "";
        unsigned char bytes[8] = "";
        ck_assert_uint_eq(base64_length(n), strlen(texts[n]));
        ck_assert_ptr_eq(base64_print(text, foobar, n), text + strlen(texts[n]));
        ck_assert_str_eq(text, texts[n]);
        ck_assert(base64_scan(text, strlen(text), bytes, n));
        ck_assert_mem_eq(bytes, foobar, n);
    }
}

TEST(each_byte_comes_back)
{
    unsigned char bytes[256] = { 0 }, again[256];
    char text[345];
    for (size_t n = 0; n <= 256; n++) {
        for (size_t i = 0; i < n; i++) {
            bytes[i] = (unsigned char)(7 * i + n);
        }
        const size_t n_text = (size_t)(base64_print(text, bytes, n) - text);
        ck_assert(base64_scan(text, n_text, again, n));
        ck_assert_mem_eq(again, bytes, n);
    }
}

TEST(a_text_that_is_none_is_refused)
{
    static const struct {
        const char *text;
        size_t n;
    } bad[] = { { "Zg==", 2 }, { "Zg=", 1 },  { "Zh==", 1 },     { "Zm9=", 2 },     { "Zm8", 2 },
                { "Zm-v", 3 }, { "Zm_v", 3 }, { "Zm9vYg==", 3 }, { "Zg==Zg==", 5 }, { "====", 1 },
                { "Zm9 ", 3 }, { "Z===", 1 }, { "Zm9v", 2 },     { "Zg==", 0 },     { "Z=9v", 3 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned char bytes[8];
        ck_assert_msg(!base64_scan(bad[i].text, strlen(bad[i].text), bytes, bad[i].n), "%s",
                      bad[i].text);
    }
}
