/* Which version is the active one, and what a switch-over by hand means for the jobs that made the
 * versions. */
#include "service/models/activate.h"

#include "service/jobs/job_support.h"
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- switching over ---- */

static struct activation switch_to(struct world *world, unsigned number, unsigned only_from)
{
    struct activation activation;
    service_context_turn(world->context);
    enum status status =
        activation_switch(world->context, "m", number, only_from, &activation, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    return activation;
}

TEST(a_switch_from_another_version_than_the_active_one_changes_nothing)
{
    struct world world;
    char path[256];
    world_start_with_data(&world);
    world_put_version(&world, network_file(HIDDEN, 7));
    world_put_version(&world, network_file(HIDDEN, 8));
    snprintf(path, sizeof path, "%s/models/m/active", world.data);
    unlink(path);
    struct activation activation = switch_to(&world, 3, 2);
    ck_assert(!activation.is_switched && activation.from == 1 && activation.to == 3);
    ck_assert_uint_eq(world_model(&world)->active->number, 1);
    ck_assert(!file_exists(path));
    activation = switch_to(&world, 3, 1);
    ck_assert(activation.is_switched && activation.is_durable);
    ck_assert(activation.from == 1 && activation.to == 3);
    ck_assert_uint_eq(world_model(&world)->active->number, 3);
    ck_assert(!switch_to(&world, 3, 0).is_switched); /* it is already */
    world_restart(&world);
    ck_assert_uint_eq(world_model(&world)->active->number, 3);
    world_done(&world);
}

TEST(a_choice_that_cannot_be_written_switches_nothing)
{
    struct world world;
    struct activation activation;
    char path[256];
    world_start_with_data(&world);
    world_put_version(&world, network_file(HIDDEN + 3, 7));
    expect_steps(&world, "s", 1, 1, 4);
    snprintf(path, sizeof path, "%s/models/m/active", world.data);
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/models/m/active/full", world.data);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* so that it is not replaced */
    ck_assert_int_eq(activation_switch(world.context, "m", 2, 0, &activation, &world.fault),
                     STATUS_STORAGE_FAILED);
    ck_assert_uint_eq(world_model(&world)->active->number, 1);
    expect_twin(&world, "s", 1, 5);
    world_done(&world);
}

/* Asked for explicitly, it is to stay when newer ones come. */
TEST(activating_the_active_version_writes_the_choice_down)
{
    struct world world;
    world_start_with_data(&world);
    world_put_version(&world, network_file(HIDDEN, 7));
    char path[256];
    snprintf(path, sizeof path, "%s/models/m/active", world.data);
    unlink(path);
    world_activate(&world, 1);
    ck_assert(file_exists(path));
    world_done(&world);
}

/* ---- what it means for jobs ---- */

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
    course.request.hyperparameters.n_epochs = 2; /* much is left for the second to gain */
    struct job first = course_start(&world, &course.request);
    job_wait(&world, first.id, JOB_SUCCEEDED);
    course.request.hyperparameters.n_epochs = 30;
    struct job second = course_start(&world, &course.request); /* from version 2 */
    second = job_wait(&world, second.id, JOB_SUCCEEDED);
    expect_promotion(&world, second.id, JOB_PROMOTED, "of the base version's");
    ck_assert_uint_eq(job_version(&world, &second)->parent, 2);
    expect_promotion(&world, first.id, JOB_PROMOTED, "of the base version's");
    world_activate(&world, 1);
    expect_promotion(&world, second.id, JOB_PROMOTED, "of the base version's");
    world_activate(&world, 3);
    world_activate(&world, 2);
    expect_promotion(&world, second.id, JOB_ROLLED_BACK, "version 2");
    expect_promotion(&world, first.id, JOB_PROMOTED, "of the base version's");
    world_activate(&world, 1);
    expect_promotion(&world, first.id, JOB_ROLLED_BACK, "version 1");
    world_done(&world);
}

/* Of one that is not over, the job thread looks again when it is. */
TEST(a_job_that_has_not_succeeded_is_told_nothing)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_start(&world);
    course_init(&course);
    struct job job = course_start(&world, &course.request);
    struct activation activation = { .model = "m", .is_switched = true, .from = 1, .to = 2 };
    snprintf(activation.to_job, sizeof activation.to_job, "%s", job.id);
    activation_note(world.service->job_database, &activation);
    expect_promotion(&world, job.id, JOB_NONE, "");
    ck_assert_int_eq(job_get(&world, job.id).status, JOB_QUEUED);
    ck_assert_int_eq(job_cancel(world.context, job.id, &job, &world.fault), STATUS_OK);
    activation_note(world.service->job_database, &activation);
    expect_promotion(&world, job.id, JOB_NONE, "");
    world_done(&world);
}
