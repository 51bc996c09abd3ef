/* The law of jobs that are interrupted: paused, stopped with the process, or without a checkpoint
 * that can be read, they end with the weights of one that nothing disturbed. */
#include "job_support.h"

#include "service/job_database.h"
#include "test.h"

#include <math.h>
#include <stdio.h>

static void pause_job(struct world *world, const char *id)
{
    struct job job;
    ck_assert_int_eq(job_pause(world->context, id, &job, &world->fault), STATUS_OK);
}

static void resume_job(struct world *world, const char *id)
{
    struct job job;
    ck_assert_int_eq(job_resume(world->context, id, &job, &world->fault), STATUS_OK);
}

/* That a job has room for. Fewer are made, so that none comes too late on a busy machine. */
enum { INTERRUPTIONS = 24 };

TEST(paused_and_resumed_gives_the_same_weights)
{
    struct world world;
    struct course course;
    struct digest digest;
    struct job job = course_start_long(&world, &course, false, &digest);
    for (uint64_t k = 1; k <= 8; k++) {
        job = job_wait_steps(&world, job.id, k * job.n_steps / INTERRUPTIONS);
        pause_job(&world, job.id);
        if (k % 2 == 0) { /* else it is resumed before the job thread has looked */
            sleep_ms(20);
        }
        resume_job(&world, job.id);
    }
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(job.epoch, LONG_EPOCHS);
    expect_digest(job_version(&world, &job)->digest, digest);
    world_done(&world);
}

TEST(stopped_and_started_gives_the_same_weights)
{
    struct world world;
    struct course course;
    struct digest digest;
    struct job job = course_start_long(&world, &course, true, &digest);
    for (uint64_t k = 1; k <= 6; k++) {
        job = job_wait_steps(&world, job.id, k * job.n_steps / INTERRUPTIONS);
        world_stop_jobs(&world);
        struct job stopped = job_get(&world, job.id);
        ck_assert_int_eq(stopped.status, JOB_RUNNING);
        world_restart(&world);
        world_start_jobs(&world);
        char words[64];
        snprintf(words, sizeof words, "goes on from step %d of", (int)stopped.step);
        job_wait_steps(&world, job.id, stopped.step + 1);
        ck_assert(job_has_event(&world, job.id, words));
    }
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_digest(job_version(&world, &job)->digest, digest);
    struct job kept = job;
    world_restart(&world);
    job = job_get(&world, job.id);
    ck_assert_mem_eq(&job.metrics, &kept.metrics, sizeof job.metrics);
    ck_assert_int_eq(job.status, JOB_SUCCEEDED);
    world_done(&world);
}

TEST(a_damaged_checkpoint_begins_again)
{
    struct world world;
    struct course course;
    course_init(&course);
    course_make_long(&course);
    struct digest digest = undisturbed_digest(&course.request);
    world_init(&world);
    world_start(&world);
    struct job job = course_start(&world, &course.request);
    struct job_checkpoint checkpoint = { .step = 5, .train_loss = NAN, .valid_loss = NAN };
    struct job_database *job_database = world.service->job_database;
    ck_assert_int_eq(job_store_add_checkpoint(job_database_lock(job_database), job.number,
                                              &checkpoint, "damaged", 7, &world.fault),
                     STATUS_OK);
    job_database_unlock(job_database);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert(job_has_event(&world, job.id, "training starts again from the beginning"));
    expect_digest(job_version(&world, &job)->digest, digest);
    world_done(&world);
}

TEST(a_job_paused_before_the_end_of_the_process_stays_paused)
{
    struct world world;
    struct course course;
    struct digest digest;
    struct job job = course_start_long(&world, &course, true, &digest);
    job_wait_steps(&world, job.id, 1000);
    pause_job(&world, job.id);
    world_restart(&world);
    world_start_jobs(&world);
    sleep_ms(30);
    ck_assert_int_eq(job_get(&world, job.id).status, JOB_PAUSED);
    resume_job(&world, job.id);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_digest(job_version(&world, &job)->digest, digest);
    world_done(&world);
}

/* ---- the verdict ---- */

static void expect_same_verdict(const struct job *a, const struct job *b)
{
    ck_assert_int_eq(a->promotion, b->promotion);
    ck_assert_str_eq(a->promotion_reason, b->promotion_reason);
}

TEST(a_job_that_was_paused_is_judged_as_one_that_was_not)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    course_make_long(&course);
    course.request.gate.min_relative_gain = 0.9999; /* no version becomes another base */
    struct job whole = course_start(&world, &course.request);
    whole = job_wait(&world, whole.id, JOB_SUCCEEDED);
    struct job job = course_start(&world, &course.request);
    job_wait_steps(&world, job.id, 20);
    world_stop_jobs(&world);
    world_restart(&world);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_same_verdict(&job, &whole);
    expect_digest(job_version(&world, &job)->digest, job_version(&world, &whole)->digest);
    world_done(&world);
}

TEST(a_job_that_was_killed_after_its_version_was_stored_is_judged_the_same)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    struct job whole = course_start(&world, &course.request);
    whole = job_wait(&world, whole.id, JOB_SUCCEEDED);
    ck_assert_int_eq(whole.promotion, JOB_PROMOTED);
    world_stop_jobs(&world);
    struct job job = whole;
    job_make_unfinished(&world, &job, &course);
    world_restart(&world);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_same_verdict(&job, &whole);
    world_done(&world);
}
