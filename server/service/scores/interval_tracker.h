/*
 * interval_tracker.h - prediction intervals that keep their promise: a half-width for each output,
 * step ahead and level, which follows the errors that were really made.
 *
 * The rule is linear quantile tracking (Areces et al., ICML 2025) on two scales, of the family of
 * conformal PID control (Angelopoulos, Candes, Tibshirani, NeurIPS 2023). With the level 1 - a:
 *
 *     q = max(0, k_s v_s + k_f v_f)                      the half-width that a forecast is given
 *     g = [|e| > q] - a                                  when its truth comes; q as it was given
 *     k_j += 2 eta g v_j / (v_s + v_f)    j = s, f       eta = 0.03; half each where both are 0
 *     v_j += r_j (|e| - v_j)                             r_s = 0.005, r_f = max(0.1 / h, 0.01)
 *
 * v_s and v_f are running means of the errors, so the k have no unit. The first n errors count with
 * a rate of at least 2 / (n + 1): what a session forecast before it had seen enough weighs little.
 * A forecast that was given no width, since q was 0, and was met exactly teaches nothing: a series
 * that stands still does not wind k down.
 *
 * What it promises, of any series: K = k_s + k_f moves by exactly 2 eta g, and beyond K = 2 / a the
 * interval has no bounds (it is saturated), so nothing is outside. Hence, of T scored forecasts of
 * an output and step ahead, against an adversary who knows the width,
 *
 *     missed / T <= a + (2 / a - K_0 + 2 eta h) / (2 eta T),
 *
 * where K_0 is what K began with, about 2, and h how many forecasts wait. By Markov's inequality no
 * quantile is beyond 1 / a means, so a stream that is the same at all times never saturates.
 *
 * All that it knows is one block of bytes, without pointers, whose size and offsets follow from a
 * layout; copied, it is another tracker. A forecast h steps ahead is scored h steps later, so
 * H (H + 1) / 2 forecasts wait, their half-widths rounded to 16 bits (bfloat16), which is also
 * what is told. Bytes are aligned to 4.
 *
 * Pure functions of the bytes: any thread, one at a time for one block. Nothing here allocates,
 * locks or fails, but for what is read from outside (interval_tracker_is_valid).
 */
#ifndef INTERVAL_TRACKER_H
#define INTERVAL_TRACKER_H

#include "gru.h"
#include "service/scores/error_measures.h"
#include "service/scores/interval_levels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INTERVAL_WARM_UP = 20 /* errors before there are bounds, with nothing to begin from */
};

/* Outputs that are not tracked, since their truth never comes: a bit each. Those beyond the first
 * INTERVAL_UNTRACKED_MAX are tracked, whatever comes. */
enum { INTERVAL_UNTRACKED_MAX = 128 };
struct interval_untracked {
    uint32_t n;
    uint32_t bits[INTERVAL_UNTRACKED_MAX / 32];
};
void interval_untracked_add(struct interval_untracked *untracked, size_t output);
/* The outputs that feed no input: nothing ever tells a session what they should have been. */
struct interval_untracked interval_untracked_of(const struct gru_info *info);

/* Where what is in the block, in bytes. */
struct interval_layout {
    size_t n_outputs, n_horizons, n_levels; /* O, H, L */
    bool is_wide; /* a raw value needs more digits than a float has (gru.h) */
    struct interval_untracked untracked; /* of the outputs */
    size_t n_tracked;                    /* T: the others */
    size_t n_waiting;                    /* of an output: H (H + 1) / 2 */
    size_t means;                        /* float [T][H][2] */
    size_t factors;                      /* float [T][H][L][2] */
    size_t recent;                       /* float [T][H][L] */
    size_t told, n_told; /* struct told_means [T][n_told]: of one step ahead; n_told: L */
    size_t forecasts;    /* float [T][n_waiting] */
    size_t rests;        /* likewise, where values are wide: what the floats leave of them */
    size_t scored;       /* uint32 [T][H] */
    size_t covered;      /* uint32 [T][H][L] */
    size_t widths;       /* bfloat16 [T][n_waiting][L] */
    size_t seen;         /* uint8 [T][H]: errors in the means, up to 255 */
    size_t widened;      /* uint8 */
    size_t n_bytes;      /* in all, a multiple of 4 */
};

/* The layout for that many outputs, which are tracked, forecasts of 1 to H steps ahead, and L
 * levels; each at least 1. Values are not wide. */
struct interval_layout interval_layout_of(size_t n_outputs, size_t n_horizons, size_t n_levels);
/* The same where they are. */
struct interval_layout interval_layout_wide(const struct interval_layout *layout);
/* The same without some of them. */
struct interval_layout interval_layout_without(const struct interval_untracked *untracked,
                                               size_t n_outputs, size_t n_horizons,
                                               size_t n_levels);

/* As it was before there were means of widths and scores: n_told is 0. */
struct interval_layout interval_layout_former(const struct interval_untracked *untracked,
                                              size_t n_outputs, size_t n_horizons, size_t n_levels);

struct interval_tracker {
    const struct interval_layout *layout;
    const struct interval_levels *levels; /* n is the layout's */
    unsigned char *bytes;
};

