/* See model_copy.h. */
#include "engine/train/model_copy.h"

#include <stdlib.h>
#include <string.h>

/* Of no bytes, `from` may be NULL. */
static void *copy(const void *from, size_t n_bytes)
{
    void *to = malloc(n_bytes > 0 ? n_bytes : 1);
    if (to && n_bytes > 0) {
        memcpy(to, from, n_bytes);
    }
    return to;
}

static bool copy_tensor(const struct gru_layer *from, size_t k, struct gru_layer *to)
{
    const struct gru_tensor *tensor = &from->tensors[k];
    if (tensor->values) {
        if (gru_model_alloc_tensor(to, k) != GRU_OK) {
            return false;
        }
        memcpy(to->tensors[k].values, tensor->values, gru_tensor_floats(tensor) * sizeof(float));
    }
    return true;
}

static bool copy_layers(const struct gru_model *from, struct gru_model *to)
{
    bool done = gru_model_alloc_layers(to, from->n_layers) == GRU_OK;
    for (size_t l = 0; done && l < from->n_layers; l++) {
        to->layers[l].shape = from->layers[l].shape;
        for (size_t k = 0; done && k < from->layers[l].shape.kind->n_tensors; k++) {
            done = copy_tensor(&from->layers[l], k, &to->layers[l]);
        }
    }
    return done;
}

static bool copy_description(const struct gru_info *from, struct gru_info *to)
{
    *to = *from;
    to->layers = NULL; /* made with the layers */
    to->heads = copy(from->heads, from->n_heads * sizeof *from->heads);
    to->inputs = copy(from->inputs, from->n_inputs * sizeof *from->inputs);
    to->outputs = copy(from->outputs, from->n_outputs * sizeof *from->outputs);
    return to->heads && to->inputs && to->outputs;
}

enum gru_status gru_model_copy(const struct gru_model *from, struct gru_model **ret_model)
{
    struct gru_model *model;
    if (gru_model_alloc(&model) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    if (!copy_description(&from->info, &model->info) || !copy_layers(from, model)) {
        gru_model_unref(model);
        return GRU_NO_MEMORY;
    }
    *ret_model = model;
    return GRU_OK;
}

bool gru_model_copy_bytes(const struct gru_model *model, size_t *ret_n_bytes)
{
    struct block_cutter count = { 0 };
    for (size_t l = 0; l < model->n_layers; l++) {
        const struct gru_layer *layer = &model->layers[l];
        union layer_packed packed;
        layer->shape.kind->cut(&layer->shape, &count, &packed);
        for (size_t k = 0; k < layer->shape.kind->n_tensors; k++) {
            block_take_floats(&count, gru_tensor_floats(&layer->tensors[k]), 1);
        }
    }
    *ret_n_bytes = count.n_bytes;
    return !count.is_too_large;
}
