#include "store/database_open.h"

#include "store/migrate.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_TIMEOUT_MS = 2000 }; /* for another program that has the file open */

static enum status configure(struct database *database, bool full_sync, struct fault *fault)
{
    static const char task[] = "set up the journal";
    /* Damaged pages are looked for, memory is not mapped (a file that shrinks would be a SIGBUS). A
     * page that many transactions change is copied to its place once in 32 MiB of them, not at
     * each; after a larger transaction the write-ahead log is cut down. What a statement may have
     * to undo is kept in memory: where the root is read-only there is no other place than /data
     * that a file could be made in. */
    enum status status = database_execute(
        database, task,
        "PRAGMA mmap_size = 0; PRAGMA cell_size_check = 1; PRAGMA foreign_keys = 1; "
        "PRAGMA trusted_schema = 0; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; "
        "PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 67108864",
        fault);
    if (status == STATUS_OK) {
        status = database_execute(
            database, task, full_sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
            fault);
    }
    return status;
}

/* A file becomes a write-ahead log's for good; databases in memory have a journal of their own. */
static enum status use_wal(struct database *database, struct fault *fault)
{
    static const char task[] = "use a write-ahead log";
    sqlite3_stmt *prepared = NULL;
    enum status status =
        database_prepare(database, task, "PRAGMA journal_mode = WAL", &prepared, fault);
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
    const struct database_schema *schema = database->schema;
    assert(schema->n_statements <= DATABASE_STATEMENTS_MAX);
    enum status status = STATUS_OK;
    for (size_t k = 0; k < schema->n_statements && status == STATUS_OK; k++) {
        status = database_prepare(database, schema->statements[k].task, schema->statements[k].sql,
                                  &database->prepared[k], fault);
    }
    return status;
}

/* The order matters: a foreign file is refused before anything is written to it. */
static enum status set_up(struct database *database, bool full_sync, struct fault *fault)
{
    enum status status = configure(database, full_sync, fault);
    if (status == STATUS_OK) {
        status = database_prepare(database, "begin a transaction", "BEGIN IMMEDIATE",
                                  &database->begin, fault);
    }
    if (status == STATUS_OK) {
        status =
            database_prepare(database, "end a transaction", "COMMIT", &database->commit, fault);
    }
    if (status == STATUS_OK) {
        status = database_prepare(database, "undo a transaction", "ROLLBACK", &database->rollback,
                                  fault);
    }
    if (status == STATUS_OK) {
        status = database_migrate(database, fault);
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

enum status database_open(struct database *database, const struct database_schema *schema,
                          const char *data, bool full_sync, struct fault *fault)
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
