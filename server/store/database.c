#include "store/database.h"

#include "base/digest.h"
#include "base/refusal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x67727564, /* "grud" */
    BUSY_TIMEOUT_MS = 2000,      /* somebody looks at the file with another program */
    TASK_MAX = 64,
    PRIMARY_RESULT = 0xff /* the bits of an extended result that say what kind it is */
};

/* ---- faults ---- */

/* Of what is in the file: trying again does not help. */
static enum status unusable(struct fault *fault)
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
    return unusable(fault);
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
        return unusable(fault);
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

/* ---- opening ---- */

/* A format version is what SQLite calls the user version: 32 bits, 0 in files that nobody gave one.
 */
static int format_of(const struct schema *schema)
{
    return (int)(digest_64(schema->tables, strlen(schema->tables), 0) & INT_MAX) | 1;
}

static enum status execute(struct database *database, const char *task, const char *sql,
                           struct fault *fault)
{
    int result = sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? STATUS_OK : database_failed(database, result, task, fault);
}

static enum status prepare(struct database *database, const char *task, const char *sql,
                           sqlite3_stmt **ret_prepared, struct fault *fault)
{
    int result = sqlite3_prepare_v3(database->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                    ret_prepared, NULL);
    return result == SQLITE_OK ? STATUS_OK : database_failed(database, result, task, fault);
}

/* The first column of the first row of a statement that is used once. */
static enum status ask(struct database *database, const char *sql, int *ret_answer,
                       struct fault *fault)
{
    static const char task[] = "read the format";
    sqlite3_stmt *prepared = NULL;
    enum status status = prepare(database, task, sql, &prepared, fault);
    if (status == STATUS_OK) {
        int result = sqlite3_step(prepared);
        if (result == SQLITE_ROW) {
            *ret_answer = sqlite3_column_int(prepared, 0);
        } else {
            status = database_failed(database, result, task, fault);
        }
    }
    sqlite3_finalize(prepared);
    return status;
}

static enum status create_tables(struct database *database, struct fault *fault)
{
    char sql[96];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             APPLICATION_ID, format_of(database->schema));
    enum status status = execute(database, "create the tables", database->schema->tables, fault);
    return status == STATUS_OK ? execute(database, "set the format", sql, fault) : status;
}

