/*
 * pool_journal.h - copies on their way over the copies that they replace. The file has a few
 * entries for them, in an extent (pool_extents.h). A copy that is to be written over another one is
 * written there first, so that a kill in the middle leaves one of the two whole. For pool_write.c
 * and pool_open.c.
 *
 * A thread takes an entry for as long as it copies; there is one at once for nearly everyone.
 */
#ifndef POOL_JOURNAL_H
#define POOL_JOURNAL_H

#include "service/pool/pool.h"

size_t journal_bytes(size_t copy_bytes); /* for copies that are not longer */
/* Writes `copy` over the `which`-th copy of the slot's record. */
void journal_write(struct pool *pool, uint32_t slot, int which, uint16_t owner,
                   const struct record_copy *copy);
/* Ends what a kill has cut short. Only before the pool is used. */
void journal_apply(struct pool *pool);

#endif
