#include "codec/calibration_fields.h"

#include "base/choice.h"
#include "codec/base64.h"
#include "codec/put.h"
#include "codec/reader_skip.h"
#include "codec/schemas.h"

#include <string.h>

#define STEP_MAX (UINT64_C(1) << 53)

/* ---- writing ---- */

static const char frame[] = "{\"format\":,\"step\":,\"levels\":[],\"horizons\":,\"parts\":[],"
                            "\"bytes\":\"\"}";

static size_t n_bytes_of(const struct gru_info *info, const struct session_calibration *calibration)
{
    return session_calibration_bytes(session_calibration_format(info), info, calibration);
}

static char *put_parts(char *p, uint32_t parts)
{
    p = PUT_LITERAL(p, ",\"parts\":[");
    for (size_t k = 0; k < TAIL_PARTS; k++) {
        if (parts >> k & 1) {
            char name[TAIL_PART_NAME_MAX + 1];
            choice_print(TAIL_PART_WORDS, (int)k, name, sizeof name);
            p = put_string(p, name);
            *p++ = ',';
        }
    }
    p[-1] = ']';
    return p;
}

size_t calibration_fields_max(const struct gru_info *info,
                              const struct session_calibration *calibration)
{
    return sizeof frame + 3 * JSON_INT_MAX + INTERVAL_LEVELS_MAX * (JSON_DOUBLE_MAX + 1) +
           TAIL_PARTS * (PUT_STRING_MAX(TAIL_PART_NAME_MAX) + 1) +
           (calibration->levels.n > 0 ? base64_length(n_bytes_of(info, calibration)) : 0);
}

char *calibration_fields_put(char *p, const struct gru_info *info,
                             const struct session_calibration *calibration)
{
    if (calibration->levels.n == 0) {
        return PUT_LITERAL(p, "null");
    }
    p = PUT_LITERAL(p, "{\"format\":");
    p = put_unsigned(p, session_calibration_format(info));
    p = PUT_LITERAL(p, ",\"step\":");
    p = put_unsigned(p, calibration->step);
    p = PUT_LITERAL(p, ",\"levels\":[");
    for (size_t i = 0; i < calibration->levels.n; i++) {
        p = json_print_double(p, calibration->levels.level[i]);
        *p++ = ',';
    }
    p = put_bytes(p - 1, "],\"horizons\":", strlen("],\"horizons\":"));
    p = put_unsigned(p, calibration->n_horizons);
    p = calibration->parts != 0 ? put_parts(p, calibration->parts) : p;
    p = PUT_LITERAL(p, ",\"bytes\":\"");
    p = base64_print(p, calibration->bytes, n_bytes_of(info, calibration));
    return PUT_LITERAL(p, "\"}");
}

/* ---- reading ---- */

struct calibration_body {
    const struct gru_info *info;
    struct session_calibration calibration;
    uint64_t format;
    struct json bytes; /* where they stand: how many they must be is known once all else is */
    size_t n_text;     /* how long the text is there, as it is written */
};

static enum status read_format(struct reader *r, void *body)
{
    uint64_t *format = &((struct calibration_body *)body)->format;
    enum status status = reader_integer(r, 0, STEP_MAX, format);
    return status == STATUS_OK &&
                   (*format < SESSION_CALIBRATION_FIRST || *format > SESSION_CALIBRATION_WIDE)
               ? reader_refuse(r, STATUS_INVALID_VALUE,
                               "is %llu, and this grud reads up to %d; leave `calibration` out to "
                               "restore the session without it",
                               (unsigned long long)*format, SESSION_CALIBRATION_WIDE)
               : status;
}

static enum status read_step(struct reader *r, void *body)
{
    return reader_integer(r, 0, STEP_MAX, &((struct calibration_body *)body)->calibration.step);
}

static enum status read_level(struct reader *r, void *body)
{
    struct interval_levels *levels = &((struct calibration_body *)body)->calibration.levels;
    double level = 0;
    enum status status = reader_number(r, &level);
    if (status != STATUS_OK) {
        return status;
    }
    if (!(level > (levels->n > 0 ? levels->level[levels->n - 1] : 0) && level < 1)) {
        return reader_refuse(r, STATUS_INVALID_VALUE,
                             "must be between 0 and 1, and more than the one before");
    }
    if (levels->n == INTERVAL_LEVELS_MAX) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "is one more than the %d that there may be",
                             (int)INTERVAL_LEVELS_MAX);
    }
    levels->level[levels->n++] = level;
    return STATUS_OK;
}

static enum status read_levels(struct reader *r, void *body)
{
    size_t n;
    enum status status = reader_elements(r, "an array of levels", read_level, body, &n);
    return status == STATUS_OK && n == 0
               ? reader_refuse(r, STATUS_WRONG_LENGTH, "must hold at least one level")
               : status;
}

static enum status read_horizons(struct reader *r, void *body)
{
    uint64_t n = 0;
    enum status status = reader_integer(r, 1, SESSION_CALIBRATION_HORIZONS_MAX, &n);
    ((struct calibration_body *)body)->calibration.n_horizons = (size_t)n;
    return status;
}

