/* That the migrations of jobs.db make what the tables of the code ask for, and that files of former
 * formats lose nothing. */
#include "formats.h"
#include "store/database_open.h"
#include "store/job_columns.h"
#include "store/job_migrations.h"
#include "store/job_schema.h"
#include "store/recordings.h"
#include "store_support.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOW                                                                                        \
    "append a migration to server/store/job_migrations.c, whose first comment says how, and "      \
    "raise JOB_FORMAT"

/* ---- columns ---- */

#define SQL_INTEGER                     " INTEGER NOT NULL"
#define SQL_COUNT                       " INTEGER NOT NULL"
#define SQL_NUMBER                      " INTEGER NOT NULL"
#define SQL_SIZE                        " INTEGER NOT NULL"
#define SQL_CHOICE                      " INTEGER NOT NULL"
#define SQL_FLAG                        " INTEGER NOT NULL"
#define SQL_REAL                        " REAL"
#define SQL_TEXT                        " TEXT NOT NULL"
#define SQL_STATUS                      " TEXT NOT NULL"
#define SQL_BYTES                       " BLOB NOT NULL"
#define DEFINED(column, type, ...)      ", " #column SQL_##type
#define HYPER_DEFINED(field, type, ...) ", hyper_" #field SQL_##type

static const struct {
    const char *name, *sql;
} asked[] = {
    { "jobs", "CREATE TABLE jobs (number INTEGER PRIMARY KEY" JOB_FIXED_COLUMNS(DEFINED)
                  GRU_HYPERPARAMETERS(HYPER_DEFINED) JOB_STATUS_COLUMN(DEFINED)
                      JOB_LIFE_COLUMNS(DEFINED) ")" },
    { "events", "CREATE TABLE events (id INTEGER PRIMARY KEY, job INTEGER NOT NULL" EVENT_COLUMNS(
                    DEFINED) ")" },
    { "checkpoints",
      "CREATE TABLE checkpoints (id INTEGER PRIMARY KEY, job INTEGER NOT NULL" CHECKPOINT_COLUMNS(
          DEFINED) ")" },
    { "lineage", "CREATE TABLE lineage (n INTEGER PRIMARY KEY" LINEAGE_COLUMNS(DEFINED) ")" },
};

enum { COLUMN_TEXT_SIZE = 128 };

