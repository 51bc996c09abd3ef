/*
 * step_cluster_replies.h - what the engine answers to trips (step_trip.h): steps are done, or to be
 * done again on the record that another node has written meanwhile. The context's thread.
 */
#ifndef STEP_CLUSTER_REPLIES_H
#define STEP_CLUSTER_REPLIES_H

#include "cluster/cluster_link.h"

/* The trip, a struct trip, ends by it (cluster_done), unless replicas are waited for. */
void step_cluster_take_reply(void *trip, const struct cluster_reply *reply, bool was_sent);
/* Replicas have what was written before, or have not. Of what is read it comes before the reply, of
 * what was written behind it, and the trip ends by it. */
void step_cluster_take_wait(void *trip, const struct cluster_reply *reply, bool was_sent);

#endif
