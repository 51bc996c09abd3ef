/*
 * watch.h - whether the engine of the cluster is there: seen by a link of the main thread's own. A
 * node that has been without it for longer than a few seconds asks for no requests (/readyz).
 */
#ifndef WATCH_H
#define WATCH_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct cluster_target;
struct cluster_watch;
struct engine;
struct service;

/* Waits for the engine as long as a trip may take. One that is away may come; a fault that may not
 * pass (fault_may_pass) is returned. */
__attribute__((warn_unused_result)) enum status
cluster_watch_create(struct cluster_target *target, struct cluster_watch **ret_watch,
                     struct fault *fault);
void cluster_watch_free(struct cluster_watch *watch); /* takes NULL */
/* A few times a second, on the main thread. Returns whether the engine is there. */
bool cluster_watch_look(struct cluster_watch *watch);
/* The main thread's way to it. */
struct engine *cluster_watch_engine(const struct cluster_watch *watch);
/* Main's thread: it came back without what this node knows of, or is another one. */
bool cluster_watch_sees_loss(const struct cluster_watch *watch);
/* Main's thread: the way to an engine that is to be healed (heal.h); NULL: it is not. */
struct engine *cluster_watch_healing(const struct cluster_watch *watch);
/* Any thread: it has been away for too long, or was never there. */
bool cluster_watch_misses(const struct cluster_watch *watch);
/* Any thread: for how long it has been away by now; 0: it is there. */
int64_t cluster_watch_away_ms(const struct cluster_watch *watch);

#endif
