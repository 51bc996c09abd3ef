#include "store/recordings.h"

#include "store/database_open.h"
#include "store/query.h"
#include "store/recordings_private.h"
#include "store/values.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDINGS_FORMAT = 5 }; /* raised by hand, with each migration: see migrate.h */

/* SQL, laid out as SQL. A session's readings are numbered as they come: n. Where its last rows_max
 * begin is asked for when they are read as well, since rows_max may have become smaller since they
 * were written. */
// clang-format off
#define READ(condition) \
    "SELECT s.id, s.session, r.step, r.value_bytes, r.x FROM sessions AS s CROSS JOIN readings AS r" \
    " WHERE s.model = ?1 AND s.session " condition " ?2 AND r.session = s.id AND r.n >= s.next_n - ?3" \
    " ORDER BY s.session, r.n"

/* As the first release made them; their digest was its format, so not even a space may change. */
static const struct statement migrations[RECORDINGS_FORMAT] = {
    { "create the tables",
    "CREATE TABLE sessions (id INTEGER PRIMARY KEY, model TEXT NOT NULL, session TEXT NOT NULL,"
    " last_step INTEGER NOT NULL, next_n INTEGER NOT NULL, UNIQUE (model, session)) STRICT;"
    "CREATE TABLE readings (session INTEGER NOT NULL, n INTEGER NOT NULL, step INTEGER NOT NULL,"
    " x BLOB NOT NULL, PRIMARY KEY (session, n)) STRICT, WITHOUT ROWID;" },

    { "end the pages with checksums", "-- an older grud would write pages without (page_checksums.h)" },

    { "add the times of readings", "ALTER TABLE readings ADD COLUMN at REAL;" },

    { "add what had been forecast for readings", "ALTER TABLE readings ADD COLUMN y BLOB;" },

    /* Those from before are floats. */
    { "add how large a value is", "ALTER TABLE readings ADD COLUMN value_bytes INTEGER NOT NULL DEFAULT 4;" },
};

static const struct statement statements[] = {
    [RECORDINGS_FIND] = { "find a session's recording",
        "SELECT id, last_step, next_n FROM sessions WHERE model = ? AND session = ?" },
    [RECORDINGS_BEGIN_SESSION] = { "begin a session's recording",
        "INSERT INTO sessions (model, session, last_step, next_n) VALUES (?, ?, 0, 0)" },
    [RECORDINGS_ADD] = { "record a reading", "INSERT INTO readings (session, n, step, x, at, y, value_bytes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)" },
    [RECORDINGS_TRIM] = { "drop old readings", "DELETE FROM readings WHERE session = ? AND n < ?" },
    [RECORDINGS_ADVANCE] = { "record a session's step",
        "UPDATE sessions SET last_step = ?, next_n = ? WHERE id = ?" },
    [RECORDINGS_DELETE_READINGS] = { "delete a session's readings", "DELETE FROM readings WHERE session = ?" },
    [RECORDINGS_DELETE_SESSION] = { "delete a session's recording", "DELETE FROM sessions WHERE id = ?" },
    [RECORDINGS_READ] = { "read a session's recording", READ("=") },
    [RECORDINGS_READ_FROM] = { "read the sessions' recordings", READ(">=") },
    [RECORDINGS_READ_PAGE] = { "read a session's readings",
        "SELECT r.step, r.value_bytes, r.x, r.at, r.y FROM sessions AS s CROSS JOIN readings AS r"
        " WHERE s.model = ?1 AND s.session = ?2 AND r.session = s.id AND r.n >= s.next_n - ?3"
        " AND r.step >= ?4 AND r.step < ?5 ORDER BY r.n DESC" },
};
// clang-format on

static const struct database_schema schema = { .file_name = "recordings.db",
                                               .application_id = 0x67727572, /* "grur" */
                                               .migrations = migrations,
                                               .n_migrations = RECORDINGS_FORMAT,
                                               .statements = statements,
                                               .n_statements = RECORDINGS_N_STATEMENTS };

