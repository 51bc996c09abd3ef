/* Who is turned away, with a clock of the test's own. Times are in milliseconds here, and a row
 * takes one; a step is a quarter of a row, so that sixteen of them are fewer than the limit. */
#include "http/load.h"
#include "test.h"

static const int64_t MS = 1000000;
enum { QUEUE_MS = 100, STANDING_MS = 5, NEVER_BEFORE = -1 };

static struct load fresh(void)
{
    struct load load;
    load_init(&load);
    for (int k = 0; k < 200; k++) {
        load_measure_batch(&load, 4, 1, MS);
    }
    return load;
}

static bool admits(struct load *load, bool is_heavy, int64_t now_ms)
{
    return load_admits(load, is_heavy, NEVER_BEFORE, now_ms * MS);
}

/* Takes in steps of one row until one is refused; returns how many. */
static int fill(struct load *load, int64_t now_ms)
{
    int n = 0;
    while (n < 1000 && admits(load, false, now_ms)) {
        load_take(load, 1);
        n++;
    }
    return n;
}

/* Turns of a worker that is offered more than it can do, from `ms` until `until_ms`: each does all
 * that was taken in. Returns when the last one ended. */
static int64_t overload(struct load *load, int64_t ms, int64_t until_ms)
{
    while (ms < until_ms) {
        load_begin(load, QUEUE_MS * MS, ms * MS);
        int n = fill(load, ms);
        ms += n > 0 ? n : 1;
        load_drop(load, (size_t)n);
        load_end(load, ms * MS, true);
    }
    return ms;
}

TEST(an_idle_worker_takes_anything)
{
    struct load load = fresh();
    load_measure_heavy(&load, 60000 * MS);
    load_begin(&load, QUEUE_MS * MS, 1000 * MS);
    ck_assert(admits(&load, false, 1000) && admits(&load, true, 1000));
}

TEST(a_burst_may_queue_for_the_whole_limit)
{
    struct load load = fresh();
    load_begin(&load, QUEUE_MS * MS, 0);
    int n = fill(&load, 0);
    ck_assert(n >= QUEUE_MS - 2 && n <= QUEUE_MS + 2);
}

TEST(what_waited_in_its_socket_counts)
{
    struct load load = fresh();
    load_begin(&load, QUEUE_MS * MS, 0);
    load_end(&load, 60 * MS, true); /* others came while that turn took its time */
    load_begin(&load, QUEUE_MS * MS, 60 * MS);
    int n = fill(&load, 60);
    ck_assert(n >= 38 && n <= 42);
}

TEST(who_was_answered_just_now_has_not_waited)
{
    struct load load = fresh();
    load_begin(&load, QUEUE_MS * MS, 0);
    load_end(&load, 500 * MS, true);
    load_begin(&load, QUEUE_MS * MS, 500 * MS);
    ck_assert(!load_admits(&load, false, NEVER_BEFORE, 500 * MS));
    ck_assert(load_admits(&load, false, 499 * MS, 500 * MS));
    ck_assert(load_admits(&load, true, 499 * MS, 500 * MS));
}

TEST(without_anybody_waiting_a_long_turn_is_forgotten)
{
    struct load load = fresh();
    load_begin(&load, QUEUE_MS * MS, 0);
    load_end(&load, 500 * MS, false);
    load_begin(&load, QUEUE_MS * MS, 500 * MS);
    ck_assert(admits(&load, false, 500) && admits(&load, true, 500));
}

TEST(what_is_heavy_is_refused_first)
{
    struct load load = fresh();
    load_begin(&load, QUEUE_MS * MS, 0);
    bool was_refused = false;
    for (int k = 0; k < QUEUE_MS - 2; k++) {
        bool heavy = admits(&load, true, 0);
        ck_assert(!was_refused || !heavy);
        ck_assert_int_eq(heavy, k <= QUEUE_MS / 2);
        was_refused = was_refused || !heavy;
        ck_assert(admits(&load, false, 0));
        load_take(&load, 1);
    }
}

TEST(steps_are_given_the_time_of_one_sequence)
{
    struct load load = fresh();
    load_begin(&load, QUEUE_MS * MS, 0);
    ck_assert(admits(&load, true, 0));
    load_measure_heavy(&load, 300 * MS);
    ck_assert(admits(&load, false, 300)); /* it was taken in, and took 300 ms */
    ck_assert(!admits(&load, true, 300));
    ck_assert(!admits(&load, false, 300 + QUEUE_MS + 1));
}

