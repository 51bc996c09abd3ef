#include "service/scores/error_totals.h"

#include "test.h"

TEST(what_threads_have_counted_is_added_up)
{
    struct error_totals *totals = error_totals_create(2);
    ck_assert_ptr_nonnull(totals);
    ck_assert_uint_eq(error_totals_n(totals), 2);
    error_tally_note(&error_totals_of(totals, 0)[1], -3.0, 4.0);
    error_tally_note(&error_totals_of(totals, ERROR_TOTALS_THREADS - 1)[1], 1.0, -2.0);
    ck_assert_ptr_eq(error_totals_of(totals, 0), error_totals_of(totals, 0));
    const struct error_total total = error_totals_sum(totals, 1),
                             none = error_totals_sum(totals, 0);
    ck_assert_double_eq(total.n, 2.0);
    ck_assert_double_eq(total.absolute, 4.0);
    ck_assert_double_eq(total.squared, 10.0);
    ck_assert_double_eq(total.persistence, 6.0);
    ck_assert_double_eq(total.recent_absolute, 2.0);
    ck_assert_double_eq(total.recent_squared, 5.0);
    ck_assert_double_eq(total.recent_persistence, 3.0);
    ck_assert_double_eq(none.n, 0.0);
    ck_assert(isnan(none.recent_absolute));
    error_totals_unref(totals);
}

TEST(recent_errors_are_forgotten_and_totals_are_not)
{
    struct error_totals *totals = error_totals_create(1);
    struct error_tally *tally = error_totals_of(totals, 3);
    for (int k = 0; k < 2000; k++) {
        error_tally_note(tally, k < 1000 ? 10.0 : 1.0, k < 1000 ? 1.0 : 10.0);
    }
    const struct error_total total = error_totals_sum(totals, 0);
    ck_assert_double_eq(total.absolute, 11000.0);
    ck_assert_double_eq_tol(total.recent_absolute, 1.0, 1e-3);
    ck_assert_double_eq_tol(total.recent_persistence, 10.0, 1e-3);
    /* Half of what counts is what came after the last 69 of 0.99^69. */
    for (int k = 0; k < 69; k++) {
        error_tally_note(tally, 3.0, 0.0);
    }
    ck_assert_double_eq_tol(error_totals_sum(totals, 0).recent_absolute, 2.0, 0.01);
    error_totals_unref(totals);
}

TEST(the_totals_of_very_many_outputs_are_those_of_the_first)
{
    struct error_totals *totals = error_totals_create(65536);
    ck_assert_uint_eq(error_totals_n(totals), ERROR_TOTALS_OUTPUTS);
    ck_assert_ptr_null(error_totals_of(totals, ERROR_TOTALS_THREADS));
    error_totals_unref(error_totals_ref(totals));
    error_totals_unref(totals);
    error_totals_unref(NULL);
}
