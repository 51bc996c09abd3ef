/*
 * pool_extents.h - the extents that a pool is made of: runs of slots, each with its own window of
 * the file and its own array of slots. A pool begins with none and gets another one, as large as
 * all that it has, when it needs more; what has an address keeps it. A slot's number is made of its
 * extent's and of its own in there; its position counts the slots of the extents before it, too,
 * and is where its record lies in the file. For the other files of the pool, under its mutex or
 * before it is used, unless it says otherwise.
 */
#ifndef POOL_EXTENTS_H
#define POOL_EXTENTS_H

#include "service/pool/pool.h"

/* False: no memory. */
__attribute__((warn_unused_result)) bool extents_init(struct pool *pool);
void extents_done(struct pool *pool); /* before the region is closed */

/* Extents for the slots at all positions below `n_slots`. */
__attribute__((warn_unused_result)) enum status extents_reach(struct pool *pool, size_t n_slots,
                                                              struct fault *fault);
/* The next slot that has never been in use is in use: its record has room in the file. */
__attribute__((warn_unused_result)) enum status
extents_take_fresh(struct pool *pool, uint32_t *ret_slot, struct fault *fault);
/* The slots at the positions below `n` have been in use. */
void extents_set_fresh(struct pool *pool, size_t n);

/* Any thread. */
size_t extents_position(const struct pool *pool, uint32_t slot);
/* Of a position that the extents reach. */
uint32_t extents_slot_at(const struct pool *pool, size_t position);

#endif
