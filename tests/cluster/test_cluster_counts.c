/* What links count, and how that is added up. */
#include "base/clock.h"
#include "cluster/cluster_counts.h"
#include "cluster/cluster_target.h"
#include "cluster_support.h"
#include "false_engine.h"
#include "test.h"

#include <string.h>
#include <time.h>

static uint64_t sum_of(const struct linked *linked, size_t at)
{
    return cluster_counts_sum(linked->target, at);
}
#define sum(linked, field) sum_of(&(linked), offsetof(struct cluster_counts, field))

static uint64_t n_trips(const struct linked *linked)
{
    uint64_t n = 0;
    for (size_t k = 0; k <= HISTOGRAM_BOUNDS; k++) {
        n += cluster_counts_sum(linked->target, offsetof(struct cluster_counts, trips_took.n[k]));
    }
    return n;
}

TEST(each_link_counts_and_all_are_added_up)
{
    static const size_t refused = offsetof(struct cluster_counts, writes[CLUSTER_WRITE_REFUSED]);
    struct cluster_target target = { .prefix = "" };
    struct cluster_counts *one = cluster_counts_take(&target),
                          *other = cluster_counts_take(&target);
    ck_assert(one && other && one != other);
    histogram_count(&one->writes[CLUSTER_WRITE_REFUSED], 2);
    histogram_count(&other->writes[CLUSTER_WRITE_REFUSED], 3);
    histogram_count(&other->failures[CLUSTER_IS_REFUSED], 1);
    ck_assert_uint_eq(cluster_counts_sum(&target, refused), 5);
    cluster_counts_leave(one); /* what it has counted stays */
    ck_assert_ptr_eq(cluster_counts_take(&target), one);
    histogram_count(&one->writes[CLUSTER_WRITE_REFUSED], 1);
    ck_assert_uint_eq(cluster_counts_sum(&target, refused), 6);
    ck_assert_uint_eq(
        cluster_counts_sum(&target, offsetof(struct cluster_counts, failures[CLUSTER_IS_REFUSED])),
        1);
    cluster_counts_leave(NULL);
    cluster_counts_free(&target);
}

TEST(words_of_failures_are_lower_case)
{
    char word[CLUSTER_FAILURE_MAX];
    cluster_failure_word(CLUSTER_IS_TOO_OLD, word);
    ck_assert_str_eq(word, "too_old");
    for (size_t k = 0; k < CLUSTER_N_TROUBLES; k++) {
        cluster_failure_word(k, word);
        ck_assert_uint_lt(strlen(word) + 1, CLUSTER_FAILURE_MAX);
    }
}

/* The greeting and signs of life are none. */
TEST(trips_are_what_somebody_asked_for)
{
    static const struct cluster_text word = CLUSTER_WORD("WORD");
    struct outcomes outcomes = { .n_replies = 0 };
    struct false_engine engine = false_engine_start();
    struct linked linked = link_open(engine.port, NULL);
    false_engine_greet(&engine, linked.link);
    ck_assert_uint_eq(sum(linked, n_connections), 1);
    ck_assert_uint_eq(n_trips(&linked), 0);
    for (int k = 0; k < 3; k++) {
        ck_assert(cluster_link_send(linked.link, &word, 1, outcome_note, &outcomes));
    }
    link_turn(linked.link);
    const struct timespec while_out = { .tv_nsec = 30000000 };
    nanosleep(&while_out, NULL);
    false_engine_say(&engine, ":1\r\n:2\r\n", 8);
    while (outcomes.n_replies < 2) {
        link_turn(linked.link);
    }
    ck_assert_uint_eq(n_trips(&linked), 2);
    ck_assert_uint_ge(sum(linked, trips_took.sum_ns), 2 * 30000000ULL);
    false_engine_hang_up(&engine);
    while (cluster_link_is_ready(linked.link)) {
        link_turn(linked.link);
    }
    ck_assert_uint_eq(outcomes.n_unknown, 1);
    ck_assert_uint_eq(sum(linked, n_unanswered), 1);
    ck_assert_uint_eq(sum(linked, failures[CLUSTER_IS_ENDED]), 1);
    ck_assert_uint_eq(n_trips(&linked), 2);
    false_engine_greet(&engine, linked.link);
    ck_assert_uint_eq(sum(linked, n_connections), 2);
    link_close(&linked);
    false_engine_end(&engine);
}

TEST(an_engine_that_is_too_slow_is_counted_as_such)
{
    static const struct cluster_text word = CLUSTER_WORD("WORD");
    const struct link_options options = { .timeout_ms = 100 };
    struct outcomes outcomes = { .n_replies = 0 };
    struct false_engine engine = false_engine_start();
    struct linked linked = link_open(engine.port, &options);
    false_engine_greet(&engine, linked.link);
    ck_assert(cluster_link_send(linked.link, &word, 1, outcome_note, &outcomes));
    while (outcomes.n_unknown == 0) {
        link_turn(linked.link);
    }
    ck_assert_uint_eq(sum(linked, n_unanswered), 1);
    ck_assert_uint_ge(sum(linked, failures[CLUSTER_IS_SLOW]), 1);
    link_close(&linked);
    false_engine_end(&engine);
}
