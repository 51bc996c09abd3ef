/*
 * interval_reply.h - the intervals of a forecast, as a reply tells them. Any thread; memory comes
 * from the arena given.
 */
#ifndef INTERVAL_REPLY_H
#define INTERVAL_REPLY_H

#include "base/arena.h"
#include "service/scores/interval_tracker.h"

/* Of one level. */
struct interval_reply {
    double level;
    double *lower, *upper; /* [n_rows][O], NaN: none, for want of errors or of bounds */
    double *coverage;      /* [n_rows] the share that was within, NaN: none was scored */
    uint64_t *observed;    /* [n_rows] how many were scored */
    bool is_saturated;     /* an interval has no bounds, or the widest floats cannot hold them */
};

struct interval_replies {
    size_t n, n_rows, n_outputs; /* n 0: none were asked for */
    struct interval_reply *of;   /* [n] */
};

/* Room for those of a forecast of n_rows. False: no memory. */
__attribute__((warn_unused_result)) bool
interval_replies_room(const struct interval_levels *levels, size_t n_rows, size_t n_outputs,
                      struct arena *arena, struct interval_replies *ret_replies);
/* The intervals of forecasts[n_rows][O], 1 to n_rows steps ahead. Of a level or a step ahead that
 * the tracker does not have, or without one (NULL), nothing is known. */
void interval_replies_fill(const struct interval_replies *replies,
                           const struct interval_tracker *tracker, const double *forecasts);

#endif
