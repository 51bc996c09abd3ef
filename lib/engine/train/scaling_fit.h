/*
 * scaling_fit.h - which scaling the training part of a training asks for (gru.h, `scaling`).
 * Private to lib/engine/train; pure functions. Nothing is sorted or copied: a median is found digit
 * by digit (radix selection), in passes over the data.
 */
#ifndef SCALING_FIT_H
#define SCALING_FIT_H

#include "engine/train/dataset.h"

/* Whether the training's scaling is another than its model's. */
static inline bool gru_fits_scaling(const struct gru_training *training)
{
    return training->hyperparameters.scaling != GRU_SCALING_KEEP;
}

/* Whether an output's scaling is fitted: nothing is done to it, and it is no logit. */
bool gru_fits_output(const struct dataset *dataset, size_t output);

/* What a network gave under one scaling of an output, under another. */
static inline float gru_express_output(const struct gru_variable *from,
                                       const struct gru_variable *to, float out)
{
    return (float)((from->std * (double)out + from->mean - to->mean) / to->std);
}

#endif
