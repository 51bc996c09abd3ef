/* What a tracker begins from, takes over and keeps: of a validation, of other sessions and
 * versions, after a restart. */
#include "interval_tracker_support.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

TEST(what_a_tracker_of_some_outputs_has_goes_to_one_of_all_and_back)
{
    struct interval_untracked untracked = { .n = 0 };
    interval_untracked_add(&untracked, 0);
    interval_untracked_add(&untracked, 2);
    const struct interval_layout few = interval_layout_without(&untracked, 4, 6, 3),
                                 all = interval_layout_of(4, 6, 3);
    const struct interval_tracker first = tracker_make(&few, &usual_levels),
                                  second = tracker_make(&all, &usual_levels),
                                  third = tracker_make(&few, &usual_levels);
    double truths[4], forecasts[4 * 6] = { 0 };
    for (uint64_t step = 1; step < 90; step++) {
        for (size_t output = 0; output < 4; output++) {
            truths[output] = (float)output * tracker_noise(step * 4 + output);
        }
        interval_tracker_step(&first, step, truths, forecasts, 6);
    }
    interval_tracker_restart(&first);
    interval_tracker_step(&first, 90, truths, forecasts, 6);
    interval_tracker_take(&second, &first);
    interval_tracker_take(&third, &second);
    ck_assert_mem_eq(third.bytes, first.bytes, few.n_bytes);
    ck_assert_uint_eq(interval_tracker_coverage(&second, 0, 1).n_scored, 2 * (89 - 1 - 20));
    interval_tracker_begin_like(&second, &first);
    ck_assert(tracker_width(&second, 0, 1) > 0 && tracker_width(&second, 0, 6) > 0);
    free(first.bytes);
    free(second.bytes);
    free(third.bytes);
}

