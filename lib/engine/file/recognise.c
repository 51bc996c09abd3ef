/* Names and shapes to layers and read-out; see recognise.h. */
#include "engine/file/recognise.h"
#include "engine/file/module_order.h"
#include "engine/file/tensor_names.h"
#include "engine/layer_dense.h"
#include "engine/layer_recurrent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- grouping ---- */

static struct module *find_module(struct modules *modules, const char *name, size_t n_prefix)
{
    for (size_t k = 0; k < modules->n; k++) {
        struct module *module = &modules->modules[k];
        if (module->n_prefix == n_prefix && memcmp(module->prefix, name, n_prefix) == 0) {
            return module;
        }
    }
    if (modules->n == GRU_LAYERS_MAX) {
        return NULL;
    }
    struct module *module = &modules->modules[modules->n++];
    module->prefix = name;
    module->n_prefix = n_prefix;
    return module;
}

static enum gru_status add_tensor(struct modules *modules, const struct tensor_view *tensor,
                                  const struct tensor_name *parsed, struct gru_error *error)
{
    struct shown name = gru_show(tensor->name);
    enum gru_status status = gru_tensor_name_check(parsed->role, tensor->name, error);
    if (status != GRU_OK) {
        return status;
    }
    struct module *module = parsed->layer < GRU_LAYERS_MAX
                                ? find_module(modules, tensor->name, parsed->n_prefix)
                                : NULL;
    if (!module) {
        return gru_fail(error, GRU_BAD_TENSORS, name.text,
                        "tensor '%s' is of a layer beyond the limit of %d layers in all", name.text,
                        (int)GRU_LAYERS_MAX);
    }
    const bool is_reverse = parsed->role == ROLE_REVERSE;
    struct recognised_layer *layers = is_reverse ? module->reverse : module->layers;
    layers[parsed->layer].tensors[parsed->tensor] = tensor;
    module->is_bidirectional = module->is_bidirectional || is_reverse;
    if (parsed->layer >= module->n_layers) {
        module->n_layers = parsed->layer + 1;
    }
    return GRU_OK;
}

static enum gru_status group(const struct safetensors *file, const struct layer_kind *kind,
                             struct modules *modules, struct gru_error *error)
{
    for (size_t k = 0; k < file->n_tensors; k++) {
        struct tensor_name parsed = gru_tensor_name_parse(kind, file->tensors[k].name);
        if (parsed.role != ROLE_OTHER) {
            enum gru_status status = add_tensor(modules, &file->tensors[k], &parsed, error);
            if (status != GRU_OK) {
                return status;
            }
        }
    }
    size_t n_layers = 0;
    for (size_t k = 0; k < modules->n; k++) {
        n_layers += modules->modules[k].n_layers * (modules->modules[k].is_bidirectional ? 2 : 1);
    }
    if (n_layers == 0) {
        return gru_fail(error, GRU_BAD_TENSORS, "",
                        "there is no recurrent layer: no tensor's name ends in weight_ih_l0");
    }
    if (n_layers > GRU_LAYERS_MAX) {
        return gru_fail(error, GRU_BAD_TENSORS, "",
                        "there are %zu recurrent layers, more than the limit of %d", n_layers,
                        (int)GRU_LAYERS_MAX);
    }
    return GRU_OK;
}

/* ---- shapes ---- */

static enum gru_status check_present(const struct module *module, size_t l,
                                     const struct recognised_layer *layer, struct gru_error *error)
{
    const struct layer_kind *kind = layer->shape.kind;
    for (size_t k = 0; k < kind->n_tensors; k++) {
        if (layer->tensors[k] || kind->tensors[k].is_optional) {
            continue;
        }
        struct shown prefix = gru_show_n(module->prefix, module->n_prefix);
        char name[128];
        snprintf(name, sizeof name, "%s%s%zu%s", prefix.text, kind->tensors[k].name, l,
                 layer->shape.is_reverse ? "_reverse" : "");
        return gru_fail(error, GRU_BAD_TENSORS, name,
                        "tensor '%s' is missing: the module '%s' has %zu layers", name, prefix.text,
                        module->n_layers);
    }
    return GRU_OK;
}

