/* model_copy.h - a model of the same layers and description as another, for one to be made from it
 * with other weights or another scaling. Private to lib/engine/train; any thread. */
#ifndef MODEL_COPY_H
#define MODEL_COPY_H

#include "engine/model.h"

/* A model that is not finished (gru_model_finish): the description, the layers and their tensors,
 * without a selftest and residuals. */
GRU_CHECK enum gru_status gru_model_copy(const struct gru_model *from,
                                         struct gru_model **ret_model);
/* Bytes that one takes once it is finished, but for its description; false: more than fits. */
GRU_CHECK bool gru_model_copy_bytes(const struct gru_model *model, size_t *ret_n_bytes);

#endif
