/*
 * backprop_network.h - the inside of a struct backprop, which backprop.c makes and the passes use.
 * Private to backprop*.c.
 *
 * A window is passed in chunks of whole steps, through all layers one chunk after the other, so
 * that what is handed from one product to the next stays in the second-level cache. Only what the
 * way back reads is stored for the whole window.
 */
#ifndef BACKPROP_NETWORK_H
#define BACKPROP_NETWORK_H

#include "engine/train/backprop.h"
#include "kernels/train.h"

/* Rows of a chunk, if a step has no more: enough for full-speed products, few enough for the
 * caches. */
enum { BACKPROP_CHUNK_ROWS = 128 };

/* Rows of a layer's arrays are Hp floats. An array of states has, in front of the window's row 0,
 * room for the states before it: those of the step before a step are always the rows right before
 * it. */
struct backprop_layer {
    size_t hp, n_gates; /* the true sizes are run.i and run.h */
    const struct k_cell_traits *cell;
    const struct k_planes *planes;
    size_t ld_deltas;
    size_t offsets[GRU_N_LAYER_TENSORS]; /* in the vector of parameters; SIZE_MAX: the model has
                                            none */
    struct k_layer run;
    struct k_back_layer back;
    float *bias_x, *bias_n;  /* run's */
    size_t n_rows;           /* of h and out: R, or a chunk's where only the read-out is trained */
    float *h, *c;            /* [R] states after each row, c only of the three-gate cell */
    float *out;              /* [R] what the next layer sees, where that is not h */
    float *kept;             /* [R][n_kept * Hp] */
    float *d_h, *d_hu, *d_c; /* [B] gradients by the state, on their way back */
    float *sums;             /* [planes * Hp] gradients of biases */
    float *d_w, *d_u;        /* [I][G * Hp], [H][G * Hp] gradients of weights, by planes */
};

struct backprop {
    const struct gru_model *model;
    const struct k_ops *ops;
    struct backprop_options options;
    size_t n_layers, n_parameters, head_offset;
    size_t chunk_rows;
    size_t y; /* S * O */
    struct backprop_layer layers[GRU_LAYERS_MAX];
    struct k_matrix head, head_t;
    float *head_bias; /* [k_padded(Y)] */
    float *d_head;    /* [Y][Hp of the last layer] */
    float *parameters, *gradients;
    /* of a chunk */
    float *pre;      /* [rows][G * Hp] */
    float *deltas;   /* [rows][ld_deltas] */
    float *d_out[2]; /* [rows][Hp] by a layer's output, and by its inputs */
    float *before; /* [rows][Hp] copies of the states before each row, where those do not follow one
                      another */
    float *scratch;  /* [rows][3 * Hp] of K_*_BEFORE */
    float *head_out; /* [rows][k_padded(Y)] */
    float *block;    /* the one allocation that holds every array */
};

/* Whole steps, and their rows. */
struct backprop_chunk {
    size_t first_step, n_steps, first_row, n_rows;
};

static inline bool backprop_has_own_out(enum k_cell cell)
{
    return cell == K_OUTPUT_GATE_AFTER || cell == K_OUTPUT_GATE_BEFORE;
}

static inline bool backprop_drops(const struct backprop *bp, const struct backprop_window *window)
{
    return window->is_training && bp->options.dropout > 0;
}

/* What the layer above sees of a layer's row (of its array's, see n_rows). */
static inline float *backprop_out(const struct backprop *bp, const struct backprop_window *window,
                                  size_t l, size_t row)
{
    const struct backprop_layer *layer = &bp->layers[l];
    bool own = backprop_has_own_out(layer->run.cell) || backprop_drops(bp, window);
    return (own ? layer->out : layer->h) + row * layer->hp;
}

/* The lanes of the step before; before the first they are its own. */
static inline size_t backprop_lanes_before(const struct backprop_window *window, size_t step)
{
    return window->n_lanes[step > 0 ? step - 1 : 0];
}

/* Drops of a chunk's rows of layer l's output, or of the gradient by it. */
void backprop_drop(const struct backprop *bp, const struct backprop_window *window,
                   const struct backprop_chunk *chunk, size_t l, const float *from, float *to);

#endif
