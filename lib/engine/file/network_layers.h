/*
 * network_layers.h - the layers of a file that has a `network`: each element takes its tensors by
 * their names, and the sizes of one must be those that the next one takes. Private to
 * lib/engine/file.
 *
 * What comes out is the chain as the rest of the library knows it: a `dense` with an activation is
 * two layers, one with several modules of recurrent layers as many; the activation at the very end
 * is no layer but what is done to the outputs.
 */
#ifndef NETWORK_LAYERS_H
#define NETWORK_LAYERS_H

#include "engine/file/recognise.h"

/* metadata->network must be given. The result points into `file`. What is wrong with an element is
 * refused with its path, a tensor that no element takes with its name. */
GRU_CHECK enum gru_status gru_network_layers(const struct safetensors *file,
                                             const struct metadata *metadata,
                                             struct recognised *ret_recognised,
                                             struct gru_error *error);

#endif
