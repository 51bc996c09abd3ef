/*
 * pool_write.h - where a session's next copy is written, so that neither a kill nor a power failure
 * loses what was promised. The holder of the session's claim calls it, in a section of writes.
 *
 * After a kill the file is as it was written. After a power failure the disk has any mixture of its
 * pages as they were at the last sync that worked, or at some moment since. So the copy that this
 * sync was for is never touched until a sync has worked for a newer one, and the copy that a sync
 * is at work on is not touched either. What the newest copy is decides:
 *
 *     on the disk        the next one goes to the other place
 *     not yet synced     the next one goes over it, by way of the journal (pool_journal.h); the
 *                        other place has what is on the disk
 *     being synced       the session moves to another slot, whose record has only the next one;
 * this one is retired (pool_slots.h)
 *
 * If there is no room to move, the copy that is being synced is written over as if it were not. A
 * kill still loses nothing, and a power failure nothing from before that sync; it is counted.
 *
 * A sync begins when no thread is in a section that began before it: so each copy is written wholly
 * before a sync, or wholly after it has begun and by a thread that knows so. A thread never waits
 * to enter a section, and does only memory's work in it.
 */
#ifndef POOL_WRITE_H
#define POOL_WRITE_H

#include "service/pool/pool.h"

/* The number of the last sync that has begun: each copy that the section writes is written before
 * the next one begins. */
uint64_t pool_begin_writes(struct pool *pool);
void pool_end_writes(struct pool *pool, uint64_t section);
/* The number of the sync that begins, once no thread is in a section of before. */
uint64_t pool_begin_sync(struct pool *pool);

/* In a section: makes `copy`, which the caller owns and may look at afterwards, the session's
 * newest, one reading further if `x` is given. The session may have another slot then, claimed in
 * the place of this one. A session that was published and is unborn is born by it. */
void pool_write_copy(struct pool *pool, uint64_t section, uint32_t *slot, uint16_t owner,
                     struct record_copy *copy, const double *x);
/* The n last readings of a session, oldest first. */
struct pool_readings {
    const double *x;                   /* [n][I] */
    const struct record_stamp *stamps; /* [n], or NULL (record_ring.h) */
    size_t n;
};
/* In a section: the first copy of a session that was published and is unborn, with its readings. */
void pool_write_first(struct pool *pool, uint64_t section, uint32_t slot,
                      const struct record_life *life, struct record_copy *copy,
                      const struct pool_readings *readings);
/* The first copy of another life of a claimed session, in a record of that class, with its
 * readings. What there was of the session stays as it is until this is on the disk. CLAIM_MOVED:
 * the pool is closed; CLAIM_ENDED: no room (*fault). */
enum claim pool_write_anew(struct pool *pool, uint32_t *slot, unsigned record_class, uint16_t owner,
                           const struct record_life *life, struct record_copy *copy,
                           const struct pool_readings *readings, struct fault *fault);
/* The claimed session goes on in a record of that class. `copy` has room for one of those, and the
 * new tail; the rest is filled in. As pool_write_anew: it has the old tail or the new one, whenever
 * it ends. */
enum claim pool_raise(struct pool *pool, uint32_t *slot, unsigned record_class, uint16_t owner,
                      struct record_copy *copy, struct fault *fault);
/* Before anything else is written to a session that the last process left: goes on from that copy,
 * with so many of its readings. */
void pool_write_found(struct pool *pool, uint32_t slot, const struct record_findings *findings);

#endif
