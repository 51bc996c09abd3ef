#include "store/job_schema.h"

#include "store/job_columns.h"
#include "store/job_migrations.h"

/* The library's table in the same form. */
#define HYPER_NAMED(field, ...) ", hyper_" #field
#define HYPER_MARK(field, ...)  ", ?"

/* SQL, laid out as SQL. */
// clang-format off
#define JOB_NAMED      JOB_FIXED_COLUMNS(COLUMN_NAMED) GRU_HYPERPARAMETERS(HYPER_NAMED) \
                       JOB_STATUS_COLUMN(COLUMN_NAMED) JOB_LIFE_COLUMNS(COLUMN_NAMED)
#define JOB_MARKS      JOB_FIXED_COLUMNS(COLUMN_MARK) GRU_HYPERPARAMETERS(HYPER_MARK) \
                       JOB_STATUS_COLUMN(COLUMN_MARK) JOB_LIFE_COLUMNS(COLUMN_MARK)
#define EVENT_NAMED        EVENT_COLUMNS(COLUMN_NAMED)
#define EVENT_MARKS        EVENT_COLUMNS(COLUMN_MARK)
#define CHECKPOINT_NAMED   CHECKPOINT_COLUMNS(COLUMN_NAMED)
#define CHECKPOINT_MARKS   CHECKPOINT_COLUMNS(COLUMN_MARK)
#define LINEAGE_NAMED      LINEAGE_COLUMNS(COLUMN_NAMED)
#define LINEAGE_MARKS      LINEAGE_COLUMNS(COLUMN_MARK)

static const struct statement statements[] = {
    [JOBS_INSERT] = { "store the job", "INSERT INTO jobs (number" JOB_NAMED ") VALUES (NULL" JOB_MARKS ")" },
    [JOBS_FIND] = { "find the job", "SELECT number" JOB_NAMED " FROM jobs WHERE id = ?" },
    [JOBS_FIND_ALIKE] = { "find jobs like the new one",
        "SELECT 1 FROM jobs WHERE model = ? AND metadata = ? AND (status NOT IN (?, ?, ?) OR created_at_ms >= ?)"
        " LIMIT 1" },
    [JOBS_NEXT] = { "find the next job",
        "SELECT number" JOB_NAMED " FROM jobs WHERE status = ? ORDER BY number LIMIT 1" },
    [JOBS_COUNT] = { "count the jobs", "SELECT status, count(*) FROM jobs GROUP BY status" },
    [JOBS_LIST] = { "list the jobs",
        "SELECT number" JOB_NAMED " FROM jobs WHERE number < ?1 AND (?2 IS NULL OR model = ?2)"
        " AND (?3 < 0 OR status = ?3) ORDER BY number DESC LIMIT ?4" },
    [JOBS_UPDATE] = { "update the job",
        "UPDATE jobs SET status = ?" JOB_LIFE_COLUMNS(COLUMN_ASSIGNED) " WHERE number = ?" },
    [JOBS_STATUS] = { "read the job's status", "SELECT status FROM jobs WHERE number = ?" },

    [JOBS_FIND_ENDED] = { "find a job that ended",
        "SELECT number, status FROM jobs WHERE finished_at_ms < ?1 AND status IN (?2, ?3, ?4)"
        " ORDER BY number LIMIT 1" },
    [JOBS_DELETE] = { "delete the job", "DELETE FROM jobs WHERE number = ?" },
    [JOBS_COUNT_FREE] = { "count what is free", "PRAGMA freelist_count" },

    [JOBS_ADD_SERIES] = { "store the job's series", "INSERT INTO series (job, n, is_validation, is_continuation, x_width, y_width, value_bytes, x, y)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)" },
    [JOBS_COUNT_SERIES] = { "count the job's series", "SELECT count(*) FROM series WHERE job = ?" },
    [JOBS_READ_SERIES] = { "read the job's series",
        "SELECT is_validation, is_continuation, x_width, y_width, value_bytes, x, y FROM series WHERE job = ? ORDER BY n" },
    [JOBS_DELETE_SERIES] = { "delete the job's series", "DELETE FROM series WHERE job = ?" },
    [JOBS_ADD_SESSION] = { "store the job's sessions", "INSERT INTO sessions (job, n, session) VALUES (?, ?, ?)" },
    [JOBS_COUNT_SESSIONS] = { "count the job's sessions", "SELECT count(*) FROM sessions WHERE job = ?" },
    [JOBS_READ_SESSIONS] = { "read the job's sessions",
        "SELECT session FROM sessions WHERE job = ? ORDER BY n" },
    [JOBS_DELETE_SESSIONS] = { "delete the job's sessions", "DELETE FROM sessions WHERE job = ?" },

    [JOBS_ADD_EVENT] = { "store the event",
        "INSERT INTO events (job" EVENT_NAMED ") VALUES (?" EVENT_MARKS ")" },
    [JOBS_LIST_EVENTS] = { "list the events",
        "SELECT id" EVENT_NAMED " FROM events WHERE job = ? AND id > ? ORDER BY id LIMIT ?" },

    [JOBS_DELETE_EVENTS] = { "delete the job's events",
        "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE job = ? ORDER BY id LIMIT ?)" },

    [JOBS_ADD_CHECKPOINT] = { "store the checkpoint",
        "INSERT INTO checkpoints (job" CHECKPOINT_NAMED ") VALUES (?" CHECKPOINT_MARKS ")" },
    [JOBS_LIST_CHECKPOINTS] = { "list the checkpoints",
        "SELECT id" CHECKPOINT_NAMED " FROM checkpoints WHERE job = ? AND id < ? ORDER BY id DESC LIMIT ?" },
    [JOBS_DELETE_CHECKPOINTS] = { "delete the job's checkpoints", "DELETE FROM checkpoints WHERE job = ?" },
    [JOBS_PUT_STATE] = { "store the state", "REPLACE INTO states (job, checkpoint, state) VALUES (?, ?, ?)" },
    [JOBS_READ_STATE] = { "read the state",
        "SELECT id" CHECKPOINT_NAMED ", state FROM states JOIN checkpoints ON id = checkpoint"
        " WHERE states.job = ?" },
    [JOBS_DELETE_STATE] = { "delete the state", "DELETE FROM states WHERE job = ?" },

    [JOBS_PUT_LINEAGE] = { "store the lineage",
        "REPLACE INTO lineage (n" LINEAGE_NAMED ") VALUES (NULL" LINEAGE_MARKS ")" },
    [JOBS_EACH_LINEAGE] = { "read the lineage", "SELECT n" LINEAGE_NAMED " FROM lineage" },
    [JOBS_EACH_JOBLESS_LINEAGE] = { "read the lineage of jobs that are gone",
        "SELECT n" LINEAGE_NAMED " FROM lineage WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = job)" },
    [JOBS_DELETE_LINEAGE] = { "delete the lineage", "DELETE FROM lineage WHERE model = ? AND version = ?" },
};
// clang-format on

const struct database_schema job_store_schema = { .file_name = "jobs.db",
                                                  .application_id = 0x6772756a, /* "gruj" */
                                                  .migrations = job_migrations,
                                                  .n_migrations = JOB_FORMAT,
                                                  .statements = statements,
                                                  .n_statements = JOBS_N_STATEMENTS };

enum status job_file_read_status(struct job_file *jobs, int64_t number, bool *ret_found,
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
