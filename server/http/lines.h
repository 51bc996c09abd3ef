/*
 * lines.h - an x-ndjson body, cut into its lines as it arrives. Empty lines are passed over; a line
 * may end with CR LF, and the last one without either. Memory comes from the request's arena. The
 * worker's thread.
 */
#ifndef LINES_H
#define LINES_H

#include "codec/codec.h"

struct lines {
    struct text rest; /* of a line whose end is still to arrive */
    size_t most;      /* bytes of a line */
    size_t number;    /* of the line that is being taken, from 1; empty ones count */
    bool is_too_long; /* its bytes are dropped until it ends */
};

/* line NULL: it was too long. A status other than OK ends the upload. */
typedef enum status (*lines_taker)(void *context, const char *line, size_t n);

void lines_init(struct lines *lines, struct arena *arena, size_t most);
/* Calls `take` with each line that ends in these n bytes. STATUS_REQUEST_TOO_LARGE if a line does
 * not fit into the arena, STATUS_NO_MEMORY if there is none. */
enum status lines_add(struct lines *lines, const char *bytes, size_t n, lines_taker take,
                      void *context);
/* The same with the last line. */
enum status lines_end(struct lines *lines, lines_taker take, void *context);

#endif
