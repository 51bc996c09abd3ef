#include "store/job_store.h"

#include "store/database_open.h"
#include "store/job_schema.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

enum status job_store_open(const char *data, struct job_store **ret_jobs, struct fault *fault)
{
    struct job_store *jobs = calloc(1, sizeof *jobs);
    if (!jobs) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL,
                         "there is not enough memory to open the jobs");
    }
    enum status status = database_open(&jobs->database, &job_store_schema, data, true, fault);
    if (status != STATUS_OK) {
        free(jobs);
        return status;
    }
    *ret_jobs = jobs;
    return STATUS_OK;
}

void job_store_close(struct job_store *jobs)
{
    if (jobs) {
        database_close(&jobs->database);
        free(jobs);
    }
}

enum status job_store_probe(struct job_store *jobs, struct fault *fault)
{
    return database_probe(&jobs->database, fault);
}

enum status job_store_begin(struct job_store *jobs, struct fault *fault)
{
    return database_begin(&jobs->database, fault);
}

enum status job_store_end(struct job_store *jobs, enum status status, struct fault *fault)
{
    return database_end(&jobs->database, status, fault);
}

/* ---- one job ---- */

static enum status not_found(const char *id, struct fault *fault)
{
    return fault_set(fault, STATUS_JOB_NOT_FOUND, NULL, "there is no job %s", id);
}

/* Replies have the metadata as they stand. */
static bool is_json_object(const char *text)
{
    struct json json;
    json_init(&json, text, strlen(text));
    return json_peek(&json) == JSON_OBJECT && json_skip(&json) && json_end(&json);
}

/* What a recipe tried is bytes to the database. */
static bool has_valid_trials(const struct job *job)
{
    bool is_valid = job->chosen_trial <= job->n_trials;
    for (int k = 0; is_valid && k < job->n_trials; k++) {
        is_valid = job_trial_is_valid(&job->trials[k]);
    }
    return is_valid;
}

/* The row that the query is at. *ret_job is written only if all of it is right. */
static enum status read_job(struct query *query, struct job *ret_job, struct fault *fault)
{
    struct job job = { .number = query_get_integer(query, INT64_MIN, INT64_MAX) };
    query_get_columns(query, job_columns.columns, job_columns.n, &job);
    enum status status = query_check(query, fault);
    if (status == STATUS_OK &&
        ((job.metadata[0] != '\0' && !is_json_object(job.metadata)) || !has_valid_trials(&job))) {
        status = database_damaged(query->database, fault);
    }
    if (status == STATUS_OK) {
        *ret_job = job;
    }
    return status;
}

/* The first row, if there is one, of a query whose parameters are put; it is done then. */
static enum status read_first(struct query *query, bool *ret_found, struct job *ret_job,
                              struct fault *fault)
{
    bool found = false;
    enum status status = query_next(query, &found, fault);
    if (status == STATUS_OK && found) {
        status = read_job(query, ret_job, fault);
    }
    query_done(query);
    if (status == STATUS_OK) {
        *ret_found = found;
    }
    return status;
}

