/* interval_tracker_begin.c - how a tracker begins, and what happens to its session. */
#include "service/scores/interval_places.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Nine tenths of the quantile of |e|, in means of |e|, where the errors are normal: sqrt(pi)
 * erfinv(level), with S. Winitzki's approximation of erfinv (2008), to 0.2 %. Nine tenths, because
 * factors that are too small are put right sooner: a miss weighs 1 / a - 1 times as much. */
static double usual_factor(double level)
{
    const double pi = 3.14159265358979, a = 0.147, share = 0.9;
    const double log_rest = log(1 - level * level), half = 2 / (pi * a) + log_rest / 2;
    return share * sqrt(pi) * sqrt(sqrt(half * half - log_rest / a) - half);
}

static void set_factors(const struct tracked *of, size_t level, double sum)
{
    for (size_t j = 0; j < N_SCALES; j++) {
        of->factors[level * N_SCALES + j] = (float)(sum / N_SCALES);
    }
}

void interval_tracker_drop_waiting(const struct interval_tracker *tracker)
{
    for (size_t i = 0; i < tracker->layout->n_tracked * tracker->layout->n_waiting; i++) {
        const struct waiting waiting = waiting_at(tracker, i);
        waiting_set(&waiting, (double)NAN);
    }
}

void interval_tracker_begin(const struct interval_tracker *tracker)
{
    const struct interval_layout *layout = tracker->layout;
    memset(tracker->bytes, 0, layout->n_bytes);
    for (size_t i = 0; i < layout->n_tracked * layout->n_horizons; i++) {
        const struct tracked of =
            tracked_at(tracker, i / layout->n_horizons, i % layout->n_horizons + 1);
        for (size_t level = 0; level < layout->n_levels; level++) {
            set_factors(&of, level, usual_factor(tracker->levels->level[level]));
        }
    }
    interval_tracker_drop_waiting(tracker);
}

/* Between the quantiles that are known, and beyond the last, as if the tail were exponential: they
 * are joined by lines over -log(1 - p). */
static double residual_quantile(const struct gru_residual *residual, double p)
{
    static const double shares[GRU_RESIDUAL_QUANTILES] = GRU_RESIDUAL_LEVELS;
    double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
    for (size_t i = 0; i < GRU_RESIDUAL_QUANTILES && (i == 0 || p > shares[i - 1]); i++) {
        x0 = x1;
        y0 = y1;
        x1 = -log1p(-shares[i]);
        y1 = residual->quantiles[i];
    }
    return y0 + (y1 - y0) * (-log1p(-p) - x0) / (x1 - x0);
}

/* Whether they are enough, and say how large errors are. */
static bool is_telling(const struct gru_residual *residual)
{
    return residual->n >= INTERVAL_WARM_UP && residual->mean > 0;
}

void interval_tracker_begin_output(const struct interval_tracker *tracker, size_t output,
                                   const struct gru_residual *residuals, size_t n_horizons)
{
    const struct interval_layout *layout = tracker->layout;
    if (!is_tracked(layout, output)) {
        return;
    }
    for (size_t ahead = 1; ahead <= n_horizons && ahead <= layout->n_horizons; ahead++) {
        const struct gru_residual *residual = &residuals[ahead - 1];
        const struct tracked of = tracked_at(tracker, place_of(layout, output), ahead);
        if (!is_telling(residual) || *of.seen > 0) {
            continue;
        }
        of.means[SLOW] = of.means[FAST] = (float)fmin(residual->mean, FLT_MAX);
        *of.seen = INTERVAL_WARM_UP;
        for (size_t level = 0; level < layout->n_levels; level++) {
            const double share = tracker->levels->level[level];
            const double quantile = residual_quantile(residual, share);
            /* No quantile is beyond that many means. */
            set_factors(&of, level, fmin(quantile / residual->mean, 1 / (1 - share)));
        }
    }
}

