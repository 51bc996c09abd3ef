/* See network_write.h. */
#include "engine/file/network_write.h"
#include "engine/layer_dense.h"
#include "engine/layer_recurrent.h"

#include <stdio.h>
#include <string.h>

/* ---- plain ---- */

static bool has_initial_state(const struct gru_layer *layer)
{
    bool has = false;
    for (size_t t = 0; t < layer->shape.kind->n_tensors; t++) {
        has = has || (layer->shape.kind->tensors[t].is_initial_state && layer->tensors[t].values);
    }
    return has;
}

bool gru_network_is_plain(const struct gru_model *model)
{
    const struct layer_shape *first = &model->layers[0].shape;
    const size_t n_cells = model->n_layers - 1;
    bool is_plain = n_cells > 0 && model->info.n_heads == 0 &&
                    gru_model_read_out(model)->shape.kind->family == LAYER_DENSE;
    for (size_t l = 0; l < n_cells; l++) {
        const struct layer_shape *shape = &model->layers[l].shape;
        is_plain = is_plain && layer_kind_is_recurrent(shape->kind) && shape->kind == first->kind &&
                   shape->reset == first->reset && !has_initial_state(&model->layers[l]);
    }
    return is_plain;
}

/* ---- elements ---- */

/* An element of the list: a layer, or the activation at the end alone. A `dense` takes the
 * activation behind it in. */
struct written_element {
    const struct gru_layer *layer; /* NULL: none */
    const struct gru_layer *other; /* its half that reads from the end; NULL: it has none */
    enum gru_activation activation;
    bool is_heads;
};

struct element_walk {
    const struct gru_model *model;
    size_t next;      /* layer */
    bool is_finished; /* what is done to the outputs is written */
};

static bool next_element(struct element_walk *walk, struct written_element *ret_element)
{
    const struct gru_model *model = walk->model;
    struct written_element element = { .activation = GRU_LINEAR };
    const bool is_end = walk->next == model->n_layers;
    if (is_end && (walk->is_finished || model->info.activation == GRU_LINEAR)) {
        return false;
    }
    if (!is_end) {
        element.layer = &model->layers[walk->next++];
        if (gru_layer_halves(model, walk->next - 1) > 1) {
            element.other = &model->layers[walk->next++];
        }
        element.activation = element.layer->shape.activation;
    }
    const struct gru_layer *behind =
        walk->next < model->n_layers ? &model->layers[walk->next] : NULL;
    const bool is_dense = element.layer && element.layer->shape.kind->family == LAYER_DENSE;
    if (is_dense && behind && behind->shape.kind->family == LAYER_ACTIVATION) {
        element.activation = behind->shape.activation;
        walk->next++;
    } else if (is_end || (is_dense && !behind)) {
        element.activation = model->info.activation;
        element.is_heads = model->info.n_heads > 0;
        walk->is_finished = true;
    }
    *ret_element = element;
    return true;
}

/* ---- the list ---- */

/* A key of the element that is being written, after those before it. */
static void put_name(struct file_text *out, const char *key, const char *name)
{
    gru_text_puts(out, ",\"");
    gru_text_puts(out, key);
    gru_text_puts(out, "\":");
    gru_text_put_string(out, name, strlen(name));
}

static void put_activation(struct file_text *out, enum gru_activation activation)
{
    if (activation != GRU_LINEAR) {
        put_name(out, "activation", gru_activation_name(activation));
    }
}

static void put_recurrent(struct file_text *out, const struct gru_layer *layer, size_t place)
{
    static const struct {
        const char *key;
        size_t tensor;
    } initial[] = { { "initial_state", RECURRENT_INITIAL_H },
                    { "initial_cell", RECURRENT_INITIAL_C } };
    if (layer->shape.kind->has_reset && layer->shape.reset != GRU_RESET_AFTER) {
        put_name(out, "reset", gru_reset_name(layer->shape.reset));
    }
    for (size_t k = 0; k < sizeof initial / sizeof *initial; k++) {
        char name[48];
        if (layer->tensors[initial[k].tensor].values) {
            snprintf(name, sizeof name, "layers.%zu.%s", place, initial[k].key);
            put_name(out, initial[k].key, name);
        }
    }
}

static void put_heads(struct file_text *out, const struct gru_info *info, size_t place)
{
    gru_text_puts(out, ",\"heads\":[");
    for (size_t k = 0; k < info->n_heads; k++) {
        char prefix[48];
        snprintf(prefix, sizeof prefix, "layers.%zu.%zu", place, k);
        gru_text_puts(out, k > 0 ? ",{\"prefix\":" : "{\"prefix\":");
        gru_text_put_string(out, prefix, strlen(prefix));
        put_activation(out, info->heads[k].activation);
        gru_text_puts(out, "}");
    }
    gru_text_puts(out, "]");
}

