/* Jobs that learn from what sessions recorded. */
#include "job_support.h"

#include "test.h"

#include <stdlib.h>

static void record(struct world *world, const char *session, uint64_t stream, uint64_t n)
{
    expect_steps(world, session, stream, 1, n);
}

static struct job_request request_of_sessions(const struct course *course,
                                              const char *const *sessions, size_t n)
{
    struct job_request request = course->request;
    request.source = JOB_SESSIONS;
    request.series = NULL;
    request.n_series = 0;
    request.sessions = sessions;
    request.n_sessions = n;
    return request;
}

TEST(a_job_learns_from_what_sessions_recorded)
{
    struct world world;
    struct course course;
    const char *const sessions[] = { "pump-1", "pump-2" };
    world_init(&world);
    world.config.record = 1000;
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    record(&world, "pump-1", 1, 120);
    record(&world, "pump-2", 2, 80);
    record(&world, "tank-1", 3, 50);
    struct job_request request = request_of_sessions(&course, sessions, 2);
    struct job job = course_start(&world, &request);
    ck_assert_int_eq(job.status, JOB_VALIDATING);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert(job_has_event(&world, job.id, "2 series, 200 readings"));
    request.source = JOB_SESSIONS_PREFIX;
    request.sessions = (const char *const[]){ "tank-" };
    request.n_sessions = 1;
    job = course_start(&world, &request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert(job_has_event(&world, job.id, "1 series, 50 readings"));
    world_done(&world);
}

TEST(what_was_recorded_and_posted_trains_the_same)
{
    struct world world;
    struct course course;
    const char *const sessions[] = { "pump-1" };
    double *x = readings(1, 1, 120);
    world_init(&world);
    world.config.record = 1000;
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    record(&world, "pump-1", 1, 120);
    struct job_request request = request_of_sessions(&course, sessions, 1);
    request.validation_fraction = 0;
    request.validation = course.series;
    request.n_validation = 1;
    struct job recorded = course_start(&world, &request);
    struct gru_series series = { .x = x, .n_rows = 120 };
    request.source = JOB_SERIES;
    request.series = &series;
    request.n_series = 1;
    request.version = 1;
    struct job posted = course_start(&world, &request);
    recorded = job_wait(&world, recorded.id, JOB_SUCCEEDED);
    posted = job_wait(&world, posted.id, JOB_SUCCEEDED);
    expect_digest(job_version(&world, &recorded)->digest, job_version(&world, &posted)->digest);
    free(x);
    world_done(&world);
}

TEST(sessions_without_a_recording_fail_the_job)
{
    struct world world;
    struct course course;
    const char *const sessions[] = { "pump-1", "none" };
    world_init(&world);
    world.config.record = 1000;
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    record(&world, "pump-1", 1, 20);
    struct job_request request = request_of_sessions(&course, sessions, 2);
    struct job job = course_start(&world, &request);
    job = job_wait(&world, job.id, JOB_FAILED);
    ck_assert_int_eq(job.error.status, STATUS_SESSION_NOT_FOUND);
    ck_assert_str_eq(job.error.param, "training.sessions[1]");
    ck_assert(job.finished_at_ms > 0);
    world_done(&world);
}

TEST(a_job_that_waits_for_recordings_fails_where_nothing_is_recorded_any_more)
{
    struct world world;
    struct course course;
    const char *const sessions[] = { "pump-1" };
    world_init(&world);
    world_use_data(&world);
    world.config.record = 1000;
    world_start(&world);
    course_init(&course);
    record(&world, "pump-1", 1, 20);
    struct job_request request = request_of_sessions(&course, sessions, 1);
    struct job job = course_start(&world, &request);
    ck_assert_int_eq(job_pause(world.context, job.id, &job, &world.fault), STATUS_OK);
    ck_assert_int_eq(job_resume(world.context, job.id, &job, &world.fault), STATUS_OK);
    ck_assert_int_eq(job.status, JOB_VALIDATING); /* there are no data yet */
    world.config.record = 0;
    world_restart(&world);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_FAILED);
    ck_assert_int_eq(job.error.status, STATUS_RECORDING_OFF);
    world_done(&world);
}
