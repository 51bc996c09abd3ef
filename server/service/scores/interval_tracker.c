#include "service/scores/interval_places.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The rule's parameters (interval_tracker.h). */
static const double eta = 0.03, slow_rate = 0.005, fast_rate = 0.1, fast_rate_least = 0.01;
/* No step moves a factor that is larger: it is less than half of a float's last digit there. */
static const float factor_most = 1 << 20;

void interval_untracked_add(struct interval_untracked *untracked, size_t output)
{
    if (output < INTERVAL_UNTRACKED_MAX) {
        untracked->bits[output / 32] |= UINT32_C(1) << output % 32;
        untracked->n++;
    }
}

struct interval_untracked interval_untracked_of(const struct gru_info *info)
{
    struct interval_untracked untracked = { .n = 0 };
    for (size_t o = 0; o < info->n_outputs; o++) {
        if (info->outputs[o].feeds < 0) {
            interval_untracked_add(&untracked, o);
        }
    }
    return untracked;
}

struct interval_layout interval_layout_of(size_t n_outputs, size_t n_horizons, size_t n_levels)
{
    return interval_layout_without(&(struct interval_untracked){ .n = 0 }, n_outputs, n_horizons,
                                   n_levels);
}

struct interval_layout interval_layout_wide(const struct interval_layout *layout)
{
    struct interval_layout wide = *layout;
    wide.is_wide = true;
    wide.rests = layout->n_bytes;
    wide.n_bytes += layout->n_tracked * layout->n_waiting * sizeof(float);
    return wide;
}

static struct interval_layout layout_of(const struct interval_untracked *untracked,
                                        size_t n_outputs, size_t n_horizons, size_t n_levels,
                                        size_t n_told)
{
    const size_t n_tracked = n_outputs - untracked->n;
    const size_t n_waiting = n_horizons * (n_horizons + 1) / 2;
    const size_t n_places = n_tracked * n_horizons;
    struct interval_layout layout = { .n_tracked = n_tracked,
                                      .n_outputs = n_outputs,
                                      .untracked = *untracked,
                                      .n_horizons = n_horizons,
                                      .n_levels = n_levels,
                                      .n_told = n_told,
                                      .n_waiting = n_waiting };
    layout.factors = n_places * N_SCALES * sizeof(float);
    layout.recent = layout.factors + n_places * n_levels * N_SCALES * sizeof(float);
    layout.told = layout.recent + n_places * n_levels * sizeof(float);
    layout.forecasts = layout.told + n_tracked * n_told * sizeof(struct told_means);
    layout.scored = layout.forecasts + n_tracked * n_waiting * sizeof(float);
    layout.covered = layout.scored + n_places * sizeof(uint32_t);
    layout.widths = layout.covered + n_places * n_levels * sizeof(uint32_t);
    layout.seen = layout.widths + n_tracked * n_waiting * n_levels * sizeof(uint16_t);
    layout.widened = layout.seen + n_places;
    layout.n_bytes = (layout.widened + 1 + 3) & ~(size_t)3;
    return layout;
}

struct interval_layout interval_layout_without(const struct interval_untracked *untracked,
                                               size_t n_outputs, size_t n_horizons, size_t n_levels)
{
    return layout_of(untracked, n_outputs, n_horizons, n_levels, n_levels);
}

