/* Drift is told where there is some and not where there is none, of errors of several kinds;
 * tests/quality/drift_table.c does the same at length. */
#include "drift_streams.h"
#include "service/scores/drift_watch.h"
#include "test.h"

#include <math.h>

TEST(at_most_one_false_alarm_in_a_hundred_thousand_errors)
{
    enum { LENGTH = 200000 };
    for (size_t n_sessions = 1; n_sessions <= DRIFT_SESSIONS_MAX; n_sessions *= 100) {
        for (enum error_kind kind = 0; kind < N_STATIONARY; kind++) {
            struct drift_stream stream;
            drift_stream_init(&stream, kind, n_sessions, 1);
            const uint64_t n = drift_stream_alarms(&stream, LENGTH);
            ck_assert_msg(n <= LENGTH / 100000, "%s, %zu sessions: %ju false alarms",
                          error_kind_word(kind), n_sessions, (uintmax_t)n);
        }
    }
}

TEST(errors_that_double_or_shift_are_told_within_200)
{
    for (size_t n_sessions = 1; n_sessions <= DRIFT_SESSIONS_MAX; n_sessions *= 100) {
        for (enum error_kind kind = 0; kind <= ERRORS_AR_5; kind++) {
            for (enum error_change change = ERRORS_DOUBLE; change <= ERRORS_SHIFT; change++) {
                for (uint64_t seed = 1; seed <= 20; seed++) {
                    struct drift_stream stream;
                    drift_stream_init(&stream, kind, n_sessions, seed);
                    const uint64_t delay =
                        drift_stream_delay(&stream, 5000 + 50 * n_sessions, change, 200);
                    ck_assert_msg(delay > 0, "%s, %zu sessions, %s, seed %ju",
                                  error_kind_word(kind), n_sessions, error_change_word(change),
                                  (uintmax_t)seed);
                }
            }
        }
    }
}

TEST(errors_of_many_sessions_that_grow_slowly_are_told_before_they_have_doubled)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct drift_stream stream;
        drift_stream_init(&stream, ERRORS_GAUSSIAN, DRIFT_SESSIONS_MAX, seed);
        ck_assert_uint_gt(drift_stream_delay(&stream, 20000, ERRORS_GROW, 5000), 0);
    }
}

/* What follows an even level, in a pattern whose mean is 1. */
static bool note_level(struct drift_watch *watch, double level, size_t n,
                       struct drift_alarm *ret_alarm)
{
    for (size_t k = 0; k < n; k++) {
        if (drift_watch_note(watch, level * (0.5 + 0.25 * (double)(k % 5)), ret_alarm)) {
            return true;
        }
    }
    return false;
}

TEST(a_small_change_is_told_by_the_window_and_a_large_one_by_the_sum)
{
    struct drift_watch watch = { 0 };
    struct drift_alarm alarm;
    ck_assert(!note_level(&watch, 1.0, 2000, &alarm));
    ck_assert(note_level(&watch, 1.38, 2000, &alarm));
    ck_assert_int_eq(alarm.detector, DRIFT_ADWIN);
    ck_assert_double_ge(alarm.statistic, 1.3);
    watch = (struct drift_watch){ 0 };
    ck_assert(!note_level(&watch, 1.0, 2000, &alarm));
    ck_assert(note_level(&watch, 2.0, 100, &alarm));
    ck_assert_int_eq(alarm.detector, DRIFT_PAGE_HINKLEY);
    ck_assert_double_gt(alarm.statistic, 42.0);
}

/* Another version's errors are told by their own measure. */
TEST(the_scale_of_errors_does_not_matter)
{
    static const double scales[] = { 0.1, 0.5, 2.0 };
    for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
        struct drift_watch watch = { 0 };
        struct drift_alarm alarm;
        ck_assert(!note_level(&watch, scales[k], 2000, &alarm));
        ck_assert(note_level(&watch, 2.0 * scales[k], 120, &alarm));
    }
}

TEST(smaller_errors_are_no_drift_and_become_what_is_usual)
{
    struct drift_watch watch = { 0 };
    struct drift_alarm alarm;
    ck_assert(!note_level(&watch, 2.0, 5000, &alarm));
    ck_assert(!note_level(&watch, 1.0, 5000, &alarm));
    ck_assert(note_level(&watch, 2.0, 120, &alarm));
}

TEST(single_errors_however_large_are_no_drift)
{
    struct drift_watch watch = { 0 };
    struct drift_alarm alarm;
    for (size_t k = 0; k < 100; k++) {
        ck_assert(!note_level(&watch, 1.0, 500, &alarm));
        ck_assert(!drift_watch_note(&watch, (double)INFINITY, &alarm));
    }
}

TEST(models_without_errors_and_first_errors_are_no_drift)
{
    struct drift_watch watch = { 0 };
    struct drift_alarm alarm;
    ck_assert(!note_level(&watch, 0.0, 5000, &alarm));
    watch = (struct drift_watch){ 0 };
    ck_assert(!note_level(&watch, 0.1, 10, &alarm));
    ck_assert(!note_level(&watch, 8.0, DRIFT_WATCH_LEAST - 10, &alarm));
}
