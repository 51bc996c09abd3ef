/*
 * relayout.h - sessions from records of another layout: of a file that was written with other
 * options, of a version of other sizes, or of another node. For the other files of the pool; the
 * thread that has claimed both records.
 */
#ifndef RELAYOUT_H
#define RELAYOUT_H

#include "service/pool/pool.h"

struct relayout {
    struct pool *to;
    const struct pool_options *options; /* whose translators and model are those of `to` */
    struct record_copy *copy;           /* one of `to` */
    double *readings;                   /* [K][I] */
    struct record_stamp *stamps;        /* [K] */
};

/* A record whose newest copy is whole, of as many inputs as the pool has. */
struct relayout_source {
    const struct record_layout *layout;
    char *record;
    const struct pool_class *kind; /* of its tail; NULL: it has none */
};

/* n_history: that of the sources, at most. On failure, too, the caller ends it. */
__attribute__((warn_unused_result)) enum status
relayout_begin(struct relayout *relayout, struct pool *to, const struct pool_options *options,
               size_t n_history, struct fault *fault);
void relayout_end(const struct relayout *relayout);

/* The pool's class for it: that of its kind, or one that its tail can be translated to; else 0. */
unsigned relayout_class(const struct relayout *relayout, const struct relayout_source *source);
/* What the source has becomes the first copy of a published and unborn session of that class. Its
 * state is left for the next step to re-warm, unless it is of the same sizes. */
void relayout_session(const struct relayout *relayout, const struct relayout_source *source,
                      uint32_t to_slot);

#endif
