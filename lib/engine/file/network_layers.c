/* Elements of `network` and tensors to layers; see network_layers.h. */
#include "engine/file/network_layers.h"
#include "engine/file/tensor_names.h"
#include "engine/layer_dense.h"
#include "engine/layer_norm.h"
#include "engine/layer_recurrent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fitting {
    const struct safetensors *file;
    const struct network_entries *network;
    struct recognised *found;
    unsigned char *owners; /* [n_tensors] 1 + the element that took it; 0: none */
    size_t n_recurrent;
    size_t k;                         /* the element that is looked at */
    size_t elements[LAYER_CHAIN_MAX]; /* of each layer */
    struct gru_error *error;
};

static const struct network_entry *entry_of(const struct fitting *f)
{
    return &f->network->entries[f->k];
}

/* Says of a fault of a tensor which element it belongs to. */
static enum gru_status at_element(const struct fitting *f, size_t k, enum gru_status status)
{
    if (status != GRU_OK && status != GRU_NO_MEMORY && f->error) {
        snprintf(f->error->param, sizeof f->error->param, "%s",
                 gru_network_path(f->network, k, "").text);
    }
    return status;
}

/* ---- tensors by their names ---- */

/* "rnn" and "rnn." both stand before rnn.weight_ih_l0. NULL: there is no such tensor. */
static const struct tensor_view *find_tensor(const struct fitting *f, const char *prefix,
                                             const char *name)
{
    char whole[NETWORK_NAME_MAX + 64];
    snprintf(whole, sizeof whole, "%s%s", prefix, name);
    const struct tensor_view *tensor = gru_safetensors_find(f->file, whole);
    if (!tensor && *prefix != '\0') {
        snprintf(whole, sizeof whole, "%s.%s", prefix, name);
        tensor = gru_safetensors_find(f->file, whole);
    }
    return tensor;
}

/* The tensor becomes the element's. */
static enum gru_status take_tensor(struct fitting *f, const char *path,
                                   const struct tensor_view *tensor)
{
    unsigned char *owner = &f->owners[tensor - f->file->tensors];
    if (*owner > 0) {
        return gru_fail(f->error, GRU_BAD_METADATA, path,
                        "'%s' names the tensor '%s', which '%s' has taken already", path,
                        gru_show(tensor->name).text,
                        gru_network_path(f->network, *owner - 1U, "").text);
    }
    *owner = (unsigned char)(f->k + 1);
    return gru_tensor_check_dtype(tensor, f->error);
}

static enum gru_status fail_missing(const struct fitting *f, const char *path, const char *prefix,
                                    const char *name)
{
    const bool is_joined = *prefix == '\0' || prefix[strlen(prefix) - 1] == '.';
    return gru_fail(f->error, GRU_BAD_TENSORS, path, "'%s': there is no tensor '%s%s%s'", path,
                    gru_show(prefix).text, is_joined ? "" : ".", name);
}

/* The layer's tensors below a prefix, all but its first state; their names end in `_reverse` where
 * it reads from the end. */
static enum gru_status take_tensors(struct fitting *f, const char *path, const char *prefix,
                                    size_t number, struct recognised_layer *layer)
{
    const struct layer_kind *kind = layer->shape.kind;
    const char *end = layer->shape.is_reverse ? "_reverse" : "";
    for (size_t t = 0; t < kind->n_tensors; t++) {
        char name[48];
        if (kind->tensors[t].is_initial_state) {
            continue;
        }
        snprintf(name, sizeof name, kind->is_numbered ? "%s%zu%s" : "%s", kind->tensors[t].name,
                 number, end);
        layer->tensors[t] = find_tensor(f, prefix, name);
        if (!layer->tensors[t] && kind->is_numbered && number == 0) { /* as nn.GRUCell has it */
            char plain[48];
            snprintf(plain, sizeof plain, "%.*s",
                     (int)(strlen(kind->tensors[t].name) - strlen("_l")), kind->tensors[t].name);
            layer->tensors[t] = find_tensor(f, prefix, plain);
        }
        if (!layer->tensors[t] && kind->tensors[t].is_optional) {
            continue;
        }
        enum gru_status status = layer->tensors[t] ? take_tensor(f, path, layer->tensors[t])
                                                   : fail_missing(f, path, prefix, name);
        if (status != GRU_OK) {
            return status;
        }
    }
    return GRU_OK;
}

/* ---- elements to layers ---- */

