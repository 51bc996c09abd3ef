#include "store/job_schema.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows that belong to a job: events and checkpoints ---- */

static enum status add_row(struct job_file *jobs, enum job_statement statement, int64_t number,
                           const struct query_columns *columns, const void *row,
                           struct fault *fault)
{
    struct query query;
    query_start(&query, &jobs->database, statement);
    query_put_integer(&query, number);
    query_put_columns(&query, columns->columns, columns->n, row);
    return query_run(&query, fault);
}

static void start_list(struct query *query, struct job_file *jobs, enum job_statement statement,
                       int64_t number, int64_t after, size_t limit)
{
    query_start(query, &jobs->database, statement);
    query_put_integer(query, number);
    query_put_integer(query, after);
    query_put_integer(query, job_file_limit(limit));
}

/* ---- events ---- */

enum status job_file_add_event(struct job_store *store, int64_t number, struct job_event *event,
                               struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    enum job_status now;
    bool found;
    enum status status = job_file_read_status(jobs, number, &found, &now, fault);
    if (status == STATUS_OK && found && job_is_over(now)) {
        event->id = 0;
        return STATUS_OK;
    }
    return status == STATUS_OK ? job_file_insert_event(jobs, number, event, fault) : status;
}

enum status job_file_insert_event(struct job_file *jobs, int64_t number, struct job_event *event,
                                  struct fault *fault)
{
    enum status status = add_row(jobs, JOBS_ADD_EVENT, number, &event_columns, event, fault);
    if (status == STATUS_OK) {
        event->id = sqlite3_last_insert_rowid(jobs->database.sqlite);
    }
    return status;
}

enum status job_file_list_events(struct job_store *store, int64_t number, int64_t after,
                                 size_t limit, struct job_event *ret_events, size_t *ret_n,
                                 bool *ret_has_more, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    struct query query;
    size_t n = 0;
    bool row = false;
    start_list(&query, jobs, JOBS_LIST_EVENTS, number, after, limit);
    enum status status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row && n < limit) {
        struct job_event *event = &ret_events[n++];
        *event = (struct job_event){ .id = query_get_integer(&query, INT64_MIN, INT64_MAX) };
        query_get_columns(&query, event_columns.columns, event_columns.n, event);
        status = query_check(&query, fault);
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

/* ---- checkpoints ---- */

enum status job_file_add_checkpoint(struct job_store *store, int64_t number,
                                    struct job_checkpoint *checkpoint, const void *state, size_t n,
                                    struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    int64_t id = 0;
    enum status status = database_begin(&jobs->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = add_row(jobs, JOBS_ADD_CHECKPOINT, number, &checkpoint_columns, checkpoint, fault);
    if (status == STATUS_OK) {
        struct query query;
        id = sqlite3_last_insert_rowid(jobs->database.sqlite);
        query_start(&query, &jobs->database, JOBS_PUT_STATE);
        query_put_integer(&query, number);
        query_put_integer(&query, id);
        query_put_blob(&query, state ? state : "", n);
        status = query_run(&query, fault);
    }
    status = database_end(&jobs->database, status, fault);
    if (status == STATUS_OK) {
        checkpoint->id = id;
    }
    return status;
}

static void read_checkpoint(struct query *query, struct job_checkpoint *checkpoint)
{
    *checkpoint = (struct job_checkpoint){ .id = query_get_integer(query, INT64_MIN, INT64_MAX) };
    query_get_columns(query, checkpoint_columns.columns, checkpoint_columns.n, checkpoint);
}

/* The row that the query is at, its state copied. */
static enum status copy_state(struct query *query, void **ret_state, size_t *ret_n,
                              struct job_checkpoint *ret_checkpoint, struct fault *fault)
{
    struct job_checkpoint checkpoint;
    size_t n;
    read_checkpoint(query, &checkpoint);
    const void *bytes = query_get_blob(query, &n);
    enum status status = query_check(query, fault);
    if (status != STATUS_OK) {
        return status;
    }
    void *state = n > 0 ? malloc(n) : NULL;
    if (n > 0 && !state) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL,
                         "there is not enough memory for a job's checkpoint");
    }
    if (n > 0) {
        memcpy(state, bytes, n);
    }
    *ret_state = state;
    *ret_n = n;
    *ret_checkpoint = checkpoint;
    return STATUS_OK;
}

enum status job_file_read_state(struct job_store *store, int64_t number, void **ret_state,
                                size_t *ret_n, struct job_checkpoint *ret_checkpoint,
                                struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    struct query query;
    bool row = false;
    query_start(&query, &jobs->database, JOBS_READ_STATE);
    query_put_integer(&query, number);
    enum status status = query_next(&query, &row, fault);
    if (status == STATUS_OK && row) {
        status = copy_state(&query, ret_state, ret_n, ret_checkpoint, fault);
    } else if (status == STATUS_OK) {
        *ret_state = NULL;
        *ret_n = 0;
    }
    query_done(&query);
    return status;
}

enum status job_file_list_checkpoints(struct job_store *store, int64_t number, int64_t after,
                                      size_t limit, struct job_checkpoint *ret_checkpoints,
                                      size_t *ret_n, bool *ret_has_more, struct fault *fault)
{
    struct job_file *jobs = job_file_of(store);
    struct query query;
    size_t n = 0;
    bool row = false;
    start_list(&query, jobs, JOBS_LIST_CHECKPOINTS, number, after == 0 ? INT64_MAX : after, limit);
    enum status status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row && n < limit) {
        read_checkpoint(&query, &ret_checkpoints[n++]);
        status = query_check(&query, fault);
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
