#include "codec/json_schema.h"

#include "codec/codec.h"
#include "codec/json_text.h"

#include <stdio.h>
#include <string.h>

enum { WORD_SIZE = 64 };

static const char *const type_names[] = {
    [JSON_SCHEMA_OBJECT] = "object",   [JSON_SCHEMA_ARRAY] = "array",
    [JSON_SCHEMA_STRING] = "string",   [JSON_SCHEMA_INTEGER] = "integer",
    [JSON_SCHEMA_NUMBER] = "number",   [JSON_SCHEMA_FLOAT] = "number",
    [JSON_SCHEMA_BOOLEAN] = "boolean",
};

static void put_type(struct text *text, const struct json_schema *schema)
{
    const char *type = type_names[schema->type];
    if (schema->is_nullable) {
        json_text_begin_array(text, "type");
        json_text_string(text, NULL, type);
        json_text_string(text, NULL, "null");
        json_text_end_array(text);
    } else {
        json_text_string(text, "type", type);
    }
}

/* ---- numbers ---- */

static void put_bounds(struct text *text, const struct json_schema *schema, double most)
{
    if (schema->least != 0 || most != 0) {
        json_text_number(text, schema->is_above_least ? "exclusiveMinimum" : "minimum",
                         schema->least);
        json_text_number(text, schema->is_below_most ? "exclusiveMaximum" : "maximum", most);
    }
}

static void put_number(struct text *text, const struct json_schema *schema,
                       const struct codec_limits *limits)
{
    switch (schema->limit) {
    case JSON_SCHEMA_HORIZON_MAX:
        put_bounds(text, schema, (double)limits->horizon_max);
        break;
    case JSON_SCHEMA_LEVELS:
        json_text_begin_array(text, "enum");
        for (size_t k = 0; k < limits->interval_levels->n; k++) {
            json_text_number(text, NULL, limits->interval_levels->level[k]);
        }
        json_text_end_array(text);
        break;
    case JSON_SCHEMA_NO_LIMIT:
        put_bounds(text, schema, schema->most);
        break;
    }
}

static void put_float(struct text *text, const struct json_schema *schema)
{
    if (schema->least != 0 || schema->most != 0) {
        put_bounds(text, schema, schema->most);
    } else {
        json_text_number(text, "minimum", -JSON_SCHEMA_FLOAT_MAX);
        json_text_number(text, "maximum", JSON_SCHEMA_FLOAT_MAX);
    }
}

/* ---- text ---- */

/* The words of "all|last", each as `put` puts it. */
static void each_word(struct text *text, const char *words,
                      void (*put)(struct text *text, const char *word))
{
    for (const char *word = words; *word;) {
        char one[WORD_SIZE];
        const char *bar = strchr(word, '|');
        const size_t n = bar ? (size_t)(bar - word) : strlen(word);
        snprintf(one, sizeof one, "%.*s", (int)n, word);
        put(text, one);
        word += bar ? n + 1 : n;
    }
}

static void put_word(struct text *text, const char *word)
{
    json_text_string(text, NULL, word);
}

static void put_lengths(struct text *text, const struct json_schema *schema, const char *least,
                        const char *most)
{
    if (schema->least > 0) {
        json_text_number(text, least, schema->least);
    }
    if (schema->most > 0) {
        json_text_number(text, most, schema->most);
    }
}

static void put_string(struct text *text, const struct json_schema *schema)
{
    if (schema->words) {
        json_text_begin_array(text, "enum");
        each_word(text, schema->words, put_word);
        if (schema->is_nullable) {
            json_text_raw(text, NULL, "null");
        }
        json_text_end_array(text);
    }
    if (schema->pattern) {
        json_text_string(text, "pattern", schema->pattern);
    }
    if (schema->format) {
        json_text_string(text, "format", schema->format);
    }
    put_lengths(text, schema, "minLength", "maxLength");
}

/* ---- objects ---- */

static void put_requirement(struct text *text, const char *word)
{
    json_text_begin_object(text, NULL);
    json_text_begin_array(text, "required");
    json_text_string(text, NULL, word);
    json_text_end_array(text);
    json_text_end_object(text);
}

