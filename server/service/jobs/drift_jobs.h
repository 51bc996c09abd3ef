/*
 * drift_jobs.h - the job thread looks whether models drift (models/drift.h), tells those who
 * listen, and with --drift-fine-tune starts a job for a model that does, at most one in
 * --drift-interval-seconds: also across restarts, as the job database remembers its jobs. Nothing
 * about them differs from those that clients ask for.
 */
#ifndef DRIFT_JOBS_H
#define DRIFT_JOBS_H

struct job_thread;

/* By what a job says that drift has started it. */
#define DRIFT_JOBS_METADATA "{\"reason\":\"drift\"}"

/* Several times a second: a part of the job thread's periodic work. */
void drift_jobs_run(struct job_thread *job_thread);

#endif