TEST(steps_are_given_the_time_of_a_sequence_that_is_longer_than_others_were)
{
    enum { LONG_MS = 50 * QUEUE_MS };
    struct load load = fresh();
    for (int k = 0; k < 20; k++) {
        load_measure_heavy(&load, MS);
    }
    load_begin(&load, QUEUE_MS * MS, 0);
    ck_assert(admits(&load, true, 0));
    load_measure_heavy(&load, LONG_MS * MS);
    load_end(&load, LONG_MS * MS, true); /* steps came while it was worked on */
    load_begin(&load, QUEUE_MS * MS, LONG_MS * MS);
    ck_assert(admits(&load, false, LONG_MS));
    ck_assert(!admits(&load, false, LONG_MS + QUEUE_MS + 1));
    load_end(&load, (LONG_MS + 1) * MS, true);
    load_begin(&load, QUEUE_MS * MS, (LONG_MS + 1) * MS); /* nobody waits for it any more */
    ck_assert(!admits(&load, false, LONG_MS + QUEUE_MS + 1));
}

/* One after the other, and a step that comes during each. */
TEST(long_sequences_make_way_before_a_step_is_refused)
{
    enum { LONG_MS = 3 * QUEUE_MS };
    struct load load = fresh();
    for (int64_t ms = 0; ms < 100 * QUEUE_MS;) {
        load_begin(&load, QUEUE_MS * MS, ms * MS);
        ck_assert(admits(&load, false, ms));
        bool heavy = load_admits(&load, true, ms * MS, ms * MS);
        if (heavy) {
            load_measure_heavy(&load, LONG_MS * MS);
        }
        ms += heavy ? LONG_MS : 1;
        load_end(&load, ms * MS, heavy);
    }
}

TEST(a_queue_that_stands_is_made_short)
{
    struct load load = fresh();
    int64_t ms = overload(&load, 0, 3 * QUEUE_MS);
    ck_assert_int_eq(load.level, LOAD_STANDING);
    load_begin(&load, QUEUE_MS * MS, ms * MS);
    ck_assert_int_le(fill(&load, ms), STANDING_MS + 1);
    ck_assert(!admits(&load, true, ms));
}

TEST(a_busy_worker_that_keeps_up_has_no_standing_queue)
{
    struct load load = fresh();
    for (int64_t ms = 0; ms < 10 * QUEUE_MS; ms += 2) { /* two rows in each turn, and no pause */
        load_begin(&load, QUEUE_MS * MS, ms * MS);
        ck_assert(load_admits(&load, false, (ms - 1) * MS, ms * MS));
        load_take(&load, 1);
        ck_assert(load_admits(&load, false, (ms - 1) * MS, ms * MS));
        load_take(&load, 1);
        load_drop(&load, 2);
        load_end(&load, (ms + 2) * MS, true);
        ck_assert_int_eq(load.level, LOAD_FINE);
    }
}

TEST(one_client_with_long_sequences_is_served_for_ever)
{
    struct load load = fresh();
    int64_t answered_ms = -1;
    for (int64_t ms = 0; ms < 100 * QUEUE_MS;
         ms += 400) { /* it asks again before the turn has ended */
        load_begin(&load, QUEUE_MS * MS, ms * MS);
        ck_assert(load_admits(&load, true, answered_ms * MS, ms * MS));
        load_measure_heavy(&load, 400 * MS);
        answered_ms = ms + 400;
        load_end(&load, (ms + 400) * MS, true);
    }
}

TEST(a_standing_queue_ends_when_the_worker_keeps_up_for_a_while)
{
    struct load load = fresh();
    int64_t ms = overload(&load, 0, 3 * QUEUE_MS), began_at_ms = ms;
    for (; load.level != LOAD_FINE; ms++) {
        ck_assert_int_lt(ms - began_at_ms, QUEUE_MS);
        load_begin(&load, QUEUE_MS * MS, ms * MS);
        load_end(&load, (ms + 1) * MS, false);
    }
    ck_assert_int_gt(ms - began_at_ms, STANDING_MS); /* a pause of the clients is no end */
    load_begin(&load, QUEUE_MS * MS, ms * MS);
    ck_assert_int_gt(fill(&load, ms), QUEUE_MS / 2);
}

TEST(a_worker_that_slept_has_no_standing_queue)
{
    struct load load = fresh();
    int64_t ms = overload(&load, 0, 3 * QUEUE_MS);
    load_begin(&load, QUEUE_MS * MS, ms * MS);
    load_end(&load, ms * MS, false);
    ms += QUEUE_MS;
    load_begin(&load, QUEUE_MS * MS, ms * MS);
    ck_assert_int_gt(fill(&load, ms), QUEUE_MS / 2);
}

TEST(one_interrupted_batch_does_not_count_for_many)
{
    struct load load = fresh();
    load_measure_batch(&load, 4, 1, 10000 * MS);
    ck_assert(load.row_ns < 2.01 * (double)MS);
    load_measure_batch(&load, 0, 0, 7 * MS);
    ck_assert(load.row_ns < 2.01 * (double)MS);
}

