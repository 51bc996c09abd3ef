/* Numbers: the grammar, and correct rounding to double and to float. */
#include "json_support.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static bool read_double(const char *text, double *ret_value)
{
    struct json j = guarded_scan(text, strlen(text));
    return json_number(&j, ret_value) && json_end(&j);
}

static bool read_float(const char *text, float *ret_value)
{
    struct json j = guarded_scan(text, strlen(text));
    return json_float(&j, ret_value) && json_end(&j);
}

/* Both readings against the C library, which is exact. */
static void check_rounding(const char *text)
{
    double value = 7, want = strtod(text, NULL);
    ck_assert_msg(read_double(text, &value) == (bool)isfinite(want), "%s", text);
    if (isfinite(want)) {
        ck_assert_msg(bits_of_double(value) == bits_of_double(want), "%s: %a, not %a", text, value,
                      want);
    }
    float real = 7, want_real = strtof(text, NULL);
    ck_assert_msg(read_float(text, &real) == (bool)isfinite(want_real), "%s", text);
    if (isfinite(want_real)) {
        ck_assert_msg(bits_of_float(real) == bits_of_float(want_real), "%s: %a, not %a", text, real,
                      want_real);
    }
}

static char *put_zeros(char *p, size_t n)
{
    memset(p, '0', n);
    return p + n;
}

static char *put_digits(char *p, uint64_t *random, size_t n)
{
    for (; n > 0; n--) {
        *p++ = (char)('0' + random_bits(random) % 10);
    }
    return p;
}

TEST(numbers_of_the_grammar_are_accepted)
{
    static const char *const texts[] = { "0",
                                         "-0",
                                         "1",
                                         "-1",
                                         "10",
                                         "1234567890",
                                         "0.0",
                                         "-0.0",
                                         "0.5",
                                         "1.25",
                                         "1e5",
                                         "1E5",
                                         "1e+5",
                                         "1e-5",
                                         "1E+5",
                                         "1E-5",
                                         "0e1",
                                         "0e+1",
                                         "0E-1",
                                         "1e05",
                                         "1e0",
                                         "1e-0",
                                         "1e00",
                                         "1.0e1",
                                         "1.5E2",
                                         "0.1e1",
                                         "123e45",
                                         "-1.5e-9",
                                         "0e99999999999999999999",
                                         "1e-18446744073709551617",
                                         "1e-99999999999999999999",
                                         "20000000000000000000000000000000000000" };
    for (size_t i = 0; i < N_OF(texts); i++) {
        ck_assert_msg(is_valid(texts[i], strlen(texts[i])), "refused: %s", texts[i]);
        check_rounding(texts[i]);
    }
}

static const char *const ungrammatical[] = { "-",
                                             "+",
                                             "+1",
                                             "--1",
                                             "-+1",
                                             "+-1",
                                             "00",
                                             "01",
                                             "-01",
                                             "-00",
                                             "00.5",
                                             "1.",
                                             "-1.",
                                             "1.e5",
                                             ".5",
                                             "-.5",
                                             ".",
                                             "1..2",
                                             "1.2.",
                                             "1.2.3",
                                             "1e",
                                             "1e+",
                                             "1e-",
                                             "1E",
                                             "1.5e",
                                             "1ee5",
                                             "1e5e5",
                                             "1e5.5",
                                             "1e++5",
                                             "1e+-5",
                                             "e5",
                                             "0x10",
                                             "0b1",
                                             "1_000",
                                             "1,5",
                                             "1 000",
                                             "1a",
                                             "1f",
                                             "1L",
                                             "1e5x",
                                             "- 1",
                                             "1 .5",
                                             "1. 5",
                                             "1e 5",
                                             "NaN",
                                             "-NaN",
                                             "Infinity",
                                             "-Infinity",
                                             "inf",
                                             "nan",
                                             "0x1p3",
                                             "1e999",
                                             "-1e999",
                                             "1e99999999999999999999",
                                             "1e18446744073709551617",
                                             "\xef\xbc\x91",
                                             "1\xc2\xa0",
                                             "0e",
                                             "0e+",
                                             "0.",
                                             "0.e1",
                                             "-0x1",
                                             "012e3" };

