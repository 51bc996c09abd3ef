#include "http/lines.h"

#include <string.h>

enum { FIRST_BYTES = 1024 };

void lines_init(struct lines *lines, struct arena *arena, size_t most)
{
    *lines = (struct lines){ .most = most };
    text_init(&lines->text, arena, FIRST_BYTES);
}

/* Moves what is left to the front once half of the text has been taken: so no byte is moved more
 * often than it is read. */
static void close_gap(struct lines *lines)
{
    struct text *text = &lines->text;
    if (lines->n_taken > 0 && lines->n_taken >= text->n / 2) {
        text->n -= lines->n_taken;
        memmove(text->p, text->p + lines->n_taken, text->n);
        lines->n_taken = 0;
    }
}

enum status lines_add(struct lines *lines, const char *bytes, size_t n)
{
    close_gap(lines);
    if (lines->is_too_long && lines->text.n == lines->n_taken) {
        const char *end = memchr(bytes, '\n', n);
        if (!end) {
            return STATUS_OK;
        }
        n -= (size_t)(end - bytes);
        bytes = end;
    }
    text_append(&lines->text, bytes, n);
    if (lines->text.failed) {
        return lines->text.arena->is_full ? STATUS_REQUEST_TOO_LARGE : STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

void lines_end(struct lines *lines)
{
    lines->has_ended = true;
}

/* Cuts off the next line, empty or not; its end is *ret_n bytes behind *ret_line. */
static bool cut(struct lines *lines, const char **ret_line, size_t *ret_n)
{
    const char *line = lines->text.p + lines->n_taken;
    size_t n = lines->text.n - lines->n_taken;
    const char *end = n > lines->n_searched
                          ? memchr(line + lines->n_searched, '\n', n - lines->n_searched)
                          : NULL;
    if (!end && !(lines->has_ended && (n > 0 || lines->is_too_long))) {
        lines->n_searched = n;
        if (n > lines->most) {
            lines->is_too_long = true;
            lines->text.n = lines->n_taken;
            lines->n_searched = 0;
        }
        return false;
    }
    *ret_line = line;
    *ret_n = end ? (size_t)(end - line) : n;
    lines->n_taken += *ret_n + (end != NULL);
    lines->n_searched = 0;
    lines->number++;
    return true;
}

bool lines_next(struct lines *lines, const char **ret_line, size_t *ret_n)
{
    const char *line;
    size_t n;
    while (cut(lines, &line, &n)) {
        bool is_too_long = lines->is_too_long || n > lines->most;
        lines->is_too_long = false;
        if (!is_too_long && n > 0 && line[n - 1] == '\r') {
            n--;
        }
        if (is_too_long || n > 0) {
            *ret_line = is_too_long ? NULL : line;
            *ret_n = n;
            return true;
        }
    }
    return false;
}
