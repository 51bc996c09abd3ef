/* hyperparameters.h - hyper-parameters as numbers, for checkpoints; gru.h has their table. Private
 * to lib/engine. */
#ifndef HYPERPARAMETERS_H
#define HYPERPARAMETERS_H

#include "gru.h"

enum {
#define GRU_HYPERPARAMETER_INDEX(field, ...) GRU_HYPERPARAMETER_##field,
    GRU_HYPERPARAMETERS(GRU_HYPERPARAMETER_INDEX)
#undef GRU_HYPERPARAMETER_INDEX
        GRU_N_HYPERPARAMETERS
};

/* Each as 64 bits, in the order of the table: for a fingerprint. */
void gru_hyperparameters_words(const struct gru_hyperparameters *hyperparameters,
                               uint64_t words[GRU_N_HYPERPARAMETERS]);

#endif
