/*
 * session_copy.h - the copies of a claimed session that are being made, in scratch memory of the
 * context, and the making of a session. Called by the holder of the claim, and never waits.
 */
#ifndef SESSION_COPY_H
#define SESSION_COPY_H

#include "service/pool/pool.h"

struct model;
struct service_context;

/* Room for n copies in the context, of any class of the pool, until the next call. False: no
 * memory. */
__attribute__((warn_unused_result)) bool session_copy_room(struct service_context *context,
                                                           const struct pool *pool, size_t n);
struct record_copy *session_copy_scratch(const struct service_context *context,
                                         const struct pool *pool, size_t which);

/* A session with a fresh state and a tail of zeros, found by others, claimed, and unborn: until
 * something is written to it (pool_write.h) the file has nothing of it. As pool_alloc and
 * pool_publish. */
enum claim session_copy_create(struct service_context *context, const struct model *model,
                               const struct pool_key *key, unsigned record_class, uint64_t keep,
                               uint32_t *ret_slot, struct fault *fault);

#endif
