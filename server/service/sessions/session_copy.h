/*
 * session_copy.h - the copies of a claimed session: its next one, and the first one of a session
 * that is being made. Called by the holder of the claim, and never waits.
 */
#ifndef SESSION_COPY_H
#define SESSION_COPY_H

#include "service/pool/pool.h"

struct model;
struct service_context;

/* The older copy, made a copy of the newest; until it is sealed the newest stays the newest. */
struct record_copy *session_copy_begin(const struct pool *pool, uint32_t slot,
                                       const struct record_copy **ret_now);
void session_copy_seal(struct pool *pool, uint32_t slot, struct record_copy *copy);

/* A new session in two steps: a slot with a first copy (step 0, no readings, fresh state) that the
 * caller may still change, then the session found by others and that copy sealed. It stays claimed.
 * As pool_alloc and pool_publish; a slot that cannot be published is discarded. */
enum claim session_copy_alloc(struct service_context *context, const struct model *model,
                              const struct pool_key *key, uint32_t *ret_slot,
                              struct record_copy **ret_copy, struct fault *fault);
enum claim session_copy_publish(struct pool *pool, const struct pool_key *key, uint32_t slot,
                                struct record_copy *copy, struct fault *fault);

#endif
