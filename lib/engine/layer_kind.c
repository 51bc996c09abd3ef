/* The table of layer kinds, and what follows from a row of it alone; see layer_kind.h. */
#include "engine/layer_kind.h"
#include "engine/layer_activation.h"
#include "engine/layer_dense.h"
#include "engine/layer_norm.h"
#include "engine/layer_recurrent.h"

#include <string.h>

static const struct layer_tensor recurrent_tensors[] = {
    [RECURRENT_WEIGHT_IH] = { "weight_ih_l", EXTENT_GATES, EXTENT_INPUTS },
    [RECURRENT_WEIGHT_HH] = { "weight_hh_l", EXTENT_GATES, EXTENT_UNITS },
    [RECURRENT_BIAS_IH] = { "bias_ih_l", EXTENT_GATES, .is_optional = true },
    [RECURRENT_BIAS_HH] = { "bias_hh_l", EXTENT_GATES, .is_optional = true,
                            .is_second_bias = true },
    [RECURRENT_INITIAL_H] = { "initial_state_l", EXTENT_UNITS, .is_optional = true,
                              .is_initial_state = true },
    [RECURRENT_INITIAL_C] = { "initial_cell_l", EXTENT_UNITS, .is_optional = true,
                              .is_initial_state = true },
};

static const struct layer_tensor dense_tensors[] = {
    [DENSE_WEIGHT] = { "weight", EXTENT_UNITS, EXTENT_INPUTS },
    [DENSE_BIAS] = { "bias", EXTENT_UNITS, .is_optional = true },
};

static const struct layer_tensor norm_tensors[] = {
    [NORM_WEIGHT] = { "weight", EXTENT_UNITS, .is_optional = true, .is_scale = true },
    [NORM_BIAS] = { "bias", EXTENT_UNITS, .is_optional = true },
    [NORM_MEAN] = { "running_mean", EXTENT_UNITS, .is_statistic = true },
    [NORM_VARIANCE] = { "running_var", EXTENT_UNITS, .is_statistic = true, .is_scale = true },
};

static const struct layer_gate_order reset_update_orders[] = {
    { "rzn", { 0, 1, 2, 3 } },
    { "zrn", { 1, 0, 2, 3 } },
    { "zrh", { 1, 0, 2, 3 } },
};