enum status job_store_insert(struct job_store *jobs, struct job *job,
                             const struct job_series *series, size_t n_series,
                             const char *const *sessions, size_t n_sessions, struct fault *fault)
{
    struct query query;
    int64_t number = 0;
    enum status status = database_begin(&jobs->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    query_start(&query, &jobs->database, JOBS_INSERT);
    query_put_columns(&query, job_columns.columns, job_columns.n, job);
    status = query_run(&query, fault);
    if (status == STATUS_OK) {
        number = sqlite3_last_insert_rowid(jobs->database.sqlite);
        status = job_store_insert_series(jobs, number, series, n_series, fault);
    }
    if (status == STATUS_OK) {
        status = job_store_insert_sessions(jobs, number, sessions, n_sessions, fault);
    }
    status = database_end(&jobs->database, status, fault);
    if (status == STATUS_OK) {
        job->number = number;
    }
    return status;
}

enum status job_store_find(struct job_store *jobs, const char *id, struct job *ret_job,
                           struct fault *fault)
{
    struct query query;
    bool found;
    query_start(&query, &jobs->database, JOBS_FIND);
    query_put_text(&query, id);
    enum status status = read_first(&query, &found, ret_job, fault);
    return status == STATUS_OK && !found ? not_found(id, fault) : status;
}

enum status job_store_next(struct job_store *jobs, bool *ret_found, struct job *ret_job,
                           struct fault *fault)
{
    static const enum job_status in_turn[] = { JOB_RUNNING, JOB_VALIDATING, JOB_QUEUED };
    bool found = false;
    for (size_t k = 0; k < sizeof in_turn / sizeof *in_turn && !found; k++) {
        struct query query;
        query_start(&query, &jobs->database, JOBS_NEXT);
        query_put_integer(&query, in_turn[k]);
        enum status status = read_first(&query, &found, ret_job, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *ret_found = found;
    return STATUS_OK;
}

/* *ret_found false: there is no such job. */
static enum status read_status(struct job_store *jobs, int64_t number, bool *ret_found,
                               enum job_status *ret_status, struct fault *fault)
{
    struct query query;
    enum job_status found_status = JOB_N_STATUSES;
    query_start(&query, &jobs->database, JOBS_STATUS);
    query_put_integer(&query, number);
    enum status status = query_next(&query, ret_found, fault);
    if (status == STATUS_OK && *ret_found) {
        found_status = (enum job_status)query_get_integer(&query, 0, JOB_N_STATUSES - 1);
        status = query_check(&query, fault);
    }
    query_done(&query);
    if (status == STATUS_OK && *ret_found) {
        *ret_status = found_status;
    }
    return status;
}

enum status job_store_update(struct job_store *jobs, const struct job *job, enum job_status from,
                             bool *ret_written, enum job_status *ret_status, struct fault *fault)
{
    struct query query;
    bool found;
    query_start(&query, &jobs->database, JOBS_UPDATE);
    query_put_columns(&query, job_life_columns.columns, job_life_columns.n, job);
    query_put_integer(&query, job->number);
    query_put_integer(&query, from);
    enum status status = query_run(&query, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (sqlite3_changes(jobs->database.sqlite) > 0) {
        *ret_written = true;
        *ret_status = job->status;
        return STATUS_OK;
    }
    status = read_status(jobs, job->number, &found, ret_status, fault);
    if (status == STATUS_OK && !found) {
        return not_found(job->id, fault);
    }
    if (status == STATUS_OK) {
        *ret_written = false;
    }
    return status;
}

/* ---- many jobs ---- */

enum status job_store_count(struct job_store *jobs, size_t n_by_status[JOB_N_STATUSES],
                            struct fault *fault)
{
    struct query query;
    size_t n[JOB_N_STATUSES] = { 0 };
    bool row = false;
    query_start(&query, &jobs->database, JOBS_COUNT);
    enum status status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row) {
        int64_t k = query_get_integer(&query, 0, JOB_N_STATUSES - 1);
        n[k] = (size_t)query_get_integer(&query, 0, INT64_MAX);
        status = query_check(&query, fault);
        if (status == STATUS_OK) {
            status = query_next(&query, &row, fault);
        }
    }
    query_done(&query);
    for (size_t k = 0; k < JOB_N_STATUSES && status == STATUS_OK; k++) {
        n_by_status[k] = n[k];
    }
    return status;
}

enum status job_store_list(struct job_store *jobs, const struct job_filter *filter, size_t limit,
                           struct job *ret_jobs, size_t *ret_n, bool *ret_has_more,
                           struct fault *fault)
{
    struct query query;
    struct job after = { .number = INT64_MAX };
    if (filter->after) {
        enum status status = job_store_find(jobs, filter->after, &after, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    query_start(&query, &jobs->database, JOBS_LIST);
    query_put_integer(&query, after.number);
    query_put_text(&query, filter->model);
    query_put_integer(&query, filter->status);
    query_put_integer(&query, job_store_limit(limit));
    size_t n = 0;
    bool row = false;
    enum status status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row && n < limit) {
        status = read_job(&query, &ret_jobs[n++], fault);
        if (status == STATUS_OK) {
            status = query_next(&query, &row, fault);
        }
    }
    query_done(&query);
    if (status == STATUS_OK) {
        *ret_n = n;
        *ret_has_more = row;
    }
    return status;
}
