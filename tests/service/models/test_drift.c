/* Whether a model drifts, as threads share it: what they note is seen whoever looks, and nothing is
 * lost or counted twice. */
#include "service/models/drift.h"
#include "test.h"

#include <math.h>
#include <pthread.h>

static struct drift *drift;
static struct drift_report report;
static bool has_alarm;

static void begin(void)
{
    drift = drift_create();
    ck_assert_ptr_nonnull(drift);
    ck_assert(!drift_look(drift, 1, 0, &has_alarm));
    ck_assert(!has_alarm);
}

/* Errors about a level, by some threads in turns, made at that time. */
static void note(double level, size_t n, int64_t now_ms)
{
    static const unsigned threads[] = { 1, 2, 300 };
    for (size_t k = 0; k < n; k++) {
        drift_note(drift, threads[k % 3], level * (0.5 + 0.25 * (double)(k % 5)), now_ms);
    }
}

static bool look(unsigned version, int64_t now_ms)
{
    const bool has_changed = drift_look(drift, version, now_ms, &has_alarm);
    drift_read(drift, version, &report);
    return has_changed;
}

static uint64_t n_alarms(void)
{
    return report.n_alarms[DRIFT_PAGE_HINKLEY] + report.n_alarms[DRIFT_ADWIN];
}

TEST(nothing_is_known_at_first)
{
    begin();
    drift_read(drift, 1, &report);
    ck_assert(!report.is_drifting && isnan(report.ratio));
    ck_assert_uint_eq(n_alarms(), 0);
    ck_assert_int_eq(report.detected_at_ms, 0);
    ck_assert_int_eq(report.job.at_ms, 0);
    drift_unref(drift);
}

TEST(a_change_is_told_once_and_is_over_when_errors_are_as_before)
{
    begin();
    note(1.0, 1000, 100);
    ck_assert(!look(1, 100));
    ck_assert(!report.is_drifting);
    ck_assert_double_eq_tol(report.ratio, 1.0, 0.1);
    note(2.0, 200, 200);
    ck_assert(look(1, 250));
    ck_assert(report.is_drifting && has_alarm);
    ck_assert_int_eq(report.alarm.detector, DRIFT_PAGE_HINKLEY);
    ck_assert_int_eq(report.detected_at_ms, 250); /* when it was seen */
    ck_assert_uint_eq(n_alarms(), 1);
    ck_assert_double_eq_tol(report.ratio, 2.0, 0.3);
    note(2.0, 1000, 300);
    ck_assert(!look(1, 300));
    ck_assert(report.is_drifting);
    note(1.0, 1000, 400);
    ck_assert(look(1, 400));
    ck_assert(!report.is_drifting && !has_alarm);
    ck_assert_int_eq(report.detected_at_ms, 250);
    ck_assert_uint_eq(n_alarms(), 1);
    ck_assert_double_eq_tol(report.ratio, 1.0, 0.1);
    drift_unref(drift);
}

TEST(an_alarm_is_told_though_it_is_over_before_anybody_looks)
{
    begin();
    note(1.0, 1000, 100);
    note(4.0, 100, 200);
    note(1.0, 600, 300);
    ck_assert(look(1, 400) && has_alarm);
    ck_assert(!report.is_drifting);
    ck_assert(!look(1, 500) && !has_alarm);
    drift_unref(drift);
}

/* It says nothing of the version that is active now; nor does an attempt that was put off. */
TEST(an_alarm_of_another_version_is_not)
{
    static const struct drift_job job = { .at_ms = 5, .next_ms = 9, .is_put_off = true };
    begin();
    for (size_t k = 0; k < 10000; k++) { /* so that the thread looks itself */
        drift_note(drift, 5, k < 5000 ? 1.0 : 2.0, 100);
    }
    drift_note_job(drift, &job);
    ck_assert(look(2, 200) && !has_alarm);
    ck_assert(!report.is_drifting && !report.job.is_put_off);
    ck_assert_int_eq(report.job.next_ms, 9);
    drift_unref(drift);
}

/* Here one thread steps a session first, and then another one; the clock's last digits begin
 * anew between them. */
