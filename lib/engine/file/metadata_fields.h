/*
 * metadata_fields.h - reading the metadata's JSON objects by a table of keys, with the path of
 * whatever is wrong in error.param ("grud.inputs[2].std"). Private to lib/engine.
 *
 * Unknown keys, duplicate keys and values of the wrong type are found here; what values mean is the
 * tables' business.
 */
#ifndef METADATA_FIELDS_H
#define METADATA_FIELDS_H

#include "gru.h"
#include "json/json.h"

enum { PATH_MAX_BYTES = 96 };

struct fields {
    struct json j;
    struct gru_error *error;
    const char *root; /* the path of the text: the key of __metadata__ whose text this is */
    const char *what; /* the text itself, as a message calls it: "the metadata" */
};

/* A key of an object, and how to read its value into what the object describes. */
struct metadata_field {
    const char *name;
    enum gru_status (*read)(struct fields *r, const char *path, void *target);
};

/* An object of known keys, each at most once. *ret_seen has bit k set where keys[k] was there. */
GRU_CHECK enum gru_status gru_fields_read(struct fields *r, const char *path,
                                          const struct metadata_field *keys, int n_keys,
                                          void *target, unsigned *ret_seen);

/* Says what the scanner found wrong, and where. */
enum gru_status gru_fields_fail_syntax(const struct fields *r);

/* Whether a value of this type comes next. No value at all passes: the read that follows says what
 * is wrong with it. */
GRU_CHECK enum gru_status gru_field_expect(struct fields *r, const char *path,
                                           enum json_type expected);

/* ---- one value each ---- */

GRU_CHECK enum gru_status gru_field_text(struct fields *r, const char *path,
                                         struct json_text *ret_text);
GRU_CHECK enum gru_status gru_field_number(struct fields *r, const char *path, double *ret_number);
GRU_CHECK enum gru_status gru_field_positive(struct fields *r, const char *path,
                                             double *ret_number);
/* A whole number from 1 to `most`. */
GRU_CHECK enum gru_status gru_field_count(struct fields *r, const char *path, int most,
                                          size_t *ret_count);
GRU_CHECK enum gru_status gru_field_array(struct fields *r, const char *path); /* enters it */
GRU_CHECK enum gru_status gru_field_string(struct fields *r, const char *path, char *out,
                                           size_t size);
/* A string of 1 to GRU_NAME_MAX bytes. */
GRU_CHECK enum gru_status gru_field_name(struct fields *r, const char *path, char *out);
/* The index of a word in `names`. */
GRU_CHECK enum gru_status gru_field_choice(struct fields *r, const char *path,
                                           const char *const *names, int n, int *ret_index);

#endif
