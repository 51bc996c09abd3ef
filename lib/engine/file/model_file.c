/*
 * model_file.c - a model from a safetensors file and back: gru_model_load and gru_model_save.
 *
 * Loading has four steps: safetensors.c checks the container, metadata.c the description,
 * recognise.c, or for a `network` network_layers.c, says which tensor is what, and here the weights
 * are brought into their canonical form (gate order rzn, update keep), which is all that the rest
 * of the library knows.
 */
#include "engine/fail.h"
#include "engine/file/diagnosis.h"
#include "engine/file/metadata.h"
#include "engine/file/network_layers.h"
#include "engine/file/network_write.h"
#include "engine/file/recognise.h"
#include "engine/file/residual_text.h"
#include "engine/file/safetensors.h"
#include "engine/layer_dense.h"
#include "engine/selftest.h"

#include <stdlib.h>
#include <string.h>

/* ---- loading ---- */

static enum gru_status load_layer(struct gru_layer *layer, const struct recognised_layer *found,
                                  struct gru_error *error)
{
    layer->shape = found->shape;
    for (size_t k = 0; k < found->shape.kind->n_tensors; k++) {
        if (!found->tensors[k]) {
            continue;
        }
        if (gru_model_alloc_tensor(layer, k) != GRU_OK) {
            return gru_fail_no_memory(error);
        }
        float *values = layer->tensors[k].values;
        struct tensor_view tensor = *found->tensors[k];
        if (found->shape.kind->tensors[k].is_initial_state) {
            tensor = gru_tensor_part(&tensor, found->initial_at, found->shape.n_units);
        }
        enum gru_status status = gru_tensor_values(&tensor, values, error);
        if (status != GRU_OK) {
            return status;
        }
        if (found->shape.kind->tensors[k].rows == EXTENT_GATES) {
            gru_layer_kind_normalise(found->shape.kind, found->gate_order, found->takes, values,
                                     tensor.n_values);
        }
    }
    return GRU_OK;
}

