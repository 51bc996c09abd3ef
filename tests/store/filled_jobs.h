/* filled_jobs.h - for tests: jobs with every field filled, and stores of them. */
#ifndef FILLED_JOBS_H
#define FILLED_JOBS_H

#include "store/job_store.h"

/* Every field has a value of its own that depends on k, and each text is as long as it may be. */
struct job job_filled(unsigned k);
void job_fill_life(struct job *job, unsigned k);
void assert_job_equal(const struct job *a, const struct job *b);
void assert_real_equal(double a, double b); /* NaN equals NaN */

struct job_store *jobs_opened(const char *data);
/* A job with this status, without data. */
struct job job_inserted(struct job_store *jobs, unsigned k, enum job_status status);
struct job job_found(struct job_store *jobs, const char *id);
/* The id of the last event of the first jobs; 0: there is none. */
int64_t last_event(struct job_store *jobs);
void event_added(struct job_store *jobs, int64_t number, unsigned k);
void checkpoint_added(struct job_store *jobs, int64_t number, unsigned k, size_t n_state);

#endif
