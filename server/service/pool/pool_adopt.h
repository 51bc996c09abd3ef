/*
 * pool_adopt.h - what the last process left in a pool's file: which of its records are sessions,
 * which one of two that tell of the same session is to be believed, and which slots are free. For
 * the other files of the pool, before it is used.
 */
#ifndef POOL_ADOPT_H
#define POOL_ADOPT_H

#include "service/pool/pool.h"

/* The copies of a session are not looked at until it is claimed (pool_verify), but for those that
 * may have been on their way to the disk for the first time. */
__attribute__((warn_unused_result)) enum status pool_adopt(struct pool *pool, const char *path,
                                                           int64_t now_ms, struct fault *fault);
uint32_t pool_find_slot(struct pool *pool, const struct pool_key *key); /* INDEX_NONE: none */
/* A session whose name cannot be read any more: the number says where. */
void pool_note_damaged(struct pool *pool, size_t number);

#endif
