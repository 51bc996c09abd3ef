/*
 * anomaly.h - how unusual a reading was, given what was forecast for it: a p-value. Of readings
 * that are as all others were, a share p has a p-value of at most p.
 *
 * For each output the size of the error one step ahead, in means of such sizes, is looked up among
 * those that came before:
 *
 *     r = |e| / s                                        s as it was before the reading
 *     p = (readings with a larger r + 1) / (n + 1)       larger within its bin: by a line
 *     s += max(0.005, 2 / (m + 1)) (min(|e|, c s) - s)   the m-th error; c = 32
 *
 * It is the rank of a conformal p-value (Vovk, Gammerman, Shafer, Algorithmic Learning in a Random
 * World, 2005) among errors brought to one scale, so it assumes nothing of how they are
 * distributed. The ranks are kept in 26 bins, two an octave from 1/128 to 32. When 2 000 readings
 * are counted, all counts are halved: what is older counts less and less, and p reaches 1/2001.
 *
 * The scale is not the half-width of the intervals: that follows within ten readings, and a burst
 * of anomalies would be as wide as itself. Nor may a burst become the usual by being counted: of
 * the readings with p < 0.01 three may come together, and one for each 50 readings counts in full,
 * twice as many as are due. Each further one counts a sixteenth, and moves s by c = 4. What stays
 * is usual after some hundred readings all the same.
 *
 * Several outputs: the p-value of the reading is the smallest of its outputs', times how many of
 * them there are, and at most 1 (Bonferroni), which holds however they depend on each other.
 *
 * An output takes 64 bytes. Pure functions of the bytes: any thread, one at a time.
 */
#ifndef ANOMALY_H
#define ANOMALY_H

#include "service/scores/interval_tracker.h"

enum { ANOMALY_BINS = 26, ANOMALY_WARM_UP = 20 /* readings before there is a p-value */ };

/* Of an output. */
struct anomaly {
    float p;        /* of the last reading; NaN: none */
    float scale;    /* s */
    uint8_t n_seen; /* errors in it, up to 255 */
    uint8_t credit; /* readings that may yet count in full, however unusual: in 50ths */
    uint16_t bins[ANOMALY_BINS]; /* sixteenths of readings, and */
    uint16_t n_units;            /* in all */
};
_Static_assert(sizeof(struct anomaly) == 64, "as is told");

/* Of the outputs that a tracker tracks; aligned to 4. */
size_t anomaly_bytes(const struct interval_layout *layout);
void anomaly_begin(const struct interval_tracker *tracker, void *bytes);
/* From one of the same session, behind a tracker of another layout, with as many outputs. Those
 * that it does not track begin. */
void anomaly_take(const struct interval_tracker *tracker, void *bytes,
                  const struct interval_tracker *from_tracker, const void *from);
/* Errors so many steps ahead are `ratio` times as large from here on (> 0). */
void anomaly_rescale(const struct interval_tracker *tracker, void *bytes, size_t output,
                     size_t ahead, double ratio);
/* Of the last reading nothing is told any more: the session is at another moment. */
void anomaly_drop(const struct interval_tracker *tracker, void *bytes);

/* A reading has come, of which `truths`[O] (NaN: missing, or not to be known) are what the tracker
 * waits for: before interval_tracker_step takes it. */
void anomaly_step(const struct interval_tracker *tracker, void *bytes, const double *truths);

/* The p-value of the last reading, and of each output ([O], NULL: not asked for); NaN: none. */
double anomaly_p_value(const struct interval_tracker *tracker, const void *bytes,
                       double *ret_by_output);

/* Whether bytes from outside are what there can be. */
bool anomaly_is_valid(const struct interval_tracker *tracker, const void *bytes);

#endif
