/* Strings: UTF-8, escapes, unescaping. */
#include "json_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Scans a string from its text between the quotes. */
static bool scan_string(const char *inner, size_t n, struct json_text *ret_text)
{
    static char quoted[1 << 16];
    quoted[0] = '"';
    memcpy(quoted + 1, inner, n);
    quoted[n + 1] = '"';
    struct json j = guarded_scan(quoted, n + 2);
    return json_string(&j, ret_text) && json_end(&j);
}

static bool is_string(const char *inner, size_t n)
{
    struct json_text text;
    return scan_string(inner, n, &text);
}

/* The code point as UTF-8 would have it if it had no limits, in n bytes. */
static void encode(uint32_t code, size_t n, char *out)
{
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0, 0xf8, 0xfc };
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(lead[n] | code);
}

static size_t utf8_size(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

TEST(utf8_is_accepted_exactly_for_unicode_scalar_values)
{
    for (uint32_t code = 0x80; code < 0x200000; code += code < 0x111000 ? 1 : 61) {
        char bytes[4];
        size_t n = utf8_size(code);
        encode(code, n, bytes);
        bool scalar = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        bool right = is_string(bytes, n) == scalar;
        /* cut off, before the quote and before more */
        right = right && !is_string(bytes, n - 1);
        bytes[n - 1] = 'a';
        right = right && !is_string(bytes, n);
        if (!right) {
            ck_abort_msg("U+%04X", code);
        }
    }
}

TEST(overlong_utf8_is_refused)
{
    for (uint32_t code = 0; code < 0x10000; code++) {
        for (size_t n = utf8_size(code) + 1; n <= 6; n++) {
            char bytes[6];
            encode(code, n, bytes);
            ck_assert_msg(!is_string(bytes, n), "U+%04X in %zu bytes", code, n);
        }
    }
}

TEST(every_single_byte_is_judged)
{
    for (int c = 0; c < 256; c++) {
        /* at every place of a run that is scanned by eights */
        for (size_t at = 0; at < 20; at++) {
            char bytes[20];
            memset(bytes, 'x', sizeof bytes);
            bytes[at] = (char)c;
            bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
            /* a backslash escapes nothing that starts with x; at the end, the quote */
            ck_assert_msg(is_string(bytes, sizeof bytes) == plain, "byte %02x at %zu", c, at);
        }
    }
}

TEST(escapes_are_accepted_exactly_as_the_grammar_has_them)
{
    for (int c = 0; c < 256; c++) {
        char bytes[2] = { '\\', (char)c };
        bool known = c != 0 && strchr("\"\\/bfnrt", c) != NULL;
        ck_assert_msg(is_string(bytes, 2) == known, "\\%c", c);
    }
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        { "\\u0041", true },
        { "\\uABCD", true },
        { "\\uabcd", true },
        { "\\u0000", true },
        { "\\uFFFF", true },
        { "\\uD834\\uDD1E", true },
        { "\\udbff\\udfff", true },
        { "\\uD834\\uD834\\uDD1E", false },
        { "\\uD834", false },
        { "\\uD834x", false },
        { "\\uD834\\n", false },
        { "\\uD834\\u", false },
        { "\\uD834\\u0041", false },
        { "\\uDD1E", false },
        { "\\uDD1E\\uD834", false },
        { "\\u", false },
        { "\\u004", false },
        { "\\u00g1", false },
        { "\\u 041", false },
        { "\\u+041", false },
        { "\\u-041", false },
        { "\\U0041", false },
        { "\\x41", false },
        { "\\0", false },
        { "\\'", false },
        { "\\\n", false },
        { "\\", false },
        { "\\\\\\", false },
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        ck_assert_msg(is_string(cases[i].text, strlen(cases[i].text)) == cases[i].valid, "%s",
                      cases[i].text);
    }
}

TEST(the_slice_is_what_stands_between_the_quotes)
{
    struct json j = guarded_scan(" \"a long enough text\" ", 22);
    struct json_text text;
    ck_assert(json_string(&j, &text) && json_end(&j));
    ck_assert_ptr_eq(text.p, j.begin + 2);
    ck_assert_uint_eq(text.n, 18);
    ck_assert(!text.escaped);
    j = guarded_scan("\"a\\nb\"", 6);
    ck_assert(json_string(&j, &text) && text.escaped && text.n == 4);
}

TEST(unescaping_gives_the_text_meant)
{
    static const struct {
        const char *inner, *meant;
    } cases[] = {
        { "", "" },
        { "plain", "plain" },
        { "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t" },
        { "\\u0041\\u00e9\\u20ac\\ud83d\\ude00", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff",
          "\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf" },
        { "\\ud800\\udc00\\udbff\\udfff", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
        { "\xc3\xa9\\n\xe2\x82\xac", "\xc3\xa9\n\xe2\x82\xac" },
        { "\\\\u0041", "\\u0041" },
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct json_text text;
        const char *meant = cases[i].meant;
        ck_assert(scan_string(cases[i].inner, strlen(cases[i].inner), &text));
        ck_assert(json_text_is(text, meant));

        char out[64];
        size_t n = strlen(meant);
        for (size_t size = 0; size <= n + 2; size++) {
            memset(out, '#', sizeof out);
            ck_assert_int_eq(json_unescape(text, out, size), size > n);
            for (size_t k = size; k < sizeof out; k++) {
                ck_assert_int_eq(out[k], '#');
            }
        }
        ck_assert_str_eq(out, meant);

        /* no other text is equal: longer, shorter, changed */
        char other[64];
        snprintf(other, sizeof other, "%sx", meant);
        ck_assert(!json_text_is(text, other));
        for (size_t k = 0; k < n; k++) {
            memcpy(other, meant, n + 1);
            other[k] ^= 1;
            ck_assert(!json_text_is(text, other));
            other[k] = '\0';
            ck_assert(!json_text_is(text, other));
        }
    }
}

TEST(embedded_nul_is_never_text)
{
    struct json_text text;
    char out[16];
    ck_assert(scan_string("a\\u0000b", 8, &text));
    ck_assert(!json_unescape(text, out, sizeof out));
    ck_assert(!json_text_is(text, "a") && !json_text_is(text, "ab"));
    ck_assert(scan_string("\\u0000", 6, &text));
    ck_assert(!json_text_is(text, ""));
}

TEST(printed_strings_read_back)
{
    uint64_t random = 3;
    for (int i = 0; i < 20000; i++) {
        char meant[64], unescaped[64], *end = meant;
        while (end < meant + 40) {
            uint64_t bits = random_bits(&random);
            uint32_t code = (uint32_t)(bits >> 32) & (bits & 1 ? 0x7f : bits & 2 ? 0x7ff : 0xfffff);
            if (code != 0 && (code < 0xd800 || code > 0xdfff)) {
                size_t size = utf8_size(code);
                encode(code, size, end);
                end[0] = size == 1 ? (char)code : end[0];
                end += size;
            }
        }
        *end = '\0';
        size_t n = (size_t)(end - meant);
        char *room = guarded_room(6 * n + 2), *behind = json_print_string(room, meant, n);
        ck_assert(behind <= room + 6 * n + 2);
        struct json j = guarded_scan(room, (size_t)(behind - room));
        struct json_text text;
        ck_assert(json_string(&j, &text) && json_end(&j));
        ck_assert(json_unescape(text, unescaped, sizeof unescaped));
        ck_assert_str_eq(unescaped, meant);
        ck_assert(json_text_is(text, meant));
    }
}
