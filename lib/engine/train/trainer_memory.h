/*
 * trainer_memory.h - which arrays a trainer has and how much memory they take: for making one, and
 * for the check that tells the size beforehand. Private to lib/engine; pure functions.
 */
#ifndef TRAINER_MEMORY_H
#define TRAINER_MEMORY_H

#include "engine/train/backprop.h"
#include "engine/train/dataset.h"
#include "engine/train/optimizer.h"
#include "engine/train/schedule.h"

/* What a window of a batch is made from; cut out of one block. B lanes, T steps, R = T * B rows, P
 * parameters (P' of them trained). */
struct trainer_arrays {
    float *in;                             /* [R][I] */
    float *out;                            /* [R][S * O] */
    float *d_out;                          /* [R][S * O] */
    float *targets;                        /* [R][Y] */
    float *states;                         /* [B][the layers' part of a gru state] */
    float *moments[OPTIMIZER_MOMENTS_MAX]; /* [P'] each, or NULL */
    float *start;                          /* [P'] the starting weights, for l2_sp; or NULL */
    float *best;  /* [P] the best epoch's weights; NULL without validation */
    double *seen; /* [B][I + O] what was last observed, for persistence; NULL without validation */
    double *class_weights;            /* [O], or NULL: they are all 1 */
    struct schedule_plateau *plateau; /* [1] in checkpoints of trainings with that schedule */
    struct dataset_lane *lanes;       /* [B] of the batch under way, longest first */
    size_t *n_lanes;                  /* [T] */
};

/* Their sizes. */
struct trainer_sizes {
    size_t n_lanes, n_steps, n_rows; /* B, T, R */
    size_t n_parameters, n_trained;  /* P, P' */
    size_t n_states;                 /* floats of arrays.states */
};

/* False: more than a size_t counts. */
GRU_CHECK bool gru_trainer_sizes(const struct gru_model *model, const struct gru_training *training,
                                 struct trainer_sizes *ret_sizes);

struct backprop_options gru_trainer_backprop_options(const struct gru_training *training,
                                                     const struct trainer_sizes *sizes);

/* The arrays, cut from a block or only counted (block.h). */
void gru_trainer_cut(const struct dataset *dataset, const struct trainer_sizes *sizes,
                     struct block_cutter *cutter, struct trainer_arrays *arrays);

/* gru_training_info.n_bytes, but for the struct of the trainer itself; false: more than fits. */
GRU_CHECK bool gru_trainer_bytes(const struct gru_model *model, const struct dataset *dataset,
                                 size_t *ret_n_bytes);

#endif
