/* What is not a database of grud's, or not one any more: refused with a sentence, and never used.
 */
#include "store/job_store.h"
#include "store/recordings.h"
#include "store_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

struct bytes {
    unsigned char *all;
    size_t n;
};

static struct bytes file_read(const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat info;
    folder_path(folder, name, path);
    ck_assert_int_eq(stat(path, &info), 0);
    struct bytes bytes = { .all = malloc((size_t)info.st_size), .n = (size_t)info.st_size };
    FILE *file = fopen(path, "rb");
    ck_assert(file && bytes.all && fread(bytes.all, 1, bytes.n, file) == bytes.n);
    ck_assert_int_eq(fclose(file), 0);
    return bytes;
}

static void file_write(const struct folder *folder, const char *name, const void *bytes, size_t n)
{
    char path[PATH_MAX];
    folder_path(folder, name, path);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
}

/* ---- databases with a little of everything ---- */

static void make_jobs(const struct folder *folder)
{
    static const double x[600] = { 1, 2, 3 };
    static const char *const sessions[] = { "a", "b" };
    const struct job_series series[] = {
        { .series = { .x = x, .n_rows = 300, .y = x, .n_targets = 300 },
          .x_width = 2,
          .y_width = 1 },
        { .series = { .x = x, .n_rows = 3 }, .is_validation = true, .x_width = 2 },
    };
    struct job_store *jobs = jobs_opened(folder->path);
    struct fault fault;
    struct lineage lineage = { .model = "m", .version = 2, .parent = 1, .job = "j" };
    for (unsigned k = 0; k < 3; k++) {
        struct job job = job_filled(k);
        ck_assert_int_eq(
            job_store_insert(jobs, &job,
                             &(struct job_addition){ series, 2, sessions, 2, NULL, NULL, NULL },
                             &fault),
            STATUS_OK);
        event_added(jobs, job.number, k);
        checkpoint_added(jobs, job.number, k, 3000);
    }
    ck_assert_int_eq(job_store_put_lineage(jobs, &lineage, &fault), STATUS_OK);
    job_store_close(jobs);
}

static void make_recordings(const struct folder *folder)
{
    static const double x[2] = { 1, 2 };
    static const char *const ids[] = { "a", "b", "c" };
    struct recorded readings[60];
    struct recordings *recordings;
    struct fault fault;
    for (size_t k = 0; k < 60; k++) {
        readings[k] = (struct recorded){
            .model = "m", .session = ids[k / 20], .step = k % 20 + 1, .x = x, .n_inputs = 2
        };
    }
    ck_assert_int_eq(recordings_open(folder->path, 100, &recordings, &fault), STATUS_OK);
    ck_assert_int_eq(recordings_add(recordings, readings, 60, &fault), STATUS_OK);
    recordings_close(recordings);
}

static void ignore_lineage(void *context, const struct lineage *lineage)
{
    (void)context;
    ck_assert_uint_le(strlen(lineage->model), JOB_MODEL_MAX);
}

/* A fault is only ever that of the storage, with the file's name. *worst stays what went wrong
 * first. */
static void expect(enum status status, const struct fault *fault, const char *name,
                   enum status *worst)
{
    if (status == STATUS_OK || status == STATUS_JOB_NOT_FOUND) {
        return;
    }
    ck_assert_msg(status == STATUS_STORAGE_FAILED || status == STATUS_NO_MEMORY ||
                      status == STATUS_REQUEST_TOO_LARGE,
                  "%s: %s", status_code(status), fault->message);
    ck_assert_msg(status != STATUS_STORAGE_FAILED || strstr(fault->message, name), "%s",
                  fault->message);
    *worst = *worst == STATUS_OK ? status : *worst;
}

