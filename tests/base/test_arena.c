#include "base/arena.h"
#include "test.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MIB = 1 << 20 };

/* Under the sanitizers too, malloc answers a request that is too large with NULL, as it does in
 * production.
 */
__attribute__((visibility("default"))) const char *
__asan_default_options(void); /* NOLINT(bugprone-*) */
__attribute__((visibility("default"))) const char *
__tsan_default_options(void); /* NOLINT(bugprone-*) */

const char *__asan_default_options(void) /* NOLINT(bugprone-*) */
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void) /* NOLINT(bugprone-*) */
{
    return "allocator_may_return_null=1";
}

TEST(allocations_are_aligned_and_apart)
{
    struct arena arena;
    arena_init(&arena, MIB);
    unsigned char *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = arena_alloc(&arena, i);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)i, i);
    }
    bool intact = true;
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < i; k++) {
            intact = intact && blocks[i][k] == i;
        }
    }
    ck_assert(intact);
    arena_done(&arena);
}

TEST(nothing_is_allocated_before_the_first_use)
{
    struct arena arena;
    arena_init(&arena, MIB);
    ck_assert_uint_eq(arena.used, 0);
    arena_reset(&arena);
    arena_done(&arena);
    arena_done(&arena);
    arena_done(NULL);
}

TEST(a_request_like_the_last_one_allocates_nothing)
{
    struct arena arena;
    arena_init(&arena, MIB);
    void *first = arena_alloc(&arena, 100);
    ck_assert_ptr_nonnull(first);
    size_t used = arena.used;
    for (int i = 0; i < 1000; i++) {
        arena_reset(&arena);
        ck_assert_ptr_eq(arena_alloc(&arena, 100), first);
        ck_assert_uint_eq(arena.used, used);
    }
    arena_done(&arena);
}

TEST(a_large_request_is_given_back_by_reset)
{
    struct arena arena;
    arena_init(&arena, 64 * MIB);
    ck_assert_ptr_nonnull(arena_alloc(&arena, 8 * MIB)); /* even if it is the very first */
    ck_assert_uint_ge(arena.used, 8 * MIB);
    arena_reset(&arena);
    ck_assert_uint_le(arena.used, 64 << 10);
    arena_done(&arena);
}

TEST(no_more_than_the_cap_is_ever_held)
{
    struct arena arena;
    for (size_t cap = 0; cap < 3 * MIB; cap += cap / 2 + 7) {
        arena_init(&arena, cap);
        size_t n_given = 0;
        bool within = true;
        for (void *p = arena_alloc(&arena, 1000); p; p = arena_alloc(&arena, 1000)) {
            memset(p, 1, 1000);
            n_given += 1000;
            within = within && arena.used <= cap;
        }
        ck_assert(within);
        ck_assert_uint_le(n_given, cap);
        ck_assert_uint_ge(n_given + n_given / 8 + 2100, cap); /* and little of it is wasted */
        ck_assert_ptr_null(arena_alloc(&arena, cap));
        arena_done(&arena);
    }
}

TEST(a_refused_allocation_harms_nothing)
{
    struct arena arena;
    arena_init(&arena, 32 << 10);
    char *kept = arena_alloc(&arena, 10);
    ck_assert_ptr_nonnull(kept);
    memcpy(kept, "123456789", 10);
    ck_assert_ptr_null(arena_alloc(&arena, 33 << 10));
    ck_assert_ptr_null(arena_grow(&arena, kept, 10, 33 << 10));
    ck_assert_ptr_nonnull(arena_alloc(&arena, 10));
    ck_assert_str_eq(kept, "123456789");
    arena_done(&arena);
}

TEST(sizes_that_overflow_are_refused)
{
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    ck_assert_ptr_null(arena_array(&arena, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(arena_array(&arena, (size_t)1 << 32, (size_t)1 << 32));
    for (size_t n = SIZE_MAX; n > SIZE_MAX - 40; n--) {
        ck_assert_ptr_null(arena_alloc(&arena, n));
        ck_assert_ptr_null(arena_grow(&arena, NULL, 0, n));
    }
    ck_assert_ptr_nonnull(arena_array(&arena, 0, 8));
    ck_assert_ptr_nonnull(arena_array(&arena, 10, 8));
    arena_done(&arena);
}

TEST(memory_that_the_system_does_not_have_is_refused)
{
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX / 4));
    size_t used = arena.used;
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX / 4));
    ck_assert_uint_eq(arena.used, used);
    ck_assert_ptr_nonnull(arena_alloc(&arena, 100));
    arena_done(&arena);
}

