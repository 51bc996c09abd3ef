#include "store/job_schema.h"

/* Each table of columns is X(column, TYPE, field, most) and makes the SQL as well as what reads the
 * rows. */

#define METRIC_COLUMNS(X)                                                                          \
    X(train_loss, REAL, metrics.train_loss, 0)                                                     \
    X(valid_loss, REAL, metrics.valid_loss, 0)                                                     \
    X(baseline_valid_loss, REAL, metrics.baseline_valid_loss, 0)                                   \
    X(persistence_valid_loss, REAL, metrics.persistence_valid_loss, 0)                             \
    X(train_accuracy, REAL, metrics.train_accuracy, 0)                                             \
    X(valid_accuracy, REAL, metrics.valid_accuracy, 0)

#define JOB_FIXED_COLUMNS(X)                                                                       \
    X(id, TEXT, id, 0)                                                                             \
    X(model, TEXT, model, 0)                                                                       \
    X(base_version, NUMBER, base_version, 0)                                                       \
    X(base_digest_high, COUNT, base_digest.high, 0)                                                \
    X(base_digest_low, COUNT, base_digest.low, 0)                                                  \
    X(created_at_ms, INTEGER, created_at_ms, 0)                                                    \
    X(source, CHOICE, source, JOB_SESSIONS_PREFIX)                                                 \
    X(validation_fraction, REAL, validation_fraction, 0)                                           \
    X(seed, COUNT, seed, 0)                                                                        \
    X(policy, CHOICE, policy, JOB_MANUAL)                                                          \
    X(min_relative_gain, REAL, min_relative_gain, 0)                                               \
    X(max_seconds, COUNT, max_seconds, 0)                                                          \
    X(dry_run, FLAG, dry_run, 0)                                                                   \
    X(suffix, TEXT, suffix, 0)                                                                     \
    X(metadata, TEXT, metadata, 0)

#define JOB_STATUS_COLUMN(X) X(status, CHOICE, status, JOB_N_STATUSES - 1)

#define JOB_LIFE_COLUMNS(X)                                                                        \
    X(started_at_ms, INTEGER, started_at_ms, 0)                                                    \
    X(finished_at_ms, INTEGER, finished_at_ms, 0)                                                  \
    X(estimated_finish_ms, INTEGER, estimated_finish_ms, 0)                                        \
    X(running_ms, COUNT, running_ms, 0)                                                            \
    X(epoch, COUNT, epoch, 0)                                                                      \
    X(step, COUNT, step, 0)                                                                        \
    X(n_steps, COUNT, n_steps, 0)                                                                  \
    METRIC_COLUMNS(X)                                                                              \
    X(fine_tuned_version, NUMBER, fine_tuned_version, 0)                                           \
    X(promotion, CHOICE, promotion, JOB_ROLLED_BACK)                                               \
    X(promotion_reason, TEXT, promotion_reason, 0)                                                 \
    X(error_status, STATUS, error.status, 0)                                                       \
    X(error_has_expected, FLAG, error.has_expected, 0)                                             \
    X(error_expected, COUNT, error.expected, 0)                                                    \
    X(error_param, TEXT, error.param, 0)                                                           \
    X(error_message, TEXT, error.message, 0)

#define EVENT_COLUMNS(X)                                                                           \
    X(created_at_ms, INTEGER, created_at_ms, 0)                                                    \
    X(level, CHOICE, level, JOB_EVENT_ERROR)                                                       \
    X(is_metrics, FLAG, is_metrics, 0)                                                             \
    X(message, TEXT, message, 0)                                                                   \
    X(step, COUNT, step, 0)                                                                        \
    X(epoch, COUNT, epoch, 0)                                                                      \
    X(train_loss, REAL, train_loss, 0)                                                             \
    X(valid_loss, REAL, valid_loss, 0)                                                             \
    X(grad_norm, REAL, grad_norm, 0)                                                               \
    X(learning_rate, REAL, learning_rate, 0)

