/* reader_skip.c - values that no table of fields describes: passed over, or kept as text. */
#include "codec/reader_skip.h"

#include "json/fields.h"

#include <string.h>

enum { TEXT_MAX = 4096 }; /* of a value that is kept */

/* ---- names that stand in an object twice ---- */

/* A name without its escapes, if it can be had; else as it stands. */
static size_t plain_name(struct json_text name, char *out, size_t size)
{
    if (json_unescape(name, out, size)) {
        return strlen(out);
    }
    size_t n = name.n < size ? name.n : size;
    memcpy(out, name.p, n);
    return n;
}

static bool is_same_name(struct json_text a, struct json_text b)
{
    char plain_a[TEXT_MAX], plain_b[TEXT_MAX];
    if (!a.escaped && !b.escaped) {
        return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
    }
    size_t n = plain_name(a, plain_a, sizeof plain_a);
    return n == plain_name(b, plain_b, sizeof plain_b) && memcmp(plain_a, plain_b, n) == 0;
}

/* Whether the name is among the first n of the object that `members` has just entered. */
static bool has_name(struct json members, size_t n, struct json_text name)
{
    struct json_text other;
    for (; n > 0 && json_member(&members, &other) && json_skip(&members); n--) {
        if (is_same_name(name, other)) {
            return true;
        }
    }
    return false;
}

/* ---- a walk that knows where it is ---- */

/* is_kept: of a value that is given out again, so no name may stand in an object twice, and no
 * number be one that clients cannot hold. */
static enum status walk(struct reader *r, bool is_kept);

// NOLINTNEXTLINE(misc-no-recursion): the scanner bounds the depth
static enum status walk_object(struct reader *r, bool is_kept)
{
    struct json_text name;
    enum status status = STATUS_OK;
    const struct json members = r->json;
    for (size_t n = 0; status == STATUS_OK && json_member(&r->json, &name); n++) {
        if (is_kept && has_name(members, n, name)) {
            return reader_refuse_name(r, STATUS_DUPLICATE_FIELD, name, "stands here twice");
        }
        char shown[READER_NAME_SIZE];
        struct place place = { r->place, shown, 0 };
        reader_show_name(name, shown);
        r->place = &place;
        status = walk(r, is_kept);
        r->place = place.up;
    }
    return status;
}

// NOLINTNEXTLINE(misc-no-recursion): the scanner bounds the depth
static enum status walk_array(struct reader *r, bool is_kept)
{
    struct place place = { r->place, NULL, 0 };
    enum status status = STATUS_OK;
    r->place = &place;
    while (status == STATUS_OK && json_element(&r->json)) {
        status = walk(r, is_kept);
        place.index++;
    }
    r->place = place.up;
    return status;
}

// NOLINTNEXTLINE(misc-no-recursion): the scanner bounds the depth
static enum status walk(struct reader *r, bool is_kept)
{
    enum json_type type = json_peek(&r->json);
    enum status status = STATUS_OK;
    if (type == JSON_OBJECT && json_object(&r->json)) {
        status = walk_object(r, is_kept);
    } else if (type == JSON_ARRAY && json_array(&r->json)) {
        status = walk_array(r, is_kept);
    } else if (type == JSON_NUMBER && is_kept) {
        float value;
        (void)json_float(&r->json, &value);
    } else {
        (void)json_skip(&r->json);
    }
    return status == STATUS_OK && r->json.error != JSON_NO_ERROR ? reader_refuse_text(r) : status;
}

/* ---- values ---- */

enum status reader_skip(struct reader *r)
{
    const struct json before = r->json;
    if (json_skip(&r->json)) {
        return STATUS_OK;
    }
    r->json = before; /* once more, to know where it is */
    return walk(r, false);
}

enum status reader_text(struct reader *r, size_t most, const char **ret_text, size_t *ret_n)
{
    (void)json_peek(&r->json); /* skips the white space */
    const struct json before = r->json;
    const char *begin = before.p;
    enum status status = reader_skip(r);
    if (status != STATUS_OK) {
        return status;
    }
    size_t n = (size_t)(r->json.p - begin);
    most = most < TEXT_MAX ? most : TEXT_MAX;
    if (n > most) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "has %zu bytes of JSON where %zu are allowed",
                             n, most);
    }
    r->json = before;
    status = walk(r, true); /* its time grows with the square of n */
    if (status == STATUS_OK) {
        *ret_text = begin;
        *ret_n = n;
    }
    return status;
}

/* ---- objects with few fields that matter yet ---- */

enum status reader_some_fields(struct reader *r, const struct field *fields, size_t n, void *body,
                               unsigned *ret_seen)
{
    struct json_fields walk = { .names = &fields->name, .row_bytes = sizeof *fields, .n = n };
    enum status status = STATUS_OK;
    enum json_found found = JSON_FIELD_NEW;
    if (json_peek(&r->json) != JSON_OBJECT) {
        return reader_refuse_type(r, "an object");
    }
    json_object(&r->json);
    while (status == STATUS_OK && (found = json_fields_next(&walk, &r->json)) < JSON_FIELDS_END) {
        char shown[READER_NAME_SIZE];
        struct place place = { r->place, shown, 0 };
        reader_show_name(walk.name, shown);
        r->place = &place;
        status = found == JSON_FIELD_UNKNOWN ? reader_skip(r) : fields[walk.row].read(r, body);
        r->place = place.up;
    }
    *ret_seen = walk.seen;
    return found == JSON_FIELDS_ERROR ? reader_refuse_text(r) : status;
}
