#include "store/job_schema.h"
#include "store/values.h"

#include <string.h>

/* ---- writing ---- */

static enum status insert_series(struct job_file *jobs, int64_t number, size_t n,
                                 const struct job_series *series, struct fault *fault)
{
    struct query query;
    size_t x_bytes, y_bytes;
    const struct gru_series *values = &series->series;
    if (__builtin_mul_overflow(values->n_rows, series->x_width * sizeof(double), &x_bytes) ||
        __builtin_mul_overflow(values->n_targets, series->y_width * sizeof(double), &y_bytes)) {
        return fault_set(fault, STATUS_REQUEST_TOO_LARGE, NULL, "a series is too large");
    }
    query_start(&query, &jobs->database, JOBS_ADD_SERIES);
    query_put_integer(&query, number);
    query_put_integer(&query, (int64_t)n);
    query_put_integer(&query, series->is_validation);
    query_put_integer(&query, values->is_continuation);
    query_put_integer(&query, (int64_t)series->x_width);
    query_put_integer(&query, values->y ? (int64_t)series->y_width : 0);
    query_put_integer(&query, sizeof *values->x);
    query_put_blob(&query, values->x ? (const void *)values->x : "", x_bytes);
    query_put_blob(&query, values->y, y_bytes);
    return query_run(&query, fault);
}

enum status job_file_insert_series(struct job_file *jobs, int64_t number,
                                   const struct job_series *series, size_t n, struct fault *fault)
{
    enum status status = STATUS_OK;
    for (size_t k = 0; k < n && status == STATUS_OK; k++) {
        status = insert_series(jobs, number, k, &series[k], fault);
    }
    return status;
}

enum status job_file_insert_sessions(struct job_file *jobs, int64_t number,
                                     const char *const *sessions, size_t n, struct fault *fault)
{
    enum status status = STATUS_OK;
    for (size_t k = 0; k < n && status == STATUS_OK; k++) {
        struct query query;
        query_start(&query, &jobs->database, JOBS_ADD_SESSION);
        query_put_integer(&query, number);
        query_put_integer(&query, (int64_t)k);
        query_put_text(&query, sessions[k]);
        status = query_run(&query, fault);
    }
    return status;
}

/* A statement whose only parameter is the job. */
static enum status run_for(struct job_file *jobs, enum job_statement statement, int64_t number,
                           struct fault *fault)
{
    struct query query;
    query_start(&query, &jobs->database, statement);
    query_put_integer(&query, number);
    return query_run(&query, fault);
}

enum status job_file_put_series(struct job_store *store, int64_t number,
                                const struct job_series *series, size_t n, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    enum status status = database_begin(&jobs->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = run_for(jobs, JOBS_DELETE_SERIES, number, fault);
    if (status == STATUS_OK) {
        status = job_file_insert_series(jobs, number, series, n, fault);
    }
    return database_end(&jobs->database, status, fault);
}

enum status job_file_forget_data(struct job_store *store, int64_t number, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    static const enum job_statement deletions[] = { JOBS_DELETE_SERIES, JOBS_DELETE_SESSIONS,
                                                    JOBS_DELETE_STATE };
    enum status status = database_begin(&jobs->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t k = 0; k < sizeof deletions / sizeof *deletions && status == STATUS_OK; k++) {
        status = run_for(jobs, deletions[k], number, fault);
    }
    return database_end(&jobs->database, status, fault);
}

/* ---- reading ---- */

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL,
                     "there is not enough memory for the job's data");
}

/* How many rows a job has, by a statement that counts them. */
static enum status count(struct job_file *jobs, enum job_statement statement, int64_t number,
                         size_t *ret_n, struct fault *fault)
{
    struct query query;
    bool row;
    query_start(&query, &jobs->database, statement);
    query_put_integer(&query, number);
    enum status status = query_next(&query, &row, fault);
    if (status == STATUS_OK) {
        *ret_n = (size_t)query_get_integer(&query, 0, INT64_MAX);
        status = query_check(&query, fault);
    }
    query_done(&query);
    return status;
}

