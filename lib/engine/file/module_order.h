/*
 * module_order.h - the order of the recurrent modules of a file: by their sizes, or as the metadata
 * says. Private to lib/engine/file; pure functions over recognised layers.
 */
#ifndef MODULE_ORDER_H
#define MODULE_ORDER_H

#include "engine/file/recognise.h"

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
