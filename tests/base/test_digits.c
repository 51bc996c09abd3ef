/* Whole numbers as text, beside printf's. */
#include "base/digits.h"

#include "test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void expect_same(uint64_t number)
{
    char text[DIGITS_MAX + 2], wanted[DIGITS_MAX + 2];
    text[digits_put(text, number)] = '\0';
    snprintf(wanted, sizeof wanted, "%" PRIu64, number);
    ck_assert_str_eq(text, wanted);
    text[digits_put_signed(text, (int64_t)number)] = '\0';
    snprintf(wanted, sizeof wanted, "%" PRId64, (int64_t)number);
    ck_assert_str_eq(text, wanted);
}

TEST(digits_are_those_of_printf)
{
    uint64_t power = 1;
    for (int k = 0; k < DIGITS_MAX; k++, power *= 10) {
        expect_same(power - 1);
        expect_same(power);
        expect_same(power + 1);
        expect_same(-power);
    }
    expect_same(UINT64_MAX);
    expect_same((uint64_t)INT64_MAX);
    expect_same((uint64_t)INT64_MAX + 1);
    expect_same(1796031535000);
}
