#include "codec_support.h"

#include <string.h>

TEST(text_grows_and_keeps_what_it_has)
{
    struct arena arena;
    struct text text;
    arena_init(&arena, 1 << 20);
    text_init(&text, &arena, 0);
    for (int i = 0; i < 10000; i++) {
        char byte = (char)('a' + i % 26);
        text_append(&text, &byte, 1);
        if (i % 100 == 0) { /* something else comes between: it can no longer grow in place */
            ck_assert_ptr_nonnull(arena_alloc(&arena, 1));
        }
    }
    ck_assert(!text.failed);
    ck_assert_uint_eq(text.n, 10000);
    for (int i = 0; i < 10000; i++) {
        ck_assert_int_eq(text.p[i], 'a' + i % 26);
    }
    arena_done(&arena);
}

TEST(a_reservation_counts_only_once_it_is_used)
{
    struct arena arena;
    struct text text;
    arena_init(&arena, 1 << 20);
    text_init(&text, &arena, 10);
    char *p = text_reserve(&text, 5000);
    ck_assert_ptr_nonnull(p);
    memset(p, 'x', 5000);
    ck_assert_uint_eq(text.n, 0);
    text_append(&text, "ab", 2);
    ck_assert_ptr_eq(text_reserve(&text, 0), text.p + 2);
    ck_assert_mem_eq(text.p, "abx", 3);
    arena_done(&arena);
}

TEST(text_takes_the_last_of_the_arena)
{
    struct arena arena;
    struct text text;
    arena_init(&arena, 100000);
    text_init(&text, &arena, 30000);
    ck_assert_ptr_nonnull(text_reserve(&text, 40000)); /* twice 30000 would be beyond the cap */
    ck_assert(!text.failed);
    arena_done(&arena);
}

TEST(text_without_memory_fails_for_good)
{
    struct arena arena;
    struct text text;
    arena_init(&arena, 30000);
    text_init(&text, &arena, 100);
    text_append(&text, "ab", 2);
    ck_assert_ptr_null(text_reserve(&text, 30000));
    ck_assert(text.failed);
    ck_assert_ptr_null(text_reserve(&text, 1));
    text_append(&text, "cd", 2);
    ck_assert(text.failed && text.n == 2);
    text_init(&text, &arena, 100);
    ck_assert_ptr_null(text_reserve(&text, SIZE_MAX));
    text_init(&text, &arena, 40000);
    ck_assert(text.failed);
    arena_done(&arena);
}

TEST(what_is_printed_is_appended_or_left_out_whole)
{
    struct arena arena;
    struct text text;
    arena_init(&arena, 1 << 20);
    text_init(&text, &arena, 0);
    text_print(&text, "%s %d\n", "a", 7);
    text_print(&text, "%0600d", 1);
    text_print(&text, "%0511d", 0);
    ck_assert_uint_eq(text.n, 4 + 511);
    ck_assert_mem_eq(text.p, "a 7\n0", 5);
    arena_done(&arena);
}
