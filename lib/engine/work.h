/*
 * work.h - scratch memory of a run: one aligned block, cut anew for each run, grown when a run
 * needs more. Private to lib/engine; one thread at a time.
 */
#ifndef WORK_H
#define WORK_H

#include "gru.h"

struct gru_work {
    float *rows; /* the arrays of a run (forward.c) */
    size_t n_row_floats;
    /* Of roll-outs (forecast.c), which themselves call gru_run: the rows that they feed back, and
     * the private state of one. */
    double *roll;
    float *rolled;
    size_t n_roll, n_rolled;
    struct gru_lane *lanes; /* of roll-outs that share a run */
    size_t n_lanes;
    struct gru_lane **order; /* lanes, longest first */
    size_t n_order;
};

/* Each makes its array at least that long; what it held is lost. */
GRU_CHECK enum gru_status gru_work_rows(struct gru_work *work, size_t n_floats);
void gru_work_drop_rows(struct gru_work *work); /* gives their memory back */
GRU_CHECK enum gru_status gru_work_roll(struct gru_work *work, size_t n_doubles, size_t n_state);
GRU_CHECK enum gru_status gru_work_lanes(struct gru_work *work, size_t n_lanes);
GRU_CHECK enum gru_status gru_work_order(struct gru_work *work, size_t n_lanes);

#endif
