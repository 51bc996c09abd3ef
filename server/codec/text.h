/*
 * text.h - text that grows in an arena: what replies are printed into. One thread at a time.
 */
#ifndef TEXT_H
#define TEXT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

/* After a failed append `failed` sticks, and the text must not be sent. */
struct text {
    struct arena *arena;
    char *p;
    size_t n, size;
    bool failed;
};
void text_init(struct text *text, struct arena *arena, size_t n_expected);
char *text_reserve(struct text *text, size_t n); /* room for n more bytes at the end, or NULL */
void text_append(struct text *text, const char *bytes, size_t n);
/* As printf; nothing of it is appended if it is longer than 511 bytes. */
__attribute__((format(printf, 2, 3))) void text_print(struct text *text, const char *format, ...);

#endif