TEST(residuals_of_a_validation_give_bounds_at_once)
{
    const struct interval_layout layout = interval_layout_of(2, 3, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    const struct gru_residual residuals[] = {
        { .n = 100, .mean = 1, .quantiles = { 0.7, 1.6, 2, 2.5, 3.5 } },
        { .n = 19, .mean = 1, .quantiles = { 0.7, 1.6, 2, 2.5, 3.5 } },
        { .n = 100, .mean = 0 },
        { .n = 100, .mean = 1, .quantiles = { 1, 1, 1, 1, 1 } }, /* beyond what it looks at */
    };
    interval_tracker_begin_output(&tracker, 1, residuals, 4);
    double forecasts[6] = { 0 }, lower[6], upper[6];
    ck_assert(!interval_tracker_bounds(&tracker, 0, forecasts, 3, lower, upper));
    ck_assert_double_eq_tol(upper[1], 1.6, 0.01);
    ck_assert(isnan(upper[0])); /* the other output */
    ck_assert(isnan(upper[3])); /* of too few */
    ck_assert(isnan(upper[5])); /* without a size */
    ck_assert_double_eq_tol(tracker_width(&tracker, 1, 1), 2, 0.01);
    ck_assert_double_eq_tol(tracker_width(&tracker, 2, 1), 2.5, 0.01);
    ck_assert(interval_tracker_is_valid(&tracker));
    const struct interval_levels others = { 3, { 0.25, 0.85, 0.995 } };
    const struct interval_tracker second = { &layout, &others, tracker.bytes };
    interval_tracker_begin(&second);
    interval_tracker_begin_output(&second, 1, residuals, 4);
    ck_assert(tracker_width(&second, 0, 1) > 0 && tracker_width(&second, 0, 1) < 0.7);
    ck_assert(tracker_width(&second, 1, 1) > 1.6 && tracker_width(&second, 1, 1) < 2);
    ck_assert(tracker_width(&second, 2, 1) > 3.5 && tracker_width(&second, 2, 1) < 4.5);
    free(tracker.bytes);
}

/* Its own errors count, also before they are enough; what it has none of begins. */
TEST(what_it_has_seen_itself_stays)
{
    const struct interval_layout near = interval_layout_of(1, 1, 3),
                                 far = interval_layout_of(1, 3, 3);
    const struct interval_tracker first = tracker_make(&near, &usual_levels),
                                  tracker = tracker_make(&far, &usual_levels),
                                  other = tracker_make(&far, &usual_levels);
    const struct gru_residual residuals[] = {
        { .n = 100, .mean = 9, .quantiles = { 9, 9, 9, 9, 9 } },
        { .n = 100, .mean = 9, .quantiles = { 9, 9, 9, 9, 9 } },
    };
    tracker_run(&first, 1, 60);
    tracker_run(&other, 1, 200);
    interval_tracker_take(&tracker, &first);
    interval_tracker_begin_output(&tracker, 0, residuals, 2);
    interval_tracker_begin_like(&tracker, &other);
    ck_assert(tracker_width(&tracker, 1, 1) == tracker_width(&first, 1, 1));
    ck_assert_double_eq_tol(tracker_width(&tracker, 1, 2), 9, 0.05);
    ck_assert(tracker_width(&tracker, 1, 3) == tracker_width(&other, 1, 3));
    ck_assert_uint_eq(interval_tracker_coverage(&tracker, 1, 1).n_scored,
                      interval_tracker_coverage(&first, 1, 1).n_scored);
    free(first.bytes);
    free(tracker.bytes);
    free(other.bytes);
}

/* A file may say anything that is finite. */
TEST(residuals_that_cannot_be_lead_to_a_tracker_that_can)
{
    const struct interval_layout layout = interval_layout_of(1, 2, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    const struct gru_residual residuals[] = {
        { .n = 100, .mean = 1e-300, .quantiles = { 0, 0, 1e300, 1e300, 1e300 } },
        { .n = 100, .mean = 1e300, .quantiles = { 0 } },
    };
    interval_tracker_begin_output(&tracker, 0, residuals, 2);
    ck_assert(interval_tracker_is_valid(&tracker));
    tracker_run(&tracker, 1, 50);
    ck_assert(interval_tracker_is_valid(&tracker));
    free(tracker.bytes);
}

/* Its own stream may have errors of another size: they count from the first one on. */
TEST(what_it_began_from_is_soon_forgotten)
{
    const struct interval_layout layout = interval_layout_of(1, 1, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels),
                                  other = tracker_make(&layout, &usual_levels);
    const struct gru_residual residual = { .n = 100000,
                                           .mean = 100,
                                           .quantiles = { 70, 160, 200, 250, 350 } };
    interval_tracker_begin_output(&tracker, 0, &residual, 1);
    tracker_run(&tracker, 1, 200);
    ck_assert_double_lt(tracker_width(&tracker, 1, 1), 5); /* of errors up to 1 */
    tracker_run(&other, 1, 2000);
    interval_tracker_begin(&tracker);
    interval_tracker_begin_like(&tracker, &other);
    interval_tracker_rescale(&tracker, 0, 1, 100);
    ck_assert_double_eq_tol(tracker_width(&tracker, 1, 1), 100 * tracker_width(&other, 1, 1), 1);
    tracker_run(&tracker, 1, 200);
    ck_assert_double_lt(tracker_width(&tracker, 1, 1), 5);
    free(tracker.bytes);
    free(other.bytes);
}

/* Others do not pay for a session whose errors only ever grow, or are told beforehand. */
TEST(what_an_adversary_has_learnt_is_its_own)
{
    const struct interval_layout layout = interval_layout_of(1, 1, 3);
    const struct interval_tracker first = tracker_make(&layout, &usual_levels),
                                  second = tracker_make(&layout, &usual_levels);
    double error = 1, forecast = 0, lower, upper;
    for (uint64_t step = 1; step <= 300; step++) {
        interval_tracker_step(&first, step, &error, &forecast, 1);
        const bool has_bounds = !interval_tracker_bounds(&first, 0, &forecast, 1, &lower, &upper);
        error = has_bounds && step > 20 ? 1.1F * upper : error; /* just outside */
    }
    ck_assert(interval_tracker_bounds(&first, 0, &forecast, 1, &lower, &upper)); /* saturated */
    interval_tracker_begin_like(&second, &first);
    ck_assert(!interval_tracker_bounds(&second, 0, &forecast, 1, &lower, &upper));
    ck_assert(upper > 0);
    free(first.bytes);
    free(second.bytes);
}

TEST(only_a_session_that_was_wrong_at_times_tells_others_how_to_begin)
{
    const struct interval_layout layout = interval_layout_of(2, 1, 3);
    const struct interval_tracker first = tracker_make(&layout, &usual_levels),
                                  second = tracker_make(&layout, &usual_levels);
    ck_assert(!interval_tracker_has_seen_enough(&first, 1));
    for (uint64_t step = 1; step <= 100; step++) {
        const double truths[2] = { 0, (double)(step < 30 ? NAN : tracker_noise(step)) };
        const double forecasts[2] = { 0 };
        interval_tracker_step(&first, step, truths, forecasts, 1);
        ck_assert(interval_tracker_has_seen_enough(&first, 1) == (step >= 30 + 39));
        ck_assert(!interval_tracker_has_seen_enough(&first, 2)); /* it does not look there */
    }
    interval_tracker_begin_like(&second, &first);
    double forecasts[2] = { 0 }, lower[2], upper[2];
    ck_assert(!interval_tracker_bounds(&second, 0, forecasts, 1, lower, upper));
    ck_assert(isnan(upper[0]));
    ck_assert(upper[1] > 0);
    ck_assert(!interval_tracker_has_seen_enough(&second, 1)); /* nothing of its own */
    free(first.bytes);
    free(second.bytes);
}

TEST(another_session_gives_it_its_widths_and_no_more)
{
    const struct interval_layout layout = interval_layout_of(1, 6, 1),
                                 wider = interval_layout_of(1, 12, 3);
    const struct interval_levels one = { 1, { 0.9 } };
    const struct interval_tracker first = tracker_make(&layout, &one),
                                  second = tracker_make(&wider, &usual_levels);
    tracker_run(&first, 1, 500);
    interval_tracker_begin_like(&second, &first);
    ck_assert(tracker_width(&second, 1, 6) == tracker_width(&first, 0, 6));
    ck_assert(tracker_width(&second, 0, 6) < tracker_width(&first, 0, 6));
    ck_assert(tracker_width(&second, 2, 6) > tracker_width(&first, 0, 6));
    ck_assert(isnan(tracker_width(&second, 1, 7)));
    ck_assert_uint_eq(interval_tracker_coverage(&second, 1, 1).n_scored, 0);
    tracker_run(&second, 500, 501); /* nothing waits */
    ck_assert_uint_eq(interval_tracker_coverage(&second, 1, 1).n_scored, 0);
    free(first.bytes);
    free(second.bytes);
}

TEST(a_new_version_keeps_the_factors_and_rescales_the_means)
{
    const struct interval_layout layout = interval_layout_of(1, 6, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    tracker_run(&tracker, 1, 500);
    const float before = tracker_width(&tracker, 1, 6);
    const uint64_t n_scored = interval_tracker_coverage(&tracker, 1, 6).n_scored;
    for (size_t ahead = 1; ahead <= 6; ahead++) {
        interval_tracker_rescale(&tracker, 0, ahead, ahead == 6 ? 0.5 : 3);
    }
    interval_tracker_drop_waiting(&tracker);
    ck_assert(tracker_width(&tracker, 1, 6) == before / 2);
    tracker_run(&tracker, 500, 506);
    ck_assert_uint_eq(interval_tracker_coverage(&tracker, 1, 6).n_scored, n_scored);
    tracker_run(&tracker, 506, 507);
    ck_assert_uint_eq(interval_tracker_coverage(&tracker, 1, 6).n_scored, n_scored + 1);
    free(tracker.bytes);
}

TEST(after_a_restart_it_is_wider_until_20_were_scored)
{
    const struct interval_layout layout = interval_layout_of(1, 1, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    tracker_run(&tracker, 1, 500);
    const float before = tracker_width(&tracker, 1, 1);
    interval_tracker_restart(&tracker);
    ck_assert_double_eq_tol(tracker_width(&tracker, 1, 1), 2 * before, 0.01 * before);
    tracker_run(&tracker, 500, 501); /* nothing waits: not scored */
    ck_assert_double_eq_tol(tracker_width(&tracker, 1, 1), 2 * before, 0.01 * before);
    tracker_run(&tracker, 501, 511);
    ck_assert_double_eq_tol(tracker_width(&tracker, 1, 1), 1.5 * before, 0.2 * before);
    tracker_run(&tracker, 511, 521);
    ck_assert_double_eq_tol(tracker_width(&tracker, 1, 1), before, 0.2 * before);
    free(tracker.bytes);
}

/* What a tracker of these levels and steps ahead is after a run. */
static void expect_taken(const struct interval_tracker *from, const struct interval_levels *of,
                         size_t n_horizons)
{
    const struct interval_layout layout =
        interval_layout_of(from->layout->n_outputs, n_horizons, of->n);
    const struct interval_tracker taken = tracker_make(&layout, of),
                                  twin = tracker_make(&layout, of);
    tracker_run(&twin, 1, 100);
    interval_tracker_take(&taken, from);
    ck_assert_mem_eq(taken.bytes, twin.bytes, layout.n_bytes);
    free(taken.bytes);
    free(twin.bytes);
}

TEST(a_tracker_takes_what_it_has_room_for)
{
    const struct interval_levels middle = { 1, { 0.9 } }, ends = { 2, { 0.8, 0.95 } };
    const struct interval_layout layout = interval_layout_of(2, 6, 3);
    const struct interval_tracker tracker = tracker_make(&layout, &usual_levels);
    tracker_run(&tracker, 1, 100);
    expect_taken(&tracker, &usual_levels, 2);
    expect_taken(&tracker, &usual_levels, 6);
    expect_taken(&tracker, &middle, 6);
    expect_taken(&tracker, &ends, 3);
    free(tracker.bytes);
}
