/* --job-keep-days: what becomes of jobs that ended long ago. */
#include "base/clock.h"
#include "job_support.h"
#include "service/job_database.h"
#include "test.h"

enum { DAYS = 30, PATIENCE_MS = 60000 };

static const int64_t DAY_MS = 24 * 3600 * 1000LL;

/* A world in which a job has made version 2 of m, another made version 3, which was deleted, and a
 * third was cancelled; its threads do not run. */
static void begin(struct world *world, struct job jobs[3])
{
    struct course course;
    world_begin_course(world, &course);
    for (size_t k = 0; k < 2; k++) {
        jobs[k] = course_start(world, &course.request);
        jobs[k] = job_wait(world, jobs[k].id, JOB_SUCCEEDED);
    }
    course_make_endless(&course);
    jobs[2] = course_start(world, &course.request);
    ck_assert_int_eq(job_cancel(world->context, jobs[2].id, &jobs[2], &world->fault), STATUS_OK);
    service_context_turn(world->context);
    world_activate(world, 1);
    ck_assert_int_eq(model_delete_version(world->context, "m", 3, &world->fault), STATUS_OK);
    world_stop_jobs(world);
}

static bool is_there(struct world *world, const char *id)
{
    struct job job;
    return job_find(world->context, id, &job, &world->fault) == STATUS_OK;
}

static void let_days_pass(int64_t days)
{
    clock_set_steady(clock_steady_ms() + days * DAY_MS, 0);
}

static void await_gone(struct world *world, const char *id)
{
    for (int ms = 0; is_there(world, id); ms += 10) {
        ck_assert_int_lt(ms, PATIENCE_MS);
        sleep_ms(10);
    }
}

TEST(jobs_go_after_their_days_and_the_lineage_of_versions_stays)
{
    struct world world;
    struct job jobs[3];
    begin(&world, jobs);
    let_days_pass(DAYS + 1);
    world.config.job_keep_days = DAYS;
    world_start_jobs(&world);
    for (size_t k = 0; k < 3; k++) {
        await_gone(&world, jobs[k].id);
    }
    world_stop_jobs(&world);
    struct service_figures figures;
    service_read_figures(world.service, &figures);
    for (size_t k = 0; k < JOB_N_STATUSES; k++) {
        ck_assert_uint_eq(figures.n_jobs[k], 0);
    }
    world_restart(&world);
    const struct version *version;
    ck_assert_int_eq(version_find(world_model(&world), 2, &version, &world.fault), STATUS_OK);
    ck_assert_str_eq(version->job, jobs[0].id);
    ck_assert_uint_eq(version->parent, 1);
    world_done(&world);
}

TEST(younger_jobs_stay_and_without_days_all_do)
{
    for (size_t days = 0; days <= DAYS; days += DAYS) {
        struct world world;
        struct course course;
        struct job jobs[3];
        begin(&world, jobs);
        let_days_pass(days == 0 ? 1000 : DAYS - 1);
        world.config.job_keep_days = days;
        world_start_jobs(&world);
        course_init(&course);
        struct job last = course_start(&world, &course.request);
        job_wait(&world, last.id, JOB_SUCCEEDED); /* by then the thread has looked */
        for (size_t k = 0; k < 3; k++) {
            ck_assert(is_there(&world, jobs[k].id));
        }
        world_done(&world);
    }
}
