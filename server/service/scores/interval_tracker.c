#include "service/scores/interval_tracker.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The rule's parameters (interval_tracker.h). */
static const double eta = 0.03, slow_rate = 0.005, fast_rate = 0.1, fast_rate_least = 0.01;
/* With which the recent coverage forgets. */
static const double recent_rate = 0.01;

enum { SLOW, FAST, N_SCALES };
enum { SEEN_MOST = UINT8_MAX };
/* No step moves a factor that is larger: it is less than half of a float's last digit there. */
static const float factor_most = 1 << 20;

struct interval_layout interval_layout_of(size_t n_outputs, size_t n_horizons, size_t n_levels)
{
    const size_t n_waiting = n_horizons * (n_horizons + 1) / 2;
    const size_t n_places = n_outputs * n_horizons;
    struct interval_layout layout = { .n_outputs = n_outputs,
                                      .n_horizons = n_horizons,
                                      .n_levels = n_levels,
                                      .n_waiting = n_waiting };
    layout.factors = n_places * N_SCALES * sizeof(float);
    layout.recent = layout.factors + n_places * n_levels * N_SCALES * sizeof(float);
    layout.forecasts = layout.recent + n_places * n_levels * sizeof(float);
    layout.scored = layout.forecasts + n_outputs * n_waiting * sizeof(float);
    layout.covered = layout.scored + n_places * sizeof(uint32_t);
    layout.widths = layout.covered + n_places * n_levels * sizeof(uint32_t);
    layout.seen = layout.widths + n_outputs * n_waiting * n_levels * sizeof(uint16_t);
    layout.widened = layout.seen + n_places;
    layout.n_bytes = (layout.widened + 1 + 3) & ~(size_t)3;
    return layout;
}

/* ---- where what is ---- */

static float *floats_at(const struct interval_tracker *tracker, size_t offset)
{
    return (float *)(void *)(tracker->bytes + offset);
}

static uint32_t *counts_at(const struct interval_tracker *tracker, size_t offset)
{
    return (uint32_t *)(void *)(tracker->bytes + offset);
}

/* What is kept of an output at a number of steps ahead, and of its levels. */
struct tracked {
    float *means;   /* [N_SCALES] */
    float *factors; /* [L][N_SCALES] */
    float *recent;  /* [L] */
    uint32_t *scored;
    uint32_t *covered; /* [L] */
    uint8_t *seen;
    size_t ahead; /* from 1 */
};

static struct tracked tracked_at(const struct interval_tracker *tracker, size_t output,
                                 size_t ahead)
{
    const struct interval_layout *layout = tracker->layout;
    const size_t at = output * layout->n_horizons + ahead - 1;
    return (struct tracked){
        .means = floats_at(tracker, 0) + at * N_SCALES,
        .factors = floats_at(tracker, layout->factors) + at * layout->n_levels * N_SCALES,
        .recent = floats_at(tracker, layout->recent) + at * layout->n_levels,
        .scored = counts_at(tracker, layout->scored) + at,
        .covered = counts_at(tracker, layout->covered) + at * layout->n_levels,
        .seen = tracker->bytes + layout->seen + at,
        .ahead = ahead,
    };
}

/* A forecast that waits, with its half-widths. Those of h steps ahead have h places, taken in
 * turn: what was forecast h steps ago is where what is forecast now will be. */
struct waiting {
    float *forecast;  /* NaN: none */
    uint16_t *widths; /* [L] */
};

static struct waiting waiting_at(const struct interval_tracker *tracker, size_t output,
                                 size_t which)
{
    const struct interval_layout *layout = tracker->layout;
    const size_t at = output * layout->n_waiting + which;
    uint16_t *widths = (uint16_t *)(void *)(tracker->bytes + layout->widths);
    return (struct waiting){ .forecast = floats_at(tracker, layout->forecasts) + at,
                             .widths = widths + at * layout->n_levels };
}

static struct waiting waiting_of(const struct interval_tracker *tracker, size_t output,
                                 size_t ahead, uint64_t step)
{
    return waiting_at(tracker, output, ahead * (ahead - 1) / 2 + (size_t)(step % ahead));
}

/* ---- half-widths in 16 bits: the upper half of a float ---- */

/* Marks a width that was not told. */
enum { HIDDEN = 0x8000, INFINITE_WIDTH = 0x7f80, NO_WIDTH = 0x7fc0 };

