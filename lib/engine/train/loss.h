/*
 * loss.h - losses and their gradients by the read-out, over rows of a window. Private to
 * lib/engine; pure functions.
 *
 * mse, mae and huber (delta 1; P. J. Huber, "Robust Estimation of a Location Parameter", Annals of
 * Mathematical Statistics 35(1), 1964) compare what comes after the read-out's activation, bce and
 * cross_entropy take what comes before it, in the forms that neither overflow nor lose digits. A
 * missing target is NaN. A loss is a sum over the targets that are there; the caller divides by
 * their number, or by the sum of their weights.
 */
#ifndef LOSS_H
#define LOSS_H

#include "engine/model.h"

/* Y: floats in a row of targets: S * O, or with cross entropy the class numbers of S decisions. */
size_t gru_loss_width(const struct gru_info *info, enum gru_loss loss);

/* Whether the loss takes the read-out before its activation (logits), and counts what was
 * classified right.
 */
static inline bool gru_loss_takes_logits(enum gru_loss loss)
{
    return loss == GRU_BCE || loss == GRU_CROSS_ENTROPY;
}

/* What is lost, and of which outputs. */
struct loss_terms {
    const struct gru_info *info;
    enum gru_loss loss;
    const double *class_weights;  /* [O] of cross_entropy; NULL: they are all 1 */
    const double *output_weights; /* [O] of the other losses; NULL: they are all 1 */
};

struct loss_sum {
    double loss;
    double weight;    /* what it is a sum over: n, or the weights of the targets */
    size_t n;         /* targets that were there */
    size_t n_correct; /* of them; only bce and cross_entropy count */
};

/*
 * out: [R][S * O], the read-out before its activation, which is applied in place where the loss
 * compares after it. targets: [R][Y] in the network's units. n: how many of them are there; d_out
 * [R][S * O] becomes the gradient of loss / weight by the read-out before its activation. d_out may
 * be NULL.
 */
struct loss_sum gru_loss(const struct loss_terms *terms, size_t n_rows, float *out,
                         const float *targets, size_t n, float *d_out);

/* The weight of an output's losses, in a column of S * O. */
static inline double gru_output_weight(const struct loss_terms *terms, size_t column)
{
    return terms->output_weights ? terms->output_weights[column % terms->info->n_outputs] : 1;
}

/* The loss of one forecast by one target, after any activation; mse, mae and huber only. */
double gru_loss_of_one(enum gru_loss loss, double difference);
/* Its derivative; NaN stays NaN. */
double gru_loss_slope(enum gru_loss loss, double difference);
/* A row of S * O: d, the gradient by the read-out after its activation, a, becomes that by the one
 * before it, z, which is spoiled. */
void gru_loss_undo_activation(const struct gru_info *info, const float *a, float *z, float *d);

#endif
