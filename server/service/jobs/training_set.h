/*
 * training_set.h - a job's training data: from the request, the database or the recordings to what
 * the library takes, and whether they fit. Pure functions; any thread.
 */
#ifndef TRAINING_SET_H
#define TRAINING_SET_H

#include "config/config.h"
#include "store/job_store.h"

struct training_set {
    const struct gru_series *series, *validation;
    size_t n_series, n_validation;
};

/* What to train on; borrows the training set. */
struct gru_training training_set_training(const struct job *job,
                                          const struct training_set *training_set);

/* Floats in a row of targets. */
size_t training_set_y_width(const struct gru_info *info,
                            const struct gru_hyperparameters *hyperparameters);
/* Bytes of the values. */
size_t training_set_bytes(const struct gru_model *gru, const struct gru_training *training);

/* gru_training_check, what a recipe asks for, and the job's memory against --job-memory-max. Of a
 * recipe ret_info->n_steps is 0: nobody knows them. */
__attribute__((warn_unused_result)) enum status
training_set_check(const struct config *config, const struct job *job, const struct gru_model *gru,
                   const struct gru_training *training, struct gru_training_info *ret_info,
                   struct fault *fault);

/* As rows of the database, from malloc, training data first; *ret_n of them. NULL: no memory. */
struct job_series *training_set_to_rows(const struct training_set *training_set,
                                        const struct gru_info *info,
                                        const struct gru_hyperparameters *hyperparameters,
                                        size_t *ret_n);
/* And back, in the arena. False: no memory. */
__attribute__((warn_unused_result)) bool
training_set_of_rows(const struct job_series *rows, size_t n, struct arena *arena,
                     struct training_set *ret_training_set);

/* "2 series, 1268 readings; 3 of their 5072 values are missing (filled: last)" */
struct job_event training_set_describe(const struct gru_model *gru,
                                       const struct gru_training *training,
                                       const struct gru_training_info *info);

#endif
