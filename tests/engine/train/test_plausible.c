/* What is wrong and what is rare: codes at any share, and events that are left in. */
#include "gru.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>

enum { VALUES = 400 };

static double noise(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (double)(*seed >> 40) / (1 << 23) - 1;
}

/* A sine of the middle and amplitude with noise, a column of a model that is scaled for it. */
static struct gru_variable fill(double values[VALUES], double middle, double amplitude)
{
    uint64_t seed = 7;
    for (size_t k = 0; k < VALUES; k++) {
        values[k] = (float)(middle + amplitude * (sin((double)k / 8) + 0.05 * noise(&seed)));
    }
    return (struct gru_variable){ .name = "v", .mean = middle, .std = amplitude };
}

static struct gru_plausible found(const double values[VALUES], const struct gru_variable *variable)
{
    double scratch[VALUES];
    struct gru_plausible plausible;
    for (size_t k = 0; k < VALUES; k++) {
        scratch[k] = values[k];
    }
    gru_plausible_find(scratch, VALUES, variable, &plausible);
    return plausible;
}

/* Which of the values cannot be. */
static size_t count_wrong(const double values[VALUES], const struct gru_variable *variable)
{
    const struct gru_plausible plausible = found(values, variable);
    size_t n = 0;
    for (size_t k = 0; k < VALUES; k++) {
        n += !gru_is_plausible(&plausible, values[k]);
    }
    return n;
}

TEST(codes_are_wrong_at_any_share)
{
    static const struct {
        double middle, amplitude;
        double code;
    } cases[] = { { 20, 3, -999 },  { 20, 3, 65535 },  { 300, 5, 0 },     { 0.5, 0.1, -999 },
                  { 20, 3, 1e30F }, { 20, 30, -9999 }, { 20, 3, -3e38F }, { 1e5, 50, 0 } };
    static const size_t every[] = { 200, 50, 19, 14, 8, 5, 3, 2 };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (size_t e = 0; e < sizeof every / sizeof *every; e++) {
            double values[VALUES];
            const struct gru_variable variable = fill(values, cases[c].middle, cases[c].amplitude);
            ck_assert_uint_eq(count_wrong(values, &variable), 0);
            for (size_t k = 0; k < VALUES; k += every[e]) {
                values[k] = cases[c].code;
            }
            const size_t n = count_wrong(values, &variable), n_codes = (VALUES - 1) / every[e] + 1;
            ck_assert_msg(n == n_codes, "%g every %zu: %zu, not %zu", (double)cases[c].code,
                          every[e], n, n_codes);
        }
    }
}

TEST(a_dead_sensor_is_wrong_even_if_it_is_dead_most_of_the_time)
{
    double values[VALUES];
    const struct gru_variable variable = fill(values, 20, 3);
    for (size_t k = 40; k < VALUES; k++) {
        values[k] = -999;
    }
    ck_assert_uint_eq(count_wrong(values, &variable), VALUES - 40);
}

TEST(codes_with_noise_are_wrong)
{
    double values[VALUES];
    uint64_t seed = 5;
    const struct gru_variable variable = fill(values, 20, 3);
    for (size_t k = 0; k < VALUES; k += 14) {
        values[k] = (float)(-999 + 0.1 * noise(&seed));
    }
    ck_assert_uint_eq(count_wrong(values, &variable), (VALUES - 1) / 14 + 1);
}

/* Codes that are near, or events of one height: nobody can tell. */
TEST(what_repeats_not_so_far_away_is_doubtful)
{
    static const double nearby[] = { 0, 85, -40, 60 };
    for (size_t c = 0; c < 4; c++) {
        double values[VALUES];
        const struct gru_variable variable = fill(values, 20, 3);
        for (size_t k = 0; k < VALUES; k += 14) {
            values[k] = nearby[c];
        }
        const struct gru_plausible plausible = found(values, &variable);
        ck_assert_uint_eq(count_wrong(values, &variable), (VALUES - 1) / 14 + 1);
        ck_assert(gru_is_doubtful(&plausible, nearby[c]) && !gru_is_doubtful(&plausible, 20));
        values[0] = -999;
        values[14] = -999;
        ck_assert(!gru_is_plausible(&plausible, -999) && !gru_is_doubtful(&plausible, -999));
    }
}

