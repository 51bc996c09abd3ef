/* job_stores.h - for tests: what keeps jobs, SQLite and the engine of a cluster, one after the
 * other. */
#ifndef JOB_STORES_H
#define JOB_STORES_H

#include "../../cluster/engine.h"
#include "store/job_store.h"

enum { N_JOB_STORES = 2 };

struct cluster_target;

struct stores {
    struct job_store *jobs;
    /* of an engine */
    struct engine engine;
    struct cluster_target *target;
};

/* The k-th; false: it is an engine's, and there is none here. */
bool stores_begin(struct stores *stores, int k);
/* Another node's way to the same jobs, in an engine. */
struct job_store *stores_open_other(const struct stores *stores);
void stores_end(struct stores *stores);

#endif
