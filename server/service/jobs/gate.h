/*
 * gate.h - whether a new version may become active by itself: the verdict on a comparison with its
 * base (gru_validation.h), stream by stream. Pure functions; any thread.
 *
 * A new version passes if
 * - at least `min_targets` targets of the validation could be judged, and repeat no others,
 * - the median over streams of its loss by the base version's is at most 1 - min_relative_gain, and
 *   at most a tenth of the streams is worse by more than 5 %,
 * - rolled out up to 12 rows ahead, where that is possible, the median is at most 1, and at most a
 *   tenth of the streams is worse by more than 5 %: training aims at one step, so no gain is asked
 *   for here, but what is served further ahead must not suffer,
 * - but of a training with a horizon_loss beyond what the read-out gives at once roll-outs over
 *   that many rows (at most 24) take the place of single rows in all rules: they are what is to be
 *   better, and single rows are not judged, since that training gives them up for the others,
 * - in the median over streams its loss is below the naive forecast's, at one step and rolled out,
 *   and each class that has 5 targets or more was found at least once (who always names the most
 *   frequent class finds none of the others), unless `must_beat_persistence` is false,
 * - the gain is more than chance: a randomisation test of paired differences (R. A. Fisher, "The
 *   Design of Experiments", 1935, section 21; E. J. G. Pitman, 1937). The differences are those of
 *   the mean losses over blocks of each stream's time, as shares of the stream's loss, because
 *   losses that follow each other are not independent, but means over blocks nearly are. (Diebold
 *   and Mariano 1995 test the same differences by a normal law, which a few blocks do not follow.)
 *   If there is no gain, each difference may as well have the other sign: p is the share of all
 *   signs that give at least the gain that was seen; of more than 16 blocks by the normal law of
 *   that sum. It passes if p is at most 1 - `confidence`.
 *
 * Doubtful values (gru_plausible) are events if there are 5 targets of them or more and one of the
 * versions loses less than a tenth of what persistence does on them: they are judged as all else.
 * If they may be codes, it must pass without them or with them, and must not become worse the other
 * way: the median at most 1, and at most a tenth of the streams worse by more than 5 %.
 */
#ifndef GATE_H
#define GATE_H

#include "store/job.h"

enum { GATE_CLASS_TARGETS = 5 };

/* Ratios of losses. NaN: there is nothing to divide. */
struct gate_view {
    size_t n_streams, n_worse;      /* streams that count; those worse by more than 5 % */
    double by_base;                 /* the medians over streams: the new version's by the base's, */
    double by_naive, base_by_naive; /* and by the naive forecast's */
};

struct gate_figures {
    size_t n_targets, n_repeated;   /* those that are news, and those that repeat others */
    struct gate_view ahead, rolled; /* as trained, and rolled out; n_streams 0: not possible */
    size_t n_blocks;
    double p;
};

struct gate_measures {
    struct gate_figures sure, with_doubts; /* without what is doubtful, and with it, */
    size_t n_doubtful;                     /* if there is any, and it is no event */
    size_t unfound; /* the first class that has targets and was never found; SIZE_MAX: none */
};

/* Whether a stream is a copy of others, and so does not count: most of its targets are in them. */
bool gate_is_copy(const struct gru_stream_losses *stream);
/* The new version's loss by another's: 1 if neither loses anything, infinite if only the other
 * loses nothing. */
double gate_ratio(double loss, double other);

/* False: no memory. */
__attribute__((warn_unused_result)) bool
gate_measure(const struct gru_comparison_result *comparison, struct gate_measures *ret_measures);

/* Whether it passes, and which rule said so with its numbers; and how both versions do against the
 * naive forecast. */
bool gate_judge(const struct job_gate *gate, const struct gru_comparison_result *comparison,
                const struct gate_measures *measures, char reason[JOB_REASON_MAX + 1]);

#endif
