/*
 * job_run_recipe.h - the part of a job's run (job_run.h) that a recipe has instead of a training:
 * a search is made, goes on in slices, and says what it tries. Functions that take `void *` are run
 * by the training thread.
 */
#ifndef JOB_RUN_RECIPE_H
#define JOB_RUN_RECIPE_H

#include "service/jobs/job_run.h"

/* On the training thread: the search, where the checkpoint left it. */
enum status job_run_recipe_create(struct job_run *run);
/* On the training thread: until the time is over, something became of a trial, or all is tried. */
void job_run_recipe_advance(struct job_run *run, int64_t until_us);
/* On the training thread: as bytes, in run->state. */
enum gru_status job_run_recipe_save(struct job_run *run);
bool job_run_recipe_has_model(const struct job_run *run);

/* Into the job: the table, as it is now. */
void job_run_recipe_take_trials(struct job_run *run);
/* At the beginning of a new job: what the data say of a season. */
void job_run_recipe_report_season(struct job_run *run);
/* What has become of trials since the last call, at most so many; returns their number. */
size_t job_run_recipe_events(struct job_run *run, struct job_event *events, size_t n_most);
/* At the end: what has not been said of trials, and how they compare. */
void job_run_recipe_report_end(struct job_run *run);

#endif
