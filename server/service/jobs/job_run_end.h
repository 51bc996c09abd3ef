/*
 * job_run_end.h - training is over: the version is stored, promoted or not, and the job ends. The
 * job thread.
 */
#ifndef JOB_RUN_END_H
#define JOB_RUN_END_H

#include "service/jobs/job_run.h"

void job_run_end(struct job_run *run);

#endif
