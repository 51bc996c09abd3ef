/* UTF-8: what is valid is tested in test_string.c, through the scanner. */
#include "test.h"
#include "json/utf8.h"

#include <string.h>

static const char *const points[] = { "a",
                                      "\x7f",
                                      "\xc2\x80",
                                      "\xc3\xa9",
                                      "\xdf\xbf",
                                      "\xe0\xa0\x80",
                                      "\xe2\x82\xac",
                                      "\xef\xbf\xbf",
                                      "\xf0\x90\x80\x80",
                                      "\xf0\x9f\x98\x80",
                                      "\xf4\x8f\xbf\xbf" };
enum { N_POINTS = sizeof points / sizeof *points };

TEST(a_code_point_has_the_length_of_its_bytes_and_none_when_cut_off)
{
    for (int k = 0; k < N_POINTS; k++) {
        size_t n = strlen(points[k]);
        ck_assert_uint_eq(utf8_length(points[k], points[k] + n), n);
        for (size_t cut = 0; cut < n; cut++) {
            ck_assert_uint_eq(utf8_length(points[k], points[k] + cut), 0);
            ck_assert_int_eq(utf8_is_valid(points[k], cut), cut == 0);
        }
    }
}

TEST(a_text_is_valid_where_each_code_point_is)
{
    static const char *const invalid[] = { "\x80",
                                           "\xc1\xbf",
                                           "\xe0\x9f\xbf",
                                           "\xed\xa0\x80",
                                           "\xf0\x8f\xbf\xbf",
                                           "\xf4\x90\x80\x80",
                                           "\xf5\x80",
                                           "\xff",
                                           "\xc3\xa9\xa9" };
    char text[64] = "";
    for (int k = 0; k < N_POINTS; k++) {
        strcat(text, points[k]);
        ck_assert(utf8_is_valid(text, strlen(text)));
    }
    for (size_t k = 0; k < sizeof invalid / sizeof *invalid; k++) {
        char joined[80];
        strcat(strcpy(joined, text), invalid[k]);
        ck_assert_msg(!utf8_is_valid(joined, strlen(joined)), "%zu", k);
        ck_assert_msg(!utf8_is_valid(invalid[k], strlen(invalid[k])), "%zu", k);
    }
}

TEST(control_characters_are_those_of_ascii_and_of_iso_8859_1)
{
    for (int c = 0; c < 256; c++) {
        const char alone[] = { (char)c, '\0' }, second[] = { '\xc2', (char)c, '\0' };
        ck_assert_uint_eq(utf8_control_length(alone), (c > 0 && c < 0x20) || c == 0x7f);
        ck_assert_uint_eq(utf8_control_length(second), c >= 0x80 && c < 0xa0 ? 2 : 0);
    }
}

TEST(a_cut_text_loses_the_incomplete_code_point_and_nothing_else)
{
    for (int before = 0; before < N_POINTS; before++) {
        for (int k = 0; k < N_POINTS; k++) {
            char text[16];
            strcat(strcpy(text, points[before]), points[k]);
            size_t n_before = strlen(points[before]), n = strlen(text);
            for (size_t cut = n_before; cut < n; cut++) {
                ck_assert_uint_eq(utf8_whole(text, cut), n_before);
            }
            ck_assert_uint_eq(utf8_whole(text, n), n);
        }
    }
    ck_assert_uint_eq(utf8_whole("", 0), 0);
    ck_assert_uint_eq(utf8_whole("\x80\x80", 2), 2); /* the end of nothing stays as it is */
}
