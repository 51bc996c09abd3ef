/*
 * trainer.h - the inside of a trainer: trainer.c advances it, checkpoint.c saves it,
 * trained_model.c makes a model of it. Private to lib/engine.
 */
#ifndef TRAINER_H
#define TRAINER_H

#include "engine/train/backprop.h"
#include "engine/train/batches.h"
#include "engine/train/dataset.h"
#include "engine/train/horizon.h"
#include "engine/train/optimizer.h"
#include "engine/train/selection.h"
#include "engine/train/trainer_memory.h"

enum trainer_phase {
    PHASE_BASELINE, /* the starting model's validation */
    PHASE_TRAIN,
    PHASE_VALID,
    PHASE_END
};

/* How far training is, and its results so far, without weights and states. Saved as it is: every
 * field has 8 bytes. */
struct trainer_position {
    uint64_t phase;
    uint64_t cursor;                 /* where the batch under way begins in its part's order */
    uint64_t t;                      /* rows of it that are done */
    uint64_t epoch, step, n_skipped; /* as in gru_progress, and so are those below */
    uint64_t n_updates;              /* the optimizer's */
    uint64_t best_epoch, n_since_best, stopped_early;
    uint64_t n_means; /* steps of the epoch under way that the sums beside hold */
    double loss_sum, accuracy_sum;
    double step_loss, grad_norm;
    double train_loss, train_accuracy, valid_loss, valid_accuracy, best_valid_loss,
        best_valid_accuracy;
    double baseline_valid_loss, baseline_valid_accuracy, persistence_valid_loss;
    /* of the last epoch and of the best one (selection.h); 0 without a selection, and not saved
     * then */
    double valid_standing, best_standing;
};

/* A validation under way. Begun anew after a restore. */
struct trainer_validation {
    double loss, weight;
    size_t n, n_correct;
    double persistence; /* of the baseline's */
    bool has_persistence;
};

struct gru_trainer {
    struct gru_model *base;       /* that it was given */
    struct gru_model *model;      /* what training starts from: the base, or that with a scaling
                                     of its own (scaling_fit.h) */
    struct gru_training training; /* a copy of the struct; the series are the caller's */
    struct gru_training_info info;
    struct dataset dataset;
    struct dataset base_dataset; /* what the base sees in its validation, if its scaling is another
                                  */
    struct backprop *backprop;
    struct optimizer optimizer;
    struct trainer_sizes sizes;
    struct trainer_arrays arrays;
    void *block;                   /* of the arrays */
    struct selection *selection;   /* of the best epoch; NULL: by the pooled loss */
    struct horizon *horizon;       /* NULL: nothing is rolled out */
    size_t roll_steps, roll_phase; /* of the window under way: its rows, its first origin */
    bool validates;
    bool keeps_best;      /* false also where a checkpoint is gone on from that keeps none */
    uint64_t fingerprint; /* of model, data, hyper-parameters and seed */
    struct trainer_position position;
    struct trainer_validation validation;
    size_t n_lanes,
        next; /* of the batch under way: its lanes (0: there is none), the next batch's cursor */
};

/* Whether the starting model's scaling is not the one that is trained. */
static inline bool gru_trainer_is_rescaled(const struct gru_trainer *trainer)
{
    return trainer->base != trainer->model;
}

/* What the network sees in the phase under way. */
static inline const struct dataset *gru_trainer_dataset(const struct gru_trainer *trainer)
{
    return gru_trainer_is_rescaled(trainer) && trainer->position.phase == PHASE_BASELINE
               ? &trainer->base_dataset
               : &trainer->dataset;
}

/* The order of the series in the phase under way. */
struct order gru_trainer_order(const struct gru_trainer *trainer);
/* Takes the batch at the position's cursor, and brings its lanes to the position's row; the states
 * are the caller's to set. */
void gru_trainer_take_batch(struct gru_trainer *trainer);
/* Begins the phase's first batch. */
void gru_trainer_begin_phase(struct gru_trainer *trainer, enum trainer_phase phase);

/* Packs the parameters, after they were changed. */
void gru_trainer_refresh(struct gru_trainer *trainer);

/* The learning rate of the next update. */
double gru_trainer_rate(const struct gru_trainer *trainer);

/* The weights that gru_trainer_model gives: [P]. */
const float *gru_trainer_weights(const struct gru_trainer *trainer);

#endif