/* NULL: there are too many. */
static struct recognised_layer *add_layer(struct fitting *f, const struct layer_kind *kind)
{
    struct recognised *found = f->found;
    if (found->n_layers == LAYER_CHAIN_MAX) {
        (void)gru_fail(f->error, GRU_BAD_METADATA, f->network->path,
                       "'%s' makes more than %d layers, counting each of a stack, and the "
                       "activation of a 'dense' as one",
                       f->network->path, (int)LAYER_CHAIN_MAX);
        return NULL;
    }
    const struct network_entry *entry = entry_of(f);
    f->elements[found->n_layers] = f->k;
    struct recognised_layer *layer = &found->layers[found->n_layers++];
    layer->shape = (struct layer_shape){ .kind = kind };
    switch (kind->family) {
    case LAYER_RECURRENT:
        layer->shape.reset = entry->reset;
        break;
    case LAYER_NORM:
    case LAYER_BATCH_NORM:
        layer->shape.eps = entry->eps;
        break;
    case LAYER_ACTIVATION:
        layer->shape.activation = entry->activation;
        break;
    case LAYER_DENSE:
    case LAYER_N_FAMILIES:
        break;
    }
    return layer;
}

/* What an element's activation does: at the end of the network it is that of the outputs. */
static enum gru_status add_activation(struct fitting *f)
{
    if (f->k == f->network->end) {
        f->found->activation = entry_of(f)->activation;
        return GRU_OK;
    }
    return entry_of(f)->activation == GRU_LINEAR ||
                   add_layer(f, gru_layer_kind_row(GRU_LAYER_ACTIVATION))
               ? GRU_OK
               : GRU_BAD_METADATA;
}

/* Whether a layer of that number has any of the tensors that it must have; end: of their names. */
static bool has_number(const struct fitting *f, const char *prefix, size_t number, const char *end)
{
    const struct layer_kind *kind = entry_of(f)->kind;
    char input[48], hidden[48];
    snprintf(input, sizeof input, "%s%zu%s", kind->tensors[RECURRENT_WEIGHT_IH].name, number, end);
    snprintf(hidden, sizeof hidden, "%s%zu%s", kind->tensors[RECURRENT_WEIGHT_HH].name, number,
             end);
    return find_tensor(f, prefix, input) || find_tensor(f, prefix, hidden);
}

/* A stack's learned first state: a row of each layer, [layers, 1, H], or of one layer [H]. */
static enum gru_status check_initial(const struct fitting *f, const char *path,
                                     const struct tensor_view *tensor, size_t n_layers, size_t h)
{
    const bool is_row = tensor->n_dims == 1 && n_layers == 1 && tensor->dims[0] == h;
    const bool is_stack = tensor->n_dims == 3 && tensor->dims[0] == n_layers &&
                          tensor->dims[1] == 1 && tensor->dims[2] == h;
    if (is_row || is_stack) {
        return GRU_OK;
    }
    return gru_fail(f->error, GRU_BAD_TENSORS, path,
                    "'%s': tensor '%s' is %s, but expected are %zu layers, 1, %zu units", path,
                    gru_show(tensor->name).text, gru_show_shape(tensor).text, n_layers, h);
}

/* To each of a stack's layers its row of the first state of that name; "": they begin with zeros.
 */
static enum gru_status take_initial(struct fitting *f, const char *key, const char *name, size_t t,
                                    struct recognised_layer *layers, size_t n_layers)
{
    const struct network_path path = gru_network_path(f->network, f->k, key);
    const size_t h = layers[0].shape.n_units;
    if (*name == '\0') {
        return GRU_OK;
    }
    const struct tensor_view *tensor = gru_safetensors_find(f->file, name);
    if (!tensor) {
        return fail_missing(f, path.text, "", gru_show(name).text);
    }
    enum gru_status status = take_tensor(f, path.text, tensor);
    if (status == GRU_OK) {
        status = check_initial(f, path.text, tensor, n_layers, h);
    }
    for (size_t l = 0; status == GRU_OK && l < n_layers; l++) {
        layers[l].tensors[t] = tensor;
        layers[l].initial_at = l * h;
    }
    return status;
}

/* A layer of the stack, or the half of one that reads from the end. */
static enum gru_status add_half(struct fitting *f, size_t number, bool is_reverse)
{
    const struct network_entry *entry = entry_of(f);
    const struct network_path path = gru_network_path(f->network, f->k, "prefix");
    if (f->n_recurrent++ == GRU_LAYERS_MAX) {
        return gru_fail(f->error, GRU_BAD_METADATA, f->network->path,
                        "'%s' has more than %d recurrent layers", f->network->path,
                        (int)GRU_LAYERS_MAX);
    }
    struct recognised_layer *layer = add_layer(f, entry->kind);
    if (!layer) {
        return GRU_BAD_METADATA;
    }
    layer->shape.is_reverse = is_reverse;
    layer->gate_order =
        entry->gate_order ? gru_layer_kind_order(entry->kind, entry->gate_order) : NULL;
    layer->takes = entry->takes;
    enum gru_status status = take_tensors(f, path.text, entry->prefix, number, layer);
    if (status == GRU_OK) {
        status = at_element(f, f->k, gru_layer_find_sizes(layer, f->error));
    }
    if (status == GRU_OK && is_reverse && *entry->initial_state != '\0') {
        const struct network_path state = gru_network_path(f->network, f->k, "initial_state");
        status =
            gru_fail(f->error, GRU_BAD_METADATA, state.text,
                     "'%s': a bidirectional layer begins with zeros, at both ends", state.text);
    }
    return status;
}

