/* Means in floats, against sums of doubles. */
#include "base/running_means.h"
#include "test.h"

#include <math.h>

/* Values of a stream that is alike at all times, from 0 to 2; each `spike`-th is a hundred. */
static double value_of(uint32_t k, uint32_t spike)
{
    const double wave = 1.0 + sin((double)k * 12.9898) * cos((double)k * 0.37);
    return spike > 0 && k % spike == 0 ? 100.0 : wave;
}

static void expect_mean(const struct running_means *means, double expected, double tolerance)
{
    const double all = running_means_all(means);
    ck_assert_msg(fabs(all - expected) <= tolerance * expected, "%.12g, expected %.12g", all,
                  expected);
}

TEST(the_mean_over_all_keeps_seven_digits_for_a_million_values)
{
    enum { VALUES = 1000000 };
    struct running_means means = { 0 };
    double sum = 0.0;
    for (uint32_t k = 1; k <= VALUES; k++) {
        const double value = value_of(k, 0);
        sum += value;
        running_means_move(&means, running_rates_of(k), value, value);
        if (k % 1000 == 0) {
            expect_mean(&means, sum / k, k <= 10000 ? 1e-7 : 1e-6);
        }
    }
}

TEST(spikes_cost_a_digit)
{
    enum { VALUES = 100000 };
    struct running_means means = { 0 };
    double sum = 0.0;
    for (uint32_t k = 1; k <= VALUES; k++) {
        const double value = value_of(k, 5000);
        sum += value;
        running_means_move(&means, running_rates_of(k), value, value);
    }
    expect_mean(&means, sum / VALUES, 2e-6);
}

TEST(the_recent_mean_is_that_of_all_at_first_and_forgets_then)
{
    struct running_means means = { 0 };
    for (uint32_t k = 1; k <= 100; k++) {
        running_means_move(&means, running_rates_of(k), 1.0, 1.0);
    }
    ck_assert(means.recent == 1.0F && means.beyond == 0.0F);
    for (uint32_t k = 101; k <= 169; k++) {
        running_means_move(&means, running_rates_of(k), 0.0, 0.0);
    }
    ck_assert_double_eq_tol((double)means.recent, 0.5, 1e-3);
    ck_assert_double_eq_tol(running_means_all(&means), 100.0 / 169.0, 1e-7);
}

TEST(what_is_not_known_stays_so_and_the_recent_mean_begins)
{
    struct running_means means = RUNNING_MEANS_UNKNOWN;
    running_means_begin(&means, 3.0);
    running_means_move(&means, running_rates_of(1000), 3.0, 3.0);
    ck_assert(means.recent == 3.0F && isnan(running_means_all(&means)));
    running_means_move(&means, running_rates_of(1001), 4.0, 4.0);
    ck_assert_double_eq_tol((double)means.recent, 3.01, 1e-6);
    ck_assert(isnan(running_means_all(&means)));
}

TEST(values_beyond_any_float_are_survived)
{
    struct running_means means = { 0 };
    running_means_move(&means, running_rates_of(1), 1e77, 1e77);
    ck_assert(isfinite(means.recent) && isfinite(running_means_all(&means)));
    for (uint32_t k = 2; k <= 20000; k++) {
        running_means_move(&means, running_rates_of(k), 1.0, 1.0);
    }
    ck_assert_double_eq_tol((double)means.recent, 1.0, 1e-3);
}
