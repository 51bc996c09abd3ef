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
    size_t initial_at; /* where its first state begins in the tensors that have it, in values */
};

/* A part of a read-out: rows that stand in tensors of their own. */
struct recognised_head {
    const struct tensor_view *weight, *bias; /* bias NULL: zeros */
};

struct recognised {
    struct recognised_layer layers[LAYER_CHAIN_MAX]; /* from the inputs to the outputs */
    size_t n_layers;
    enum gru_activation activation; /* at the end; of several heads that differ GRU_LINEAR */
    struct recognised_head
        heads[NETWORK_HEADS_MAX]; /* of the last layer, whose tensors these are */
    size_t n_heads;               /* 0: it has its own */
};

/* The width of what the last layer gives, both halves of it. */
static inline size_t gru_recognised_width(const struct recognised *found)
{
    const struct recognised_layer *last = &found->layers[found->n_layers - 1];
    const size_t n_other = last->shape.is_reverse ? (last - 1)->shape.n_units : 0;
    return last->shape.n_units + n_other;
}

/* The recurrent layers' cell: what the metadata says, or implies; else that whose number of gates
 * the tensors have. */
enum gru_layer_kind gru_recognise_cell(const struct safetensors *file,
                                       const struct metadata *metadata);

/* metadata->cell must be known, and there is no metadata->network. The result points into `file`.
 */
GRU_CHECK enum gru_status gru_recognise(const struct safetensors *file,
                                        const struct metadata *metadata,
                                        struct recognised *ret_recognised, struct gru_error *error);

#endif
