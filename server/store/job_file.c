/* job_file.c - the store of jobs (job_store.h) in SQLite: the database as a whole and the jobs. */
#include "store/database_open.h"
#include "store/job_deletion.h"
#include "store/job_schema.h"

#include <stdlib.h>
#include <string.h>

/* ---- one job ---- */

static enum status not_found(const char *id, struct fault *fault)
{
    return fault_set(fault, STATUS_JOB_NOT_FOUND, NULL, "there is no job %s", id);
}

/* The row that the query is at. *ret_job is written only if all of it is right. */
static enum status read_job(const struct job_file *jobs, struct query *query, struct job *ret_job,
                            struct fault *fault)
{
    struct job job = { .number = query_get_integer(query, INT64_MIN, INT64_MAX) };
    query_get_columns(query, job_columns.columns, job_columns.n, &job);
    enum status status = query_check(query, fault);
    if (status == STATUS_OK && !job_row_is_valid(&job)) {
        status = database_damaged(query->database, fault);
    }
    job.is_finishing = jobs->finishing != 0 && job.number == jobs->finishing;
    if (status == STATUS_OK) {
        *ret_job = job;
    }
    return status;
}

/* The first row, if there is one, of a query whose parameters are put; it is done then. */
static enum status read_first(const struct job_file *jobs, struct query *query, bool *ret_found,
                              struct job *ret_job, struct fault *fault)
{
    bool found = false;
    enum status status = query_next(query, &found, fault);
    if (status == STATUS_OK && found) {
        status = read_job(jobs, query, ret_job, fault);
    }
    query_done(query);
    if (status == STATUS_OK) {
        *ret_found = found;
    }
    return status;
}

