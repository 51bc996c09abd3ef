/* forward.h - the memory of a run, which the model alone decides (gru_run itself is in gru.h).
 * Private to lib/engine; a pure function. */
#ifndef FORWARD_H
#define FORWARD_H

#include "engine/model.h"

/* The model's layers must be described. False: it is more than a size_t counts. */
GRU_CHECK bool gru_run_lay_out(const struct gru_model *model, struct run_layout *ret_layout);

#endif
