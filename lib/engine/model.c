/* The life of a model: allocated empty, filled by whoever reads or makes one, finished, shared,
 * freed. */
#include "engine/model.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

size_t gru_cell_gates(enum gru_cell cell)
{
    return k_n_gates(gru_kernel_cell(cell, GRU_RESET_AFTER));
}

enum k_cell gru_kernel_cell(enum gru_cell cell, enum gru_reset reset)
{
    switch (cell) {
    case GRU_CELL_OUTPUT_GATE:
        return reset == GRU_RESET_AFTER ? K_OUTPUT_GATE_AFTER : K_OUTPUT_GATE_BEFORE;
    case GRU_CELL_THREE_GATE:
        return K_THREE_GATE;
    case GRU_CELL_GRU:
        break;
    }
    return reset == GRU_RESET_AFTER ? K_GRU_AFTER : K_GRU_BEFORE;
}

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
    for (size_t l = 0; model->layers && l < model->info.n_layers; l++) {
        for (int k = 0; k < GRU_N_LAYER_TENSORS; k++) {
            free(model->layers[l].tensors[k].values);
        }
    }
    free(model->layers);
    free(model->head_weight.values);
    free(model->head_bias.values);
    free(model->packed);
    free(model->selftest.x);
    free(model->selftest.y);
    free(model->info.inputs);
    free(model->info.outputs);
    free(model->info.layers);
    free(model);
}

const struct gru_info *gru_model_info(const struct gru_model *model)
{
    return &model->info;
}

const char *gru_kernels_name(void)
{
    return k_best()->name;
}

/* ---- what follows from the description ---- */

static void derive_feeds(struct gru_info *info)
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

static void derive_counts(struct gru_model *model)
{
    struct gru_info *info = &model->info;
    info->y_floats = info->steps * info->n_outputs;
    info->state_floats = info->n_inputs + info->y_floats;
    info->n_parameters =
        gru_tensor_floats(&model->head_weight) + gru_tensor_floats(&model->head_bias);
    for (size_t l = 0; l < info->n_layers; l++) {
        info->state_floats += gru_state_layer_floats(model, l);
        for (int k = 0; k < GRU_N_LAYER_TENSORS; k++) {
            info->n_parameters += gru_tensor_floats(&model->layers[l].tensors[k]);
        }
    }
}

/* ---- packing ---- */

/* One block holds every packed array, each at a multiple of the alignment. */
static size_t aligned(size_t n_floats)
{
    size_t unit = ALIGNMENT / sizeof(float);
    return (n_floats + unit - 1) / unit * unit;
}

static size_t layer_packed_floats(const struct gru_model *model, size_t l)
{
    size_t n = gru_cell_gates(model->info.cell) * k_padded(model->info.layers[l].hidden_size);
    return aligned(k_packed_floats(n, model->info.layers[l].input_size)) +
           aligned(k_packed_floats(n, model->info.layers[l].hidden_size)) + aligned(n) +
           aligned(k_padded(model->info.layers[l].hidden_size));
}

static float *take(float **cursor, size_t n_floats)
{
    float *piece = *cursor;
    *cursor += aligned(n_floats);
    return piece;
}

static void pack_layer(struct gru_model *model, size_t l, float **cursor)
{
    struct gru_layer *layer = &model->layers[l];
    struct k_layer *packed = &layer->packed;
    size_t h = model->info.layers[l].hidden_size;
    size_t i = model->info.layers[l].input_size;
    packed->cell = gru_kernel_cell(model->info.cell, model->info.reset);
    packed->h = h;
    packed->i = i;
    size_t n_gates = k_n_gates(packed->cell);
    size_t n = n_gates * k_padded(h);
    packed->wx = (struct k_matrix){ .n = n, .k = i, .packed = take(cursor, k_packed_floats(n, i)) };
    packed->uh = (struct k_matrix){ .n = n, .k = h, .packed = take(cursor, k_packed_floats(n, h)) };
    k_pack_gates(layer->tensors[GRU_TENSOR_WEIGHT_IH].values, n_gates, h, i, packed->wx.packed);
    k_pack_gates(layer->tensors[GRU_TENSOR_WEIGHT_HH].values, n_gates, h, h, packed->uh.packed);
    float *bias_x = take(cursor, n);
    float *bias_n = take(cursor, k_padded(h));
    k_pack_biases(packed->cell, h, layer->tensors[GRU_TENSOR_BIAS_IH].values,
                  layer->tensors[GRU_TENSOR_BIAS_HH].values, bias_x, bias_n);
    packed->bias_x = bias_x;
    packed->bias_n = bias_n;
}

static void pack_head(struct gru_model *model, float **cursor)
{
    size_t n = model->head_weight.rows;
    size_t k = model->head_weight.columns;
    model->head =
        (struct k_matrix){ .n = n, .k = k, .packed = take(cursor, k_packed_floats(n, k)) };
    k_pack(model->head_weight.values, n, k, model->head.packed);
    float *bias = take(cursor, k_padded(n));
    if (model->head_bias.values) {
        memcpy(bias, model->head_bias.values, n * sizeof *bias);
    }
    model->head_bias_padded = bias;
}

enum gru_status gru_model_finish(struct gru_model *model)
{
    derive_feeds(&model->info);
    derive_counts(model);
    size_t n_head = model->head_weight.rows;
    size_t n_floats =
        aligned(k_packed_floats(n_head, model->head_weight.columns)) + aligned(k_padded(n_head));
    for (size_t l = 0; l < model->info.n_layers; l++) {
        n_floats += layer_packed_floats(model, l);
    }
    model->packed = aligned_alloc(ALIGNMENT, n_floats * sizeof *model->packed);
    if (!model->packed) {
        return GRU_NO_MEMORY;
    }
    memset(model->packed, 0, n_floats * sizeof *model->packed);
    float *cursor = model->packed;
    for (size_t l = 0; l < model->info.n_layers; l++) {
        pack_layer(model, l, &cursor);
    }
    pack_head(model, &cursor);
    return GRU_OK;
}