/* The rows of the heads, one below the other. */
static enum gru_status load_heads(struct gru_layer *layer, const struct recognised *found,
                                  struct gru_error *error)
{
    layer->shape = found->layers[found->n_layers - 1].shape;
    if (gru_model_alloc_tensor(layer, DENSE_WEIGHT) != GRU_OK ||
        gru_model_alloc_tensor(layer, DENSE_BIAS) != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    float *weight = layer->tensors[DENSE_WEIGHT].values, *bias = layer->tensors[DENSE_BIAS].values;
    enum gru_status status = GRU_OK;
    for (size_t k = 0; status == GRU_OK && k < found->n_heads; k++) {
        const struct recognised_head *head = &found->heads[k];
        const size_t n_rows = head->weight->dims[0];
        memset(bias, 0, n_rows * sizeof *bias);
        status = gru_tensor_values(head->weight, weight, error);
        if (status == GRU_OK && head->bias) {
            status = gru_tensor_values(head->bias, bias, error);
        }
        weight += head->weight->n_values;
        bias += n_rows;
    }
    return status;
}

static enum gru_status load_weights(struct gru_model *model, const struct recognised *found,
                                    struct gru_error *error)
{
    if (gru_model_alloc_layers(model, found->n_layers) != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    const size_t n_whole = found->n_layers - (found->n_heads > 0);
    enum gru_status status = GRU_OK;
    for (size_t l = 0; status == GRU_OK && l < n_whole; l++) {
        status = load_layer(&model->layers[l], &found->layers[l], error);
    }
    if (status == GRU_OK && found->n_heads > 0) {
        status = load_heads(&model->layers[n_whole], found, error);
    }
    return status;
}

/* What is done to the outputs. */
static enum gru_status describe_outputs(const struct recognised *found,
                                        const struct network_entries *network,
                                        struct gru_info *info, struct gru_error *error)
{
    info->activation = found->activation;
    if (!gru_network_heads_differ(network)) {
        return GRU_OK;
    }
    if (info->steps > 1) {
        return gru_fail(error, GRU_BAD_METADATA, "grud.steps",
                        "'grud.steps' is %zu, but heads of several activations forecast one step",
                        info->steps);
    }
    info->heads = gru_array_alloc(found->n_heads, sizeof *info->heads);
    if (!info->heads) {
        return gru_fail_no_memory(error);
    }
    info->n_heads = found->n_heads;
    for (size_t k = 0; k < found->n_heads; k++) {
        info->heads[k] = (struct gru_head){ .activation = network->heads[k].activation,
                                            .n_outputs = found->heads[k].weight->dims[0] };
    }
    return GRU_OK;
}

/* Makes the model of checked parts, and runs its selftest. */
static enum gru_status build(const struct safetensors *file, const struct recognised *found,
                             struct metadata *metadata, struct gru_model **ret_model,
                             struct gru_error *error)
{
    struct gru_model *model;
    if (gru_model_alloc(&model) != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    enum gru_status status = gru_metadata_apply(metadata, found->layers[0].shape.n_inputs,
                                                gru_recognised_width(found), model, error);
    if (status == GRU_OK) {
        status = describe_outputs(found, &metadata->network, &model->info, error);
    }
    if (status == GRU_OK) {
        status = load_weights(model, found, error);
    }
    if (status == GRU_OK && gru_model_finish(model) != GRU_OK) {
        status = gru_fail_no_memory(error);
    }
    if (status == GRU_OK) {
        status = gru_selftest_run(model, error);
    }
    if (status == GRU_OK && file->residuals) {
        status = gru_residual_text_read(file->residuals, false, model, error);
    }
    if (status == GRU_OK && file->base_residuals) {
        status = gru_residual_text_read(file->base_residuals, true, model, error);
    }
    if (status != GRU_OK) {
        gru_model_unref(model);
        return status;
    }
    memcpy(model->unread, file->unread, sizeof file->unread);
    *ret_model = model;
    return GRU_OK;
}

/* By the metadata's list of layers, or by the tensors' names. */
static enum gru_status recognise(const struct safetensors *file, struct metadata *metadata,
                                 struct recognised *ret_found, struct gru_error *error)
{
    const bool has_network = metadata->network.n_entries > 0;
    metadata->cell = gru_recognise_cell(file, metadata);
    enum gru_status status = has_network ? gru_network_layers(file, metadata, ret_found, error)
                                         : gru_recognise(file, metadata, ret_found, error);
    return gru_diagnose(file, has_network, status, error);
}

enum gru_status gru_model_load(const void *bytes, size_t n_bytes, struct gru_model **ret_model,
                               struct gru_error *error)
{
    struct safetensors file = { 0 };
    struct metadata metadata = { 0 };
    struct recognised found;
    enum gru_status status = gru_safetensors_read(bytes, n_bytes, &file, error);
    if (status == GRU_BAD_FILE && gru_foreign_text(bytes, n_bytes)) {
        status = gru_fail(error, GRU_BAD_FILE, "", "the file %s", gru_foreign_text(bytes, n_bytes));
    }
    if (status == GRU_OK) {
        status = gru_metadata_read(file.grud, &metadata, error);
    }
    if (status == GRU_OK) {
        status = recognise(&file, &metadata, &found, error);
    }
    if (status == GRU_OK) {
        status = build(&file, &found, &metadata, ret_model, error);
    }
    gru_metadata_done(&metadata);
    gru_safetensors_done(&file);
    return status;
}

/* ---- saving ---- */

enum gru_status gru_model_save(const struct gru_model *model, void **ret_bytes, size_t *ret_n_bytes)
{
    struct tensor_out *list = gru_array_alloc(gru_network_tensors_max(model), sizeof *list);
    struct file_text grud = { 0 }, residuals = { 0 }, base = { 0 };
    enum gru_status status = GRU_NO_MEMORY;
    gru_metadata_write(model, &grud);
    if (gru_model_residuals(model)) {
        gru_residual_text_write(gru_model_residuals(model), NULL, &residuals);
    }
    if (gru_model_base_residuals(model)) {
        gru_residual_text_write(gru_model_base_residuals(model), gru_model_base(model), &base);
    }
    if (list && !grud.failed && !residuals.failed && !base.failed) {
        bool is_empty = grud.n == strlen("{}");
        const struct metadata_out metadata[METADATA_OUT_MAX] = {
            { "grud", is_empty ? NULL : grud.p, grud.n },
            { "grud_residuals", residuals.p, residuals.n },
            { "grud_base_residuals", base.p, base.n },
        };
        status = gru_safetensors_write(list, gru_network_list(model, list), metadata, ret_bytes,
                                       ret_n_bytes);
    }
    free(list);
    gru_text_done(&grud);
    gru_text_done(&residuals);
    gru_text_done(&base);
    return status;
}
