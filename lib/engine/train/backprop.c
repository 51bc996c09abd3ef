/* backprop.c - makes and packs what is trained, and turns it into a model. */
#include "engine/train/backprop_network.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ---- what there is ---- */

static void describe_layer(struct backprop *bp, size_t l)
{
    const struct gru_info *info = &bp->model->info;
    struct backprop_layer *layer = &bp->layers[l];
    size_t i = info->layers[l].input_size, h = info->layers[l].hidden_size;
    layer->hp = k_padded(h);
    layer->run.cell = layer->back.cell = gru_kernel_cell(info->cell, info->reset);
    layer->n_gates = k_n_gates(layer->run.cell);
    layer->cell = &k_cells[layer->run.cell];
    layer->planes = &layer->cell->planes;
    layer->ld_deltas = k_deltas_stride(layer->planes, h);
    for (int k = 0; k < GRU_N_LAYER_TENSORS; k++) {
        const struct gru_tensor *tensor = &bp->model->layers[l].tensors[k];
        layer->offsets[k] = tensor->values ? bp->n_parameters : SIZE_MAX;
        bp->n_parameters += gru_tensor_floats(tensor);
    }
    size_t n = layer->n_gates * layer->hp;
    layer->run.i = i;
    layer->run.h = layer->back.h = h;
    layer->run.wx = (struct k_matrix){ .n = n, .k = i };
    layer->run.uh = (struct k_matrix){ .n = n, .k = h };
    layer->back.ut = (struct k_matrix){ .n = h, .k = layer->planes->n_u * layer->hp };
    layer->back.ut_reset = (struct k_matrix){ .n = h, .k = layer->hp };
    layer->back.wt = (struct k_matrix){ .n = i, .k = n };
    bool is_top = l + 1 == bp->n_layers;
    layer->n_rows = bp->options.head_only && !is_top ? bp->chunk_rows : bp->options.rows_max;
}

static void describe(struct backprop *bp, const struct gru_model *model,
                     const struct backprop_options *options)
{
    *bp = (struct backprop){
        .model = model,
        .ops = k_best(),
        .options = *options,
        .n_layers = model->info.n_layers,
        .y = model->info.y_floats,
        .chunk_rows = max_size(BACKPROP_CHUNK_ROWS, options->lanes_max),
    };
    for (size_t l = 0; l < bp->n_layers; l++) {
        describe_layer(bp, l);
    }
    size_t top = bp->layers[bp->n_layers - 1].run.h;
    bp->head_offset = bp->n_parameters;
    bp->n_parameters += bp->y * top + (model->head_bias.values ? bp->y : 0);
    bp->head = (struct k_matrix){ .n = bp->y, .k = top };
    bp->head_t = (struct k_matrix){ .n = top, .k = bp->y };
}

/* ---- where it lies ---- */

/* Cuts arrays out of a block; without one it only counts. */
struct cursor {
    float *block;
    size_t used;
    bool too_many;
};

static float *take(struct cursor *cursor, size_t n_rows, size_t n_columns)
{
    float *piece = cursor->block ? cursor->block + cursor->used : NULL;
    size_t n;
    if (__builtin_mul_overflow(n_rows, n_columns, &n) || n > SIZE_MAX / sizeof(float) / 2 ||
        __builtin_add_overflow(cursor->used, k_padded(n), &cursor->used)) {
        cursor->too_many = true;
    }
    return piece;
}

/* Rows with room in front. */
static float *take_states(struct cursor *cursor, size_t n_lanes, size_t n_rows, size_t hp)
{
    float *piece = take(cursor, n_lanes + n_rows, hp);
    return piece ? piece + n_lanes * hp : NULL;
}

