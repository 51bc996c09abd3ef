/*
 * recognise.h - which tensor of a file is what: the recurrent layers in their order, and the
 * read-out (docs/MODELS.md, "A PyTorch checkpoint loads as it is"). Private to lib/engine.
 *
 * Looks at names and shapes only, never at values. Whatever does not fit is refused with the
 * tensor's name and what was expected; what could be read in two ways is refused with the reason.
 */
#ifndef RECOGNISE_H
#define RECOGNISE_H

#include "engine/file/metadata.h"
#include "engine/file/safetensors.h"
#include "engine/model.h"

struct recognised_layer {
    struct layer_shape shape;
    const struct layer_gate_order *gate_order;            /* of its rows; NULL: the kernels' */
    bool takes;                                           /* update take */
    const struct tensor_view *tensors[LAYER_TENSORS_MAX]; /* NULL: an optional one is not there */
};

struct recognised {
    struct recognised_layer layers[LAYER_CHAIN_MAX]; /* from the inputs to the read-out */
    size_t n_layers;
};

static inline struct recognised_layer *gru_recognised_read_out(struct recognised *found)
{
    return &found->layers[found->n_layers - 1];
}

/* The recurrent layers' cell: what the metadata says, or implies; else that whose number of gates
 * the tensors have. */
enum gru_layer_kind gru_recognise_cell(const struct safetensors *file,
                                       const struct metadata *metadata);

/* metadata->cell must be known. The result points into `file`. */
GRU_CHECK enum gru_status gru_recognise(const struct safetensors *file,
                                        const struct metadata *metadata,
                                        struct recognised *ret_recognised, struct gru_error *error);

#endif
