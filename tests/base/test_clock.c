#include "base/clock.h"
#include "test.h"

#include <time.h>

TEST(the_monotonic_clock_says_the_same_in_each_unit)
{
    int64_t ns = clock_monotonic_ns(), us = clock_monotonic_us(), ms = clock_monotonic_ms();
    ck_assert_int_gt(ns, 0);
    ck_assert_int_ge(us, ns / 1000);
    ck_assert_int_ge(ms, us / 1000);
    ck_assert_int_ge(clock_monotonic_ns() / 1000000, ms);
}

TEST(the_wall_clock_counts_from_1970)
{
    int64_t before_s = time(NULL), ms = clock_wall_ms(), after_s = time(NULL);
    ck_assert_int_ge(ms / 1000, before_s - 1); /* time() reads a coarser clock */
    ck_assert_int_le(ms / 1000, after_s + 1);
}

TEST(the_steady_clock_begins_as_the_wall_clock)
{
    int64_t before_ms = clock_wall_ms(), ms = clock_steady_ms(), after_ms = clock_wall_ms();
    ck_assert_int_ge(ms, before_ms - 1); /* each of the two clocks is cut to milliseconds */
    ck_assert_int_le(ms, after_ms + 1);
    ck_assert_int_eq(clock_wall_of(ms), ms);
    ck_assert_int_eq(clock_note_jump(), 0);
}

/* As if the wall clock had been set: by years in either direction, by days, by a second and a bit.
 */
TEST(a_jump_is_noted_once_and_steady_times_are_shown_by_the_new_clock)
{
    static const int64_t jumps_ms[] = {
        INT64_C(315360000000), INT64_C(-315360000000), INT64_C(86400000), -86400000, 1700, -1700
    };
    for (size_t k = 0; k < sizeof jumps_ms / sizeof *jumps_ms; k++) {
        int64_t steady_ms = clock_wall_ms() - jumps_ms[k];
        clock_set_steady(steady_ms, 0);
        int64_t off_ms = clock_note_jump() * 1000 - jumps_ms[k];
        ck_assert_msg(off_ms >= -600 && off_ms <= 600, "%lld ms: off by %lld ms",
                      (long long)jumps_ms[k], (long long)off_ms);
        ck_assert_int_eq(clock_note_jump(), 0);
        int64_t shown_ms = clock_wall_of(clock_steady_ms()), wall_ms = clock_wall_ms();
        ck_assert(shown_ms >= wall_ms - 1500 && shown_ms <= wall_ms + 1500);
        ck_assert_int_eq(clock_steady_of(clock_wall_of(steady_ms)), steady_ms);
        ck_assert_int_eq((clock_wall_of(steady_ms) - steady_ms) % 1000, 0);
        ck_assert_int_ge(clock_steady_ms(), steady_ms);
    }
    clock_set_steady(clock_wall_ms(), 0);
}
