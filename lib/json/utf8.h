/*
 * utf8.h - text in UTF-8 (RFC 3629; table 3-7 of the Unicode standard): whether it is valid, where
 * a control character stands, and where it may be cut. A leaf; any thread.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes of the code point at p, before end; 0 if it is not valid: overlong, a surrogate, beyond
 * U+10FFFF, cut off. */
size_t utf8_length(const char *p, const char *end);

/* Whether all n bytes are valid. */
bool utf8_is_valid(const char *s, size_t n);

/* The bytes of the control character at p in valid text that a NUL ends: U+0001 to U+001F and DEL
 * have one, U+0080 to U+009F have two; 0: it is none. */
size_t utf8_control_length(const char *p);

/* n, less an incomplete code point at the end of the n bytes, which a cut may have left there. */
size_t utf8_whole(const char *s, size_t n);

#endif
