/*
 * pool_evict.h - which session makes room when the pool is full: the least recently used one. For
 * pool.c; any thread.
 *
 * One look at all slots finds as many candidates as make room for POOL_VICTIMS new sessions. It has
 * a mutex of its own: meanwhile only threads wait that need a candidate themselves.
 */
#ifndef POOL_EVICT_H
#define POOL_EVICT_H

#include "service/pool/pool.h"

/* The session that was used the longest ago, but for those whose id has the hash `keep`. False:
 * there is none. It may be in use again, have been used since, or be gone: the caller claims it and
 * looks. */
bool evict_find(struct pool *pool, uint64_t keep, struct pool_victim *ret_victim);
/* Whether the slot's session must stay. Those whose hashes share their low bits with it are kept,
 * too, and that is rare. */
bool evict_is_kept(const struct pool *pool, uint32_t slot, uint64_t keep);

#endif
