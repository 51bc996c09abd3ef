/* job_schema.h - what the files of the store of jobs (job_store.h) share: the connection, its
 * statements, the columns of its rows. Only they and their test include it. */
#ifndef JOB_SCHEMA_H
#define JOB_SCHEMA_H

#include "store/job_store.h"
#include "store/query.h"

struct job_store {
    struct database database;
};

enum job_statement {
    JOBS_INSERT,
    JOBS_FIND,
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

struct query_columns {
    const struct query_column *columns;
    size_t n;
};
extern const struct query_columns job_columns,
    job_life_columns; /* all, and those that job_store_update writes */
extern const struct query_columns event_columns, checkpoint_columns, lineage_columns;
extern const struct database_schema job_store_schema;

/* The most rows that a list asks for: one more than fit says whether there are more. */
static inline int64_t job_store_limit(size_t limit)
{
    return limit < INT32_MAX ? (int64_t)limit + 1 : INT32_MAX;
}

#endif
