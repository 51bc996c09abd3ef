/*
 * data_warnings.h - what looks wrong in a job's data, said before it is trained on: columns far
 * from the model's scaling, outliers, columns that are constant or stuck, series that are copies.
 * It judges nothing: the gate has its own eyes (gru_validation.h). Pure functions; any thread.
 * Looks at each value a few times.
 */
#ifndef DATA_WARNINGS_H
#define DATA_WARNINGS_H

#include "store/job.h"

enum data_warning { DATA_SCALING, DATA_OUTLIERS, DATA_CONSTANT, DATA_COPIES, DATA_N_WARNINGS };

/* A sentence each; empty: nothing of the kind. */
struct data_warnings {
    char texts[DATA_N_WARNINGS][JOB_MESSAGE_MAX + 1];
};

/* False: no memory. */
__attribute__((warn_unused_result)) bool data_warnings_find(const struct gru_info *info,
                                                            const struct gru_training *training,
                                                            struct data_warnings *ret_warnings);

#endif
