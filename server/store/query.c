#include "store/query.h"

#include <assert.h>
#include <string.h>

/* ---- one use of a statement ---- */

static void note(struct query *query, int result)
{
    if (query->result == SQLITE_OK) {
        query->result = result;
    }
}

void query_start(struct query *query, struct database *database, size_t statement)
{
    *query = (struct query){ .database = database,
                             .prepared = database->prepared[statement],
                             .task = database->schema->statements[statement].task,
                             .result = SQLITE_OK };
    assert(!sqlite3_stmt_busy(query->prepared));
    if (!database->is_in_transaction) {
        note(query, database_undo(database));
    }
}

void query_put_integer(struct query *query, int64_t value)
{
    note(query, sqlite3_bind_int64(query->prepared, ++query->n_put, value));
}

void query_put_real(struct query *query, double value)
{
    note(query, sqlite3_bind_double(query->prepared, ++query->n_put, value)); /* NaN: as NULL */
}

void query_put_text(struct query *query, const char *value)
{
    note(query, sqlite3_bind_text(query->prepared, ++query->n_put, value, -1, SQLITE_STATIC));
}

void query_put_blob(struct query *query, const void *bytes, size_t n)
{
    note(query, sqlite3_bind_blob64(query->prepared, ++query->n_put, bytes, n, SQLITE_STATIC));
}

enum status query_next(struct query *query, bool *ret_row, struct fault *fault)
{
    query->n_got = 0;
    int result = query->result == SQLITE_OK ? sqlite3_step(query->prepared) : query->result;
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        return database_failed(query->database, result, query->task, fault);
    }
    *ret_row = result == SQLITE_ROW;
    return STATUS_OK;
}

void query_done(struct query *query)
{
    sqlite3_reset(query->prepared);
    sqlite3_clear_bindings(query->prepared);
}

enum status query_run(struct query *query, struct fault *fault)
{
    bool row;
    enum status status = query_next(query, &row, fault);
    query_done(query);
    return status;
}

int64_t query_get_integer(struct query *query, int64_t least, int64_t most)
{
    int at = query->n_got++;
    int64_t value = sqlite3_column_int64(query->prepared, at);
    if (sqlite3_column_type(query->prepared, at) != SQLITE_INTEGER || value < least ||
        value > most) {
        query->is_damaged = true;
        return least;
    }
    return value;
}

const char *query_get_text(struct query *query)
{
    int at = query->n_got++;
    if (sqlite3_column_type(query->prepared, at) != SQLITE_TEXT) {
        query->is_damaged = true;
        return NULL;
    }
    const char *text = (const char *)sqlite3_column_text(query->prepared, at);
    if (!text) {
        note(query, SQLITE_NOMEM);
    } else if (strlen(text) != (size_t)sqlite3_column_bytes(query->prepared, at)) {
        query->is_damaged = true;
        text = NULL;
    }
    return text;
}

const void *query_get_blob(struct query *query, size_t *ret_n)
{
    int at = query->n_got++;
    int type = sqlite3_column_type(query->prepared, at);
    *ret_n = 0;
    if (type != SQLITE_BLOB) {
        query->is_damaged = query->is_damaged || type != SQLITE_NULL;
        return NULL;
    }
    const void *bytes = sqlite3_column_blob(query->prepared, at);
    *ret_n = (size_t)sqlite3_column_bytes(query->prepared, at);
    if (!bytes && *ret_n > 0) {
        note(query, SQLITE_NOMEM);
        *ret_n = 0;
    }
    return bytes ? bytes : ""; /* SQLite has NULL for an empty blob */
}

enum status query_check(const struct query *query, struct fault *fault)
{
    if (query->result != SQLITE_OK) {
        return database_failed(query->database, query->result, query->task, fault);
    }
    return query->is_damaged ? database_damaged(query->database, fault) : STATUS_OK;
}

/* ---- rows as structs ---- */

/* Without the zeros at the end. */
static size_t n_used(const unsigned char *bytes, size_t n)
{
    while (n > 0 && bytes[n - 1] == 0) {
        n--;
    }
    return n;
}