static enum gru_status add_recurrent(struct fitting *f)
{
    const struct network_entry *entry = entry_of(f);
    struct recognised_layer *layers = &f->found->layers[f->found->n_layers];
    enum gru_status status = GRU_OK;
    size_t n = 0;
    do {
        status = add_half(f, n, false);
        if (status == GRU_OK && has_number(f, entry->prefix, n, "_reverse")) {
            status = add_half(f, n, true);
        }
        n++;
    } while (status == GRU_OK && has_number(f, entry->prefix, n, ""));
    if (status == GRU_OK) {
        status =
            take_initial(f, "initial_state", entry->initial_state, RECURRENT_INITIAL_H, layers, n);
    }
    if (status == GRU_OK) {
        status =
            take_initial(f, "initial_cell", entry->initial_cell, RECURRENT_INITIAL_C, layers, n);
    }
    return status;
}

/* A variance below zero has no root. */
static enum gru_status check_variance(const struct fitting *f, const struct tensor_view *tensor)
{
    float *values = gru_array_alloc(tensor->n_values, sizeof *values);
    if (!values) {
        return gru_fail_no_memory(f->error);
    }
    enum gru_status status = gru_tensor_values(tensor, values, f->error);
    for (size_t k = 0; status == GRU_OK && k < tensor->n_values; k++) {
        if (values[k] < 0) {
            status = gru_fail(f->error, GRU_BAD_TENSORS, "",
                              "tensor '%s' has the variance %g at [%zu], which is below 0",
                              gru_show(tensor->name).text, (double)values[k], k);
        }
    }
    free(values);
    return at_element(f, f->k, status);
}

/* A layer of `dense`, `layer_norm` or `batch_norm`. */
static enum gru_status add_plain(struct fitting *f)
{
    const struct network_entry *entry = entry_of(f);
    const struct network_path path = gru_network_path(f->network, f->k, "prefix");
    struct recognised_layer *layer = add_layer(f, entry->kind);
    if (!layer) {
        return GRU_BAD_METADATA;
    }
    enum gru_status status = take_tensors(f, path.text, entry->prefix, 0, layer);
    if (status == GRU_OK) {
        status = at_element(f, f->k, gru_layer_find_sizes(layer, f->error));
    }
    if (status == GRU_OK && entry->kind->family == LAYER_BATCH_NORM) {
        status = check_variance(f, layer->tensors[NORM_VARIANCE]);
    }
    return status == GRU_OK ? add_activation(f) : status;
}

static enum gru_status add_head(struct fitting *f, size_t k, struct layer_shape *whole)
{
    const struct network_entry *head = &f->network->heads[k];
    struct recognised_layer layer = { .shape = { .kind = head->kind } };
    char path[PATH_MAX_BYTES], prefix[PATH_MAX_BYTES];
    snprintf(path, sizeof path, "%s[%zu].heads[%zu]", f->network->path, f->k, k);
    snprintf(prefix, sizeof prefix, "%s[%zu].heads[%zu].prefix", f->network->path, f->k, k);
    enum gru_status status = take_tensors(f, prefix, head->prefix, 0, &layer);
    if (status != GRU_OK) {
        return status;
    }
    status = gru_layer_find_sizes(&layer, f->error);
    if (status == GRU_OK) {
        status = gru_layer_check_shapes(&layer, "the rows of its weight", f->error);
    }
    if (status == GRU_OK && k > 0 && layer.shape.n_inputs != whole->n_inputs) {
        status = gru_fail(f->error, GRU_BAD_TENSORS, "",
                          "'%s' takes %zu numbers a row, but the first head %zu", path,
                          layer.shape.n_inputs, whole->n_inputs);
    }
    whole->n_inputs = layer.shape.n_inputs;
    whole->n_units += layer.shape.n_units;
    if (status == GRU_OK && whole->n_units > GRU_WIDTH_MAX) {
        status = gru_fail(f->error, GRU_BAD_TENSORS, "", "the heads have more than %d outputs",
                          (int)GRU_WIDTH_MAX);
    }
    if (status == GRU_BAD_TENSORS && f->error) {
        snprintf(f->error->param, sizeof f->error->param, "%s", path);
    }
    f->found->heads[k] = (struct recognised_head){ .weight = layer.tensors[DENSE_WEIGHT],
                                                   .bias = layer.tensors[DENSE_BIAS] };
    return status;
}

