/*
 * envelope.h - the form that errors have in replies: one for each protocol that grud speaks.
 * Constant; any thread.
 */
#ifndef ENVELOPE_H
#define ENVELOPE_H

#include "http/media.h"
#include "http/schema.h"

#include <stddef.h>

struct fault;
struct route;
struct text;

enum envelope_kind {
    ENVELOPE_ERROR, /* {"error":{"code","message","param"}}: also where no route was found */
    ENVELOPE_COUNT
};

struct envelope {
    enum media media;
    enum schema schema;
    void (*put)(struct text *text, const struct fault *fault);
    /* Two that are made already: for a reply that finds no memory, and for too much load. */
    const char *out_of_memory, *overloaded;
    size_t n_out_of_memory, n_overloaded;
};

extern const struct envelope envelopes[ENVELOPE_COUNT];

#endif