static size_t n_required(const struct json_schema *schema)
{
    size_t n = 0;
    for (size_t k = 0; k < schema->n_fields; k++) {
        n += schema->fields[k].is_required;
    }
    return n;
}

/* Replies may get new members, so only what a decoder reads has no others. */
static bool is_closed(const struct json_schema *schema)
{
    return schema->n_fields > 0 ? schema->fields[0].read != NULL : !schema->items;
}

static void put_object(struct text *text, const struct json_schema *schema,
                       const struct codec_limits *limits)
{
    if (schema->n_fields > 0) {
        json_text_begin_object(text, "properties");
        for (size_t k = 0; k < schema->n_fields; k++) {
            json_schema_put(text, schema->fields[k].name, schema->fields[k].schema, limits);
        }
        json_text_end_object(text);
    }
    if (n_required(schema) > 0) {
        json_text_begin_array(text, "required");
        for (size_t k = 0; k < schema->n_fields; k++) {
            if (schema->fields[k].is_required) {
                json_text_string(text, NULL, schema->fields[k].name);
            }
        }
        json_text_end_array(text);
    }
    if (schema->either) {
        json_text_begin_array(text, "oneOf");
        each_word(text, schema->either, put_requirement);
        json_text_end_array(text);
    }
    if (schema->items) {
        json_schema_put(text, "additionalProperties", schema->items, limits);
    } else if (is_closed(schema)) {
        json_text_bool(text, "additionalProperties", false);
    }
}

/* ---- any ---- */

static void put_null(struct text *text)
{
    json_text_begin_object(text, NULL);
    json_text_string(text, "type", "null");
    json_text_end_object(text);
}

static void put_choices(struct text *text, const struct json_schema *schema,
                        const struct codec_limits *limits)
{
    json_text_begin_array(text, "anyOf");
    for (size_t k = 0; k < schema->n_choices; k++) {
        json_schema_put(text, NULL, schema->choices[k], limits);
    }
    if (schema->is_nullable) {
        put_null(text);
    }
    json_text_end_array(text);
}

static void put_by_type(struct text *text, const struct json_schema *schema,
                        const struct codec_limits *limits)
{
    switch (schema->type) {
    case JSON_SCHEMA_OBJECT:
        put_object(text, schema, limits);
        break;
    case JSON_SCHEMA_ARRAY:
        json_schema_put(text, "items", schema->items, limits);
        put_lengths(text, schema, "minItems", "maxItems");
        break;
    case JSON_SCHEMA_STRING:
        put_string(text, schema);
        break;
    case JSON_SCHEMA_INTEGER:
    case JSON_SCHEMA_NUMBER:
        put_number(text, schema, limits);
        break;
    case JSON_SCHEMA_FLOAT:
        put_float(text, schema);
        break;
    case JSON_SCHEMA_ANY_OF:
        put_choices(text, schema, limits);
        break;
    case JSON_SCHEMA_BOOLEAN:
    case JSON_SCHEMA_ANY:
        break;
    }
}

static void put_members(struct text *text, const struct json_schema *schema,
                        const struct codec_limits *limits)
{
    if (schema->type != JSON_SCHEMA_ANY && schema->type != JSON_SCHEMA_ANY_OF) {
        put_type(text, schema);
    }
    if (schema->help) {
        json_text_string(text, "description", schema->help);
    }
    put_by_type(text, schema, limits);
    if (schema->example) {
        json_text_begin_array(text, "examples");
        json_text_raw(text, NULL, schema->example);
        json_text_end_array(text);
    }
}

void json_schema_put_definition(struct text *text, const struct json_schema *schema,
                                const struct codec_limits *limits)
{
    json_text_begin_object(text, schema->name);
    put_members(text, schema, limits);
    json_text_end_object(text);
}

void json_schema_put(struct text *text, const char *name, const struct json_schema *schema,
                     const struct codec_limits *limits)
{
    json_text_begin_object(text, name);
    if (schema->name) {
        char reference[96];
        snprintf(reference, sizeof reference, "#/components/schemas/%s", schema->name);
        json_text_string(text, "$ref", reference);
    } else {
        put_members(text, schema, limits);
    }
    json_text_end_object(text);
}