TEST(numbers_outside_the_grammar_are_refused)
{
    for (size_t i = 0; i < N_OF(ungrammatical); i++) {
        float real;
        ck_assert_msg(!is_valid(ungrammatical[i], strlen(ungrammatical[i])), "accepted: %s",
                      ungrammatical[i]);
        ck_assert_msg(!read_float(ungrammatical[i], &real), "accepted: %s", ungrammatical[i]);
    }
}

/* Digits are scanned by eights: each byte at each place of a fraction that is as long, and of one
 * that is not. */
TEST(no_other_byte_is_taken_for_a_digit)
{
    for (int c = 0; c < 256; c++) {
        for (size_t n = 10; n <= 20; n += 5) {
            for (size_t at = 2; at < n; at++) {
                char text[20] = "0.000000000000000000";
                text[at] = (char)c;
                bool digit = c >= '0' && c <= '9', exponent = c == 'e' || c == 'E';
                bool space = c != 0 && strchr(" \t\r\n", c) != NULL;
                bool right = digit || (at < n - 1 ? exponent && at > 2 : space);
                ck_assert_msg(is_valid(text, n) == right, "byte %02x at %zu of %zu", c, at, n);
            }
        }
    }
}

TEST(doubles_at_the_edges_are_right)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        { "9007199254740992", 0x1p53 },
        { "9007199254740993", 0x1p53 },
        { "9007199254740993.00000000000000000000000000000000000000000001", 0x1.0000000000001p53 },
        { "9007199254740995", 0x1.0000000000002p53 },
        { "1e22", 1e22 },
        { "1e23", 0x1.52d02c7e14af6p76 },
        { "2.2250738585072011e-308", 0x1.ffffffffffffep-1023 },
        { "2.2250738585072012e-308", 0x1p-1022 },
        { "2.2250738585072014e-308", 0x1p-1022 },
        { "4.9406564584124654e-324", 0x1p-1074 },
        { "2.4703282292062327e-324", 0 },
        { "2.4703282292062328e-324", 0x1p-1074 },
        { "1e-400", 0 },
        { "-1e-400", -0.0 },
        { "1.7976931348623157e308", DBL_MAX },
        { "1.7976931348623158e308", DBL_MAX },
        { "18446744073709551615", 0x1p64 },
        { "18446744073709551616", 0x1p64 },
        { "99999999999999999999", 1e20 },
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        double value;
        ck_assert_msg(read_double(cases[i].text, &value), "refused: %s", cases[i].text);
        ck_assert_msg(bits_of_double(value) == bits_of_double(cases[i].value), "%s: %a",
                      cases[i].text, value);
    }
    double value;
    ck_assert(!read_double("1.7976931348623159e308", &value));
    ck_assert(!read_double("-1.8e308", &value));
}

TEST(floats_at_the_edges_are_right)
{
    static const struct {
        const char *text;
        float value;
    } cases[] = {
        { "16777217", 0x1p24f },
        { "16777217.0000000000000000000000000000000000000000000000001", 0x1.000002p24f },
        { "16777216.9999999999999999999999999999999999999999999999999", 0x1p24f },
        { "16777219", 0x1.000004p24f },
        /* rounded to double first, these two would come out one lower and one higher */
        { "1.00000005960464477539062500000000000000000000001", 0x1.000002p0f },
        { "1.00000017881393432617187499999999999999999999999", 0x1.000002p0f },
        { "3.40282346638528859811704183484516925440e38", FLT_MAX },
        { "340282356779733661637539395458142568447", FLT_MAX },
        { "1.17549435082228750797e-38", FLT_MIN },
        { "1.17549428e-38", 0x1.fffffcp-127f },
        { "1.40129846432481707e-45", 0x1p-149f },
        { "7.00649232162408535e-46", 0 },
        { "7.00649232162408536e-46", 0x1p-149f },
        { "1e-46", 0 },
        { "-1e-300", -0.0F },
        { "-1e-70", -0.0F },
        { "123456789012345678901234567890e-29", 0x1.3c0ca4p0f },
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        float value;
        ck_assert_msg(read_float(cases[i].text, &value), "refused: %s", cases[i].text);
        ck_assert_msg(bits_of_float(value) == bits_of_float(cases[i].value), "%s: %a",
                      cases[i].text, value);
    }
}

