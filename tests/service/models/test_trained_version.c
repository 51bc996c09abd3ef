/* Versions that jobs made: stored once, whatever happens in between, and from the base that the job
 * started from. */
#include "service/models/trained_version.h"

#include "service/jobs/job_support.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void delete_version(struct world *world, unsigned number)
{
    service_context_turn(world->context);
    enum status status = model_delete_version(world->context, "m", number, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
}

TEST(a_job_whose_base_is_deleted_fails)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    course.request.version = world_put_version(&world, network_file(HIDDEN, 9));
    course.request.hyperparameters.n_epochs = 1000000;
    course.request.hyperparameters.early_stopping_patience = 0;
    struct job job = course_start(&world, &course.request);
    job_wait_steps(&world, job.id, 20);
    delete_version(&world, course.request.version);
    job = job_wait(&world, job.id, JOB_FAILED);
    ck_assert_int_eq(job.error.status, STATUS_VERSION_NOT_FOUND);
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    struct job_event events[200];
    size_t n = job_get_events(&world, job.id, events, 200);
    ck_assert_int_eq(events[n - 1].level, JOB_EVENT_ERROR);
    world_done(&world);
}

/* By hand, while grud is down. */
static void replace_version(const struct world *world, unsigned number, struct bytes bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/models/m/%u.safetensors", world->data, number);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.n, file), bytes.n);
    ck_assert_int_eq(fclose(file), 0);
    free(bytes.p);
}

TEST(a_job_whose_base_is_another_one_by_now_fails)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    course_init(&course);
    course.request.version = world_put_version(&world, network_file(HIDDEN, 9));
    struct job job = course_start(&world, &course.request);
    world_stop(&world);
    replace_version(&world, 2, network_file(HIDDEN, 10));
    world_start(&world);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_FAILED);
    ck_assert_int_eq(job.error.status, STATUS_DIGEST_MISMATCH);
    world_done(&world);
}

TEST(a_job_whose_model_is_gone_fails)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_use_data(&world);
    world_add_model(&world, "n", network_file(HIDDEN, 9));
    world_start(&world);
    course_init(&course);
    course.request.model = "n";
    struct job job = course_start(&world, &course.request);
    world_stop(&world);
    char path[128];
    snprintf(path, sizeof path, "%s/n.safetensors", world.models);
    ck_assert_int_eq(remove(path), 0);
    world_start(&world);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_FAILED);
    ck_assert_int_eq(job.error.status, STATUS_MODEL_NOT_FOUND);
    world_done(&world);
}

TEST(lineage_survives_a_restart_as_long_as_the_file_does)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    world_restart(&world);
    const struct version *version = job_version(&world, &job);
    ck_assert_uint_eq(version->parent, 1);
    ck_assert_str_eq(version->job, job.id);
    ck_assert_mem_eq(&version->metrics, &job.metrics, sizeof job.metrics);
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    ck_assert(isnan(world_model(&world)->versions[0].metrics.valid_loss));
    struct bytes other = network_file(HIDDEN, 99);
    file_store(version->path, other.p, other.n);
    free(other.p);
    world_restart(&world);
    version = job_version(&world, &job);
    ck_assert_uint_eq(version->parent, 0);
    ck_assert_str_eq(version->job, "");
    world_done(&world);
}

TEST(a_job_never_stores_two_versions)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    world_stop_jobs(&world);
    job_make_unfinished(&world, &job, &course);
    world_restart(&world);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(job.fine_tuned_version, 2);
    expect_promotion(&world, job.id, JOB_PROMOTED, "beats");
    ck_assert_uint_eq(world_model(&world)->n_versions, 2);
    world_done(&world);
}

/* Out of time, a job that is killed after that may train a little more when it goes on. */
TEST(a_job_has_the_losses_of_the_version_that_it_stored)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    struct job_metrics metrics = job.metrics;
    world_stop_jobs(&world);
    for (size_t k = 0; k < WAVE_SERIES; k++) {
        course.series[k].n_rows -= 100; /* so that it trains to other losses */
    }
    job_make_unfinished(&world, &job, &course);
    world_restart(&world);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(job.fine_tuned_version, 2);
    ck_assert_mem_eq(&job.metrics, &metrics, sizeof metrics);
    world_done(&world);
}

TEST(numbers_of_files_that_are_not_served_are_left_alone)
{
    struct world world;
    struct course course;
    char path[128];
    world_begin_course(&world, &course);
    snprintf(path, sizeof path, "%s/models/m", world.data);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/models/m/2.safetensors", world.data);
    file_store(path, "not one", 7);
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(job.fine_tuned_version, 3);
    world_restart(&world);
    ck_assert_str_eq(job_version(&world, &job)->job, job.id);
    world_done(&world);
}
