/* The job database as the threads share it. */
#include "service/job_database.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static struct job_database *open_in_memory(void)
{
    struct fault fault;
    struct job_database *job_database;
    const struct config config = { .data = "" };
    ck_assert_int_eq(job_database_create(&config, &job_database, &fault), STATUS_OK);
    return job_database;
}

static struct job insert(struct job_database *job_database, enum job_status status)
{
    struct fault fault;
    struct job job = { .id = "ftjob-a", .model = "m", .status = status, .metrics = no_metrics };
    gru_hyperparameters_init(&job.hyperparameters);
    enum status inserted = job_store_insert(job_database_lock(job_database), &job,
                                            &(struct job_addition){ 0 }, &fault);
    job_database_unlock(job_database);
    ck_assert_int_eq(inserted, STATUS_OK);
    return job;
}

static size_t count_events(struct job_database *job_database, int64_t number)
{
    enum { ROOM = 10 };
    struct job_event events[ROOM];
    struct fault fault;
    size_t n;
    bool has_more;
    enum status status = job_store_list_events(job_database_lock(job_database), number, 0, ROOM,
                                               events, &n, &has_more, &fault);
    job_database_unlock(job_database);
    ck_assert_int_eq(status, STATUS_OK);
    return n;
}

TEST(a_change_from_another_status_changes_nothing_and_says_what_it_is)
{
    struct job_database *job_database = open_in_memory();
    struct job job = insert(job_database, JOB_PAUSED);
    struct job_event event = job_database_message(JOB_EVENT_INFO, "it runs");
    enum job_status now = JOB_RUNNING;
    struct fault fault;
    job.status = JOB_RUNNING;
    ck_assert_int_eq(job_database_change(job_database, &job, JOB_QUEUED, &event, 1, &now, &fault),
                     STATUS_OK);
    ck_assert_int_eq(now, JOB_PAUSED);
    ck_assert_uint_eq(count_events(job_database, job.number), 0);
    uint64_t generation = atomic_load(&job_database->generation);
    ck_assert_int_eq(job_database_change(job_database, &job, JOB_PAUSED, &event, 1, &now, &fault),
                     STATUS_OK);
    ck_assert_int_eq(now, JOB_RUNNING);
    ck_assert_uint_eq(count_events(job_database, job.number), 1);
    ck_assert_uint_gt(atomic_load(&job_database->generation), generation);
    job_database_free(job_database);
}

TEST(no_event_follows_the_end_of_a_job)
{
    struct job_database *job_database = open_in_memory();
    struct job job = insert(job_database, JOB_CANCELLED);
    job_database_add_event(job_database, &job, job_database_message(JOB_EVENT_INFO, "too late"));
    ck_assert_uint_eq(count_events(job_database, job.number), 0);
    job_database_free(job_database);
}

TEST(jobs_that_ended_beyond_the_list_are_found_by_a_sweep)
{
    struct job_database *job_database = open_in_memory();
    ck_assert(job_database->is_sweep_due); /* for those of an earlier process */
    job_database->is_sweep_due = false;
    job_database_lock(job_database);
    for (int64_t number = 1; number <= JOB_DATABASE_OVER; number++) {
        job_database_note_over_locked(job_database, number);
    }
    ck_assert(!job_database->is_sweep_due);
    job_database_note_over_locked(job_database, JOB_DATABASE_OVER + 1);
    ck_assert(job_database->is_sweep_due);
    job_database_unlock(job_database);
    job_database_free(job_database);
    job_database_free(NULL);
}

TEST(a_message_that_is_too_long_ends_with_a_whole_character)
{
    char text[2 * JOB_MESSAGE_MAX + 1] = "";
    for (size_t k = 0; k < JOB_MESSAGE_MAX; k++) {
        memcpy(text + 2 * k, "\xc3\xa4", 3);
    }
    struct job_event event = job_database_message(JOB_EVENT_WARN, "%s", text);
    size_t n = strlen(event.message);
    ck_assert_uint_eq(n, JOB_MESSAGE_MAX / 2 * 2);
    ck_assert_mem_eq(event.message, text, n);
    ck_assert(event.level == JOB_EVENT_WARN && !event.is_metrics && event.created_at_ms > 0);
}

TEST(the_counts_follow_the_database)
{
    struct job_database *job_database = open_in_memory();
    struct job job = insert(job_database, JOB_QUEUED);
    job_database_lock(job_database);
    job_database_note_new_locked(job_database, JOB_QUEUED);
    job_database_unlock(job_database);
    static const enum job_status wanted[] = { JOB_RUNNING, JOB_PAUSED, JOB_PAUSED, JOB_CANCELLED };
    static const enum job_status from[] = { JOB_QUEUED, JOB_RUNNING, JOB_RUNNING, JOB_PAUSED };
    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++) { /* the third changes nothing */
        enum job_status now;
        struct fault fault;
        size_t n_jobs[JOB_N_STATUSES];
        job.status = wanted[k];
        ck_assert_int_eq(job_database_change(job_database, &job, from[k], NULL, 0, &now, &fault),
                         STATUS_OK);
        ck_assert_int_eq(job_store_count(job_database->jobs, n_jobs, &fault), STATUS_OK);
        for (size_t j = 0; j < JOB_N_STATUSES; j++) {
            ck_assert_uint_eq(atomic_load(&job_database->n_jobs[j]), n_jobs[j]);
        }
    }
    job_database_free(job_database);
}
