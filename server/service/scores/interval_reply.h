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
    float *lower, *upper; /* [n_rows][O], NaN: none, for want of errors or of bounds */
    double *coverage;     /* [n_rows] the share that was within, NaN: none was scored */
    uint64_t *observed;   /* [n_rows] how many were scored */
    bool is_saturated;    /* an interval has no bounds, or the widest floats cannot hold them */
};

struct interval_replies {
    size_t n, n_rows, n_outputs; /* n 0: none were asked for */
    struct interval_reply *of;   /* [n] */
};

/* The intervals at `levels` of forecasts[n_rows][O], 1 to n_rows steps ahead; the tracker has these
 * levels. False: no memory. */
bool interval_replies_make(const struct interval_tracker *tracker,
                           const struct interval_levels *levels, const float *forecasts,
                           size_t n_rows, struct arena *arena,
                           struct interval_replies *ret_replies);

#endif
