/*
 * backprop_layer.h - the inside of a struct backprop: the chain of layers while it is trained, and
 * THE table of the families' passes, which is to the way back what layer_kind.h is to the way
 * forward. backprop.c makes it, backprop_forward.c and backprop_backward.c lead a window through
 * it. Private to backprop*.c.
 *
 * A window is passed in chunks of whole steps, through all layers one chunk after the other, so
 * that what is handed from one product to the next stays in the second-level cache. Only what the
 * way back reads is stored for the whole window.
 */
#ifndef BACKPROP_LAYER_H
#define BACKPROP_LAYER_H

#include "engine/train/backprop.h"
#include "kernels/train.h"

/* Rows of a chunk, if a step has no more: enough for full-speed products, few enough for the
 * caches. */
enum { BACKPROP_CHUNK_ROWS = 128 };

/* Of a recurrent layer. Rows are Hp floats. An array of states has, in front of the window's row 0,
 * room for the states before it: those of the step before a step are always the rows right before
 * it. */
struct backprop_recurrent {
    const struct k_cell_traits *cell;
    struct k_back_layer back;
    size_t ld_deltas;
    float *h, *c;            /* [R] states after each row; c where the cell has a memory */
    float *kept;             /* [R][n_kept * Hp] */
    float *d_h, *d_hu, *d_c; /* [B] gradients by the state, on their way back */
    float *sums;             /* [planes * Hp] gradients of biases */
    float *d_w, *d_u;        /* [I][G * Hp], [H][G * Hp] gradients of weights, by planes */
};

/* Of a dense layer. */
struct backprop_dense {
    struct k_matrix transposed; /* I x [H] */
    float *d_weight;            /* [H][k_padded(I)] */
};

struct backprop_layer {
    const struct layer_shape *shape;  /* the model's, with the kind */
    const struct gru_tensor *tensors; /* the model's; the statistics are read here */
    const struct backprop_family *family;
    size_t hp;                         /* k_padded(H) */
    size_t offsets[LAYER_TENSORS_MAX]; /* in the vector of parameters; SIZE_MAX: it is none of
                                          them, or the model has none */
    union layer_packed packed;
    bool is_trained;
    bool passes_back; /* a layer below is trained too, and wants the gradient by its output; or the
                         one by the window's input is wanted */
    bool holds_chunk; /* its arrays have room for a chunk's rows, not for the window's */
    bool may_drop;    /* there is dropout, and this layer is recurrent and not the last */
    size_t n_rows;    /* R of its arrays */
    size_t at_state;  /* where its part of a lane's state begins; of recurrent layers */
    float *result;    /* [R][Hp] what its own arithmetic gives */
    float *dropped;   /* [R][Hp] the same after dropout; may be `result`. Of recurrent layers */
    union {
        struct backprop_recurrent recurrent;
        struct backprop_dense dense;
    };
};

/* Arrays of a chunk, which serve each layer in turn: floats a row. */
struct backprop_needs {
    size_t pre;     /* [G * Hp] */
    size_t deltas;  /* [ld_deltas] */
    size_t before;  /* copies of rows that do not lie as a product needs them: states before each
                       row [Hp], or readings [k_padded(I)] */
    size_t scratch; /* [3 * Hp] of K_*_BEFORE */
};

struct backprop {
    const struct gru_model *model;
    const struct k_ops *ops;
    struct backprop_options options;
    size_t n_layers, n_parameters, n_states;
    size_t chunk_rows;
    struct backprop_layer layers[LAYER_CHAIN_MAX];
    float *parameters, *gradients;
    float *pre, *deltas, *before, *scratch; /* of a chunk, see struct backprop_needs */
    float *d_rows[2];                       /* of a chunk: gradients between two layers, by turns */
    void *block;                            /* the one allocation that holds every array */
};

/* Whole steps, and their rows. */
struct backprop_chunk {
    size_t first_step, n_steps, first_row, n_rows;
};

/* What a pass carries along. */
struct backprop_pass {
    const struct backprop *bp;
    const struct backprop_window *window;
    const struct backprop_chunk *chunk;
    bool keeps; /* trained layers keep what the way back reads */
};

/* A chunk's rows around a layer, on the way back. */
struct backprop_rows {
    const float *in; /* what the layer saw; readings, which layer 0 sees, have no padding */
    size_t ld_in;
    const float *d_out; /* the gradient by its output */
    size_t ld_d_out;
    float *d_in; /* by its input, where the layer passes it back; the padding becomes zeros */
    size_t ld_d_in;
};

