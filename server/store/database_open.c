#include "store/database_open.h"

#include "base/log.h"
#include "store/files.h"
#include "store/migrate.h"
#include "store/page_checksums.h"
#include "store/wal_check.h"

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

/* Only before a file has anything in it; and an older file is left as it is. */
static enum status make_shrinkable(struct database *database, struct fault *fault)
{
    static const char task[] = "begin the file";
    sqlite3_stmt *prepared = NULL;
    int n_pages = 0;
    enum status status = database_prepare(database, task, "PRAGMA page_count", &prepared, fault);
    if (status == STATUS_OK) {
        int result = sqlite3_step(prepared);
        n_pages = result == SQLITE_ROW ? sqlite3_column_int(prepared, 0) : 0;
        status = result == SQLITE_ROW ? STATUS_OK : database_failed(database, result, task, fault);
    }
    sqlite3_finalize(prepared);
    return status == STATUS_OK && n_pages == 0
               ? database_execute(database, task, "PRAGMA auto_vacuum = INCREMENTAL", fault)
               : status;
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
        status = make_shrinkable(database, fault);
    }
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
static void make_private(const char *path)
{
    int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
    }
}

static enum status open_file(struct database *database, bool full_sync, struct fault *fault)
{
    int reserved = PAGE_CHECKSUM_BYTES; /* of a file that is new, or made anew */
    int result = page_checksums_use();
    if (!database->is_in_memory) {
        make_private(database->path);
    }
    if (result == SQLITE_OK) {
        result =
            sqlite3_open_v2(database->is_in_memory ? ":memory:" : database->path, &database->sqlite,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                SQLITE_OPEN_EXRESCODE,
                            NULL);
    }
    if (result == SQLITE_OK && sqlite3_db_readonly(database->sqlite, "main") == 1) {
        result = SQLITE_READONLY; /* what SQLite may not write it opens to read */
    }
    if (result == SQLITE_OK && !database->is_in_memory) {
        result =
            sqlite3_file_control(database->sqlite, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    }
    if (result != SQLITE_OK) {
        return database_failed(database, result, "open the database", fault);
    }
    sqlite3_busy_timeout(database->sqlite, BUSY_TIMEOUT_MS);
    return set_up(database, full_sync, fault);
}

/* Its path stays. */
static void close_file(struct database *database)
{
    for (size_t k = 0; k < DATABASE_STATEMENTS_MAX; k++) {
        sqlite3_finalize(database->prepared[k]);
        database->prepared[k] = NULL;
    }
    sqlite3_finalize(database->begin);
    sqlite3_finalize(database->commit);
    sqlite3_finalize(database->rollback);
    sqlite3_close(database->sqlite);
    database->begin = database->commit = database->rollback = NULL;
    database->sqlite = NULL;
}

/* ---- files without checksums, of an earlier release ---- */

/* Synced, and then in the place of the file, which nothing has open any more: a log or index that
 * it may have had is gone since its journal was changed. */
static enum status replace(const char *copy, const char *path, struct fault *fault)
{
    int fd = open(copy, O_RDONLY | O_CLOEXEC);
    bool is_done = fd >= 0 && fsync(fd) == 0 && rename(copy, path) == 0;
    enum status status = is_done && files_sync_folder_of(path)
                             ? STATUS_OK
                             : files_failed(fault, "put in place", path);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* A copy whose pages end with checksums takes the file's place; the file is closed in any case. On
 * disk, not in memory: there may be gigabytes of recordings. */
static enum status add_checksums(struct database *database, struct fault *fault)
{
    static const char task[] = "add checksums to";
    char copy[PATH_MAX];
    sqlite3_stmt *prepared = NULL;
    int n = snprintf(copy, sizeof copy, "%s.new", database->path);
    if (n < 0 || n >= (int)sizeof copy) {
        return fault_set(fault, STATUS_STORAGE_FAILED, "data", "cannot %s %s: its path is too long",
                         task, database->path);
    }
    (void)unlink(copy); /* of a start that was cut short */
    make_private(copy);
    enum status status = database_execute(database, task, "PRAGMA journal_mode = DELETE", fault);
    if (status == STATUS_OK) {
        status = database_prepare(database, task, "VACUUM INTO ?", &prepared, fault);
    }
    if (status == STATUS_OK) {
        int result = sqlite3_bind_text(prepared, 1, copy, -1, SQLITE_STATIC);
        result = result == SQLITE_OK ? sqlite3_step(prepared) : result;
        status = result == SQLITE_DONE ? STATUS_OK : database_failed(database, result, task, fault);
    }
    sqlite3_finalize(prepared);
    close_file(database);
    if (status == STATUS_OK) {
        status = replace(copy, database->path, fault);
    }
    if (status != STATUS_OK) {
        (void)unlink(copy);
    }
    return status;
}

/* What cannot be given checksums, as on a full disk, is used without; the next start tries again.
 */
static enum status with_checksums(struct database *database, bool full_sync, struct fault *fault)
{
    struct fault why;
    if (add_checksums(database, &why) == STATUS_OK) {
        log_event(LOG_INFO, "checksums_added", LOG_STRING("file", database->path));
    } else {
        log_event(LOG_WARN, "checksums_not_added", LOG_STRING("file", database->path),
                  LOG_STRING("reason", why.message));
    }
    return open_file(database, full_sync, fault);
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
    if (!in_memory) {
        wal_check(database->path);
    }
    enum status status = open_file(database, full_sync, fault);
    if (status == STATUS_OK && !in_memory && !page_checksums_are_in(database->path)) {
        status = with_checksums(database, full_sync, fault);
    }
    if (status != STATUS_OK) {
        database_close(database);
    }
    return status;
}

void database_close(struct database *database)
{
    close_file(database);
    *database = (struct database){ .schema = database->schema };
}
