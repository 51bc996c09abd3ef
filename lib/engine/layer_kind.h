/*
 * layer_kind.h - THE table of layer kinds. A network is a chain of layers, each of a kind; a row of
 * the table says everything about a kind that the rest of the library would otherwise ask for:
 * tensors, gates and their orders, state, and the passes. Private to lib/engine; constants and pure
 * functions.
 *
 * The names of the kinds are in gru_choices.h (GRU_LAYER_KINDS). lib/engine/train has the way back
 * (backprop_layer.h), because a library that only runs networks does without it.
 */
#ifndef LAYER_KIND_H
#define LAYER_KIND_H

#include "engine/block.h"
#include "gru.h"
#include "kernels/kernels.h"

enum {
    LAYER_TENSORS_MAX = 6,
    LAYER_CHAIN_MAX = 64 /* layers of a network */
};

/* G gates, I inputs and H units of a layer. A tensor without columns is a vector. */
enum layer_extent { EXTENT_NONE, EXTENT_INPUTS, EXTENT_UNITS, EXTENT_GATES /* G * H */ };

struct layer_tensor {
    const char *name; /* the end of its name in a file, without the layer's number */
    enum layer_extent rows, columns;
    bool is_optional;    /* a bias */
    bool is_second_bias; /* a new layer has it only where it does more than add to the first one */
    bool is_statistic;   /* of the data that it was trained on: no parameter, never trained */
    bool is_initial_state; /* of the stream that begins: learned, and zeros where there is none */
    bool is_scale;         /* near 1, not near 0: a new layer begins with ones */
};

/* Rows of weights in a file: gates[k] is the gate, in the kernels' order, that stands k-th. */
struct layer_gate_order {
    const char *name;
    unsigned char gates[K_GATES_MAX];
};

/* Weights as the kernels read them. */
union layer_packed {
    struct k_layer recurrent;
    struct {
        struct k_matrix weight;
        float *bias; /* [k_padded(H)] zeros where there is no bias */
    } dense;
    struct {
        size_t n;
        float eps;
        float *weight, *bias; /* [k_padded(n)] what a row is multiplied by, and what is added */
    } norm;
    struct {
        size_t n;
        enum gru_activation activation;
    } activation;
};

/* Rows on their way through a layer: n_steps steps of n_lanes lanes. */
struct layer_rows {
    const struct k_ops *ops;
    size_t n_lanes, n_steps;
    const float *in; /* [n_steps * n_lanes][ld_in] */
    size_t ld_in;
    float *out;       /* [n_steps * n_lanes][k_padded(H)] */
    float *states;    /* n_states arrays at a distance of ld_states, [n_lanes][k_padded(H)] each */
    size_t ld_states; /* floats */
    float *h, *pre, *scratch; /* as long as layer_needs says */
};

/* Floats that a pass forward needs besides. */
struct layer_needs {
    size_t h, pre;  /* a row */
    size_t scratch; /* a lane */
};

/* A layer's kind and sizes. */
struct layer_shape {
    const struct layer_kind *kind;
    enum gru_reset reset;           /* means something where kind->has_reset */
    enum gru_activation activation; /* of GRU_LAYER_ACTIVATION */
    float eps;                      /* of GRU_LAYER_NORM and GRU_LAYER_BATCH_NORM */
    bool is_reverse; /* the other half of the recurrent layer before it in the chain: it reads the
                        same rows, the last one first, and its units follow the other half's */
    size_t n_inputs, n_units; /* equal where a layer treats each number by itself */
};

/* Which passes of lib/engine/train a kind has. */
enum layer_family {
    LAYER_RECURRENT,
    LAYER_DENSE,
    LAYER_NORM,
    LAYER_BATCH_NORM,
    LAYER_ACTIVATION,
    LAYER_N_FAMILIES
};

struct layer_kind {
    enum gru_layer_kind id;
    enum layer_family family;
    const struct layer_tensor *tensors; /* in the order in which parameters are counted */
    size_t n_tensors;
    const char *saved_prefix;    /* of its tensors' names in files that we write; NULL: in those
                                 that have a `network` alone */
    bool is_numbered;            /* its tensors' names end in the layer's number */
    enum layer_extent init_unit; /* a new layer's weights are uniform in +-1 / sqrt(of this) */
    size_t n_gates;              /* G */
    size_t n_states;             /* floats of state a unit: 1 [h], 2 [h, c]; 0: not recurrent */
    const struct layer_gate_order *gate_orders; /* the first one is the kernels' */
    size_t n_gate_orders;                       /* 0: `gate_order` does not apply */
    bool has_reset;                             /* whether `reset` applies */
    bool has_update;                            /* whether `update` applies, and to which gate */
    unsigned char update_gate;
    enum k_cell cells[GRU_N_RESETS]; /* of the recurrent family: its arithmetic, by `reset` */

    struct layer_needs (*needs)(const struct layer_shape *shape);
    /* Cuts room for packed weights, which must begin as zeros. */
    void (*cut)(const struct layer_shape *shape, struct block_cutter *cutter,
                union layer_packed *packed);
    /* values: one array for each tensor, NULL where the layer has none. */
    void (*pack)(const float *const *values, union layer_packed *packed);
    void (*forward)(const union layer_packed *packed, const struct layer_rows *rows);
};

const struct layer_kind *gru_layer_kind_row(enum gru_layer_kind id);

/* Whether layers of the kind carry a state from step to step. */
static inline bool layer_kind_is_recurrent(const struct layer_kind *kind)
{
    return kind->n_states > 0;
}

/* Of a layer's tensor; columns 0: a vector. */
size_t gru_layer_tensor_rows(const struct layer_shape *shape, size_t tensor);
size_t gru_layer_tensor_columns(const struct layer_shape *shape, size_t tensor);

/* ---- of a new layer ---- */

/* Its weights are uniform in +-1 / sqrt(of this). */
size_t gru_layer_init_units(const struct layer_shape *shape);
bool gru_layer_init_has_tensor(const struct layer_shape *shape, size_t tensor);

/* ---- the canonical form ---- */

/* The order that a kind knows by that name; NULL: it knows none. */
const struct layer_gate_order *gru_layer_kind_order(const struct layer_kind *kind,
                                                    const char *name);

/* Brings a tensor's rows from the order in which a file has them into the kernels' order (order
 * NULL: it is that already), and if `update` is `take` into that of `keep`: sigma(-a) = 1 -
 * sigma(a), so with other signs (1 - z) h + z n is (1 - z) n + z h. n_values in all. */
void gru_layer_kind_normalise(const struct layer_kind *kind, const struct layer_gate_order *order,
                              bool takes, float *values, size_t n_values);

#endif
