/* The tables behind the statements of jobs: each column goes to a field of its size, and no two go
 * to the same. */
#include "store/job_schema.h"

#include "test.h"

#include <string.h>

static size_t bytes_of(enum column_type type, size_t n_bytes)
{
    switch (type) {
    case COLUMN_INTEGER:
    case COLUMN_COUNT:
        return sizeof(int64_t);
    case COLUMN_NUMBER:
        return sizeof(unsigned);
    case COLUMN_SIZE:
        return sizeof(size_t);
    case COLUMN_CHOICE:
        return sizeof(int);
    case COLUMN_FLAG:
        return sizeof(bool);
    case COLUMN_REAL:
        return sizeof(double);
    case COLUMN_STATUS:
        return sizeof(enum status);
    case COLUMN_BYTES:
    case COLUMN_TEXT:
        break;
    }
    return n_bytes; /* any */
}

static void check(const struct query_columns *columns, size_t n_record)
{
    for (size_t k = 0; k < columns->n; k++) {
        const struct query_column *column = &columns->columns[k];
        ck_assert_uint_eq(column->n_bytes, bytes_of(column->type, column->n_bytes));
        ck_assert_uint_le(column->offset + column->n_bytes, n_record);
        for (size_t i = 0; i < k; i++) {
            const struct query_column *other = &columns->columns[i];
            ck_assert_msg(other->offset + other->n_bytes <= column->offset ||
                              column->offset + column->n_bytes <= other->offset,
                          "columns %zu and %zu share a field", i, k);
        }
    }
}

TEST(each_column_has_a_field_of_its_own_and_of_its_size)
{
    check(&job_columns, sizeof(struct job));
    check(&job_life_columns, sizeof(struct job));
    check(&event_columns, sizeof(struct job_event));
    check(&checkpoint_columns, sizeof(struct job_checkpoint));
    check(&lineage_columns, sizeof(struct lineage));
}

TEST(what_an_update_writes_is_the_end_of_what_an_insert_writes)
{
    size_t n_before = job_columns.n - job_life_columns.n;
    ck_assert_uint_lt(job_life_columns.n, job_columns.n);
    ck_assert_mem_eq(&job_columns.columns[n_before], job_life_columns.columns,
                     job_life_columns.n * sizeof *job_life_columns.columns);
}

TEST(each_statement_has_a_task_of_its_own)
{
    const struct database_schema *schema = &job_store_schema;
    ck_assert_uint_eq(schema->n_statements, JOBS_N_STATEMENTS);
    for (size_t k = 0; k < schema->n_statements; k++) {
        ck_assert(schema->statements[k].task && schema->statements[k].sql);
        for (size_t i = 0; i < k; i++) {
            ck_assert_str_ne(schema->statements[i].task, schema->statements[k].task);
        }
    }
}

TEST(a_list_asks_for_one_row_more_and_never_for_more_than_there_can_be)
{
    ck_assert_int_eq(job_file_limit(0), 1);
    ck_assert_int_eq(job_file_limit(20), 21);
    ck_assert_int_eq(job_file_limit(INT32_MAX - 1), INT32_MAX);
    ck_assert_int_eq(job_file_limit(INT32_MAX), INT32_MAX);
    ck_assert_int_eq(job_file_limit(SIZE_MAX), INT32_MAX);
}
