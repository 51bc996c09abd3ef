/* Scratch memory that grows. */
#include "engine/work.h"
#include "test.h"

#include <stdint.h>

TEST(scratch_memory_grows_and_never_shrinks)
{
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_work_rows(work, 100), GRU_OK);
    const float *rows = work->rows;
    ck_assert_uint_eq((uintptr_t)rows % 64, 0);
    ck_assert_int_eq(gru_work_rows(work, 10), GRU_OK);
    ck_assert_ptr_eq(work->rows, rows);
    ck_assert_int_eq(gru_work_roll(work, 1000, 1000), GRU_OK);
    ck_assert_int_eq(gru_work_order(work, 3), GRU_OK);
    ck_assert_uint_eq(work->n_row_floats, 100);
    gru_work_free(work);
    gru_work_free(NULL);
}

TEST(more_than_a_size_counts_is_refused_and_changes_nothing)
{
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_work_rows(work, 1), GRU_OK);
    ck_assert_int_eq(gru_work_rows(work, SIZE_MAX / 2), GRU_NO_MEMORY);
    ck_assert_uint_eq(work->n_row_floats, 1);
    gru_work_free(work);
}
