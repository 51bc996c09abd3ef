/* What clients ask of jobs: to look at them, and to cancel, pause and resume them. */
#include "job_support.h"

#include "test.h"

#include <math.h>
#include <stdio.h>

/* ---- statuses ---- */

enum verb { CANCEL, PAUSE, RESUME, N_VERBS };

static enum status do_verb(struct world *world, enum verb verb, const char *id)
{
    struct job job;
    switch (verb) {
    case CANCEL:
        return job_cancel(world->context, id, &job, &world->fault);
    case PAUSE:
        return job_pause(world->context, id, &job, &world->fault);
    default:
        return job_resume(world->context, id, &job, &world->fault);
    }
}

static void expect_verbs(struct world *world, const char *id, enum status cancel, enum status pause,
                         enum status resume)
{
    const enum status due[N_VERBS] = { cancel, pause, resume };
    struct job before = job_get(world, id);
    for (int verb = 0; verb < N_VERBS; verb++) {
        if (due[verb] != STATUS_OK) {
            ck_assert_int_eq(do_verb(world, verb, id), due[verb]);
            struct job after = job_get(world, id);
            ck_assert_int_eq(after.status, before.status);
        }
    }
}

TEST(verbs_that_the_status_does_not_allow_conflict)
{
    const enum status no = STATUS_JOB_STATUS_CONFLICT;
    struct world world;
    struct course course;
    world_init(&world);
    world_start(&world);
    course_init(&course);
    struct job job = course_start(&world, &course.request);
    expect_verbs(&world, job.id, STATUS_OK, STATUS_OK, no);
    ck_assert_int_eq(do_verb(&world, PAUSE, job.id), STATUS_OK);
    expect_verbs(&world, job.id, STATUS_OK, no, STATUS_OK);
    ck_assert_int_eq(do_verb(&world, RESUME, job.id), STATUS_OK);
    ck_assert_int_eq(job_get(&world, job.id).status, JOB_QUEUED);
    ck_assert_int_eq(do_verb(&world, CANCEL, job.id), STATUS_OK);
    expect_verbs(&world, job.id, no, no, no);
    ck_assert_int_gt(job_get(&world, job.id).finished_at_ms, 0);
    for (int verb = 0; verb < N_VERBS; verb++) {
        ck_assert_int_eq(do_verb(&world, verb, "ftjob-none"), STATUS_JOB_NOT_FOUND);
    }
    world_start_jobs(&world);
    job_expect_forgotten(&world, &job);
    job = course_start(&world, &course.request);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_verbs(&world, job.id, no, no, no);
    job_expect_forgotten(&world, &job);
    world_done(&world);
}

TEST(a_cancelled_job_ends_at_once_and_says_nothing_more)
{
    struct world world;
    struct course course;
    struct job_event events[200];
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    course_make_endless(&course);
    struct job job = course_start(&world, &course.request);
    struct job next = course_start(&world, &course.request);
    job_wait_steps(&world, job.id, 100);
    uint64_t generation = service_jobs_generation(world.service);
    ck_assert_int_eq(do_verb(&world, CANCEL, job.id), STATUS_OK);
    ck_assert_uint_gt(service_jobs_generation(world.service), generation);
    size_t n = job_get_events(&world, job.id, events, 200);
    job_wait_steps(&world, next.id, 1);
    job_expect_forgotten(&world, &job);
    job = job_get(&world, job.id);
    ck_assert_int_eq(job.status, JOB_CANCELLED);
    ck_assert_int_eq(job.estimated_finish_ms, 0);
    ck_assert_uint_eq(job_get_events(&world, job.id, events, 200), n);
    ck_assert_str_eq(events[n - 1].message, "the job was cancelled");
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    world_done(&world); /* while the next one runs */
}

TEST(a_paused_job_lets_another_one_pass)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    struct job_request short_one = course.request;
    course_make_endless(&course);
    struct job job = course_start(&world, &course.request);
    job_wait_steps(&world, job.id, 100);
    struct job other = course_start(&world, &short_one);
    ck_assert_int_eq(do_verb(&world, PAUSE, job.id), STATUS_OK);
    job_wait(&world, other.id, JOB_SUCCEEDED);
    struct job paused = job_get(&world, job.id);
    ck_assert_int_eq(paused.status, JOB_PAUSED);
    ck_assert_int_eq(paused.estimated_finish_ms, 0);
    ck_assert_uint_ge(paused.step, 100);
    ck_assert_int_eq(do_verb(&world, RESUME, job.id), STATUS_OK);
    job = job_wait_steps(&world, job.id, paused.step + 1);
    ck_assert_int_ge((int64_t)job.running_ms, (int64_t)paused.running_ms);
    ck_assert_int_eq(job.started_at_ms, paused.started_at_ms);
    char words[64];
    snprintf(words, sizeof words, "training goes on from step %d of", (int)paused.step);
    ck_assert(job_has_event(&world, job.id, words));
    world_done(&world);
}

TEST(checkpoints_are_listed)
{
    struct world world;
    struct course course;
    struct job_checkpoint checkpoints[50];
    size_t n;
    bool has_more;
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    struct job job = course_start(&world, &course.request);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_int_eq(
        job_checkpoints(world.context, job.id, 0, 50, checkpoints, &n, &has_more, &world.fault),
        STATUS_OK);
    ck_assert(n >= 2 && !has_more);
    ck_assert_uint_eq(checkpoints[0].epoch, 30);
    ck_assert_uint_eq(checkpoints[n - 1].epoch, 1);
    ck_assert(isfinite(checkpoints[0].valid_loss));
    world_done(&world);
}
