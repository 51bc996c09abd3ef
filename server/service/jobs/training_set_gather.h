/*
 * training_set_gather.h - a job that is validating: what its sessions recorded becomes its training
 * data. The job thread.
 */
#ifndef TRAINING_SET_GATHER_H
#define TRAINING_SET_GATHER_H

#include "service/jobs/job_thread.h"

/* Then the job is queued; or it has failed, or was cancelled or paused, or the daemon stops. */
void training_set_gather(struct job_thread *job_thread, struct job *job);

#endif
