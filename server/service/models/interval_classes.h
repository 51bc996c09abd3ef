/*
 * interval_classes.h - the classes of records that hold sessions' prediction intervals in their
 * tails (pool.h). Pure; any thread.
 */
#ifndef INTERVAL_CLASSES_H
#define INTERVAL_CLASSES_H

#include "service/pool/pool.h"
#include "service/scores/tail.h"

#include <string.h>

/* What the tails of a class depend on, beside the outputs. One with other levels is another kind:
 * a session drops its tail when other levels are offered. */
struct interval_class {
    float offered[INTERVAL_LEVELS_MAX];
    uint32_t n_offered, n_horizons;
    uint32_t n_levels;                   /* that a tail has room for: 1, or all that are offered */
    struct interval_untracked untracked; /* outputs without a place in it */
};
static inline struct interval_class interval_class_of(const struct pool_class *kind)
{
    struct interval_class meaning;
    memcpy(&meaning, kind->meaning, sizeof meaning);
    return meaning;
}

/* A tail is that of scores/tail.h; its mark in the copy tells which of the offered levels it has, a
 * bit each (0: it has not begun). This is the layout of the tracker of that class, of a model with
 * so many outputs. */
struct interval_layout interval_class_layout(const struct pool_class *kind, size_t n_outputs);
/* Which parts there are behind it. */
uint32_t interval_class_parts(const struct pool_class *kind);

/* One step ahead and 12 for one level or for all, and all levels for 4 and most steps ahead; each
 * of them with any of the parts. Returns how many: none, if no output can be tracked. */
size_t interval_classes(const struct interval_levels *offered, size_t horizon_max,
                        const struct gru_info *info, struct pool_class classes[POOL_CLASSES_MAX]);

/* A pool_translate_tail (pool.h). Between classes for the same levels and of the same parts, of
 * which the new one reaches as far or farther, all that is known of the outputs that both track
 * goes on bit for bit. A tail of former files began with the mask, and had no means of widths and
 * scores. */
bool interval_classes_translate(const struct pool_class *from, const struct pool_tail *tail,
                                const struct pool_class *to, struct pool_tail *ret_tail,
                                size_t n_outputs);

#endif
