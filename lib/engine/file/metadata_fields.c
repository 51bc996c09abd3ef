/* Reading JSON objects by a table of keys; see metadata_fields.h. */
#include "engine/file/metadata_fields.h"
#include "engine/buffer.h"
#include "engine/model.h"
#include "json/fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum gru_status gru_fields_fail_syntax(const struct fields *r)
{
    return gru_fail(r->error, GRU_BAD_METADATA, r->root, "%s cannot be read: %s at byte %td of it",
                    r->what, r->j.error ? json_error_text(r->j.error) : "a value is missing",
                    (r->j.error ? r->j.at : r->j.p) - r->j.begin);
}

/* ---- values of one type ---- */

enum gru_status gru_field_expect(struct fields *r, const char *path, enum json_type expected)
{
    enum json_type got = json_peek(&r->j);
    if (got == expected || got == JSON_NONE) {
        return GRU_OK;
    }
    return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must be %s, not %s", path,
                    json_type_name(expected), json_type_name(got));
}

enum gru_status gru_field_text(struct fields *r, const char *path, struct json_text *ret_text)
{
    enum gru_status status = gru_field_expect(r, path, JSON_STRING);
    if (status == GRU_OK && !json_string(&r->j, ret_text)) {
        status = gru_fields_fail_syntax(r);
    }
    return status;
}

enum gru_status gru_field_number(struct fields *r, const char *path, double *ret_number)
{
    enum gru_status status = gru_field_expect(r, path, JSON_NUMBER);
    if (status == GRU_OK && !json_number(&r->j, ret_number)) {
        status = gru_fields_fail_syntax(r);
    }
    return status;
}

enum gru_status gru_field_array(struct fields *r, const char *path)
{
    enum gru_status status = gru_field_expect(r, path, JSON_ARRAY);
    if (status == GRU_OK && !json_array(&r->j)) {
        status = gru_fields_fail_syntax(r);
    }
    return status;
}

enum gru_status gru_field_string(struct fields *r, const char *path, char *out, size_t size)
{
    struct json_text text;
    enum gru_status status = gru_field_text(r, path, &text);
    if (status == GRU_OK && !json_unescape(text, out, size)) {
        status = gru_fail(r->error, GRU_BAD_METADATA, path,
                          "'%s' must have at most %zu bytes, and no NUL character", path, size - 1);
    }
    return status;
}

enum gru_status gru_field_name(struct fields *r, const char *path, char *out)
{
    enum gru_status status = gru_field_string(r, path, out, GRU_NAME_MAX + 1);
    if (status == GRU_OK && *out == '\0') {
        status = gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must not be empty", path);
    }
    return status;
}

enum gru_status gru_field_positive(struct fields *r, const char *path, double *ret_number)
{
    enum gru_status status = gru_field_number(r, path, ret_number);
    if (status == GRU_OK && !(*ret_number > 0)) {
        status = gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must be above 0, not %g", path,
                          *ret_number);
    }
    return status;
}

enum gru_status gru_field_count(struct fields *r, const char *path, int most, size_t *ret_count)
{
    double count;
    enum gru_status status = gru_field_number(r, path, &count);
    if (status != GRU_OK) {
        return status;
    }
    if (!(count >= 1 && count <= most) || count != floor(count)) {
        return gru_fail(r->error, GRU_BAD_METADATA, path,
                        "'%s' must be a whole number from 1 to %d, not %g", path, most, count);
    }
    *ret_count = (size_t)count;
    return GRU_OK;
}

enum gru_status gru_field_choice(struct fields *r, const char *path, const char *const *names,
                                 int n, int *ret_index)
{
    struct json_text text;
    enum gru_status status = gru_field_text(r, path, &text);
    if (status != GRU_OK) {
        return status;
    }
    char list[128] = "";
    for (int k = 0; k < n; k++) {
        if (json_text_is(text, names[k])) {
            *ret_index = k;
            return GRU_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", k > 0 ? ", " : "", names[k]);
    }
    return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must be one of %s, not '%s'", path,
                    list, gru_show_n(text.p, text.n).text);
}

enum gru_status gru_fields_read(struct fields *r, const char *path,
                                const struct metadata_field *keys, int n_keys, void *target,
                                unsigned *ret_seen)
{
    enum gru_status status = gru_field_expect(r, path, JSON_OBJECT);
    if (status != GRU_OK) {
        return status;
    }
    if (!json_object(&r->j)) {
        return gru_fields_fail_syntax(r);
    }
    struct json_fields walk = { .names = &keys->name,
                                .row_bytes = sizeof *keys,
                                .n = (size_t)n_keys };
    enum json_found found;
    char inner[PATH_MAX_BYTES];
    while ((found = json_fields_next(&walk, &r->j)) < JSON_FIELD_UNKNOWN) {
        const struct metadata_field *field = &keys[walk.row];
        snprintf(inner, sizeof inner, "%s.%s", path, field->name);
        if (found == JSON_FIELD_AGAIN) {
            return gru_fail(r->error, GRU_BAD_METADATA, inner, "'%s' is there twice", inner);
        }
        status = field->read(r, inner, target);
        if (status != GRU_OK) {
            return status;
        }
    }
    if (found == JSON_FIELD_UNKNOWN) {
        snprintf(inner, sizeof inner, "%.31s.%s", path, gru_show_n(walk.name.p, walk.name.n).text);
        return gru_fail(r->error, GRU_BAD_METADATA, inner, "unknown key '%s'", inner);
    }
    *ret_seen = walk.seen;
    return found == JSON_FIELDS_ERROR ? gru_fields_fail_syntax(r) : GRU_OK;
}
