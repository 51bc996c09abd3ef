/*
 * session_tail.h - what a session has beside its state, in the tail of its record (pool.h,
 * classes), on its way from one record to another. Called by the holder of the claim; takes no
 * lock.
 */
#ifndef SESSION_TAIL_H
#define SESSION_TAIL_H

#include "base/arena.h"
#include "service/pool/pool.h"

struct session_tail {
    struct pool_class kind;
    const char *bytes; /* [kind.tail_bytes]; NULL: none */
};

/* That of the claimed session. False: no memory. */
__attribute__((warn_unused_result)) bool session_tail_read(const struct pool *pool, uint32_t slot,
                                                           struct arena *arena,
                                                           struct session_tail *ret_tail);
/* The class of a record for the tail; without one, that of the session in the slot (INDEX_NONE:
 * there is none). */
unsigned session_tail_class(const struct pool *pool, uint32_t slot,
                            const struct session_tail *tail);
/* Gives the tail, or without one that of the session in the slot, to a copy of that class. */
void session_tail_write(const struct pool *pool, uint32_t slot, const struct session_tail *tail,
                        unsigned record_class, struct record_copy *copy);

#endif
