#include "codec/time_fields.h"

#include "base/rfc3339.h"
#include "codec/schemas.h"

#include <math.h>
#include <string.h>

/* Clocks that count in smaller units are told apart from seconds by size: these reach 1e11 in the
 * year 5138. */
#define AT_MAX_S 1e11

/* Of which text may be; a day more than the year 9999, for offsets. */
#define LAST_AT_MAX_S 253402387200.0

enum { AT_TEXT_SIZE = 64 };

/* ---- at ---- */

static enum status read_unix_seconds(struct reader *r, double *ret_at)
{
    double at = 0;
    enum status status = reader_number(r, &at);
    if (status == STATUS_OK && fabs(at) > AT_MAX_S) {
        const char *unit = fabs(at) <= AT_MAX_S * 1e3   ? "milliseconds"
                           : fabs(at) <= AT_MAX_S * 1e6 ? "microseconds"
                                                        : "nanoseconds";
        return reader_refuse(r, STATUS_INVALID_VALUE, "is in %s: send Unix seconds", unit);
    }
    *ret_at = at + 0.0; /* 0 for -0 */
    return status;
}

static enum status read_rfc3339(struct reader *r, double *ret_at)
{
    static const char expected[] =
        "Unix seconds, or a time as RFC 3339 writes it: \"2026-11-21T10:00:00Z\"";
    char text[AT_TEXT_SIZE];
    enum status status = reader_string(r, expected, text, sizeof text);
    if (status != STATUS_OK) {
        return status;
    }
    switch (rfc3339_read(text, strlen(text), ret_at)) {
    case RFC3339_TIME:
        return STATUS_OK;
    case RFC3339_MALFORMED:
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    case RFC3339_NO_OFFSET:
        return reader_refuse(r, STATUS_INVALID_VALUE,
                             "has no offset: end it with Z for UTC, or with one such as +02:00");
    case RFC3339_IMPOSSIBLE:
        break;
    }
    return reader_refuse(r, STATUS_INVALID_VALUE,
                         "is no time: there is no such date, hour, minute, second or offset");
}

enum status time_fields_read_at(struct reader *r, double *ret_at)
{
    const enum json_type type = json_peek(&r->json);
    return type == JSON_NUMBER   ? read_unix_seconds(r, ret_at)
           : type == JSON_STRING ? read_rfc3339(r, ret_at)
                                 : reader_refuse_type(r, "Unix seconds, or text with a time");
}

/* ---- a session's time ---- */

static enum status read_last_at(struct reader *r, void *body)
{
    struct session_time *time = body;
    double last_at = 0;
    enum status status = reader_number(r, &last_at);
    if (status == STATUS_OK && fabs(last_at) > LAST_AT_MAX_S) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be a time in Unix seconds");
    }
    time->is_known = true;
    time->last_at = last_at + 0.0;
    return status;
}

static enum status read_filled(struct reader *r, void *body)
{
    uint64_t n_filled = 0;
    enum status status = reader_integer(r, 0, SESSION_FILLED_MAX, &n_filled);
    ((struct session_time *)body)->n_filled = (size_t)n_filled;
    return status;
}

static enum status read_restarted(struct reader *r, void *body)
{
    return reader_bool(r, &((struct session_time *)body)->is_restarted);
}

static enum status read_untimed(struct reader *r, void *body)
{
    return reader_bool(r, &((struct session_time *)body)->is_untimed);
}

static const struct field fields[] = {
    { "last_at", read_last_at, true, &schema_last_at },
    { "filled", read_filled, false, &schema_filled },
    { "restarted", read_restarted, false, &schema_restarted },
    { "untimed", read_untimed, false, &schema_untimed },
};

const struct json_schema codec_time_part = {
    .type = JSON_SCHEMA_OBJECT,
    .is_nullable = true,
    JSON_SCHEMA_FIELDS(fields),
    .help = "the last reading's own time, and what was said of the gap before it"
};

enum status time_fields_read_session(struct reader *r, struct session_time *ret_time)
{
    struct session_time time = { .is_known = false };
    unsigned seen;
    enum status status =
        json_peek(&r->json) != JSON_NULL
            ? reader_fields(r, fields, sizeof fields / sizeof *fields, &time, &seen)
        : json_null(&r->json) ? STATUS_OK
                              : reader_refuse_text(r);
    if (status == STATUS_OK && (time.n_filled > 0) + time.is_restarted + time.is_untimed > 1) {
        status = reader_refuse(r, STATUS_INVALID_VALUE,
                               "must have no more than one of `filled`, `restarted`, `untimed`");
    }
    if (status == STATUS_OK) {
        *ret_time = time;
    }
    return status;
}