TEST(several_codes_are_wrong_and_one_value_by_itself_too)
{
    double values[VALUES];
    const struct gru_variable variable = fill(values, 20, 3);
    for (size_t k = 0; k < VALUES; k += 10) {
        values[k] = -999;
        values[k + 1] = 65535;
        values[k + 2] = -9999;
    }
    values[7] = 1e9F;
    ck_assert_uint_eq(count_wrong(values, &variable), 121);
}

TEST(values_that_no_scale_has_are_wrong_though_they_differ)
{
    double values[VALUES];
    const struct gru_variable variable = fill(values, 20, 3);
    for (size_t k = 0; k < 20; k++) {
        values[k] = (float)(1e30 * (double)(k + 1));
    }
    ck_assert_uint_eq(count_wrong(values, &variable), 20);
}

TEST(spikes_that_differ_are_rare_and_not_wrong)
{
    static const double heights[] = { 10, 30, 300 };
    for (size_t h = 0; h < 3; h++) {
        double values[VALUES];
        uint64_t seed = 3;
        fill(values, 0, 0.05);
        const struct gru_variable variable = { .name = "v", .mean = 0, .std = 1 };
        for (size_t k = 0; k < VALUES; k += 33) {
            values[k] = (float)(heights[h] * (1 + 0.2 * noise(&seed)));
        }
        ck_assert_uint_eq(count_wrong(values, &variable), 0);
        for (size_t k = 1; k < VALUES; k += 33) {
            values[k] = (float)(1e4 * heights[h]);
        }
        ck_assert_uint_eq(count_wrong(values, &variable), 13);
    }
}

TEST(switches_and_steps_are_not_wrong)
{
    static const size_t every[] = { 2, 10, 100, 200 };
    for (size_t e = 0; e < 4; e++) {
        double values[VALUES];
        const double share = 1 / (double)every[e];
        const struct gru_variable fitted = { .name = "v",
                                             .mean = 50 * share,
                                             .std = 50 * sqrt(share * (1 - share)) };
        const struct gru_variable unscaled = { .name = "v", .mean = 0, .std = 1 };
        for (size_t k = 0; k < VALUES; k++) {
            values[k] = k % every[e] == 1 ? 50 : 0;
        }
        ck_assert_uint_eq(count_wrong(values, &fitted), 0);
        ck_assert_uint_eq(count_wrong(values, &unscaled), 0);
    }
    double values[VALUES];
    const struct gru_variable variable = { .name = "v", .mean = 50, .std = 50 };
    for (size_t k = 0; k < VALUES; k++) { /* two levels with noise */
        uint64_t seed = k;
        values[k] = (float)((k / 50 % 2 > 0 ? 100 : 0) + noise(&seed));
    }
    ck_assert_uint_eq(count_wrong(values, &variable), 0);
}

TEST(heavy_tails_are_not_wrong)
{
    double values[VALUES];
    uint64_t seed = 1;
    for (size_t k = 0; k < VALUES; k++) { /* t with 2 degrees of freedom, by its quantiles */
        double u = noise(&seed);
        values[k] = (float)(u * sqrt(2 / (1 - u * u)));
    }
    const struct gru_variable variable = { .name = "v", .mean = 0, .std = 2 };
    ck_assert_uint_eq(count_wrong(values, &variable), 0);
}

TEST(of_few_values_nothing_is_said)
{
    double values[] = { 1, 2, 3, 1e30F, 5, 6, 7, 8, 9 };
    const struct gru_variable variable = { .name = "v", .mean = 5, .std = 2 };
    struct gru_plausible plausible;
    gru_plausible_find(values, 9, &variable, &plausible);
    ck_assert(gru_is_plausible(&plausible, 1e30F) && gru_is_plausible(&plausible, -1e30F));
}

TEST(a_sample_has_one_row_of_each_stretch_and_no_period)
{
    size_t n_even = 0;
    for (size_t k = 0; k < 1000; k++) {
        size_t row = gru_sample_row(k, 14);
        ck_assert(row >= 14 * k && row < 14 * k + 14);
        n_even += row % 2 == 0;
        ck_assert_uint_eq(gru_sample_row(k, 1), k);
    }
    ck_assert(n_even > 400 && n_even < 600);
}
