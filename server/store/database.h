/*
 * database.h - SQLite, for the rest of the store only: one file with one set of tables, its
 * statements prepared once, and rows that are structs. No threads of its own; callers serialise.
 *
 * What is read is checked against the field that it goes to: a number out of its range, a text too
 * long for it or a value of another type is a damaged file (STATUS_STORAGE_FAILED), never a wild
 * value in a struct. SQLite's own failures are STATUS_NO_MEMORY, STATUS_REQUEST_TOO_LARGE (a row
 * beyond its limit of 1e9 bytes) or STATUS_STORAGE_FAILED.
 */
#ifndef DATABASE_H
#define DATABASE_H

#include "base/status.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DATABASE_STATEMENTS_MAX = 32 };

struct statement {
    const char *task; /* "cannot <task> in <file>: ..." */
    const char *sql;
};

/* Whatever changes the meaning of a file's bytes is in `tables`, if need be as a comment: the
 * file's format version is its digest, so that a change of the tables cannot go without a change of
 * the version. */
struct schema {
    const char *file_name;
    const char *tables;
    const struct statement *statements;
    size_t n_statements;
};

struct database {
    const struct schema *schema;
    sqlite3 *sqlite;
    sqlite3_stmt *prepared[DATABASE_STATEMENTS_MAX];
    sqlite3_stmt *begin, *commit, *rollback;
    bool is_in_memory;
    bool is_in_transaction; /* between database_begin and database_end */
    char path[PATH_MAX];
};

/* Opens or creates the file in the directory (empty: in memory). full_sync: each change is on disk
 * when its call returns; else a power failure may take the last ones. On failure there is nothing
 * to close. */
__attribute__((warn_unused_result)) enum status database_open(struct database *database,
                                                              const struct schema *schema,
                                                              const char *data, bool full_sync,
                                                              struct fault *fault);
void database_close(struct database *database);

/* ---- transactions ---- */

__attribute__((warn_unused_result)) enum status database_begin(struct database *database,
                                                               struct fault *fault);
/* Commits if all went well so far, else undoes what was done since database_begin. */
__attribute__((warn_unused_result)) enum status
database_end(struct database *database, enum status status, struct fault *fault);
/* Whether the file takes a change: it is given the format that it has. */
__attribute__((warn_unused_result)) enum status database_probe(struct database *database,
                                                               struct fault *fault);
/* Undoes what a failed transaction has left, if it has left anything. SQLite's result. */
int database_undo(struct database *database);

/* ---- faults: what failed, in which file, and what is to be done ---- */

/* result: SQLite's. */
__attribute__((warn_unused_result)) enum status
database_failed(const struct database *database, int result, const char *task, struct fault *fault);
/* For values that are not what they should be. */
__attribute__((warn_unused_result)) enum status database_damaged(const struct database *database,
                                                                 struct fault *fault);

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

enum column_type {
    COLUMN_INTEGER, /* int64_t */
    COLUMN_COUNT,   /* uint64_t: its bits, so that none is lost */
    COLUMN_NUMBER,  /* unsigned */
    COLUMN_SIZE,    /* size_t */
    COLUMN_CHOICE,  /* an int or an enum, 0 to most */
    COLUMN_FLAG,    /* bool */
    COLUMN_REAL,    /* double; NaN is NULL */
    COLUMN_TEXT,    /* char [n_bytes] */
    COLUMN_STATUS   /* enum status, as its code: the numbers change with the table */
};

struct column {
    enum column_type type;
    int most;
    size_t offset, n_bytes; /* of the field in its struct */
};

/* For tables of columns, X(column, TYPE, field, most): the parts of SQL that they make. */
#define COLUMN_SQL_INTEGER                " INTEGER NOT NULL"
#define COLUMN_SQL_COUNT                  " INTEGER NOT NULL"
#define COLUMN_SQL_NUMBER                 " INTEGER NOT NULL"
#define COLUMN_SQL_SIZE                   " INTEGER NOT NULL"
#define COLUMN_SQL_CHOICE                 " INTEGER NOT NULL"
#define COLUMN_SQL_FLAG                   " INTEGER NOT NULL"
#define COLUMN_SQL_REAL                   " REAL"
#define COLUMN_SQL_TEXT                   " TEXT NOT NULL"
#define COLUMN_SQL_STATUS                 " TEXT NOT NULL"
#define COLUMN_DEFINED(column, type, ...) ", " #column COLUMN_SQL_##type
#define COLUMN_NAMED(column, ...)         ", " #column
#define COLUMN_MARK(column, ...)          ", ?"
#define COLUMN_ASSIGNED(column, ...)      ", " #column " = ?"
#define COLUMN_OF(record, type_, field, most_)                                                     \
    {                                                                                              \
        .type = COLUMN_##type_, .most = (most_), .offset = offsetof(struct record, field),         \
        .n_bytes = sizeof(((struct record *)NULL)->field)                                          \
    }

void query_put_columns(struct query *query, const struct column *columns, size_t n,
                       const void *record);
/* Then query_check. */
void query_get_columns(struct query *query, const struct column *columns, size_t n, void *record);

#endif
