#include "service/scores/interval_levels.h"
#include "test.h"

#include <string.h>

TEST(a_list_of_levels_is_read_and_printed)
{
    struct interval_levels levels;
    char text[INTERVAL_LEVELS_TEXT];
    ck_assert(interval_levels_parse("0.5,0.9,0.95", &levels));
    ck_assert_uint_eq(levels.n, 3);
    ck_assert_uint_eq(interval_levels_find(&levels, 0.9), 1);
    ck_assert_uint_eq(interval_levels_find(&levels, 0.91), 3);
    interval_levels_print(&levels, text);
    ck_assert_str_eq(text, "0.5, 0.9, 0.95");
    ck_assert(interval_levels_parse("", &levels));
    interval_levels_print(&levels, text);
    ck_assert_str_eq(text, "none");
    ck_assert(interval_levels_parse("0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8", &levels));
}

TEST(what_is_no_list_of_levels_is_refused)
{
    static const char *const refused[] = {
        "0",
        "1",
        "0.9,0.8",
        "0.9,0.9",
        "0.9,",
        ",0.9",
        "0.9 0.95",
        "0.9;0.95",
        "-0.9",
        "nan",
        "0x.8p0",
        "90",
        "0.8,,0.9",
        "0.9e-1x",
        "1e-1",
        "0.8, 0.9",
        "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9",
    };
    struct interval_levels levels = { 1, { 0.5 } };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ck_assert_msg(!interval_levels_parse(refused[i], &levels), "%s", refused[i]);
        ck_assert(levels.n == 1 && levels.level[0] == 0.5);
    }
}

TEST(levels_that_are_added_are_in_order_and_once)
{
    struct interval_levels levels = { .n = 0 };
    const double added[] = { 0.9, 0.8, 0.95, 0.9, 0.8 };
    for (size_t i = 0; i < 5; i++) {
        interval_levels_add(&levels, added[i]);
    }
    ck_assert_uint_eq(levels.n, 3);
    ck_assert(levels.level[0] == 0.8 && levels.level[1] == 0.9 && levels.level[2] == 0.95);
}