static enum status job_file_count(struct job_store *store, size_t n_by_status[JOB_N_STATUSES],
                                  struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
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

/* In a transaction: whether there is another like it that keeps it from being. */
static enum status check_alone(struct job_file *jobs, const struct job *job, int64_t since_ms,
                               struct fault *fault)
{
    struct query query;
    bool has_another = false;
    query_start(&query, &jobs->database, JOBS_FIND_ALIKE);
    query_put_text(&query, job->model);
    query_put_text(&query, job->metadata);
    query_put_integer(&query, JOB_SUCCEEDED);
    query_put_integer(&query, JOB_FAILED);
    query_put_integer(&query, JOB_CANCELLED);
    query_put_integer(&query, since_ms);
    enum status status = query_next(&query, &has_another, fault);
    query_done(&query);
    return status == STATUS_OK && has_another ? job_store_refuse_another(job, fault) : status;
}

/* In a transaction. */
static enum status insert(struct job_file *jobs, const struct job *job,
                          const struct job_addition *addition, int64_t *ret_number,
                          struct fault *fault)
{
    struct query query;
    size_t n_jobs[JOB_N_STATUSES];
    enum status status = addition->alone_since_ms
                             ? check_alone(jobs, job, *addition->alone_since_ms, fault)
                             : STATUS_OK;
    if (status == STATUS_OK) {
        status = job_file_count(&jobs->store, n_jobs, fault);
    }
    if (status == STATUS_OK) {
        status = job_store_check_room(n_jobs, addition->most, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    query_start(&query, &jobs->database, JOBS_INSERT);
    query_put_columns(&query, job_columns.columns, job_columns.n, job);
    status = query_run(&query, fault);
    if (status == STATUS_OK) {
        *ret_number = sqlite3_last_insert_rowid(jobs->database.sqlite);
        status =
            job_file_insert_series(jobs, *ret_number, addition->series, addition->n_series, fault);
    }
    if (status == STATUS_OK) {
        status = job_file_insert_sessions(jobs, *ret_number, addition->sessions,
                                          addition->n_sessions, fault);
    }
    return status == STATUS_OK && addition->event
               ? job_file_insert_event(jobs, *ret_number, addition->event, fault)
               : status;
}

static enum status job_file_insert(struct job_store *store, struct job *job,
                                   const struct job_addition *addition, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    int64_t number = 0;
    enum status status = database_begin(&jobs->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = insert(jobs, job, addition, &number, fault);
    status = database_end(&jobs->database, status, fault);
    if (status == STATUS_OK) {
        job->number = number;
    }
    return status;
}

static enum status job_file_find(struct job_store *store, const char *id, struct job *ret_job,
                                 struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    struct query query;
    bool found;
    query_start(&query, &jobs->database, JOBS_FIND);
    query_put_text(&query, id);
    enum status status = read_first(jobs, &query, &found, ret_job, fault);
    return status == STATUS_OK && !found ? not_found(id, fault) : status;
}

static enum status job_file_take(struct job_store *store, bool *ret_found, struct job *ret_job,
                                 struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    static const enum job_status in_turn[] = { JOB_RUNNING, JOB_VALIDATING, JOB_QUEUED };
    bool found = false;
    for (size_t k = 0; k < sizeof in_turn / sizeof *in_turn && !found; k++) {
        struct query query;
        query_start(&query, &jobs->database, JOBS_NEXT);
        query_put_integer(&query, in_turn[k]);
        enum status status = read_first(jobs, &query, &found, ret_job, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *ret_found = found;
    return STATUS_OK;
}

/* In a transaction, of a job that is there. */
static enum status update(struct job_file *jobs, const struct job *job, struct job_event *events,
                          size_t n_events, struct fault *fault)
{
    struct query query;
    enum status status = STATUS_OK;
    for (size_t k = 0; status == STATUS_OK && k < n_events; k++) {
        status = job_file_insert_event(jobs, job->number, &events[k], fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    query_start(&query, &jobs->database, JOBS_UPDATE);
    query_put_columns(&query, job_life_columns.columns, job_life_columns.n, job);
    query_put_integer(&query, job->number);
    return query_run(&query, fault);
}

static enum status job_file_update(struct job_store *store, const struct job *job,
                                   enum job_status from, struct job_event *events, size_t n_events,
                                   bool *ret_written, enum job_status *ret_status,
                                   struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    bool found = false;
    enum job_status now = from;
    enum status status = database_begin(&jobs->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = job_file_read_status(jobs, job->number, &found, &now, fault);
    if (status == STATUS_OK && !found) {
        status = not_found(job->id, fault);
    }
    if (status == STATUS_OK && now == from) {
        status = update(jobs, job, events, n_events, fault);
    }
    status = database_end(&jobs->database, status, fault);
    if (status == STATUS_OK) {
        *ret_written = now == from;
        *ret_status = now == from ? job->status : now;
    }
    return status;
}

/* ---- the one that is worked at: there is no other process that could take it ---- */

static enum status job_file_claim(struct job_store *store, int64_t number,
                                  enum job_status *ret_status, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    bool found;
    enum status status = job_file_read_status(jobs, number, &found, ret_status, fault);
    if (status == STATUS_OK && !found) {
        return fault_set(fault, STATUS_JOB_NOT_FOUND, NULL, "the job is gone");
    }
    if (status == STATUS_OK && *ret_status == JOB_RUNNING) {
        jobs->finishing = number;
    }
    return status;
}

static enum status job_file_release(struct job_store *store, int64_t number, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    (void)fault;
    jobs->finishing = jobs->finishing == number ? 0 : jobs->finishing;
    return STATUS_OK;
}

/* ---- many jobs ---- */

static enum status job_file_list(struct job_store *store, const struct job_filter *filter,
                                 size_t limit, struct job *ret_jobs, size_t *ret_n,
                                 bool *ret_has_more, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    struct query query;
    struct job after = { .number = INT64_MAX };
    if (filter->after) {
        enum status status = job_file_find(store, filter->after, &after, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    query_start(&query, &jobs->database, JOBS_LIST);
    query_put_integer(&query, after.number);
    query_put_text(&query, filter->model);
    query_put_integer(&query, filter->status);
    query_put_integer(&query, job_file_limit(limit));
    size_t n = 0;
    bool row = false;
    enum status status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row && n < limit) {
        status = read_job(jobs, &query, &ret_jobs[n++], fault);
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

/* ---- the whole ---- */

static void job_file_close(struct job_store *store)
{
    struct job_file *jobs = job_file_of(store);
    if (jobs) {
        database_close(&jobs->database);
        free(jobs);
    }
}

static enum status job_file_probe(struct job_store *store, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    return database_probe(&jobs->database, fault);
}

static const struct job_store_methods methods = { .close = job_file_close,
                                                  .probe = job_file_probe,
                                                  .insert = job_file_insert,
                                                  .find = job_file_find,
                                                  .take = job_file_take,
                                                  .claim = job_file_claim,
                                                  .release = job_file_release,
                                                  .count = job_file_count,
                                                  .list = job_file_list,
                                                  .update = job_file_update,
                                                  .put_series = job_file_put_series,
                                                  .read_series = job_file_read_series,
                                                  .read_sessions = job_file_read_sessions,
                                                  .forget_data = job_file_forget_data,
                                                  .add_event = job_file_add_event,
                                                  .list_events = job_file_list_events,
                                                  .add_checkpoint = job_file_add_checkpoint,
                                                  .read_state = job_file_read_state,
                                                  .list_checkpoints = job_file_list_checkpoints,
                                                  .delete_ended = job_file_delete_ended,
                                                  .give_back = job_file_give_back };

enum status job_store_open(const char *data, struct job_store **ret_jobs, struct fault *fault)
{
    struct job_file *jobs = calloc(1, sizeof *jobs);
    if (!jobs) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL,
                         "there is not enough memory to open the jobs");
    }
    enum status status = database_open(&jobs->database, &job_store_schema, data, true, fault);
    if (status != STATUS_OK) {
        free(jobs);
        return status;
    }
    jobs->store.methods = &methods;
    *ret_jobs = &jobs->store;
    return STATUS_OK;
}
