/*
 * model.h - the inside of a model: description, weights as they stand in the file's canonical form,
 * and the packed copies that the kernels read. Private to lib/engine. A finished model is constant.
 */
#ifndef MODEL_H
#define MODEL_H

#include "engine/fail.h"
#include "engine/layer_kind.h"

#include <stdatomic.h>

/* One tensor in canonical form (the kernels' gate order, update keep). `values` is NULL where the
 * layer has none (a bias). */
struct gru_tensor {
    size_t rows, columns; /* columns 0: a vector of `rows` */
    float *values;
};

static inline size_t gru_tensor_floats(const struct gru_tensor *tensor)
{
    return tensor->values ? tensor->rows * (tensor->columns > 0 ? tensor->columns : 1) : 0;
}

struct gru_layer {
    struct layer_shape shape;
    struct gru_tensor tensors[LAYER_TENSORS_MAX]; /* [shape.kind->n_tensors], owned */
    union layer_packed packed;
};

/* Statistics are not among them. */
static inline size_t gru_layer_parameters(const struct gru_layer *layer)
{
    const struct layer_kind *kind = layer->shape.kind;
    size_t n = 0;
    for (size_t k = 0; k < kind->n_tensors; k++) {
        n += kind->tensors[k].is_statistic ? 0 : gru_tensor_floats(&layer->tensors[k]);
    }
    return n;
}

/* A selftest that came with the file: kept so that saving writes it again. */
struct gru_selftest {
    size_t n_rows;
    double *x, *y; /* [n_rows][I], [n_rows][S * O] */
};

/* Where a run's arrays are in its block, in floats (struct grid). */
struct run_layout {
    size_t in, between, y_out, raw, h, pre, turned, half, scratch, states, last, y, seen, written;
    size_t n_floats;
    size_t n_lanes; /* that run together at most */
};

/* An input with a transform, and where the transform's part of a state begins, behind y. */
struct gru_transformed {
    size_t input, at;
};

struct gru_model {
    _Atomic unsigned n_refs;
    struct gru_info info;
    struct gru_layer *layers; /* from the inputs to the read-out, which is the last */
    size_t n_layers;
    struct gru_transformed *transformed; /* [n_transformed] */
    size_t n_transformed, transform_floats;
    size_t n_stepwise; /* layers up to the last recurrent one: those behind see each row alone */
    struct run_layout run;
    void *packed;         /* the one block that holds every packed array */
    float *initial_state; /* [state_floats] of a stream that begins */
    struct gru_selftest selftest;
    char unread[GRU_UNREAD_SIZE];   /* keys of its file's __metadata__ beside those of grud */
    struct gru_residuals residuals; /* `of` is owned; n_outputs 0: none */
    struct gru_residuals base_residuals;
    char base[GRU_BASE_SIZE]; /* whose base_residuals are */
};

/* How many layers of the chain stand side by side from layer l on, seeing the same rows: two halves
 * of one that reads both ways, else one. */
static inline size_t gru_layer_halves(const struct gru_model *model, size_t l)
{
    return l + 1 < model->n_layers && model->layers[l + 1].shape.is_reverse ? 2 : 1;
}

/* The width of what layer l and its other half give. */
static inline size_t gru_layer_width(const struct gru_model *model, size_t l)
{
    const size_t n_other = gru_layer_halves(model, l) > 1 ? model->layers[l + 1].shape.n_units : 0;
    return model->layers[l].shape.n_units + n_other;
}

static inline const struct gru_layer *gru_model_read_out(const struct gru_model *model)
{
    return &model->layers[model->n_layers - 1];
}

/* An empty model with one reference and everything zero; gru_model_unref frees it at any stage of
 * filling. The filler sets info's own fields (arrays from malloc), takes layers from
 * gru_model_alloc_layers, sets their shapes, and gives them tensors (gru_model_alloc_tensor). */
GRU_CHECK enum gru_status gru_model_alloc(struct gru_model **ret_model);
GRU_CHECK enum gru_status gru_model_alloc_layers(struct gru_model *model, size_t n_layers);
/* Of the size that the layer's shape gives it. */
GRU_CHECK enum gru_status gru_model_alloc_tensor(struct gru_layer *layer, size_t tensor);

/* Completes a filled model: derives the counts of `info` (layers, n_parameters, n_feeds, ..., the
 * inputs' `feeds`), packs the weights. */
GRU_CHECK enum gru_status gru_model_finish(struct gru_model *model);

/* What the inputs are fed by follows from what the outputs feed. gru_model_finish calls it. */
void gru_model_derive_feeds(struct gru_info *info);

/* Of an input; NULL: it has no transform. */
const struct gru_transformed *gru_model_transformed(const struct gru_model *model, size_t input);
/* Where the transforms' parts of a state begin. */
size_t gru_state_transforms_offset(const struct gru_model *model);
/* Before the first reading; state: the transforms' part alone. */
void gru_state_init_transforms(const struct gru_model *model, float *state);

/* Sets initial_state; the counts of `info` are there. gru_model_finish calls it. */
GRU_CHECK enum gru_status gru_state_make_initial(struct gru_model *model);

#endif