/* Layer l of the module, or the half of it that reads from the end. */
static enum gru_status check_layer(const struct module *module, size_t l, bool is_reverse,
                                   struct recognised_layer *layer, const struct metadata *metadata,
                                   struct gru_error *error)
{
    const struct layer_kind *kind = gru_layer_kind_row(metadata->cell);
    layer->shape =
        (struct layer_shape){ .kind = kind, .reset = metadata->reset, .is_reverse = is_reverse };
    layer->gate_order =
        metadata->gate_order ? gru_layer_kind_order(kind, metadata->gate_order) : NULL;
    layer->takes = metadata->takes;
    enum gru_status status = check_present(module, l, layer, error);
    if (status == GRU_OK) {
        status = gru_layer_find_sizes(layer, error);
    }
    if (status != GRU_OK) {
        return status;
    }
    char why[128];
    snprintf(why, sizeof why,
             "the cell %s has %zu gates, and the layer %zu units by the columns of weight_hh",
             gru_layer_kind_name(kind->id), kind->n_gates, layer->shape.n_units);
    status = gru_layer_check_shapes(layer, why, error);
    size_t before = l > 0 ? module_width(module, l - 1) : module->layers[0].shape.n_inputs;
    if (status == GRU_OK && layer->shape.n_inputs != before) {
        status = gru_tensor_check_shape(layer->tensors[RECURRENT_WEIGHT_IH],
                                        gru_layer_tensor_rows(&layer->shape, RECURRENT_WEIGHT_IH),
                                        before, "the width of the layer before it", error);
    }
    return status;
}

static enum gru_status check_module(struct module *module, const struct metadata *metadata,
                                    struct gru_error *error)
{
    enum gru_status status = GRU_OK;
    for (size_t l = 0; status == GRU_OK && l < module->n_layers; l++) {
        status = check_layer(module, l, false, &module->layers[l], metadata, error);
        if (status == GRU_OK && module->is_bidirectional) {
            status = check_layer(module, l, true, &module->reverse[l], metadata, error);
        }
    }
    return status;
}

/* ---- the read-out ---- */

static bool is_other(const struct layer_kind *kind, const struct tensor_view *tensor)
{
    return gru_tensor_name_parse(kind, tensor->name).role == ROLE_OTHER;
}

/* The columns of the one matrix that no layer has taken; 0 if there is none, or several. */
static size_t sole_matrix_columns(const struct safetensors *file, const struct layer_kind *kind)
{
    size_t n = 0;
    size_t columns = 0;
    for (size_t k = 0; k < file->n_tensors; k++) {
        if (file->tensors[k].n_dims == 2 && is_other(kind, &file->tensors[k])) {
            columns = file->tensors[k].dims[1];
            n++;
        }
    }
    return n == 1 ? columns : 0;
}

static enum gru_status find_read_out(const struct safetensors *file, const struct layer_kind *kind,
                                     size_t width, struct recognised_layer *read_out,
                                     struct gru_error *error)
{
    const struct tensor_view **weight = &read_out->tensors[DENSE_WEIGHT];
    const struct tensor_view *misfit = NULL;
    for (size_t k = 0; k < file->n_tensors; k++) {
        const struct tensor_view *tensor = &file->tensors[k];
        if (tensor->n_dims != 2 || !is_other(kind, tensor)) {
            continue;
        }
        if (tensor->dims[1] != width) {
            misfit = tensor;
        } else if (!*weight) {
            *weight = tensor;
        } else {
            return gru_fail(
                error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                "'%s' and '%s' could both be the read-out: each has %zu columns, the width of the "
                "last layer; \"network\" in the metadata says what each is (docs/MODELS.md)",
                gru_show((*weight)->name).text, gru_show(tensor->name).text, width);
        }
    }
    if (*weight) {
        read_out->shape.kind = gru_layer_kind_row(GRU_LAYER_DENSE);
        return gru_layer_find_sizes(read_out, error);
    }
    if (misfit) {
        return gru_fail(error, GRU_BAD_TENSORS, gru_show(misfit->name).text,
                        "tensor '%s' is %s, but the read-out must have %zu columns, the width of "
                        "the last layer",
                        gru_show(misfit->name).text, gru_show_shape(misfit).text, width);
    }
    return gru_fail(error, GRU_BAD_TENSORS, "",
                    "there is no read-out: no matrix with %zu columns, the width of the last layer",
                    width);
}

/* "fc.bias" goes with "fc.weight"; a matrix of another name goes with any vector. */
static bool is_bias_of(const char *bias, const char *weight)
{
    size_t n = strlen(weight);
    if (!gru_name_ends_in(weight, n, "weight")) {
        return true;
    }
    n -= strlen("weight");
    return strncmp(bias, weight, n) == 0 && strcmp(bias + n, "bias") == 0;
}

