#include "commands/csv_time.h"

#include "base/rfc3339.h"

#include <stdio.h>
#include <string.h>

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