struct interval_layout interval_layout_former(const struct interval_untracked *untracked,
                                              size_t n_outputs, size_t n_horizons, size_t n_levels)
{
    return layout_of(untracked, n_outputs, n_horizons, n_levels, 0);
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

/* What a level's half-widths are made with. */
struct issue {
    double most; /* beyond which the factors mean that there are no bounds */
    double widening;
};

static struct issue issue_of(const struct interval_tracker *tracker, size_t level)
{
    const double widened = tracker->bytes[tracker->layout->widened];
    return (struct issue){ .most = 2 / (1 - tracker->levels->level[level]),
                           .widening = 1 + widened / INTERVAL_WARM_UP };
}

static void issue_all(const struct interval_tracker *tracker,
                      struct issue ret_issues[INTERVAL_LEVELS_MAX])
{
    for (size_t level = 0; level < tracker->layout->n_levels; level++) {
        ret_issues[level] = issue_of(tracker, level);
    }
}

/* The half-width that a forecast gets now; NO_WIDTH: nothing is known, not even a mean. */
static inline uint16_t width_of(const float *means, const float *k, uint8_t seen,
                                const struct issue *issue)
{
    if (seen == 0) {
        return NO_WIDTH;
    }
    double width = (double)k[SLOW] * means[SLOW] + (double)k[FAST] * means[FAST];
    width = width > 0 ? width * issue->widening : 0;
    const bool is_unbounded = (double)k[SLOW] + k[FAST] > issue->most || width > FLT_MAX;
    const uint16_t packed = pack_width(is_unbounded ? INFINITY : (float)width);
    return seen < INTERVAL_WARM_UP ? packed | HIDDEN : packed;
}

struct bounds {
    double lower, upper; /* both infinite, or none */
};

/* With the digits that values have. */
static inline double bound_of(const struct interval_layout *layout, double bound)
{
    if (!layout->is_wide) {
        return (double)(float)bound;
    }
    const struct two_floats kept = two_floats_of(bound);
    return two_floats_sum(kept.high, kept.rest);
}

static inline struct bounds around(const struct interval_layout *layout, double forecast,
                                   uint16_t width)
{
    const double half = (double)unpack_width(width);
    return (struct bounds){ bound_of(layout, forecast - half), bound_of(layout, forecast + half) };
}

/* Two floats each, their distance is no more than a double holds. */
static inline bool are_bounds(const struct bounds *bounds)
{
    return isfinite(bounds->upper - bounds->lower);
}

static inline struct bounds bounds_of(const struct interval_layout *layout, double forecast,
                                      uint16_t width)
{
    const struct bounds bounds = around(layout, forecast, width);
    return are_bounds(&bounds) ? bounds : (struct bounds){ -INFINITY, INFINITY };
}

/* NaN where there are none. Returns whether they are infinite. */
static inline bool tell_bounds(const struct interval_layout *layout, double forecast,
                               uint16_t width, double *ret_lower, double *ret_upper)
{
    const struct bounds bounds = bounds_of(layout, forecast, width);
    const bool is_infinite = is_told(width) && isinf(bounds.lower);
    const bool has_bounds = is_told(width) && !is_infinite;
    *ret_lower = has_bounds ? bounds.lower : NAN;
    *ret_upper = has_bounds ? bounds.upper : NAN;
    return is_infinite;
}

static void tell_nothing(const struct interval_layout *layout, size_t n_horizons, double *ret_lower,
                         double *ret_upper)
{
    for (size_t i = 0; i < n_horizons * layout->n_outputs; i++) {
        ret_lower[i] = ret_upper[i] = NAN;
    }
}

bool interval_tracker_bounds(const struct interval_tracker *tracker, size_t level,
                             const double *forecasts, size_t n_horizons, double *ret_lower,
                             double *ret_upper)
{
    const struct interval_layout *layout = tracker->layout;
    const size_t n_known = n_horizons < layout->n_horizons ? n_horizons : layout->n_horizons;
    const struct issue issue = issue_of(tracker, level);
    bool is_saturated = false;
    if (layout->untracked.n > 0 || n_known < n_horizons) {
        tell_nothing(layout, n_horizons, ret_lower, ret_upper);
    }
    for (size_t output = 0, place = 0; output < layout->n_outputs; output++) {
        if (!is_tracked(layout, output)) {
            continue;
        }
        struct tracked of = tracked_at(tracker, place++, 1);
        for (size_t row = 0; row < n_known; row++, tracked_move_on(layout, &of)) {
            const size_t i = row * layout->n_outputs + output;
            const float *k = of.factors + level * N_SCALES;
            const uint16_t width = width_of(of.means, k, *of.seen, &issue);
            is_saturated |= tell_bounds(layout, forecasts[i], width, &ret_lower[i], &ret_upper[i]);
        }
    }
    return is_saturated;
}

size_t interval_tracker_half_widths(const struct interval_tracker *tracker, size_t output,
                                    size_t n_horizons, float *ret_widths, float *ret_means)
{
    const struct interval_layout *layout = tracker->layout;
    struct issue issues[INTERVAL_LEVELS_MAX];
    if (!is_tracked(layout, output)) {
        return 0;
    }
    issue_all(tracker, issues);
    struct tracked of = tracked_at(tracker, place_of(layout, output), 1);
    size_t row = 0;
    for (; row < n_horizons && *of.seen >= INTERVAL_WARM_UP; row++, tracked_move_on(layout, &of)) {
        for (size_t level = 0; level < layout->n_levels; level++) {
            const float *k = of.factors + level * N_SCALES;
            *ret_widths++ = unpack_width(width_of(of.means, k, *of.seen, &issues[level]));
        }
        ret_means[row] = of.means[SLOW];
    }
    return row;
}

/* ---- a step ---- */

/* A forecast without bounds has no width. */
static inline void learn_told(const struct tracked *of, size_t level, struct running_rates rates,
                              double share, const struct bounds *bounds, double truth)
{
    if (!of->told || !are_bounds(bounds)) {
        return;
    }
    const double width = bounds->upper - bounds->lower;
    const double score = error_interval_score(share, truth, bounds->lower, bounds->upper);
    running_means_begin(&of->told[level].width, width);
    running_means_begin(&of->told[level].score, score);
    running_means_move(&of->told[level].width, rates, width, width);
    running_means_move(&of->told[level].score, rates, score, score);
}

static inline void learn_level(const struct tracked *of, size_t level, struct running_rates rates,
                               double alpha, const double *shares, bool is_missed, uint16_t width)
{
    const double g = is_missed ? 1 - alpha : -alpha;
    float *k = of->factors + level * N_SCALES;
    if (is_missed || unpack_width(width) > 0) {
        k[SLOW] = (float)(k[SLOW] + 2 * eta * g * shares[SLOW]);
        k[FAST] = (float)(k[FAST] + 2 * eta * g * shares[FAST]);
    }
    const double kept = is_missed ? 0 : 1;
    of->recent[level] = (float)(of->recent[level] + rates.recent * (kept - of->recent[level]));
    of->covered[level] += !is_missed && of->covered[level] < *of->scored;
}

static inline void learn_means(const struct tracked *of, double error)
{
    const double fast = fast_rate / (double)of->ahead;
    const double rates[N_SCALES] = {
        [SLOW] = slow_rate,
        [FAST] = fast > fast_rate_least ? fast : fast_rate_least,
    };
    *of->seen += *of->seen < SEEN_MOST;
    const double early = *of->seen < SEEN_MOST ? 2.0 / (*of->seen + 1) : 0;
    for (size_t j = 0; j < N_SCALES; j++) {
        const double rate = rates[j] > early ? rates[j] : early;
        of->means[j] = (float)(of->means[j] + rate * (error - of->means[j]));
    }
}

static inline void score(const struct interval_tracker *tracker, const struct tracked *of,
                         const struct waiting *waiting, double truth)
{
    const double forecast = waiting_forecast(waiting);
    if (isnan(truth) || isnan(forecast)) {
        return;
    }
    const double sum = (double)of->means[SLOW] + of->means[FAST];
    const double slow_share = sum > 0 ? of->means[SLOW] / sum : 0.5;
    const double shares[N_SCALES] = { slow_share, 1 - slow_share };
    const size_t n_told = is_told(waiting->widths[0]) ? tracker->layout->n_levels : 0;
    *of->scored += n_told > 0 && *of->scored < UINT32_MAX;
    const struct running_rates rates = running_rates_of(*of->scored);
    for (size_t level = 0; level < n_told; level++) {
        const uint16_t width = waiting->widths[level];
        const struct bounds bounds = around(tracker->layout, forecast, width);
        const bool is_missed =
            (truth < bounds.lower || truth > bounds.upper) && are_bounds(&bounds);
        const double share = tracker->levels->level[level];
        learn_level(of, level, rates, 1 - share, shares, is_missed, width);
        learn_told(of, level, rates, share, &bounds, truth);
    }
    const double error = fabs(truth - forecast);
    learn_means(of, error < FLT_MAX ? error : FLT_MAX);
}

/* Whether a forecast waits for one of the truths. */
static bool can_score(const struct interval_tracker *tracker, uint64_t step, const double *truths)
{
    const struct interval_layout *layout = tracker->layout;
    size_t first = 0; /* of the places of that many steps ahead */
    bool can = false;
    for (size_t output = 0; output < layout->n_outputs; output++) {
        for (size_t ahead = 1; is_tracked(layout, output) && ahead <= layout->n_horizons; ahead++) {
            const struct waiting waiting = waiting_at(tracker, first + turn_of(step, ahead));
            can |= !isnan(truths[output]) && !isnan(*waiting.forecast);
            first += ahead;
        }
    }
    return can;
}

/* One place, whose forecasts are n_outputs apart. */
static void step_output(const struct interval_tracker *tracker, const struct issue *issues,
                        size_t place, uint64_t step, double truth, const double *forecast,
                        size_t n_horizons)
{
    const struct interval_layout *layout = tracker->layout;
    struct tracked of = tracked_at(tracker, place, 1);
    size_t first = place * layout->n_waiting; /* of the places of that many steps ahead */
    for (size_t row = 0; row < layout->n_horizons; row++) {
        const struct waiting waiting = waiting_at(tracker, first + turn_of(step, of.ahead));
        score(tracker, &of, &waiting, truth);
        waiting_set(&waiting, row < n_horizons ? forecast[row * layout->n_outputs] : (double)NAN);
        for (size_t level = 0; level < layout->n_levels; level++) {
            const float *k = of.factors + level * N_SCALES;
            waiting.widths[level] = width_of(of.means, k, *of.seen, &issues[level]);
        }
        first += of.ahead;
        tracked_move_on(layout, &of);
    }
}

void interval_tracker_step(const struct interval_tracker *tracker, uint64_t step,
                           const double *truths, const double *forecasts, size_t n_horizons)
{
    const struct interval_layout *layout = tracker->layout;
    uint8_t *widened = tracker->bytes + layout->widened;
    *widened -= *widened > 0 && can_score(tracker, step, truths);
    struct issue issues[INTERVAL_LEVELS_MAX];
    issue_all(tracker, issues);
    for (size_t output = 0, place = 0; output < layout->n_outputs; output++) {
        if (is_tracked(layout, output)) {
            step_output(tracker, issues, place++, step, truths[output], forecasts + output,
                        n_horizons);
        }
    }
}

bool interval_tracker_issued(const struct interval_tracker *tracker, size_t level, uint64_t step,
                             size_t output, double *ret_lower, double *ret_upper)
{
    const struct interval_layout *layout = tracker->layout;
    if (!is_tracked(layout, output)) {
        return false;
    }
    const size_t at = place_of(layout, output) * layout->n_waiting + turn_of(step, 1);
    const struct waiting waiting = waiting_at(tracker, at);
    if (isnan(*waiting.forecast)) {
        return false;
    }
    return !tell_bounds(layout, waiting_forecast(&waiting), waiting.widths[level], ret_lower,
                        ret_upper) &&
           !isnan(*ret_lower);
}

struct interval_coverage interval_tracker_coverage(const struct interval_tracker *tracker,
                                                   size_t level, size_t ahead)
{
    struct interval_coverage sum = { .n_scored = 0, .covered = 0, .recent = 0 };
    for (size_t place = 0; place < tracker->layout->n_tracked; place++) {
        const struct tracked of = tracked_at(tracker, place, ahead);
        sum.n_scored += *of.scored;
        sum.covered += of.covered[level];
        sum.recent += (double)of.recent[level] * *of.scored;
    }
    sum.covered = sum.n_scored > 0 ? sum.covered / (double)sum.n_scored : NAN;
    sum.recent = sum.n_scored > 0 ? sum.recent / (double)sum.n_scored : NAN;
    return sum;
}

struct error_sums interval_tracker_sums(const struct interval_tracker *tracker, size_t level,
                                        size_t output, enum error_span span)
{
    const struct interval_layout *layout = tracker->layout;
    struct error_sums sums = { .n = 0 };
    if (!is_tracked(layout, output) || layout->n_told == 0) {
        return sums;
    }
    const struct tracked of = tracked_at(tracker, place_of(layout, output), 1);
    const struct told_means *told = &of.told[level];
    const bool is_recent = span == ERROR_SPAN_RECENT;
    sums.n_intervals = *of.scored;
    sums.n_covered = is_recent ? (double)of.recent[level] * *of.scored : of.covered[level];
    sums.width.sum =
        sums.n_intervals * (is_recent ? told->width.recent : running_means_all(&told->width));
    sums.interval_score.sum =
        sums.n_intervals * (is_recent ? told->score.recent : running_means_all(&told->score));
    return sums;
}

float interval_tracker_mean(const struct interval_tracker *tracker, size_t output, size_t ahead)
{
    if (!is_tracked(tracker->layout, output)) {
        return NAN;
    }
    const struct tracked of = tracked_at(tracker, place_of(tracker->layout, output), ahead);
    return *of.seen > 0 ? of.means[SLOW] : NAN;
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
    for (size_t i = 0; i < layout->n_tracked * layout->n_waiting; i++) {
        const struct waiting waiting = waiting_at(tracker, i);
        is_valid &= waiting_is_valid(&waiting, layout->n_levels);
    }
    return is_valid;
}

bool interval_tracker_is_valid(const struct interval_tracker *tracker)
{
    const struct interval_layout *layout = tracker->layout;
    bool is_valid =
        tracker->bytes[layout->widened] <= INTERVAL_WARM_UP && all_waiting_are_valid(tracker);
    for (size_t i = 0; i < layout->n_tracked * layout->n_horizons; i++) {
        const struct tracked of =
            tracked_at(tracker, i / layout->n_horizons, i % layout->n_horizons + 1);
        for (size_t j = 0; j < N_SCALES; j++) {
            is_valid &= of.means[j] >= 0 && isfinite(of.means[j]);
        }
        for (size_t level = 0; level < layout->n_levels; level++) {
            is_valid &= level_is_valid(&of, level);
        }
        for (size_t level = 0; of.told && level < layout->n_told; level++) {
            is_valid &= running_means_are_sizes(&of.told[level].width) &&
                        running_means_are_sizes(&of.told[level].score);
        }
    }
    return is_valid;
}
