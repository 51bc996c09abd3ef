/*
 * recipe_task.h - a job's data as the task of a recipe (gru_recipe.h), and whether they are one.
 * Pure functions; any thread.
 */
#ifndef RECIPE_TASK_H
#define RECIPE_TASK_H

#include "store/job.h"

struct recipe_task {
    struct gru_recipe_task task;
    const char **texts; /* its names and units: owned */
};

/* The model's names, units, policy, interval and season are borrowed, and so are the training's
 * series. STATUS_NO_MEMORY. */
__attribute__((warn_unused_result)) enum status
recipe_task_make(const struct gru_model *gru, const struct job *job,
                 const struct gru_training *training, struct recipe_task *ret_task,
                 struct fault *fault);
void recipe_task_done(struct recipe_task *task); /* also of zeros */

/* Whether a recipe can forecast what the model does, by these data; *ret_n_bytes: what it takes of
 * memory. Names the request's fields. */
__attribute__((warn_unused_result)) enum status
recipe_task_check(const struct gru_model *gru, const struct job *job,
                  const struct gru_training *training, size_t *ret_n_bytes, struct fault *fault);

/* What the library says of a task, as of the request that it comes from. */
enum status recipe_task_fault(enum gru_status status, const struct gru_error *error,
                              struct fault *fault);

#endif
