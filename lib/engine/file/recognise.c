/* Names and shapes to layers and read-out; see recognise.h. */
#include "engine/file/recognise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const gru_layer_tensor_names[GRU_N_LAYER_TENSORS] = {
#define LAYER_TENSOR_NAME(id, name, rows, columns) [GRU_TENSOR_##id] = (name),
    GRU_LAYER_TENSORS(LAYER_TENSOR_NAME)
#undef LAYER_TENSOR_NAME
};

/* ---- names ---- */

/* What a tensor is by its name. */
enum role { ROLE_OTHER, ROLE_LAYER, ROLE_REVERSE, ROLE_PROJECTION };

struct parsed_name {
    enum role role;
    int tensor; /* an enum gru_layer_tensor */
    size_t layer;
    size_t n_prefix;
};

static bool ends_in(const char *name, size_t n, const char *suffix)
{
    size_t n_suffix = strlen(suffix);
    return n >= n_suffix && memcmp(name + n - n_suffix, suffix, n_suffix) == 0;
}

static struct parsed_name parse_name(const char *name)
{
    struct parsed_name parsed = { .role = ROLE_OTHER };
    size_t n = strlen(name);
    bool reverse = ends_in(name, n, "_reverse");
    n -= reverse ? strlen("_reverse") : 0;
    size_t digits = n;
    while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') {
        digits--;
    }
    if (digits == n || (name[digits] == '0' && n - digits > 1)) {
        return parsed;
    }
    for (size_t k = digits; k < n; k++) {
        /* beyond every limit the number itself no longer matters */
        parsed.layer = parsed.layer > GRU_LAYERS_MAX ? parsed.layer
                                                     : parsed.layer * 10 + (size_t)(name[k] - '0');
    }
    for (int k = 0; k < GRU_N_LAYER_TENSORS; k++) {
        if (ends_in(name, digits, gru_layer_tensor_names[k])) {
            parsed.role = reverse ? ROLE_REVERSE : ROLE_LAYER;
            parsed.tensor = k;
            parsed.n_prefix = digits - strlen(gru_layer_tensor_names[k]);
        }
    }
    if (ends_in(name, digits, "weight_hr_l")) {
        parsed.role = ROLE_PROJECTION;
    }
    return parsed;
}

/* "a matrix of 3 x 4", "a vector of 12", "a tensor of 0 dimensions" */
static struct shown show_shape(const struct tensor_view *tensor)
{
    struct shown shown;
    if (tensor->n_dims == 1) {
        snprintf(shown.text, sizeof shown.text, "a vector of %zu", tensor->dims[0]);
    } else if (tensor->n_dims == 2) {
        snprintf(shown.text, sizeof shown.text, "a matrix of %zu x %zu", tensor->dims[0],
                 tensor->dims[1]);
    } else {
        snprintf(shown.text, sizeof shown.text, "a tensor of %zu dimensions", tensor->n_dims);
    }
    return shown;
}

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
                                  const struct parsed_name *parsed, struct gru_error *error)
{
    struct shown name = gru_show(tensor->name);
    if (parsed->role == ROLE_REVERSE) {
        return gru_fail(
            error, GRU_BAD_TENSORS, name.text,
            "tensor '%s' belongs to a bidirectional network, which cannot run on a stream: it "
            "would have to see the future",
            name.text);
    }
    if (parsed->role == ROLE_PROJECTION) {
        return gru_fail(
            error, GRU_BAD_TENSORS, name.text,
            "tensor '%s' is a projection (proj_size) of an LSTM, which a GRU does not have",
            name.text);
    }
    struct module *module = parsed->layer < GRU_LAYERS_MAX
                                ? find_module(modules, tensor->name, parsed->n_prefix)
                                : NULL;
    if (!module) {
        return gru_fail(error, GRU_BAD_TENSORS, name.text,
                        "tensor '%s' is of a layer beyond the limit of %d layers in all", name.text,
                        (int)GRU_LAYERS_MAX);
    }
    module->layers[parsed->layer].tensors[parsed->tensor] = tensor;
    if (parsed->layer >= module->n_layers) {
        module->n_layers = parsed->layer + 1;
    }
    return GRU_OK;
}

