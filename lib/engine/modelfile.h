/* modelfile.h - what modelfile.c and its neighbours share. Private to lib/engine. */
#ifndef MODELFILE_H
#define MODELFILE_H

#include "engine/model.h"

/* Runs the model's selftest, if it has one, from a fresh state. Refuses a finished model that misses it. */
GRU_CHECK enum gru_status gru_selftest_run(const struct gru_model *model, struct gru_error *error);

/* Gives a model the arrays for its layers and their descriptions, all zero. */
GRU_CHECK enum gru_status gru_model_alloc_layers(struct gru_model *model, size_t n_layers);

#endif
