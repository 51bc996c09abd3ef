/* backprop.c - makes and packs what is trained, and turns it into a model. */
#include "engine/train/backprop_layer.h"
#include "engine/train/model_copy.h"

#include <stdlib.h>
#include <string.h>

static const struct backprop_family *const families[LAYER_N_FAMILIES] = {
    [LAYER_RECURRENT] = &backprop_recurrent_family,
    [LAYER_DENSE] = &backprop_dense_family,
    [LAYER_NORM] = &backprop_norm_family,
    [LAYER_BATCH_NORM] = &backprop_batch_norm_family,
    [LAYER_ACTIVATION] = &backprop_activation_family,
};

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ---- what is trained ---- */

static size_t count_parameters(const struct gru_model *model, size_t first_layer)
{
    size_t n = 0;
    for (size_t l = first_layer; l < model->n_layers; l++) {
        n += gru_layer_parameters(&model->layers[l]);
    }
    return n;
}

/* The first layer that has anything to train. */
static size_t first_trained(const struct gru_model *model, bool head_only)
{
    size_t l = head_only ? model->n_stepwise : 0;
    if (count_parameters(model, l) == 0) { /* nothing is behind the last recurrent layer */
        l--;
    }
    while (gru_layer_parameters(&model->layers[l]) == 0) {
        l++;
    }
    return l;
}

size_t gru_backprop_n_trained(const struct gru_model *model, bool head_only)
{
    return count_parameters(model, first_trained(model, head_only));
}

/* ---- what there is ---- */

/* Where a layer's parameters stand in the vector; nowhere if no gradient by them is wanted. */
static void place_parameters(struct backprop *bp, struct backprop_layer *layer)
{
    const struct layer_kind *kind = layer->shape->kind;
    for (size_t k = 0; k < LAYER_TENSORS_MAX; k++) {
        const bool is_one =
            !bp->options.input_only && layer->tensors[k].values && !kind->tensors[k].is_statistic;
        layer->offsets[k] = is_one ? bp->n_parameters : SIZE_MAX;
        bp->n_parameters += is_one ? gru_tensor_floats(&layer->tensors[k]) : 0;
    }
}

static void describe_layer(struct backprop *bp, size_t l, size_t first)
{
    const struct gru_layer *of_model = &bp->model->layers[l];
    const bool is_last = l + 1 == bp->n_layers;
    struct backprop_layer *layer = &bp->layers[l];
    layer->shape = &of_model->shape;
    layer->tensors = of_model->tensors;
    layer->family = families[layer->shape->kind->family];
    layer->hp = k_padded(layer->shape->n_units);
    layer->is_trained = l >= first;
    layer->passes_back = l > first || bp->options.passes_to_input;
    /* The last layer's rows are handed on at once; what a trained layer saw must be there. */
    layer->holds_chunk = layer->is_trained ? is_last && !layer->family->keeps_rows : l + 1 < first;
    layer->n_rows = layer->holds_chunk ? bp->chunk_rows : bp->options.rows_max;
    layer->may_drop =
        bp->options.dropout > 0 && !is_last && layer_kind_is_recurrent(layer->shape->kind);
    place_parameters(bp, layer);
    if (layer_kind_is_recurrent(layer->shape->kind)) {
        layer->at_state = bp->n_states;
        bp->n_states += layer->shape->kind->n_states * layer->shape->n_units;
    }
    if (layer->family->describe) {
        layer->family->describe(layer);
    }
}

static void describe(struct backprop *bp, const struct gru_model *model,
                     const struct backprop_options *options)
{
    *bp = (struct backprop){
        .model = model,
        .ops = k_best(),
        .options = *options,
        .n_layers = model->n_layers,
        .chunk_rows = max_size(BACKPROP_CHUNK_ROWS, options->lanes_max),
    };
    const size_t first = options->passes_to_input ? 0 : first_trained(model, options->head_only);
    for (size_t l = 0; l < bp->n_layers; l++) {
        describe_layer(bp, l, first);
    }
}

/* ---- where it lies ---- */

/* Floats of a row of the gradient by what a layer saw. */
static size_t row_below(const struct backprop *bp, size_t l)
{
    return l > 0 ? bp->layers[l - 1].hp : k_padded(bp->model->info.n_inputs);
}

/* What serves each layer in turn. */
static void cut_chunk(struct backprop *bp, struct block_cutter *cutter)
{
    struct backprop_needs most = { 0 };
    size_t between = 0;
    for (size_t l = 0; l < bp->n_layers; l++) {
        const struct backprop_layer *layer = &bp->layers[l];
        const struct backprop_needs needs =
            layer->family->needs ? layer->family->needs(layer) : (struct backprop_needs){ 0 };
        most.pre = max_size(most.pre, needs.pre);
        most.scratch = max_size(most.scratch, needs.scratch);
        if (layer->is_trained) {
            most.deltas = max_size(most.deltas, needs.deltas);
            most.before = max_size(most.before, needs.before);
        }
        between = layer->passes_back ? max_size(between, row_below(bp, l)) : between;
        between = l + 1 == bp->n_layers && layer->family->has_padded_rows
                      ? max_size(between, layer->hp)
                      : between;
    }
    bp->pre = block_take_floats(cutter, bp->chunk_rows, most.pre);
    bp->deltas = block_take_floats(cutter, bp->chunk_rows, most.deltas);
    bp->before = block_take_floats(cutter, bp->chunk_rows, most.before);
    bp->scratch = block_take_floats(cutter, bp->chunk_rows, most.scratch);
    bp->d_rows[0] = block_take_floats(cutter, bp->chunk_rows, between);
    bp->d_rows[1] = block_take_floats(cutter, bp->chunk_rows, between);
}

