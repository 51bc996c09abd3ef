/* The life of a model: allocated empty, filled by what reads or makes one, finished, shared,
 * freed. */
#include "engine/model.h"
#include "engine/buffer.h"
#include "engine/forward_grid.h"
#include "engine/transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum gru_status gru_model_alloc(struct gru_model **ret_model)
{
    struct gru_model *model = calloc(1, sizeof *model);
    if (!model) {
        return GRU_NO_MEMORY;
    }
    atomic_init(&model->n_refs, 1);
    *ret_model = model;
    return GRU_OK;
}

enum gru_status gru_model_alloc_layers(struct gru_model *model, size_t n_layers)
{
    model->layers = calloc(n_layers, sizeof *model->layers);
    model->info.layers = calloc(n_layers, sizeof *model->info.layers);
    if (!model->layers || !model->info.layers) {
        return GRU_NO_MEMORY;
    }
    model->n_layers = n_layers;
    return GRU_OK;
}

enum gru_status gru_model_alloc_tensor(struct gru_layer *layer, size_t tensor)
{
    size_t n, rows = gru_layer_tensor_rows(&layer->shape, tensor);
    size_t columns = gru_layer_tensor_columns(&layer->shape, tensor);
    if (__builtin_mul_overflow(rows, columns > 0 ? columns : 1, &n)) {
        return GRU_NO_MEMORY;
    }
    float *values = gru_array_alloc(n, sizeof *values);
    layer->tensors[tensor] =
        (struct gru_tensor){ .rows = rows, .columns = columns, .values = values };
    return values ? GRU_OK : GRU_NO_MEMORY;
}

struct gru_model *gru_model_ref(struct gru_model *model)
{
    atomic_fetch_add_explicit(&model->n_refs, 1, memory_order_relaxed);
    return model;
}