static enum status read_part(struct reader *r, void *body)
{
    char name[TAIL_PART_NAME_MAX + 1];
    enum status status = reader_string(r, "the name of a part", name, sizeof name);
    if (status != STATUS_OK) {
        return status;
    }
    const int k = choice_find(TAIL_PART_WORDS, name);
    if (k < 0) {
        return reader_refuse(r, STATUS_INVALID_VALUE,
                             "is no part that this grud knows; leave `calibration` out to restore "
                             "the session without it");
    }
    ((struct calibration_body *)body)->calibration.parts |= UINT32_C(1) << k;
    return STATUS_OK;
}

static enum status read_parts(struct reader *r, void *body)
{
    size_t n;
    return reader_elements(r, "an array of names", read_part, body, &n);
}

static enum status mark_bytes(struct reader *r, void *body)
{
    struct calibration_body *calibration = body;
    calibration->bytes = r->json;
    enum status status = json_peek(&r->json) == JSON_STRING
                             ? reader_skip(r)
                             : reader_refuse_type(r, "a string of base64");
    calibration->n_text = (size_t)(r->json.p - calibration->bytes.p);
    return status;
}

static enum status refuse_bytes(struct reader *r, const struct calibration_body *body, size_t n)
{
    return reader_refuse(r, STATUS_WRONG_LENGTH,
                         "must be the base64 of %zu bytes, those of %zu step%s ahead with %zu "
                         "level%s",
                         n, body->calibration.n_horizons,
                         body->calibration.n_horizons == 1 ? "" : "s", body->calibration.levels.n,
                         body->calibration.levels.n == 1 ? "" : "s");
}

/* As those of the model's own format are. */
static enum status translate_bytes(struct reader *r, struct calibration_body *body)
{
    struct session_calibration *calibration = &body->calibration;
    unsigned char *bytes = calibration->bytes;
    if (body->format == session_calibration_format(body->info)) {
        return STATUS_OK;
    }
    calibration->bytes = reader_alloc(r, n_bytes_of(body->info, calibration), 1);
    if (!calibration->bytes) {
        return r->fault->status;
    }
    session_calibration_take(body->format, body->info, bytes, calibration);
    return STATUS_OK;
}

/* Memory is taken only for a text that is long enough. */
static enum status read_bytes(struct reader *r, struct calibration_body *body)
{
    struct session_calibration *calibration = &body->calibration;
    const size_t n = session_calibration_bytes(body->format, body->info, calibration);
    const size_t n_text = base64_length(n);
    if (body->n_text < n_text) {
        return refuse_bytes(r, body, n);
    }
    char *text = reader_alloc(r, body->n_text + 1, 1);
    calibration->bytes = text ? reader_alloc(r, n, 1) : NULL;
    if (!calibration->bytes) {
        return r->fault->status;
    }
    enum status status = reader_string(r, "base64", text, body->n_text + 1);
    if (status != STATUS_OK) {
        return status;
    }
    if (!base64_scan(text, strlen(text), calibration->bytes, n)) {
        return refuse_bytes(r, body, n);
    }
    status = translate_bytes(r, body);
    if (status != STATUS_OK) {
        return status;
    }
    struct session_intervals intervals;
    session_calibration_view(body->info, calibration, &intervals);
    return tail_is_valid(&intervals.tail)
               ? STATUS_OK
               : reader_refuse(r, STATUS_INVALID_VALUE,
                               "is no calibration: what GET gave was changed");
}

static const struct field fields[] = {
    { "format", read_format, true, &schema_calibration_format },
    { "step", read_step, true, &schema_step_count },
    { "levels", read_levels, true, &schema_calibration_levels },
    { "horizons", read_horizons, true, &schema_calibration_horizons },
    { "parts", read_parts, false, &schema_calibration_parts },
    { "bytes", mark_bytes, true, &schema_calibration_bytes },
};

const struct json_schema codec_calibration_part = {
    .type = JSON_SCHEMA_OBJECT,
    .is_nullable = true,
    JSON_SCHEMA_FIELDS(fields),
    .help = "of the session's intervals; null: it has none"
};

static enum status read_object(struct reader *r, struct calibration_body *body)
{
    unsigned seen;
    enum status status = reader_fields(r, fields, sizeof fields / sizeof *fields, body, &seen);
    if (status != STATUS_OK) {
        return status;
    }
    struct reader there = *r;
    struct place place = { r->place, "bytes", 0 };
    there.json = body->bytes;
    there.place = &place;
    return read_bytes(&there, body);
}

enum status calibration_fields_read(struct reader *r, const struct gru_info *info,
                                    struct session_calibration **ret_calibration)
{
    struct calibration_body body = { .info = info };
    struct session_calibration *calibration = reader_alloc(r, 1, sizeof *calibration);
    if (calibration == NULL) {
        return r->fault->status;
    }
    enum status status = json_peek(&r->json) != JSON_NULL ? read_object(r, &body)
                         : json_null(&r->json)            ? STATUS_OK
                                                          : reader_refuse_text(r);
    *calibration = body.calibration;
    *ret_calibration = calibration;
    return status;
}
