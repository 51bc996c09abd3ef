/* reader.c - see reader.h. */
#include "codec/reader.h"

#include "json/fields.h"

#include <math.h>
#include <string.h>

enum {
    NUMBER_SHOWN = 40,
    GROW_BYTES_MIN = 256,
};

#define INTEGER_EXACT (UINT64_C(1) << 53) /* integers up to it are doubles */

void reader_init(struct reader *r, const struct codec_input *input)
{
    json_init(&r->json, input->json, input->n);
    r->json.depth_max = (unsigned)input->limits.depth_max;
    r->arena = input->arena;
    r->fault = input->fault;
    r->place = NULL;
    r->whole = "the body";
}

enum status reader_end(struct reader *r, enum status status)
{
    if (status == STATUS_OK && !json_end(&r->json)) {
        status = reader_refuse_text(r);
    }
    return status;
}

/* ---- memory ---- */

static void *refuse_memory(struct reader *r)
{
    (void)fault_no_room(
        r->fault, r->arena->is_full, NULL,
        "the request needs more working memory than the %zu bytes that one may take",
        r->arena->cap);
    return NULL;
}

void *reader_alloc(struct reader *r, size_t n, size_t size)
{
    size_t n_bytes;
    if (__builtin_mul_overflow(n, size, &n_bytes)) {
        r->arena->is_full = true;
        return refuse_memory(r);
    }
    void *p = arena_alloc(r->arena, n_bytes);
    return p != NULL ? p : refuse_memory(r);
}

void *reader_grow(struct reader *r, void *items, size_t n, size_t item_bytes, size_t *size)
{
    if (n < *size) {
        return items;
    }
    size_t larger = item_bytes < GROW_BYTES_MIN ? GROW_BYTES_MIN / item_bytes : 1, n_bytes;
    if ((*size > 0 && __builtin_mul_overflow(*size, 2, &larger)) ||
        __builtin_mul_overflow(larger, item_bytes, &n_bytes)) {
        r->arena->is_full = true;
        return refuse_memory(r);
    }
    void *p = items == NULL ? arena_alloc(r->arena, n_bytes)
                            : arena_grow(r->arena, items, *size * item_bytes, n_bytes);
    if (p == NULL) {
        return refuse_memory(r);
    }
    *size = larger;
    return p;
}

/* ---- objects and arrays ---- */

static enum status read_field(struct reader *r, const struct field *field, void *body)
{
    struct place place = { r->place, field->name, 0 };
    r->place = &place;
    enum status status = field->read(r, body);
    r->place = place.up;
    return status;
}

static struct json_fields walk_fields(const struct field *fields, size_t n)
{
    struct json_fields walk = { .names = n > 0 ? &fields->name : NULL,
                                .row_bytes = sizeof *fields,
                                .n = n };
    for (size_t i = n; i-- > 0;) {
        walk.required = walk.required << 1 | fields[i].is_required;
    }
    return walk;
}

enum status reader_fields(struct reader *r, const struct field *fields, size_t n, void *body,
                          unsigned *ret_seen)
{
    struct json_fields walk = walk_fields(fields, n);
    if (json_peek(&r->json) != JSON_OBJECT) {
        return reader_refuse_type(r, "an object");
    }
    enum json_found found;
    json_object(&r->json);
    while ((found = json_fields_next(&walk, &r->json)) == JSON_FIELD_NEW) {
        enum status status = read_field(r, &fields[walk.row], body);
        if (status != STATUS_OK) {
            return status;
        }
    }
    switch (found) {
    case JSON_FIELD_UNKNOWN:
        return reader_refuse_name(r, STATUS_UNKNOWN_FIELD, walk.name,
                                  "is not a field that is known here");
    case JSON_FIELD_AGAIN:
        return reader_refuse_name(r, STATUS_DUPLICATE_FIELD, walk.name, "stands here twice");
    case JSON_FIELDS_MISSING:
        return reader_refuse_field(r, STATUS_MISSING_FIELD, fields[walk.row].name, "is missing");
    case JSON_FIELDS_ERROR:
        return reader_refuse_text(r);
    case JSON_FIELD_NEW:
    case JSON_FIELDS_END:
        break;
    }
    *ret_seen = walk.seen;
    return STATUS_OK;
}

enum status reader_elements(struct reader *r, const char *expected,
                            enum status (*read)(struct reader *r, void *body), void *body,
                            size_t *ret_n)
{
    if (json_peek(&r->json) != JSON_ARRAY) {
        return reader_refuse_type(r, expected);
    }
    struct place place = { r->place, NULL, 0 };
    enum status status = STATUS_OK;
    json_array(&r->json);
    r->place = &place;
    while (status == STATUS_OK && json_element(&r->json)) {
        status = read(r, body);
        place.index++;
    }
    r->place = place.up;
    if (status == STATUS_OK && r->json.error != JSON_NO_ERROR) {
        status = reader_refuse_text(r);
    }
    if (status == STATUS_OK) {
        *ret_n = place.index;
    }
    return status;
}

/* ---- scalars ---- */

enum status reader_bool(struct reader *r, bool *ret_value)
{
    if (json_peek(&r->json) != JSON_BOOL) {
        return reader_refuse_type(r, "true or false");
    }
    return json_bool(&r->json, ret_value) ? STATUS_OK : reader_refuse_text(r);
}

enum status reader_number(struct reader *r, double *ret_value)
{
    if (json_peek(&r->json) != JSON_NUMBER) {
        return reader_refuse_type(r, "a number");
    }
    double value;
    if (!json_number(&r->json, &value)) {
        return reader_refuse_text(r);
    }
    if (fabs(value) > JSON_SCHEMA_FLOAT_MAX) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "is out of range: %s",
                             json_error_text(JSON_ERROR_BEYOND_FLOAT));
    }
    *ret_value = value;
    return STATUS_OK;
}