/* An output that two trackers have, and which it is of each. Begins as zeros. */
struct pair {
    size_t to, from;
    size_t n_outputs, n_to, n_from; /* that were looked at */
};

static bool find_pair(const struct interval_layout *to, const struct interval_layout *from,
                      struct pair *pair)
{
    while (pair->n_outputs < to->n_outputs) {
        const size_t output = pair->n_outputs++;
        pair->to = pair->n_to;
        pair->from = pair->n_from;
        pair->n_to += is_tracked(to, output);
        pair->n_from += is_tracked(from, output);
        if (pair->n_to > pair->to && pair->n_from > pair->from) {
            return true;
        }
    }
    return false;
}

static void take_level(const struct interval_tracker *tracker, const struct tracked *of,
                       size_t level, const struct interval_tracker *other,
                       const struct tracked *from)
{
    const double *levels = tracker->levels->level, *theirs = other->levels->level;
    size_t nearest = 0;
    for (size_t i = 1; i < other->layout->n_levels; i++) {
        nearest =
            fabs(theirs[i] - levels[level]) < fabs(theirs[nearest] - levels[level]) ? i : nearest;
    }
    const bool is_same = theirs[nearest] == levels[level];
    const double ratio = is_same ? 1 : usual_factor(levels[level]) / usual_factor(theirs[nearest]);
    for (size_t j = 0; j < N_SCALES; j++) {
        of->factors[level * N_SCALES + j] = (float)(ratio * from->factors[nearest * N_SCALES + j]);
    }
}

/* Factors that an adversary has driven to where no quantile is are its own. */
static void bound_factors(const struct interval_tracker *tracker, const struct tracked *of,
                          size_t level)
{
    const float *k = of->factors + level * N_SCALES;
    const double sum = (double)k[SLOW] + k[FAST], share = tracker->levels->level[level];
    if (!(sum > 0 && sum <= 1 / (1 - share))) {
        set_factors(of, level, usual_factor(share));
    }
}

/* Another session's errors count less. */
static void take_place(const struct interval_tracker *tracker, const struct tracked *of,
                       const struct interval_tracker *other, const struct tracked *from,
                       bool is_own)
{
    memcpy(of->means, from->means, N_SCALES * sizeof *of->means);
    *of->seen = is_own ? *from->seen : INTERVAL_WARM_UP;
    for (size_t level = 0; level < tracker->layout->n_levels; level++) {
        take_level(tracker, of, level, other, from);
        if (!is_own) {
            bound_factors(tracker, of, level);
        }
    }
}

/* Where nothing was seen yet. That another session met its readings exactly says nothing of this
 * one's. */
static void fill_with(const struct interval_tracker *tracker, const struct interval_tracker *other,
                      bool is_own)
{
    const struct interval_layout *layout = tracker->layout;
    const size_t n_horizons = layout->n_horizons < other->layout->n_horizons
                                  ? layout->n_horizons
                                  : other->layout->n_horizons;
    struct pair pair = { 0 };
    while (find_pair(layout, other->layout, &pair)) {
        for (size_t ahead = 1; ahead <= n_horizons; ahead++) {
            const struct tracked of = tracked_at(tracker, pair.to, ahead);
            const struct tracked from = tracked_at(other, pair.from, ahead);
            const bool is_known =
                *from.seen >= INTERVAL_WARM_UP && (is_own || from.means[SLOW] > 0);
            if (is_known && *of.seen == 0) {
                take_place(tracker, &of, other, &from, is_own);
            }
        }
    }
}

void interval_tracker_begin_like(const struct interval_tracker *tracker,
                                 const struct interval_tracker *other)
{
    fill_with(tracker, other, false);
}

bool interval_tracker_has_seen_enough(const struct interval_tracker *tracker, size_t ahead)
{
    bool has_seen = false;
    for (size_t o = 0; ahead <= tracker->layout->n_horizons && o < tracker->layout->n_tracked;
         o++) {
        const struct tracked of = tracked_at(tracker, o, ahead);
        has_seen |= *of.seen >= 2 * INTERVAL_WARM_UP && of.means[SLOW] > 0;
    }
    return has_seen;
}

