/* What the job thread does however long a job takes: it forgets the data of those that ended, and
 * it goes on, or gives up, where the disk refuses. */
#include "job_support.h"
#include "service/job_database.h"
#include "test.h"

#include <stdio.h>

TEST(data_of_cancelled_jobs_do_not_wait_for_the_end_of_another)
{
    enum { CANCELLED = JOB_DATABASE_OVER + 4 };
    struct world world;
    struct course course;
    struct job jobs[CANCELLED];
    size_t n = 0;
    world_init(&world);
    world.config.job_max = CANCELLED;
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    course_make_endless(&course);
    struct job long_one = course_start(&world, &course.request);
    job_wait(&world, long_one.id, JOB_RUNNING);
    for (size_t k = 0; k < CANCELLED; k++) {
        jobs[k] = course_start(&world, &course.request);
        ck_assert_uint_eq(job_count_series(&world, &jobs[k]), WAVE_SERIES);
    }
    for (size_t k = 0; k < CANCELLED; k++) {
        ck_assert_int_eq(job_cancel(world.context, jobs[k].id, &jobs[k], &world.fault), STATUS_OK);
    }
    for (int ms = 0; ms < 10000; ms += 10) {
        n = 0;
        arena_reset(&world.kept);
        for (size_t k = 0; k < CANCELLED; k++) {
            n += job_count_series(&world, &jobs[k]);
        }
        if (n == 0) {
            break;
        }
        sleep_ms(10);
    }
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(job_get(&world, long_one.id).status, JOB_RUNNING);
    ck_assert_uint_eq(job_count_series(&world, &long_one), WAVE_SERIES);
    world_done(&world);
}

TEST(training_goes_on_while_the_disk_is_full)
{
    struct world world;
    struct course course;
    struct digest digest;
    struct job job = course_start_long(&world, &course, true, &digest);
    job = job_wait_steps(&world, job.id, 500);
    disk_limit(1);
    uint64_t n_trained = atomic_load(&world.service->counters.n_training_steps);
    while (atomic_load(&world.service->counters.n_training_steps) < n_trained + 400) {
        ck_assert_int_eq(job_get(&world, job.id).status, JOB_RUNNING);
        sleep_ms(1);
    }
    disk_limit(0);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_digest(job_version(&world, &job)->digest, digest);
    world_done(&world);
}

TEST(a_version_that_cannot_be_stored_fails_the_job)
{
    struct world world;
    struct course course;
    char path[128];
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    snprintf(path, sizeof path, "%s/models/m", world.data);
    file_store(path, "", 0); /* where the folder of its versions belongs */
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_FAILED);
    ck_assert_int_eq(job.error.status, STATUS_STORAGE_FAILED);
    ck_assert_uint_eq(job.fine_tuned_version, 0);
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    expect_steps(&world, "a", 1, 1, 3);
    remove(path);
    job = course_start(&world, &course.request);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    world_done(&world);
}
