/*
 * base64.h - bytes as text (RFC 4648, with padding). A leaf.
 */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>

static inline size_t base64_length(size_t n_bytes)
{
    return (n_bytes + 2) / 3 * 4;
}
/* base64_length(n) characters, without a NUL; returns the end. */
char *base64_print(char *p, const unsigned char *bytes, size_t n);
/* The text of exactly n bytes. False: it is not; each n bytes have one text. */
bool base64_scan(const char *text, size_t n_text, unsigned char *ret_bytes, size_t n);

#endif