/* To the nearest, ties to even. Infinity where there is no finite one. */
static uint16_t pack_width(float width)
{
    uint32_t bits;
    memcpy(&bits, &width, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float unpack_width(uint16_t packed)
{
    const uint32_t bits = (uint32_t)(packed & ~HIDDEN) << 16;
    float width;
    memcpy(&width, &bits, sizeof width);
    return width;
}

static bool is_told(uint16_t packed)
{
    return packed != NO_WIDTH && !(packed & HIDDEN);
}

/* ---- bounds ---- */

/* The half-width that a forecast gets now; NO_WIDTH: nothing is known, not even a mean. */
static uint16_t width_of(const struct interval_tracker *tracker, const struct tracked *of,
                         size_t level)
{
    if (*of->seen == 0) {
        return NO_WIDTH;
    }
    const float *k = of->factors + level * N_SCALES;
    const double most = 2 / (1 - tracker->levels->level[level]);
    const double widening = 1 + (double)tracker->bytes[tracker->layout->widened] / INTERVAL_WARM_UP;
    double width = (double)k[SLOW] * of->means[SLOW] + (double)k[FAST] * of->means[FAST];
    width = (double)k[SLOW] + k[FAST] > most ? INFINITY : fmax(0, width * widening);
    const uint16_t packed = pack_width(width > FLT_MAX ? INFINITY : (float)width);
    return *of->seen < INTERVAL_WARM_UP ? packed | HIDDEN : packed;
}

struct bounds {
    float lower, upper; /* both infinite, or none */
};

static struct bounds bounds_of(float forecast, uint16_t width)
{
    const struct bounds bounds = { forecast - unpack_width(width), forecast + unpack_width(width) };
    return isfinite(bounds.lower) && isfinite(bounds.upper)
               ? bounds
               : (struct bounds){ -INFINITY, INFINITY };
}

bool interval_tracker_bounds(const struct interval_tracker *tracker, size_t level,
                             const float *forecasts, size_t n_horizons, float *ret_lower,
                             float *ret_upper)
{
    const size_t n_outputs = tracker->layout->n_outputs;
    bool is_saturated = false;
    for (size_t i = 0; i < n_horizons * n_outputs; i++) {
        const size_t ahead = i / n_outputs + 1;
        ret_lower[i] = ret_upper[i] = NAN;
        if (ahead > tracker->layout->n_horizons) {
            continue;
        }
        const struct tracked of = tracked_at(tracker, i % n_outputs, ahead);
        const uint16_t width = width_of(tracker, &of, level);
        const struct bounds bounds = bounds_of(forecasts[i], width);
        if (is_told(width) && isfinite(bounds.lower)) {
            ret_lower[i] = bounds.lower;
            ret_upper[i] = bounds.upper;
        }
        is_saturated |= is_told(width) && isinf(bounds.lower);
    }
    return is_saturated;
}

/* ---- a step ---- */

static void learn_level(const struct tracked *of, size_t level, double alpha, const double *shares,
                        bool is_missed, uint16_t width)
{
    const double g = is_missed ? 1 - alpha : -alpha;
    if (!is_told(width)) {
        return;
    }
    float *k = of->factors + level * N_SCALES;
    if (is_missed || unpack_width(width) > 0) {
        k[SLOW] = (float)(k[SLOW] + 2 * eta * g * shares[SLOW]);
        k[FAST] = (float)(k[FAST] + 2 * eta * g * shares[FAST]);
    }
    const double rate = fmax(recent_rate, 1 / (double)*of->scored);
    of->recent[level] = (float)(of->recent[level] + rate * (!is_missed - of->recent[level]));
    of->covered[level] += !is_missed && of->covered[level] < *of->scored;
}

static void learn_means(const struct tracked *of, double error)
{
    const double rates[N_SCALES] = {
        [SLOW] = slow_rate,
        [FAST] = fmax(fast_rate / (double)of->ahead, fast_rate_least),
    };
    *of->seen += *of->seen < SEEN_MOST;
    for (size_t j = 0; j < N_SCALES; j++) {
        const double early = *of->seen < SEEN_MOST ? 2.0 / (*of->seen + 1) : 0;
        const double rate = fmax(rates[j], early);
        of->means[j] = (float)(of->means[j] + rate * (error - of->means[j]));
    }
}

/* Whether there was something to score. */
static bool score(const struct interval_tracker *tracker, const struct tracked *of,
                  const struct waiting *waiting, float truth)
{
    const float forecast = *waiting->forecast;
    if (isnan(truth) || isnan(forecast)) {
        return false;
    }
    const double sum = (double)of->means[SLOW] + of->means[FAST];
    const double slow_share = sum > 0 ? of->means[SLOW] / sum : 0.5;
    const double shares[N_SCALES] = { slow_share, 1 - slow_share };
    const uint16_t first = waiting->widths[0];
    *of->scored += is_told(first) && *of->scored < UINT32_MAX;
    for (size_t level = 0; level < tracker->layout->n_levels && first != NO_WIDTH; level++) {
        const struct bounds bounds = bounds_of(forecast, waiting->widths[level]);
        const bool is_missed = truth < bounds.lower || truth > bounds.upper;
        learn_level(of, level, 1 - tracker->levels->level[level], shares, is_missed,
                    waiting->widths[level]);
    }
    learn_means(of, fmin(fabs((double)truth - forecast), FLT_MAX));
    return true;
}

static void give_widths(const struct interval_tracker *tracker, uint64_t step)
{
    const struct interval_layout *layout = tracker->layout;
    for (size_t i = 0; i < layout->n_outputs * layout->n_horizons; i++) {
        const size_t output = i / layout->n_horizons, ahead = i % layout->n_horizons + 1;
        const struct tracked of = tracked_at(tracker, output, ahead);
        const struct waiting waiting = waiting_of(tracker, output, ahead, step);
        for (size_t level = 0; level < layout->n_levels; level++) {
            waiting.widths[level] = width_of(tracker, &of, level);
        }
    }
}

void interval_tracker_step(const struct interval_tracker *tracker, uint64_t step,
                           const float *truths, const float *forecasts, size_t n_horizons)
{
    const struct interval_layout *layout = tracker->layout;
    uint8_t *widened = tracker->bytes + layout->widened;
    bool is_scored = false;
    for (size_t i = 0; i < layout->n_outputs * layout->n_horizons; i++) {
        const size_t output = i / layout->n_horizons, ahead = i % layout->n_horizons + 1;
        const struct tracked of = tracked_at(tracker, output, ahead);
        const struct waiting waiting = waiting_of(tracker, output, ahead, step);
        is_scored |= score(tracker, &of, &waiting, truths[output]);
        *waiting.forecast =
            ahead <= n_horizons ? forecasts[(ahead - 1) * layout->n_outputs + output] : NAN;
    }
    *widened -= *widened > 0 && is_scored;
    give_widths(tracker, step);
}

bool interval_tracker_issued(const struct interval_tracker *tracker, size_t level, uint64_t step,
                             size_t output, float *ret_lower, float *ret_upper)
{
    const struct waiting waiting = waiting_of(tracker, output, 1, step);
    const struct bounds bounds = bounds_of(*waiting.forecast, waiting.widths[level]);
    if (isnan(*waiting.forecast) || !is_told(waiting.widths[level]) || isinf(bounds.lower)) {
        return false;
    }
    *ret_lower = bounds.lower;
    *ret_upper = bounds.upper;
    return true;
}

struct interval_coverage interval_tracker_coverage(const struct interval_tracker *tracker,
                                                   size_t level, size_t ahead)
{
    struct interval_coverage sum = { .n_scored = 0, .covered = 0, .recent = 0 };
    for (size_t output = 0; output < tracker->layout->n_outputs; output++) {
        const struct tracked of = tracked_at(tracker, output, ahead);
        sum.n_scored += *of.scored;
        sum.covered += of.covered[level];
        sum.recent += (double)of.recent[level] * *of.scored;
    }
    sum.covered = sum.n_scored > 0 ? sum.covered / (double)sum.n_scored : NAN;
    sum.recent = sum.n_scored > 0 ? sum.recent / (double)sum.n_scored : NAN;
    return sum;
}

float interval_tracker_mean(const struct interval_tracker *tracker, size_t output, size_t ahead)
{
    const struct tracked of = tracked_at(tracker, output, ahead);
    return *of.seen > 0 ? of.means[SLOW] : NAN;
}

/* ---- it begins, and what happens to a session ---- */

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
    for (size_t output = 0; output < tracker->layout->n_outputs; output++) {
        for (size_t which = 0; which < tracker->layout->n_waiting; which++) {
            *waiting_at(tracker, output, which).forecast = NAN;
        }
    }
}

void interval_tracker_begin(const struct interval_tracker *tracker)
{
    const struct interval_layout *layout = tracker->layout;
    memset(tracker->bytes, 0, layout->n_bytes);
    for (size_t i = 0; i < layout->n_outputs * layout->n_horizons; i++) {
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
    for (size_t ahead = 1; ahead <= n_horizons && ahead <= layout->n_horizons; ahead++) {
        const struct gru_residual *residual = &residuals[ahead - 1];
        const struct tracked of = tracked_at(tracker, output, ahead);
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

/* Where nothing was seen yet. Another session's errors count less; that it met its readings exactly
 * says nothing of others. */
static void fill_with(const struct interval_tracker *tracker, const struct interval_tracker *other,
                      bool is_own)
{
    const struct interval_layout *layout = tracker->layout;
    const size_t n_horizons = layout->n_horizons < other->layout->n_horizons
                                  ? layout->n_horizons
                                  : other->layout->n_horizons;
    for (size_t i = 0; i < layout->n_outputs * n_horizons; i++) {
        const struct tracked of = tracked_at(tracker, i / n_horizons, i % n_horizons + 1);
        const struct tracked from = tracked_at(other, i / n_horizons, i % n_horizons + 1);
        if (*of.seen > 0 || *from.seen < INTERVAL_WARM_UP || (!is_own && from.means[SLOW] <= 0)) {
            continue;
        }
        memcpy(of.means, from.means, N_SCALES * sizeof *of.means);
        *of.seen = is_own ? *from.seen : INTERVAL_WARM_UP;
        for (size_t level = 0; level < layout->n_levels; level++) {
            take_level(tracker, &of, level, other, &from);
            if (!is_own) {
                bound_factors(tracker, &of, level);
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
    for (size_t o = 0; ahead <= tracker->layout->n_horizons && o < tracker->layout->n_outputs;
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
    }
}

static void take_waiting(const struct waiting *to, const struct waiting *from, size_t n_levels,
                         const size_t *at)
{
    *to->forecast = *from->forecast;
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
    size_t at[INTERVAL_LEVELS_MAX];
    interval_tracker_begin(tracker);
    tracker->bytes[tracker->layout->widened] = from->bytes[from->layout->widened];
    if (!find_levels(tracker->levels, from->levels, at)) {
        fill_with(tracker, from, true);
        return;
    }
    for (size_t output = 0; output < least->n_outputs; output++) {
        for (size_t ahead = 1; ahead <= least->n_horizons; ahead++) {
            const struct tracked to = tracked_at(tracker, output, ahead);
            const struct tracked of = tracked_at(from, output, ahead);
            take_all(&to, &of, n_levels, at);
        }
        for (size_t which = 0; which < least->n_waiting; which++) {
            const struct waiting to = waiting_at(tracker, output, which);
            const struct waiting of = waiting_at(from, output, which);
            take_waiting(&to, &of, n_levels, at);
        }
    }
}

void interval_tracker_rescale(const struct interval_tracker *tracker, size_t output, size_t ahead,
                              double ratio)
{
    const struct tracked of = tracked_at(tracker, output, ahead);
    for (size_t j = 0; j < N_SCALES; j++) {
        of.means[j] = (float)fmin(of.means[j] * ratio, FLT_MAX);
    }
}

void interval_tracker_restart(const struct interval_tracker *tracker)
{
    tracker->bytes[tracker->layout->widened] = INTERVAL_WARM_UP;
    interval_tracker_drop_waiting(tracker);
}

/* ---- from outside ---- */

static bool level_is_valid(const struct tracked *of, size_t level)
{
    const float *k = of->factors + level * N_SCALES;
    return fabsf(k[SLOW]) <= factor_most && fabsf(k[FAST]) <= factor_most &&
           of->recent[level] >= 0 && of->recent[level] <= 1 && of->covered[level] <= *of->scored;
}

/* All widths of a forecast are known, or none is, and told, or none is. */
static bool waiting_is_valid(const struct waiting *waiting, size_t n_levels)
{
    const uint16_t first = waiting->widths[0];
    bool is_valid = true;
    for (size_t level = 0; level < n_levels; level++) {
        const uint16_t width = waiting->widths[level];
        is_valid &= first == NO_WIDTH ? width == NO_WIDTH
                                      : (width & ~HIDDEN) <= INFINITE_WIDTH &&
                                            (width & HIDDEN) == (first & HIDDEN);
    }
    return is_valid;
}

static bool all_waiting_are_valid(const struct interval_tracker *tracker)
{
    const struct interval_layout *layout = tracker->layout;
    bool is_valid = true;
    for (size_t i = 0; i < layout->n_outputs * layout->n_waiting; i++) {
        const struct waiting waiting = waiting_at(tracker, 0, i);
        is_valid &= waiting_is_valid(&waiting, layout->n_levels);
    }
    return is_valid;
}

bool interval_tracker_is_valid(const struct interval_tracker *tracker)
{
    const struct interval_layout *layout = tracker->layout;
    bool is_valid =
        tracker->bytes[layout->widened] <= INTERVAL_WARM_UP && all_waiting_are_valid(tracker);
    for (size_t i = 0; i < layout->n_outputs * layout->n_horizons; i++) {
        const struct tracked of =
            tracked_at(tracker, i / layout->n_horizons, i % layout->n_horizons + 1);
        for (size_t j = 0; j < N_SCALES; j++) {
            is_valid &= of.means[j] >= 0 && isfinite(of.means[j]);
        }
        for (size_t level = 0; level < layout->n_levels; level++) {
            is_valid &= level_is_valid(&of, level);
        }
    }
    return is_valid;
}
