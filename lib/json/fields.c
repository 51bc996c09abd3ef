/* fields.c - see fields.h. */
#include "json/fields.h"

/* The row of that name; fields->n if there is none. Most rows differ in the first character. */
static size_t find_row(const struct json_fields *fields, struct json_text name)
{
    const char *row = (const char *)fields->names, first = name.n > 0 ? *name.p : '\0';
    for (size_t i = 0; i < fields->n; i++, row += fields->row_bytes) {
        const char *of_row = *(const char *const *)row;
        if ((*of_row == first || name.escaped) && json_text_is(name, of_row)) {
            return i;
        }
    }
    return fields->n;
}

static enum json_found end_fields(struct json_fields *fields, const struct json *j)
{
    unsigned missing = fields->required & ~fields->seen;
    if (j->error != JSON_NO_ERROR) {
        return JSON_FIELDS_ERROR;
    }
    if (missing == 0) {
        return JSON_FIELDS_END;
    }
    fields->row = (size_t)__builtin_ctz(missing);
    return JSON_FIELDS_MISSING;
}

enum json_found json_fields_next(struct json_fields *fields, struct json *j)
{
    if (!json_member(j, &fields->name)) {
        return end_fields(fields, j);
    }
    size_t row = find_row(fields, fields->name);
    if (row == fields->n) {
        return JSON_FIELD_UNKNOWN;
    }
    bool is_new = (fields->seen & 1U << row) == 0;
    fields->row = row;
    fields->seen |= 1U << row;
    return is_new ? JSON_FIELD_NEW : JSON_FIELD_AGAIN;
}
