/*
 * model_file.c - a model from a safetensors file and back: gru_model_load and gru_model_save.
 *
 * Loading goes through four hands: safetensors.c checks the container, metadata.c the description,
 * recognise.c says which tensor is what, and here the weights are brought into their canonical form
 * (gate order rzn, update keep), which is all that the rest of the library knows.
 */
#include "engine/file/model_file.h"
#include "engine/file/metadata.h"
#include "engine/file/recognise.h"
#include "engine/file/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- canonical form ---- */

static void swap_floats(float *a, float *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        float kept = a[k];
        a[k] = b[k];
        b[k] = kept;
    }
}

/* Rows zr.. become rz..; then, for `take`, the z rows change their sign: sigma(-a) = 1 - sigma(a),
 * so that (1 - z) h + z n becomes (1 - z) n + z h. n floats to a gate. */
static void normalise(const struct metadata *metadata, float *values, size_t n)
{
    if (metadata->z_first) {
        swap_floats(values, values + n, n);
    }
    for (size_t k = n; metadata->take && k < 2 * n; k++) {
        values[k] = -values[k];
    }
}

/* ---- loading ---- */

static enum gru_status load_tensor(const struct tensor_view *view, struct gru_tensor *tensor,
                                   struct gru_error *error)
{
    tensor->rows = view->dims[0];
    tensor->columns = view->n_dims == 2 ? view->dims[1] : 0;
    tensor->values = gru_array_alloc(view->n_values, sizeof *tensor->values);
    return tensor->values ? gru_tensor_values(view, tensor->values, error)
                          : gru_fail_no_memory(error);
}

enum gru_status gru_model_alloc_layers(struct gru_model *model, size_t n_layers)
{
    model->layers = calloc(n_layers, sizeof *model->layers);
    model->info.layers = calloc(n_layers, sizeof *model->info.layers);
    if (!model->layers || !model->info.layers) {
        return GRU_NO_MEMORY;
    }
    model->info.n_layers = n_layers;
    return GRU_OK;
}

static enum gru_status load_layer(struct gru_model *model, size_t l,
                                  const struct recognised_layer *found,
                                  const struct metadata *metadata, struct gru_error *error)
{
    model->info.layers[l].input_size = found->input_size;
    model->info.layers[l].hidden_size = found->hidden_size;
    for (int k = 0; k < GRU_N_LAYER_TENSORS; k++) {
        struct gru_tensor *tensor = &model->layers[l].tensors[k];
        if (!found->tensors[k]) {
            continue;
        }
        enum gru_status status = load_tensor(found->tensors[k], tensor, error);
        if (status != GRU_OK) {
            return status;
        }
        normalise(metadata, tensor->values,
                  found->tensors[k]->n_values / gru_cell_gates(metadata->cell));
    }
    return GRU_OK;
}

static enum gru_status load_weights(struct gru_model *model, const struct recognised *found,
                                    const struct metadata *metadata, struct gru_error *error)
{
    enum gru_status status = gru_model_alloc_layers(model, found->n_layers);
    if (status != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    for (size_t l = 0; status == GRU_OK && l < found->n_layers; l++) {
        status = load_layer(model, l, &found->layers[l], metadata, error);
    }
    if (status == GRU_OK) {
        status = load_tensor(found->head_weight, &model->head_weight, error);
    }
    if (status == GRU_OK && found->head_bias) {
        status = load_tensor(found->head_bias, &model->head_bias, error);
    }
    return status;
}

/* From checked parts to a model that has shown that it works. */
static enum gru_status build(const struct recognised *found, struct metadata *metadata,
                             struct gru_model **ret_model, struct gru_error *error)
{
    struct gru_model *model;
    if (gru_model_alloc(&model) != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    enum gru_status status = gru_metadata_apply(metadata, found->layers[0].input_size,
                                                found->head_weight->dims[0], model, error);
    if (status == GRU_OK) {
        status = load_weights(model, found, metadata, error);
    }
    if (status == GRU_OK && gru_model_finish(model) != GRU_OK) {
        status = gru_fail_no_memory(error);
    }
    if (status == GRU_OK) {
        status = gru_selftest_run(model, error);
    }
    if (status != GRU_OK) {
        gru_model_unref(model);
        return status;
    }
    *ret_model = model;
    return GRU_OK;
}

enum gru_status gru_model_load(const void *bytes, size_t n_bytes, struct gru_model **ret_model,
                               struct gru_error *error)
{
    struct safetensors file = { 0 };
    struct metadata metadata = { 0 };
    struct recognised found;
    enum gru_status status = gru_safetensors_read(bytes, n_bytes, &file, error);
    if (status == GRU_OK) {
        status = gru_metadata_read(file.grud, &metadata, error);
    }
    if (status == GRU_OK) {
        status = gru_recognise(&file, &metadata, &found, error);
    }
    if (status == GRU_OK) {
        status = build(&found, &metadata, ret_model, error);
    }
    gru_metadata_done(&metadata);
    gru_safetensors_done(&file);
    return status;
}

/* ---- saving ---- */

enum { TENSORS_MAX = GRU_LAYERS_MAX * GRU_N_LAYER_TENSORS + 2 };

static void list_tensor(struct tensor_out *list, size_t *n, const char *name,
                        const struct gru_tensor *tensor)
{
    if (tensor->values) {
        struct tensor_out *out = &list[(*n)++];
        snprintf(out->name, sizeof out->name, "%s", name);
        out->rows = tensor->rows;
        out->columns = tensor->columns;
        out->values = tensor->values;
    }
}

/* The model's tensors under the names that they have in every file of ours. */
static size_t list_tensors(const struct gru_model *model, struct tensor_out list[TENSORS_MAX])
{
    size_t n = 0;
    for (size_t l = 0; l < model->info.n_layers; l++) {
        for (int k = 0; k < GRU_N_LAYER_TENSORS; k++) {
            char name[sizeof list->name];
            snprintf(name, sizeof name, "gru.%s%zu", gru_layer_tensor_names[k], l);
            list_tensor(list, &n, name, &model->layers[l].tensors[k]);
        }
    }
    list_tensor(list, &n, "head.weight", &model->head_weight);
    list_tensor(list, &n, "head.bias", &model->head_bias);
    return n;
}

enum gru_status gru_model_save(const struct gru_model *model, void **ret_bytes, size_t *ret_n_bytes)
{
    struct tensor_out list[TENSORS_MAX];
    struct file_text metadata = { 0 };
    enum gru_status status = GRU_NO_MEMORY;
    gru_metadata_write(model, &metadata);
    if (!metadata.failed) {
        bool empty = metadata.n == strlen("{}");
        status = gru_safetensors_write(list, list_tensors(model, list), empty ? NULL : metadata.p,
                                       metadata.n, ret_bytes, ret_n_bytes);
    }
    gru_text_done(&metadata);
    return status;
}
