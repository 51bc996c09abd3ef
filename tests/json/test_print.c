/* Printing: what is printed reads back as the same, and floats are as short as can be. */
#include "json_support.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Prints into exactly as much room as json.h asks for, as a NUL-terminated text. */
static void print_float(float value, char text[JSON_FLOAT_MAX + 1])
{
    char *room = guarded_room(JSON_FLOAT_MAX), *end = json_print_float(room, value);
    ck_assert(end <= room + JSON_FLOAT_MAX);
    memcpy(text, room, (size_t)(end - room));
    text[end - room] = '\0';
}

/* Not a ck_assert each time: of millions, their bookkeeping would be most of the time. */
static bool reads_back(uint32_t bits)
{
    float value = float_of_bits(bits), back = 7;
    char text[JSON_FLOAT_MAX];
    size_t n = (size_t)(json_print_float(text, value) - text);
    struct json j;
    json_init(&j, text, n);
    return n <= sizeof text && json_float(&j, &back) && json_end(&j) && bits_of_float(back) == bits;
}

static void check_float(uint32_t bits)
{
    if (isfinite(float_of_bits(bits))) {
        ck_assert_msg(reads_back(bits), "%08x, %a", bits, (double)float_of_bits(bits));
    }
}

TEST(random_floats_read_back_bit_equal)
{
    uint64_t random = 11;
    for (int i = 0; i < 5000000; i++) {
        uint32_t bits = (uint32_t)(random_bits(&random) >> 32);
        if ((bits >> 23 & 0xff) != 0xff && !reads_back(bits)) {
            ck_abort_msg("%08x, %a", bits, (double)float_of_bits(bits));
        }
    }
}

TEST(boundary_floats_read_back_bit_equal)
{
    for (uint32_t exponent = 0; exponent < 0xff; exponent++) {
        for (uint32_t sign = 0; sign < 2; sign++) {
            uint32_t power = sign << 31 | exponent << 23;
            for (uint32_t k = 0; k < 100; k++) {
                check_float(power + k);
                check_float(power + 0x7fffff - k);
            }
            for (uint32_t bit = 0; bit < 23; bit++) {
                check_float(power | 1U << bit);
                check_float(power | 0x7fffff >> bit);
            }
        }
    }
    for (int power = -45; power <= 38; power++) {
        char text[16];
        sprintf(text, "1e%d", power);
        float value = strtof(text, NULL);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        for (uint32_t k = 0; k < 20; k++) {
            check_float(bits + k);
            check_float(bits - k);
        }
    }
}

TEST(floats_print_as_people_write_them)
{
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        { 0.0F, "0" },
        { -0.0F, "-0" },
        { 1, "1" },
        { -1, "-1" },
        { 0.1F, "0.1" },
        { 1.00390625F, "1.0039062" }, /* ties go to the even digit */
        { 0.00146484375F, "0.0014648438" },
        { 21.4F, "21.4" },
        { 0.55F, "0.55" },
        { 100, "100" },
        { 1234.5F, "1234.5" },
        { 16777216, "16777216" },
        { 123456784, "123456780" },
        { 1e9F, "1000000000" },
        { 8589934592.0F, "8589935000" },
        { 1e10F, "1e10" },
        { 0.001F, "0.001" },
        { 1e-5F, "0.00001" },
        { 9.999999e-6F, "9.999999e-6" },
        { 1e-6F, "1e-6" },
        { -1.2345678e-5F, "-0.000012345678" },
        { 3.14159274F, "3.1415927" },
        { 0.333333343F, "0.33333334" },
        { FLT_MAX, "3.4028235e38" },
        { -FLT_MAX, "-3.4028235e38" },
        { FLT_MIN, "1.1754944e-38" },
        { 0x1p-149F, "1e-45" },
        { 0x1.fffffcp-127F, "1.1754942e-38" },
        { INFINITY, "null" },
        { -INFINITY, "null" },
        { NAN, "null" },
        { -NAN, "null" },
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        char text[JSON_FLOAT_MAX + 1];
        print_float(cases[i].value, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}

/* The significant digits of a printed number, as digits. */
static size_t significant(const char *text, char digits[32])
{
    size_t n = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && (n > 0 || *text != '0')) {
            digits[n++] = *text;
        }
    }
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    digits[n] = '\0';
    return n;
}

TEST(no_shorter_decimal_reads_back_and_none_as_short_is_nearer)
{
    uint64_t random = 12;
    for (int i = 0; i < 60000; i++) {
        uint64_t bits = random_bits(&random);
        /* of every tenth only some bits, as the measurements of this world have */
        uint32_t pattern = (uint32_t)(bits >> 32) & (i % 10 == 0 ? 0xffff0000 : 0xffffffff);
        float value = float_of_bits(pattern & 0x7fffffff);
        if (!isfinite(value) || value == 0) {
            continue;
        }
        char text[JSON_FLOAT_MAX + 1], brute[64], ours[32], theirs[32];
        print_float(value, text);
        int n = 1;
        while (sprintf(brute, "%.*g", n, (double)value), strtof(brute, NULL) != value) {
            n++;
        }
        size_t n_ours = significant(text, ours), n_theirs = significant(brute, theirs);
        /* At a power of two the nearest decimal may lie below the interval, and a longer-looking
         * one inside.
         */
        bool power_of_two = (pattern & 0x7fffff) == 0;
        ck_assert_msg(n_ours == n_theirs || (power_of_two && n_ours < n_theirs), "%s, %s", text,
                      brute);
        if (n_ours == n_theirs && strcmp(ours, theirs) != 0) {
            /* only at a tie: equally near */
            double off = fabs(strtod(text, NULL) - (double)value),
                   best = fabs(strtod(brute, NULL) - (double)value);
            ck_assert_msg(fabs(off - best) <= 4e-16 * (double)value, "%s, %s", text, brute);
        }
    }
}

