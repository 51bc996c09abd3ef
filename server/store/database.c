#include "store/database.h"

#include "base/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TASK_MAX = 64,
    PRIMARY_RESULT = 0xff /* the bits of an extended result that say what kind it is */
};

/* ---- faults ---- */

enum status database_unusable(struct fault *fault)
{
    fault->error = EBADMSG;
    return fault->status;
}

enum status database_damaged(const struct database *database, struct fault *fault)
{
    fault_set(fault, STATUS_STORAGE_FAILED, NULL,
              "%s is damaged: move it away, together with the files of the same name that end in "
              "-wal and "
              "-shm, and a new one is begun",
              database->path);
    return database_unusable(fault);
}

/* Which of SQLite's three files is there and not for grud to write; the database where none is. */
static void find_refused(const struct database *database, char path[PATH_MAX])
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (size_t k = 0; k < sizeof suffixes / sizeof *suffixes; k++) {
        snprintf(path, PATH_MAX, "%.*s%s", PATH_MAX - 8, database->path, suffixes[k]);
        if (access(path, F_OK) == 0 && access(path, W_OK) != 0) {
            return;
        }
    }
    snprintf(path, PATH_MAX, "%s", database->path);
}

/* What the system has said; 0: nothing. SQLite forgets it where it then tries something else: to
 * read what it could not make. So a file is made beside the database. */
static int find_error(const struct database *database, int result)
{
    char path[PATH_MAX];
    int no = database->sqlite ? sqlite3_system_errno(database->sqlite) : 0;
    if ((result & PRIMARY_RESULT) == SQLITE_FULL) {
        return ENOSPC;
    }
    if ((no != 0 && no != ENOENT) || database->is_in_memory) {
        return no;
    }
    snprintf(path, sizeof path, "%.*s-probe", PATH_MAX - 8, database->path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    close(fd);
    unlink(path);
    find_refused(database, path);
    return access(path, W_OK) == 0 ? no : errno;
}

static enum status refused(const struct database *database, int error, const char *task,
                           struct fault *fault)
{
    char task_in[TASK_MAX], path[PATH_MAX];
    find_refused(database, path);
    snprintf(task_in, sizeof task_in, "%s in", task);
    return refusal_set(fault, NULL, task_in, path, REFUSAL_TO_KEEP, error);
}

enum status database_failed(const struct database *database, int result, const char *task,
                            struct fault *fault)
{
    const char *said = database->sqlite ? sqlite3_errmsg(database->sqlite) : sqlite3_errstr(result);
    switch (result == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : result & PRIMARY_RESULT) {
    case SQLITE_NOMEM:
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "there is not enough memory to %s in %s",
                         task, database->path);
    case SQLITE_TOOBIG:
        return fault_set(fault, STATUS_REQUEST_TOO_LARGE, NULL,
                         "cannot %s in %s: more than a row can hold", task, database->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                  "cannot %s in %s (%s): move it away, together with the files of the same name "
                  "that end in "
                  "-wal and -shm, and a new one is begun",
                  task, database->path, said);
        return database_unusable(fault);
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY: {
        int error = find_error(database, result);
        if (error != 0) {
            return refused(database, error, task, fault);
        }
        break;
    }
    }
    return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "cannot %s in %s: %s", task,
                     database->path, said);
}

/* ---- statements that are used once ---- */

enum status database_execute(struct database *database, const char *task, const char *sql,
                             struct fault *fault)
{
    int result = sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? STATUS_OK : database_failed(database, result, task, fault);
}

enum status database_prepare(struct database *database, const char *task, const char *sql,
                             sqlite3_stmt **ret_prepared, struct fault *fault)
{
    int result = sqlite3_prepare_v3(database->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                    ret_prepared, NULL);
    return result == SQLITE_OK ? STATUS_OK : database_failed(database, result, task, fault);
}

/* ---- transactions ---- */

static int step_once(sqlite3_stmt *prepared)
{
    int result = sqlite3_step(prepared);
    sqlite3_reset(prepared);
    return result;
}

/* SQLite undoes a transaction itself after some failures, and not after others. */
int database_undo(struct database *database)
{
    database->is_in_transaction = false;
    if (sqlite3_get_autocommit(database->sqlite)) {
        return SQLITE_OK;
    }
    int result = step_once(database->rollback);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

enum status database_begin(struct database *database, struct fault *fault)
{
    int result = database_undo(database);
    if (result == SQLITE_OK) {
        result = step_once(database->begin);
    }
    if (result != SQLITE_DONE) {
        return database_failed(database, result, "begin a transaction", fault);
    }
    database->is_in_transaction = true;
    return STATUS_OK;
}

enum status database_end(struct database *database, enum status status, struct fault *fault)
{
    if (status == STATUS_OK) {
        int result = step_once(database->commit);
        if (result == SQLITE_DONE) {
            database->is_in_transaction = false;
            return STATUS_OK;
        }
        status = database_failed(database, result, "write", fault);
    }
    /* if even that needs memory, the next use of the database begins with it */
    (void)database_undo(database);
    return status;
}

enum status database_probe(struct database *database, struct fault *fault)
{
    char sql[48];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", (int)database->schema->n_migrations);
    return database_execute(database, "write", sql, fault);
}
