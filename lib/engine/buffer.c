/* Growing arrays and text; see buffer.h. */
#include "engine/buffer.h"
#include "engine/model.h"
#include "json/json.h"
#include "json/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

void *gru_array_alloc(size_t n, size_t element_bytes)
{
    size_t n_bytes;
    if (__builtin_mul_overflow(n, element_bytes, &n_bytes)) {
        return NULL;
    }
    return malloc(n_bytes > 0 ? n_bytes : 1);
}

bool gru_array_reserve(void **array, size_t *capacity, size_t n, size_t element_bytes)
{
    if (n <= *capacity) {
        return true;
    }
    size_t wanted, n_bytes;
    if (__builtin_mul_overflow(*capacity, 2, &wanted)) {
        return false;
    }
    wanted = wanted < n ? n : wanted;
    wanted = wanted < FIRST_CAPACITY ? FIRST_CAPACITY : wanted;
    if (__builtin_mul_overflow(wanted, element_bytes, &n_bytes)) {
        return false;
    }
    void *grown = realloc(*array, n_bytes);
    if (!grown) {
        return false;
    }
    *array = grown;
    *capacity = wanted;
    return true;
}

/* ---- text ---- */

void gru_text_done(struct file_text *text)
{
    free(text->p);
    *text = (struct file_text){ 0 };
}

/* Where n more bytes may be written; NULL once memory has run out. */
static char *text_room(struct file_text *text, size_t n)
{
    void *p = text->p;
    size_t n_all;
    if (text->failed || __builtin_add_overflow(text->n, n, &n_all) ||
        !gru_array_reserve(&p, &text->capacity, n_all, 1)) {
        text->failed = true;
        return NULL;
    }
    text->p = p;
    return text->p + text->n;
}

void gru_text_put(struct file_text *text, const char *s, size_t n)
{
    char *room = text_room(text, n);
    if (room && n > 0) {
        memcpy(room, s, n);
        text->n += n;
    }
}

void gru_text_puts(struct file_text *text, const char *s)
{
    gru_text_put(text, s, strlen(s));
}

/* Ends what a json_print_ function wrote at text_room. */
static void text_end(struct file_text *text, const char *end)
{
    text->n = (size_t)(end - text->p);
}

void gru_text_put_string(struct file_text *text, const char *s, size_t n)
{
    size_t n_most; /* every byte may become \u00XX */
    if (__builtin_mul_overflow(n, 6, &n_most) || __builtin_add_overflow(n_most, 2, &n_most)) {
        text->failed = true;
        return;
    }
    char *room = text_room(text, n_most);
    if (room) {
        text_end(text, json_print_string(room, s, n));
    }
}

void gru_text_put_int(struct file_text *text, size_t value)
{
    char *room = text_room(text, JSON_INT_MAX);
    if (room) {
        text_end(text, json_print_int(room, (int64_t)value));
    }
}

void gru_text_put_double(struct file_text *text, double value)
{
    char *room = text_room(text, JSON_DOUBLE_MAX);
    if (room) {
        text_end(text, json_print_double(room, value));
    }
}

void gru_text_put_float(struct file_text *text, float value)
{
    char *room = text_room(text, JSON_FLOAT_MAX);
    if (room) {
        text_end(text, json_print_float(room, value));
    }
}

/* ---- messages ---- */

struct shown gru_show_n(const char *name, size_t n)
{
    static const char dots[] = "...";
    struct shown shown;
    size_t n_shown = n;
    if (n >= sizeof shown.text) {
        n_shown = utf8_whole(name, sizeof shown.text - sizeof dots);
    }
    for (size_t i = 0; i < n_shown; i++) {
        unsigned char c = (unsigned char)name[i];
        shown.text[i] = c < ' ' || c == 0x7F ? '?' : name[i];
    }
    memcpy(shown.text + n_shown, n_shown < n ? dots : "", n_shown < n ? sizeof dots : 1);
    return shown;
}

struct shown gru_show(const char *name)
{
    return gru_show_n(name, strlen(name));
}

enum gru_status gru_fail_no_memory(struct gru_error *error)
{
    return gru_fail(error, GRU_NO_MEMORY, "", "%s", gru_status_text(GRU_NO_MEMORY));
}

void gru_list_add(char *list, size_t size, const char *name)
{
    static const char dots[] = "...";
    const struct shown shown = gru_show(name);
    const size_t n = strlen(list);
    const char *comma = n > 0 ? ", " : "";
    if (n >= strlen(dots) && strcmp(list + n - strlen(dots), dots) == 0) {
        return;
    }
    const bool fits = n + strlen(comma) + strlen(shown.text) + sizeof ", ..." <= size;
    snprintf(list + n, size - n, "%s%s", comma, fits ? shown.text : dots);
}
