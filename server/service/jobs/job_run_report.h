/*
 * job_run_report.h - how far a running job is: progress, events, checkpoints. The job thread.
 */
#ifndef JOB_RUN_REPORT_H
#define JOB_RUN_REPORT_H

#include "service/jobs/job_run.h"

/* Writes down progress and events where that is due, and at once if the job's status may have been
 * changed (job_database_interrupt). False: the job is no longer `running`, and job->status
 * says what it is. */
bool job_run_report(struct job_run *run);
/* Saves a checkpoint; a failure is an event, and training goes on. */
void job_run_save(struct job_run *run);
/* The last report of a job that is no longer running, or of a daemon that ends. */
void job_run_leave(struct job_run *run, enum job_status status);
/* The time it has run, in all. */
uint64_t job_run_ms(const struct job_run *run);

#endif
