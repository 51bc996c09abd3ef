/*
 * put.h - printing pieces of JSON at a pointer into text that was reserved for them. Each returns
 * the end. Private to the codec.
 */
#ifndef PUT_H
#define PUT_H

#include "codec/codec.h"
#include "json/json.h"

#include <string.h>

/* Bytes that n floats take at most, each with a comma; likewise n values of readings or forecasts;
 * and a whole row of these, with brackets and comma. */
#define PUT_FLOATS_MAX(n) ((size_t)(n) * (JSON_FLOAT_MAX + 1))
#define PUT_VALUES_MAX(n) ((size_t)(n) * (JSON_DOUBLE_MAX + 1))
#define PUT_ROW_MAX(n)    (PUT_VALUES_MAX(n) + 3)
/* A string of n bytes, quoted and with a comma. */
#define PUT_STRING_MAX(n) (6 * (size_t)(n) + 3)

/* A string literal, without its NUL. */
#define PUT_LITERAL(p, literal) put_bytes((p), (literal), sizeof(literal) - 1)

static inline char *put_bytes(char *p, const char *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}

static inline char *put_string(char *p, const char *s)
{
    return json_print_string(p, s, strlen(s));
}

static inline char *put_unsigned(char *p, uint64_t value)
{
    return json_print_int(p, (int64_t)value);
}

/* [f,f,...] of floats: states, sizes of errors. */
static inline char *put_floats(char *p, const float *values, size_t n)
{
    *p++ = '[';
    for (size_t i = 0; i < n; i++) {
        p = json_print_float(p, values[i]);
        *p++ = ',';
    }
    p -= n > 0;
    *p++ = ']';
    return p;
}

/* The same of readings and forecasts. */
static inline char *put_row(char *p, const struct gru_info *info, const double *values, size_t n)
{
    *p++ = '[';
    for (size_t i = 0; i < n; i++) {
        p = json_print_real(p, info->is_wide, values[i]);
        *p++ = ',';
    }
    p -= n > 0;
    *p++ = ']';
    return p;
}

/* [[f,...],...]: n_columns of each row, one behind the other. */
static inline char *put_rows(char *p, const struct gru_info *info, const double *values,
                             size_t n_rows, size_t n_columns)
{
    *p++ = '[';
    for (size_t i = 0; i < n_rows; i++) {
        p = put_row(p, info, values + i * n_columns, n_columns);
        *p++ = ',';
    }
    p -= n_rows > 0;
    *p++ = ']';
    return p;
}

/* Marks what was printed up to `end`, in text reserved before, as part of the text. */
static inline void put_end(struct text *text, const char *end)
{
    text->n = (size_t)(end - text->p);
}

#endif