#define CHECKPOINT_COLUMNS(X)                                                                      \
    X(created_at_ms, INTEGER, created_at_ms, 0)                                                    \
    X(step, COUNT, step, 0)                                                                        \
    X(epoch, COUNT, epoch, 0)                                                                      \
    X(train_loss, REAL, train_loss, 0)                                                             \
    X(valid_loss, REAL, valid_loss, 0)

#define LINEAGE_COLUMNS(X)                                                                         \
    X(model, TEXT, model, 0)                                                                       \
    X(version, NUMBER, version, 0)                                                                 \
    X(parent, NUMBER, parent, 0)                                                                   \
    X(digest_high, COUNT, digest.high, 0)                                                          \
    X(digest_low, COUNT, digest.low, 0)                                                            \
    X(job, TEXT, job, 0)                                                                           \
    METRIC_COLUMNS(X)

/* The library's table in the same form. Reals and sizes are the library's to judge
 * (gru_training_check); a choice is an enum, so it is judged here. Its words are a comment, as they
 * are part of the format. */
#define HYPER_NAMED(field, ...)   ", hyper_" #field
#define HYPER_MARK(field, ...)    ", ?"
#define HYPER_WORDS_SIZE(words)   ""
#define HYPER_WORDS_REAL(words)   ""
#define HYPER_WORDS_CHOICE(words) " /* " words " */"
#define HYPER_DEFINED(field, type, def, none, least, most, words)                                  \
    ", hyper_" #field COLUMN_SQL_##type HYPER_WORDS_##type(words)
