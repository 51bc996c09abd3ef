/*
 * reader_skip.h - values that no table of fields describes. They are passed over, or kept as text,
 * and a fault in them names its place all the same. Private to the codec.
 */
#ifndef READER_SKIP_H
#define READER_SKIP_H

#include "codec/reader.h"

/* Any value, passed over. */
enum status reader_skip(struct reader *r);
/* Any value of at most `most` bytes, which is to be kept as text: no object in it has a name twice,
 * and its numbers are finite as floats too. */
enum status reader_text(struct reader *r, size_t most, const char **ret_text, size_t *ret_n);
/* As reader_fields, where only these fields matter yet: it passes over the others, takes the last
 * of those that are given twice, and requires none. */
enum status reader_some_fields(struct reader *r, const struct field *fields, size_t n, void *body,
                               unsigned *ret_seen);

#endif