/* PyTorch's and Keras' rows, Keras' under its own letters, and ONNX'. */
static const struct layer_gate_order lstm_orders[] = {
    { "ifgo", { 0, 1, 2, 3 } },
    { "ifco", { 0, 1, 2, 3 } },
    { "iofc", { 0, 3, 1, 2 } },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Columns that are alike for a whole family. */
#define RECURRENT                                                                                  \
    .family = LAYER_RECURRENT, .tensors = recurrent_tensors, .is_numbered = true,                  \
    .init_unit = EXTENT_UNITS, .needs = gru_recurrent_needs, .cut = gru_recurrent_cut,             \
    .pack = gru_recurrent_pack, .forward = gru_recurrent_forward
#define STATE_H  .n_states = 1, .n_tensors = RECURRENT_INITIAL_C
#define STATE_HC .n_states = 2, .n_tensors = COUNT(recurrent_tensors)
#define RESET_AND_UPDATE                                                                           \
    .gate_orders = reset_update_orders, .n_gate_orders = COUNT(reset_update_orders),               \
    .has_reset = true, .has_update = true, .update_gate = 1
#define DENSE                                                                                      \
    .family = LAYER_DENSE, .tensors = dense_tensors, .n_tensors = COUNT(dense_tensors),            \
    .init_unit = EXTENT_INPUTS, .needs = gru_dense_needs, .cut = gru_dense_cut,                    \
    .pack = gru_dense_pack, .forward = gru_dense_forward
/* Kinds whose rows are not numbered, nor made of gates. */
#define PLAIN .init_unit = EXTENT_UNITS, .n_gates = 1
#define NORM  PLAIN, .tensors = norm_tensors, .needs = gru_norm_needs, .cut = gru_norm_cut

static const struct layer_kind kinds[] = {
    [GRU_LAYER_GRU] = { .id = GRU_LAYER_GRU,
                        RECURRENT,
                        .saved_prefix = "gru.",
                        .n_gates = 3,
                        STATE_H,
                        RESET_AND_UPDATE,
                        .cells = { K_GRU_AFTER, K_GRU_BEFORE } },
    [GRU_LAYER_OUTPUT_GATE] = { .id = GRU_LAYER_OUTPUT_GATE,
                                RECURRENT,
                                .saved_prefix = "gru.",
                                .n_gates = 4,
                                STATE_H,
                                RESET_AND_UPDATE,
                                .cells = { K_OUTPUT_GATE_AFTER, K_OUTPUT_GATE_BEFORE } },
    [GRU_LAYER_THREE_GATE] = { .id = GRU_LAYER_THREE_GATE,
                               RECURRENT,
                               .saved_prefix = "gru.",
                               .n_gates = 4,
                               STATE_HC,
                               .cells = { K_THREE_GATE, K_THREE_GATE } },
    [GRU_LAYER_LSTM] = { .id = GRU_LAYER_LSTM,
                         RECURRENT,
                         .saved_prefix = "lstm.",
                         .n_gates = 4,
                         STATE_HC,
                         .gate_orders = lstm_orders,
                         .n_gate_orders = COUNT(lstm_orders),
                         .cells = { K_LSTM, K_LSTM } },
    [GRU_LAYER_DENSE] = { .id = GRU_LAYER_DENSE, DENSE, .saved_prefix = "head.", .n_gates = 1 },
    [GRU_LAYER_NORM] = { .id = GRU_LAYER_NORM,
                         NORM,
                         .family = LAYER_NORM,
                         .n_tensors = NORM_MEAN,
                         .pack = gru_norm_pack,
                         .forward = gru_norm_forward },
    [GRU_LAYER_BATCH_NORM] = { .id = GRU_LAYER_BATCH_NORM,
                               NORM,
                               .family = LAYER_BATCH_NORM,
                               .n_tensors = COUNT(norm_tensors),
                               .pack = gru_batch_norm_pack,
                               .forward = gru_batch_norm_forward },
    [GRU_LAYER_ACTIVATION] = { .id = GRU_LAYER_ACTIVATION,
                               PLAIN,
                               .family = LAYER_ACTIVATION,
                               .needs = gru_activation_needs,
                               .cut = gru_activation_cut,
                               .pack = gru_activation_pack,
                               .forward = gru_activation_forward },
};

const struct layer_kind *gru_layer_kind_row(enum gru_layer_kind id)
{
    return &kinds[id];
}

bool gru_layer_kind_is_recurrent(enum gru_layer_kind kind)
{
    return layer_kind_is_recurrent(&kinds[kind]);
}

bool gru_layer_kind_has_reset(enum gru_layer_kind kind)
{
    return kinds[kind].has_reset;
}

/* ---- tensors ---- */

static size_t extent(const struct layer_shape *shape, enum layer_extent extent)
{
    switch (extent) {
    case EXTENT_INPUTS:
        return shape->n_inputs;
    case EXTENT_UNITS:
        return shape->n_units;
    case EXTENT_GATES:
        return shape->kind->n_gates * shape->n_units;
    case EXTENT_NONE:
        break;
    }
    return 0;
}

size_t gru_layer_tensor_rows(const struct layer_shape *shape, size_t tensor)
{
    return extent(shape, shape->kind->tensors[tensor].rows);
}

size_t gru_layer_tensor_columns(const struct layer_shape *shape, size_t tensor)
{
    return extent(shape, shape->kind->tensors[tensor].columns);
}

size_t gru_layer_init_units(const struct layer_shape *shape)
{
    return extent(shape, shape->kind->init_unit);
}

bool gru_layer_init_has_tensor(const struct layer_shape *shape, size_t tensor)
{
    const struct layer_tensor *row = &shape->kind->tensors[tensor];
    if (row->is_initial_state) {
        return false;
    }
    return !row->is_second_bias || k_cells[gru_recurrent_cell(shape)].bias == K_BIAS_HH_IN_RESET;
}

/* ---- the canonical form ---- */

const struct layer_gate_order *gru_layer_kind_order(const struct layer_kind *kind, const char *name)
{
    for (size_t k = 0; k < kind->n_gate_orders; k++) {
        if (strcmp(kind->gate_orders[k].name, name) == 0) {
            return &kind->gate_orders[k];
        }
    }
    return NULL;
}

static void swap_floats(float *a, float *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        float kept = a[k];
        a[k] = b[k];
        b[k] = kept;
    }
}

void gru_layer_kind_normalise(const struct layer_kind *kind, const struct layer_gate_order *order,
                              bool takes, float *values, size_t n_values)
{
    size_t n = n_values / kind->n_gates; /* of a gate */
    unsigned char gates[K_GATES_MAX];
    for (size_t k = 0; order && k < kind->n_gates; k++) {
        gates[k] = order->gates[k];
    }
    for (size_t k = 0; order && k < kind->n_gates; k++) {
        while (gates[k] != k) { /* each swap brings one gate to its place */
            unsigned char to = gates[k];
            swap_floats(values + k * n, values + to * n, n);
            gates[k] = gates[to];
            gates[to] = to;
        }
    }
    float *update = values + kind->update_gate * n;
    for (size_t k = 0; takes && k < n; k++) {
        update[k] = -update[k];
    }
}
