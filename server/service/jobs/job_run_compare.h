/* job_run_compare.h - what came of a job's training, against the version that it started from: the
 * comparison in slices, what is said of it, and the verdict. The job thread. */
#ifndef JOB_RUN_COMPARE_H
#define JOB_RUN_COMPARE_H

#include "service/jobs/job_run.h"

/* Makes run->trained; where there is a validation also compares it, gives it its residuals, and
 * fills run->passes and the job's promotion_reason. *ret_is_left: the job was cancelled or paused,
 * or the daemon stops, and nothing was done. Else a status that ends the job. */
__attribute__((warn_unused_result)) enum status
job_run_compare(struct job_run *run, bool *ret_is_left, struct fault *fault);

#endif