static enum gru_status group(const struct safetensors *file, struct modules *modules,
                             struct gru_error *error)
{
    for (size_t k = 0; k < file->n_tensors; k++) {
        struct parsed_name parsed = parse_name(file->tensors[k].name);
        if (parsed.role != ROLE_OTHER) {
            enum gru_status status = add_tensor(modules, &file->tensors[k], &parsed, error);
            if (status != GRU_OK) {
                return status;
            }
        }
    }
    size_t n_layers = 0;
    for (size_t k = 0; k < modules->n; k++) {
        n_layers += modules->modules[k].n_layers;
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

/* Whether a tensor has these sizes; columns 0: a vector. `why` says where they come from. */
static enum gru_status check_shape(const struct tensor_view *tensor, size_t rows, size_t columns,
                                   const char *why, struct gru_error *error)
{
    size_t n_dims = columns > 0 ? 2 : 1;
    if (tensor->n_dims == n_dims && tensor->dims[0] == rows &&
        (n_dims == 1 || tensor->dims[1] == columns)) {
        return GRU_OK;
    }
    char expected[64];
    if (columns > 0) {
        snprintf(expected, sizeof expected, "a matrix of %zu x %zu", rows, columns);
    } else {
        snprintf(expected, sizeof expected, "a vector of %zu", rows);
    }
    return gru_fail(error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                    "tensor '%s' is %s, but expected is %s: %s", gru_show(tensor->name).text,
                    show_shape(tensor).text, expected, why);
}

/* A matrix whose sizes are within the limits. */
static enum gru_status check_matrix(const struct tensor_view *tensor, size_t rows_max,
                                    struct gru_error *error)
{
    if (tensor->n_dims == 2 && tensor->dims[0] >= 1 && tensor->dims[0] <= rows_max &&
        tensor->dims[1] >= 1 && tensor->dims[1] <= GRU_WIDTH_MAX) {
        return GRU_OK;
    }
    return gru_fail(error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                    "tensor '%s' is %s, but expected is a matrix of at most %zu x %d",
                    gru_show(tensor->name).text, show_shape(tensor).text, rows_max,
                    (int)GRU_WIDTH_MAX);
}

static enum gru_status fail_absent(const struct module *module, size_t l, const char *what,
                                   struct gru_error *error)
{
    char name[128];
    snprintf(name, sizeof name, "%s%s%zu", gru_show_n(module->prefix, module->n_prefix).text, what,
             l);
    return gru_fail(error, GRU_BAD_TENSORS, name,
                    "tensor '%s' is missing: the module '%s' has %zu layers", name,
                    gru_show_n(module->prefix, module->n_prefix).text, module->n_layers);
}

static enum gru_status check_layer(struct module *module, size_t l, enum gru_cell cell,
                                   struct gru_error *error)
{
    struct recognised_layer *layer = &module->layers[l];
    size_t n_gates = gru_cell_gates(cell);
    const struct tensor_view *wx = layer->tensors[GRU_TENSOR_WEIGHT_IH];
    const struct tensor_view *uh = layer->tensors[GRU_TENSOR_WEIGHT_HH];
    if (!wx || !uh) {
        return fail_absent(module, l,
                           gru_layer_tensor_names[wx ? GRU_TENSOR_WEIGHT_HH : GRU_TENSOR_WEIGHT_IH],
                           error);
    }
    size_t rows_max = n_gates * GRU_WIDTH_MAX;
    enum gru_status status = check_matrix(uh, rows_max, error);
    if (status == GRU_OK) {
        status = check_matrix(wx, rows_max, error);
    }
    if (status != GRU_OK) {
        return status;
    }
    layer->hidden_size = uh->dims[1];
    layer->input_size = wx->dims[1];
    char why[128];
    snprintf(why, sizeof why,
             "the cell %s has %zu gates, and the layer %zu units by the columns of weight_hh",
             gru_cell_name(cell), n_gates, layer->hidden_size);
    size_t rows = n_gates * layer->hidden_size;
    status = check_shape(uh, rows, layer->hidden_size, why, error);
    if (status == GRU_OK) {
        status = check_shape(wx, rows, layer->input_size, why, error);
    }
    for (int k = GRU_TENSOR_BIAS_IH; status == GRU_OK && k <= GRU_TENSOR_BIAS_HH; k++) {
        if (layer->tensors[k]) {
            status = check_shape(layer->tensors[k], rows, 0, why, error);
        }
    }
    if (status == GRU_OK && l > 0 && layer->input_size != module->layers[l - 1].hidden_size) {
        status = check_shape(wx, rows, module->layers[l - 1].hidden_size,
                             "the width of the layer before it", error);
    }
    return status;
}

/* ---- the read-out ---- */

static bool is_other(const struct tensor_view *tensor)
{
    return parse_name(tensor->name).role == ROLE_OTHER;
}

/* The columns of the one matrix that no layer has taken; 0 if there is none, or several. */
static size_t sole_matrix_columns(const struct safetensors *file)
{
    size_t n = 0;
    size_t columns = 0;
    for (size_t k = 0; k < file->n_tensors; k++) {
        if (file->tensors[k].n_dims == 2 && is_other(&file->tensors[k])) {
            columns = file->tensors[k].dims[1];
            n++;
        }
    }
    return n == 1 ? columns : 0;
}

static enum gru_status find_head(const struct safetensors *file, struct recognised *found,
                                 struct gru_error *error)
{
    size_t width = found->layers[found->n_layers - 1].hidden_size;
    const struct tensor_view *misfit = NULL;
    for (size_t k = 0; k < file->n_tensors; k++) {
        const struct tensor_view *tensor = &file->tensors[k];
        if (tensor->n_dims != 2 || !is_other(tensor)) {
            continue;
        }
        if (tensor->dims[1] != width) {
            misfit = tensor;
        } else if (!found->head_weight) {
            found->head_weight = tensor;
        } else {
            return gru_fail(
                error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                "'%s' and '%s' could both be the read-out: each has %zu columns, the width of the "
                "last layer",
                gru_show(found->head_weight->name).text, gru_show(tensor->name).text, width);
        }
    }
    if (found->head_weight) {
        return check_matrix(found->head_weight, GRU_WIDTH_MAX, error);
    }
    if (misfit) {
        return gru_fail(error, GRU_BAD_TENSORS, gru_show(misfit->name).text,
                        "tensor '%s' is %s, but the read-out must have %zu columns, the width of "
                        "the last layer",
                        gru_show(misfit->name).text, show_shape(misfit).text, width);
    }
    return gru_fail(error, GRU_BAD_TENSORS, "",
                    "there is no read-out: no matrix with %zu columns, the width of the last layer",
                    width);
}

/* "fc.bias" goes with "fc.weight"; a matrix of another name goes with any vector. */
static bool is_bias_of(const char *bias, const char *weight)
{
    size_t n = strlen(weight);
    if (!ends_in(weight, n, "weight")) {
        return true;
    }
    n -= strlen("weight");
    return strncmp(bias, weight, n) == 0 && strcmp(bias + n, "bias") == 0;
}

/* What is left over is the read-out's bias, or too much. */
static enum gru_status find_head_bias(const struct safetensors *file, struct recognised *found,
                                      struct gru_error *error)
{
    const struct tensor_view *weight = found->head_weight;
    for (size_t k = 0; weight && k < file->n_tensors; k++) {
        const struct tensor_view *tensor = &file->tensors[k];
        if (tensor == weight || !is_other(tensor)) {
            continue;
        }
        if (found->head_bias || !is_bias_of(tensor->name, weight->name)) {
            return gru_fail(
                error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                "tensor '%s', %s, is left over: it is of no recurrent layer, nor of the read-out "
                "'%s'",
                gru_show(tensor->name).text, show_shape(tensor).text, gru_show(weight->name).text);
        }
        enum gru_status status = check_shape(tensor, weight->dims[0], 0,
                                             "the rows of the read-out that it belongs to", error);
        if (status != GRU_OK) {
            return status;
        }
        found->head_bias = tensor;
    }
    return GRU_OK;
}

/* ---- the whole ---- */

static enum gru_status order_layers(const struct safetensors *file, const struct modules *modules,
                                    const struct metadata *metadata, struct recognised *found,
                                    struct gru_error *error)
{
    size_t order[GRU_LAYERS_MAX];
    enum gru_status status =
        gru_chain_modules(modules, metadata, sole_matrix_columns(file), order, error);
    if (status != GRU_OK) {
        return status;
    }
    for (size_t k = 0; k < modules->n; k++) {
        const struct module *module = &modules->modules[order[k]];
        for (size_t l = 0; l < module->n_layers; l++) {
            found->layers[found->n_layers++] = module->layers[l];
        }
    }
    return GRU_OK;
}

enum gru_status gru_recognise(const struct safetensors *file, const struct metadata *metadata,
                              struct recognised *ret_recognised, struct gru_error *error)
{
    struct recognised found = { .n_layers = 0 };
    struct modules *modules = calloc(1, sizeof *modules);
    if (!modules) {
        return gru_fail_no_memory(error);
    }
    enum gru_status status = group(file, modules, error);
    for (size_t k = 0; status == GRU_OK && k < modules->n; k++) {
        for (size_t l = 0; status == GRU_OK && l < modules->modules[k].n_layers; l++) {
            status = check_layer(&modules->modules[k], l, metadata->cell, error);
        }
    }
    if (status == GRU_OK) {
        status = order_layers(file, modules, metadata, &found, error);
    }
    if (status == GRU_OK) {
        status = find_head(file, &found, error);
    }
    if (status == GRU_OK) {
        status = find_head_bias(file, &found, error);
    }
    if (status == GRU_OK) {
        *ret_recognised = found;
    }
    free(modules);
    return status;
}
