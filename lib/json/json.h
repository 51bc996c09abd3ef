/*
 * json.h - strict JSON text: a pull scanner, and a printer of numbers and strings. A leaf: it
 * includes nothing of the project.
 *
 * The scanner accepts exactly RFC 8259 (no duplicate check: callers know which names they have
 * seen), UTF-8 checked, nesting at most depth_max, which callers may lower. It allocates nothing:
 * strings come back as slices of the input and are unescaped into the caller's buffer on demand.
 * Reading goes on by return values: the first error sticks, every later call returns false, and
 * `error` with `at` say what and where.
 *
 *     struct json j;
 *     json_init(&j, text, n);
 *     if (json_object(&j)) {
 *         while (json_member(&j, &name)) { ... exactly one value must be read or skipped here ... }
 *     }
 *     if (!json_end(&j)) { ... json_error_text(j.error), j.at ... }
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 64 };

enum json_type {
    JSON_NONE, /* not the start of a value, or an earlier error */
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

/* Everything that can be wrong with a text or, in the last rows, with the order of the calls, and
 * the sentence that json_error_text has for it. */
#define JSON_ERRORS(ERROR)                                                                         \
    ERROR(JSON_ERROR_TEXT_EMPTY, "the text is empty")                                              \
    ERROR(JSON_ERROR_BYTE_ORDER_MARK, "the text starts with a byte order mark")                    \
    ERROR(JSON_ERROR_ENDS_BEFORE_VALUE, "the text ends where a value is expected")                 \
    ERROR(JSON_ERROR_ENDS_IN_OBJECT, "the text ends inside an object")                             \
    ERROR(JSON_ERROR_ENDS_IN_ARRAY, "the text ends inside an array")                               \
    ERROR(JSON_ERROR_ENDS_IN_STRING, "the text ends inside a string")                              \
    ERROR(JSON_ERROR_ENDS_IN_NUMBER, "the text ends inside a number")                              \
    ERROR(JSON_ERROR_NOT_CLOSED, "an array or object is not closed")                               \
    ERROR(JSON_ERROR_SOMETHING_FOLLOWS, "something follows after the end of the value")            \
    ERROR(JSON_ERROR_TOO_DEEP, "arrays and objects are nested too deeply")                         \
    ERROR(JSON_ERROR_NOT_A_VALUE, "expected a value")                                              \
    ERROR(JSON_ERROR_NOT_NULL, "expected null")                                                    \
    ERROR(JSON_ERROR_NOT_BOOL, "expected true or false")                                           \
    ERROR(JSON_ERROR_NOT_NUMBER, "expected a number")                                              \
    ERROR(JSON_ERROR_NOT_NUMBER_OR_NULL, "expected a number or null")                              \
    ERROR(JSON_ERROR_NOT_STRING, "expected a string")                                              \
    ERROR(JSON_ERROR_NOT_ARRAY, "expected an array")                                               \
    ERROR(JSON_ERROR_NOT_OBJECT, "expected an object")                                             \
    ERROR(JSON_ERROR_NOT_NAME, "expected the name of a member, in double quotes")                  \
    ERROR(JSON_ERROR_NO_COLON, "expected ':' after the name of a member")                          \
    ERROR(JSON_ERROR_NO_COMMA_IN_OBJECT, "expected ',' or '}' after a member")                     \
    ERROR(JSON_ERROR_NO_COMMA_IN_ARRAY, "expected ',' or ']' after an element")                    \
    ERROR(JSON_ERROR_COMMA_BEFORE_END, "a ',' stands before the closing bracket")                  \
    ERROR(JSON_ERROR_NOT_FINITE, "NaN and Infinity are not JSON")                                  \
    ERROR(JSON_ERROR_LEADING_ZERO, "a number has no leading zero")                                 \
    ERROR(JSON_ERROR_NO_DIGIT_AFTER_MINUS, "expected a digit after '-'")                           \
    ERROR(JSON_ERROR_NO_DIGIT_AFTER_POINT, "expected a digit after the decimal point")             \
    ERROR(JSON_ERROR_NO_DIGIT_IN_EXPONENT, "expected a digit in the exponent")                     \
    ERROR(JSON_ERROR_BEYOND_FLOAT, "the number is beyond the range of a 32-bit float")             \
    ERROR(JSON_ERROR_BEYOND_DOUBLE, "the number is beyond the range of a 64-bit float")            \
    ERROR(JSON_ERROR_CONTROL_CHARACTER, "a control character in a string must be escaped")         \
    ERROR(JSON_ERROR_UNKNOWN_ESCAPE, "an unknown escape in a string")                              \
    ERROR(JSON_ERROR_BAD_HEX, "expected 4 hexadecimal digits after \\u")                           \
    ERROR(JSON_ERROR_HALF_SURROGATE, "half of a surrogate pair in a string")                       \
    ERROR(JSON_ERROR_NOT_UTF8, "a string is not valid UTF-8")                                      \
    ERROR(JSON_ERROR_VALUE_NOT_READ, "the value here was not read")                                \
    ERROR(JSON_ERROR_NO_VALUE_DUE, "no value is due here")                                         \
    ERROR(JSON_ERROR_NO_OBJECT_OPEN, "no object is open here")                                     \
    ERROR(JSON_ERROR_NO_ARRAY_OPEN, "no array is open here")

