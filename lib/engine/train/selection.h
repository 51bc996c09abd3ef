/*
 * selection.h - which epoch was the best one, as a comparison (gru_validation.h) would judge it:
 * stream by stream, without outliers and without outputs that are constant. A pooled loss is ruled
 * by the stream with the largest errors. Private to lib/engine.
 *
 * A trainer that validates has one. What counts is found once, by the comparison's own screen;
 * then a validation adds up losses by stream, in a scratch copy of the read-out, so that the pooled
 * loss stays what it is.
 */
#ifndef SELECTION_H
#define SELECTION_H

#include "engine/train/dataset.h"

struct selection_series {
    size_t stream, first_row; /* of its targets; SIZE_MAX: it has none */
    size_t first_flag;
};

struct selection {
    size_t n_streams;
    double *base; /* [n_streams] what the starting model loses; in checkpoints */
    double *loss; /* [n_streams] of the validation under way */

    struct selection_series *series; /* [n_series] of the validation */
    const struct gru_series *first;  /* of them */
    unsigned char *counts;           /* a flag a target: whether it counts */
    size_t *n;                       /* [n_streams] those that do */
    double *ratios;                  /* [n_streams], scratch */
    float *targets;                  /* [Y], scratch */
    void *block;                     /* of all arrays */
};

/* `model` has the scaling that is trained (gru_comparison_create). NULL in ret_selection: one
 * stream of which everything counts, so that the pooled loss says the same. GRU_NO_MEMORY, or
 * GRU_BAD_ARGUMENT if there is no validation target. */
GRU_CHECK enum gru_status gru_selection_create(struct gru_model *base, struct gru_model *model,
                                               const struct gru_training *training,
                                               struct selection **ret_selection);
void gru_selection_free(struct selection *selection); /* takes NULL */
/* Bytes that one takes at most; false: more than fits. */
GRU_CHECK bool gru_selection_bytes(const struct dataset *dataset, size_t *ret_n_bytes);

/* A validation begins. */
void gru_selection_begin(struct selection *selection);
/* Adds row t of a lane: out is [S * O] before the activation, and spoiled; targets: [Y]. */
void gru_selection_add(struct selection *selection, const struct dataset *dataset,
                       const struct dataset_lane *lane, size_t t, float *out, const float *targets);
/* The validation is over, and was the starting model's. */
void gru_selection_take_base(struct selection *selection);
/* The median over streams of the loss of the validation by the starting model's: less is better. */
double gru_selection_standing(struct selection *selection);

#endif