/* ---- it begins ---- */

/* With nothing known: no bounds until INTERVAL_WARM_UP forecasts of an output and step ahead were
 * scored. */
void interval_tracker_begin(const struct interval_tracker *tracker);
/* Then, wherever it has seen no errors itself, an output's forecasts by errors that are known:
 * [n_horizons], the first step ahead first; those that are beyond the tracker's own are left out.
 * What is from other streams counts as INTERVAL_WARM_UP errors of its own would. */
void interval_tracker_begin_output(const struct interval_tracker *tracker, size_t output,
                                   const struct gru_residual *residuals, size_t n_horizons);
/* The same, with the means and factors of another session's, which has as many outputs, wherever
 * that one tracks them and has seen enough; levels that it does not have begin from its nearest. It
 * counts no more than residuals do. */
void interval_tracker_begin_like(const struct interval_tracker *tracker,
                                 const struct interval_tracker *other);
/* Whether of some output, that many steps ahead, it has seen enough errors for another session to
 * begin like this one: more than what it began with itself. */
bool interval_tracker_has_seen_enough(const struct interval_tracker *tracker, size_t ahead);

/* From a tracker of the same session in another layout, with as many outputs: all that it has of
 * those that both track, as far as it looks ahead, with what waits and was counted. If it lacks
 * some of the levels, then only its means and factors: counts are of all levels. */
void interval_tracker_take(const struct interval_tracker *tracker,
                           const struct interval_tracker *from);

/* ---- a step ---- */

/* A reading has come, the session's `step`-th: `truths`[O] (NaN: missing, or not to
 * be known) are what was forecast for it; then the forecasts made now, of 1 to n_horizons steps
 * ahead (`forecasts`[n_horizons][O], at most H of them), are given their widths and wait.
 * To be called for each step of the session, with n_horizons 0 if nothing was forecast. */
void interval_tracker_step(const struct interval_tracker *tracker, uint64_t step,
                           const double *truths, const double *forecasts, size_t n_horizons);

/* ---- what is told ---- */

/* The bounds of forecasts[n_horizons][O], as a step with them gives: lower and upper
 * likewise. Both are NaN of outputs that are not tracked, while there is nothing to calibrate from,
 * and where the interval has no bounds: then the function returns true (`saturated`). */
bool interval_tracker_bounds(const struct interval_tracker *tracker, size_t level,
                             const double *forecasts, size_t n_horizons, double *ret_lower,
                             double *ret_upper);

/* The bounds that were told one step ahead for the reading that is to be the session's `step`-th:
 * before interval_tracker_step takes it. False: none. */
__attribute__((warn_unused_result)) bool
interval_tracker_issued(const struct interval_tracker *tracker, size_t level, uint64_t step,
                        size_t output, double *ret_lower, double *ret_upper);

/* What forecasts of an output, of 1 to n_horizons (at most H) steps ahead, get now: half-widths
 * [n_horizons][L], infinite: no bounds; and the mean |e| ([n_horizons]) that interval_tracker_mean
 * has. Returns of how many steps ahead: of the first that there is nothing to calibrate from, and
 * of those behind it, nothing is told. */
size_t interval_tracker_half_widths(const struct interval_tracker *tracker, size_t output,
                                    size_t n_horizons, float *ret_widths, float *ret_means);

struct interval_coverage {
    uint64_t n_scored; /* forecasts that had bounds, and whose truth has come; of all outputs */
    double covered;    /* the share of them that was within; NaN: none yet */
    double recent;     /* the same, of about the last hundred of each output */
};
/* How a level was kept `ahead` (1 to H) steps ahead. */
struct interval_coverage interval_tracker_coverage(const struct interval_tracker *tracker,
                                                   size_t level, size_t ahead);

/* What measures of the intervals one step ahead that an output's readings were told are made of
 * (error_measures.h). The recent ones forget by 0.01 each. */
struct error_sums interval_tracker_sums(const struct interval_tracker *tracker, size_t level,
                                        size_t output, enum error_span span);

/* The mean |e| of an output `ahead` (1 to H) steps ahead, which forgets by 0.005 a reading (a
 * half-life of 138); NaN: nothing is known. */
float interval_tracker_mean(const struct interval_tracker *tracker, size_t output, size_t ahead);

/* ---- what happens to a session ---- */

/* Errors are `ratio` times as large from here on (> 0). */
void interval_tracker_rescale(const struct interval_tracker *tracker, size_t output, size_t ahead,
                              double ratio);
/* The forecasts that wait are not of the readings that come, or not of who makes the next ones. */
void interval_tracker_drop_waiting(const struct interval_tracker *tracker);
/* The hidden state was begun anew: what waits is dropped, and the intervals are twice as wide,
 * falling to once as wide while INTERVAL_WARM_UP readings are scored. */
void interval_tracker_restart(const struct interval_tracker *tracker);

/* Whether bytes from outside are what a tracker can hold: finite means that are not negative,
 * factors that steps can lead to, shares within [0, 1], no more covered than scored, and forecasts
 * that wait with widths which are told together. */
bool interval_tracker_is_valid(const struct interval_tracker *tracker);

#endif
