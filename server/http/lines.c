#include "http/lines.h"

#include <string.h>

enum { REST_BYTES = 1024 };

void lines_init(struct lines *lines, struct arena *arena, size_t most)
{
    *lines = (struct lines){ .most = most };
    text_init(&lines->rest, arena, REST_BYTES);
}

static enum status take_line(struct lines *lines, const char *line, size_t n, lines_taker take,
                             void *context)
{
    lines->number++;
    if (lines->is_too_long || n > lines->most) {
        lines->is_too_long = false;
        return take(context, NULL, 0);
    }
    if (n > 0 && line[n - 1] == '\r') {
        n--;
    }
    return n > 0 ? take(context, line, n) : STATUS_OK;
}

/* Keeps a piece of a line until the rest of it arrives. */
static enum status keep_piece(struct lines *lines, const char *bytes, size_t n)
{
    if (n > lines->most - lines->rest.n) {
        lines->is_too_long = true;
        lines->rest.n = 0;
    }
    if (!lines->is_too_long) {
        text_append(&lines->rest, bytes, n);
    }
    if (lines->rest.failed) {
        return lines->rest.arena->is_full ? STATUS_REQUEST_TOO_LARGE : STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

static enum status take_rest(struct lines *lines, lines_taker take, void *context)
{
    size_t n = lines->rest.n;
    lines->rest.n = 0;
    return take_line(lines, lines->rest.p, n, take, context);
}

enum status lines_add(struct lines *lines, const char *bytes, size_t n, lines_taker take,
                      void *context)
{
    const char *end = bytes + n;
    const char *newline;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && bytes < end &&
           (newline = memchr(bytes, '\n', (size_t)(end - bytes)))) {
        size_t n_line = (size_t)(newline - bytes);
        if (lines->rest.n > 0 || lines->is_too_long) {
            status = keep_piece(lines, bytes, n_line);
            status = status == STATUS_OK ? take_rest(lines, take, context) : status;
        } else {
            status = take_line(lines, bytes, n_line, take, context);
        }
        bytes = newline + 1;
    }
    return status == STATUS_OK && bytes < end ? keep_piece(lines, bytes, (size_t)(end - bytes))
                                              : status;
}

enum status lines_end(struct lines *lines, lines_taker take, void *context)
{
    return lines->rest.n > 0 || lines->is_too_long ? take_rest(lines, take, context) : STATUS_OK;
}
