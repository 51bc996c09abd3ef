#include "service/scores/crossing.h"

#include <math.h>

/* Scores beyond that are certain: 1 - Phi(9) is less than the last digit of 1. */
static const double score_most = 9;
static const double inverse_sqrt_2pi = 0.398942280401432678; /* 1 / sqrt(2 pi) */

/* ---- the normal distribution ---- */

struct normal {
    double density, below; /* the share below the score */
};

/* (1 - Phi(x)) / phi(x), J. P. Mills' ratio (Biometrika 18, 1926), of x from 0 to 9.5: t P(t) with
 * t = 1 / (1 + 0.21 x), where P joins the ratio at Chebyshev's points but for its first number,
 * which makes it exact at 0. Off by 2e-10 of itself. Lower and upper powers are summed beside each
 * other: each term of a sum waits for the one before. */
static double mills_ratio(double x)
{
    static const double lower[] = { 0.21008486561140005, 0.208264067904, 0.2166650538,
                                    0.0958084764548,     0.46313776148,  -0.627400092805 },
                        upper[] = { 1.36521798966, -1.43269953291, 1.16503741175, -0.489328591794,
                                    0.0785267281643 };
    const double t = 1 / (1 + 0.21 * x), cube = t * t * t;
    double low = lower[5], high = upper[4];
    for (size_t k = 4; k > 0; k--) {
        low = low * t + lower[k];
        high = high * t + upper[k - 1];
    }
    return (low * t + lower[0] + high * (cube * cube)) * t;
}

static struct normal normal_at(double score)
{
    const double density = inverse_sqrt_2pi * exp(-score * score / 2);
    const double beyond = density * mills_ratio(fabs(score));
    return (struct normal){ density, score < 0 ? beyond : 1 - beyond };
}

/* The score within which that share of |errors| is: Halley's method from S. Winitzki's
 * approximation (2008), which is right to 0.2 %. One step of it is right to 1e-7. */
static double score_of_level(double level)
{
    const double pi = 3.14159265358979, a = 0.147;
    const double log_rest = log1p(-level * level), half = 2 / (pi * a) + log_rest / 2;
    const double score = sqrt(2 * (sqrt(half * half - log_rest / a) - half));
    const struct normal at = normal_at(-score);
    const double step = (at.below - (1 - level) / 2) / at.density;
    return score + step / (1 - score * step / 2);
}

/* Of numbers, for which fmin and fmax would be called. */
static inline double lesser(double a, double b)
{
    return a < b ? a : b;
}

static inline double greater(double a, double b)
{
    return a > b ? a : b;
}

/* ---- one step ahead ---- */

/* z over q, part by part: the part that a distance is in, or the last one; z1 is 0 if no level has
 * bounds. */
struct score_part {
    double q0, z0, q1, z1;
};

static struct score_part find_part(const float *widths, const double *scores, size_t n_levels,
                                   double distance)
{
    struct score_part part = { 0, 0, 0, 0 };
    for (size_t level = 0; level < n_levels; level++) {
        const double width = (double)widths[level];
        if (isinf(width)) {
            continue;
        }
        if (width <= part.q1) {
            part.z1 = scores[level];
        } else if (part.q1 > 0 && distance <= part.q1) {
            break;
        } else {
            part = (struct score_part){ part.q1, part.z1, width, scores[level] };
        }
    }
    return part;
}

/* Of a distance that is not negative. Where all errors were 0, none is to be expected. */
static double score_within(const struct score_part *part, double distance)
{
    if (part->q1 == 0) {
        return score_most;
    }
    const double slope = (part->z1 - part->z0) / (part->q1 - part->q0);
    const double score = distance <= part->q1 ? part->z0 + slope * (distance - part->q0)
                                              : part->z1 + lesser(slope, part->z1 / part->q1) *
                                                               (distance - part->q1);
    return lesser(score, score_most);
}

/* How far the threshold is from a forecast, of which the errors have these widths. NaN: nothing is
 * known. */
