/* Jobs that are cancelled, paused, interrupted: their statuses, and the law that an interruption
 * leaves no trace in the weights. */
#include "job_support.h"

#include "service/job_database.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Long enough to be met in the middle; its end comes soon enough. TSan makes a step many times as
 * long. */
#ifdef __SANITIZE_THREAD__
enum { LONG_EPOCHS = 100 };
#else
enum { LONG_EPOCHS = 400 };
#endif

static void make_long(struct course *course)
{
    course->request.hyperparameters.n_epochs = LONG_EPOCHS;
    course->request.hyperparameters.batch_size = 1;
    course->request.hyperparameters.window = 8;
    course->request.hyperparameters.early_stopping_patience = 0;
    course->request.hyperparameters.dropout = 0.1;
}

/* One that does not end by itself. */
static void make_endless(struct course *course)
{
    make_long(course);
    course->request.hyperparameters.n_epochs = 1000000;
    course->request.hyperparameters.batch_size = WAVE_SERIES;
}

static size_t count_series(struct world *world, const struct job *job)
{
    struct job_series *series;
    size_t n;
    struct job_database *job_database = world->service->job_database;
    enum status status = job_store_read_series(job_database_lock(job_database), job->number,
                                               &world->kept, &series, &n, &world->fault);
    job_database_unlock(job_database);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    return n;
}

static void expect_forgotten(struct world *world, const struct job *job)
{
    for (int ms = 0; ms < 5000 && count_series(world, job) > 0; ms++) {
        sleep_ms(1);
    }
    ck_assert_uint_eq(count_series(world, job), 0);
}

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
    expect_forgotten(&world, &job);
    job = course_start(&world, &course.request);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_verbs(&world, job.id, no, no, no);
    expect_forgotten(&world, &job);
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
    make_endless(&course);
    struct job job = course_start(&world, &course.request);
    struct job next = course_start(&world, &course.request);
    job_wait_steps(&world, job.id, 100);
    uint64_t generation = service_jobs_generation(world.service);
    ck_assert_int_eq(do_verb(&world, CANCEL, job.id), STATUS_OK);
    ck_assert_uint_gt(service_jobs_generation(world.service), generation);
    size_t n = job_get_events(&world, job.id, events, 200);
    job_wait_steps(&world, next.id, 1);
    expect_forgotten(&world, &job);
    job = job_get(&world, job.id);
    ck_assert_int_eq(job.status, JOB_CANCELLED);
    ck_assert_int_eq(job.estimated_finish_ms, 0);
    ck_assert_uint_eq(job_get_events(&world, job.id, events, 200), n);
    ck_assert_str_eq(events[n - 1].message, "the job was cancelled");
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    world_done(&world); /* while the next one runs */
}

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
    make_endless(&course);
    struct job long_one = course_start(&world, &course.request);
    job_wait(&world, long_one.id, JOB_RUNNING);
    for (size_t k = 0; k < CANCELLED; k++) {
        jobs[k] = course_start(&world, &course.request);
        ck_assert_uint_eq(count_series(&world, &jobs[k]), WAVE_SERIES);
    }
    for (size_t k = 0; k < CANCELLED; k++) {
        ck_assert_int_eq(job_cancel(world.context, jobs[k].id, &jobs[k], &world.fault), STATUS_OK);
    }
    for (int ms = 0; ms < 10000; ms += 10) {
        n = 0;
        arena_reset(&world.kept);
        for (size_t k = 0; k < CANCELLED; k++) {
            n += count_series(&world, &jobs[k]);
        }
        if (n == 0) {
            break;
        }
        sleep_ms(10);
    }
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(job_get(&world, long_one.id).status, JOB_RUNNING);
    ck_assert_uint_eq(count_series(&world, &long_one), WAVE_SERIES);
    world_done(&world);
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
    make_endless(&course);
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

/* ---- interruptions ---- */

/* That a job has room for. Fewer are made, so that none comes too late on a busy machine. */
enum { INTERRUPTIONS = 24 };

TEST(paused_and_resumed_gives_the_same_weights)
{
    struct world world;
    struct course course;
    course_init(&course);
    make_long(&course);
    struct digest digest = undisturbed_digest(&course.request);
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    struct job job = course_start(&world, &course.request);
    for (uint64_t k = 1; k <= 8; k++) {
        job = job_wait_steps(&world, job.id, k * job.n_steps / INTERRUPTIONS);
        ck_assert_int_eq(do_verb(&world, PAUSE, job.id), STATUS_OK);
        if (k % 2 == 0) { /* else it is resumed before the job thread has looked */
            sleep_ms(20);
        }
        ck_assert_int_eq(do_verb(&world, RESUME, job.id), STATUS_OK);
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
    course_init(&course);
    make_long(&course);
    struct digest digest = undisturbed_digest(&course.request);
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    world_start_jobs(&world);
    struct job job = course_start(&world, &course.request);
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

TEST(a_job_paused_before_the_end_of_the_process_stays_paused)
{
    struct world world;
    struct course course;
    course_init(&course);
    make_long(&course);
    struct digest digest = undisturbed_digest(&course.request);
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    world_start_jobs(&world);
    struct job job = course_start(&world, &course.request);
    job_wait_steps(&world, job.id, 1000);
    ck_assert_int_eq(do_verb(&world, PAUSE, job.id), STATUS_OK);
    world_restart(&world);
    world_start_jobs(&world);
    sleep_ms(30);
    ck_assert_int_eq(job_get(&world, job.id).status, JOB_PAUSED);
    ck_assert_int_eq(do_verb(&world, RESUME, job.id), STATUS_OK);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_digest(job_version(&world, &job)->digest, digest);
    world_done(&world);
}

TEST(a_damaged_checkpoint_begins_again)
{
    struct world world;
    struct course course;
    course_init(&course);
    make_long(&course);
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

/* ---- degraded states ---- */

TEST(training_goes_on_while_the_disk_is_full)
{
    struct world world;
    struct course course;
    course_init(&course);
    make_long(&course);
    struct digest digest = undisturbed_digest(&course.request);
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    world_start_jobs(&world);
    struct job job = course_start(&world, &course.request);
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

TEST(gradients_that_are_not_finite_are_said)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    course.request.hyperparameters.optimizer = GRU_SGD;
    course.request.hyperparameters.clip_norm = 0;
    course.request.hyperparameters.learning_rate = 100;
    course.request.hyperparameters.loss = GRU_MSE;
    course.request.hyperparameters.n_epochs = 40;
    course.request.hyperparameters.early_stopping_patience = 0;
    for (size_t t = 0; t < WAVE_ROWS; t++) {
        course.x[0][t * INPUTS] *= 1e15F;
    }
    struct job job = course_start(&world, &course.request);
    while (!job_is_over(job.status)) {
        sleep_ms(1);
        job = job_get(&world, job.id);
    }
    ck_assert(job_has_event(&world, job.id, "their gradients were not finite"));
    ck_assert_uint_eq(world_model(&world)->active->number, 1);
    world_done(&world);
}

/* ---- threads ---- */

TEST(the_threads_stop_in_any_state)
{
    struct world world;
    struct course course;
    course_init(&course);
    make_endless(&course);
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
