/* deflate_bytes.h - compresses what tests send, in each form that clients use. */
#ifndef DEFLATE_BYTES_H
#define DEFLATE_BYTES_H

#include <stddef.h>

enum deflate_form { FORM_GZIP, FORM_ZLIB, FORM_RAW, FORMS };

/* The Content-Encoding of a form. */
const char *deflate_coding(enum deflate_form form);
/* The compressed bytes, to be freed. */
char *deflate_bytes(enum deflate_form form, const void *bytes, size_t n, size_t *ret_n);
/* Those of n zeros, where n may be large. */
char *deflate_zeros(enum deflate_form form, size_t n, size_t *ret_n);

#endif
