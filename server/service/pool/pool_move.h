/*
 * pool_move.h - the sessions of a file move to another one, which is made beside it and takes its
 * place. For pool_open.c, but for pool_convert (pool.h).
 */
#ifndef POOL_MOVE_H
#define POOL_MOVE_H

#include "service/pool/pool.h"

#include <limits.h>

/* Where a new file is made; what an interrupted start left there goes. Empty without a file. */
void pool_clear_beside(const struct pool_options *options, char beside[PATH_MAX]);
/* Makes the finished file beside durable, and puts it in the old one's place. From then on there is
 * no way back: should the folder not be synced, a power failure may bring the old file back, so
 * that nothing which is written to the new one is durable. */
__attribute__((warn_unused_result)) enum status
pool_replace_file(struct pool *pool, const char *beside, const char *path, struct fault *fault);
/* The sessions of a file of format 1 in a new one of the same sizes. */
__attribute__((warn_unused_result)) enum status pool_upgrade(const struct pool_options *options,
                                                             struct pool *old, const char *beside,
                                                             struct pool **ret_pool,
                                                             struct fault *fault);

#endif