/* An unsigned value keeps its bits in SQLite's signed integers. */
static void put_column(struct query *query, const struct query_column *column, const void *field)
{
    switch (column->type) {
    case COLUMN_INTEGER:
    case COLUMN_COUNT:
    case COLUMN_SIZE:
        query_put_integer(query, *(const int64_t *)field);
        break;
    case COLUMN_NUMBER:
        query_put_integer(query, *(const unsigned *)field);
        break;
    case COLUMN_CHOICE:
        query_put_integer(query, *(const int *)field);
        break;
    case COLUMN_FLAG:
        query_put_integer(query, *(const bool *)field);
        break;
    case COLUMN_REAL:
        query_put_real(query, *(const double *)field);
        break;
    case COLUMN_TEXT:
        query_put_text(query, field);
        break;
    case COLUMN_BYTES:
        query_put_blob(query, field, n_used(field, column->n_bytes));
        break;
    case COLUMN_STATUS:
        query_put_text(query, status_code(*(const enum status *)field));
        break;
    }
}

void query_put_columns(struct query *query, const struct query_column *columns, size_t n,
                       const void *record)
{
    for (size_t k = 0; k < n; k++) {
        put_column(query, &columns[k], (const char *)record + columns[k].offset);
    }
}

static double get_real(struct query *query)
{
    int at = query->n_got++;
    int type = sqlite3_column_type(query->prepared, at);
    if (type == SQLITE_NULL) {
        return __builtin_nan("");
    }
    query->is_damaged = query->is_damaged || type != SQLITE_FLOAT;
    return sqlite3_column_double(query->prepared, at);
}

static void get_text(struct query *query, char *field, size_t n_bytes)
{
    const char *text = query_get_text(query);
    size_t n = text ? strlen(text) : 0;
    if (n < n_bytes) {
        memcpy(field, text ? text : "", n + 1);
    } else {
        query->is_damaged = true;
        field[0] = '\0';
    }
}

static void get_bytes(struct query *query, unsigned char *field, size_t n_bytes)
{
    size_t n;
    const void *bytes = query_get_blob(query, &n);
    memset(field, 0, n_bytes);
    if (bytes && n <= n_bytes) {
        memcpy(field, bytes, n);
    } else {
        query->is_damaged = true;
    }
}

static enum status get_status(struct query *query)
{
    const char *text = query_get_text(query);
    for (enum status status = STATUS_OK; text && status < STATUS_COUNT; status++) {
        if (strcmp(status_code(status), text) == 0) {
            return status;
        }
    }
    query->is_damaged = true;
    return STATUS_INTERNAL;
}

static void get_column(struct query *query, const struct query_column *column, void *field)
{
    switch (column->type) {
    case COLUMN_INTEGER:
    case COLUMN_COUNT:
        *(int64_t *)field = query_get_integer(query, INT64_MIN, INT64_MAX);
        break;
    case COLUMN_SIZE:
        *(size_t *)field = (size_t)query_get_integer(query, 0, INT64_MAX);
        break;
    case COLUMN_NUMBER:
        *(unsigned *)field = (unsigned)query_get_integer(query, 0, UINT_MAX);
        break;
    case COLUMN_CHOICE:
        *(int *)field = (int)query_get_integer(query, 0, column->most);
        break;
    case COLUMN_FLAG:
        *(bool *)field = query_get_integer(query, 0, 1) != 0;
        break;
    case COLUMN_REAL:
        *(double *)field = get_real(query);
        break;
    case COLUMN_TEXT:
        get_text(query, field, column->n_bytes);
        break;
    case COLUMN_BYTES:
        get_bytes(query, field, column->n_bytes);
        break;
    case COLUMN_STATUS:
        *(enum status *)field = get_status(query);
        break;
    }
}

void query_get_columns(struct query *query, const struct query_column *columns, size_t n,
                       void *record)
{
    for (size_t k = 0; k < n; k++) {
        get_column(query, &columns[k], (char *)record + columns[k].offset);
    }
}
