/* The laws of the tracker; how it begins is in test_interval_tracker_begin.c, what it is worth on
 * series in test_interval_coverage.c. */
#include "interval_tracker_support.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TEST(one_level_at_one_step_ahead_takes_52_bytes)
{
    ck_assert_uint_eq(interval_layout_of(1, 1, 1).n_bytes, 52);
    const struct interval_layout far = interval_layout_of(1, 12, 1);
    ck_assert_uint_eq(far.scored - far.forecasts + far.seen - far.widths, 468);
}

TEST(bounds_are_unknown_until_20_were_scored)
{
    const struct interval_layout layout = interval_layout_of(1, 6, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    tracker_run(&tracker, 1, 21); /* 19 one step ahead, 14 six steps ahead */
    ck_assert(isnan(tracker_width(&tracker, 0, 1)));
    tracker_run(&tracker, 21, 22);
    ck_assert(tracker_width(&tracker, 0, 1) > 0);
    ck_assert(isnan(tracker_width(&tracker, 0, 6)));
    tracker_run(&tracker, 22, 27);
    ck_assert(tracker_width(&tracker, 0, 6) > 0);
    ck_assert_uint_eq(interval_tracker_coverage(&tracker, 0, 6).n_scored, 0);
    ck_assert(isnan(interval_tracker_coverage(&tracker, 0, 6).covered));
    tracker_run(&tracker, 27, 33);
    ck_assert_uint_eq(interval_tracker_coverage(&tracker, 0, 6).n_scored, 1);
    free(tracker.bytes);
}

/* The rule as the header has it, in doubles, with a list of all that was forecast. */
static void follow_rule(size_t ahead)
{
    enum { N = 600 };
    static double widths[N + 1];
    const struct interval_layout layout = interval_layout_of(1, 12, 1);
    const struct interval_levels one = { 1, { 0.9 } };
    const struct interval_tracker tracker = tracker_make(&layout, &one);
    double k[2] = { 0 }, v[2] = { 0 }, rates[2] = { 0.005, fmax(0.1 / (double)ahead, 0.01) };
    tracker_run(&tracker, 1, 300);
    const float *means = (const float *)(const void *)tracker.bytes + 2 * (ahead - 1);
    const float *factors =
        (const float *)(const void *)(tracker.bytes + layout.factors) + 2 * (ahead - 1);
    for (size_t j = 0; j < 2; j++) {
        k[j] = factors[j];
        v[j] = means[j];
    }
    for (size_t step = 300; step < N; step++) {
        const double error = fabs((double)tracker_noise(step * 4));
        if (step >= 300 + ahead) {
            const double g = (error > widths[step - ahead]) - 0.1, sum = v[0] + v[1];
            for (size_t j = 0; j < 2; j++) {
                k[j] += 2 * 0.03 * g * v[j] / sum;
            }
            for (size_t j = 0; j < 2; j++) {
                v[j] += rates[j] * (error - v[j]);
            }
        }
        tracker_run(&tracker, step, step + 1);
        widths[step] = tracker_width(&tracker, 0, ahead);
        if (step < 300 + ahead) { /* what it scored of the steps before is its own */
            for (size_t j = 0; j < 2; j++) {
                k[j] = factors[j];
                v[j] = means[j];
            }
        }
        ck_assert_double_eq_tol(widths[step], k[0] * v[0] + k[1] * v[1], 0.004 * widths[step]);
        ck_assert_double_eq_tol(factors[0], k[0], 1e-4);
        ck_assert_double_eq_tol(means[1], v[1], 1e-4);
    }
    free(tracker.bytes);
}

TEST(widths_follow_the_stated_rule)
{
    follow_rule(1);
    follow_rule(3);
    follow_rule(12);
}

TEST(a_copy_goes_on_bit_for_bit)
{
    const struct interval_layout layout = interval_layout_of(2, 12, 3);
    const struct interval_tracker first = tracker_make(&layout, &usual_levels),
                                  second = tracker_make(&layout, &usual_levels);
    tracker_run(&first, 1, 100);
    memcpy(second.bytes, first.bytes, layout.n_bytes);
    tracker_run(&first, 100, 300);
    tracker_run(&second, 100, 300);
    ck_assert_mem_eq(first.bytes, second.bytes, layout.n_bytes);
    free(first.bytes);
    free(second.bytes);
}

TEST(outputs_do_not_know_each_other)
{
    const struct interval_layout layout = interval_layout_of(2, 3, 1);
    const struct interval_levels one = { 1, { 0.9 } };
    const struct interval_tracker tracker = tracker_make(&layout, &one);
    tracker_run(&tracker, 1, 2000);
    double forecasts[2] = { 0 }, lower[2], upper[2];
    ck_assert(!interval_tracker_bounds(&tracker, 0, forecasts, 1, lower, upper));
    ck_assert_double_eq_tol(upper[0], 0.9, 0.1);
    ck_assert_double_eq_tol(upper[1], 1.8, 0.2);
    free(tracker.bytes);
}

/* Of `columns` outputs every third is tracked, beside a tracker of these alone. */
static void track_some(size_t columns)
{
    enum { MOST = 200, AHEAD = 3 };
    struct interval_untracked untracked = { .n = 0 };
    for (size_t column = 0; column < columns; column++) {
        if (column % 3 > 0) {
            interval_untracked_add(&untracked, column);
        }
    }
    const struct interval_layout layout = interval_layout_without(&untracked, columns, AHEAD, 3);
    const size_t n = layout.n_tracked;
    const struct interval_layout alone = interval_layout_of(n, AHEAD, 3);
    ck_assert_uint_eq(layout.n_bytes, alone.n_bytes);
    const struct interval_tracker some = tracker_make(&layout, &usual_levels),
                                  those = tracker_make(&alone, &usual_levels);
    double truths[MOST], forecasts[AHEAD * MOST], few_truths[MOST], few_forecasts[AHEAD * MOST];
    double lower[AHEAD * MOST], upper[AHEAD * MOST], few_lower[AHEAD * MOST],
        few_upper[AHEAD * MOST];
    for (uint64_t step = 1; step < 100; step++) {
        for (size_t i = 0; i < columns * AHEAD; i++) {
            forecasts[i] = tracker_noise(step + i);
            truths[i % columns] = tracker_noise(step * MOST + i);
        }
        for (size_t column = 0, k = 0; column < columns; column++) {
            if (column < INTERVAL_UNTRACKED_MAX && column % 3 > 0) {
                continue;
            }
            for (size_t row = 0; row < AHEAD; row++) {
                few_forecasts[row * n + k] = forecasts[row * columns + column];
            }
            few_truths[k++] = truths[column];
        }
        interval_tracker_step(&some, step, truths, forecasts, AHEAD);
        interval_tracker_step(&those, step, few_truths, few_forecasts, AHEAD);
        ck_assert_mem_eq(some.bytes, those.bytes, alone.n_bytes);
        (void)interval_tracker_bounds(&some, 1, forecasts, AHEAD, lower, upper);
        (void)interval_tracker_bounds(&those, 1, few_forecasts, AHEAD, few_lower, few_upper);
        ck_assert(isnan(lower[1]) && isnan(upper[1]));
        ck_assert_mem_eq(&lower[columns + 3], &few_lower[n + 1], sizeof *lower);
        ck_assert_mem_eq(&upper[columns + 3], &few_upper[n + 1], sizeof *upper);
    }
    free(some.bytes);
    free(those.bytes);
}

TEST(outputs_that_are_not_tracked_change_nothing_for_the_others)
{
    track_some(4);
    track_some(INTERVAL_UNTRACKED_MAX);
    track_some(INTERVAL_UNTRACKED_MAX + 40);
}

TEST(a_missing_truth_teaches_nothing)
{
    const struct interval_layout layout = interval_layout_of(1, 6, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    tracker_run(&tracker, 1, 100);
    unsigned char *before = malloc(layout.n_bytes);
    memcpy(before, tracker.bytes, layout.n_bytes);
    const double truth = NAN, forecasts[6] = { 0 };
    for (uint64_t step = 100; step < 120; step++) {
        interval_tracker_step(&tracker, step, &truth, forecasts, 6);
    }
    ck_assert_mem_eq(tracker.bytes, before, layout.forecasts);
    ck_assert_mem_eq(tracker.bytes + layout.scored, before + layout.scored,
                     layout.widths - layout.scored);
    free(before);
    free(tracker.bytes);
}

TEST(what_was_not_forecast_is_not_scored)
{
    const struct interval_layout layout = interval_layout_of(1, 6, 1);
    const struct interval_levels one = { 1, { 0.9 } };
    const struct interval_tracker tracker = tracker_make(&layout, &one);
    tracker_run(&tracker, 1, 100);
    const uint64_t n_scored = interval_tracker_coverage(&tracker, 0, 6).n_scored;
    const double truth = 0, forecast = 0;
    for (uint64_t step = 100; step < 130; step++) { /* one step ahead only */
        interval_tracker_step(&tracker, step, &truth, &forecast, 1);
    }
    ck_assert_uint_eq(interval_tracker_coverage(&tracker, 0, 6).n_scored, n_scored + 6);
    ck_assert_uint_eq(interval_tracker_coverage(&tracker, 0, 1).n_scored, n_scored + 10 + 30);
    free(tracker.bytes);
}

/* Of values that need more digits than a float has: to the last bit of a double. */
TEST(a_wide_forecast_keeps_its_units_while_it_waits)
{
    const struct interval_layout narrow = interval_layout_of(1, 2, 1),
                                 layout = interval_layout_wide(&narrow);
    const struct interval_levels one = { 1, { 0.9 } };
    const struct interval_tracker tracker = tracker_make(&layout, &one);
    ck_assert_uint_eq(layout.n_bytes, narrow.n_bytes + 3 * sizeof(float));
    for (uint64_t step = 1; step <= 60; step++) {
        const double truth = 1e8 + (double)step, forecasts[2] = { truth + 2, truth + 5 };
        interval_tracker_step(&tracker, step, &truth, forecasts, 2);
    }
    ck_assert_float_eq(interval_tracker_mean(&tracker, 0, 1), 1);
    ck_assert_float_eq(interval_tracker_mean(&tracker, 0, 2), 3);
    double forecast = 1e8 + 62, lower, upper;
    ck_assert(!interval_tracker_bounds(&tracker, 0, &forecast, 1, &lower, &upper));
    ck_assert(lower < forecast && forecast - lower < 4 && forecast - lower == upper - forecast);
    double issued_lower, issued_upper;
    ck_assert(interval_tracker_issued(&tracker, 0, 61, 0, &issued_lower, &issued_upper));
    ck_assert(issued_lower == lower && issued_upper == upper);
    const struct interval_coverage before = interval_tracker_coverage(&tracker, 0, 1);
    const double truth = nextafter(upper, INFINITY), unknown[2] = { NAN, NAN };
    interval_tracker_step(&tracker, 61, &truth, unknown, 2);
    const struct interval_coverage after = interval_tracker_coverage(&tracker, 0, 1);
    ck_assert_uint_eq(after.n_scored, before.n_scored + 1);
    ck_assert_double_eq_tol(after.covered * (double)after.n_scored,
                            before.covered * (double)before.n_scored, 1e-6);
    free(tracker.bytes);
}

/* What is told is what counts, to the last bit. */
TEST(a_truth_on_the_bound_is_covered_and_the_next_float_is_not)
{
    const struct interval_layout layout = interval_layout_of(1, 1, 1);
    const struct interval_levels one = { 1, { 0.9 } };
    const struct interval_tracker tracker = tracker_make(&layout, &one);
    tracker_run(&tracker, 1, 100);
    size_t n_within = (size_t)lround(interval_tracker_coverage(&tracker, 0, 1).covered * 78);
    for (uint64_t step = 100; step < 400; step++) {
        double lower, upper, forecast = (double)(21.3F + tracker_noise(step));
        const double unknown = NAN;
        interval_tracker_step(&tracker, 2 * step, &unknown, &forecast, 1);
        ck_assert(!interval_tracker_bounds(&tracker, 0, &forecast, 1, &lower, &upper));
        const bool is_within = step % 3 > 0;
        const double edge = step % 2 > 0 ? upper : lower;
        const double truth =
            is_within ? edge : (double)nextafterf((float)edge, edge == upper ? FLT_MAX : -FLT_MAX);
        interval_tracker_step(&tracker, 2 * step + 1, &truth, &unknown, 1);
        n_within += is_within;
        const struct interval_coverage coverage = interval_tracker_coverage(&tracker, 0, 1);
        ck_assert_uint_eq(n_within, (size_t)lround(coverage.covered * (double)coverage.n_scored));
    }
    free(tracker.bytes);
}

TEST(a_series_that_stands_still_is_covered_by_nothing_wide)
{
    const struct interval_layout layout = interval_layout_of(1, 3, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    const double value = 5, forecasts[3] = { 5, 5, 5 };
    for (uint64_t step = 1; step < 3000; step++) {
        interval_tracker_step(&tracker, step, &value, forecasts, 3);
    }
    double lower[3], upper[3];
    ck_assert(!interval_tracker_bounds(&tracker, 1, forecasts, 3, lower, upper));
    ck_assert(lower[2] == 5 && upper[2] == 5);
    ck_assert(interval_tracker_coverage(&tracker, 1, 3).covered == 1);
    tracker_run(&tracker, 3000, 3200); /* it moves again: the factors had not been wound down */
    ck_assert_double_ge(interval_tracker_coverage(&tracker, 1, 3).recent, 0.8);
    ck_assert(interval_tracker_is_valid(&tracker));
    free(tracker.bytes);
}

/* A label just beyond the bounds whenever there are bounds, of a tracker of `ahead` steps. */
static void attack(size_t ahead, double level, double most)
{
    enum { N = 20000 };
    const struct interval_layout layout = interval_layout_of(1, ahead, 1);
    const struct interval_levels one = { 1, { level } };
    const struct interval_tracker tracker = tracker_make(&layout, &one);
    double forecasts[24] = { 0 }, uppers[N][24] = { 0 }, lower[24];
    tracker_run(&tracker, 1, 50);
    const struct interval_coverage before = interval_tracker_coverage(&tracker, 0, ahead);
    for (uint64_t step = 50; step < N; step++) {
        const double bound = step >= 50 + ahead ? uppers[step - ahead][ahead - 1] : 1;
        const double truth = isnan(bound) ? 0 : fminf(nextafterf(bound, FLT_MAX), (float)most);
        interval_tracker_step(&tracker, step, &truth, forecasts, ahead);
        (void)interval_tracker_bounds(&tracker, 0, forecasts, ahead, lower, uppers[step]);
    }
    const struct interval_coverage after = interval_tracker_coverage(&tracker, 0, ahead);
    const double scored = (double)(after.n_scored - before.n_scored), alpha = 1 - level;
    const double first = before.n_scored > 0 ? before.covered * (double)before.n_scored : 0;
    const double missed = scored - (after.covered * (double)after.n_scored - first);
    const double bound = alpha + (2 / alpha - 1 + 0.06 * (double)ahead) / (0.06 * scored);
    ck_assert_msg(missed / scored <= bound, "%zu ahead, level %g, to %g: missed %g, bound %g",
                  ahead, level, most, missed / scored, bound);
    ck_assert(interval_tracker_is_valid(&tracker));
    free(tracker.bytes);
}

TEST(labels_just_outside_are_missed_no_more_than_stated)
{
    for (size_t l = 0; l < usual_levels.n; l++) {
        attack(1, usual_levels.level[l], FLT_MAX);
        attack(1, usual_levels.level[l], 10);
        attack(6, usual_levels.level[l], 1e6);
        attack(12, usual_levels.level[l], FLT_MAX);
    }
}

TEST(numbers_at_the_end_of_floats_leave_it_valid)
{
    const struct interval_layout layout = interval_layout_of(1, 2, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    for (uint64_t step = 1; step < 500; step++) {
        const double truth = step % 2 > 0 ? FLT_MAX : -FLT_MAX;
        const double forecasts[2] = { -truth * (step % 5 > 0), truth };
        interval_tracker_step(&tracker, step, &truth, forecasts, 2);
        double lower[2], upper[2];
        const bool is_saturated = interval_tracker_bounds(&tracker, 2, forecasts, 2, lower, upper);
        ck_assert(is_saturated || step <= 22 || (isfinite(lower[0]) && isfinite(upper[1])));
        ck_assert(interval_tracker_is_valid(&tracker));
    }
    free(tracker.bytes);
}

TEST(bytes_that_no_tracker_has_are_refused)
{
    const struct interval_layout layout = interval_layout_of(1, 2, 1);
    const struct interval_levels one = { 1, { 0.9 } };
    const struct interval_tracker tracker = tracker_make(&layout, &one);
    tracker_run(&tracker, 1, 60);
    ck_assert(interval_tracker_is_valid(&tracker));
    const size_t places[] = { 0, layout.factors, layout.recent };
    const double bad[] = { -1, INFINITY, 1.5F };
    for (size_t i = 0; i < 3; i++) {
        double kept;
        memcpy(&kept, tracker.bytes + places[i], sizeof kept);
        memcpy(tracker.bytes + places[i], &bad[i], sizeof kept);
        ck_assert(!interval_tracker_is_valid(&tracker));
        memcpy(tracker.bytes + places[i], &kept, sizeof kept);
        ck_assert(interval_tracker_is_valid(&tracker));
    }
    const uint32_t many = 1000000;
    memcpy(tracker.bytes + layout.covered, &many, sizeof many);
    ck_assert(!interval_tracker_is_valid(&tracker));
    free(tracker.bytes);
}

/* A width that is told beside one that is not would be counted without being scored. */
TEST(widths_of_one_forecast_are_told_together)
{
    const struct interval_layout layout = interval_layout_of(1, 2, 2);
    const struct interval_levels two = { 2, { 0.8, 0.9 } };
    const struct interval_tracker tracker = tracker_make(&layout, &two);
    tracker_run(&tracker, 1, 60);
    ck_assert(interval_tracker_is_valid(&tracker));
    uint16_t kept[2];
    unsigned char *place = tracker.bytes + layout.widths;
    memcpy(kept, place, sizeof kept);
    const uint16_t bad[][2] = { { kept[0] | 0x8000, kept[1] },
                                { kept[0], kept[1] | 0x8000 },
                                { 0x7fc0, kept[1] },
                                { kept[0], 0x7fc0 },
                                { 0x7fc1, 0x7fc1 },
                                { kept[0], 0x7f81 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(place, bad[i], sizeof kept);
        ck_assert_msg(!interval_tracker_is_valid(&tracker), "case %zu", i);
    }
    const uint16_t good[][2] = { { 0x7fc0, 0x7fc0 }, { 0x8000, 0x8001 }, { 0x7f80, 0x7f80 } };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        memcpy(place, good[i], sizeof kept);
        ck_assert_msg(interval_tracker_is_valid(&tracker), "case %zu", i);
    }
    free(tracker.bytes);
}

/* Bytes that are let in, however they were made, never lead to a tracker that tells nonsense. */
TEST(what_is_valid_stays_valid_whatever_its_bytes)
{
    enum { CASES = 20000, STEPS = 6 };
    const struct interval_layout layout = interval_layout_of(1, 2, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    unsigned char kept[1024];
    ck_assert_uint_le(layout.n_bytes, sizeof kept);
    tracker_run(&tracker, 1, 30);
    memcpy(kept, tracker.bytes, layout.n_bytes);
    size_t n_valid = 0;
    for (uint64_t i = 0; i < CASES; i++) {
        memcpy(tracker.bytes, kept, layout.n_bytes);
        for (uint64_t k = 0; k <= i % 3; k++) {
            const double at = (tracker_noise(8 * i + 2 * k) + 1) / 2,
                         value = tracker_noise(8 * i + 2 * k + 1);
            tracker.bytes[(size_t)(at * (double)layout.n_bytes)] = (uint8_t)((value + 1) * 128);
        }
        n_valid += interval_tracker_is_valid(&tracker);
        for (uint64_t step = 30; interval_tracker_is_valid(&tracker) && step < 30 + STEPS; step++) {
            tracker_run(&tracker, step, step + 1);
            ck_assert_msg(interval_tracker_is_valid(&tracker), "case %d", (int)i);
            const double covered = interval_tracker_coverage(&tracker, 1, 1).covered;
            ck_assert(covered >= 0 && covered <= 1);
        }
    }
    ck_assert_uint_gt(n_valid, CASES / 10);
    free(tracker.bytes);
}