void gru_model_unref(struct gru_model *model)
{
    if (!model || atomic_fetch_sub_explicit(&model->n_refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t l = 0; l < model->n_layers; l++) {
        for (size_t k = 0; k < LAYER_TENSORS_MAX; k++) {
            free(model->layers[l].tensors[k].values);
        }
    }
    free(model->layers);
    free(model->transformed);
    free(model->packed);
    free(model->initial_state);
    free(model->selftest.x);
    free(model->selftest.y);
    free((void *)(uintptr_t)model->residuals.of);
    free((void *)(uintptr_t)model->base_residuals.of);
    free(model->info.inputs);
    free(model->info.outputs);
    free(model->info.layers);
    free(model->info.heads);
    free(model);
}

const struct gru_info *gru_model_info(const struct gru_model *model)
{
    return &model->info;
}

const char *gru_model_unread(const struct gru_model *model)
{
    return model->unread;
}

size_t gru_model_n_layers(const struct gru_model *model)
{
    return model->n_layers;
}

struct gru_chain_layer gru_model_layer(const struct gru_model *model, size_t layer)
{
    const struct gru_layer *found = &model->layers[layer];
    const struct layer_shape *shape = &found->shape;
    struct gru_chain_layer about = { .kind = shape->kind->id,
                                     .reset = shape->reset,
                                     .activation = shape->activation,
                                     .eps = shape->eps,
                                     .is_reverse = shape->is_reverse,
                                     .input_size = shape->n_inputs,
                                     .output_size = shape->n_units };
    for (size_t k = 0; k < shape->kind->n_tensors; k++) {
        about.has_first_state =
            about.has_first_state ||
            (shape->kind->tensors[k].is_initial_state && found->tensors[k].values);
    }
    return about;
}

const char *gru_kernels_name(void)
{
    return k_best()->name;
}

/* ---- what follows from the description ---- */

void gru_model_derive_feeds(struct gru_info *info)
{
    info->n_feeds = 0;
    info->n_future = info->n_inputs;
    for (size_t i = 0; i < info->n_inputs; i++) {
        info->inputs[i].feeds = -1;
    }
    for (size_t o = 0; o < info->n_outputs; o++) {
        int fed = info->outputs[o].feeds;
        if (fed >= 0) {
            info->inputs[fed].feeds = (int)o;
            info->n_feeds++;
            info->n_future--;
        }
    }
}

/* What others may know of a recurrent layer. */
static void describe_layer(struct gru_info *info, const struct layer_shape *shape)
{
    info->layers[info->n_layers++] = (struct gru_layer_info){ .kind = shape->kind->id,
                                                              .reset = shape->reset,
                                                              .is_reverse = shape->is_reverse,
                                                              .input_size = shape->n_inputs,
                                                              .hidden_size = shape->n_units };
}

static bool has_wide(const struct gru_variable *variables, size_t n)
{
    bool is_wide = false;
    for (size_t k = 0; k < n; k++) {
        is_wide |= fabs(variables[k].mean) > GRU_WIDE_RATIO * variables[k].std;
    }
    return is_wide;
}

static enum gru_status derive_transformed(struct gru_model *model)
{
    const struct gru_info *info = &model->info;
    model->transformed = gru_array_alloc(info->n_inputs, sizeof *model->transformed);
    if (!model->transformed) {
        return GRU_NO_MEMORY;
    }
    for (size_t i = 0; i < info->n_inputs; i++) {
        if (info->inputs[i].transform.kind != GRU_TRANSFORM_NONE) {
            model->transformed[model->n_transformed++] =
                (struct gru_transformed){ .input = i, .at = model->transform_floats };
            model->transform_floats += gru_transform_floats(&info->inputs[i].transform);
        }
    }
    return GRU_OK;
}

static void derive_counts(struct gru_model *model)
{
    struct gru_info *info = &model->info;
    info->y_floats = info->steps * info->n_outputs;
    info->is_wide = has_wide(info->inputs, info->n_inputs) ||
                    has_wide(info->outputs, info->n_outputs) || model->n_transformed > 0;
    info->state_floats =
        (info->n_inputs + info->y_floats) * gru_reading_floats(info) + model->transform_floats;
    info->n_parameters = info->n_layers = 0;
    for (size_t l = 0; l < model->n_layers; l++) {
        const struct gru_layer *layer = &model->layers[l];
        info->state_floats += layer->shape.kind->n_states * layer->shape.n_units;
        info->n_parameters += gru_layer_parameters(layer);
        if (layer_kind_is_recurrent(layer->shape.kind)) {
            describe_layer(info, &layer->shape);
            info->is_bidirectional = info->is_bidirectional || layer->shape.is_reverse;
            model->n_stepwise = l + 1;
        }
    }
}

/* ---- packing ---- */

/* Where the packed weights lie; without a block, how long it must be. */
static void cut_layers(struct gru_model *model, struct block_cutter *cutter)
{
    for (size_t l = 0; l < model->n_layers; l++) {
        const struct layer_shape *shape = &model->layers[l].shape;
        shape->kind->cut(shape, cutter, &model->layers[l].packed);
    }
}

static void pack_layer(struct gru_layer *layer)
{
    const float *values[LAYER_TENSORS_MAX];
    for (size_t k = 0; k < LAYER_TENSORS_MAX; k++) {
        values[k] = layer->tensors[k].values;
    }
    layer->shape.kind->pack(values, &layer->packed);
}

enum gru_status gru_model_finish(struct gru_model *model)
{
    struct block_cutter count = { 0 };
    gru_model_derive_feeds(&model->info);
    if (derive_transformed(model) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    derive_counts(model);
    if (gru_state_make_initial(model) != GRU_OK || !gru_run_lay_out(model, 1, &model->run)) {
        return GRU_NO_MEMORY;
    }
    cut_layers(model, &count);
    model->packed = block_alloc(&count);
    if (!model->packed) {
        return GRU_NO_MEMORY;
    }
    memset(model->packed, 0, count.n_bytes);
    struct block_cutter cutter = { .block = model->packed };
    cut_layers(model, &cutter);
    for (size_t l = 0; l < model->n_layers; l++) {
        pack_layer(&model->layers[l]);
    }
    return GRU_OK;
}
