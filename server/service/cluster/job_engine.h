/*
 * job_engine.h - the store of jobs (store/job_store.h) in the engine of a cluster, which its nodes
 * share. A job that a node has taken is that node's as long as it looks at it (job_store_look);
 * another one takes it when it was not heard of for ten seconds. What the former one still writes
 * is refused. Lineage is not kept here.
 *
 * Callers serialise. Each call waits for the engine, where it is away for a moment only: never on a
 * worker.
 *
 * Keys begin with "PREFIXj"; cluster/library/5_jobs.lua has them. Times are by the wall clock
 * there, values in the byte order of the nodes.
 */
#ifndef JOB_ENGINE_H
#define JOB_ENGINE_H

#include "base/status.h"

struct cluster_target;
struct job_store;

__attribute__((warn_unused_result)) enum status
job_engine_open(struct cluster_target *target, struct job_store **ret_jobs, struct fault *fault);

#endif