TEST(a_batch_is_short_and_never_empty)
{
    struct load load = fresh();
    load_begin(&load, QUEUE_MS * MS, 0);
    ck_assert_uint_eq(load_rows_at_once(&load), 2);
    load_begin(&load, MS, 0);
    ck_assert_uint_eq(load_rows_at_once(&load), 1);
}

TEST(sixteen_long_steps_may_always_wait)
{
    struct load load = fresh();
    for (int k = 0; k < 200; k++) {
        load_measure_batch(&load, 1, 1, MS);
    }
    int64_t ms = overload(&load, 0, 3 * QUEUE_MS);
    ck_assert_int_eq(load.level, LOAD_STANDING);
    load_begin(&load, QUEUE_MS * MS, ms * MS);
    load_end(&load, ms * MS, false);
    load_begin(&load, QUEUE_MS * MS, ms * MS);
    int n = fill(&load, ms);
    ck_assert(n >= 15 && n <= 18);
}

/* Sequences of 30 ms as many as can be, and a step that comes during each. */
TEST(sequences_make_way_before_a_step_is_refused)
{
    struct load load = fresh();
    bool was_refused = false;
    for (int64_t ms = 0; ms < 10 * QUEUE_MS;) {
        load_begin(&load, QUEUE_MS * MS, ms * MS);
        bool heavy = admits(&load, true, ms);
        ms += heavy ? 30 : 1;
        load_measure_heavy(&load, 30 * MS);
        was_refused = was_refused || !heavy;
        ck_assert(admits(&load, false, ms));
        load_end(&load, ms * MS, heavy);
    }
    ck_assert(was_refused);
}

TEST(sequences_alone_may_queue_for_half_the_limit)
{
    struct load load = fresh();
    for (int64_t ms = 0; ms < 10 * QUEUE_MS;) {
        load_begin(&load, QUEUE_MS * MS, ms * MS);
        int64_t began_at_ms = ms;
        for (; admits(&load, true, ms); ms += 3) {
            load_measure_heavy(&load, 3 * MS);
        }
        ck_assert_int_le(ms - began_at_ms, QUEUE_MS / 2 + 3);
        ck_assert_int_eq(load.level, LOAD_FINE);
        load_end(&load, ms * MS, false);
    }
}

/* ---- long predictions, in slices ---- */

TEST(a_long_prediction_may_join_while_little_is_left_of_those_before_it)
{
    struct load load = fresh();
    load_begin(&load, QUEUE_MS * MS, 0);
    for (int k = 0; k < 200; k++) {
        load_measure_slice(&load, 10, MS);
    }
    ck_assert(load_admits_work(&load));
    load_take_work(&load, 10 * QUEUE_MS / 2);
    ck_assert(load_admits_work(&load));
    load_take_work(&load, 20);
    ck_assert(!load_admits_work(&load));
    load_drop_work(&load, 20);
    ck_assert(load_admits_work(&load));
    load_measure_slice(&load, 0, MS); /* one that failed says nothing */
    ck_assert(load_admits_work(&load));
    load_drop_work(&load, 10 * QUEUE_MS / 2);
    overload(&load, 0, 3 * QUEUE_MS);
    ck_assert(!load_admits_work(&load));
}

/* Steps and short requests arrive during each slice, and are done before the next one: nobody is
 * refused, and no queue stands. */
TEST(a_slice_is_no_queue)
{
    enum { SLICE_MS = 60 };
    struct load load = fresh();
    load_take_work(&load, 1000000);
    for (int64_t ms = 0; ms < 100 * QUEUE_MS;) {
        load_begin(&load, QUEUE_MS * MS, ms * MS);
        ck_assert(admits(&load, true, ms));
        ck_assert(admits(&load, false, ms));
        load_take(&load, 1);
        ms += 1;
        load_drop(&load, 1);
        load_measure_slice(&load, 10, SLICE_MS * MS);
        ms += SLICE_MS;
        load_end(&load, ms * MS, load_is_long(&load, ms * MS));
        ck_assert_int_eq(load.level, LOAD_FINE);
    }
}

TEST(more_steps_than_there_is_time_for_are_a_queue_beside_slices_too)
{
    enum { SLICE_MS = 6 };
    struct load load = fresh();
    for (int64_t ms = 0; ms < 10 * QUEUE_MS;) {
        load_begin(&load, QUEUE_MS * MS, ms * MS);
        int n = fill(&load, ms);
        ms += n > 0 ? n : 1;
        load_drop(&load, (size_t)n);
        load_measure_slice(&load, 10, SLICE_MS * MS);
        ms += SLICE_MS;
        load_end(&load, ms * MS, true);
    }
    ck_assert_int_eq(load.level, LOAD_STANDING);
}
