/*
 * fields.h - reading an object by a table of its fields: which one comes next, and whether one is
 * unknown, given twice or missing. How a value is read, and how a fault is worded, is the caller's,
 * so that a model file and a request share this one walk. A leaf; any thread.
 *
 *     struct json_fields walk = { .names = &table->name, .row_bytes = sizeof *table, .n = n };
 *     if (json_object(&j)) {
 *         while (json_fields_next(&walk, &j) == JSON_FIELD_NEW) {
 *             ... read the value of table[walk.row] ...
 *         }
 *     }
 */
#ifndef FIELDS_H
#define FIELDS_H

#include "json/json.h"

struct json_fields {
    const char *const *names; /* in the first row of the table */
    size_t row_bytes, n;      /* the table's rows, at most 32 */
    unsigned required;        /* bit k: row k must be there */
    unsigned seen;            /* bit k: row k was there */
    size_t row;               /* of the field that was found, or is missing */
    struct json_text name;    /* as it stands in the text */
};

enum json_found {
    /* its value comes next and must be read or skipped */
    JSON_FIELD_NEW,
    JSON_FIELD_AGAIN,
    JSON_FIELD_UNKNOWN,
    /* there are no more */
    JSON_FIELDS_END,
    JSON_FIELDS_MISSING, /* the object has ended without one that is required */
    JSON_FIELDS_ERROR    /* of the scanner */
};

/* Goes on in the object that json_object has entered. */
enum json_found json_fields_next(struct json_fields *fields, struct json *j);

#endif
