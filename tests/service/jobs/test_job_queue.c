/* The queue: one job after the other, and how its threads start and stop. */
#include "job_support.h"
#include "test.h"

#include <string.h>

TEST(the_threads_stop_in_any_state)
{
    struct world world;
    struct course course;
    course_init(&course);
    course_make_endless(&course);
    world_init(&world);
    world_use_data(&world);
    for (uint64_t k = 0; k < 12; k++) {
        world_start(&world);
        if (k % 3 != 0) {
            world_start_jobs(&world);
        }
        if (k == 1) {
            course_start(&world, &course.request);
        }
        sleep_ms(k);
        world_stop_jobs(&world);
        world_stop_jobs(&world);
        world_stop(&world);
    }
    world_done(&world);
}

TEST(jobs_run_one_after_the_other)
{
    struct world world;
    struct course course;
    struct job jobs[3];
    size_t n;
    bool has_more;
    world_init(&world);
    world_start(&world);
    course_init(&course);
    struct job first = course_start(&world, &course.request);
    struct job second = course_start(&world, &course.request);
    world_start_jobs(&world);
    first = job_wait(&world, first.id, JOB_SUCCEEDED);
    second = job_wait(&world, second.id, JOB_SUCCEEDED);
    ck_assert(second.started_at_ms >= first.finished_at_ms);
    ck_assert_uint_eq(first.fine_tuned_version, 2);
    ck_assert_uint_eq(second.fine_tuned_version, 3);
    expect_digest(job_version(&world, &first)->digest, job_version(&world, &second)->digest);
    struct job_filter filter = { .status = -1 };
    ck_assert_int_eq(job_list(world.context, &filter, 1, jobs, &n, &has_more, &world.fault),
                     STATUS_OK);
    ck_assert(n == 1 && has_more && strcmp(jobs[0].id, second.id) == 0);
    filter = (struct job_filter){ .status = JOB_SUCCEEDED, .after = second.id, .model = "m" };
    ck_assert_int_eq(job_list(world.context, &filter, 3, jobs, &n, &has_more, &world.fault),
                     STATUS_OK);
    ck_assert(n == 1 && !has_more && strcmp(jobs[0].id, first.id) == 0);
    world_done(&world);
}
