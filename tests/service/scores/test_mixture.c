/* The laws of the mixture; what it promises on series is in test_mixture_bound.c. */
#include "mixture_support.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 6, SEASON = 4, VALUES = 300 };

static double value(uint64_t step, size_t output)
{
    const double wave = sin((double)(step % SEASON) * 1.5);
    return (double)(float)(20 + 10 * (double)output + wave + 0.3 * sin((double)(step * step)));
}

static struct mixture make(const struct interval_layout *layout)
{
    struct mixture mixture = { layout, malloc(mixture_bytes(layout)) };
    ck_assert_ptr_nonnull(mixture.bytes);
    mixture_begin(&mixture);
    return mixture;
}

/* Steps [from, until), of a model that is a little off; readings for which `is_missing` is not 0
 * and divides the step are missing. */
static void run(const struct mixture *mixture, uint64_t from, uint64_t until, uint64_t is_missing)
{
    const size_t n_outputs = mixture->layout->n_outputs;
    double truths[4], forecasts[4 * AHEAD], seasonal[4 * SEASON];
    for (uint64_t step = from; step < until; step++) {
        for (size_t o = 0; o < n_outputs; o++) {
            const bool is_here = is_missing == 0 || step % is_missing != 0;
            truths[o] = is_here ? value(step, o) : (double)NAN;
            for (size_t i = 0; i < AHEAD; i++) {
                forecasts[i * n_outputs + o] = value(step + 1 + i, o) + 0.1;
            }
            for (size_t i = 0; i < SEASON; i++) {
                seasonal[i * n_outputs + o] =
                    step + 1 + i > SEASON ? value(step + 1 + i - SEASON, o) : (double)NAN;
            }
        }
        const struct mixture_reading reading = { .step = step,
                                                 .truths = truths,
                                                 .forecasts = forecasts,
                                                 .n_horizons = AHEAD,
                                                 .season = SEASON,
                                                 .seasonal = seasonal };
        mixture_step(mixture, &reading);
    }
}

static void forecast_of(const struct mixture *mixture, const double *forecasts, size_t n,
                        double *ret_mixed)
{
    double weights[MIXTURE_EXPERTS];
    mixture_forecast(mixture, forecasts, n, ret_mixed, weights);
}

static void weights_of(const struct mixture *mixture, size_t n, double *ret_weights)
{
    static const double forecasts[4 * AHEAD];
    double mixed[4 * AHEAD];
    mixture_forecast(mixture, forecasts, n, mixed, ret_weights);
}

TEST(it_begins_as_persistence)
{
    const struct interval_layout layout = interval_layout_of(1, 1, 1);
    const struct mixture mixture = make(&layout);
    const double forecast = 100;
    double mixed, weights[MIXTURE_EXPERTS];
    mixture_know(&mixture, 0, 7.5);
    run(&mixture, 1, 2, 1); /* a missing reading: the last known one stays */
    forecast_of(&mixture, &forecast, 1, &mixed);
    ck_assert_double_eq(mixed, 7.5);
    weights_of(&mixture, 1, weights);
    ck_assert_double_eq(weights[MIXTURE_PERSISTENCE], 1);
    ck_assert_double_eq(weights[MIXTURE_MODEL], 0);
    free(mixture.bytes);
}

TEST(without_a_known_value_there_is_the_model_alone)
{
    const struct interval_layout layout = interval_layout_of(1, 2, 1);
    const struct mixture mixture = make(&layout);
    const double forecasts[] = { 1, 2 };
    double mixed[2], weights[MIXTURE_EXPERTS];
    run(&mixture, 1, 3, 1);
    forecast_of(&mixture, forecasts, 2, mixed);
    ck_assert_mem_eq(mixed, forecasts, sizeof mixed);
    weights_of(&mixture, 2, weights);
    ck_assert_double_eq(weights[MIXTURE_MODEL], 1);
    free(mixture.bytes);
}

TEST(a_good_model_comes_to_be_believed)
{
    const struct interval_layout layout = interval_layout_of(2, AHEAD, 1);
    const struct mixture mixture = make(&layout);
    double weights[MIXTURE_EXPERTS], sum = 0;
    run(&mixture, 1, VALUES, 0);
    weights_of(&mixture, AHEAD, weights);
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        sum += weights[k];
    }
    ck_assert_double_eq_tol(sum, 1, 1e-12);
    ck_assert_double_gt(weights[MIXTURE_MODEL], 0.5);
    free(mixture.bytes);
}

TEST(another_version_is_on_trial_again_and_the_others_go_on)
{
    const struct interval_layout layout = interval_layout_of(1, AHEAD, 1);
    const struct mixture mixture = make(&layout);
    double before[MIXTURE_EXPERTS], weights[MIXTURE_EXPERTS];
    run(&mixture, 1, VALUES, 0);
    weights_of(&mixture, AHEAD, before);
    mixture_restart_model(&mixture);
    weights_of(&mixture, AHEAD, weights);
    ck_assert_double_eq(weights[MIXTURE_MODEL], 0);
    ck_assert_double_gt(before[MIXTURE_SEASONAL], 0);
    ck_assert_double_gt(weights[MIXTURE_SEASONAL], before[MIXTURE_SEASONAL]);
    run(&mixture, VALUES, VALUES + 100, 0);
    weights_of(&mixture, AHEAD, weights);
    ck_assert_double_gt(weights[MIXTURE_MODEL], 0.5);
    free(mixture.bytes);
}

