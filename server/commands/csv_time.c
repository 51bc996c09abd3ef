#include "commands/csv_time.h"

#include "base/rfc3339.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool csv_time_read(const char *text, double *ret_s)
{
    enum { MONTH = sizeof "2026-11" - 1, DAY = sizeof "2026-11-21" - 1 };
    enum { MINUTE = sizeof "2026-11-21T10:00" - 1 };
    const size_t n = strlen(text);
    const bool has_seconds = n > MINUTE && text[MINUTE] == ':';
    char full[80];
    if (n > sizeof full / 2) {
        return false;
    }
    if (n == MONTH || n == DAY) {
        snprintf(full, sizeof full, "%s%sT00:00:00", text, n == MONTH ? "-01" : "");
    } else if (n >= MINUTE && !has_seconds) {
        snprintf(full, sizeof full, "%.*s:00%s", (int)MINUTE, text, text + MINUTE);
    } else {
        memcpy(full, text, n + 1);
    }
    enum rfc3339 read = rfc3339_read(full, strlen(full), ret_s);
    if (read == RFC3339_NO_OFFSET) {
        strncat(full, "Z", sizeof full - strlen(full) - 1);
        read = rfc3339_read(full, strlen(full), ret_s);
    }
    return read == RFC3339_TIME;
}

void csv_time_print(double s, char ret_text[CSV_TIME_SIZE])
{
    const double ms = round(s * 1000), whole = floor(ms / 1000);
    const time_t seconds = (time_t)whole;
    struct tm tm;
    ret_text[0] = '\0';
    if (!(fabs(s) < 1e11) || !gmtime_r(&seconds, &tm)) {
        return;
    }
    const size_t n = strftime(ret_text, CSV_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    const int rest = (int)(ms - whole * 1000);
    snprintf(ret_text + n, CSV_TIME_SIZE - n, rest > 0 ? ".%03dZ" : "Z", rest);
}
