/*
 * model.h - the inside of a model: description, weights as they stand in the file's canonical form,
 * and the packed copies that the kernels read. Private to lib/engine.
 */
#ifndef MODEL_H
#define MODEL_H

#include "gru.h"
#include "kernels/kernels.h"

#include <stdatomic.h>

/* THE table of tensors: name, rows and columns, for every cell kind. G gates, I inputs and H units
 * of the layer; a bias has 0 columns. A layer's names end in the layer's number. */
#define GRU_LAYER_TENSORS(X)                                                                       \
    X(WEIGHT_IH, "weight_ih_l", G *H, I)                                                           \
    X(WEIGHT_HH, "weight_hh_l", G *H, H)                                                           \
    X(BIAS_IH, "bias_ih_l", G *H, 0)                                                               \
    X(BIAS_HH, "bias_hh_l", G *H, 0)

enum gru_layer_tensor {
#define GRU_TENSOR_ENUM(id, name, rows, columns) GRU_TENSOR_##id,
    GRU_LAYER_TENSORS(GRU_TENSOR_ENUM)
#undef GRU_TENSOR_ENUM
        GRU_N_LAYER_TENSORS
};

/* One tensor in canonical form (gate order rzn, update keep). `values` is NULL where the model has
 * none (a bias). */
struct gru_tensor {
    size_t rows, columns; /* columns 0: a vector of `rows` */
    float *values;
};

static inline size_t gru_tensor_floats(const struct gru_tensor *tensor)
{
    return tensor->values ? tensor->rows * (tensor->columns > 0 ? tensor->columns : 1) : 0;
}

struct gru_layer {
    struct gru_tensor tensors[GRU_N_LAYER_TENSORS]; /* owned */
    struct k_layer packed;
};

/* A selftest that came with the file: kept so that saving writes it again. */
struct gru_selftest {
    size_t n_rows;
    float *x, *y; /* [n_rows][I], [n_rows][S * O] */
};

struct gru_model {
    _Atomic unsigned n_refs;
    struct gru_info info;
    struct gru_layer *layers;                 /* [info.n_layers] */
    struct gru_tensor head_weight, head_bias; /* [S * O][H of the last layer], [S * O] or none */
    struct k_matrix head;                     /* packed head_weight */
    const float *head_bias_padded;            /* [k_padded(S * O)] zeros where there is no bias */
    float *packed;                            /* the one block that holds every packed array */
    struct gru_selftest selftest;
};

size_t gru_cell_gates(enum gru_cell cell);
enum k_cell gru_kernel_cell(enum gru_cell cell, enum gru_reset reset);

/* An empty model with one reference and everything zero; gru_model_unref frees it at any stage of
 * filling. The filler sets info's own fields (arrays from malloc), allocates `layers` (calloc) and
 * the tensors' values (malloc). */
GRU_CHECK enum gru_status gru_model_alloc(struct gru_model **ret_model);

/* Completes a filled model: derives the counts of `info` (n_parameters, n_feeds, ..., the inputs'
 * `feeds`), packs the weights. */
GRU_CHECK enum gru_status gru_model_finish(struct gru_model *model);

/* Runs the model's selftest, if it has one, from a fresh state. Refuses a finished model that
 * misses it. */
GRU_CHECK enum gru_status gru_selftest_run(const struct gru_model *model, struct gru_error *error);

/* Writes status's text, or the formatted sentence, and the parameter into *error (if any); returns
 * status. */
__attribute__((format(printf, 4, 5))) enum gru_status gru_fail(struct gru_error *error,
                                                               enum gru_status status,
                                                               const char *param,
                                                               const char *format, ...);

#endif
