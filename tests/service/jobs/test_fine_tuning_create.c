/* What a request for a job must be, and what becomes of one that is taken. */
#include "job_support.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

TEST(the_queue_has_a_bound)
{
    struct world world;
    struct course course;
    world_init(&world);
    world.config.job_max = 2;
    world_start(&world);
    course_init(&course);
    struct job first = course_start(&world, &course.request);
    course_start(&world, &course.request);
    expect_refused(&world, &course.request, STATUS_QUEUE_FULL, "");
    ck_assert_int_eq(job_cancel(world.context, first.id, &first, &world.fault), STATUS_OK);
    course_start(&world, &course.request);
    struct service_figures figures;
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_jobs[JOB_QUEUED], 2);
    ck_assert_uint_eq(figures.n_jobs[JOB_CANCELLED], 1);
    world_done(&world);
}

TEST(jobs_that_are_paused_wait_as_well)
{
    struct world world;
    struct course course;
    world_init(&world);
    world.config.job_max = 2;
    world_start(&world);
    course_init(&course);
    struct job first = course_start(&world, &course.request);
    struct job second = course_start(&world, &course.request);
    ck_assert_int_eq(job_pause(world.context, first.id, &first, &world.fault), STATUS_OK);
    ck_assert_int_eq(job_pause(world.context, second.id, &second, &world.fault), STATUS_OK);
    expect_refused(&world, &course.request, STATUS_QUEUE_FULL, "");
    ck_assert_int_eq(job_resume(world.context, first.id, &first, &world.fault), STATUS_OK);
    ck_assert_int_eq(job_cancel(world.context, second.id, &second, &world.fault), STATUS_OK);
    course_start(&world, &course.request);
    world_done(&world);
}

TEST(a_job_beyond_the_memory_is_refused_with_both_numbers)
{
    struct world world;
    struct course course;
    enum { ROWS = 200000 };
    double *x = calloc((size_t)ROWS * INPUTS, sizeof *x);
    world_init(&world);
    world.config.job_memory_max = 1 << 20;
    world_start(&world);
    course_init(&course);
    struct gru_series large = { .x = x, .n_rows = ROWS };
    course.request.series = &large;
    course.request.n_series = 1;
    expect_refused(&world, &course.request, STATUS_JOB_TOO_LARGE, "");
    ck_assert_ptr_nonnull(strstr(world.fault.message, "3200000"));
    ck_assert_ptr_nonnull(strstr(world.fault.message, "1048576"));
    free(x);
    world_done(&world);
}

TEST(requests_that_cannot_work_are_refused_by_name)
{
    struct world world;
    struct course course;
    const char *session = "a";
    const char *bad = "a b";
    char metadata[JOB_METADATA_MAX + 2];
    world_init(&world);
    world_start(&world);
    course_init(&course);
    struct job_request request = course.request;
    request.model = "none";
    expect_refused(&world, &request, STATUS_MODEL_NOT_FOUND, "model");
    request = course.request;
    request.version = 9;
    expect_refused(&world, &request, STATUS_VERSION_NOT_FOUND, "version");
    request = course.request;
    request.hyperparameters.learning_rate = -1;
    expect_refused(&world, &request, STATUS_INVALID_TRAINING, "hyperparameters.learning_rate");
    request = course.request;
    request.validation_fraction = 1;
    expect_refused(&world, &request, STATUS_INVALID_VALUE, "validation.fraction");
    request = course.request;
    static const double gains[] = { 1, 1.5, -0.1 };
    for (size_t k = 0; k < sizeof gains / sizeof *gains; k++) {
        request.gate = job_gate_default;
        request.gate.confidence = gains[k];
        expect_refused(&world, &request, STATUS_INVALID_VALUE, "promotion.confidence");
        request.gate.min_relative_gain = gains[k];
        expect_refused(&world, &request, STATUS_INVALID_VALUE, "promotion.min_relative_gain");
        ck_assert_msg(strstr(world.fault.message, "must be at least 0 and below 1, not "), "%s",
                      world.fault.message);
    }
    request = course.request;
    request.validation_fraction = 0;
    request.has_policy = true;
    expect_refused(&world, &request, STATUS_INVALID_VALUE, "promotion.policy");
    request = course.request;
    request.source = JOB_SESSIONS;
    request.sessions = &session;
    request.n_sessions = 1;
    expect_refused(&world, &request, STATUS_RECORDING_OFF, "");
    world.config.record = 10;
    request.sessions = &bad;
    expect_refused(&world, &request, STATUS_INVALID_VALUE, "training.sessions[0]");
    request.source = JOB_SESSIONS_PREFIX;
    expect_refused(&world, &request, STATUS_INVALID_VALUE, "training.sessions_prefix");
    request = course.request;
    request.n_series = 0;
    expect_refused(&world, &request, STATUS_INVALID_TRAINING, "training.series");
    request = course.request;
    memset(metadata, 'x', sizeof metadata - 1);
    metadata[sizeof metadata - 1] = '\0';
    request.metadata = metadata;
    expect_refused(&world, &request, STATUS_INVALID_VALUE, "metadata");
    request = course.request;
    course.x[1][5] = INFINITY;
    expect_refused(&world, &request, STATUS_INVALID_TRAINING, "training.series[1].x[2][1]");
    struct service_figures figures;
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_jobs[JOB_QUEUED], 0);
    world_done(&world);
}

TEST(without_a_policy_validation_decides)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_start(&world);
    course_init(&course);
    ck_assert_int_eq(course_start(&world, &course.request).policy, JOB_AUTO);
    course.request.validation_fraction = 0;
    ck_assert_int_eq(course_start(&world, &course.request).policy, JOB_MANUAL);
    course.request.validation = course.series;
    course.request.n_validation = 1;
    ck_assert_int_eq(course_start(&world, &course.request).policy, JOB_AUTO);
    course.request.has_policy = true;
    course.request.policy = JOB_MANUAL;
    ck_assert_int_eq(course_start(&world, &course.request).policy, JOB_MANUAL);
    world_done(&world);
}

TEST(missing_readings_are_counted)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_start(&world);
    course_init(&course);
    course.x[0][10] = course.x[0][11] = course.x[1][100] = NAN;
    struct job job = course_start(&world, &course.request);
    ck_assert(job_has_event(
        &world, job.id,
        "2 series, 800 readings; 3 of their 1600 values are missing (filled: forecast)"));
    world_done(&world);
}