/* What is left over is the read-out's bias, or too much. */
static enum gru_status find_read_out_bias(const struct safetensors *file,
                                          const struct layer_kind *kind,
                                          struct recognised_layer *read_out,
                                          struct gru_error *error)
{
    const struct tensor_view *weight = read_out->tensors[DENSE_WEIGHT];
    for (size_t k = 0; weight && k < file->n_tensors; k++) {
        const struct tensor_view *tensor = &file->tensors[k];
        if (tensor == weight || !is_other(kind, tensor)) {
            continue;
        }
        if (read_out->tensors[DENSE_BIAS] || !is_bias_of(tensor->name, weight->name)) {
            return gru_fail(
                error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                "tensor '%s', %s, is left over: it is of no recurrent layer, nor of the read-out "
                "'%s'; \"network\" in the metadata lists layers of other kinds (docs/MODELS.md)",
                gru_show(tensor->name).text, gru_show_shape(tensor).text,
                gru_show(weight->name).text);
        }
        read_out->tensors[DENSE_BIAS] = tensor;
        enum gru_status status =
            gru_layer_check_shapes(read_out, "the rows of the read-out that it belongs to", error);
        if (status != GRU_OK) {
            return status;
        }
    }
    return GRU_OK;
}

/* ---- the whole ---- */

enum gru_layer_kind gru_recognise_cell(const struct safetensors *file,
                                       const struct metadata *metadata)
{
    const struct layer_kind *lstm = gru_layer_kind_row(GRU_LAYER_LSTM);
    bool is_lstm = metadata->is_cell_open;
    size_t n = 0;
    for (size_t k = 0; k < file->n_tensors; k++) {
        const struct tensor_view *tensor = &file->tensors[k];
        const struct tensor_name parsed = gru_tensor_name_parse(lstm, tensor->name);
        if (parsed.role == ROLE_LAYER && parsed.tensor == RECURRENT_WEIGHT_HH) {
            is_lstm = is_lstm && tensor->n_dims == 2 && tensor->dims[1] > 0 &&
                      tensor->dims[0] / lstm->n_gates == tensor->dims[1] &&
                      tensor->dims[0] % lstm->n_gates == 0;
            n++;
        }
    }
    return is_lstm && n > 0 ? GRU_LAYER_LSTM : metadata->cell;
}

static enum gru_status order_layers(const struct safetensors *file, const struct modules *modules,
                                    const struct metadata *metadata, struct recognised *found,
                                    struct gru_error *error)
{
    const struct layer_kind *kind = gru_layer_kind_row(metadata->cell);
    size_t order[GRU_LAYERS_MAX];
    enum gru_status status =
        gru_chain_modules(modules, metadata, sole_matrix_columns(file, kind), order, error);
    if (status != GRU_OK) {
        return status;
    }
    for (size_t k = 0; k < modules->n; k++) {
        const struct module *module = &modules->modules[order[k]];
        for (size_t l = 0; l < module->n_layers; l++) {
            found->layers[found->n_layers++] = module->layers[l];
            if (module->is_bidirectional) {
                found->layers[found->n_layers++] = module->reverse[l];
            }
        }
    }
    return GRU_OK;
}

/* The read-out behind the last layer. */
static enum gru_status add_read_out(const struct safetensors *file, const struct layer_kind *kind,
                                    struct recognised *found, struct gru_error *error)
{
    const size_t width = gru_recognised_width(found);
    struct recognised_layer read_out = { .gate_order = NULL };
    enum gru_status status = find_read_out(file, kind, width, &read_out, error);
    if (status == GRU_OK) {
        status = find_read_out_bias(file, kind, &read_out, error);
    }
    found->layers[found->n_layers++] = read_out;
    return status;
}

static enum gru_status check_dtypes(const struct safetensors *file, struct gru_error *error)
{
    enum gru_status status = GRU_OK;
    for (size_t k = 0; status == GRU_OK && k < file->n_tensors; k++) {
        status = gru_tensor_check_dtype(&file->tensors[k], error);
    }
    return status;
}

enum gru_status gru_recognise(const struct safetensors *file, const struct metadata *metadata,
                              struct recognised *ret_recognised, struct gru_error *error)
{
    struct recognised found = { .activation = metadata->activation };
    const struct layer_kind *kind = gru_layer_kind_row(metadata->cell);
    struct modules *modules = calloc(1, sizeof *modules);
    if (!modules) {
        return gru_fail_no_memory(error);
    }
    enum gru_status status = check_dtypes(file, error);
    if (status == GRU_OK) {
        status = group(file, kind, modules, error);
    }
    for (size_t k = 0; status == GRU_OK && k < modules->n; k++) {
        status = check_module(&modules->modules[k], metadata, error);
    }
    if (status == GRU_OK) {
        status = order_layers(file, modules, metadata, &found, error);
    }
    if (status == GRU_OK) {
        status = add_read_out(file, kind, &found, error);
    }
    if (status == GRU_OK) {
        *ret_recognised = found;
    }
    free(modules);
    return status;
}
