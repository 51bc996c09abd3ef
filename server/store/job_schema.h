/* job_schema.h - what the files of the store of jobs in SQLite (job_store.h) share: the connection,
 * its statements, and what the table of methods takes from them. Only they and their test include
 * it. */
#ifndef JOB_SCHEMA_H
#define JOB_SCHEMA_H

#include "store/job_rows.h"
#include "store/job_store_methods.h"
#include "store/query.h"

struct job_file {
    struct job_store store;
    struct database database;
    int64_t finishing; /* the job that was claimed, 0: none */
};
static inline struct job_file *job_file_of(struct job_store *store)
{
    return (struct job_file *)store; /* its first member */
}

enum job_statement {
    JOBS_INSERT,
    JOBS_FIND,
    JOBS_FIND_ALIKE,
    JOBS_NEXT,
    JOBS_COUNT,
    JOBS_LIST,
    JOBS_UPDATE,
    JOBS_STATUS,
    JOBS_FIND_ENDED,
    JOBS_DELETE,
    JOBS_COUNT_FREE,
    JOBS_ADD_SERIES,
    JOBS_COUNT_SERIES,
    JOBS_READ_SERIES,
    JOBS_DELETE_SERIES,
    JOBS_ADD_SESSION,
    JOBS_COUNT_SESSIONS,
    JOBS_READ_SESSIONS,
    JOBS_DELETE_SESSIONS,
    JOBS_ADD_EVENT,
    JOBS_LIST_EVENTS,
    JOBS_DELETE_EVENTS,
    JOBS_ADD_CHECKPOINT,
    JOBS_LIST_CHECKPOINTS,
    JOBS_DELETE_CHECKPOINTS,
    JOBS_PUT_STATE,
    JOBS_READ_STATE,
    JOBS_DELETE_STATE,
    JOBS_PUT_LINEAGE,
    JOBS_EACH_LINEAGE,
    JOBS_EACH_JOBLESS_LINEAGE,
    JOBS_DELETE_LINEAGE,
    JOBS_N_STATEMENTS
};

extern const struct database_schema job_store_schema;

/* The most rows that a list asks for: one more than fit says whether there are more. */
static inline int64_t job_file_limit(size_t limit)
{
    return limit < INT32_MAX ? (int64_t)limit + 1 : INT32_MAX;
}

/* ---- inside a transaction ---- */

/* *ret_found false: there is no such job. */
__attribute__((warn_unused_result)) enum status
job_file_read_status(struct job_file *jobs, int64_t number, bool *ret_found,
                     enum job_status *ret_status, struct fault *fault);
__attribute__((warn_unused_result)) enum status job_file_insert_event(struct job_file *jobs,
                                                                      int64_t number,
                                                                      struct job_event *event,
                                                                      struct fault *fault);
/* The rows of a job that is new. */
__attribute__((warn_unused_result)) enum status
job_file_insert_series(struct job_file *jobs, int64_t number, const struct job_series *series,
                       size_t n, struct fault *fault);
__attribute__((warn_unused_result)) enum status
job_file_insert_sessions(struct job_file *jobs, int64_t number, const char *const *sessions,
                         size_t n, struct fault *fault);

/* ---- methods ---- */

job_put_series_method job_file_put_series;
job_read_series_method job_file_read_series;
job_read_sessions_method job_file_read_sessions;
job_forget_data_method job_file_forget_data;
job_add_event_method job_file_add_event;
job_list_events_method job_file_list_events;
job_add_checkpoint_method job_file_add_checkpoint;
job_read_state_method job_file_read_state;
job_list_checkpoints_method job_file_list_checkpoints;
job_delete_ended_method job_file_delete_ended;
job_give_back_method job_file_give_back;

#endif
