#include "http/timing.h"

#include "test.h"

TEST(only_true_asks)
{
    static const char *const others[] = { NULL, "", "?0", "1", "true", "?1 ", "?10" };
    ck_assert(timing_is_asked("?1"));
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        ck_assert(!timing_is_asked(others[k]));
    }
}

TEST(the_first_beginning_counts)
{
    struct timing timing = { .is_asked = true, .arrived_ns = 1000000 };
    timing_begin(&timing, 3500000);
    timing_begin(&timing, 9000000);
    ck_assert_int_eq(timing.begun_ns, 3500000);
    timing.is_asked = false;
    timing.begun_ns = 0;
    timing_begin(&timing, 9000000);
    ck_assert_int_eq(timing.begun_ns, 0);
}

TEST(durations_are_milliseconds)
{
    char text[TIMING_TEXT];
    struct timing timing = { true, 1000000, 3500000, 13750000 };
    timing_print(&timing, 13751000, text);
    ck_assert_str_eq(text, "queue;dur=2.500, work;dur=10.250, disk;dur=0.001");
    timing.begun_ns = 0; /* its handler did all */
    timing_print(&timing, 13750000, text);
    ck_assert_str_eq(text, "queue;dur=0.000, work;dur=12.750, disk;dur=0.000");
}
