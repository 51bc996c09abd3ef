/* fields.c - see fields.h. */
#include "json/fields.h"

/* Nearly all names are short and have no escapes: to call for each row would cost more than this.
 */
static inline bool is_name(const struct json_text *text, const char *name)
{
    if (text->escaped) {
        return json_text_is(*text, name);
    }
    size_t i = 0;
    while (i < text->n && text->p[i] == name[i]) { /* the text holds no NUL */
        i++;
    }
    return i == text->n && name[i] == '\0';
}

/* fields->n if no row has the name. */
static size_t find_row(const struct json_fields *fields)
{
    const char *row = (const char *)fields->names;
    size_t i = 0;
    while (i < fields->n && !is_name(&fields->name, *(const char *const *)row)) {
        row += fields->row_bytes;
        i++;
    }
    return i;
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
    size_t row = find_row(fields);
    if (row == fields->n) {
        return JSON_FIELD_UNKNOWN;
    }
    bool is_new = (fields->seen & 1U << row) == 0;
    fields->row = row;
    fields->seen |= 1U << row;
    return is_new ? JSON_FIELD_NEW : JSON_FIELD_AGAIN;
}
