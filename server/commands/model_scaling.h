/*
 * model_scaling.h - a model's scaling beside that of the data. Main's thread. Complaints go to
 * standard error.
 */
#ifndef MODEL_SCALING_H
#define MODEL_SCALING_H

#include "gru.h"

/* The file that --scale names, as in auto:DATA.csv; NULL: it names none. */
const char *model_scaling_file(const char *scale);
/* Fits the model's scaling to the rows of a file, whose columns have its variables' names: those of
 * its inputs, and of its outputs that feed none if they are linear. Says which are constant.
 * *model becomes the fitted one. */
__attribute__((warn_unused_result)) int model_scaling_fit(const char *command, const char *path,
                                                          struct gru_model **model);

/* Says where the model's scaling is far from its training part's, and what helps. */
__attribute__((warn_unused_result)) int model_scaling_warn(const char *command,
                                                           struct gru_model *model,
                                                           const struct gru_training *training,
                                                           const char *remedy);

#endif
