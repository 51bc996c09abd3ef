/*
 * evaluate.h - a back-test of a version on a series: it forecasts from each row in turn, as a
 * session that had taken the rows up to there would, and is compared with the rows behind. It
 * keeps no session and changes nothing.
 *
 * An evaluation belongs to one thread from its beginning to its end, and is gone on with in slices
 * like a prediction, by predict_go_on and predict_end. The roll-outs of many origins share the
 * weights; those, and the forecasts, are all that it keeps, so its memory does not grow with the
 * series.
 */
#ifndef EVALUATE_H
#define EVALUATE_H

#include "base/arena.h"
#include "base/status.h"
#include "gru.h"
#include "service/scores/back_test.h"
#include "service/sessions/predict.h"

#include <stddef.h>

/* The caller fills the upper part, and of the prediction `gru` and `version`. What it points to
 * lives in the arena. */
struct evaluation {
    struct prediction prediction; /* what it is handed in as */
    const double *x;              /* [n_rows][I] NaN: missing */
    size_t n_rows;
    const double *y;        /* [n_rows][O] what the outputs shall be at each row, NaN: not
                               known; NULL: their own inputs' next values are */
    size_t horizon, season; /* season 0: the model's, if it has one and n_rows are more */
    double level;           /* of the intervals; 0: none */

    /* The verb's own; `back_test` has the result. */
    struct back_test back_test;
    size_t roll_rows;        /* of an origin: those that it is rolled out by */
    size_t most_origins;     /* at once */
    size_t n_begun, n_ready; /* rows that were run; of them, those whose forecasts wait */
    const double *future;    /* [n_rows][n_future] what no output feeds, or NULL: no need */
    float *state;            /* after the last row that was run */
    float *states;           /* [most_origins] of those that wait */
    double *forecasts;       /* likewise */
    size_t forecast_values;  /* of one */
    struct gru_roll *rolls;  /* [most_origins] */
};

/* The most rows that it runs through in all, if n_rows are given. */
size_t evaluation_rows(const struct gru_model *gru, size_t n_rows, size_t horizon);
/* Checks that there is something to compare, and begins. */
enum status evaluation_begin(struct evaluation *evaluation, struct arena *arena,
                             struct fault *fault);

#endif
