/*
 * horizon.h - the loss of roll-outs: forecasts 1 to H rows ahead, fed back as gru_forecast feeds
 * them, and its gradients through what was fed back. Private to lib/engine; one thread at a time.
 *
 * A roll-out begins behind a row of a window, an origin. Its block 0 is what the network gave for
 * that row: S rows ahead. Block k + 1 is what it gives S rows later, for the last S forecasts as
 * readings of the inputs that outputs feed, and the series' own readings of the others. A block
 * that begins k S rows behind the origin has the targets of the row there, so far as they are at
 * most H rows ahead. The loss is the mean over all of them.
 *
 * Origins are every `spacing`th row of a window, from a row on that training draws for each window.
 * With a roll-out from each row an epoch would cost H ordinary ones; spaced by a quarter of their
 * length it costs about 5, whatever H is, and since neighbours share most of their way, little is
 * lost. Each reading is still forecast by about 4 roll-outs, over epochs at all distances alike.
 *
 * The rows behind an origin are a window of their own, of another struct backprop with the same
 * weights, so that the gradient passes from each block to the one before it, and from the first
 * into the states and the output of the origin's row, and through the window that it is in.
 */
#ifndef HORIZON_H
#define HORIZON_H

#include "engine/block.h"
#include "engine/train/backprop.h"
#include "engine/train/dataset.h"

enum { HORIZON_SHARES = 4 }; /* roll-outs that are under way at a row */

/* A roll-out. */
struct horizon_origin {
    size_t row;  /* of the window */
    size_t lane; /* of the batch */
    size_t t;    /* the row of that lane */
    size_t n_blocks;
};

/* The window that the origins are in. */
struct horizon_window {
    const struct dataset_lane *lanes;
    size_t t; /* the lanes' row that it begins with */
    size_t n_steps;
    const size_t *n_lanes; /* [n_steps] */
    size_t phase;          /* the first row that is an origin, below the spacing */
};

/* Of the largest window: N origins, K blocks, B lanes and T steps of a window, R = T * B. */
struct horizon_sizes {
    size_t n_blocks, spacing;
    size_t n_origins;       /* N */
    size_t n_window_rows;   /* R */
    size_t n_block_rows;    /* S * N: rows of a block that the network sees */
    size_t n_steps, n_rows; /* (K - 1) * S, and of N lanes */
    size_t n_outputs;       /* K * N: rows that are compared */
    size_t n_state_floats;  /* hidden ones of a lane */
};

struct horizon {
    const struct dataset *dataset; /* what is compared with, in the units of losses */
    const struct dataset *seen;    /* what the network sees and gives: another one's only in the
                                      validation of a model with another scaling */
    struct horizon_sizes sizes;
    struct backprop *backprop;      /* of the rows behind the origins */
    struct horizon_origin *origins; /* [N] longest first */
    size_t *n_of;                   /* [K + 1] origins that have more than so many blocks */
    size_t *marks;                  /* [R] as in struct backprop_window */
    size_t *n_lanes;                /* [(K - 1) * S] */
    float *states, *d_states;       /* [N][hidden states] behind the origins, and the gradients */
    float *in;                      /* [(K - 1) * S * N][I] */
    float *out, *d_out;             /* [S * N][S * O] of a block */
    float *d_in;                    /* [S * N][I] of a block */
    float *z, *a, *targets;         /* [K * N][S * O] read-outs before and after their activation,
                                       and targets in the network's units; NaN: none */
    double *raw;                    /* [N][S * O] forecasts of a block; and gradients by them */
    double *base, *d_base;          /* [N][O] what residual outputs are added to; the gradients */
    double *naive;                  /* [N][O] what persistence forecasts, raw */
    void *block;
    struct backprop_window window;
};

/* Whether the training has roll-outs: else the S rows of each output are all. */
bool gru_has_horizon(const struct gru_model *model, const struct gru_training *training);
/* Bytes that one takes for windows of n_lanes * n_steps rows; false: more than fits. */
GRU_CHECK bool gru_horizon_bytes(const struct dataset *dataset, const struct gru_model *model,
                                 size_t n_lanes, size_t n_steps, size_t *ret_n_bytes);
/* GRU_NO_MEMORY. The dataset and the model are borrowed. */
GRU_CHECK enum gru_status gru_horizon_create(const struct dataset *dataset,
                                             const struct gru_model *model, size_t n_lanes,
                                             size_t n_steps, struct horizon **ret_horizon);
void gru_horizon_free(struct horizon *horizon); /* takes NULL */

/* The weights are the parameters' from here on. */
void gru_horizon_refresh(struct horizon *horizon, const float *parameters);
/* Finds the origins of a window: marks, states and d_states are for its struct backprop_window. */
void gru_horizon_begin(struct horizon *horizon, const struct horizon_window *window);
/* Rolls out; `out` is what the network gave in the window: [R][S * O] before the activation. */
struct loss_sum gru_horizon_forward(struct horizon *horizon, const struct horizon_window *window,
                                    const float *out, bool is_training, uint64_t dropout_key);
/* After a forward pass with is_training: the gradient of loss / weight. d_out becomes that by `out`
 * of the window's n_rows rows; d_states, and the parameters' of horizon->backprop, are its others.
 */
void gru_horizon_backward(struct horizon *horizon, double weight, size_t n_rows, float *d_out);

/* Origins that have a block k, the first ones; block 0: all. */
static inline size_t gru_horizon_lanes(const struct horizon *horizon, size_t k)
{
    return horizon->n_of[k];
}

/* Where block k begins in z, a and targets: each earlier one has as many rows as origins. */
size_t gru_horizon_first(const struct horizon *horizon, size_t k);

#endif