struct backprop_family {
    bool keeps_rows;      /* the way back reads the layer's own rows, not only what it saw */
    bool has_padded_rows; /* it reads d_out with its padding, which must be zeros */
    /* Sets what follows from the layer's shape; NULL: nothing does. */
    void (*describe)(struct backprop_layer *layer);
    struct backprop_needs (*needs)(const struct backprop_layer *layer); /* NULL: none */
    /* Cuts the layer's arrays, but for its packed weights. */
    void (*cut)(const struct backprop *bp, struct backprop_layer *layer,
                struct block_cutter *cutter);
    /* Packs the weights for the way back; values as in layer_kind.h. NULL: there is nothing to. */
    void (*pack)(const float *const *values, struct backprop_layer *layer);
    /* A lane's state (kind->n_states * H floats): in front of the window's first row, and from
     * after row `row` of the layer's arrays. Where the window begins, `state` is not read. Of
     * recurrent layers only. */
    void (*load_state)(const struct backprop *bp, const struct backprop_window *window,
                       const struct backprop_layer *layer, size_t lane, const float *state);
    void (*store_state)(const struct backprop_pass *pass, const struct backprop_layer *layer,
                        size_t lane, size_t row, float *state);
    /* The gradient by a lane's state in front of the window's first row, once all rows are back. Of
     * recurrent layers only. */
    void (*store_first)(const struct backprop_layer *layer, size_t lane, float *d_state);
    void (*forward)(const struct backprop_pass *pass, const struct backprop_layer *layer,
                    const float *in, size_t ld_in);
    /* Adds to the layer's sums of gradients, which `clear` sets to zero and `gather` brings into
     * the order of the parameters. NULL: the sums are the gradients themselves. */
    void (*backward)(const struct backprop_pass *pass, const struct backprop_layer *layer,
                     const struct backprop_rows *rows);
    void (*clear)(const struct backprop *bp, const struct backprop_layer *layer);
    void (*gather)(const struct backprop *bp, const struct backprop_layer *layer);
};

/* Columns of families that see each row by itself: a result of their own, which is what a model
 * gives. */
void backprop_cut_rows(const struct backprop *bp, struct backprop_layer *layer,
                       struct block_cutter *cutter);
void backprop_forward_rows(const struct backprop_pass *pass, const struct backprop_layer *layer,
                           const float *in, size_t ld_in);

extern const struct backprop_family backprop_recurrent_family, backprop_dense_family,
    backprop_norm_family, backprop_batch_norm_family, backprop_activation_family;

/* The result of a layer that has no arrays of rows but this one. */
static inline void backprop_cut_result(struct backprop_layer *layer, struct block_cutter *cutter)
{
    layer->result = block_take_floats(cutter, layer->n_rows, layer->hp);
}

static inline bool backprop_drops(const struct backprop_pass *pass,
                                  const struct backprop_layer *layer)
{
    return pass->window->is_training && layer->may_drop;
}

/* Where the chunk's first row is in a layer's arrays. */
static inline size_t backprop_first_row(const struct backprop_pass *pass,
                                        const struct backprop_layer *layer)
{
    return layer->holds_chunk ? 0 : pass->chunk->first_row;
}

/* What layer l sees of the chunk: the window's readings, or the output of the layer below. */
static inline const float *backprop_in(const struct backprop_pass *pass, size_t l, size_t *ret_ld)
{
    if (l == 0) {
        *ret_ld = pass->bp->layers[0].shape->n_inputs;
        return pass->window->in + pass->chunk->first_row * *ret_ld;
    }
    const struct backprop_layer *below = &pass->bp->layers[l - 1];
    const float *rows = backprop_drops(pass, below) ? below->dropped : below->result;
    *ret_ld = below->hp;
    return rows + backprop_first_row(pass, below) * below->hp;
}

/* Where the chunk's rows are that layer l has given. */
static inline float *backprop_result(const struct backprop_pass *pass,
                                     const struct backprop_layer *layer)
{
    return layer->result + backprop_first_row(pass, layer) * layer->hp;
}

/* The lanes of the step before; before the first they are its own. */
static inline size_t backprop_lanes_before(const struct backprop_window *window, size_t step)
{
    return window->n_lanes[step > 0 ? step - 1 : 0];
}

/* The description of dropping of the chunk's rows of layer l's output, or of the gradient by it. */
static inline struct k_drop backprop_drop(const struct backprop_pass *pass, size_t l)
{
    return (struct k_drop){ .n_rows = pass->chunk->n_rows,
                            .n = pass->bp->layers[l].shape->n_units,
                            .first_row = pass->chunk->first_row,
                            .p = pass->bp->options.dropout,
                            /* a key for each layer */
                            .key = pass->window->dropout_key ^
                                   (l + 1) * UINT64_C(0xd1342543de82ef95) };
}

/* Where the gradient by a tensor goes; NULL: the model has none. */
static inline float *backprop_gradient(const struct backprop *bp,
                                       const struct backprop_layer *layer, size_t tensor)
{
    return layer->offsets[tensor] < SIZE_MAX ? bp->gradients + layer->offsets[tensor] : NULL;
}

#endif
