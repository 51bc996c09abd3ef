/* Times as RFC 3339 writes them. The seconds are those of Python's datetime, where that can say. */
#include "base/rfc3339.h"
#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum rfc3339 read_text(const char *text, double *ret_s)
{
    /* In memory of just its size, so that a byte read beyond it is seen. */
    const size_t n = strlen(text);
    char *exact = malloc(n > 0 ? n : 1);
    memcpy(exact, text, n);
    const enum rfc3339 result = rfc3339_read(exact, n, ret_s);
    free(exact);
    return result;
}

TEST(times_are_seconds_since_1970)
{
    static const struct {
        const char *text;
        double s;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2025-11-20T20:00:00Z", 1763668800 },
        { "2025-11-20T22:00:00+02:00", 1763668800 },
        { "2025-11-20T14:30:00-05:30", 1763668800 },
        { "2025-11-20t20:00:00z", 1763668800 },
        { "2025-11-20 20:00:00.250-00:00", 1763668800.25 },
        { "2025-11-20T20:00:00.000000000000000000000000000001Z", 1763668800 },
        { "2025-11-20T20:00:00.1Z", 1763668800.1 },
        { "1969-12-31T23:59:59.5Z", -0.5 },
        { "1969-12-31T23:59:59+23:59", -86341 },
        { "2024-02-29T00:00:00Z", 1709164800 },
        { "2000-02-29T12:00:00Z", 951825600 },
        { "0000-01-01T00:00:00Z", -62167219200.0 },
        { "0001-01-01T00:00:00Z", -62135596800.0 },
        { "9999-12-31T23:59:59Z", 253402300799.0 },
        { "2016-12-31T23:59:60Z", 1483228800 },
        { "2017-01-01T01:59:60+02:00", 1483228800 },
        { "2016-12-31T18:59:60.75-05:00", 1483228800.75 },
        { "2015-06-30T23:59:60Z", 1435708800 },
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        double s = -1;
        ck_assert_msg(read_text(rows[k].text, &s) == RFC3339_TIME, "%s", rows[k].text);
        ck_assert_msg(s == rows[k].s, "%s is %.17g", rows[k].text, s);
    }
}

static void expect_refused(const char *text, enum rfc3339 result)
{
    double s = 42;
    const enum rfc3339 got = read_text(text, &s);
    ck_assert_msg(got == result, "%s: %d, not %d", text, got, result);
    ck_assert_double_eq(s, 42);
}

TEST(what_is_no_time_is_refused_with_the_reason)
{
    static const struct {
        const char *text;
        enum rfc3339 result;
    } rows[] = {
        { "", RFC3339_MALFORMED },
        { "now", RFC3339_MALFORMED },
        { "NaN", RFC3339_MALFORMED },
        { "1763668800", RFC3339_MALFORMED },
        { "2025-11-20", RFC3339_MALFORMED },
        { "2025-11-20T20:00Z", RFC3339_MALFORMED },
        { "2025-11-20T20:00:00.Z", RFC3339_MALFORMED },
        { "2025-11-20T20:00:00,5Z", RFC3339_MALFORMED },
        { "2025-11-20T20:00:00Zz", RFC3339_MALFORMED },
        { "2025-11-20T20:00:00+0200", RFC3339_MALFORMED },
        { "2025-11-20T20:00:00+02", RFC3339_MALFORMED },
        { "2025-11-20T20:00:00 CET", RFC3339_MALFORMED },
        { "+2025-11-20T20:00:00Z", RFC3339_MALFORMED },
        { "20251120T200000Z", RFC3339_MALFORMED },
        { " 2025-11-20T20:00:00Z", RFC3339_MALFORMED },
        { "2025-11-20T20:00:00", RFC3339_NO_OFFSET },
        { "2025-11-20T20:00:00.25", RFC3339_NO_OFFSET },
        { "2025-00-20T20:00:00Z", RFC3339_IMPOSSIBLE },
        { "2025-13-20T20:00:00Z", RFC3339_IMPOSSIBLE },
        { "2025-11-00T20:00:00Z", RFC3339_IMPOSSIBLE },
        { "2025-11-31T20:00:00Z", RFC3339_IMPOSSIBLE },
        { "2025-02-29T20:00:00Z", RFC3339_IMPOSSIBLE },
        { "1900-02-29T20:00:00Z", RFC3339_IMPOSSIBLE },
        { "2025-11-20T24:00:00Z", RFC3339_IMPOSSIBLE },
        { "2025-11-20T20:60:00Z", RFC3339_IMPOSSIBLE },
        { "2025-11-20T20:00:61Z", RFC3339_IMPOSSIBLE },
        { "2025-11-20T20:00:00+24:00", RFC3339_IMPOSSIBLE },
        { "2025-11-20T20:00:00+02:60", RFC3339_IMPOSSIBLE },
        { "2016-12-31T23:58:60Z", RFC3339_IMPOSSIBLE },
        { "2016-12-30T23:59:60Z", RFC3339_IMPOSSIBLE },
        { "2016-12-31T23:59:60+02:00", RFC3339_IMPOSSIBLE },
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        expect_refused(rows[k].text, rows[k].result);
    }
}

TEST(no_prefix_of_a_time_is_one_and_no_byte_may_be_another)
{
    static const char whole[] = "2025-11-20T20:00:00.25+02:00";
    char text[sizeof whole];
    double s;
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        memcpy(text, whole, sizeof whole);
        text[n] = '\0';
        ck_assert_msg(read_text(text, &s) != RFC3339_TIME, "%s", text);
        memcpy(text, whole, sizeof whole);
        for (int byte = 1; byte < 256; byte++) {
            text[n] = (char)byte;
            const bool is_time = read_text(text, &s) == RFC3339_TIME;
            const bool is_of_one = strchr("0123456789-:.+Tt Zz", byte) != NULL;
            ck_assert_msg(!is_time || is_of_one, "%s", text);
        }
    }
}

/* The first and the last day of each month, counted one by one. */
TEST(days_follow_one_another_from_the_year_0_to_9999)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    double first_s = -62167219200.0;
    for (int year = 0; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            const int n_days = lengths[month - 1] + (month == 2 && is_leap);
            for (int day = 1; day <= n_days; day += n_days - 1) {
                const double expected = first_s + 86400.0 * (day - 1);
                char text[64];
                double s = 0;
                snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z", year, month, day);
                ck_assert_int_eq(rfc3339_read(text, strlen(text), &s), RFC3339_TIME);
                ck_assert_msg(s == expected, "%s is %.17g, not %.17g", text, s, expected);
            }
            first_s += 86400.0 * n_days;
        }
    }
}
