/*
 * json_schema.h - what JSON values of the API are: types, bounds, words and meanings, printed as
 * JSON Schema 2020-12. Constant data; any thread.
 *
 * A decoder reads an object by a table of its fields (reader.h), and each row has the schema of its
 * value: what is read and what is said of it stand in one line. The tables of replies
 * (schemas_*.c) have rows without a reader. schemas.h lists the objects that have names.
 */
#ifndef JSON_SCHEMA_H
#define JSON_SCHEMA_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct codec_limits;
struct json_schema;
struct reader;
struct text;

/* A member of an object. */
struct field {
    const char *name;
    enum status (*read)(struct reader *r, void *body); /* takes the value; NULL: of a reply */
    bool is_required;
    const struct json_schema *schema;
};

enum json_schema_type {
    JSON_SCHEMA_ANY,
    JSON_SCHEMA_OBJECT,
    JSON_SCHEMA_ARRAY,
    JSON_SCHEMA_STRING,
    JSON_SCHEMA_INTEGER,
    JSON_SCHEMA_NUMBER,
    JSON_SCHEMA_FLOAT, /* a number that a 32-bit float holds */
    JSON_SCHEMA_BOOLEAN,
    JSON_SCHEMA_ANY_OF
};

/* The largest float as it is printed, which is beyond it as a double. */
#define JSON_SCHEMA_FLOAT_MAX 3.4028235e38

/* Bounds that are options: the decoder's limits have them. */
enum json_schema_limit { JSON_SCHEMA_NO_LIMIT, JSON_SCHEMA_HORIZON_MAX, JSON_SCHEMA_LEVELS };

struct json_schema {
    enum json_schema_type type;
    const char *name; /* others refer to it by its name: "Model" */
    bool is_nullable;
    const char *help;    /* what it is, for people */
    const char *example; /* as JSON */

    /* ---- numbers: from least to most, unless both are 0 ---- */
    double least, most;
    bool is_above_least, is_below_most; /* not the bound itself */
    enum json_schema_limit limit;       /* what it may be, or at most */

    /* ---- text, which may be in words alone, as "all|last" ---- */
    const char *words, *pattern, *format;

    /* ---- arrays: least and most are their lengths; most 0: any ---- */
    const struct json_schema *items; /* of an object: its members', whatever their names are */

    /* ---- objects ---- */
    const struct field *fields;
    size_t n_fields;
    const char *either; /* "x|instances": exactly one of these members is there */

    /* ---- any of several ---- */
    const struct json_schema *const *choices;
    size_t n_choices;

    /* ---- bodies and replies: in other forms than JSON ---- */
    const char *as_lines;  /* what a line of x-ndjson is */
    const char *as_events; /* what an event of a stream is */
};

/* A schema in a row of a table. */
#define JSON_SCHEMA(its_type, ...)                                                                 \
    (&(const struct json_schema){ .type = JSON_SCHEMA_##its_type, __VA_ARGS__ })
#define JSON_SCHEMA_FIELDS(table) .fields = (table), .n_fields = sizeof(table) / sizeof *(table)
#define JSON_SCHEMA_CHOICES(list) .choices = (list), .n_choices = sizeof(list) / sizeof *(list)

/* Rows of what is printed: a field that is always there, and one that may be. */
#define SAID(name, schema)                                                                         \
    {                                                                                              \
        (name), NULL, true, (schema)                                                               \
    }
#define MAYBE(name, schema)                                                                        \
    {                                                                                              \
        (name), NULL, false, (schema)                                                              \
    }

/* Appends the schema as a member, or, with name NULL, an element. One that has a name is a
 * reference; json_schema_put_definition is what it refers to. */
void json_schema_put(struct text *text, const char *name, const struct json_schema *schema,
                     const struct codec_limits *limits);
void json_schema_put_definition(struct text *text, const struct json_schema *schema,
                                const struct codec_limits *limits);

#endif
