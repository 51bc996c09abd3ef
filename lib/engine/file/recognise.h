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

/* The result points into `file`. */
GRU_CHECK enum gru_status gru_recognise(const struct safetensors *file,
                                        const struct metadata *metadata,
                                        struct recognised *ret_recognised, struct gru_error *error);

/* ---- between recognise.c and module_order.c ---- */

/* The layers of one nn.GRU: tensors whose names share what stands before "weight_ih_l0". */
struct module {
    const char *prefix; /* not NUL-terminated */
    size_t n_prefix;
    struct recognised_layer layers[GRU_LAYERS_MAX];
    size_t n_layers;
};

struct modules {
    struct module modules[GRU_LAYERS_MAX];
    size_t n;
};

static inline size_t module_input_size(const struct module *module)
{
    return module->layers[0].shape.n_inputs;
}

static inline size_t module_output_size(const struct module *module)
{
    return module->layers[module->n_layers - 1].shape.n_units;
}

/* The one order in which each module's width is the next one's number of inputs and the last one's
 * is `width` (0: any), or the order that the metadata says. `ret_order` takes modules->n indices.
 */
GRU_CHECK enum gru_status gru_chain_modules(const struct modules *modules,
                                            const struct metadata *metadata, size_t width,
                                            size_t *ret_order, struct gru_error *error);

#endif