/* One layer, whose rows are those of all heads. */
static enum gru_status add_heads(struct fitting *f)
{
    struct recognised_layer *layer = add_layer(f, entry_of(f)->kind);
    enum gru_status status = layer ? GRU_OK : GRU_BAD_METADATA;
    for (size_t k = 0; status == GRU_OK && k < f->network->n_heads; k++) {
        status = add_head(f, k, &layer->shape);
    }
    f->found->n_heads = f->network->n_heads;
    f->found->activation =
        gru_network_heads_differ(f->network) ? GRU_LINEAR : f->network->heads[0].activation;
    return status;
}

static enum gru_status add_element(struct fitting *f)
{
    if (entry_of(f)->is_heads) {
        return add_heads(f);
    }
    switch (entry_of(f)->kind->family) {
    case LAYER_RECURRENT:
        return add_recurrent(f);
    case LAYER_ACTIVATION:
        return add_activation(f);
    default:
        return add_plain(f);
    }
}

/* ---- sizes ---- */

/* A layer without tensors is as wide as what it gets; at the beginning, as what comes behind it
 * takes. */
static size_t input_width(const struct recognised *found)
{
    size_t l = 0;
    while (found->layers[l].shape.n_units == 0) { /* a recurrent layer has units */
        l++;
    }
    const struct layer_shape *shape = &found->layers[l].shape;
    return shape->n_inputs > 0 ? shape->n_inputs : shape->n_units;
}

static enum gru_status join_layers(const struct fitting *f)
{
    size_t width = input_width(f->found), before = 0; /* of the layer before, of that before it */
    for (size_t l = 0; l < f->found->n_layers; l++) {
        struct recognised_layer *layer = &f->found->layers[l];
        struct layer_shape *shape = &layer->shape;
        const size_t n_other = shape->is_reverse ? width : 0; /* both halves see the same rows */
        width = shape->is_reverse ? before : width;
        shape->n_units = shape->n_units > 0 ? shape->n_units : width;
        shape->n_inputs = shape->n_inputs > 0 ? shape->n_inputs : shape->n_units;
        if (shape->n_inputs != width) {
            const struct network_path path = gru_network_path(f->network, f->elements[l], "");
            return gru_fail(f->error, GRU_BAD_TENSORS, path.text,
                            "'%s' takes %zu numbers a row, but the layer before it gives %zu",
                            path.text, shape->n_inputs, width);
        }
        enum gru_status status =
            gru_layer_check_shapes(layer, "its other tensors say so", f->error);
        if (status != GRU_OK) {
            return at_element(f, f->elements[l], status);
        }
        before = width;
        width = shape->n_units + n_other;
    }
    return GRU_OK;
}

/* ---- the whole ---- */

/* Every tensor belongs to a layer, but for the counter that a batch norm keeps while it learns. */
static enum gru_status check_left_over(const struct fitting *f)
{
    const struct layer_kind *any = gru_layer_kind_row(GRU_LAYER_GRU);
    for (size_t k = 0; k < f->file->n_tensors; k++) {
        const struct tensor_view *tensor = &f->file->tensors[k];
        const struct shown name = gru_show(tensor->name);
        if (f->owners[k] > 0 ||
            gru_name_ends_in(tensor->name, strlen(tensor->name), "num_batches_tracked")) {
            continue;
        }
        enum gru_status status = gru_tensor_name_check(
            gru_tensor_name_parse(any, tensor->name).role, tensor->name, f->error);
        return status != GRU_OK
                   ? status
                   : gru_fail(f->error, GRU_BAD_TENSORS, name.text,
                              "tensor '%s', %s, is left over: no layer of '%s' has taken it",
                              name.text, gru_show_shape(tensor).text, f->network->path);
    }
    return GRU_OK;
}

static enum gru_status fit(struct fitting *f)
{
    enum gru_status status = GRU_OK;
    for (f->k = 0; status == GRU_OK && f->k < f->network->n_entries; f->k++) {
        status = add_element(f);
    }
    if (status == GRU_OK) {
        status = check_left_over(f);
    }
    return status == GRU_OK ? join_layers(f) : status;
}

enum gru_status gru_network_layers(const struct safetensors *file, const struct metadata *metadata,
                                   struct recognised *ret_recognised, struct gru_error *error)
{
    struct recognised found = { .n_layers = 0 };
    struct fitting f = { .file = file,
                         .network = &metadata->network,
                         .found = &found,
                         .owners = calloc(file->n_tensors + 1, 1),
                         .error = error };
    enum gru_status status = f.owners ? fit(&f) : gru_fail_no_memory(error);
    free(f.owners);
    if (status == GRU_OK) {
        *ret_recognised = found;
    }
    return status;
}
