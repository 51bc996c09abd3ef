/*
 * sequence_intervals.h - prediction intervals of a whole sequence, from the forecasts that could
 * have been made inside it: its last rows are run one at a time, each is an origin of a forecast as
 * long as the one that was asked for, and a tracker scores them as it would a session's. It begins
 * from the validation of the version, where that is known: what other sessions have seen is not
 * asked, so that the same rows always have the same intervals. Memory comes from the arena given;
 * one thread.
 */
#ifndef SEQUENCE_INTERVALS_H
#define SEQUENCE_INTERVALS_H

#include "base/arena.h"
#include "gru.h"
#include "service/scores/interval_reply.h"

#include <stdbool.h>
#include <stddef.h>

/* So many origins at most: 200 of 12 steps cost what 2400 rows do. */
enum { SEQUENCE_ORIGINS_MAX = 200 };

struct sequence_intervals {
    const struct gru_model *gru;
    const struct interval_levels *asked; /* to be told; NULL: none */
    struct interval_layout layout;
    struct interval_tracker tracker;
    size_t n_ahead;     /* rows of a forecast, y included */
    double *forecast;   /* [n_ahead][O] */
    double *future;     /* [n_ahead][n_future] */
    double *truths;     /* [O] */
    size_t n_rows;      /* T */
    size_t row;         /* the next one */
    size_t n_rows_left; /* that the network still runs, those of forecasts included */
    struct arena *arena;
};

/* How many of the first rows are run as ever: all of a short sequence but one must be origins. */
size_t sequence_intervals_first(size_t n_rows);
/* Of forecasts of n_ahead rows, y included. NULL: no memory. */
struct sequence_intervals *sequence_intervals_create(const struct gru_model *gru,
                                                     const struct interval_levels *levels,
                                                     size_t n_ahead, size_t n_rows,
                                                     struct arena *arena);
/* The next row of x ([T][I]): the lane's state goes on by it, and its y is the row's. GRU_OK, the
 * lane's status, or GRU_NO_MEMORY. What cannot be forecast from there is not scored. */
GRU_CHECK enum gru_status sequence_intervals_go_on(struct sequence_intervals *intervals,
                                                   struct gru_work *work, const double *x,
                                                   struct gru_lane *lane);
/* Once no rows are left: those of the forecast behind the sequence, [n_ahead][O]. False: no memory.
 */
__attribute__((warn_unused_result)) bool
sequence_intervals_tell(const struct sequence_intervals *intervals, const double *forecast,
                        struct interval_replies *ret_replies);

#endif
