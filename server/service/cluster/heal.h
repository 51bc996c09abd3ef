/*
 * heal.h - with --cluster-heal: what an engine that came back has lost is given back by the nodes,
 * from their caches. The main thread, in slices.
 *
 * Each cached session is stamped (engine_stamp) with a write in which the engine was known to have
 * it. If n writes are left, then those with a higher number are lost, if the engine does not have
 * them after all. What has a lower one and is not there was deleted, and stays so. Of two nodes
 * that have a session the newer one is taken, and the engine's own if that is newer still.
 */
#ifndef HEAL_H
#define HEAL_H

#include "service/cluster/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heal {
    size_t n_given_back;
    size_t n_newer;  /* that the engine has another of */
    size_t n_failed; /* that it did not take */
};

/* Of one model's cache, until that time of clock_monotonic_ns. To be called again and again until
 * it is over: a session that somebody works on is given back once he has let go of it. */
void heal_pool(struct heal *heal, struct engine *engine, struct pool *pool, int64_t until_ns);
/* Whether no node has given back anything for some seconds: then the engine is as any other. */
bool heal_is_over(struct engine *engine);

#endif