static void read_job_data(struct job_store *jobs, int64_t number, enum status *worst)
{
    struct fault fault;
    struct arena arena;
    struct job_series *series;
    const char *const *sessions;
    struct job_event events[4];
    struct job_checkpoint checkpoints[4];
    void *state = NULL;
    size_t n;
    bool has_more;
    arena_init(&arena, 16 << 20);
    expect(job_store_read_series(jobs, number, &arena, &series, &n, &fault), &fault, "jobs.db",
           worst);
    expect(job_store_read_sessions(jobs, number, &arena, &sessions, &n, &fault), &fault, "jobs.db",
           worst);
    arena_done(&arena);
    expect(job_store_list_events(jobs, number, 0, 4, events, &n, &has_more, &fault), &fault,
           "jobs.db", worst);
    expect(job_store_list_checkpoints(jobs, number, 0, 4, checkpoints, &n, &has_more, &fault),
           &fault, "jobs.db", worst);
    expect(job_store_read_state(jobs, number, &state, &n, checkpoints, &fault), &fault, "jobs.db",
           worst);
    free(state);
}

/* Opens the database, reads all of it and adds to it. */
static enum status use_jobs(const struct folder *folder)
{
    struct job_store *jobs = NULL;
    struct fault fault;
    enum status worst = STATUS_OK;
    expect(job_store_open(folder->path, &jobs, &fault), &fault, "jobs.db", &worst);
    if (!jobs) {
        return worst;
    }
    static struct job list[4];
    struct job job = { .number = 1, .id = "x" };
    size_t n, n_by_status[JOB_N_STATUSES];
    bool found;
    enum job_status now;
    const struct job_filter filter = { .status = -1 };
    expect(job_store_list(jobs, &filter, 4, list, &n, &found, &fault), &fault, "jobs.db", &worst);
    expect(job_store_count(jobs, n_by_status, &fault), &fault, "jobs.db", &worst);
    expect(job_store_take(jobs, &found, &job, &fault), &fault, "jobs.db", &worst);
    expect(job_store_find(jobs, "ftjob-0000000000000000000000001", &job, &fault), &fault, "jobs.db",
           &worst);
    expect(job_store_each_lineage(jobs, ignore_lineage, NULL, &fault), &fault, "jobs.db", &worst);
    for (int64_t number = 1; number <= 3; number++) {
        read_job_data(jobs, number, &worst);
    }
    job.number = 1;
    expect(job_store_update(jobs, &job, JOB_PAUSED, NULL, 0, &found, &now, &fault), &fault,
           "jobs.db", &worst);
    struct job_event event = { .step = 1 };
    expect(job_store_add_event(jobs, 1, &event, &fault), &fault, "jobs.db", &worst);
    expect(job_store_forget_data(jobs, 1, &fault), &fault, "jobs.db", &worst);
    job_store_close(jobs);
    return worst;
}

static enum status use_recordings(const struct folder *folder)
{
    struct recordings *recordings = NULL;
    struct fault fault;
    enum status worst = STATUS_OK;
    expect(recordings_open(folder->path, 100, &recordings, &fault), &fault, "recordings.db",
           &worst);
    if (!recordings) {
        return worst;
    }
    struct arena arena;
    struct recording *all;
    size_t n;
    uint64_t step;
    static const double x[2] = { 3, 4 };
    const struct recorded more[] = {
        { .model = "m", .session = "a", .step = 21, .x = x, .n_inputs = 2 },
        { .model = "m", .session = "b" },
        { .model = "m", .session = "d", .step = 1, .x = x, .n_inputs = 2 }
    };
    arena_init(&arena, 16 << 20);
    expect(recordings_read(recordings, "m", "", true, 2, 1 << 20, &arena, &all, &n, &fault), &fault,
           "recordings.db", &worst);
    expect(recordings_last_step(recordings, "m", "a", &step, &fault), &fault, "recordings.db",
           &worst);
    expect(recordings_add(recordings, more, 3, &fault), &fault, "recordings.db", &worst);
    arena_done(&arena);
    recordings_close(recordings);
    return worst;
}

/* ---- foreign files ---- */

static void assert_jobs_refused(const struct folder *folder, const char *words)
{
    struct job_store *jobs = NULL;
    struct fault fault;
    char path[PATH_MAX];
    folder_path(folder, "jobs.db", path);
    ck_assert_int_eq(job_store_open(folder->path, &jobs, &fault), STATUS_STORAGE_FAILED);
    ck_assert_ptr_null(jobs);
    ck_assert_msg(strstr(fault.message, path) != NULL, "%s", fault.message);
    ck_assert_msg(strstr(fault.message, words) != NULL, "%s", fault.message);
}

