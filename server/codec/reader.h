/*
 * reader.h - reading JSON objects by tables of their fields, with faults that name the place.
 * Private to the codec.
 *
 * A reader is a scanner that knows its place in the text: `place` is a list, on the C stack, of the
 * names and indices that lead there. It is printed as a path ("instances[2].x[5][0]") only for a
 * fault. Functions that read one value return STATUS_OK with the value taken, or the status of the
 * fault that they filled.
 */
#ifndef READER_H
#define READER_H

#include "base/arena.h"
#include "codec/codec.h"
#include "codec/json_schema.h"
#include "service/service.h"
#include "json/json.h"

struct place {
    const struct place *up; /* NULL: the whole body */
    const char *name;       /* of a field, or NULL: an element */
    size_t index;
};

struct reader {
    struct json json;
    struct arena *arena; /* NULL where nothing is allocated */
    struct fault *fault;
    const struct place *place; /* NULL: the whole */
    const char *whole;         /* what a message calls it: "the body", "the step" */
};

enum { READER_NAME_SIZE = 81 }; /* a client's name in a fault is cut to fit */

void reader_init(struct reader *r, const struct codec_input *input);
/* After the whole value: `status`, or a fault if more follows. */
enum status reader_end(struct reader *r, enum status status);

/* ---- faults; the message begins with the path, or the whole's name ---- */

__attribute__((format(printf, 3, 4))) enum status
reader_refuse(struct reader *r, enum status status, const char *format, ...);
/* The same, of a field of the object in which the reader stands. */
__attribute__((format(printf, 4, 5))) enum status reader_refuse_field(struct reader *r,
                                                                      enum status status,
                                                                      const char *name,
                                                                      const char *format, ...);
enum status reader_refuse_name(struct reader *r, enum status status, struct json_text name,
                               const char *sentence);
void reader_show_name(struct json_text name, char ret_shown[READER_NAME_SIZE]);
/* The next value is not what was expected ("a string"). */
enum status reader_refuse_type(struct reader *r, const char *expected);
/* The next value is text where a reading is expected: a number in quotes, or what a program says in
 * place of one ("unavailable"). */
enum status reader_refuse_quoted(struct reader *r);
/* The scanner's own error: malformed text, or a number that no float holds. */
enum status reader_refuse_text(struct reader *r);

/* ---- memory; NULL after filling the fault ---- */

void *reader_alloc(struct reader *r, size_t n, size_t size);
/* Makes room for one more item in an array with room for *size: doubles it when n is there. */
void *reader_grow(struct reader *r, void *items, size_t n, size_t item_bytes, size_t *size);

/* ---- values ---- */

/* Reads an object of at most 32 known fields. *ret_seen: bit k for fields[k]. */
enum status reader_fields(struct reader *r, const struct field *fields, size_t n, void *body,
                          unsigned *ret_seen);
/* Reads an array; `read` is called once per element, with its index in r->place->index. */
enum status reader_elements(struct reader *r, const char *expected,
                            enum status (*read)(struct reader *r, void *body), void *body,
                            size_t *ret_n);
/* An integer, exactly; most is at most 2^53. */
enum status reader_integer(struct reader *r, uint64_t least, uint64_t most, uint64_t *ret_value);
enum status reader_bool(struct reader *r, bool *ret_value);
enum status reader_number(struct reader *r, double *ret_value);
/* false: the value is a number; true: it was null, and is taken. Anything else is refused. */
enum status reader_null_or_number(struct reader *r, bool *ret_is_null);
/* A number within the range of floats: rounded to one, or with is_double to a double (json_real);
 * null is NaN: missing. */
enum status reader_reading(struct reader *r, bool is_double, double *ret_value);
/* The text is unescaped into out; one that does not fit is refused as "must be `expected`". */
enum status reader_string(struct reader *r, const char *expected, char *out, size_t size);
/* A session's id, validated. */
enum status reader_session_id(struct reader *r, char ret_id[SESSION_ID_MAX + 1]);
/* An array of floats, null as NaN; of *ret_n, only the first `max` are stored. */
enum status reader_floats(struct reader *r, float *out, size_t max, size_t *ret_n);
/* The same of readings. */
enum status reader_readings(struct reader *r, bool is_double, double *out, size_t max,
                            size_t *ret_n);

#endif