static void take_weights(struct cursor *cursor, struct backprop_layer *layer, bool is_trained,
                         bool is_lowest)
{
    size_t n = layer->n_gates * layer->hp;
    layer->run.wx.packed = take(cursor, 1, k_packed_floats(n, layer->run.i));
    layer->run.uh.packed = take(cursor, 1, k_packed_floats(n, layer->run.h));
    layer->bias_x = take(cursor, 1, n);
    layer->bias_n = take(cursor, 1, layer->hp);
    layer->run.bias_x = layer->bias_x;
    layer->run.bias_n = layer->bias_n;
    if (!is_trained) {
        return;
    }
    layer->back.ut.packed =
        take(cursor, 1, k_transposed_floats(layer->planes->n_u, layer->hp, layer->run.h));
    if (layer->cell->resets_before) {
        layer->back.ut_reset.packed =
            take(cursor, 1, k_transposed_floats(1, layer->hp, layer->run.h));
    }
    if (!is_lowest) {
        layer->back.wt.packed =
            take(cursor, 1, k_transposed_floats(layer->n_gates, layer->hp, layer->run.i));
    }
    layer->sums = take(cursor, layer->planes->n, layer->hp);
    layer->d_w = take(cursor, layer->run.i, n);
    layer->d_u = take(cursor, layer->run.h, n);
}

static void take_rows(struct cursor *cursor, const struct backprop *bp,
                      struct backprop_layer *layer)
{
    size_t lanes = bp->options.lanes_max, hp = layer->hp;
    bool is_trained = !bp->options.head_only;
    bool three_gates = layer->run.cell == K_THREE_GATE;
    layer->h = take_states(cursor, lanes, layer->n_rows, hp);
    if (three_gates) {
        layer->c = take_states(cursor, lanes, is_trained ? layer->n_rows : 0, hp);
    }
    if (backprop_has_own_out(layer->run.cell) || bp->options.dropout > 0) {
        layer->out = take(cursor, layer->n_rows, hp);
    }
    if (is_trained) {
        layer->kept = take(cursor, layer->n_rows, layer->cell->n_kept * hp);
        layer->d_h = take(cursor, lanes, hp);
        layer->d_hu = take(cursor, lanes, hp);
        layer->d_c = three_gates ? take(cursor, lanes, hp) : NULL;
    }
}

/* What serves each layer in turn. */
static void take_chunk(struct cursor *cursor, struct backprop *bp)
{
    size_t pre = 0, deltas = 0, hp = 0;
    for (size_t l = 0; l < bp->n_layers; l++) {
        pre = max_size(pre, bp->layers[l].run.wx.n);
        deltas = max_size(deltas, bp->layers[l].ld_deltas);
        hp = max_size(hp, bp->layers[l].hp);
    }
    bool is_trained = !bp->options.head_only;
    bp->pre = take(cursor, bp->chunk_rows, pre);
    bp->deltas = is_trained ? take(cursor, bp->chunk_rows, deltas) : NULL;
    bp->d_out[0] = is_trained ? take(cursor, bp->chunk_rows, hp) : NULL;
    bp->d_out[1] = is_trained ? take(cursor, bp->chunk_rows, hp) : NULL;
    bp->before = is_trained ? take(cursor, bp->chunk_rows, hp) : NULL;
    bp->scratch = bp->layers[0].cell->resets_before ? take(cursor, bp->chunk_rows, 3 * hp) : NULL;
    bp->head_out = take(cursor, bp->chunk_rows, k_padded(bp->y));
}

/* All arrays, cut from a block or (NULL) only counted. False: more than a size_t counts. */
static bool lay_out(struct backprop *bp, float *block, size_t *ret_n_floats)
{
    struct cursor cursor = { .block = block };
    bp->parameters = take(&cursor, 1, bp->n_parameters);
    bp->gradients = take(&cursor, 1, bp->n_parameters);
    for (size_t l = 0; l < bp->n_layers; l++) {
        take_weights(&cursor, &bp->layers[l], !bp->options.head_only, l == 0);
        take_rows(&cursor, bp, &bp->layers[l]);
    }
    size_t top = bp->layers[bp->n_layers - 1].hp;
    bp->head.packed = take(&cursor, 1, k_packed_floats(bp->y, bp->head.k));
    bp->head_t.packed = take(&cursor, 1, k_transposed_floats(1, bp->y, bp->head.k));
    bp->head_bias = take(&cursor, 1, k_padded(bp->y));
    bp->d_head = take(&cursor, bp->y, top);
    take_chunk(&cursor, bp);
    *ret_n_floats = cursor.used;
    return !cursor.too_many;
}

