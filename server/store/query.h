/*
 * query.h - rows of a database (database.h), for the rest of the store only: one use of a statement
 * that was prepared when the file was opened, and rows that are structs.
 *
 * What is read is checked against the field that it goes to: a number out of its range, a text too
 * long for it or a value of another type is a damaged file (STATUS_STORAGE_FAILED), never a wild
 * value in a struct.
 */
#ifndef QUERY_H
#define QUERY_H

#include "store/column.h"
#include "store/database.h"

#include <stdint.h>

/* ---- one use of a statement: start, put parameters in turn, run or (next, get columns)*, done
 * ---- */

struct query {
    struct database *database;
    sqlite3_stmt *prepared;
    const char *task;
    int n_put, n_got; /* parameters, and columns of this row, so far */
    int result;       /* the first thing that went wrong */
    bool is_damaged;  /* a column's value does not fit */
};

void query_start(struct query *query, struct database *database, size_t statement);
void query_put_integer(struct query *query, int64_t value);
void query_put_real(struct query *query, double value); /* NaN: none */
void query_put_text(struct query *query,
                    const char *value); /* NULL: none. Borrowed until query_done */
void query_put_blob(struct query *query, const void *bytes,
                    size_t n); /* NULL: none. Borrowed likewise */
/* Another row, if there is one. */
__attribute__((warn_unused_result)) enum status query_next(struct query *query, bool *ret_row,
                                                           struct fault *fault);
int64_t query_get_integer(struct query *query, int64_t least, int64_t most);
/* Valid until the next row; NULL: none there (or *query is_damaged). */
const char *query_get_text(struct query *query);
const void *query_get_blob(struct query *query, size_t *ret_n);
/* Whether all that was got from this row is as it should be. */
__attribute__((warn_unused_result)) enum status query_check(const struct query *query,
                                                            struct fault *fault);
void query_done(struct query *query);
/* Runs to the end and is done: for statements without rows. */
__attribute__((warn_unused_result)) enum status query_run(struct query *query, struct fault *fault);

/* ---- rows as structs ---- */

/* For tables of columns, X(column, TYPE, field, most): the parts of SQL that they make. */
#define COLUMN_NAMED(column, ...)    ", " #column
#define COLUMN_MARK(column, ...)     ", ?"
#define COLUMN_ASSIGNED(column, ...) ", " #column " = ?"

void query_put_columns(struct query *query, const struct query_column *columns, size_t n,
                       const void *record);
/* Then query_check. */
void query_get_columns(struct query *query, const struct query_column *columns, size_t n,
                       void *record);

#endif
