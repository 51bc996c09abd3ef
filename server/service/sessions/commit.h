/*
 * commit.h - with --sync-interval-ms 0, what was written to sessions is on disk before it is
 * acknowledged. The verbs write, and say that they owe a sync; whoever acknowledges for them has
 * the commit run, and waits for it.
 *
 * All that wait when a commit begins share it. Commits run one at a time, on one thread, because
 * the next one does not look at what the one before it is about to sync.
 */
#ifndef COMMIT_H
#define COMMIT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;
struct service;
struct service_context;

/* For the verbs, behind the write: whoever acknowledges it owes a sync of the pool, if the interval
 * is 0 and the pool is a file. */
void commit_owe(struct service_context *context, struct pool *pool);
/* For those that are told of the write (listeners.h): the number of the commit that it waits for;
 * 0: it waits for none. Behind the write, too. */
uint64_t commit_awaited(struct service_context *context, struct pool *pool);
/* Whether what the claimed session is now may be acknowledged: it is on disk, or need not be. */
bool commit_is_done(const struct service_context *context, const struct pool *pool, uint32_t slot);
/* Whether a verb of this context has owed one since this was last asked. */
bool commit_is_owed(struct service_context *context);
/* Syncs all pools that owe it. */
void commit_run(struct service_context *context);
/* Whether such a sync of the model's sessions has failed, now or earlier: what was written may not
 * be on disk. */
bool commit_has_failed(struct service_context *context, const char *model);
/* The fault of what is not acknowledged for that reason. */
enum status commit_refuse(struct fault *fault);

/* Syncs one pool, and counts it. False: degraded from then on. */
__attribute__((warn_unused_result)) bool commit_sync_pool(struct service *service,
                                                          struct pool *pool);

#endif