bool gru_backprop_bytes(const struct gru_model *model, const struct backprop_options *options,
                        size_t *ret_n_bytes)
{
    struct backprop bp;
    size_t n_floats, n_bytes;
    describe(&bp, model, options);
    if (!lay_out(&bp, NULL, &n_floats) ||
        __builtin_mul_overflow(n_floats, sizeof(float), &n_bytes) ||
        __builtin_add_overflow(n_bytes, sizeof bp, &n_bytes)) {
        return false;
    }
    *ret_n_bytes = n_bytes;
    return true;
}

/* ---- its life ---- */

/* Copies the tensors into a vector, or a vector into the tensors, in the order of THE table. */
static void move_parameters(const struct gru_model *model, float *vector, bool to_tensors)
{
    const struct gru_tensor *tensors[GRU_LAYERS_MAX * GRU_N_LAYER_TENSORS + 2];
    size_t n = 0;
    for (size_t l = 0; l < model->info.n_layers; l++) {
        for (int k = 0; k < GRU_N_LAYER_TENSORS; k++) {
            tensors[n++] = &model->layers[l].tensors[k];
        }
    }
    tensors[n++] = &model->head_weight;
    tensors[n++] = &model->head_bias;
    for (size_t k = 0; k < n; k++) {
        if (!tensors[k]->values) {
            continue;
        }
        size_t n_floats = gru_tensor_floats(tensors[k]);
        float *values = tensors[k]->values;
        memcpy(to_tensors ? values : vector, to_tensors ? vector : values,
               n_floats * sizeof *vector);
        vector += n_floats;
    }
}