TEST(another_format_version_is_refused_and_left_alone)
{
    struct folder folder = folder_make();
    make_jobs(&folder);
    sql_run(&folder, "jobs.db", "PRAGMA user_version = 99");
    struct bytes before = file_read(&folder, "jobs.db");
    assert_jobs_refused(&folder, "has format 99, ");
    struct bytes after = file_read(&folder, "jobs.db");
    ck_assert_uint_eq(before.n, after.n);
    ck_assert_mem_eq(before.all, after.all, before.n);
    free(before.all);
    free(after.all);
    folder_remove(&folder);
}

TEST(recordings_are_not_taken_for_jobs)
{
    struct folder folder = folder_make();
    make_recordings(&folder);
    struct bytes bytes = file_read(&folder, "recordings.db");
    file_write(&folder, "jobs.db", bytes.all, bytes.n);
    assert_jobs_refused(&folder, "or another one of grud's: move it away");
    free(bytes.all);
    folder_remove(&folder);
}

TEST(another_programs_database_is_refused_and_left_alone)
{
    struct folder folder = folder_make();
    sql_run(&folder, "jobs.db", "CREATE TABLE t (x)");
    struct bytes before = file_read(&folder, "jobs.db");
    assert_jobs_refused(&folder, "another program's");
    struct bytes after = file_read(&folder, "jobs.db");
    ck_assert_uint_eq(before.n, after.n);
    ck_assert_mem_eq(before.all, after.all, before.n);
    free(before.all);
    free(after.all);
    folder_remove(&folder);
}

/* ---- damage ---- */

TEST(a_damaged_header_is_refused)
{
    struct folder folder = folder_make();
    make_jobs(&folder);
    struct bytes bytes = file_read(&folder, "jobs.db");
    memset(bytes.all, 0xff, 32);
    file_write(&folder, "jobs.db", bytes.all, bytes.n);
    assert_jobs_refused(&folder, "move it away");
    free(bytes.all);
    folder_remove(&folder);
}

TEST(a_truncated_file_never_passes)
{
    struct folder folder = folder_make();
    make_jobs(&folder);
    struct bytes bytes = file_read(&folder, "jobs.db");
    for (size_t n = 1; n < bytes.n; n = 2 * n + 17) {
        file_write(&folder, "jobs.db", bytes.all, n);
        ck_assert_msg(use_jobs(&folder) == STATUS_STORAGE_FAILED, "%zu bytes", n);
    }
    file_write(&folder, "jobs.db", bytes.all, bytes.n);
    ck_assert_int_eq(use_jobs(&folder), STATUS_OK);
    free(bytes.all);
    folder_remove(&folder);
}

/* Flips runs of bytes all over the file; what comes of it is OK or a fault, and no more. */
static size_t flip_everywhere(const char *name, void (*make)(const struct folder *folder),
                              enum status (*use)(const struct folder *folder))
{
    struct folder folder = folder_make();
    size_t n_failed = 0;
    uint64_t random = 1;
    make(&folder);
    struct bytes bytes = file_read(&folder, name);
    unsigned char *copy = malloc(bytes.n);
    ck_assert_ptr_nonnull(copy);
    for (size_t round = 0; round < 400; round++) {
        memcpy(copy, bytes.all, bytes.n);
        for (size_t k = 0; k <= round % 8; k++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            /* every other time the first bytes of a page, where its structure is */
            size_t at = (size_t)(random >> 33) % bytes.n;
            at = round % 2 ? at : at / 4096 * 4096 + at % 64;
            copy[at] ^= (unsigned char)(1U << (random >> 61)) | (unsigned char)(random >> 25);
        }
        file_write(&folder, name, copy, bytes.n);
        n_failed += use(&folder) != STATUS_OK;
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s-wal", folder.path, name);
        unlink(path);
    }
    free(copy);
    free(bytes.all);
    folder_remove(&folder);
    return n_failed;
}

TEST(flipped_bytes_in_jobs_are_found_or_harmless)
{
    ck_assert_uint_gt(flip_everywhere("jobs.db", make_jobs, use_jobs), 100);
}

TEST(flipped_bytes_in_recordings_are_found_or_harmless)
{
    ck_assert_uint_gt(flip_everywhere("recordings.db", make_recordings, use_recordings), 100);
}

