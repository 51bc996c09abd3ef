/*
 * tail.h - what a session's record keeps behind its state: a tracker of its intervals, and behind
 * that, one after the other, the parts that the session has asked for. All of it is one block of
 * bytes, without pointers; which parts there are is said elsewhere, by the record's class.
 *
 * A part follows from the tracker before it: how large it is from the tracker's layout, what it
 * waits for from what waits there. A new part is a row of the table in tail.c.
 *
 * Pure functions of the bytes: any thread, one at a time for one block.
 */
#ifndef TAIL_H
#define TAIL_H

#include "service/scores/interval_tracker.h"

/* A bit each, in the order in which they lie. */
enum {
    TAIL_ANOMALY = 1 << 0, /* how unusual readings are: anomaly.h */
    TAIL_BLEND = 1 << 1    /* mixed forecasts: blend.h */
};
#define TAIL_PART_WORDS "anomaly|blend" /* likewise, as clients have them */
enum { TAIL_PARTS = 2, TAIL_PARTS_ALL = (1 << TAIL_PARTS) - 1, TAIL_PART_NAME_MAX = 15 };

struct tail {
    struct interval_tracker tracker; /* the bytes are the tail's */
    uint32_t parts;
};

size_t tail_bytes(const struct interval_layout *layout, uint32_t parts);
/* Where one of its parts is. */
void *tail_part(const struct tail *tail, uint32_t part);

/* Each of these does to the parts what that of interval_tracker.h does to the tracker. */
void tail_begin(const struct tail *tail);
/* What only one of them has begins, or ends. */
void tail_take(const struct tail *tail, const struct tail *from);
/* But for what is mixed, which needs more (blend_step). */
void tail_step(const struct tail *tail, uint64_t step, const double *truths,
               const double *forecasts, size_t n_horizons);
void tail_rescale(const struct tail *tail, size_t output, size_t ahead, double ratio);
/* Forecasts are those of another version from here on; what waits is to be dropped, too. */
void tail_change_version(const struct tail *tail);
void tail_drop_waiting(const struct tail *tail);
void tail_restart(const struct tail *tail);
bool tail_is_valid(const struct tail *tail);

#endif