TEST(numbers_beyond_float_are_refused_in_words)
{
    static const char *const texts[] = { "340282356779733661637539395458142568448",
                                         "-3.4028236e38",
                                         "1e39",
                                         "1e64",
                                         "1e65",
                                         "1e308",
                                         "-1e999",
                                         "1000000000000000000000000000000000000000" };
    for (size_t i = 0; i < N_OF(texts); i++) {
        struct json j = guarded_scan(texts[i], strlen(texts[i]));
        float value = 7;
        ck_assert(!json_float(&j, &value) && value == 7);
        ck_assert_int_eq(j.error, JSON_ERROR_BEYOND_FLOAT);
        ck_assert_ptr_eq(j.at, j.begin);
    }
}

TEST(random_decimals_are_rounded_as_the_c_library_does)
{
    uint64_t random = 5;
    for (int i = 0; i < 100000; i++) {
        char text[128], *p = text;
        uint64_t bits = random_bits(&random);
        if (bits & 1) {
            *p++ = '-';
        }
        *p++ = (char)('1' + (bits >> 8) % 9);
        p = put_digits(p, &random, (bits >> 16) % (bits & 2 ? 6 : 30));
        if (bits & 4) {
            *p++ = '.';
            p = put_digits(p, &random, 1 + (bits >> 24) % (bits & 8 ? 10 : 40));
        }
        if (bits & 16) {
            int span = bits & 32 ? 80 : bits & 64 ? 700 : 20;
            p += sprintf(p, "e%d", (int)((bits >> 32) % (unsigned)span) - span / 2);
        }
        *p = '\0';
        check_rounding(text);
    }
}

TEST(decimals_around_the_midpoints_of_floats_go_to_the_right_side)
{
    uint64_t random = 6;
    for (int i = 0; i < 20000; i++) {
        uint32_t low_bits = (uint32_t)random_bits(&random) % 0x7f7fffff, high_bits = low_bits + 1;
        float low, high;
        memcpy(&low, &low_bits, sizeof low);
        memcpy(&high, &high_bits, sizeof high);
        /* the midpoint is a double, and 120 digits are all that it has */
        char text[256];
        int n = sprintf(text, "%.120e", ((double)low + (double)high) / 2);
        char *e = strchr(text, 'e');
        float value;
        ck_assert(read_float(text, &value));
        ck_assert_uint_eq(bits_of_float(value), low_bits + (low_bits & 1));
        check_rounding(text);

        memmove(e + 1, e, (size_t)(text + n + 1 - e));
        *e = '1';
        ck_assert(read_float(text, &value));
        ck_assert_uint_eq(bits_of_float(value), high_bits);
        check_rounding(text);

        /* one lower in the last digit: the last that is not 0 gives way to nines */
        char *digit = e;
        while (*digit == '0' || *digit == '.' || digit == e) {
            if (*digit != '.') {
                *digit = '9';
            }
            digit--;
        }
        --*digit;
        ck_assert(read_float(text, &value));
        ck_assert_uint_eq(bits_of_float(value), low_bits);
        check_rounding(text);
    }
}

TEST(decimals_around_the_midpoints_of_doubles_go_to_the_right_side)
{
    static char text[8192];
    uint64_t random = 7;
    for (int i = 0; i < 2000; i++) {
        uint64_t low =
            (UINT64_C(1) << 53) + 2 * (random_bits(&random) >> 12); /* doubles are 2 apart here */
        size_t n_zeros = i % 4 == 0 ? 5000 : random_bits(&random) % 1000;
        double value;
        char *p = text + sprintf(text, "%llu.", (unsigned long long)low + 1);
        put_zeros(p, n_zeros);
        memcpy(p + n_zeros, "0", 2);
        ck_assert(read_double(text, &value));
        ck_assert_double_eq(value, (double)(low % 4 == 0 ? low : low + 2));
        memcpy(p + n_zeros, "1", 2);
        ck_assert(read_double(text, &value));
        ck_assert_double_eq(value, (double)(low + 2));

        p = text + sprintf(text, "%llu.", (unsigned long long)low);
        memset(p, '9', n_zeros + 1);
        p[n_zeros + 1] = '\0';
        ck_assert(read_double(text, &value));
        ck_assert_double_eq(value, (double)low);
    }
}

