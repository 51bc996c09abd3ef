/* One block of memory, cut into arrays. */
#include "engine/block.h"
#include "test.h"

#include <stdint.h>

TEST(counting_and_cutting_agree)
{
    struct block_cutter count = { 0 };
    ck_assert_ptr_null(block_take_floats(&count, 3, 5));
    ck_assert_ptr_null(block_take(&count, 7, 1));
    ck_assert_uint_eq(count.n_bytes, 2 * BLOCK_ALIGNMENT);
    struct block_cutter cutter = { .block = block_alloc(&count) };
    char *block = cutter.block;
    ck_assert_ptr_nonnull(block);
    ck_assert_ptr_eq(block_take_floats(&cutter, 3, 5), block);
    ck_assert_ptr_eq(block_take(&cutter, 7, 1), block + BLOCK_ALIGNMENT);
    ck_assert_uint_eq(cutter.n_bytes, count.n_bytes);
    free(block);
}

TEST(arrays_begin_at_cache_lines_and_empty_ones_are_null)
{
    struct block_cutter count = { .n_bytes = 1024 };
    struct block_cutter cutter = { .block = block_alloc(&count) };
    char *block = cutter.block;
    ck_assert_ptr_nonnull(block);
    for (size_t n = 0; n < 5; n++) {
        float *piece = block_take_floats(&cutter, n, 9);
        ck_assert_int_eq(piece == NULL, n == 0);
        ck_assert_uint_eq((uintptr_t)piece % BLOCK_ALIGNMENT, 0);
    }
    free(block);
}

TEST(sizes_that_no_size_holds_give_no_block)
{
    const size_t half = SIZE_MAX / 2;
    struct block_cutter rows = { 0 }, bytes = { 0 }, sum = { 0 };
    (void)block_take_floats(&rows, half, 3);
    ck_assert(rows.is_too_large && !block_alloc(&rows));
    (void)block_take_floats(&bytes, half, 1);
    ck_assert(bytes.is_too_large && !block_alloc(&bytes));
    (void)block_take(&sum, half, 1);
    (void)block_take(&sum, half, 1);
    ck_assert(!sum.is_too_large || !block_alloc(&sum));
    (void)block_take(&sum, half, 1);
    ck_assert(sum.is_too_large && !block_alloc(&sum));
}
