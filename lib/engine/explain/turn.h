/*
 * turn.h - from what a read-out gives to raw forecasts, and the slopes of that: transforms turned
 * back (engine/transform.h). Private to lib/engine/explain; pure functions.
 *
 * An output gives û_1, û_2, ... of the rows ahead. Raw they are x̂_j = base_j + unit_j û_j, whose
 * maps depend on the x̂ before them:
 *
 *     difference   base_j = x̂_{j-1}; seasonal: x̂_{j-season}, or, while that is not known,
 *                  x̂_j = x̂_{j-1}
 *     level        base_j = l_{j-1}, unit_j = s_{j-1}; with d_j = unit_j û_j
 *                  l_j = l_{j-1} + r d_j,  s_j = s_{j-1} + r' (|d_j| - s_{j-1})
 *
 * and the slopes of one x̂ by all û before it are found from the last to the first.
 */
#ifndef TURN_H
#define TURN_H

#include "engine/model.h"
#include "engine/transform.h"

/* Of one stream; J rows ahead. */
struct turn_lane {
    double *u, *raw; /* [J][O] */
    double *unit;    /* [J][O] 0: the transform is not known there, and the network sees the mean */
    double *slopes;  /* [J][O] */
    struct transform_walk *walks; /* [n_transformed] */
};

/* state: that the forecasts follow. */
void gru_turn_begin(const struct gru_model *model, const float *state, struct turn_lane *lane);
/* Rows first ... first + n - 1, whose u are there. */
void gru_turn_on(const struct gru_model *model, struct turn_lane *lane, size_t first, size_t n);
/* Sets the slopes of raw[row][output] by all u. */
void gru_turn_slopes(const struct gru_model *model, const float *state, struct turn_lane *lane,
                     size_t n_rows, size_t row, size_t output);

#endif
