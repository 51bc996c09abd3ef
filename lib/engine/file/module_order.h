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
    struct recognised_layer reverse[GRU_LAYERS_MAX]; /* where it is bidirectional */
    size_t n_layers;
    bool is_bidirectional;
};

struct modules {
    struct module modules[GRU_LAYERS_MAX];
    size_t n;
};

static inline size_t module_input_size(const struct module *module)
{
    return module->layers[0].shape.n_inputs;
}

/* Of what layer l gives. */
static inline size_t module_width(const struct module *module, size_t l)
{
    const size_t n_units = module->layers[l].shape.n_units;
    return module->is_bidirectional ? n_units + module->reverse[l].shape.n_units : n_units;
}

static inline size_t module_output_size(const struct module *module)
{
    return module_width(module, module->n_layers - 1);
}

/* The one order in which each module's width is the next one's number of inputs and the last one's
 * is `width` (0: any), or the order that the metadata says. `ret_order` takes modules->n indices.
 */
GRU_CHECK enum gru_status gru_chain_modules(const struct modules *modules,
                                            const struct metadata *metadata, size_t width,
                                            size_t *ret_order, struct gru_error *error);

#endif
