/* The process is killed while it trains, or stores what it has trained: the weights are those of an
 * undisturbed run, and no version is stored twice. */
#include "job_support.h"
#include "recipe_support.h"

#include "service/random.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__

TEST(a_job_is_killed_in_a_fork)
{
    puts("a_job_is_killed_in_a_fork: SKIPPED, TSan lets no threads start in the fork of a process "
         "that has some, as OpenBLAS gives it");
}

#else

static void sleep_us(uint64_t us)
{
    usleep((useconds_t)us);
}

/* What the child says of its job, again and again. */
struct word {
    uint64_t status, step, n_steps; /* of one width: padding would be written as well */
};

__attribute__((noreturn)) static void work_until_killed(struct world *world, const char *id,
                                                        int pipe)
{
    world_start(world);
    world_start_jobs(world);
    for (;;) {
        struct job job = job_get(world, id);
        struct word word = { job.status, job.step, job.n_steps };
        if (write(pipe, &word, sizeof word) != (ssize_t)sizeof word) {
            _exit(3);
        }
        sleep_us(200);
    }
}

/* Where in its life the job is killed: some time after it has done so many steps of all. */
struct moment {
    double part;
    uint64_t us;
};

/* True: the child said that the job had succeeded before it was killed. */
static bool kill_at(struct world *world, const char *id, const struct moment *moment,
                    uint64_t *ret_step)
{
    int pipes[2];
    struct word word = { .n_steps = 0 };
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(pipes[0]);
        work_until_killed(world, id, pipes[1]);
    }
    close(pipes[1]);
    bool is_due = false;
    while (!is_due && read(pipes[0], &word, sizeof word) == (ssize_t)sizeof word) {
        is_due =
            job_is_over(word.status) || (double)word.step >= moment->part * (double)word.n_steps;
    }
    sleep_us(moment->us);
    kill(child, SIGKILL);
    while (read(pipes[0], &word, sizeof word) == (ssize_t)sizeof word) {
    }
    close(pipes[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                  "the child ended by itself: %x", status);
    *ret_step = word.step;
    return word.status == JOB_SUCCEEDED;
}

static struct job write_down(struct world *world, const struct course *course)
{
    world_start(world);
    struct job job = course_start(world, &course->request);
    world_stop(world);
    return job;
}

static void print_restarts(struct world *world, const char *id)
{
    enum { ROOM = 5000 };
    struct job_event *events = calloc(ROOM, sizeof *events);
    size_t n = job_get_events(world, id, events, ROOM);
    for (size_t k = 0; k < n; k++) {
        if (strstr(events[k].message, "again")) {
            puts(events[k].message);
        }
    }
    free(events);
}

TEST(killed_at_any_step_the_weights_are_the_same)
{
    enum { KILLS = 12 };
    struct world world;
    struct course course;
    uint64_t seed = 88172645463325252ULL, n_steps = 0;
    course_init(&course);
    course.request.hyperparameters.n_epochs = 2000;
    course.request.hyperparameters.batch_size = 1;
    course.request.hyperparameters.window = 16;
    course.request.hyperparameters.early_stopping_patience = 1000000;
    course.request.hyperparameters.dropout = 0.1;
    struct digest digest = undisturbed_digest(&course.request);
    world_init(&world);
    world_use_data(&world);
    struct job job = write_down(&world, &course);
    for (int kills = 0; kills < KILLS; kills++) {
        struct moment moment = { .part = 0.06 * kills, .us = next_random(&seed) % 30000 };
        uint64_t step;
        ck_assert(!kill_at(&world, job.id, &moment, &step));
        n_steps += step;
    }
    world_start(&world);
    struct job killed = job_get(&world, job.id);
    ck_assert_int_eq(killed.status, JOB_RUNNING);
    ck_assert_uint_gt(n_steps, killed.n_steps);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert(job_has_event(&world, job.id, "grud was started again: training goes on from step"));
    ck_assert_uint_eq(job.epoch, 2000);
    ck_assert_int_ge((int64_t)job.running_ms, (int64_t)killed.running_ms);
    expect_digest(job_version(&world, &job)->digest, digest);
    if (getenv("GRUD_TEST_FIGURES")) { /* NOLINT(concurrency-mt-unsafe) */
        print_restarts(&world, job.id);
    }
    world_done(&world);
}

TEST(killed_at_any_moment_a_recipe_ends_with_the_same_weights)
{
    enum { KILLS = 8 };
    struct world world;
    struct recipe_course course;
    uint64_t seed = 3935559000370003845ULL;
    recipe_course_init(&course);
    const struct digest digest = undisturbed_recipe_digest(&course.request);
    recipe_world_init(&world);
    world_use_data(&world);
    world_start(&world);
    struct job job = course_start(&world, &course.request);
    world_stop(&world);
    for (int kills = 0; kills < KILLS; kills++) {
        const struct moment moment = { .us = 2000U << next_random(&seed) % 8 };
        uint64_t step;
        kill_at(&world, job.id, &moment, &step);
    }
    world_start(&world);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert(job_has_event(&world, job.id, "grud was started again"));
    expect_digest(job_version(&world, &job)->digest, digest);
    ck_assert_uint_eq(world_model(&world)->n_versions, 2);
    world_done(&world);
}

TEST(killed_at_its_end_a_job_stores_one_version)
{
    enum { KILLS = 40 };
    struct world world;
    struct course course;
    uint64_t seed = 1181783497276652981ULL;
    unsigned n_jobs = 1, n_unfinished = 0, n_in_vain = 0;
    course_init(&course);
    course.request.version = 1;
    course.request.hyperparameters.n_epochs = 5;
    struct digest digest = undisturbed_digest(&course.request);
    world_init(&world);
    world_use_data(&world);
    struct job job = write_down(&world, &course);
    for (int kills = 0; kills < KILLS; kills++) {
        /* Later and later where the machine is too busy to get to the end. */
        struct moment moment = { .part = 1, .us = 1U << next_random(&seed) % (17 + n_in_vain / 4) };
        uint64_t step;
        kill_at(&world, job.id, &moment, &step);
        world_start(&world);
        job = job_get(&world, job.id);
        if (job.status == JOB_SUCCEEDED) {
            expect_digest(job_version(&world, &job)->digest, digest);
            ck_assert_str_eq(job_version(&world, &job)->job, job.id);
            ck_assert_uint_eq(world_model(&world)->n_versions, 1 + n_jobs);
            job = course_start(&world, &course.request);
            n_jobs++;
            n_in_vain = 0;
        } else {
            n_unfinished++;
            n_in_vain++;
            ck_assert_uint_le(world_model(&world)->n_versions, 1 + n_jobs);
        }
        world_stop(&world);
    }
    ck_assert_uint_gt(n_jobs, 1);
    world_start(&world);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_digest(job_version(&world, &job)->digest, digest);
    ck_assert_uint_eq(world_model(&world)->n_versions, 1 + n_jobs);
    if (getenv("GRUD_TEST_FIGURES")) { /* NOLINT(concurrency-mt-unsafe) */
        printf("kills at the end: %d, jobs: %d, unfinished: %d\n", KILLS, (int)n_jobs,
               (int)n_unfinished);
    }
    world_done(&world);
}

#endif
