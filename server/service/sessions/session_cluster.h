/*
 * session_cluster.h - with --cluster, what the verbs on one session ask of the engine, and wait
 * for: they are called on threads that may. A verb claims the session, has the engine confirm it,
 * works on it as everywhere, and has the engine take what it has written before it lets go.
 */
#ifndef SESSION_CLUSTER_H
#define SESSION_CLUSTER_H

#include "service/cluster/engine.h"
#include "service/pool/pool.h"

struct service_context;

/* The session as the engine has it now, claimed. `is_claimed`: it is claimed in the cache already,
 * in *slot. CLAIM_OK; CLAIM_ABSENT; CLAIM_ENDED: its time is over, or the engine is no help
 * (*fault); CLAIM_BUSY, CLAIM_MOVED: to be tried again. On anything but CLAIM_OK nothing is
 * claimed. */
enum claim session_cluster_confirm(struct service_context *context, struct pool *pool,
                                   const struct pool_key *key, bool is_claimed, uint32_t *slot,
                                   struct fault *fault);
/* The session that the engine was asked for last, and of which this node cannot go on, is what the
 * claimed new one is to take the place of. */
void session_cluster_replace(const struct service_context *context, const struct pool *pool,
                             uint32_t slot);
/* Has the engine take what was written to the claimed session, which stays so. CLAIM_MOVED: it has
 * another one by now; begin anew. CLAIM_ENDED: it did not (*fault). On anything but CLAIM_OK the
 * cache has lost the session. */
enum claim session_cluster_write(struct service_context *context, struct pool *pool, uint32_t slot,
                                 struct fault *fault);
/* Has the engine delete the session that it was asked for last. As session_cluster_write, but for
 * the cache. */
enum claim session_cluster_delete(struct service_context *context, const char *model,
                                  const struct pool_key *key, struct fault *fault);
/* Of a session that a list has named, and that could not be claimed after all (*fault, of
 * CLAIM_ENDED): it is listed no more, unless another node has made it anew meanwhile. One that this
 * node cannot take stays. */
enum status session_cluster_unlist(struct service_context *context, const char *model,
                                   const struct pool_key *key, enum claim claim,
                                   struct fault *fault);
/* The fault of a verb that another node has been faster than: it is to be sent again. */
enum status session_cluster_refuse(const struct service_context *context,
                                   const struct pool_key *key, struct fault *fault);

#endif
