#include "base/rfc3339.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, FRACTION_DIGITS = 18 };

/* A text is taken from the front; one that has once not fitted takes nothing more. */
struct time_text {
    const char *p, *end;
    bool is_bad;
};

static char peek(const struct time_text *text)
{
    return !text->is_bad && text->p < text->end ? *text->p : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void take_one_of(struct time_text *text, const char *characters)
{
    const char c = peek(text);
    text->is_bad |= c == '\0' || !strchr(characters, c);
    text->p += !text->is_bad;
}

static int take_digits(struct time_text *text, int n)
{
    int value = 0;
    for (int k = 0; k < n; k++) {
        value = value * 10 + (is_digit(peek(text)) ? *text->p - '0' : 0);
        take_one_of(text, "0123456789");
    }
    return value;
}

static double take_fraction(struct time_text *text)
{
    uint64_t digits = 0;
    double unit = 1;
    if (peek(text) != '.') {
        return 0;
    }
    text->p++;
    text->is_bad |= !is_digit(peek(text));
    for (int k = 0; is_digit(peek(text)); k++, text->p++) {
        if (k < FRACTION_DIGITS) {
            digits = digits * 10 + (uint64_t)(*text->p - '0');
            unit *= 10;
        }
    }
    return (double)digits / unit;
}

struct date {
    int year, month, day;
};

static int days_of_month(int year, int month)
{
    static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap);
}

static bool date_is_possible(const struct date *date)
{
    return date->month >= 1 && date->month <= 12 && date->day >= 1 &&
           date->day <= days_of_month(date->year, date->month);
}

/* Days since 1970-01-01 in the Gregorian calendar, also before it began. A year is counted from
 * March, so that the leap day is its last (H. Hinnant, "chrono-compatible low-level date
 * algorithms", days_from_civil). */
static int64_t days_of(const struct date *date)
{
    const int64_t year = date->year - (date->month <= 2);
    const int64_t era = (year >= 0 ? year : year - 399) / 400, year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * ((date->month + 9) % 12) + 2) / 5 + date->day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* Whether a month begins then in UTC: that of the local date, or the one after it. */
static bool is_first_of_month(int64_t unix_s, const struct date *local)
{
    const struct date first = { local->year, local->month, 1 };
    const struct date next = { local->year + local->month / 12, local->month % 12 + 1, 1 };
    return unix_s == days_of(&first) * DAY_S || unix_s == days_of(&next) * DAY_S;
}

struct written_time {
    struct date date;
    int hour, minute, second;
    double fraction_s;
    int offset_sign, offset_hour, offset_minute;
};

static enum rfc3339 read_parts(struct time_text *text, struct written_time *time)
{
    time->date.year = take_digits(text, 4);
    take_one_of(text, "-");
    time->date.month = take_digits(text, 2);
    take_one_of(text, "-");
    time->date.day = take_digits(text, 2);
    take_one_of(text, "Tt ");
    time->hour = take_digits(text, 2);
    take_one_of(text, ":");
    time->minute = take_digits(text, 2);
    take_one_of(text, ":");
    time->second = take_digits(text, 2);
    time->fraction_s = take_fraction(text);
    if (!text->is_bad && text->p == text->end) {
        return RFC3339_NO_OFFSET;
    }
    const char sign = peek(text);
    take_one_of(text, "Zz+-");
    if (sign == '+' || sign == '-') {
        time->offset_sign = sign == '+' ? 1 : -1;
        time->offset_hour = take_digits(text, 2);
        take_one_of(text, ":");
        time->offset_minute = take_digits(text, 2);
    }
    return !text->is_bad && text->p == text->end ? RFC3339_TIME : RFC3339_MALFORMED;
}

enum rfc3339 rfc3339_read(const char *text, size_t n, double *ret_s)
{
    struct time_text rest = { .p = text, .end = text + n };
    struct written_time time = { .offset_sign = 0 };
    const enum rfc3339 result = read_parts(&rest, &time);
    if (result != RFC3339_TIME) {
        return result;
    }
    const bool is_leap_second = time.second == 60;
    if (!date_is_possible(&time.date) || time.hour > 23 || time.minute > 59 ||
        time.second > 59 + is_leap_second || time.offset_hour > 23 || time.offset_minute > 59) {
        return RFC3339_IMPOSSIBLE;
    }
    const int64_t offset_s = time.offset_hour * HOUR_S + time.offset_minute * MINUTE_S;
    const int64_t unix_s = days_of(&time.date) * DAY_S + time.hour * HOUR_S +
                           time.minute * MINUTE_S + time.second - time.offset_sign * offset_s;
    if (is_leap_second && !is_first_of_month(unix_s, &time.date)) {
        return RFC3339_IMPOSSIBLE;
    }
    *ret_s = (double)unix_s + time.fraction_s;
    return RFC3339_TIME;
}
