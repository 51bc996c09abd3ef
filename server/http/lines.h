/*
 * lines.h - an x-ndjson body, cut into its lines. Bytes are put in as they arrive and lines are
 * taken out whenever there is time for them, so that a body which arrives fast waits here. Empty
 * lines are passed over; a line may end with CR LF, and the last one without either. Memory comes
 * from the request's arena. The worker's thread.
 */
#ifndef LINES_H
#define LINES_H

#include "codec/codec.h"

struct lines {
    struct text text; /* what has arrived; the first n_taken bytes were taken out */
    size_t n_taken;
    size_t n_searched; /* bytes behind these in which no line ends */
    size_t most;       /* bytes of a line */
    size_t number;     /* of the line that was taken last, from 1; empty ones count */
    bool is_too_long;  /* the bytes of the line that is arriving are dropped until it ends */
    bool has_ended;
};

void lines_init(struct lines *lines, struct arena *arena, size_t most);
/* STATUS_REQUEST_TOO_LARGE if they do not fit into the arena, STATUS_NO_MEMORY if there is none. */
enum status lines_add(struct lines *lines, const char *bytes, size_t n);
/* Bytes that have arrived and were not taken out. */
static inline size_t lines_n_waiting(const struct lines *lines)
{
    return lines->text.n - lines->n_taken;
}
/* No more bytes will come: what is left is the last line. */
void lines_end(struct lines *lines);
/* Takes the next line that is whole, valid until lines_add. NULL: it was too long. False: there is
 * none for now. */
bool lines_next(struct lines *lines, const char **ret_line, size_t *ret_n);

#endif
