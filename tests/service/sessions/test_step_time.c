/* What a reading's time says of its place in its session. */
#include "service/sessions/step_time.h"
#include "test.h"

#include <float.h>
#include <math.h>

enum { GAP_MAX = 100 };

static const double day = 1763668800;

static struct step_time time_of(double last_at, double at)
{
    const struct step_clock clock = { .last_at = last_at,
                                      .interval_seconds = 600,
                                      .gap_max = GAP_MAX };
    return step_time_of(&clock, at);
}

TEST(a_gap_is_the_nearest_whole_number_of_intervals_and_at_least_1)
{
    static const struct {
        double n_intervals;
        size_t n_missing;
        bool is_restart;
    } rows[] = {
        { 1e-9, 0, false },    { 0.4, 0, false },   { 0.6, 0, false }, { 1, 0, false },
        { 1.4, 0, false },     { 1.499, 0, false }, { 1.5, 1, false }, { 1.6, 1, false },
        { 2, 1, false },       { 2.4, 1, false },   { 3, 2, false },   { 101, 100, false },
        { 101.4, 100, false }, { 101.6, 0, true },  { 102, 0, true },  { 1e6, 0, true },
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const struct step_time time = time_of(day, day + 600 * rows[k].n_intervals);
        ck_assert_int_eq(time.order, STEP_IS_NEXT);
        ck_assert(time.is_measured);
        ck_assert_msg(time.n_missing == rows[k].n_missing && time.is_restart == rows[k].is_restart,
                      "%g intervals: %zu missing, %d", rows[k].n_intervals, time.n_missing,
                      time.is_restart);
    }
}

TEST(the_same_time_is_the_same_reading_and_an_earlier_one_is_late)
{
    ck_assert_int_eq(time_of(day, day).order, STEP_IS_SAME);
    ck_assert_int_eq(time_of(day, nextafter(day, 0)).order, STEP_IS_LATE);
    ck_assert_int_eq(time_of(day, nextafter(day, INFINITY)).order, STEP_IS_NEXT);
    ck_assert_int_eq(time_of(day, -day).order, STEP_IS_LATE);
    ck_assert_int_eq(time_of(0, -0.0).order, STEP_IS_SAME);
    ck_assert_int_eq(time_of(-62167219200.0, 253402300799.0).order, STEP_IS_NEXT);
    ck_assert(time_of(-62167219200.0, 253402300799.0).is_restart);
}

TEST(a_gap_is_measured_only_between_known_times)
{
    const struct step_clock untimed = {
        .last_at = day, .is_untimed = true, .interval_seconds = 600, .gap_max = GAP_MAX
    };
    const struct step_clock unknown = { .last_at = NAN, .interval_seconds = 600 };
    const struct step_clock irregular = { .last_at = day, .gap_max = GAP_MAX };
    const struct step_clock *clocks[] = { &untimed, &unknown, &irregular };
    for (size_t k = 0; k < 3; k++) {
        const struct step_time time = step_time_of(clocks[k], day + 1e6);
        ck_assert_int_eq(time.order, STEP_IS_NEXT);
        ck_assert(!time.is_measured && !time.is_restart && time.n_missing == 0);
        ck_assert(step_time_fits(&time, 1) && step_time_fits(&time, 1000));
    }
    ck_assert_int_eq(step_time_of(&untimed, day).order, STEP_IS_LATE);
    ck_assert_int_eq(step_time_of(&unknown, -1e11).order, STEP_IS_NEXT);
}

TEST(the_smallest_and_the_largest_intervals_are_measured)
{
    static const double intervals[] = { DBL_TRUE_MIN, 1e-300, 1e300, DBL_MAX };
    for (size_t k = 0; k < 4; k++) {
        const struct step_clock clock = { .last_at = -1e11,
                                          .interval_seconds = intervals[k],
                                          .gap_max = 100000 };
        const struct step_time time = step_time_of(&clock, 1e11);
        ck_assert_int_eq(time.is_restart, intervals[k] < 1);
        ck_assert_uint_eq(time.n_missing, 0);
    }
}

TEST(a_seq_may_differ_from_the_clock_by_less_than_an_interval)
{
    static const struct {
        double n_intervals;
        size_t n;
        bool fits;
    } rows[] = {
        { 0.1, 1, true }, { 0.1, 2, false }, { 1, 1, true },      { 1, 2, false },
        { 1.6, 1, true }, { 1.6, 2, true },  { 1.6, 3, false },   { 2, 1, false },
        { 2, 2, true },   { 5.4, 5, true },  { 5.4, 6, true },    { 5.4, 4, false },
        { 300, 1, true }, { 300, 2, false }, { 300, 300, false },
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const struct step_time time = time_of(day, day + 600 * rows[k].n_intervals);
        ck_assert_msg(step_time_fits(&time, rows[k].n) == rows[k].fits, "%g and %zu",
                      rows[k].n_intervals, rows[k].n);
    }
}
