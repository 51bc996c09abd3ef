/* Jobs that ended long ago, and the room that they leave. */
#include "store/job_deletion.h"
#include "store/store_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

enum { LONG_AGO = 1000, NOW = 5000 };

/* A job that ended then, with events, a checkpoint and a state. */
static struct job ended(struct job_store *jobs, unsigned k, enum job_status status, int64_t at_ms,
                        size_t n_events)
{
    struct fault fault;
    bool written;
    enum job_status now;
    struct job job = job_inserted(jobs, k, JOB_RUNNING);
    for (size_t n = 0; n < n_events; n++) {
        event_added(jobs, job.number, (unsigned)n);
    }
    checkpoint_added(jobs, job.number, k, 5000);
    job.status = status;
    job.finished_at_ms = at_ms;
    ck_assert_int_eq(job_store_update(jobs, &job, JOB_RUNNING, NULL, 0, &written, &now, &fault),
                     STATUS_OK);
    ck_assert(written);
    return job;
}

static bool is_there(struct job_store *jobs, const char *id)
{
    struct job job;
    struct fault fault;
    return job_store_find(jobs, id, &job, &fault) == STATUS_OK;
}

/* Until none is left; returns how many calls found something. */
static int delete_all(struct job_store *jobs, int64_t before_ms, size_t n_gone[JOB_N_STATUSES])
{
    bool found = true;
    int n = 0;
    while (found) {
        struct fault fault;
        enum job_status was;
        ck_assert_int_eq(job_store_delete_ended(jobs, before_ms, &found, &was, &fault), STATUS_OK);
        n += found;
        if (found && was != JOB_N_STATUSES) {
            n_gone[was]++;
        }
    }
    return n;
}

TEST(jobs_that_ended_long_ago_go_with_all_that_is_theirs)
{
    struct folder data = data_make();
    struct job_store *jobs = jobs_opened(data.path);
    size_t n_gone[JOB_N_STATUSES] = { 0 };
    struct job old = ended(jobs, 1, JOB_SUCCEEDED, LONG_AGO, 3),
               failed = ended(jobs, 2, JOB_FAILED, LONG_AGO, 1),
               cancelled = ended(jobs, 3, JOB_CANCELLED, LONG_AGO, 0),
               young = ended(jobs, 4, JOB_SUCCEEDED, NOW, 2),
               paused = job_inserted(jobs, 5, JOB_PAUSED);
    ck_assert_int_eq(delete_all(jobs, NOW, n_gone), 3);
    ck_assert(n_gone[JOB_SUCCEEDED] == 1 && n_gone[JOB_FAILED] == 1 && n_gone[JOB_CANCELLED] == 1);
    ck_assert(!is_there(jobs, old.id) && !is_there(jobs, failed.id) &&
              !is_there(jobs, cancelled.id));
    ck_assert(is_there(jobs, young.id) && is_there(jobs, paused.id));
    job_store_close(jobs);
    ck_assert_int_eq(sql_ask(&data, "jobs.db", "SELECT count(*) FROM events"), 2);
    ck_assert_int_eq(sql_ask(&data, "jobs.db", "SELECT count(*) FROM checkpoints"), 1);
    ck_assert_int_eq(sql_ask(&data, "jobs.db", "SELECT count(*) FROM states"), 1);
    folder_remove(&data);
}

TEST(many_events_go_a_part_at_a_time)
{
    struct job_store *jobs = jobs_opened("");
    size_t n_gone[JOB_N_STATUSES] = { 0 };
    struct job old = ended(jobs, 1, JOB_SUCCEEDED, LONG_AGO, 2 * JOB_DELETION_EVENTS + 1);
    ck_assert_int_eq(delete_all(jobs, NOW, n_gone), 3);
    ck_assert_uint_eq(n_gone[JOB_SUCCEEDED], 1);
    ck_assert(!is_there(jobs, old.id));
    job_store_close(jobs);
}

static struct lineage lineage_of(struct job_store *jobs, unsigned version, const char *job)
{
    struct fault fault;
    struct lineage lineage = { .model = "m", .version = version };
    snprintf(lineage.job, sizeof lineage.job, "%s", job);
    ck_assert_int_eq(job_store_put_lineage(jobs, &lineage, &fault), STATUS_OK);
    return lineage;
}

static void note_version(void *context, const struct lineage *lineage)
{
    unsigned *bits = context;
    *bits |= 1U << lineage->version;
}

TEST(lineage_outlives_its_job_and_is_told_apart)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    unsigned seen = 0;
    struct job kept = ended(jobs, 1, JOB_SUCCEEDED, NOW, 0);
    lineage_of(jobs, 2, "ftjob-gone");
    lineage_of(jobs, 3, kept.id);
    ck_assert_int_eq(job_store_each_jobless_lineage(jobs, note_version, &seen, &fault), STATUS_OK);
    ck_assert_uint_eq(seen, 1U << 2);
    job_store_close(jobs);
}

TEST(the_file_gives_its_room_back)
{
    enum { JOBS = 40, BYTES = 1 << 20 };
    struct folder data = data_make();
    struct job_store *jobs = jobs_opened(data.path);
    size_t n_gone[JOB_N_STATUSES] = { 0 };
    struct fault fault;
    bool has_more = true;
    for (unsigned k = 0; k < JOBS; k++) {
        struct job job = ended(jobs, k, JOB_SUCCEEDED, LONG_AGO, 0);
        checkpoint_added(jobs, job.number, k, BYTES);
    }
    delete_all(jobs, NOW, n_gone);
    ck_assert_uint_eq(n_gone[JOB_SUCCEEDED], JOBS);
    int n = 0;
    for (; has_more; n++) {
        ck_assert_int_eq(job_store_give_back(jobs, &has_more, &fault), STATUS_OK);
    }
    ck_assert_int_gt(n, 1); /* a part at a time */
    job_store_close(jobs);
    ck_assert_int_lt(sql_ask(&data, "jobs.db", "PRAGMA page_count"), 100);
    folder_remove(&data);
}

TEST(an_older_file_keeps_its_size)
{
    struct folder data = data_make();
    struct job_store *jobs = jobs_opened(data.path);
    struct fault fault;
    size_t n_gone[JOB_N_STATUSES] = { 0 };
    bool has_more = true;
    job_store_close(jobs);
    sql_run(&data, "jobs.db", "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM");
    jobs = jobs_opened(data.path);
    ended(jobs, 1, JOB_SUCCEEDED, LONG_AGO, 100);
    delete_all(jobs, NOW, n_gone);
    ck_assert_int_eq(job_store_give_back(jobs, &has_more, &fault), STATUS_OK);
    ck_assert(!has_more);
    job_store_close(jobs);
    ck_assert_int_eq(sql_ask(&data, "jobs.db", "PRAGMA auto_vacuum"), 0);
    folder_remove(&data);
}
