/*
 * listing.h - the next ids of a pool's sessions, in order. It looks at all of them, so where there
 * are many it is for a thread that no request waits behind. Each shard of the index is locked while
 * its ids are read.
 */
#ifndef LISTING_H
#define LISTING_H

#include "service/pool/pool.h"
#include "service/sessions/sessions.h"

struct listing {
    const char *prefix, *after;
    size_t n_prefix, limit;
    struct session_row *rows; /* [n] the smallest ids so far: a heap, the greatest first */
    size_t n;
    bool has_more;
};

/* Fills rows with the ids of the first `limit` sessions behind `after` that begin with the prefix,
 * in order, and says whether there are more. Nothing but the ids is filled in. */
void listing_fill(struct pool *pool, struct listing *listing);

#endif
