/*
 * buffer.h - growing arrays and text, for reading and writing model files. Private to lib/engine.
 *
 * A text remembers that it ran out of memory: `failed` is checked once, at the end.
 */
#ifndef BUFFER_H
#define BUFFER_H

#include "gru.h"

struct file_text {
    char *p; /* owned; not NUL-terminated */
    size_t n, capacity;
    bool failed;
};

void gru_text_done(struct file_text *text);
void gru_text_put(struct file_text *text, const char *s, size_t n);
void gru_text_puts(struct file_text *text, const char *s);
void gru_text_put_string(struct file_text *text, const char *s, size_t n); /* as a JSON string */
void gru_text_put_int(struct file_text *text, size_t value);
void gru_text_put_double(struct file_text *text, double value);
void gru_text_put_float(struct file_text *text, float value); /* NaN: null */

/* Room for at least n elements in *array, of *capacity elements now; doubles, so that growing one
 * by one is linear. False: out of memory, and all is as before. */
GRU_CHECK bool gru_array_reserve(void **array, size_t *capacity, size_t n, size_t element_bytes);

/* malloc for n elements; NULL also where the product overflows. Never of zero bytes. */
GRU_CHECK void *gru_array_alloc(size_t n, size_t element_bytes);

/* A name from a file, as it may stand in a message: cut to fit, without control characters. */
struct shown {
    char text[64];
};
struct shown gru_show_n(const char *name, size_t n);
struct shown gru_show(const char *name);

/* Adds a name to a list for a message, "a, b"; where there is no more room it ends with "...". */
void gru_list_add(char *list, size_t size, const char *name);

enum gru_status gru_fail_no_memory(struct gru_error *error);

#endif
