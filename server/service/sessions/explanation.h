/*
 * explanation.h - why a forecast is what it is: integrated gradients (gru_explain.h) from readings
 * that a session keeps, as rows of a prediction. For steps and for forecasts of sessions.
 *
 * What is explained are copies, so the session may go on meanwhile. One thread at a time. Memory
 * comes from the arena, but for that of the path, which counts as a request's and is there from
 * explanation_begin to explanation_end.
 */
#ifndef EXPLANATION_H
#define EXPLANATION_H

#include "base/arena.h"
#include "base/status.h"
#include "gru.h"

#include <stdbool.h>
#include <stddef.h>

struct forecast_options;
struct prediction;
struct service_context;

/* What a request asks: `explain` in its body. */
struct explain_wish {
    size_t output, ahead; /* from 1 */
};

struct explanation {
    struct arena *arena;
    const struct forecast_options *forecast_options; /* with `explain` */
    const float *state;                              /* after the last reading */
    const double *x;                                 /* [n_rows][I] the last readings */
    size_t n_rows;

    bool is_ready;
    struct gru_explanation result; /* its `inputs` are in the arena */

    /* explanation.c's own: */
    struct gru_explain *explain;
    size_t n_bytes; /* of it, that count as a request's */
};

/* On failure nothing is begun. */
enum status explanation_begin(struct explanation *explanation, const struct gru_model *gru,
                              struct fault *fault);
size_t explanation_rows_left(const struct explanation *explanation);
/* For `run_rows` of a prediction (predict.h) that has no other rows left. */
enum status explanation_run(struct service_context *context, struct explanation *explanation,
                            struct prediction *prediction, size_t most_rows, struct fault *fault);
void explanation_end(struct explanation *explanation);

#endif
