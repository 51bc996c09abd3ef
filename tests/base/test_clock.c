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