static void check_double(double value)
{
    char *room = guarded_room(JSON_DOUBLE_MAX), *end = json_print_double(room, value);
    ck_assert(end <= room + JSON_DOUBLE_MAX);
    struct json j;
    double back;
    json_init(&j, room, (size_t)(end - room));
    ck_assert_msg(json_number(&j, &back) && json_end(&j), "%.*s", (int)(end - room), room);
    ck_assert_msg(bits_of_double(back) == bits_of_double(value), "%a: %.*s", value,
                  (int)(end - room), room);
}

TEST(doubles_read_back_bit_equal)
{
    uint64_t random = 13;
    for (int i = 0; i < 60000; i++) {
        uint64_t bits = random_bits(&random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            check_double(value);
        }
    }
    for (int exponent = -1074; exponent < 1024; exponent++) {
        double power = ldexp(1, exponent);
        check_double(power);
        check_double(-power);
        check_double(nextafter(power, 0));
        check_double(nextafter(power, DBL_MAX));
    }
    check_double(0.0);
    check_double(-0.0);
    check_double(-DBL_MAX);
}

/* What two floats keep of it. */
static double sum_of_two(double value)
{
    const float high = (float)value, low = (float)(value - (double)high);
    return (double)high + (double)low;
}

TEST(reals_read_back_with_the_digits_that_they_are_read_with)
{
    uint64_t random = 17;
    for (int i = 0; i < 20000; i++) {
        const bool is_double = i % 2;
        const double any = ldexp((double)(int64_t)random_bits(&random), -40);
        const double value = is_double ? sum_of_two(any) : (double)(float)any;
        char *room = guarded_room(JSON_DOUBLE_MAX);
        const char *end = json_print_real(room, is_double, value);
        struct json j;
        double back = 7;
        json_init(&j, room, (size_t)(end - room));
        ck_assert(json_real(&j, is_double, &back) && json_end(&j));
        ck_assert((is_double ? sum_of_two(back) : back) == value);
    }
}

TEST(reals_print_the_digits_that_were_sent)
{
    static const char *const texts[] = { "21.4",      "0.1",           "100000003", "100000003.25",
                                         "-16777217", "123456789.012", "1e+300",    "-1e-07",
                                         "0",         "3.4e+38" };
    for (size_t i = 0; i < N_OF(texts); i++) {
        const double value = sum_of_two(strtod(texts[i], NULL));
        char text[JSON_DOUBLE_MAX + 1];
        *json_print_real(text, true, value) = '\0';
        ck_assert_str_eq(text, isfinite(value) ? texts[i] : "null");
    }
}

TEST(doubles_print_no_digits_that_nobody_wrote)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { -0.0, "-0" },
        { 0.1, "0.1" },
        { 9.2, "9.2" }, /* 9.199999999999999 in 16 digits */
        { 1763668800.125, "1763668800.125" },
        { 0.30000000000000004, "0.30000000000000004" },
        { -2.5, "-2.5" },
        { 1e300, "1e+300" },
        { INFINITY, "null" },
        { NAN, "null" },
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        char text[JSON_DOUBLE_MAX + 1];
        *json_print_double(text, cases[i].value) = '\0';
        ck_assert_str_eq(text, cases[i].text);
    }
}

TEST(integers_print_as_the_c_library_has_them)
{
    uint64_t random = 14;
    for (int i = 0; i < 100000; i++) {
        int64_t value = (int64_t)(random_bits(&random)) >> (i % 64);
        static const int64_t edges[] = { 0, -1, INT64_MAX, INT64_MIN, 9, 10, 99, 100, -10 };
        value = i < (int)N_OF(edges) ? edges[i] : value;
        char want[32];
        int n = sprintf(want, "%lld", (long long)value);
        char *room = guarded_room(JSON_INT_MAX), *end = json_print_int(room, value);
        ck_assert_int_eq(end - room, n);
        ck_assert_int_eq(memcmp(room, want, (size_t)n), 0);
    }
}

TEST(strings_are_escaped_where_they_must_be)
{
    static const char text[] = "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\0\xc3\xa9";
    static const char want[] = "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000\xc3\xa9\"";
    char out[128];
    char *end = json_print_string(out, text, sizeof text - 1);
    ck_assert_int_eq(end - out, sizeof want - 1);
    ck_assert_int_eq(memcmp(out, want, sizeof want - 1), 0);
    ck_assert(is_valid(out, (size_t)(end - out)));

    /* the most that a text can grow */
    char worst[100] = { 0 }, *room = guarded_room(6 * sizeof worst + 2);
    ck_assert_ptr_eq(json_print_string(room, worst, sizeof worst), room + 6 * sizeof worst + 2);
    room = guarded_room(2);
    ck_assert_ptr_eq(json_print_string(room, NULL, 0), room + 2);
}