/* Nothing is learnt where there is nothing to learn from. */
TEST(a_missing_reading_is_not_scored)
{
    const struct interval_layout layout = interval_layout_of(1, AHEAD, 1);
    const struct mixture mixture = make(&layout);
    double before[MIXTURE_EXPERTS], weights[MIXTURE_EXPERTS];
    run(&mixture, 1, 60, 3);
    weights_of(&mixture, AHEAD, before);
    run(&mixture, 60, 61, 3);
    weights_of(&mixture, AHEAD, weights);
    ck_assert_mem_eq(weights, before, sizeof weights);
    run(&mixture, 61, 62, 3);
    weights_of(&mixture, AHEAD, weights);
    ck_assert_mem_ne(weights, before, sizeof weights);
    free(mixture.bytes);
}

TEST(a_copy_goes_on_like_it)
{
    const struct interval_layout narrow = interval_layout_of(2, AHEAD, 1);
    const struct interval_layout layout = interval_layout_wide(&narrow);
    const struct mixture mixture = make(&layout), other = make(&layout);
    run(&mixture, 1, 100, 7);
    memcpy(other.bytes, mixture.bytes, mixture_bytes(&layout));
    run(&mixture, 100, 150, 7);
    run(&other, 100, 150, 7);
    ck_assert_mem_eq(other.bytes, mixture.bytes, mixture_bytes(&layout));
    free(mixture.bytes);
    free(other.bytes);
}

/* In a layout that looks further ahead all goes on as it was. */
TEST(what_is_known_moves_to_another_layout)
{
    const struct interval_layout near = interval_layout_of(2, 3, 1),
                                 far = interval_layout_of(2, AHEAD, 3);
    const struct mixture little = make(&near), much = make(&far), as_far = make(&far),
                         back = make(&near);
    double forecasts[2 * 3] = { 1, 2, 3, 4, 5, 6 }, mixed[2 * 3], other[2 * 3];
    run(&little, 1, 101, 7);
    mixture_take(&much, &little);
    ck_assert(mixture_is_valid(&much));
    run(&little, 101, 131, 7);
    run(&much, 101, 131, 7);
    forecast_of(&little, forecasts, 3, mixed);
    forecast_of(&much, forecasts, 3, other);
    ck_assert_mem_eq(other, mixed, sizeof mixed);
    mixture_take(&as_far, &much);
    ck_assert_mem_eq(as_far.bytes, much.bytes, mixture_bytes(&far));
    mixture_take(&back, &much);
    run(&back, 131, 140, 0);
    run(&little, 131, 140, 0);
    forecast_of(&back, forecasts, 3, other);
    forecast_of(&little, forecasts, 3, mixed);
    ck_assert_mem_eq(other, mixed, sizeof mixed);
    free(little.bytes);
    free(much.bytes);
    free(as_far.bytes);
    free(back.bytes);
}

TEST(outputs_that_are_not_tracked_are_the_models)
{
    struct interval_untracked untracked = { 0 };
    interval_untracked_add(&untracked, 0);
    const struct interval_layout layout = interval_layout_without(&untracked, 2, 2, 1);
    const struct mixture mixture = make(&layout);
    const double forecasts[] = { 1, 2, 3, 4, 5, 6 };
    double mixed[6];
    run(&mixture, 1, 4, 0);
    forecast_of(&mixture, forecasts, 3, mixed);
    const double expected[] = { 1, value(3, 1), 3, value(3, 1), 5, 6 };
    ck_assert_mem_eq(mixed, expected, sizeof mixed);
    free(mixture.bytes);
}

TEST(wide_values_keep_their_digits)
{
    const struct interval_layout narrow = interval_layout_of(1, 1, 1);
    const struct interval_layout layout = interval_layout_wide(&narrow);
    const struct mixture mixture = make(&layout);
    const double last = 123456789.0625, forecast = 0;
    double mixed;
    mixture_know(&mixture, 0, last);
    run(&mixture, 1, 2, 1);
    forecast_of(&mixture, &forecast, 1, &mixed);
    ck_assert_double_eq(mixed, last);
    free(mixture.bytes);
}

static void check_refused(const struct mixture *mixture, size_t at, float value)
{
    float was;
    memcpy(&was, mixture->bytes + at, sizeof was);
    memcpy(mixture->bytes + at, &value, sizeof value);
    ck_assert(!mixture_is_valid(mixture));
    memcpy(mixture->bytes + at, &was, sizeof was);
    ck_assert(mixture_is_valid(mixture));
}

TEST(bytes_that_no_mixture_has_are_refused)
{
    enum { HEAD = 12, CELL = 56 }; /* range; weight, sum and squares of each; counts */
    const struct interval_layout layout = interval_layout_of(1, AHEAD, 1);
    const struct mixture mixture = make(&layout);
    run(&mixture, 1, 100, 0);
    check_refused(&mixture, HEAD, -1);
    check_refused(&mixture, HEAD, NAN);
    check_refused(&mixture, HEAD + 4, 1e9F);
    check_refused(&mixture, HEAD + 8, NAN);
    check_refused(&mixture, HEAD + 12, -1);
    check_refused(&mixture, HEAD + AHEAD * CELL, INFINITY);
    mixture.bytes[HEAD + CELL - 4] = MIXTURE_TRIAL + 1;
    ck_assert(!mixture_is_valid(&mixture));
    mixture.bytes[HEAD + CELL - 4] = 0;
    mixture.bytes[HEAD + CELL - 4 + MIXTURE_PERSISTENCE] = 0;
    ck_assert(!mixture_is_valid(&mixture));
    free(mixture.bytes);
}