/* A column of values, copied into the arena. *ret_values stays NULL where the column is. */
static enum status read_values(struct query *query, size_t width, size_t value_bytes,
                               struct arena *arena, const double **ret_values, size_t *ret_n_rows,
                               struct fault *fault)
{
    size_t n, row_bytes = width * value_bytes; /* a width is an int's */
    const void *bytes = query_get_blob(query, &n);
    enum status status = query_check(query, fault);
    if (status != STATUS_OK || !bytes) {
        return status;
    }
    if (n > 0 && (row_bytes == 0 || n % row_bytes != 0)) {
        return database_damaged(query->database, fault);
    }
    const size_t n_rows = n > 0 ? n / row_bytes : 0;
    double *values = arena_array(arena, n_rows * width, sizeof *values);
    if (!values) {
        return no_memory(fault);
    }
    values_copy(bytes, n_rows * width, value_bytes, values);
    *ret_values = values;
    *ret_n_rows = n_rows;
    return STATUS_OK;
}

static enum status read_series(struct query *query, struct arena *arena, struct job_series *series,
                               struct fault *fault)
{
    *series = (struct job_series){ .is_validation = query_get_integer(query, 0, 1) != 0 };
    series->series.is_continuation = query_get_integer(query, 0, 1) != 0;
    series->x_width = (size_t)query_get_integer(query, 0, INT_MAX);
    series->y_width = (size_t)query_get_integer(query, 0, INT_MAX);
    const size_t value_bytes = values_get_bytes(query);
    enum status status = read_values(query, series->x_width, value_bytes, arena, &series->series.x,
                                     &series->series.n_rows, fault);
    if (status == STATUS_OK) {
        status = read_values(query, series->y_width, value_bytes, arena, &series->series.y,
                             &series->series.n_targets, fault);
    }
    return status;
}

enum status job_file_read_series(struct job_store *store, int64_t number, struct arena *arena,
                                 struct job_series **ret_series, size_t *ret_n, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    struct query query;
    size_t n = 0, k = 0;
    enum status status = count(jobs, JOBS_COUNT_SERIES, number, &n, fault);
    if (status != STATUS_OK) {
        return status;
    }
    struct job_series *series = arena_array(arena, n, sizeof *series);
    if (!series) {
        return no_memory(fault);
    }
    query_start(&query, &jobs->database, JOBS_READ_SERIES);
    query_put_integer(&query, number);
    bool row = false;
    status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row && k < n) {
        status = read_series(&query, arena, &series[k++], fault);
        if (status == STATUS_OK) {
            status = query_next(&query, &row, fault);
        }
    }
    query_done(&query);
    if (status == STATUS_OK) {
        *ret_series = series;
        *ret_n = k;
    }
    return status;
}

static enum status read_session(struct query *query, struct arena *arena, const char **ret_session,
                                struct fault *fault)
{
    const char *text = query_get_text(query);
    enum status status = query_check(query, fault);
    if (status != STATUS_OK) {
        return status;
    }
    size_t n = strlen(text) + 1;
    char *session = arena_alloc(arena, n);
    if (!session) {
        return no_memory(fault);
    }
    memcpy(session, text, n);
    *ret_session = session;
    return STATUS_OK;
}

enum status job_file_read_sessions(struct job_store *store, int64_t number, struct arena *arena,
                                   const char *const **ret_sessions, size_t *ret_n,
                                   struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    struct query query;
    size_t n = 0, k = 0;
    enum status status = count(jobs, JOBS_COUNT_SESSIONS, number, &n, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const char **sessions = arena_array(arena, n, sizeof *sessions);
    if (!sessions) {
        return no_memory(fault);
    }
    query_start(&query, &jobs->database, JOBS_READ_SESSIONS);
    query_put_integer(&query, number);
    bool row = false;
    status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row && k < n) {
        status = read_session(&query, arena, &sessions[k++], fault);
        if (status == STATUS_OK) {
            status = query_next(&query, &row, fault);
        }
    }
    query_done(&query);
    if (status == STATUS_OK) {
        *ret_sessions = sessions;
        *ret_n = k;
    }
    return status;
}