/* Whether the table has such a column, "name TYPE not_null". */
static bool has_column(sqlite3 *sqlite, const char *table, const char *column)
{
    sqlite3_stmt *prepared;
    static const char sql[] = "SELECT 1 FROM pragma_table_info(?) WHERE name || ' ' || type ||"
                              " iif(\"notnull\", ' NOT NULL', '') = ?";
    ck_assert_int_eq(sqlite3_prepare_v2(sqlite, sql, -1, &prepared, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_bind_text(prepared, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
    ck_assert_int_eq(sqlite3_bind_text(prepared, 2, column, -1, SQLITE_STATIC), SQLITE_OK);
    bool has = sqlite3_step(prepared) == SQLITE_ROW;
    sqlite3_finalize(prepared);
    return has;
}

/* The first column of a table in `of` that the table in `in` has not; false: there is none. */
static bool find_missing(sqlite3 *of, sqlite3 *in, const char *table, char column[COLUMN_TEXT_SIZE])
{
    sqlite3_stmt *prepared;
    static const char sql[] = "SELECT name || ' ' || type || iif(\"notnull\", ' NOT NULL', '')"
                              " FROM pragma_table_info(?)";
    bool found = false;
    ck_assert_int_eq(sqlite3_prepare_v2(of, sql, -1, &prepared, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_bind_text(prepared, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
    while (!found && sqlite3_step(prepared) == SQLITE_ROW) {
        snprintf(column, COLUMN_TEXT_SIZE, "%s", (const char *)sqlite3_column_text(prepared, 0));
        found = !has_column(in, table, column);
    }
    sqlite3_finalize(prepared);
    return found;
}

TEST(the_migrations_make_the_columns_that_the_tables_ask_for)
{
    struct database_schema only_tables = job_store_schema;
    struct database made;
    struct fault fault;
    sqlite3 *due;
    char column[COLUMN_TEXT_SIZE];
    only_tables.n_statements = 0; /* they could not be prepared without a column */
    ck_assert_int_eq(database_open(&made, &only_tables, "", true, &fault), STATUS_OK);
    ck_assert_int_eq(sqlite3_open(":memory:", &due), SQLITE_OK);
    for (size_t k = 0; k < sizeof asked / sizeof *asked; k++) {
        const char *table = asked[k].name;
        ck_assert_int_eq(sqlite3_exec(due, asked[k].sql, NULL, NULL, NULL), SQLITE_OK);
        ck_assert_msg(!find_missing(due, made.sqlite, table, column),
                      "jobs.db has no column \"%s\" in its table %s: " HOW, column, table);
        ck_assert_msg(!find_missing(made.sqlite, due, table, column),
                      "nothing asks for the column \"%s\" in the table %s of jobs.db: " HOW, column,
                      table);
    }
    sqlite3_close(due);
    database_close(&made);
}

TEST(every_migration_is_there)
{
    for (size_t k = 0; k < JOB_FORMAT; k++) {
        ck_assert_msg(job_migrations[k].task && job_migrations[k].sql,
                      "JOB_FORMAT is %d, but the migration to format %zu is missing", JOB_FORMAT,
                      k + 1);
    }
}

/* ---- words ---- */

/* What the numbers in a column stand for, 0 first, and which format brought them. Nothing here
 * changes; what a migration adds is a row at the end. */
static const struct {
    unsigned format;
    const char *column, *words;
} released[] = {
    { 1, "hyper_optimizer", "sgd|adam|adamw" },
    { 1, "hyper_loss", "mse|mae|huber|bce|cross_entropy" },
    { 1, "hyper_train", "all|head" },
    { 1, "status", "validating|queued|running|paused|succeeded|failed|cancelled" },
    { 1, "policy", "auto|manual" },
    { 1, "promotion", "none|promoted|rejected|rolled_back" },
    { 5, "hyper_schedule_type", "constant|cosine|step" },
    { 5, "class_weighting", "alike|balanced|given" },
    { 7, "hyper_schedule_type", "plateau" },
    { 7, "hyper_scaling", "keep|fit|fit_robust" },
    { 8, "recipe", "none|auto" },
    { 8, "trials: transform", "none|difference|seasonal_difference|level" },
    { 8, "trials: fate", "waiting|running|done|dropped|refused" },
};

enum { WORDS_SIZE = 512 };

static void add_words(char words[WORDS_SIZE], const char *more)
{
    size_t n = strlen(words);
    snprintf(words + n, WORDS_SIZE - n, "%s%s", n > 0 ? "|" : "", more);
}

static void assert_words(const char *column, const char *words)
{
    char due[WORDS_SIZE] = "";
    for (size_t k = 0; k < sizeof released / sizeof *released; k++) {
        ck_assert_uint_le(released[k].format, JOB_FORMAT);
        if (strcmp(released[k].column, column) == 0) {
            add_words(due, released[k].words);
        }
    }
    ck_assert_msg(strcmp(words, due) == 0,
                  "the words of %s are \"%s\", and rows were written when they were \"%s\": new "
                  "ones go to the end; " HOW ", and say here which words it brought",
                  column, words, due);
}

TEST(numbers_in_old_rows_stand_for_the_same_words)
{
    char words[WORDS_SIZE] = "";
#define ASSERT_SIZE(column, words)
#define ASSERT_REAL(column, words)
#define ASSERT_CHOICE(column, words) assert_words(column, words);
#define ASSERT_WORDS(field, type, def, none, least, most, words)                                   \
    ASSERT_##type("hyper_" #field, words)
    GRU_HYPERPARAMETERS(ASSERT_WORDS)
#define ADD_WORD(name, word) add_words(words, word);
    JOB_STATUS_TABLE(ADD_WORD)
    assert_words("status", words);
    words[0] = '\0';
    for (enum job_policy policy = JOB_AUTO; policy <= JOB_MANUAL; policy++) {
        add_words(words, job_policy_word(policy));
    }
    assert_words("policy", words);
    words[0] = '\0';
    for (enum job_recipe recipe = JOB_RECIPE_NONE; recipe <= JOB_RECIPE_AUTO; recipe++) {
        add_words(words, job_recipe_word(recipe));
    }
    assert_words("recipe", words);
    words[0] = '\0';
    for (enum gru_recipe_fate fate = GRU_TRIAL_WAITING; fate <= GRU_TRIAL_REFUSED; fate++) {
        add_words(words, job_trial_state_word(fate));
    }
    assert_words("trials: fate", words);
    assert_words("trials: transform", CHOICE_WORDS(GRU_TRANSFORMS));
    words[0] = '\0';
    for (enum job_promotion state = JOB_NONE; state <= JOB_ROLLED_BACK; state++) {
        add_words(words, job_promotion_word(state));
    }
    assert_words("promotion", words);
    assert_words("class_weighting", GRU_CLASS_WEIGHTINGS(GRU_CHOICE_WORD, GRU_CHOICE_OR_WORD));
    ck_assert(JOB_SERIES == 0 && JOB_SESSIONS == 1 && JOB_SESSIONS_PREFIX == 2);
    ck_assert(JOB_EVENT_INFO == 0 && JOB_EVENT_WARN == 1 && JOB_EVENT_ERROR == 2);
}

/* ---- files of former formats ---- */

static struct folder unpacked(unsigned format, char data[PATH_MAX])
{
    struct folder folder = folder_make();
    format_unpack(format, folder.path);
    folder_path(&folder, "data", data);
    return folder;
}

/* The id of the fixture's job of that name. */
static void find_id(unsigned format, const char *name, char id[JOB_ID_MAX + 1])
{
    char path[PATH_MAX], found[32];
    snprintf(path, sizeof path, FORMATS "/%u/jobs", format);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    do {
        ck_assert_int_eq(fscanf(file, "%31s %31s", found, id), 2);
    } while (strcmp(found, name) != 0);
    fclose(file);
}

static struct job found(struct job_store *jobs, unsigned format, const char *name)
{
    char id[JOB_ID_MAX + 1];
    find_id(format, name, id);
    return job_found(jobs, id);
}

static void count_version(void *context, const struct lineage *lineage)
{
    ck_assert_str_eq(lineage->model, "pump");
    ck_assert(lineage->metrics.train_loss > 0);
    *(unsigned *)context |= 1U << lineage->version;
}

static void assert_all_there(struct job_store *jobs, unsigned format)
{
    static const size_t due[JOB_N_STATUSES] = {
        [JOB_VALIDATING] = 1, [JOB_QUEUED] = 1, [JOB_RUNNING] = 1,  [JOB_PAUSED] = 1,
        [JOB_SUCCEEDED] = 4,  [JOB_FAILED] = 1, [JOB_CANCELLED] = 1
    };
    size_t n[JOB_N_STATUSES];
    unsigned versions = 0;
    struct fault fault;
    ck_assert_int_eq(job_store_count(jobs, n, &fault), STATUS_OK);
    ck_assert_mem_eq(n, due, sizeof due);
    ck_assert_int_eq(job_store_each_lineage(jobs, count_version, &versions, &fault), STATUS_OK);
    ck_assert_uint_eq(versions, 1U << 3 | 1U << 4 | 1U << 5);
    ck_assert_int_eq(found(jobs, format, "failed").error.status, STATUS_SESSION_NOT_FOUND);
    ck_assert_int_eq(found(jobs, format, "of_sessions").promotion, JOB_REJECTED);
    ck_assert_int_eq(found(jobs, format, "promoted").promotion, JOB_PROMOTED);
    ck_assert_str_eq(found(jobs, format, "succeeded").metadata, "{\"a\":1}");
    ck_assert(found(jobs, format, "dry_run").dry_run);
}

static void assert_paused_can_go_on(struct job_store *jobs, unsigned format)
{
    const struct job job = found(jobs, format, "paused");
    struct job_checkpoint checkpoint;
    struct job_event event;
    struct job_series *series;
    struct arena arena;
    struct fault fault;
    void *state;
    size_t n;
    bool has_more;
    ck_assert_int_eq(job.status, JOB_PAUSED);
    ck_assert_uint_eq(job.hyperparameters.n_epochs, 2000);
    ck_assert_int_eq(job_store_read_state(jobs, job.number, &state, &n, &checkpoint, &fault),
                     STATUS_OK);
    ck_assert(n > 1000 && checkpoint.step == job.step && checkpoint.epoch >= 100);
    free(state);
    ck_assert_int_eq(job_store_list_events(jobs, job.number, 0, 1, &event, &n, &has_more, &fault),
                     STATUS_OK);
    ck_assert(n == 1 && has_more && strstr(event.message, "4 series"));
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(job_store_read_series(jobs, job.number, &arena, &series, &n, &fault),
                     STATUS_OK);
    ck_assert(n == 4 && series[3].series.n_rows == 80 && series[3].x_width == 2);
    arena_done(&arena);
}

/* Jobs from before the gate could be told what to ask for are judged by what it asks for now, but
 * for the gain that they named. */
static void assert_gate_is_the_default(struct job_store *jobs, unsigned format)
{
    struct job job = found(jobs, format, "of_sessions");
    ck_assert(job.gate.min_relative_gain == 0.999);
    job.gate.min_relative_gain = job_gate_default.min_relative_gain;
    ck_assert(job.gate.must_beat_persistence == job_gate_default.must_beat_persistence);
    ck_assert_uint_eq(job.gate.min_targets, job_gate_default.min_targets);
    ck_assert(job.gate.confidence == job_gate_default.confidence);
}

TEST(jobs_of_former_formats_are_all_there)
{
    for (unsigned format = 1; format < JOB_FORMAT; format++) {
        char data[PATH_MAX];
        struct folder folder = unpacked(format, data);
        bool is_numbered = format > 1; /* the first format's number was a digest */
        ck_assert(!is_numbered ||
                  sql_ask(&folder, "data/jobs.db", "PRAGMA user_version") == format);
        for (int round = 0; round < 2; round++) { /* as it was, and as this grud leaves it */
            struct job_store *jobs = jobs_opened(data);
            assert_all_there(jobs, format);
            assert_paused_can_go_on(jobs, format);
            assert_gate_is_the_default(jobs, format);
            job_store_close(jobs);
            ck_assert_int_eq(sql_ask(&folder, "data/jobs.db", "PRAGMA user_version"), JOB_FORMAT);
            ck_assert_int_eq(sql_ask(&folder, "data/jobs.db", "PRAGMA application_id"), 0x6772756a);
        }
        folder_remove(&folder);
    }
}

/* The build that made the first of these noted times and what had been forecast. */
enum { NOTED_FORMAT = 4 };

static void assert_page(struct recordings *recordings, unsigned format, struct arena *arena)
{
    const struct recordings_page page = { .model = "pump",
                                          .session = "s-1",
                                          .before = INT64_MAX,
                                          .limit = 100,
                                          .n_inputs = 2,
                                          .n_outputs = 2 };
    struct recorded_reading *readings;
    struct fault fault;
    size_t n;
    ck_assert_int_eq(recordings_read_page(recordings, &page, arena, &readings, &n, &fault),
                     STATUS_OK);
    ck_assert_uint_eq(n, 40);
    for (size_t k = 0; k < n; k++) {
        ck_assert_uint_eq((uint32_t)readings[k].step, k + 1);
        ck_assert(isnan(readings[k].at)); /* it came without one */
        ck_assert_int_eq(readings[k].y != NULL, format >= NOTED_FORMAT && k > 0);
    }
    ck_assert(readings[0].x[1] == 1 && readings[1].x[0] == 0.3894F);
}

static void assert_recordings(unsigned format)
{
    char data[PATH_MAX];
    struct folder folder = unpacked(format, data);
    struct recordings *recordings;
    struct recording *all;
    struct arena arena;
    struct fault fault;
    size_t n;
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(recordings_open(data, 100, &recordings, &fault), STATUS_OK);
        arena_init(&arena, 1 << 20);
        ck_assert_int_eq(
            recordings_read(recordings, "pump", "s-", true, 2, 1 << 20, &arena, &all, &n, &fault),
            STATUS_OK);
        ck_assert_uint_eq(n, 3);
        for (size_t k = 0; k < n; k++) {
            ck_assert_uint_eq(all[k].n_rows, 40);
            ck_assert(all[k].x[0] == 0 && all[k].x[1] == 1 && all[k].x[2] == 0.3894F);
        }
        assert_page(recordings, format, &arena);
        arena_done(&arena);
        recordings_close(recordings);
        ck_assert_int_eq(sql_ask(&folder, "data/recordings.db", "PRAGMA application_id"),
                         0x67727572);
        const int n_times = (int)sql_ask(&folder, "data/recordings.db",
                                         "SELECT count(*) FROM readings WHERE at IS NOT NULL");
        ck_assert_int_eq(n_times > 0, format >= NOTED_FORMAT);
    }
    folder_remove(&folder);
}

TEST(recordings_of_former_formats_are_all_there)
{
    for (unsigned format = 1; format < JOB_FORMAT; format++) {
        assert_recordings(format);
    }
}

TEST(jobs_of_the_first_format_take_a_further_column)
{
    char data[PATH_MAX];
    struct folder folder = unpacked(1, data);
    struct statement migrations[JOB_FORMAT + 1];
    struct database_schema newer = job_store_schema;
    struct database database;
    struct job_store *jobs;
    struct fault fault;
    char numbers[80];
    memcpy(migrations, job_migrations, sizeof job_migrations);
    migrations[JOB_FORMAT] =
        (struct statement){ "add the hyper-parameter rho",
                            "ALTER TABLE jobs ADD COLUMN hyper_rho REAL DEFAULT 0.9;" };
    newer.migrations = migrations;
    newer.n_migrations = JOB_FORMAT + 1;
    ck_assert_int_eq(database_open(&database, &newer, data, true, &fault), STATUS_OK);
    database_close(&database);
    ck_assert_int_eq(
        sql_ask(&folder, "data/jobs.db", "SELECT count(*) FROM jobs WHERE hyper_rho = 0.9"), 10);
    ck_assert_int_eq(job_store_open(data, &jobs, &fault), STATUS_STORAGE_FAILED);
    snprintf(numbers, sizeof numbers,
             "has format %d, but this version of grud reads up to %d: ", JOB_FORMAT + 1,
             JOB_FORMAT);
    ck_assert_msg(strstr(fault.message, numbers) != NULL, "%s", fault.message);
    folder_remove(&folder);
}
