/*
 * model_scaling.h - a model's scaling beside that of the data. Main's thread. Complaints go to
 * standard error.
 */
#ifndef MODEL_SCALING_H
#define MODEL_SCALING_H

#include "gru.h"

/* Says where the model's scaling is far from its training part's, and what helps. */
__attribute__((warn_unused_result)) int model_scaling_warn(const char *command,
                                                           struct gru_model *model,
                                                           const struct gru_training *training,
                                                           const char *remedy);

#endif