/* All arrays. */
static void cut(struct backprop *bp, struct block_cutter *cutter)
{
    bp->parameters = block_take_floats(cutter, 1, bp->n_parameters);
    bp->gradients = block_take_floats(cutter, 1, bp->n_parameters);
    for (size_t l = 0; l < bp->n_layers; l++) {
        struct backprop_layer *layer = &bp->layers[l];
        layer->shape->kind->cut(layer->shape, cutter, &layer->packed);
        layer->family->cut(bp, layer, cutter);
    }
    cut_chunk(bp, cutter);
}

bool gru_backprop_bytes(const struct gru_model *model, const struct backprop_options *options,
                        size_t *ret_n_bytes)
{
    struct backprop bp;
    struct block_cutter count = { 0 };
    size_t n_bytes;
    describe(&bp, model, options);
    cut(&bp, &count);
    if (count.is_too_large || __builtin_add_overflow(count.n_bytes, sizeof bp, &n_bytes)) {
        return false;
    }
    *ret_n_bytes = n_bytes;
    return true;
}

/* ---- its life ---- */

/* Copies the tensors into a vector, or a vector into the tensors, in the order of the table. */
static void move_parameters(const struct gru_model *model, float *vector, bool to_tensors)
{
    for (size_t l = 0; l < model->n_layers; l++) {
        const struct layer_kind *kind = model->layers[l].shape.kind;
        for (size_t k = 0; k < kind->n_tensors; k++) {
            const struct gru_tensor *tensor = &model->layers[l].tensors[k];
            size_t n_floats = kind->tensors[k].is_statistic ? 0 : gru_tensor_floats(tensor);
            if (n_floats > 0) {
                memcpy(to_tensors ? tensor->values : vector, to_tensors ? vector : tensor->values,
                       n_floats * sizeof *vector);
            }
            vector += n_floats;
        }
    }
}

enum gru_status gru_backprop_create(const struct gru_model *model,
                                    const struct backprop_options *options,
                                    struct backprop **ret_backprop)
{
    struct backprop *bp = malloc(sizeof *bp);
    if (!bp) {
        return GRU_NO_MEMORY;
    }
    struct block_cutter count = { 0 };
    describe(bp, model, options);
    cut(bp, &count);
    bp->block = block_alloc(&count);
    if (!bp->block) {
        free(bp);
        return GRU_NO_MEMORY;
    }
    memset(bp->block, 0, count.n_bytes); /* paddings are zeros */
    struct block_cutter cutter = { .block = bp->block };
    cut(bp, &cutter);
    if (!options->input_only) {
        move_parameters(model, bp->parameters, false);
    }
    gru_backprop_refresh(bp);
    *ret_backprop = bp;
    return GRU_OK;
}

void gru_backprop_free(struct backprop *backprop)
{
    if (backprop) {
        free(backprop->block);
        free(backprop);
    }
}

size_t gru_backprop_n_parameters(const struct backprop *backprop)
{
    return backprop->n_parameters;
}

float *gru_backprop_parameters(struct backprop *backprop)
{
    return backprop->parameters;
}

float *gru_backprop_gradients(struct backprop *backprop)
{
    return backprop->gradients;
}

size_t gru_backprop_state_floats(const struct backprop *backprop)
{
    return gru_state_last_offset(backprop->model); /* where a gru state's hidden states end */
}

/* ---- packing ---- */

void gru_backprop_refresh(struct backprop *backprop)
{
    for (size_t l = 0; l < backprop->n_layers; l++) {
        struct backprop_layer *layer = &backprop->layers[l];
        const float *values[LAYER_TENSORS_MAX] = { NULL };
        for (size_t k = 0; k < layer->shape->kind->n_tensors; k++) {
            const bool is_parameter = layer->offsets[k] < SIZE_MAX;
            values[k] = is_parameter ? backprop->parameters + layer->offsets[k]
                                     : layer->tensors[k].values; /* a statistic, the model's
                                                                    own weights, or none */
        }
        layer->shape->kind->pack(values, &layer->packed);
        if (layer->is_trained && layer->family->pack) {
            layer->family->pack(values, layer);
        }
    }
}

/* ---- as a model ---- */

enum gru_status gru_backprop_model(const struct backprop *backprop, const float *parameters,
                                   struct gru_model **ret_model)
{
    struct gru_model *model;
    enum gru_status status = gru_model_copy(backprop->model, &model);
    if (status != GRU_OK) {
        return status;
    }
    move_parameters(model, (float *)(uintptr_t)parameters, true);
    status = gru_model_finish(model);
    if (status != GRU_OK) {
        gru_model_unref(model);
        return status;
    }
    *ret_model = model;
    return GRU_OK;
}