static void put_layer(struct file_text *out, const struct gru_info *info,
                      const struct written_element *element, size_t place)
{
    const struct layer_shape *shape = &element->layer->shape;
    char prefix[32];
    snprintf(prefix, sizeof prefix, "layers.%zu", place);
    if (element->is_heads) {
        put_heads(out, info, place);
        return;
    }
    if (shape->kind->n_tensors > 0) {
        put_name(out, "prefix", prefix);
    }
    if (layer_kind_is_recurrent(shape->kind)) {
        put_recurrent(out, element->layer, place);
    }
    if (shape->eps > 0) {
        gru_text_puts(out, ",\"eps\":");
        gru_text_put_float(out, shape->eps);
    }
    put_activation(out, element->activation);
}

void gru_network_write(const struct gru_model *model, struct file_text *out)
{
    struct element_walk walk = { .model = model };
    struct written_element element;
    gru_text_puts(out, "[");
    for (size_t place = 0; next_element(&walk, &element); place++) {
        const char *type = element.is_heads ? "heads"
                           : element.layer  ? gru_layer_kind_name(element.layer->shape.kind->id)
                                            : gru_layer_kind_name(GRU_LAYER_ACTIVATION);
        gru_text_puts(out, place > 0 ? ",{\"type\":" : "{\"type\":");
        gru_text_put_string(out, type, strlen(type));
        if (element.layer) {
            put_layer(out, &model->info, &element, place);
        } else {
            put_activation(out, element.activation);
        }
        gru_text_puts(out, "}");
    }
    gru_text_puts(out, "]");
}

/* ---- tensors ---- */

size_t gru_network_tensors_max(const struct gru_model *model)
{
    return model->n_layers * LAYER_TENSORS_MAX + model->info.n_heads * LAYER_TENSORS_MAX;
}

/* A layer's tensors; the names of those with a number get it. */
static size_t list_layer(const struct gru_layer *layer, const char *prefix, size_t number,
                         struct tensor_out *list)
{
    const struct layer_kind *kind = layer->shape.kind;
    size_t n = 0;
    for (size_t t = 0; t < kind->n_tensors; t++) {
        const struct gru_tensor *tensor = &layer->tensors[t];
        if (!tensor->values) {
            continue;
        }
        struct tensor_out *out = &list[n++];
        *out = (struct tensor_out){ .rows = tensor->rows,
                                    .columns = tensor->columns,
                                    .values = tensor->values };
        if (kind->tensors[t].is_initial_state) {
            snprintf(out->name, sizeof out->name, "%s%.*s", prefix,
                     (int)(strlen(kind->tensors[t].name) - strlen("_l")), kind->tensors[t].name);
        } else {
            snprintf(out->name, sizeof out->name, kind->is_numbered ? "%s%s%zu%s" : "%s%s", prefix,
                     kind->tensors[t].name, number, layer->shape.is_reverse ? "_reverse" : "");
        }
    }
    return n;
}

/* The rows of each head of the read-out. */
static size_t list_heads(const struct gru_model *model, size_t place, struct tensor_out *list)
{
    const struct gru_tensor *tensors = gru_model_read_out(model)->tensors;
    const float *weight = tensors[DENSE_WEIGHT].values, *bias = tensors[DENSE_BIAS].values;
    size_t n = 0;
    for (size_t k = 0; k < model->info.n_heads; k++) {
        const size_t rows = model->info.heads[k].n_outputs, columns = tensors[DENSE_WEIGHT].columns;
        list[n] = (struct tensor_out){ .rows = rows, .columns = columns, .values = weight };
        snprintf(list[n].name, sizeof list[n].name, "layers.%zu.%zu.weight", place, k);
        n++;
        weight += rows * columns;
        if (bias) {
            list[n] = (struct tensor_out){ .rows = rows, .values = bias };
            snprintf(list[n].name, sizeof list[n].name, "layers.%zu.%zu.bias", place, k);
            n++;
            bias += rows;
        }
    }
    return n;
}

size_t gru_network_list(const struct gru_model *model, struct tensor_out *list)
{
    size_t n = 0, number = 0;
    for (size_t l = 0; gru_network_is_plain(model) && l < model->n_layers; l++) {
        const struct layer_shape *shape = &model->layers[l].shape;
        number += l > 0 && !shape->is_reverse ? 1 : 0;
        n += list_layer(&model->layers[l], shape->kind->saved_prefix, number, list + n);
    }
    struct element_walk walk = { .model = model };
    struct written_element element;
    for (size_t place = 0; !gru_network_is_plain(model) && next_element(&walk, &element); place++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "layers.%zu.", place);
        if (element.is_heads) {
            n += list_heads(model, place, list + n);
        } else if (element.layer) {
            n += list_layer(element.layer, prefix, 0, list + n);
            n += element.other ? list_layer(element.other, prefix, 0, list + n) : 0;
        }
    }
    return n;
}
