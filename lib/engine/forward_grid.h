/*
 * forward_grid.h - the inside of a run (forward.c): its arrays and their memory, and the chain of
 * layers that the rows of a chunk pass. Private to lib/engine; owns nothing.
 */
#ifndef FORWARD_GRID_H
#define FORWARD_GRID_H

#include "engine/model.h"

enum {
    GRID_LANES = 64,
    GRID_ROWS = 128 /* rows of a chunk: enough for a full-speed product, few enough to stay in the
                       second-level cache */
};

/* The arrays of one run. R rows of a chunk, B lanes of a group. A model that reads both ways runs
 * one lane at a time, and all its rows are one chunk. */
struct grid {
    const struct gru_model *model;
    const struct k_ops *ops;
    struct gru_lane **lanes; /* [B], longest first */
    size_t n_lanes;          /* B: those that still run */
    size_t t, n_steps;       /* the chunk's first row, and its length in steps */
    double *raw;             /* [R][I] readings as the network sees them, but in raw units (missing
                                ones filled) */
    float *in;      /* [R][k_padded(I)] what the first layer sees; room for any layer's outputs */
    float *between; /* [R][Hp] outputs of every other layer */
    float *y_out;   /* [R][k_padded(S * O)] the read-out's */
    float *h, *pre, *scratch; /* what layers need besides (layer_kind.h) */
    float *turned, *half;     /* [GRID_ROWS][Hp] of layers that read both ways: rows in the other
                                 order, and one half's outputs */
    float *states;            /* per layer: n_states arrays [B][Hp] */
    double *last;             /* [B][I] last observed values */
    double *y;                /* [B][S * O] the lane's last output */
    /* Of models with transforms, [B][transform_floats]: their states after the rows that were read,
     * and after those whose outputs were written, a chunk later at most. */
    float *seen, *written;
};

/* The layers of the model must be described. n_rows: of the longest lane; it matters to a model
 * that reads both ways alone. False: it is more than a size_t counts. */
GRU_CHECK bool gru_run_lay_out(const struct gru_model *model, size_t n_rows,
                               struct run_layout *ret_layout);

/* From `in` to `y_out`, before the activation of the outputs. Returns the first step whose output
 * there is: lanes end only where a chunk ends, so if the rows between are not wanted, layers that
 * see each row alone have only the last step's to do. */
size_t gru_grid_run_layers(const struct grid *g);
/* The same for a model that reads both ways. */
size_t gru_grid_run_both_ways(const struct grid *g);

#endif
