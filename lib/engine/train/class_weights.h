/* class_weights.h - the weights of classes of a training (gru.h). Private to lib/engine/train; pure
 * functions. */
#ifndef CLASS_WEIGHTS_H
#define CLASS_WEIGHTS_H

#include "engine/train/dataset.h"

/* Whether there are weights other than 1. */
static inline bool gru_has_class_weights(const struct gru_training *training)
{
    return training->hyperparameters.class_weighting != GRU_CLASSES_ALIKE;
}

/* weights: [O] */
void gru_class_weights_find(const struct dataset *dataset, double *weights);

#endif
