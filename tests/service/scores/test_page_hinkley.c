/* The detector of Page and Hinkley tells of what has become larger. Its alarms are those that
 * river's PageHinkley (0.22, alpha 1, mode "up") gives for the same values. */
#include "service/scores/page_hinkley.h"
#include "test.h"

#include "level_stream.h"

static const struct page_hinkley_rule rule = { .least = 30, .tolerance = 0.005, .threshold = 50.0 };

TEST(alarms_are_those_of_another_implementation)
{
    static const size_t expected[] = { 1164, 4124 };
    struct page_hinkley detector = { 0 };
    struct level_stream stream = LEVEL_STREAM_BEGINNING;
    size_t n_alarms = 0;
    for (size_t k = 0; k < LEVEL_STREAM_VALUES; k++) {
        if (page_hinkley_note(&detector, &rule, level_stream_next(&stream))) {
            ck_assert_uint_lt(n_alarms, sizeof expected / sizeof *expected);
            ck_assert_uint_eq(k, expected[n_alarms++]);
            detector = (struct page_hinkley){ 0 };
        }
    }
    ck_assert_uint_eq(n_alarms, sizeof expected / sizeof *expected);
}

TEST(the_sum_is_of_what_is_above_the_mean_since_it_was_least)
{
    const struct page_hinkley_rule by_hand = { .least = 1, .tolerance = 0.5, .threshold = 100.0 };
    struct page_hinkley detector = { 0 };
    ck_assert(!page_hinkley_note(&detector, &by_hand, 1.0)); /* mean 1, sum -0.5 */
    ck_assert_double_eq(page_hinkley_statistic(&detector), 0.0);
    ck_assert(!page_hinkley_note(&detector, &by_hand, 5.0)); /* mean 3, sum -0.5 + 1.5 */
    ck_assert_double_eq(page_hinkley_statistic(&detector), 1.5);
    ck_assert(!page_hinkley_note(&detector, &by_hand, 0.0)); /* mean 2, sum 1 - 2.5 */
    ck_assert_double_eq(page_hinkley_statistic(&detector), 0.0);
}

TEST(smaller_values_are_no_alarm_and_few_values_none)
{
    struct page_hinkley detector = { 0 };
    for (size_t k = 0; k < 10000; k++) {
        ck_assert(!page_hinkley_note(&detector, &rule, k < 100 ? 1000.0 : 0.0));
    }
    detector = (struct page_hinkley){ 0 };
    for (size_t k = 0; k < 29; k++) {
        ck_assert(!page_hinkley_note(&detector, &rule, k == 0 ? 0.0 : 1e6));
    }
    ck_assert(page_hinkley_note(&detector, &rule, 1e6));
}
