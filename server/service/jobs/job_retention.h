/*
 * job_retention.h - what becomes of jobs that ended long ago (--job-keep-days): they go with their
 * events and checkpoints, and with the lineage of versions that are gone, too. The job thread.
 */
#ifndef JOB_RETENTION_H
#define JOB_RETENTION_H

struct job_thread;

/* Part of the periodic work: at the start and once an hour it looks for them, and deletes a few at
 * each call until none are left. Then the file gives back what is free. */
void job_retention_run(struct job_thread *job_thread);

#endif
