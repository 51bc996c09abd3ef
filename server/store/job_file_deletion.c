#include "store/job_deletion.h"

#include "store/job_schema.h"

#include <stdio.h>

static enum status find_ended(struct job_file *jobs, int64_t before_ms, bool *ret_found,
                              int64_t *ret_number, enum job_status *ret_status, struct fault *fault)
{
    struct query query;
    query_start(&query, &jobs->database, JOBS_FIND_ENDED);
    query_put_integer(&query, before_ms);
    query_put_integer(&query, JOB_SUCCEEDED);
    query_put_integer(&query, JOB_FAILED);
    query_put_integer(&query, JOB_CANCELLED);
    enum status status = query_next(&query, ret_found, fault);
    if (status == STATUS_OK && *ret_found) {
        *ret_number = query_get_integer(&query, INT64_MIN, INT64_MAX);
        *ret_status = (enum job_status)query_get_integer(&query, 0, JOB_N_STATUSES - 1);
        status = query_check(&query, fault);
    }
    query_done(&query);
    return status;
}

static enum status delete_events(struct job_file *jobs, int64_t number, int *ret_n,
                                 struct fault *fault)
{
    struct query query;
    query_start(&query, &jobs->database, JOBS_DELETE_EVENTS);
    query_put_integer(&query, number);
    query_put_integer(&query, JOB_DELETION_EVENTS);
    enum status status = query_run(&query, fault);
    *ret_n = status == STATUS_OK ? sqlite3_changes(jobs->database.sqlite) : 0;
    return status;
}

/* What refers to something else goes before it. */
static enum status delete_rest(struct job_file *jobs, int64_t number, struct fault *fault)
{
    static const enum job_statement deletions[] = { JOBS_DELETE_STATE, JOBS_DELETE_CHECKPOINTS,
                                                    JOBS_DELETE_SERIES, JOBS_DELETE_SESSIONS,
                                                    JOBS_DELETE };
    enum status status = STATUS_OK;
    for (size_t k = 0; k < sizeof deletions / sizeof *deletions && status == STATUS_OK; k++) {
        struct query query;
        query_start(&query, &jobs->database, deletions[k]);
        query_put_integer(&query, number);
        status = query_run(&query, fault);
    }
    return status;
}

enum status job_file_delete_ended(struct job_store *store, int64_t before_ms, bool *ret_found,
                                  enum job_status *ret_status, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    bool found = false;
    int64_t number = 0;
    enum job_status was = JOB_N_STATUSES;
    int n_events = 0;
    enum status status = database_begin(&jobs->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = find_ended(jobs, before_ms, &found, &number, &was, fault);
    if (status == STATUS_OK && found) {
        status = delete_events(jobs, number, &n_events, fault);
    }
    if (status == STATUS_OK && found && n_events < JOB_DELETION_EVENTS) {
        status = delete_rest(jobs, number, fault);
    }
    status = database_end(&jobs->database, status, fault);
    if (status == STATUS_OK) {
        *ret_found = found;
        *ret_status = n_events < JOB_DELETION_EVENTS ? was : JOB_N_STATUSES;
    }
    return status;
}

/* ---- room ---- */

static enum status count_free(struct job_file *jobs, int64_t *ret_n, struct fault *fault)
{
    struct query query;
    bool row = false;
    query_start(&query, &jobs->database, JOBS_COUNT_FREE);
    enum status status = query_next(&query, &row, fault);
    *ret_n = status == STATUS_OK && row ? query_get_integer(&query, 0, INT64_MAX) : 0;
    query_done(&query);
    return status;
}

enum status job_file_give_back(struct job_store *store, bool *ret_has_more, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    char sql[64];
    int64_t n_before = 0, n_after = 0;
    enum status status = count_free(jobs, &n_before, fault);
    if (status == STATUS_OK && n_before > 0) {
        snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", JOB_DELETION_PAGES);
        status = database_execute(&jobs->database, "give back what is free", sql, fault);
    }
    if (status == STATUS_OK && n_before > 0) {
        status = count_free(jobs, &n_after, fault);
    }
    if (status == STATUS_OK) {
        *ret_has_more = n_after > 0 && n_after < n_before;
    }
    return status;
}
