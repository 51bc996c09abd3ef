/* Which version is the active one, and what a switch-over by hand means for the jobs that made the
 * versions. */
#include "service/models/activate.h"

#include "service/jobs/job_support.h"
#include "test.h"

#include <stdio.h>
#include <unistd.h>

static void start_with_data(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world_start(world);
}

/* Asked for explicitly, it is to stay when newer ones come. */
TEST(activating_the_active_version_writes_the_choice_down)
{
    struct world world;
    start_with_data(&world);
    world_put_version(&world, network_file(HIDDEN, 7));
    char path[256];
    snprintf(path, sizeof path, "%s/models/m/active", world.data);
    unlink(path);
    world_activate(&world, 1);
    ck_assert(file_exists(path));
    world_done(&world);
}

TEST(manual_versions_wait_for_a_hand)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    course.request.has_policy = true;
    course.request.policy = JOB_MANUAL;
    struct job job = course_start(&world, &course.request);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_NONE, "promotion is manual: activate version 2");
    ck_assert_uint_eq(world_model(&world)->active->number, 1);
    uint64_t generation = service_jobs_generation(world.service);
    world_activate(&world, 2);
    expect_promotion(&world, job.id, JOB_PROMOTED, "activated by hand");
    ck_assert_uint_gt(service_jobs_generation(world.service), generation);
    world_activate(&world, 1);
    expect_promotion(&world, job.id, JOB_ROLLED_BACK, "version 1, which the job started from");
    world_activate(&world, 2);
    expect_promotion(&world, job.id, JOB_PROMOTED, "activated by hand");
    world_done(&world);
}

TEST(a_rollback_is_one_only_to_the_version_before)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    struct job first = course_start(&world, &course.request);
    job_wait(&world, first.id, JOB_SUCCEEDED);
    struct job second = course_start(&world, &course.request); /* from version 2 */
    second = job_wait(&world, second.id, JOB_SUCCEEDED);
    expect_promotion(&world, second.id, JOB_PROMOTED, "beats");
    ck_assert_uint_eq(job_version(&world, &second)->parent, 2);
    expect_promotion(&world, first.id, JOB_PROMOTED, "beats");
    world_activate(&world, 1);
    expect_promotion(&world, second.id, JOB_PROMOTED, "beats");
    world_activate(&world, 3);
    world_activate(&world, 2);
    expect_promotion(&world, second.id, JOB_ROLLED_BACK, "version 2");
    expect_promotion(&world, first.id, JOB_PROMOTED, "beats");
    world_activate(&world, 1);
    expect_promotion(&world, first.id, JOB_ROLLED_BACK, "version 1");
    world_done(&world);
}