static double score_of(const struct crossing *crossing, const float *widths, const double *scores,
                       size_t n_levels, double forecast)
{
    const double distance =
        crossing->is_above ? crossing->threshold - forecast : forecast - crossing->threshold;
    const struct score_part part = find_part(widths, scores, n_levels, fabs(distance));
    if (part.z1 == 0) {
        return NAN;
    }
    const double score = score_within(&part, fabs(distance));
    return distance < 0 ? -score : score;
}

/* ---- by then ---- */

/* Of forecasts that have not crossed yet: the chain's score where they are, taken for normal, their
 * share, and what it is at least. */
struct survivors {
    double mean, variance, share, least;
};

/* The next step ahead, whose score goes together with the last one's by rho. */
static void survive(struct survivors *left, double rho, double score)
{
    const double sd = sqrt(rho * rho * left->variance + (1 - rho * rho));
    const double mean = rho * left->mean;
    const double standard = greater(-score_most, lesser(score_most, (score - mean) / sd));
    const struct normal alone = normal_at(score), at = rho > 0 ? normal_at(standard) : alone;
    const double hazard = at.density / at.below;
    left->least *= alone.below;
    left->share =
        lesser(lesser(left->share, alone.below), greater(left->least, left->share * at.below));
    left->mean = mean - sd * hazard;
    left->variance = sd * sd * (1 - hazard * (hazard + standard));
}

static double rho_of(double first, double now)
{
    return now > first ? sqrt(1 - first / now * (first / now)) : 0;
}

/* ---- what is told ---- */

size_t crossing_ahead(const struct crossing *crossing, const double *forecasts, size_t n_rows,
                      size_t n_outputs)
{
    for (size_t row = 0; row < n_rows; row++) {
        const double value = forecasts[row * n_outputs + crossing->output];
        if (crossing->is_above ? value > crossing->threshold : value < crossing->threshold) {
            return row + 1;
        }
    }
    return 0;
}

/* Of the first n steps ahead, of which something is known; returns of how many. */
static size_t follow(const struct crossing *crossing, const struct interval_tracker *tracker,
                     const double *forecasts, size_t n, double *ret_by_horizon)
{
    const size_t n_levels = tracker->levels->n, n_outputs = tracker->layout->n_outputs;
    float widths[CROSSING_AHEAD_MAX * INTERVAL_LEVELS_MAX], errors[CROSSING_AHEAD_MAX];
    double scores[INTERVAL_LEVELS_MAX];
    struct survivors left = { .mean = 0, .variance = 1, .share = 1, .least = 1 };
    n = interval_tracker_half_widths(tracker, crossing->output, n, widths, errors);
    for (size_t level = 0; n > 0 && level < n_levels; level++) {
        scores[level] = score_of_level(tracker->levels->level[level]);
    }
    for (size_t row = 0; row < n; row++) {
        const double forecast = forecasts[row * n_outputs + crossing->output];
        const double score =
            score_of(crossing, widths + row * n_levels, scores, n_levels, forecast);
        if (isnan(score)) {
            return row;
        }
        survive(&left, rho_of((double)errors[0], (double)errors[row]), score);
        ret_by_horizon[row] = 1 - left.share;
    }
    return n;
}

void crossing_probabilities(const struct crossing *crossing, const struct interval_tracker *tracker,
                            const double *forecasts, size_t n_rows, double *ret_by_horizon)
{
    size_t n = tracker ? tracker->layout->n_horizons : 0, row = 0;
    n = n < CROSSING_AHEAD_MAX ? n : CROSSING_AHEAD_MAX;
    if (n > 0) {
        row = follow(crossing, tracker, forecasts, n < n_rows ? n : n_rows, ret_by_horizon);
    }
    for (; row < n_rows; row++) {
        ret_by_horizon[row] = NAN;
    }
}

void crossing_reply_fill(const struct crossing *crossing, const struct interval_tracker *tracker,
                         const double *forecasts, size_t n_outputs, struct crossing_reply *reply)
{
    reply->ahead = crossing_ahead(crossing, forecasts, reply->n_rows, n_outputs);
    crossing_probabilities(crossing, tracker, forecasts, reply->n_rows, reply->by_horizon);
}