enum gru_status gru_backprop_create(const struct gru_model *model,
                                    const struct backprop_options *options,
                                    struct backprop **ret_backprop)
{
    size_t n_bytes, n_floats;
    if (!gru_backprop_bytes(model, options, &n_bytes)) {
        return GRU_NO_MEMORY;
    }
    struct backprop *bp = malloc(sizeof *bp);
    if (!bp) {
        return GRU_NO_MEMORY;
    }
    describe(bp, model, options);
    float *block =
        lay_out(bp, NULL, &n_floats) ? aligned_alloc(ALIGNMENT, n_floats * sizeof *block) : NULL;
    if (!block) {
        free(bp);
        return GRU_NO_MEMORY;
    }
    memset(block, 0, n_floats * sizeof *block); /* paddings are zeros */
    lay_out(bp, block, &n_floats);
    bp->block = block;
    move_parameters(model, bp->parameters, false);
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

size_t gru_backprop_head_offset(const struct backprop *backprop)
{
    return backprop->head_offset;
}

size_t gru_backprop_state_floats(const struct backprop *backprop)
{
    return gru_state_last_offset(backprop->model); /* where a gru state's hidden states end */
}

/* ---- packing ---- */

/* A tensor's values in the vector of parameters; NULL: the model has none. */
static const float *values_of(const struct backprop *bp, const struct backprop_layer *layer,
                              enum gru_layer_tensor tensor)
{
    return layer->offsets[tensor] < SIZE_MAX ? bp->parameters + layer->offsets[tensor] : NULL;
}

static void pack_backwards(const struct backprop *bp, const struct backprop_layer *layer)
{
    static const unsigned char n_gate[] = { 2 };
    const float *w = values_of(bp, layer, GRU_TENSOR_WEIGHT_IH);
    const float *u = values_of(bp, layer, GRU_TENSOR_WEIGHT_HH);
    const struct k_planes *planes = layer->planes;
    const size_t h = layer->run.h, hp = layer->hp;
    unsigned char w_gates[K_PLANES_MAX], u_gates[K_PLANES_MAX];
    for (size_t gate = 0; gate < layer->n_gates; gate++) {
        w_gates[planes->x[gate] - planes->x_first] = (unsigned char)gate;
        u_gates[planes->u[gate]] = (unsigned char)gate;
    }
    k_pack_transposed(u, u_gates, planes->n_u, h, hp, h, layer->back.ut.packed);
    if (layer->cell->resets_before) {
        k_pack_transposed(u, n_gate, 1, h, hp, h, layer->back.ut_reset.packed);
    }
    if (layer->back.wt.packed) {
        k_pack_transposed(w, w_gates, layer->n_gates, h, hp, layer->run.i, layer->back.wt.packed);
    }
}

static void pack_head(struct backprop *bp)
{
    static const unsigned char only[] = { 0 };
    const float *weight = bp->parameters + bp->head_offset;
    const float *bias = weight + bp->y * bp->head.k;
    k_pack(weight, bp->y, bp->head.k, bp->head.packed);
    k_pack_transposed(weight, only, 1, bp->y, bp->y, bp->head.k, bp->head_t.packed);
    if (bp->model->head_bias.values) {
        memcpy(bp->head_bias, bias, bp->y * sizeof *bias);
    }
}

void gru_backprop_refresh(struct backprop *backprop)
{
    for (size_t l = 0; l < backprop->n_layers; l++) {
        const struct backprop_layer *layer = &backprop->layers[l];
        const float *w = values_of(backprop, layer, GRU_TENSOR_WEIGHT_IH);
        const float *u = values_of(backprop, layer, GRU_TENSOR_WEIGHT_HH);
        k_pack_gates(w, layer->n_gates, layer->run.h, layer->run.i, layer->run.wx.packed);
        k_pack_gates(u, layer->n_gates, layer->run.h, layer->run.h, layer->run.uh.packed);
        k_pack_biases(layer->run.cell, layer->run.h, values_of(backprop, layer, GRU_TENSOR_BIAS_IH),
                      values_of(backprop, layer, GRU_TENSOR_BIAS_HH), layer->bias_x, layer->bias_n);
        if (!backprop->options.head_only) {
            pack_backwards(backprop, layer);
        }
    }
    pack_head(backprop);
}

/* ---- as a model ---- */

static void *copy(const void *from, size_t n_bytes)
{
    void *to = malloc(n_bytes > 0 ? n_bytes : 1);
    if (to) {
        memcpy(to, from, n_bytes);
    }
    return to;
}

/* A tensor of the same shape; what it holds is written later. */
static bool copy_tensor(const struct gru_tensor *from, struct gru_tensor *to)
{
    *to = (struct gru_tensor){ .rows = from->rows, .columns = from->columns };
    to->values =
        from->values ? copy(from->values, gru_tensor_floats(from) * sizeof *from->values) : NULL;
    return to->values || !from->values;
}

static bool copy_description(const struct gru_model *from, struct gru_model *to)
{
    const struct gru_info *info = &from->info;
    to->info = *info;
    to->info.inputs = copy(info->inputs, info->n_inputs * sizeof *info->inputs);
    to->info.outputs = copy(info->outputs, info->n_outputs * sizeof *info->outputs);
    to->info.layers = copy(info->layers, info->n_layers * sizeof *info->layers);
    to->layers = calloc(info->n_layers, sizeof *to->layers);
    bool done = to->info.inputs && to->info.outputs && to->info.layers && to->layers;
    for (size_t l = 0; done && l < info->n_layers; l++) {
        for (int k = 0; done && k < GRU_N_LAYER_TENSORS; k++) {
            done = copy_tensor(&from->layers[l].tensors[k], &to->layers[l].tensors[k]);
        }
    }
    return done && copy_tensor(&from->head_weight, &to->head_weight) &&
           copy_tensor(&from->head_bias, &to->head_bias);
}

enum gru_status gru_backprop_model(const struct backprop *backprop, const float *parameters,
                                   struct gru_model **ret_model)
{
    struct gru_model *model;
    enum gru_status status = gru_model_alloc(&model);
    if (status != GRU_OK) {
        return status;
    }
    status = GRU_NO_MEMORY;
    if (copy_description(backprop->model, model)) {
        move_parameters(model, (float *)(uintptr_t)parameters, true);
        status = gru_model_finish(model);
    }
    if (status != GRU_OK) {
        gru_model_unref(model);
        return status;
    }
    *ret_model = model;
    return GRU_OK;
}
