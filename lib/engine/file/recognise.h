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
    const struct tensor_view *tensors[GRU_N_LAYER_TENSORS]; /* biases may be NULL */
    size_t input_size, hidden_size;
};

struct recognised {
    struct recognised_layer layers[GRU_LAYERS_MAX]; /* first to last, of all modules */
    size_t n_layers;
    const struct tensor_view *head_weight, *head_bias; /* the bias may be NULL */
};

/* What the name of each of a layer's tensors ends in, before the layer's number. */
extern const char *const gru_layer_tensor_names[GRU_N_LAYER_TENSORS];

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
    return module->layers[0].input_size;
}

static inline size_t module_output_size(const struct module *module)
{
    return module->layers[module->n_layers - 1].hidden_size;
}

/* The one order in which each module's width is the next one's number of inputs and the last one's
 * is `width` (0: any), or the order that the metadata says. `ret_order` takes modules->n indices.
 */
GRU_CHECK enum gru_status gru_chain_modules(const struct modules *modules,
                                            const struct metadata *metadata, size_t width,
                                            size_t *ret_order, struct gru_error *error);

#endif
