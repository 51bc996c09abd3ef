/*
 * network_write.h - how a model's chain of layers stands in a file of ours: as a network of one
 * kind of recurrent layers and a read-out, whose tensors' names say all, or as a `network`, each
 * layer an element of its own. Private to lib/engine/file; pure functions.
 */
#ifndef NETWORK_WRITE_H
#define NETWORK_WRITE_H

#include "engine/buffer.h"
#include "engine/file/safetensors.h"
#include "engine/model.h"

/* Whether the model needs no `network`. */
bool gru_network_is_plain(const struct gru_model *model);

/* Writes the list of layers. */
void gru_network_write(const struct gru_model *model, struct file_text *out);

/* The tensors that gru_network_list gives at most. */
size_t gru_network_tensors_max(const struct gru_model *model);
/* The model's tensors under the names that they have in a file, plain or not; how many. */
size_t gru_network_list(const struct gru_model *model, struct tensor_out *list);

#endif
