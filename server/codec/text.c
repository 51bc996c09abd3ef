/* text.c - see text.h. */
#include "codec/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SIZE_MIN = 256, LINE_MAX_BYTES = 512 };

void text_init(struct text *text, struct arena *arena, size_t n_expected)
{
    size_t size = n_expected < SIZE_MIN ? SIZE_MIN : n_expected;
    *text = (struct text){ .arena = arena, .p = arena_alloc(arena, size), .size = size };
    text->failed = text->p == NULL;
}

char *text_reserve(struct text *text, size_t n)
{
    if (text->failed) {
        return NULL;
    }
    if (n <= text->size - text->n) {
        return text->p + text->n;
    }
    size_t size = 0;
    char *p = NULL;
    if (!__builtin_add_overflow(text->n, n, &size)) {
        size_t twice = text->size <= SIZE_MAX / 2 ? 2 * text->size : size;
        p = arena_grow(text->arena, text->p, text->size, size < twice ? twice : size);
        if (p != NULL) {
            size = size < twice ? twice : size;
        } else if (size < twice) { /* twice may be beyond the cap where this is not */
            p = arena_grow(text->arena, text->p, text->size, size);
        }
    }
    if (p == NULL) {
        text->failed = true;
        return NULL;
    }
    text->p = p;
    text->size = size;
    return p + text->n;
}

void text_append(struct text *text, const char *bytes, size_t n)
{
    char *p = text_reserve(text, n);
    if (p != NULL && n > 0) {
        memcpy(p, bytes, n);
        text->n += n;
    }
}

void text_print(struct text *text, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_append(text, line, n > 0 && (size_t)n < sizeof line ? (size_t)n : 0);
}
