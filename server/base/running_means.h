/*
 * running_means.h - means of one quantity over all values that came, and over the recent ones, in
 * two floats. A leaf; pure.
 *
 * The mean over all is kept as its distance from the recent one. That is short as long as values
 * stay as they were, so a float holds far more of it than of the mean itself, and rounding takes
 * little even in a million steps. NaN: not known.
 */
#ifndef RUNNING_MEANS_H
#define RUNNING_MEANS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct running_means {
    float recent, beyond;
};
#define RUNNING_MEANS_UNKNOWN ((struct running_means){ NAN, NAN })

/* How much the n-th value moves a mean: all values count alike; of the recent ones the first
 * hundred do, and from then on each counts a hundredth less than the next. */
struct running_rates {
    double all, recent;
};
static inline struct running_rates running_rates_of(uint32_t n)
{
    const double rate = 1.0 / n;
    return (struct running_rates){ rate, rate > 0.01 ? rate : 0.01 };
}

static inline double running_means_all(const struct running_means *means)
{
    return (double)means->recent + means->beyond;
}

/* Values beyond it count as it: so no mean is, and no distance between two is beyond any float. */
static const double running_means_most = FLT_MAX / 2;

/* Whether they are numbers, or not known; and whether they can be of sizes, which are not negative.
 */
static inline bool running_means_are_numbers(const struct running_means *means)
{
    return !(fabs((double)means->recent) > running_means_most) &&
           !(fabs(running_means_all(means)) > running_means_most);
}
static inline bool running_means_are_sizes(const struct running_means *means)
{
    return running_means_are_numbers(means) && !(means->recent < 0) &&
           !(running_means_all(means) < 0);
}

/* In the order in which processors have an instruction for each. */
static inline double running_means_bound(double value)
{
    const double low = running_means_most < value ? running_means_most : value;
    return -running_means_most > low ? -running_means_most : low;
}

/* A recent mean that is not known begins with the value. */
static inline void running_means_begin(struct running_means *means, double value)
{
    if (isnan(means->recent)) {
        means->recent = (float)running_means_bound(value);
    }
}

/* m += (x - m) / n (B. P. Welford, Technometrics 4(3), 1962), with a value for each of the two. */
static inline void running_means_move(struct running_means *means, struct running_rates rates,
                                      double value_for_all, double value_for_recent)
{
    const double all = running_means_all(means), recent = means->recent;
    const double next = recent + rates.recent * (running_means_bound(value_for_recent) - recent);
    means->recent = (float)next;
    means->beyond =
        (float)(all + rates.all * (running_means_bound(value_for_all) - all) - means->recent);
}

#endif
