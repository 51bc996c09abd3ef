/*
 * interval_classes.h - the classes of records that hold sessions' prediction intervals in their
 * tails (pool.h). Pure; any thread.
 */
#ifndef INTERVAL_CLASSES_H
#define INTERVAL_CLASSES_H

#include "service/pool/pool.h"
#include "service/scores/interval_levels.h"

/* What the tails of a class depend on, beside the outputs. One with other levels is another kind:
 * a session drops its tail when other levels are offered. */
struct interval_class {
    float offered[INTERVAL_LEVELS_MAX];
    uint32_t n_offered, n_horizons;
    uint32_t n_levels; /* that a tail has room for: 1, or all that are offered */
};
struct interval_class interval_class_of(const struct pool_class *kind);

/* A tail is a mask of the offered levels that it has, a bit each (0: it has not begun), and the
 * bytes of a tracker (scores/interval_tracker.h). */
enum { INTERVAL_TAIL_HEAD = sizeof(uint32_t) };

/* One step ahead for one level or for all, and all levels for 4, 12 and most steps ahead. Returns
 * how many. */
size_t interval_classes(const struct interval_levels *offered, size_t horizon_max, size_t n_outputs,
                        struct pool_class classes[POOL_CLASSES_MAX]);

#endif