#define HYPER_MOST_SIZE(most)   0
#define HYPER_MOST_REAL(most)   0
#define HYPER_MOST_CHOICE(most) (most)
#define HYPER_OF(field, type, def, none, least, most, words)                                       \
    COLUMN_OF(job, type, hyperparameters.field, HYPER_MOST_##type(most)),

/* SQL, laid out as SQL. */
// clang-format off
#define JOB_DEFINED    JOB_FIXED_COLUMNS(COLUMN_DEFINED) GRU_HYPERPARAMETERS(HYPER_DEFINED) \
                       JOB_STATUS_COLUMN(COLUMN_DEFINED) " /*" JOB_STATUS_TABLE(JOB_WORD) " */" \
                       JOB_LIFE_COLUMNS(COLUMN_DEFINED)
#define JOB_NAMED      JOB_FIXED_COLUMNS(COLUMN_NAMED) GRU_HYPERPARAMETERS(HYPER_NAMED) \
                       JOB_STATUS_COLUMN(COLUMN_NAMED) JOB_LIFE_COLUMNS(COLUMN_NAMED)
#define JOB_MARKS      JOB_FIXED_COLUMNS(COLUMN_MARK) GRU_HYPERPARAMETERS(HYPER_MARK) \
                       JOB_STATUS_COLUMN(COLUMN_MARK) JOB_LIFE_COLUMNS(COLUMN_MARK)
#define JOB_WORD(name, word) " " word
#define EVENT_DEFINED      EVENT_COLUMNS(COLUMN_DEFINED)
#define EVENT_NAMED        EVENT_COLUMNS(COLUMN_NAMED)
#define EVENT_MARKS        EVENT_COLUMNS(COLUMN_MARK)
#define CHECKPOINT_DEFINED CHECKPOINT_COLUMNS(COLUMN_DEFINED)
#define CHECKPOINT_NAMED   CHECKPOINT_COLUMNS(COLUMN_NAMED)
#define CHECKPOINT_MARKS   CHECKPOINT_COLUMNS(COLUMN_MARK)
#define LINEAGE_DEFINED    LINEAGE_COLUMNS(COLUMN_DEFINED)
#define LINEAGE_NAMED      LINEAGE_COLUMNS(COLUMN_NAMED)
#define LINEAGE_MARKS      LINEAGE_COLUMNS(COLUMN_MARK)

static const char tables[] =
    "CREATE TABLE jobs (number INTEGER PRIMARY KEY" JOB_DEFINED ", UNIQUE (id)) STRICT;"
    "CREATE INDEX jobs_of_status ON jobs (status, number);"

    "CREATE TABLE series (job INTEGER NOT NULL REFERENCES jobs (number), n INTEGER NOT NULL,"
    " is_validation INTEGER NOT NULL, x_width INTEGER NOT NULL, y_width INTEGER NOT NULL,"
    " x BLOB NOT NULL, y BLOB, PRIMARY KEY (job, n)) STRICT;"

    "CREATE TABLE sessions (job INTEGER NOT NULL REFERENCES jobs (number), n INTEGER NOT NULL,"
    " session TEXT NOT NULL, PRIMARY KEY (job, n)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE events (id INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES jobs (number)"
    EVENT_DEFINED ") STRICT;"
    "CREATE INDEX events_of_job ON events (job, id);"

    "CREATE TABLE checkpoints (id INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES jobs (number)"
    CHECKPOINT_DEFINED ") STRICT;"
    "CREATE INDEX checkpoints_of_job ON checkpoints (job, id);"

    "CREATE TABLE states (job INTEGER PRIMARY KEY REFERENCES jobs (number),"
    " checkpoint INTEGER NOT NULL REFERENCES checkpoints (id), state BLOB NOT NULL) STRICT;"

    "CREATE TABLE lineage (n INTEGER PRIMARY KEY" LINEAGE_DEFINED ", UNIQUE (model, version)) STRICT;";

static const struct statement statements[] = {
    [JOBS_INSERT] = { "store the job", "INSERT INTO jobs (number" JOB_NAMED ") VALUES (NULL" JOB_MARKS ")" },
    [JOBS_FIND] = { "find the job", "SELECT number" JOB_NAMED " FROM jobs WHERE id = ?" },
    [JOBS_NEXT] = { "find the next job",
        "SELECT number" JOB_NAMED " FROM jobs WHERE status = ? ORDER BY number LIMIT 1" },
    [JOBS_COUNT] = { "count the jobs", "SELECT status, count(*) FROM jobs GROUP BY status" },
    [JOBS_LIST] = { "list the jobs",
        "SELECT number" JOB_NAMED " FROM jobs WHERE number < ?1 AND (?2 IS NULL OR model = ?2)"
        " AND (?3 < 0 OR status = ?3) ORDER BY number DESC LIMIT ?4" },
    [JOBS_UPDATE] = { "update the job",
        "UPDATE jobs SET status = ?" JOB_LIFE_COLUMNS(COLUMN_ASSIGNED) " WHERE number = ? AND status = ?" },
    [JOBS_STATUS] = { "read the job's status", "SELECT status FROM jobs WHERE number = ?" },

    [JOBS_ADD_SERIES] = { "store the job's series", "INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?)" },
    [JOBS_COUNT_SERIES] = { "count the job's series", "SELECT count(*) FROM series WHERE job = ?" },
    [JOBS_READ_SERIES] = { "read the job's series",
        "SELECT is_validation, x_width, y_width, x, y FROM series WHERE job = ? ORDER BY n" },
    [JOBS_DELETE_SERIES] = { "delete the job's series", "DELETE FROM series WHERE job = ?" },
    [JOBS_ADD_SESSION] = { "store the job's sessions", "INSERT INTO sessions VALUES (?, ?, ?)" },
    [JOBS_COUNT_SESSIONS] = { "count the job's sessions", "SELECT count(*) FROM sessions WHERE job = ?" },
    [JOBS_READ_SESSIONS] = { "read the job's sessions",
        "SELECT session FROM sessions WHERE job = ? ORDER BY n" },
    [JOBS_DELETE_SESSIONS] = { "delete the job's sessions", "DELETE FROM sessions WHERE job = ?" },

    [JOBS_ADD_EVENT] = { "store the event",
        "INSERT INTO events (job" EVENT_NAMED ") VALUES (?" EVENT_MARKS ")" },
    [JOBS_LIST_EVENTS] = { "list the events",
        "SELECT id" EVENT_NAMED " FROM events WHERE job = ? AND id > ? ORDER BY id LIMIT ?" },

    [JOBS_ADD_CHECKPOINT] = { "store the checkpoint",
        "INSERT INTO checkpoints (job" CHECKPOINT_NAMED ") VALUES (?" CHECKPOINT_MARKS ")" },
    [JOBS_LIST_CHECKPOINTS] = { "list the checkpoints",
        "SELECT id" CHECKPOINT_NAMED " FROM checkpoints WHERE job = ? AND id < ? ORDER BY id DESC LIMIT ?" },
    [JOBS_PUT_STATE] = { "store the state", "REPLACE INTO states (job, checkpoint, state) VALUES (?, ?, ?)" },
    [JOBS_READ_STATE] = { "read the state",
        "SELECT id" CHECKPOINT_NAMED ", state FROM states JOIN checkpoints ON id = checkpoint"
        " WHERE states.job = ?" },
    [JOBS_DELETE_STATE] = { "delete the state", "DELETE FROM states WHERE job = ?" },

    [JOBS_PUT_LINEAGE] = { "store the lineage",
        "REPLACE INTO lineage (n" LINEAGE_NAMED ") VALUES (NULL" LINEAGE_MARKS ")" },
    [JOBS_EACH_LINEAGE] = { "read the lineage", "SELECT n" LINEAGE_NAMED " FROM lineage" },
    [JOBS_DELETE_LINEAGE] = { "delete the lineage", "DELETE FROM lineage WHERE model = ? AND version = ?" },
};
// clang-format on

const struct schema job_store_schema = { .file_name = "jobs.db",
                                         .tables = tables,
                                         .statements = statements,
                                         .n_statements = JOBS_N_STATEMENTS };

#define COLUMN_OF_JOB(column, type, field, most)   COLUMN_OF(job, type, field, most),
#define COLUMN_OF_EVENT(column, type, field, most) COLUMN_OF(job_event, type, field, most),
#define COLUMN_OF_CHECKPOINT(column, type, field, most)                                            \
    COLUMN_OF(job_checkpoint, type, field, most),
#define COLUMN_OF_LINEAGE(column, type, field, most) COLUMN_OF(lineage, type, field, most),
#define COLUMNS(array)                                                                             \
    {                                                                                              \
        (array), sizeof(array) / sizeof *(array)                                                   \
    }

static const struct column of_job[] = { JOB_FIXED_COLUMNS(COLUMN_OF_JOB) GRU_HYPERPARAMETERS(
    HYPER_OF) JOB_STATUS_COLUMN(COLUMN_OF_JOB) JOB_LIFE_COLUMNS(COLUMN_OF_JOB) };
static const struct column of_job_life[] = { JOB_STATUS_COLUMN(COLUMN_OF_JOB)
                                                 JOB_LIFE_COLUMNS(COLUMN_OF_JOB) };
static const struct column of_event[] = { EVENT_COLUMNS(COLUMN_OF_EVENT) };
static const struct column of_checkpoint[] = { CHECKPOINT_COLUMNS(COLUMN_OF_CHECKPOINT) };
static const struct column of_lineage[] = { LINEAGE_COLUMNS(COLUMN_OF_LINEAGE) };

const struct columns job_columns = COLUMNS(of_job);
const struct columns job_life_columns = COLUMNS(of_job_life);
const struct columns event_columns = COLUMNS(of_event);
const struct columns checkpoint_columns = COLUMNS(of_checkpoint);
const struct columns lineage_columns = COLUMNS(of_lineage);