/* The integer that the checked number text [p, end), whose double is `value`, stands for;
 * UINT64_MAX if it is none, or not exactly known. A double alone would take 2^53 + 1, or 1 and a
 * very small fraction. */
static uint64_t integer_of(const char *p, const char *end, double value)
{
    if (memchr(p, 'e', (size_t)(end - p)) != NULL || memchr(p, 'E', (size_t)(end - p)) != NULL) {
        bool exact = value >= 0 && value < (double)INTEGER_EXACT && value == floor(value);
        return exact ? (uint64_t)value : UINT64_MAX;
    }
    uint64_t integer = 0;
    for (; p < end && *p != '.'; p++) {
        if (*p == '-' || integer > INTEGER_EXACT) {
            return UINT64_MAX;
        }
        integer = integer * 10 + (uint64_t)(*p - '0');
    }
    for (; p < end; p++) {
        if (*p != '.' && *p != '0') {
            return UINT64_MAX;
        }
    }
    return integer;
}

enum status reader_integer(struct reader *r, uint64_t least, uint64_t most, uint64_t *ret_value)
{
    if (json_peek(&r->json) != JSON_NUMBER) {
        return reader_refuse_type(r, "an integer");
    }
    const char *begin = r->json.p; /* json_peek has skipped the white space */
    double value = 0;
    enum status status = reader_number(r, &value);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t integer = integer_of(begin, r->json.p, value);
    if (integer < least || integer > most) {
        size_t n_shown = (size_t)(r->json.p - begin);
        return reader_refuse(r, STATUS_INVALID_VALUE,
                             "must be an integer from %llu to %llu, not %.*s",
                             (unsigned long long)least, (unsigned long long)most,
                             n_shown < NUMBER_SHOWN ? (int)n_shown : NUMBER_SHOWN, begin);
    }
    *ret_value = integer;
    return STATUS_OK;
}

enum status reader_null_or_number(struct reader *r, bool *ret_is_null)
{
    enum json_type type = json_peek(&r->json);
    if (type != JSON_NULL && type != JSON_NUMBER) {
        return reader_refuse_type(r, "a number or null");
    }
    if (type == JSON_NULL && !json_null(&r->json)) {
        return reader_refuse_text(r);
    }
    *ret_is_null = type == JSON_NULL;
    return STATUS_OK;
}

enum status reader_string(struct reader *r, const char *expected, char *out, size_t size)
{
    struct json_text text;
    if (json_peek(&r->json) != JSON_STRING) {
        return reader_refuse_type(r, "a string");
    }
    if (!json_string(&r->json, &text)) {
        return reader_refuse_text(r);
    }
    if (!json_unescape(text, out, size)) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    return STATUS_OK;
}

enum status reader_session_id(struct reader *r, char ret_id[SESSION_ID_MAX + 1])
{
    static const char expected[] = "1 to 128 characters of A-Z a-z 0-9 . _ ~ : -";
    char id[SESSION_ID_MAX + 1];
    enum status status = reader_string(r, expected, id, sizeof id);
    if (status != STATUS_OK) {
        return status;
    }
    size_t n = strlen(id);
    if (!session_id_is_valid(id, n)) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    memcpy(ret_id, id, n + 1);
    return STATUS_OK;
}

enum status reader_reading(struct reader *r, bool is_double, double *ret_value)
{
    bool is_null = false;
    double value = NAN;
    if (json_peek(&r->json) == JSON_STRING) {
        return reader_refuse_quoted(r);
    }
    enum status status = reader_null_or_number(r, &is_null);
    if (status == STATUS_OK && !is_null && !json_real(&r->json, is_double, &value)) {
        status = reader_refuse_text(r);
    }
    if (status == STATUS_OK) {
        *ret_value = value;
    }
    return status;
}

/* Where numbers go: into one of the two. */
struct numbers {
    float *floats;
    double *readings;
    bool is_double;
    size_t max;
};

static enum status read_element(struct reader *r, void *body)
{
    const struct numbers *numbers = body;
    const size_t i = r->place->index;
    double value = NAN;
    enum status status = reader_reading(r, numbers->is_double, &value);
    if (status == STATUS_OK && i < numbers->max) {
        if (numbers->readings) {
            numbers->readings[i] = value;
        } else if (numbers->floats) {
            numbers->floats[i] = (float)value;
        }
    }
    return status;
}

enum status reader_floats(struct reader *r, float *out, size_t max, size_t *ret_n)
{
    if (json_peek(&r->json) != JSON_ARRAY) {
        return reader_refuse_type(r, "an array of numbers");
    }
    struct json before = r->json;
    if (json_float_array(&r->json, out, max, ret_n)) {
        return STATUS_OK;
    }
    r->json = before; /* once more, one by one, to know which it is */
    struct numbers numbers = { .floats = out, .max = max };
    return reader_elements(r, "an array of numbers", read_element, &numbers, ret_n);
}

enum status reader_readings(struct reader *r, bool is_double, double *out, size_t max,
                            size_t *ret_n)
{
    if (json_peek(&r->json) != JSON_ARRAY) {
        return reader_refuse_type(r, "an array of numbers");
    }
    struct json before = r->json;
    if (json_real_array(&r->json, is_double, out, max, ret_n)) {
        return STATUS_OK;
    }
    r->json = before;
    struct numbers numbers = { .readings = out, .is_double = is_double, .max = max };
    return reader_elements(r, "an array of numbers", read_element, &numbers, ret_n);
}
