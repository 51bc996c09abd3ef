/*
 * model_file.c - a model from a safetensors file and back: gru_model_load and gru_model_save.
 *
 * Loading has four steps: safetensors.c checks the container, metadata.c the description,
 * recognise.c says which tensor is what, and here the weights are brought into their canonical form
 * (gate order rzn, update keep), which is all that the rest of the library knows.
 */
#include "engine/fail.h"
#include "engine/file/metadata.h"
#include "engine/file/recognise.h"
#include "engine/file/residual_text.h"
#include "engine/file/safetensors.h"
#include "engine/selftest.h"

#include <stdio.h>
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
        enum gru_status status = gru_tensor_values(found->tensors[k], values, error);
        if (status != GRU_OK) {
            return status;
        }
        if (found->shape.kind->tensors[k].rows == EXTENT_GATES) {
            gru_layer_kind_normalise(found->shape.kind, found->gate_order, found->takes, values,
                                     found->tensors[k]->n_values);
        }
    }
    return GRU_OK;
}

static enum gru_status load_weights(struct gru_model *model, const struct recognised *found,
                                    struct gru_error *error)
{
    if (gru_model_alloc_layers(model, found->n_layers) != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    enum gru_status status = GRU_OK;
    for (size_t l = 0; status == GRU_OK && l < found->n_layers; l++) {
        status = load_layer(&model->layers[l], &found->layers[l], error);
    }
    return status;
}

/* Makes the model of checked parts, and runs its selftest. */
static enum gru_status build(const struct safetensors *file, struct recognised *found,
                             struct metadata *metadata, struct gru_model **ret_model,
                             struct gru_error *error)
{
    struct gru_model *model;
    if (gru_model_alloc(&model) != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    enum gru_status status =
        gru_metadata_apply(metadata, found->layers[0].shape.n_inputs,
                           gru_recognised_read_out(found)->shape.n_units, model, error);
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
        metadata.cell = gru_recognise_cell(&file, &metadata);
        status = gru_recognise(&file, &metadata, &found, error);
    }
    if (status == GRU_OK) {
        status = build(&file, &found, &metadata, ret_model, error);
    }
    gru_metadata_done(&metadata);
    gru_safetensors_done(&file);
    return status;
}

/* ---- saving ---- */

enum { TENSORS_MAX = LAYER_CHAIN_MAX * LAYER_TENSORS_MAX };

/* The model's tensors under the names that they have in every file of ours. */
static size_t list_tensors(const struct gru_model *model, struct tensor_out list[TENSORS_MAX])
{
    size_t n = 0;
    for (size_t l = 0; l < model->n_layers; l++) {
        const struct gru_layer *layer = &model->layers[l];
        const struct layer_kind *kind = layer->shape.kind;
        char number[24] = "";
        if (kind->is_numbered) {
            snprintf(number, sizeof number, "%zu", l);
        }
        for (size_t k = 0; k < kind->n_tensors; k++) {
            const struct gru_tensor *tensor = &layer->tensors[k];
            if (!tensor->values) {
                continue;
            }
            struct tensor_out *out = &list[n++];
            snprintf(out->name, sizeof out->name, "%s%s%s", kind->saved_prefix,
                     kind->tensors[k].name, number);
            out->rows = tensor->rows;
            out->columns = tensor->columns;
            out->values = tensor->values;
        }
    }
    return n;
}

enum gru_status gru_model_save(const struct gru_model *model, void **ret_bytes, size_t *ret_n_bytes)
{
    struct tensor_out list[TENSORS_MAX];
    struct file_text grud = { 0 }, residuals = { 0 }, base = { 0 };
    enum gru_status status = GRU_NO_MEMORY;
    gru_metadata_write(model, &grud);
    if (gru_model_residuals(model)) {
        gru_residual_text_write(gru_model_residuals(model), NULL, &residuals);
    }
    if (gru_model_base_residuals(model)) {
        gru_residual_text_write(gru_model_base_residuals(model), gru_model_base(model), &base);
    }
    if (!grud.failed && !residuals.failed && !base.failed) {
        bool is_empty = grud.n == strlen("{}");
        const struct metadata_out metadata[METADATA_OUT_MAX] = {
            { "grud", is_empty ? NULL : grud.p, grud.n },
            { "grud_residuals", residuals.p, residuals.n },
            { "grud_base_residuals", base.p, base.n },
        };
        status = gru_safetensors_write(list, list_tensors(model, list), metadata, ret_bytes,
                                       ret_n_bytes);
    }
    gru_text_done(&grud);
    gru_text_done(&residuals);
    gru_text_done(&base);
    return status;
}