TEST(numbers_of_thousands_of_digits_are_right)
{
    static char text[60000];
    double value;
    float real;

    char *p = text;
    *p++ = '1';
    p = put_zeros(p, 5000);
    sprintf(p, "e-5000");
    ck_assert(read_double(text, &value) && value == 1);
    ck_assert(read_float(text, &real) && real == 1);

    p = put_zeros(text + sprintf(text, "0."), 50000);
    sprintf(p, "125e50000");
    ck_assert(read_double(text, &value) && value == 0.125);
    ck_assert(read_float(text, &real) && real == 0.125F);

    p = put_zeros(text + sprintf(text, "-0."), 50000);
    *p = '\0';
    ck_assert(read_double(text, &value) && value == 0 && signbit(value));

    uint64_t random = 8;
    for (size_t n = 1; n < 3000; n += 7) {
        p = put_digits(text + sprintf(text, "0.%d", (int)(1 + n % 9)), &random, n);
        sprintf(p, "e%d", (int)(n % 600) - 300);
        check_rounding(text);
        p = put_digits(text + sprintf(text, "%d", (int)(1 + n % 9)), &random, n);
        sprintf(p, "e%d", (int)(n % 600) - 300 - (int)n);
        check_rounding(text);
    }
}

/* ---- arrays ---- */

/* Of an array of n numbers and nulls: each is what it is by itself. */
static void expect_reals(const char *text, size_t n_text, size_t n, bool is_double)
{
    double out[64];
    size_t n_read = 99;
    struct json j = guarded_scan(text, n_text), one = j;
    ck_assert(json_real_array(&j, is_double, out, N_OF(out), &n_read) && json_end(&j));
    ck_assert_uint_eq(n_read, n);
    ck_assert(json_array(&one));
    for (size_t k = 0; k < n; k++) {
        float narrow = NAN;
        double wide = NAN;
        ck_assert(json_element(&one));
        struct json again = one;
        if (json_peek(&one) == JSON_NULL) {
            ck_assert(json_null(&one) && isnan(out[k]));
            continue;
        }
        ck_assert(json_float(&again, &narrow) && json_number(&one, &wide));
        ck_assert(out[k] == (is_double ? wide : (double)narrow));
    }
}

TEST(a_float_array_is_its_elements_one_by_one)
{
    uint64_t random = 9;
    for (int i = 0; i < 2000; i++) {
        static char text[1 << 14];
        static const char *const spaces[] = { "", "", "", " ", "\n\t", "  \r" };
        char *p = text;
        size_t n = random_bits(&random) % 60, max = random_bits(&random) % 60, n_read = 99;
        *p++ = '[';
        for (size_t k = 0; k < n; k++) {
            uint64_t bits = random_bits(&random);
            p += sprintf(p, "%s%s%s", k > 0 ? "," : "", spaces[bits % 6], bits & 256 ? "-" : "");
            if (bits & 0xe00) {
                int32_t mantissa = (int32_t)(bits >> 32 & 0x7fffffff);
                p += sprintf(p, "%.*g", (int)(bits >> 16 & 15) + 1, mantissa / 1e3);
            } else {
                p += sprintf(p - (bits & 256 ? 1 : 0), "null") - (bits & 256 ? 1 : 0);
            }
            p += sprintf(p, "%s", spaces[bits / 8 % 6]);
        }
        p += sprintf(p, "]");

        float *out = (float *)(void *)(guarded_room(0) - GUARDED_MAX / 2 - 64 * sizeof(float));
        for (size_t k = 0; k < 64; k++) {
            out[k] = 7;
        }
        struct json j = guarded_scan(text, (size_t)(p - text)), one = j;
        ck_assert_msg(json_float_array(&j, out, max, &n_read) && json_end(&j), "%s: %s", text,
                      json_error_text(j.error));
        ck_assert_uint_eq(n_read, n);
        ck_assert(json_array(&one));
        for (size_t k = 0; k < n; k++) {
            float want = NAN;
            ck_assert(json_element(&one));
            ck_assert(json_peek(&one) == JSON_NULL ? json_null(&one) : json_float(&one, &want));
            want = k < max ? want : 7;
            ck_assert(isnan(want) ? isnan(out[k]) : bits_of_float(out[k]) == bits_of_float(want));
        }
        for (size_t k = n; k < 64; k++) {
            ck_assert(out[k] == 7);
        }
        expect_reals(text, (size_t)(p - text), n, false);
        expect_reals(text, (size_t)(p - text), n, true);
    }
}

