/*
 * model_data.h - a model file, and the rows of a file of readings for it. Main's thread. Complaints
 * go to standard error.
 */
#ifndef MODEL_DATA_H
#define MODEL_DATA_H

#include "commands/csv_series.h"
#include "gru.h"

#include <stdbool.h>
#include <stddef.h>

/* The caller fills the upper part. */
struct model_data {
    const char *command, *model_path, *data_path;
    const char *time; /* the column of times, or NULL (csv_series.h) */
    bool has_outputs; /* the outputs that are no inputs have columns, too */

    /* its own: */
    struct gru_model *model;
    struct csv_series series; /* the inputs, then those outputs */
    const char **columns;
};

__attribute__((warn_unused_result)) int model_data_load(struct model_data *data);
/* A horizon that the model cannot reach, since nothing feeds its inputs, is wrong usage. */
__attribute__((warn_unused_result)) int model_data_check_horizon(const struct model_data *data,
                                                                 size_t horizon);
/* Reads the rows of the loaded model's columns, and says on standard error what was made of their
 * times. Where the model refuses rows without all inputs, so does this. */
__attribute__((warn_unused_result)) int model_data_read(struct model_data *data);
/* "DATA.csv: reason" */
int model_data_refuse(const struct model_data *data, const char *reason);
void model_data_done(struct model_data *data);

/* The number of rows that a flag asks for; without `text` it stays. */
__attribute__((warn_unused_result)) int model_data_read_count(const char *command, const char *flag,
                                                              const char *text, size_t *ret_count);

#endif
