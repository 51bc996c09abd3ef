/*
 * database.h - SQLite, for the rest of the store only: one file with one set of tables, its
 * transactions and its faults. database_open.h opens it, migrate.h brings it to the format of this
 * grud, query.h reads and writes its rows. No threads of its own; callers serialise.
 *
 * SQLite's own failures are STATUS_NO_MEMORY, STATUS_REQUEST_TOO_LARGE (a row beyond its limit of
 * 1e9 bytes) or STATUS_STORAGE_FAILED.
 */
#ifndef DATABASE_H
#define DATABASE_H

#include "base/status.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

enum { DATABASE_STATEMENTS_MAX = 32 };

struct statement {
    const char *task; /* "cannot <task> in <file>: ..." */
    const char *sql;
};

/* The tables of a file are what its migrations make of an empty one: the n-th brings it from format
 * n - 1 to format n, and the last one to the format of this grud. See migrate.h. */
struct database_schema {
    const char *file_name;
    int application_id; /* which of grud's databases it is: a number in the header of SQLite */
    const struct statement *migrations;
    size_t n_migrations;
    const struct statement *statements;
    size_t n_statements;
};

struct database {
    const struct database_schema *schema;
    sqlite3 *sqlite;
    sqlite3_stmt *prepared[DATABASE_STATEMENTS_MAX];
    sqlite3_stmt *begin, *commit, *rollback;
    bool is_in_memory;
    bool is_in_transaction; /* between database_begin and database_end */
    char path[PATH_MAX];
};

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

/* ---- statements that are used once ---- */

/* task: "cannot <task> in <file>: ..." */
__attribute__((warn_unused_result)) enum status
database_execute(struct database *database, const char *task, const char *sql, struct fault *fault);
/* *ret_prepared is for sqlite3_finalize, also after a failure. */
__attribute__((warn_unused_result)) enum status database_prepare(struct database *database,
                                                                 const char *task, const char *sql,
                                                                 sqlite3_stmt **ret_prepared,
                                                                 struct fault *fault);

/* ---- faults: what failed, in which file, and what is to be done ---- */

/* result: SQLite's. */
__attribute__((warn_unused_result)) enum status
database_failed(const struct database *database, int result, const char *task, struct fault *fault);
/* For values that are not what they should be. */
__attribute__((warn_unused_result)) enum status database_damaged(const struct database *database,
                                                                 struct fault *fault);
/* For a fault that is set: it is of what is in the file, so trying again does not help. */
enum status database_unusable(struct fault *fault);

#endif
