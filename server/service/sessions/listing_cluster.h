/*
 * listing_cluster.h - with --cluster, the lists of a model's sessions that the engine keeps: of all
 * nodes' sessions, whichever of them a node has in its cache. Any thread that may wait, with a
 * context of its own.
 */
#ifndef LISTING_CLUSTER_H
#define LISTING_CLUSTER_H

#include "service/sessions/listing.h"

/* Takes the next session of the list. False: it is enough. */
typedef bool listing_take(void *arg, const char *session, int64_t last_seen_at_ms);

/* Has `take` called with the model's sessions in the query's order, those behind `after` (NULL:
 * all). Of SESSIONS_BY_ID they are those with the query's prefix, and their times are not given. An
 * id may be listed for a while after its session has ended. */
enum status listing_cluster_read(struct service_context *context, const struct model *model,
                                 const struct session_query *query,
                                 const struct session_mark *after, listing_take *take, void *arg,
                                 struct fault *fault);

#endif