/* ---- values that no grud wrote ---- */

/* SQLite's own checks are taken away first, as damage would. */
static const char unchecked[] = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql ="
                                " replace(replace(sql, ' NOT NULL', ''), ' STRICT', ''); ";

static void assert_wild(const char *name, void (*make)(const struct folder *folder),
                        enum status (*use)(const struct folder *folder), const char *sql)
{
    struct folder folder = folder_make();
    make(&folder);
    sql_run(&folder, name, unchecked);
    sql_run(&folder, name, sql);
    enum status status = use(&folder);
    ck_assert_msg(status == STATUS_STORAGE_FAILED, "%s: %s", sql, status_code(status));
    folder_remove(&folder);
}

TEST(wild_values_in_jobs_are_refused)
{
    static const char *const wild[] = {
        "UPDATE jobs SET status = 7",
        "UPDATE jobs SET status = -1",
        "UPDATE jobs SET status = 'queued'",
        "UPDATE jobs SET source = 3",
        "UPDATE jobs SET policy = 2",
        "UPDATE jobs SET promotion = 4",
        "UPDATE jobs SET dry_run = 2",
        "UPDATE jobs SET hyper_optimizer = 3",
        "UPDATE jobs SET hyper_window = -1",
        "UPDATE jobs SET base_version = 4294967296",
        "UPDATE jobs SET fine_tuned_version = -1",
        "UPDATE jobs SET seed = NULL",
        "UPDATE jobs SET step = 'five'",
        "UPDATE jobs SET train_loss = 'low'",
        "UPDATE jobs SET model = NULL",
        "UPDATE jobs SET model = printf('%.*c', 65, 'm')",
        "UPDATE jobs SET metadata = printf('%.*c', 2049, 'm')",
        "UPDATE jobs SET metadata = '{\"a\":1},\"id\":2'",
        "UPDATE jobs SET metadata = '[1]'",
        "UPDATE jobs SET promotion_reason = 'a' || char(0) || 'b'",
        "UPDATE jobs SET error_status = 'no_such_code'",
        "UPDATE jobs SET error_message = x'00'",
        "UPDATE series SET x_width = 0",
        "UPDATE series SET x_width = -1",
        "UPDATE series SET x_width = 9223372036854775807",
        "UPDATE series SET x_width = 7",
        "UPDATE series SET y_width = 0",
        "UPDATE series SET y_width = 1000",
        "UPDATE series SET x = substr(x, 2)",
        "UPDATE series SET x = 'text'",
        "UPDATE series SET x = 5",
        "UPDATE series SET is_validation = 2",
        "UPDATE sessions SET session = NULL",
        "UPDATE events SET level = 3",
        "UPDATE events SET message = printf('%.*c', 1000, 'm')",
        "UPDATE events SET is_metrics = -1",
        "UPDATE checkpoints SET step = x'00'",
        "UPDATE states SET state = 5",
        "UPDATE lineage SET version = -1",
        "UPDATE lineage SET job = printf('%.*c', 32, 'j')",
    };
    for (size_t k = 0; k < sizeof wild / sizeof *wild; k++) {
        assert_wild("jobs.db", make_jobs, use_jobs, wild[k]);
    }
}

TEST(wild_values_in_recordings_are_refused)
{
    static const char *const wild[] = {
        "UPDATE sessions SET next_n = -1 WHERE session = 'a'",
        "UPDATE sessions SET next_n = 9223372036854775807",
        "UPDATE sessions SET last_step = 'last'",
        "UPDATE readings SET step = 'first'",
        "UPDATE readings SET x = substr(x, 2)",
        "UPDATE readings SET x = 'readings'",
        "UPDATE readings SET x = NULL",
    };
    for (size_t k = 0; k < sizeof wild / sizeof *wild; k++) {
        assert_wild("recordings.db", make_recordings, use_recordings, wild[k]);
    }
}

TEST(a_missing_table_is_refused_when_opened)
{
    struct folder folder = folder_make();
    make_jobs(&folder);
    sql_run(&folder, "jobs.db", "DROP TABLE lineage");
    assert_jobs_refused(&folder, "no such table");
    folder_remove(&folder);
}