/* Where the other has each of the levels. False: it lacks one. */
static bool find_levels(const struct interval_levels *levels, const struct interval_levels *others,
                        size_t ret_at[INTERVAL_LEVELS_MAX])
{
    bool has_all = true;
    for (size_t level = 0; level < levels->n; level++) {
        ret_at[level] = interval_levels_find(others, levels->level[level]);
        has_all &= ret_at[level] < others->n;
    }
    return has_all;
}

/* What was told before there were these means is not known. */
static void take_told(const struct tracked *to, const struct tracked *from, size_t level,
                      size_t from_level)
{
    const struct running_means unknown = RUNNING_MEANS_UNKNOWN;
    if (to->told && from->told) {
        to->told[level] = from->told[from_level];
    } else if (to->told && *from->scored > 0) {
        to->told[level] = (struct told_means){ unknown, unknown };
    }
}

static void take_all(const struct tracked *to, const struct tracked *from, size_t n_levels,
                     const size_t *at)
{
    memcpy(to->means, from->means, N_SCALES * sizeof *to->means);
    *to->scored = *from->scored;
    *to->seen = *from->seen;
    for (size_t level = 0; level < n_levels; level++) {
        memcpy(to->factors + level * N_SCALES, from->factors + at[level] * N_SCALES,
               N_SCALES * sizeof *to->factors);
        to->recent[level] = from->recent[at[level]];
        to->covered[level] = from->covered[at[level]];
        take_told(to, from, level, at[level]);
    }
}

static void take_waiting(const struct waiting *to, const struct waiting *from, size_t n_levels,
                         const size_t *at)
{
    waiting_set(to, waiting_forecast(from));
    for (size_t level = 0; level < n_levels; level++) {
        to->widths[level] = from->widths[at[level]];
    }
}

void interval_tracker_take(const struct interval_tracker *tracker,
                           const struct interval_tracker *from)
{
    const size_t n_levels = tracker->levels->n;
    const struct interval_layout *least =
        tracker->layout->n_horizons < from->layout->n_horizons ? tracker->layout : from->layout;
    struct pair pair = { 0 };
    size_t at[INTERVAL_LEVELS_MAX];
    interval_tracker_begin(tracker);
    tracker->bytes[tracker->layout->widened] = from->bytes[from->layout->widened];
    if (!find_levels(tracker->levels, from->levels, at)) {
        fill_with(tracker, from, true);
        return;
    }
    while (find_pair(tracker->layout, from->layout, &pair)) {
        for (size_t ahead = 1; ahead <= least->n_horizons; ahead++) {
            const struct tracked to = tracked_at(tracker, pair.to, ahead);
            const struct tracked of = tracked_at(from, pair.from, ahead);
            take_all(&to, &of, n_levels, at);
        }
        for (size_t which = 0; which < least->n_waiting; which++) {
            const struct waiting to =
                waiting_at(tracker, pair.to * tracker->layout->n_waiting + which);
            const struct waiting of = waiting_at(from, pair.from * from->layout->n_waiting + which);
            take_waiting(&to, &of, n_levels, at);
        }
    }
}

void interval_tracker_rescale(const struct interval_tracker *tracker, size_t output, size_t ahead,
                              double ratio)
{
    if (!is_tracked(tracker->layout, output)) {
        return;
    }
    const struct tracked of = tracked_at(tracker, place_of(tracker->layout, output), ahead);
    for (size_t j = 0; j < N_SCALES; j++) {
        of.means[j] = (float)fmin(of.means[j] * ratio, FLT_MAX);
    }
}

void interval_tracker_restart(const struct interval_tracker *tracker)
{
    tracker->bytes[tracker->layout->widened] = INTERVAL_WARM_UP;
    interval_tracker_drop_waiting(tracker);
}