/* Creates the tables in a new file, and refuses one that is another program's or version's. */
static enum status settle_format(struct database *database, struct fault *fault)
{
    int application = 0, format = 0, n_tables = 0, due = format_of(database->schema);
    enum status status = ask(database, "PRAGMA application_id", &application, fault);
    if (status == STATUS_OK) {
        status = ask(database, "PRAGMA user_version", &format, fault);
    }
    if (status == STATUS_OK) {
        status = ask(database, "SELECT count(*) FROM sqlite_schema", &n_tables, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (application == 0 && format == 0 && n_tables == 0) {
        return create_tables(database, fault);
    }
    if (application != APPLICATION_ID) {
        fault_set(fault, STATUS_STORAGE_FAILED, "data",
                  "%s is another program's database: move it away, and a new one is begun",
                  database->path);
        return unusable(fault);
    }
    if (format != due) {
        fault_set(fault, STATUS_STORAGE_FAILED, "data",
                  "%s has format %d, but this version of grud needs %d: use the version that wrote "
                  "it, or "
                  "move it away, and a new one is begun",
                  database->path, format, due);
        return unusable(fault);
    }
    return STATUS_OK;
}

static enum status configure(struct database *database, bool full_sync, struct fault *fault)
{
    static const char task[] = "set up the journal";
    /* Damaged pages are looked for, memory is not mapped (a file that shrinks would be a SIGBUS). A
     * page that many transactions change is copied to its place once in 32 MiB of them, not at
     * each; after a larger transaction the write-ahead log is cut down. What a statement may have
     * to undo is kept in memory: where the root is read-only there is no other place than /data
     * that a file could be made in. */
    enum status status = execute(
        database, task,
        "PRAGMA mmap_size = 0; PRAGMA cell_size_check = 1; PRAGMA foreign_keys = 1; "
        "PRAGMA trusted_schema = 0; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; "
        "PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 67108864",
        fault);
    if (status == STATUS_OK) {
        status =
            execute(database, task,
                    full_sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", fault);
    }
    return status;
}

/* A file becomes a write-ahead log's for good; databases in memory have a journal of their own. */
static enum status use_wal(struct database *database, struct fault *fault)
{
    static const char task[] = "use a write-ahead log";
    sqlite3_stmt *prepared = NULL;
    enum status status = prepare(database, task, "PRAGMA journal_mode = WAL", &prepared, fault);
    if (status == STATUS_OK) {
        int result = sqlite3_step(prepared);
        const char *mode =
            result == SQLITE_ROW ? (const char *)sqlite3_column_text(prepared, 0) : NULL;
        if (!mode) {
            status = database_failed(database, result == SQLITE_ROW ? SQLITE_NOMEM : result, task,
                                     fault);
        } else if (strcmp(mode, "wal") != 0 && strcmp(mode, "memory") != 0) {
            status = fault_set(fault, STATUS_STORAGE_FAILED, "data",
                               "cannot %s in %s: the file system has no shared memory", task,
                               database->path);
        }
    }
    sqlite3_finalize(prepared);
    return status;
}

static enum status prepare_all(struct database *database, struct fault *fault)
{
    const struct schema *schema = database->schema;
    assert(schema->n_statements <= DATABASE_STATEMENTS_MAX);
    enum status status = STATUS_OK;
    for (size_t k = 0; k < schema->n_statements && status == STATUS_OK; k++) {
        status = prepare(database, schema->statements[k].task, schema->statements[k].sql,
                         &database->prepared[k], fault);
    }
    return status;
}

/* The order matters: a foreign file is refused before anything is written to it. */
static enum status set_up(struct database *database, bool full_sync, struct fault *fault)
{
    enum status status = configure(database, full_sync, fault);
    if (status == STATUS_OK) {
        status =
            prepare(database, "begin a transaction", "BEGIN IMMEDIATE", &database->begin, fault);
    }
    if (status == STATUS_OK) {
        status = prepare(database, "end a transaction", "COMMIT", &database->commit, fault);
    }
    if (status == STATUS_OK) {
        status = prepare(database, "undo a transaction", "ROLLBACK", &database->rollback, fault);
    }
    if (status == STATUS_OK) {
        status = database_begin(database, fault);
    }
    if (status == STATUS_OK) {
        status = database_end(database, settle_format(database, fault), fault);
    }
    if (status == STATUS_OK) {
        status = use_wal(database, fault);
    }
    return status == STATUS_OK ? prepare_all(database, fault) : status;
}

/* SQLite would make it readable for everyone, as the volume of a container may be, and gives its
 * log and index the file's mode. What cannot be made is SQLite's to say. */
static void make_private(const struct database *database)
{
    if (!database->is_in_memory) {
        int fd = open(database->path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0) {
            close(fd);
        }
    }
}

enum status database_open(struct database *database, const struct schema *schema, const char *data,
                          bool full_sync, struct fault *fault)
{
    const bool in_memory = data[0] == '\0';
    *database = (struct database){ .schema = schema, .is_in_memory = in_memory };
    int n = in_memory
                ? snprintf(database->path, sizeof database->path, "memory (%s)", schema->file_name)
                : snprintf(database->path, sizeof database->path, "%s/%s", data, schema->file_name);
    if (n < 0 || n >= (int)sizeof database->path) {
        return fault_set(fault, STATUS_STORAGE_FAILED, "data",
                         "the path of the data directory is too long");
    }
    make_private(database);
    int result = sqlite3_open_v2(in_memory ? ":memory:" : database->path, &database->sqlite,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                     SQLITE_OPEN_EXRESCODE,
                                 NULL);
    if (result == SQLITE_OK && sqlite3_db_readonly(database->sqlite, "main") == 1) {
        result = SQLITE_READONLY; /* what SQLite may not write it opens to read */
    }
    enum status status;
    if (result != SQLITE_OK) {
        status = database_failed(database, result, "open the database", fault);
    } else {
        sqlite3_busy_timeout(database->sqlite, BUSY_TIMEOUT_MS);
        status = set_up(database, full_sync, fault);
    }
    if (status != STATUS_OK) {
        database_close(database);
    }
    return status;
}

void database_close(struct database *database)
{
    for (size_t k = 0; k < DATABASE_STATEMENTS_MAX; k++) {
        sqlite3_finalize(database->prepared[k]);
    }
    sqlite3_finalize(database->begin);
    sqlite3_finalize(database->commit);
    sqlite3_finalize(database->rollback);
    sqlite3_close(database->sqlite);
    *database = (struct database){ .schema = database->schema };
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
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", format_of(database->schema));
    return execute(database, "write", sql, fault);
}
