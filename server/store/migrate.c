#include "store/migrate.h"

#include "base/digest.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* The first release numbered its format otherwise: both databases had this application id, "grud",
 * and the digest of their tables as the user version. */
enum { FIRST_APPLICATION_ID = 0x67727564 };

static int first_version(const struct database_schema *schema)
{
    const char *tables = schema->migrations[0].sql;
    return (int)(digest_64(tables, strlen(tables), 0) & INT_MAX) | 1;
}

/* The first column of the first row of a statement that is used once. */
static enum status ask(struct database *database, const char *sql, int *ret_answer,
                       struct fault *fault)
{
    static const char task[] = "read the format";
    sqlite3_stmt *prepared = NULL;
    enum status status = database_prepare(database, task, sql, &prepared, fault);
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

static enum status refuse_foreign(const struct database *database, struct fault *fault)
{
    fault_set(fault, STATUS_STORAGE_FAILED, "data",
              "%s is another program's database, or another one of grud's: move it away, and a new "
              "one is begun",
              database->path);
    return database_unusable(fault);
}

static enum status refuse_format(const struct database *database, int format, struct fault *fault)
{
    fault_set(fault, STATUS_STORAGE_FAILED, "data",
              "%s has format %d, but this version of grud reads up to %zu: use the version that "
              "wrote it, or move it away, and a new one is begun",
              database->path, format, database->schema->n_migrations);
    return database_unusable(fault);
}

/* What the file says of itself; is_settled: in the way that this grud would say it. */
struct format {
    size_t number; /* 0: a new file */
    bool is_settled;
};

static enum status find_format(struct database *database, struct format *ret_format,
                               struct fault *fault)
{
    const struct database_schema *schema = database->schema;
    int application = 0, version = 0, n_tables = 0;
    enum status status = ask(database, "PRAGMA application_id", &application, fault);
    if (status == STATUS_OK) {
        status = ask(database, "PRAGMA user_version", &version, fault);
    }
    if (status == STATUS_OK) {
        status = ask(database, "SELECT count(*) FROM sqlite_schema", &n_tables, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (application == 0 && version == 0 && n_tables == 0) {
        *ret_format = (struct format){ 0 };
    } else if (application == FIRST_APPLICATION_ID && version == first_version(schema)) {
        *ret_format = (struct format){ .number = 1 };
    } else if (application != schema->application_id && application != FIRST_APPLICATION_ID) {
        return refuse_foreign(database, fault);
    } else if (application == FIRST_APPLICATION_ID || version < 1 ||
               (size_t)version > schema->n_migrations) {
        return refuse_format(database, version, fault);
    } else {
        *ret_format = (struct format){ .number = (size_t)version, .is_settled = true };
    }
    return STATUS_OK;
}

/* In a transaction: the migrations that the file has not seen yet, and then the number. */
static enum status run_from(struct database *database, struct format format, struct fault *fault)
{
    const struct database_schema *schema = database->schema;
    enum status status = STATUS_OK;
    for (size_t k = format.number; k < schema->n_migrations && status == STATUS_OK; k++) {
        status = database_execute(database, schema->migrations[k].task, schema->migrations[k].sql,
                                  fault);
    }
    if (status == STATUS_OK && (format.number < schema->n_migrations || !format.is_settled)) {
        char sql[96];
        snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                 schema->application_id, (int)schema->n_migrations);
        status = database_execute(database, "set the format", sql, fault);
    }
    return status;
}

enum status database_migrate(struct database *database, struct fault *fault)
{
    struct format format = { 0 };
    enum status status = database_begin(database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = find_format(database, &format, fault);
    if (status == STATUS_OK) {
        status = run_from(database, format, fault);
    }
    status = database_end(database, status, fault);
    if (status == STATUS_OK && format.number > 0 &&
        format.number < database->schema->n_migrations) {
        log_event(LOG_INFO, "database_migrated", LOG_STRING("file", database->path),
                  LOG_INT("from", (int64_t)format.number),
                  LOG_INT("to", (int64_t)database->schema->n_migrations));
    }
    return status;
}
