/* model_file.h - what model_file.c and its neighbours share. Private to lib/engine. */
#ifndef MODEL_FILE_H
#define MODEL_FILE_H

#include "engine/model.h"

/* Gives a model the arrays for its layers and their descriptions, all zero. */
GRU_CHECK enum gru_status gru_model_alloc_layers(struct gru_model *model, size_t n_layers);

#endif
