#include "base/clock.h"
#include "base/wait.h"
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

TEST(what_is_there_already_needs_no_waiting)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert(wait_for(ends[1], POLLOUT, clock_monotonic_ms() + 60000));
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert(wait_for(ends[0], POLLIN, clock_monotonic_ms() + 60000));
    close(ends[0]);
    close(ends[1]);
}

TEST(a_deadline_ends_the_waiting)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    int64_t deadline_ms = clock_monotonic_ms() + 30;
    ck_assert(!wait_for(ends[0], POLLIN, deadline_ms));
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert_int_ge(clock_monotonic_ms(), deadline_ms);
    errno = 0;
    ck_assert(!wait_for(ends[1], POLLOUT, clock_monotonic_ms() - 1)); /* not even looked at */
    ck_assert_int_eq(errno, ETIMEDOUT);
    close(ends[0]);
    close(ends[1]);
}