TEST(errors_count_in_the_order_of_time_whichever_thread_made_them)
{
    static const int64_t beginnings[] = { 0, 0xfffffff0, INT64_MAX / 2 };
    for (size_t b = 0; b < sizeof beginnings / sizeof *beginnings; b++) {
        begin();
        for (size_t k = 0; k < 250; k++) {
            drift_note(drift, 2, k % 2 ? 0.5 : 1.5, beginnings[b] + 10);
        }
        for (size_t k = 0; k < 150; k++) {
            drift_note(drift, 1, k % 2 ? 2.0 : 6.0, beginnings[b] + 20);
        }
        ck_assert(look(1, beginnings[b] + 30) && report.is_drifting);
        ck_assert_double_gt(report.ratio, 2.5);
        drift_unref(drift);
    }
}

TEST(another_version_ends_it_and_is_watched_anew)
{
    begin();
    note(1.0, 1000, 0);
    note(2.0, 200, 1);
    ck_assert(look(1, 1) && report.is_drifting);
    drift_read(drift, 2, &report); /* before anybody has looked */
    ck_assert(!report.is_drifting && isnan(report.ratio));
    ck_assert(look(2, 2) && !report.is_drifting);
    note(0.5, 1000, 3);
    ck_assert(!look(2, 3));
    note(1.0, 200, 4);
    ck_assert(look(2, 4) && report.is_drifting);
    ck_assert_uint_eq(n_alarms(), 2);
    drift_unref(drift);
}

/* The thread that has filled half its buffer looks itself; only the news wait. */
TEST(a_thread_need_not_wait_for_whoever_looks)
{
    begin();
    for (size_t k = 0; k < 20000; k++) {
        drift_note(drift, 5, k < 10000 ? 1.0 : 2.0, (int64_t)k);
    }
    drift_read(drift, 1, &report);
    ck_assert(report.is_drifting);
    ck_assert_int_ge(report.detected_at_ms, 10000);
    ck_assert_int_le(report.detected_at_ms, 10600);
    ck_assert(look(1, 20000));
    ck_assert(!look(1, 20000));
    drift_unref(drift);
}

TEST(too_many_threads_and_errors_without_end_harm_nothing)
{
    begin();
    drift_note(drift, 100000, 1.0, 0);
    note(1.0, 1000, 0);
    for (size_t k = 0; k < 3; k++) {
        drift_note(drift, 1, (double)INFINITY, 0);
    }
    ck_assert(!look(1, 0));
    ck_assert(isfinite(report.ratio));
    drift_unref(drift);
}

TEST(an_attempt_at_a_job_is_kept)
{
    static const struct drift_job job = { .at_ms = 5, .next_ms = 9, .id = "ftjob-1" };
    begin();
    drift_note_job(drift, &job);
    drift_unref(drift_ref(drift));
    drift_read(drift, 1, &report);
    ck_assert_int_eq(report.job.at_ms, 5);
    ck_assert_str_eq(report.job.id, "ftjob-1");
    drift_unref(drift);
}

enum { N_THREADS = 4, N_ERRORS = 20000 };

static void *note_from_thread(void *number)
{
    for (size_t k = 0; k < N_ERRORS; k++) {
        drift_note(drift, *(const unsigned *)number, k % 2 ? 0.5 : 1.5, 1);
    }
    return NULL;
}

TEST(threads_note_while_others_look_and_read)
{
    pthread_t threads[N_THREADS];
    unsigned numbers[N_THREADS];
    begin();
    for (unsigned k = 0; k < N_THREADS; k++) {
        numbers[k] = k;
        ck_assert_int_eq(pthread_create(&threads[k], NULL, note_from_thread, &numbers[k]), 0);
    }
    for (size_t k = 0; k < 1000; k++) {
        ck_assert(!look(1, 1));
    }
    for (unsigned k = 0; k < N_THREADS; k++) {
        ck_assert_int_eq(pthread_join(threads[k], NULL), 0);
    }
    ck_assert(!look(1, 1));
    ck_assert_double_eq_tol(report.ratio, 1.0, 0.1);
    drift_unref(drift);
}

TEST(what_came_before_the_first_look_counts)
{
    drift = drift_create();
    ck_assert_ptr_nonnull(drift);
    note(1.0, 1000, 0);
    note(2.0, 600, 1);
    ck_assert(look(3, 2) && report.is_drifting);
    drift_unref(drift);
}