enum status recordings_open(const char *data, size_t rows_max, struct recordings **ret_recordings,
                            struct fault *fault)
{
    struct recordings *recordings = calloc(1, sizeof *recordings);
    if (!recordings) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL,
                         "there is not enough memory to open the recordings");
    }
    recordings->rows_max = rows_max < INT32_MAX ? rows_max : INT32_MAX;
    enum status status = database_open(&recordings->database, &schema, data, false, fault);
    if (status != STATUS_OK) {
        free(recordings);
        return status;
    }
    *ret_recordings = recordings;
    return STATUS_OK;
}

void recordings_close(struct recordings *recordings)
{
    if (recordings) {
        database_close(&recordings->database);
        free(recordings);
    }
}

/* ---- writing ---- */

struct recorded_session {
    bool exists;
    int64_t id, next_n;
    uint64_t last_step;
};

static enum status find_session(struct recordings *recordings, const char *model,
                                const char *session, struct recorded_session *ret_session,
                                struct fault *fault)
{
    struct query query;
    struct recorded_session result = { 0 };
    query_start(&query, &recordings->database, RECORDINGS_FIND);
    query_put_text(&query, model);
    query_put_text(&query, session);
    enum status status = query_next(&query, &result.exists, fault);
    if (status == STATUS_OK && result.exists) {
        result.id = query_get_integer(&query, INT64_MIN, INT64_MAX);
        result.last_step = (uint64_t)query_get_integer(&query, INT64_MIN, INT64_MAX);
        result.next_n =
            query_get_integer(&query, 0, INT64_MAX / 2); /* additions to it cannot overflow */
        status = query_check(&query, fault);
    }
    query_done(&query);
    if (status == STATUS_OK) {
        *ret_session = result;
    }
    return status;
}

static enum status begin_session(struct recordings *recordings, const struct recorded *reading,
                                 struct recorded_session *session, struct fault *fault)
{
    struct query query;
    query_start(&query, &recordings->database, RECORDINGS_BEGIN_SESSION);
    query_put_text(&query, reading->model);
    query_put_text(&query, reading->session);
    enum status status = query_run(&query, fault);
    if (status == STATUS_OK) {
        *session = (struct recorded_session){
            .exists = true, .id = sqlite3_last_insert_rowid(recordings->database.sqlite)
        };
    }
    return status;
}

static enum status run_two(struct recordings *recordings, size_t statement, int64_t first,
                           int64_t second, struct fault *fault)
{
    struct query query;
    query_start(&query, &recordings->database, statement);
    query_put_integer(&query, first);
    query_put_integer(&query, second);
    return query_run(&query, fault);
}

static enum status run_one(struct recordings *recordings, size_t statement, int64_t only,
                           struct fault *fault)
{
    struct query query;
    query_start(&query, &recordings->database, statement);
    query_put_integer(&query, only);
    return query_run(&query, fault);
}

static enum status delete_session(struct recordings *recordings,
                                  const struct recorded_session *session, struct fault *fault)
{
    if (!session->exists) {
        return STATUS_OK;
    }
    enum status status = run_one(recordings, RECORDINGS_DELETE_READINGS, session->id, fault);
    return status == STATUS_OK ? run_one(recordings, RECORDINGS_DELETE_SESSION, session->id, fault)
                               : status;
}

static enum status insert_reading(struct recordings *recordings,
                                  const struct recorded_session *session,
                                  const struct recorded *reading, struct fault *fault)
{
    struct query query;
    query_start(&query, &recordings->database, RECORDINGS_ADD);
    query_put_integer(&query, session->id);
    query_put_integer(&query, session->next_n);
    query_put_integer(&query, (int64_t)reading->step);
    query_put_blob(&query, reading->x, reading->n_inputs * sizeof *reading->x);
    query_put_real(&query, reading->at);
    query_put_blob(&query, reading->y, reading->n_outputs * sizeof *reading->y);
    query_put_integer(&query, sizeof *reading->x);
    return query_run(&query, fault);
}

static enum status advance_session(struct recordings *recordings,
                                   const struct recorded_session *session, struct fault *fault)
{
    struct query query;
    query_start(&query, &recordings->database, RECORDINGS_ADVANCE);
    query_put_integer(&query, (int64_t)session->last_step);
    query_put_integer(&query, session->next_n);
    query_put_integer(&query, session->id);
    return query_run(&query, fault);
}