#define JSON_ERROR_NAME(name, text) name,
enum json_error { JSON_NO_ERROR, JSON_ERRORS(JSON_ERROR_NAME) };
#undef JSON_ERROR_NAME

struct json {
    const char *begin, *p, *end;
    const char *at;        /* where the error is */
    enum json_error error; /* the first one */
    unsigned depth,
        depth_max;       /* json_init sets the latter to JSON_DEPTH_MAX, and no more is possible */
    unsigned char state; /* what may come next: enum json_state in scan.h */
    char open[JSON_DEPTH_MAX]; /* '{' or '[' per open container */
};

/* A string as it stands between its quotes, checked but still escaped. */
struct json_text {
    const char *p;
    size_t n;
    bool escaped; /* has a backslash */
};

void json_init(struct json *j, const char *text, size_t n);
enum json_type json_peek(struct json *j);        /* the type of the value that comes next */
const char *json_type_name(enum json_type type); /* "a number", "an object", ... for messages */
const char *json_error_text(enum json_error error);

bool json_object(struct json *j); /* enters an object */
bool json_member(
    struct json *j,
    struct json_text *ret_name);   /* next name, ':' taken; false at '}' (taken) or on error */
bool json_array(struct json *j);   /* enters an array */
bool json_element(struct json *j); /* true: a value comes next; false at ']' (taken) or on error */

bool json_null(struct json *j);
bool json_bool(struct json *j, bool *ret_value);
/* A finite number; one beyond the range of double is an error. Correctly rounded. */
bool json_number(struct json *j, double *ret_value);
/* A number that is finite as a float too; correctly rounded to float (no double rounding). */
bool json_float(struct json *j, float *ret_value);
/* A number that is finite as a float: with is_double rounded to double all the same, else as
 * json_float has it. */
bool json_real(struct json *j, bool is_double, double *ret_value);
bool json_string(struct json *j, struct json_text *ret_text);
bool json_skip(struct json *j); /* any value, fully checked */
bool json_end(struct json *j);  /* no error, and only white space remains */

/* Reads `[f, f, ...]` of numbers, with null as NaN, into out[0..max): the hot path of sequences.
 * *ret_n is the number of elements in the text, which may exceed max (the excess is checked, not
 * stored). On failure, what came before the error stands in out. */
bool json_float_array(struct json *j, float *out, size_t max, size_t *ret_n);
/* The same of what json_real reads. */
bool json_real_array(struct json *j, bool is_double, double *out, size_t max, size_t *ret_n);

/* Writes the unescaped text and a NUL; false if it has an embedded NUL or does not fit into `size`
 * bytes. */
bool json_unescape(struct json_text text, char *out, size_t size);
/* Whether the unescaped text equals the NUL-terminated s. */
bool json_text_is(struct json_text text, const char *s);

/* ---- printing: each writes at p, without a NUL, and returns the end ---- */

enum { JSON_FLOAT_MAX = 16, JSON_DOUBLE_MAX = 32, JSON_INT_MAX = 24 };
/* The shortest decimal that reads back as the same float ("null" if it is not finite). At most
 * JSON_FLOAT_MAX bytes. */
char *json_print_float(char *p, float value);
/* Reads back as the same double ("null" if it is not finite). At most JSON_DOUBLE_MAX bytes. */
char *json_print_double(char *p, double value);
/* A value that json_real is to read back: as json_print_float, or with is_double, of a value that
 * is the sum of two floats (gru_reading), as few digits as read back as a double which is the same
 * sum. So 21.4 is 21.4, though two floats hold it to 48 bits alone. At most JSON_DOUBLE_MAX bytes.
 */
char *json_print_real(char *p, bool is_double, double value);
char *json_print_int(char *p, int64_t value);
/* A quoted JSON string; at most 6 * n + 2 bytes. The input is valid UTF-8. */
char *json_print_string(char *p, const char *s, size_t n);

#endif