TEST(the_newest_allocation_grows_in_place)
{
    struct arena arena;
    arena_init(&arena, MIB);
    char *p = arena_alloc(&arena, 3);
    ck_assert_ptr_nonnull(p);
    memcpy(p, "ab", 3);
    ck_assert_ptr_eq(arena_grow(&arena, p, 3, 16), p);
    ck_assert_ptr_eq(arena_grow(&arena, p, 16, 1000), p);
    ck_assert_str_eq(p, "ab");
    char *next = arena_alloc(&arena, 1);
    ck_assert_ptr_nonnull(next);
    ck_assert(next >= p + 1000);
    arena_done(&arena);
}

TEST(growing_keeps_the_content_wherever_it_goes)
{
    struct arena arena;
    arena_init(&arena, 64 * MIB);
    size_t n = 1;
    unsigned char *p = arena_alloc(&arena, n);
    ck_assert_ptr_nonnull(p);
    p[0] = 0;
    for (int round = 0; n < 4 * MIB; round++) {
        size_t new_n = n + n / 2 + 1;
        if (round % 3 == 0) {
            ck_assert_ptr_nonnull(arena_alloc(&arena, 5)); /* now it is not the newest any more */
        }
        p = arena_grow(&arena, p, n, new_n);
        ck_assert_ptr_nonnull(p);
        for (size_t i = n; i < new_n; i++) {
            p[i] = (unsigned char)(i * 31);
        }
        n = new_n;
    }
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        same = same && p[i] == (unsigned char)(i * 31);
    }
    ck_assert(same);
    arena_done(&arena);
}

TEST(growing_nothing_is_allocating)
{
    struct arena arena;
    arena_init(&arena, MIB);
    char *p = arena_grow(&arena, NULL, 0, 10);
    ck_assert_ptr_nonnull(p);
    memset(p, 1, 10);
    ck_assert_ptr_eq(arena_grow(&arena, p, 10, 4), p); /* it never shrinks */
    arena_done(&arena);
}

/* ---- what arenas share ---- */

TEST(arenas_stay_within_their_total)
{
    const atomic_size_t max = 1 << 20;
    struct arena_total total = { .max = &max };
    struct arena one, other;
    arena_init(&one, 64 << 20);
    arena_init(&other, 64 << 20);
    one.total = other.total = &total;
    ck_assert_ptr_nonnull(arena_alloc(&one, 0));
    const size_t first = one.used;
    ck_assert_ptr_nonnull(arena_alloc(&one, 900 << 10));
    ck_assert_uint_eq(total.used, one.used - first);
    ck_assert_ptr_null(arena_alloc(&other, 200 << 10));
    ck_assert(other.is_short && !one.is_short);
    ck_assert_ptr_nonnull(
        arena_alloc(&one, 20 << 10)); /* without the room that it would like to have */
    ck_assert_ptr_nonnull(arena_alloc(&other, 8 << 10)); /* what is small is had in any case */
    ck_assert_ptr_nonnull(arena_alloc(&other, 20 << 10));
    ck_assert(!other.is_short);
    arena_reset(&one);
    arena_reset(&other);
    ck_assert_ptr_nonnull(arena_alloc(&other, 200 << 10));
    ck_assert_uint_eq(total.used, one.used + other.used - 2 * first);
    arena_done(&one);
    arena_done(&other);
    ck_assert_uint_eq(total.used, 0);
}

TEST(an_arena_at_rest_takes_nothing_from_the_total)
{
    const atomic_size_t max = 1 << 20;
    struct arena_total total = { .max = &max };
    struct arena arena;
    arena_init(&arena, MIB);
    arena.total = &total;
    ck_assert_ptr_nonnull(arena_alloc(&arena, 100));
    ck_assert_ptr_nonnull(arena_alloc(&arena, 100 << 10));
    ck_assert_uint_gt(total.used, 100 << 10);
    arena_reset(&arena);
    ck_assert_uint_gt(arena.used, 0);
    ck_assert_uint_eq(total.used, 0);
    arena_done(&arena);
    ck_assert_uint_eq(total.used, 0);
}

TEST(a_total_is_not_exceeded)
{
    const atomic_size_t max = 100;
    struct arena_total total = { .max = &max };
    ck_assert(arena_total_add(&total, 100));
    ck_assert(!arena_total_add(&total, 1));
    arena_total_subtract(&total, 1);
    ck_assert(arena_total_add(&total, 1));
    ck_assert_uint_eq(total.used, 100);
}

TEST(whether_the_cap_or_memory_was_in_the_way_is_told)
{
    struct arena arena;
    arena_init(&arena, MIB);
    ck_assert(!arena.is_full);
    ck_assert_ptr_null(arena_alloc(&arena, 2 * MIB));
    ck_assert(arena.is_full);
    arena_done(&arena);
    arena_init(&arena, SIZE_MAX);
    ck_assert_ptr_null(arena_array(&arena, SIZE_MAX / 2, 3)); /* more than there can be */
    ck_assert(arena.is_full);
    arena_reset(&arena);
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX / 4)); /* more than there is */
    ck_assert(!arena.is_full);
    arena_done(&arena);
}
