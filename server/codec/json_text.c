#include "codec/json_text.h"

#include "codec/put.h"

/* What opens an object or an array, or stands before a value, is followed by no comma. */
static void begin_value(struct text *text, const char *name)
{
    const size_t n_name = name ? PUT_STRING_MAX(strlen(name)) : 0;
    const char last = !text->failed && text->n > 0 ? text->p[text->n - 1] : '[';
    char *p = text_reserve(text, n_name + 2);
    if (!p) {
        return;
    }
    if (last != '{' && last != '[') {
        *p++ = ',';
    }
    if (name) {
        p = put_string(p, name);
        *p++ = ':';
    }
    put_end(text, p);
}

void json_text_begin_object(struct text *text, const char *name)
{
    begin_value(text, name);
    text_append(text, "{", 1);
}

void json_text_end_object(struct text *text)
{
    text_append(text, "}", 1);
}

void json_text_begin_array(struct text *text, const char *name)
{
    begin_value(text, name);
    text_append(text, "[", 1);
}

void json_text_end_array(struct text *text)
{
    text_append(text, "]", 1);
}

void json_text_string(struct text *text, const char *name, const char *value)
{
    begin_value(text, name);
    char *p = text_reserve(text, PUT_STRING_MAX(strlen(value)));
    if (p) {
        put_end(text, put_string(p, value));
    }
}

void json_text_bool(struct text *text, const char *name, bool value)
{
    json_text_raw(text, name, value ? "true" : "false");
}

void json_text_number(struct text *text, const char *name, double value)
{
    begin_value(text, name);
    char *p = text_reserve(text, JSON_DOUBLE_MAX);
    if (p) {
        put_end(text, json_print_double(p, value));
    }
}

void json_text_raw(struct text *text, const char *name, const char *json)
{
    begin_value(text, name);
    text_append(text, json, strlen(json));
}
