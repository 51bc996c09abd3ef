/*
 * pool_load.h - a pool and its file come into being. For the other files of the pool.
 */
#ifndef POOL_LOAD_H
#define POOL_LOAD_H

#include "service/pool/pool.h"

/* Opens the file with the layout that it has, or (is_new) begins it with that of the options. A
 * file of format 1 is only mapped: pool_file_format1. */
__attribute__((warn_unused_result)) enum status pool_load(const struct pool_options *options,
                                                          const char *path, bool is_new,
                                                          struct pool **ret_pool,
                                                          struct fault *fault);
/* The sessions of a pool that no other thread has yet, or has any more, count there from now on;
 * NULL: nowhere. */
void pool_count_in(struct pool *pool, struct pool_memory *memory);

#endif