TEST(reals_are_floats_or_doubles_within_the_range_of_floats)
{
    static const struct {
        const char *text;
        double narrow, wide;
    } cases[] = {
        { "16777217", 16777216, 16777217 },
        { "100000003.25", 100000000, 100000003.25 },
        { "-0.1", (double)-0.1F, -0.1 },
        { "1e-50", 0, 1e-50 },
        /* just above the middle of two floats, which as a double it would be */
        { "1.000000059604644775390625000000000001", 0x1.000002p0, 0x1.000001p0 },
    };
    static const char *const beyond[] = { "1e39", "-3.4028236e38", "1e308" };
    for (size_t i = 0; i < N_OF(cases); i++) {
        double narrow = 7, wide = 7;
        struct json j = guarded_scan(cases[i].text, strlen(cases[i].text)), k = j;
        ck_assert(json_real(&j, false, &narrow) && json_end(&j));
        ck_assert(json_real(&k, true, &wide) && json_end(&k));
        ck_assert(narrow == cases[i].narrow && wide == cases[i].wide);
    }
    for (size_t i = 0; i < 2 * N_OF(beyond); i++) {
        double value = 7;
        struct json j = guarded_scan(beyond[i / 2], strlen(beyond[i / 2]));
        ck_assert(!json_real(&j, i % 2 == 1, &value) && value == 7);
        ck_assert_int_eq(j.error, JSON_ERROR_BEYOND_FLOAT);
    }
}

TEST(float_arrays_outside_the_grammar_are_refused)
{
    static const char *const texts[] = { "",          "[",           "[1",         "[1,",
                                         "[1,]",      "[,]",         "[,1]",       "[1,,2]",
                                         "[1 2]",     "[1}",         "[1]]",       "[1]x",
                                         "[n",        "[nul",        "[null",      "[nul]",
                                         "[nulll]",   "[nil]",       "[NaN]",      "[true]",
                                         "[\"1\"]",   "[[1]]",       "[{}]",       "{}",
                                         "1",         "null",        "[1e39]",     "[01]",
                                         "[1.]",      "[-]",         "[+1]",       "[1e]",
                                         "[- 1]",     "[0x1]",       "[1;2]",      "[1,2",
                                         "[1.5,2.5",  "[null,]",     "[1]1",       "[ ",
                                         "[12345678", "[1.12345678", "[1.1234567", "[1.12345678e",
                                         "[-",        "[1e+",        "[1e-5" };
    for (size_t i = 0; i < N_OF(texts); i++) {
        struct json j = guarded_scan(texts[i], strlen(texts[i]));
        float out[4];
        size_t n = 99;
        ck_assert_msg(!(json_float_array(&j, out, 4, &n) && json_end(&j)), "accepted: %s",
                      texts[i]);
        ck_assert(j.error != JSON_NO_ERROR && j.at >= j.begin && j.at <= j.end);
    }
}

TEST(every_prefix_of_a_float_array_is_refused)
{
    static const char text[] =
        "[1,-2.5, null,0.123456789e-12 ,12345678901234567890.12345678901234567890E+1,0]";
    for (size_t i = 0; i < sizeof text; i++) {
        struct json j = guarded_scan(text, i);
        float out[8];
        size_t n = 99;
        ck_assert_int_eq(json_float_array(&j, out, 8, &n) && json_end(&j), i == sizeof text - 1);
        ck_assert_uint_eq(n, j.error == JSON_NO_ERROR ? 6 : 99);
    }
}

TEST(float_arrays_nest_in_rows)
{
    static const char text[] = "{\"x\":[[1,2],[],[3]],\"y\":1}";
    struct json j = guarded_scan(text, sizeof text - 1);
    struct json_text name;
    float out[4];
    size_t n, total = 0;
    ck_assert(json_object(&j) && json_member(&j, &name) && json_array(&j));
    while (json_element(&j)) {
        ck_assert(json_float_array(&j, out + total, 4 - total, &n));
        total += n;
    }
    ck_assert(json_member(&j, &name) && json_text_is(name, "y") && json_float(&j, out + total));
    ck_assert(!json_member(&j, &name) && json_end(&j));
    ck_assert(total == 3 && out[0] == 1 && out[1] == 2 && out[2] == 3 && out[3] == 1);
}