/* News of a session that is no reading. */
static enum status take_news(struct recordings *recordings, const struct recorded *news,
                             struct recorded_session *session, struct fault *fault)
{
    if (news->step == 0) {
        return delete_session(recordings, session, fault);
    }
    session->last_step = news->step;
    return session->exists ? advance_session(recordings, session, fault) : STATUS_OK;
}

/* n readings of one session. */
static enum status add_run(struct recordings *recordings, const struct recorded *readings, size_t n,
                           struct recorded_session *session, struct fault *fault)
{
    enum status status = STATUS_OK;
    if (!session->exists) {
        status = begin_session(recordings, readings, session, fault);
    }
    for (size_t k = 0; k < n && status == STATUS_OK; k++) {
        /* what this very run would push out again is not written at all */
        if (n - k <= recordings->rows_max) {
            status = insert_reading(recordings, session, &readings[k], fault);
        }
        session->next_n++;
    }
    int64_t first = session->next_n - (int64_t)recordings->rows_max;
    if (status == STATUS_OK && first > 0) {
        status = run_two(recordings, RECORDINGS_TRIM, session->id, first, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    session->last_step = readings[n - 1].step;
    return advance_session(recordings, session, fault);
}

static bool is_same_session(const struct recorded *a, const struct recorded *b)
{
    return strcmp(a->session, b->session) == 0 && strcmp(a->model, b->model) == 0;
}

/* The first readings of those left, as many as are of one session; or one that is none. */
static size_t length_of_run(const struct recorded *readings, size_t n)
{
    size_t k = 1;
    while (k < n && readings[k].x && readings[0].x && is_same_session(&readings[k], &readings[0])) {
        k++;
    }
    return k;
}

enum status recordings_add(struct recordings *recordings, const struct recorded *readings, size_t n,
                           struct fault *fault)
{
    enum status status = database_begin(&recordings->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t k = 0, n_run; k < n && status == STATUS_OK; k += n_run) {
        struct recorded_session session = { 0 };
        n_run = length_of_run(readings + k, n - k);
        status = find_session(recordings, readings[k].model, readings[k].session, &session, fault);
        if (status == STATUS_OK) {
            status = readings[k].x ? add_run(recordings, readings + k, n_run, &session, fault)
                                   : take_news(recordings, readings + k, &session, fault);
        }
    }
    return database_end(&recordings->database, status, fault);
}

enum status recordings_last_step(struct recordings *recordings, const char *model,
                                 const char *session, uint64_t *ret_step, struct fault *fault)
{
    struct recorded_session found = { 0 };
    enum status status = find_session(recordings, model, session, &found, fault);
    if (status == STATUS_OK) {
        *ret_step = found.last_step;
    }
    return status;
}

/* ---- reading ---- */

/* The rows are gone through twice: first they are counted, then copied to memory of just that size.
 */
struct recording_reader {
    const char *model, *session;
    bool is_prefix;
    size_t n_inputs;
    struct arena *arena;
    struct recording *recordings; /* NULL while counting */
    double *x;
    size_t recordings_max, rows_max; /* room, when copying */
    size_t n_recordings, n_rows;     /* so far */
    int64_t id;                      /* of the last row */
    uint64_t step;
    const char *name; /* of the session, in the arena */
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL,
                     "there is not enough memory to read the recordings");
}

/* Begins a sequence, of another session if the name is not NULL. */
static enum status begin_sequence(struct recording_reader *reader, const char *name,
                                  struct fault *fault)
{
    reader->n_recordings++;
    if (!reader->recordings) {
        return STATUS_OK;
    }
    if (name) {
        size_t n = strlen(name) + 1;
        char *copy = arena_alloc(reader->arena, n);
        if (!copy) {
            return no_memory(fault);
        }
        reader->name = memcpy(copy, name, n);
    }
    reader->recordings[reader->n_recordings - 1] = (struct recording){
        .session = reader->name, .x = reader->x + reader->n_rows * reader->n_inputs, .n_rows = 0
    };
    return STATUS_OK;
}

/* The row that the query is at; *ret_beyond: it is of the first session that the prefix does not
 * fit. */
static enum status read_row(struct recording_reader *reader, struct query *query, bool *ret_beyond,
                            struct fault *fault)
{
    size_t n_bytes;
    int64_t id = query_get_integer(query, INT64_MIN, INT64_MAX);
    const char *name = query_get_text(query);
    uint64_t step = (uint64_t)query_get_integer(query, INT64_MIN, INT64_MAX);
    const size_t value_bytes = values_get_bytes(query);
    const void *x = query_get_blob(query, &n_bytes);
    enum status status = query_check(query, fault);
    if (status != STATUS_OK) {
        return status;
    }
    *ret_beyond = strncmp(name, reader->session, strlen(reader->session)) != 0;
    if (!x || n_bytes % value_bytes != 0) {
        return database_damaged(query->database, fault);
    }
    if (*ret_beyond || n_bytes != reader->n_inputs * value_bytes) {
        return STATUS_OK;
    }
    const bool is_other = reader->n_rows == 0 || id != reader->id;
    const bool begins = is_other || step <= reader->step || step - reader->step != 1;
    if (reader->recordings && (reader->n_rows == reader->rows_max ||
                               (begins && reader->n_recordings == reader->recordings_max))) {
        return database_damaged(query->database,
                                fault); /* more than were counted in this transaction */
    }
    if (begins) {
        status = begin_sequence(reader, is_other ? name : NULL, fault);
    }
    if (status == STATUS_OK && reader->recordings) {
        values_copy(x, reader->n_inputs, value_bytes,
                    reader->x + reader->n_rows * reader->n_inputs);
        reader->recordings[reader->n_recordings - 1].n_rows++;
    }
    reader->n_rows++;
    reader->id = id;
    reader->step = step;
    return status;
}

static enum status read_rows(struct recording_reader *reader, struct recordings *recordings,
                             struct fault *fault)
{
    struct query query;
    bool row = false, beyond = false;
    query_start(&query, &recordings->database,
                reader->is_prefix ? RECORDINGS_READ_FROM : RECORDINGS_READ);
    query_put_text(&query, reader->model);
    query_put_text(&query, reader->session);
    query_put_integer(&query, (int64_t)recordings->rows_max);
    enum status status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row && !beyond) {
        status = read_row(reader, &query, &beyond, fault);
        if (status == STATUS_OK && !beyond) {
            status = query_next(&query, &row, fault);
        }
    }
    query_done(&query);
    return status;
}

