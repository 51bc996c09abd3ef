/* json_support.h - what the tests of lib/json share: memory that ends where the mapped world ends,
 * random bits. */
#ifndef JSON_SUPPORT_H
#define JSON_SUPPORT_H

#include "json/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n bytes right before a page that nobody may touch; the next call reuses them. At most
 * GUARDED_MAX. */
enum { GUARDED_MAX = 1 << 20 };
char *guarded_room(size_t n);
/* A scanner on a copy of the text in guarded_room: reading behind its end kills the test. */
struct json guarded_scan(const char *text, size_t n);
/* Whether the n bytes are one valid JSON text, read by json_skip and json_end. */
bool is_valid(const char *text, size_t n);

uint32_t bits_of_float(float value);
uint64_t bits_of_double(double value);
uint64_t random_bits(uint64_t *state);

#endif