/* Between the two passes: memory for what was counted. */
static enum status make_room(struct recording_reader *reader, size_t bytes_max, struct fault *fault)
{
    size_t n_values, n_bytes;
    if (__builtin_mul_overflow(reader->n_rows, reader->n_inputs, &n_values) ||
        __builtin_mul_overflow(n_values, sizeof(double), &n_bytes) || n_bytes > bytes_max) {
        return fault_set(
            fault, STATUS_REQUEST_TOO_LARGE, NULL,
            "the recordings are %zu rows of %zu readings, which is more than the %zu bytes that "
            "they may be",
            reader->n_rows, reader->n_inputs, bytes_max);
    }
    reader->recordings =
        arena_array(reader->arena, reader->n_recordings, sizeof *reader->recordings);
    reader->x = arena_alloc(reader->arena, n_bytes);
    if (!reader->recordings || !reader->x) {
        return no_memory(fault);
    }
    reader->recordings_max = reader->n_recordings;
    reader->rows_max = reader->n_rows;
    reader->n_recordings = reader->n_rows = 0;
    return STATUS_OK;
}

enum status recordings_read(struct recordings *recordings, const char *model, const char *session,
                            bool is_prefix, size_t n_inputs, size_t bytes_max, struct arena *arena,
                            struct recording **ret_recordings, size_t *ret_n, struct fault *fault)
{
    struct recording_reader reader = { .model = model,
                                       .session = session,
                                       .is_prefix = is_prefix,
                                       .n_inputs = n_inputs,
                                       .arena = arena };
    enum status status = database_begin(&recordings->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = read_rows(&reader, recordings, fault);
    if (status == STATUS_OK) {
        status = make_room(&reader, bytes_max, fault);
    }
    if (status == STATUS_OK) {
        status = read_rows(&reader, recordings, fault);
    }
    status = database_end(&recordings->database, status, fault);
    if (status == STATUS_OK) {
        *ret_recordings = reader.recordings;
        *ret_n = reader.n_recordings;
    }
    return status;
}
