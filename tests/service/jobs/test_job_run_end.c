/* Training is over: whether the version is promoted, and what an activation by hand before the end
 * of the job means for it. */
#include "job_support.h"

#include "service/job_database.h"
#include "service/models/activate.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- the gate ---- */

TEST(the_gate_names_losses_gain_and_persistence)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    course.request.hyperparameters.n_epochs = 60;
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_PROMOTED,
                     " of the base version's (median of 2 streams), p is");
    expect_promotion(&world, job.id, JOB_PROMOTED, "; of the loss of persistence: ");
    expect_promotion(&world, job.id, JOB_PROMOTED, ", up to 12 rows ahead ");
    course.request.gate.min_relative_gain = 0.999;
    course.request.version = 2;
    job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_REJECTED, "at most 0.001 is asked for");
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    ck_assert_uint_eq(world_model(&world)->n_versions, 3);
    world_done(&world);
}

TEST(what_does_not_beat_the_base_or_persistence_is_said_to)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    course.request.hyperparameters.n_epochs = 1;
    course.request.hyperparameters.learning_rate = 50; /* worse than before */
    course.request.hyperparameters.optimizer = GRU_SGD;
    struct job job = course_start(&world, &course.request);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_REJECTED,
                     " of the base version's (median of 2 streams), and");
    ck_assert(job_has_event(&world, job.id, "no better than persistence: the new version has"));
    ck_assert_uint_eq(world_model(&world)->active->number, 1);
    world_done(&world);
}

TEST(weights_that_no_epoch_has_validated_are_compared_all_the_same)
{
    enum { ROWS = 1000000 }; /* an epoch takes longer than the job may */
    struct world world;
    struct course course;
    double *x = readings(1, 1, ROWS);
    world_begin_course(&world, &course);
    struct gru_series series = { .x = x, .n_rows = ROWS };
    course.request.series = &series;
    course.request.n_series = 1;
    course.request.max_seconds = 1;
    course.request.hyperparameters.window = 1;
    course.request.hyperparameters.batch_size = 1;
    course.request.hyperparameters.n_epochs = 1000000;
    course.request.hyperparameters.early_stopping_patience = 0;
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(job.epoch, 0);
    ck_assert(job.promotion == JOB_PROMOTED || job.promotion == JOB_REJECTED);
    expect_promotion(&world, job.id, job.promotion, "of the base version's (median of 1 streams)");
    ck_assert(isfinite(job.metrics.valid_loss) &&
              isfinite(job.metrics.train_loss) == (job.step > 0));
    free(x);
    world_done(&world);
}

TEST(another_active_version_is_not_replaced)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    world_put_version(&world, network_file(HIDDEN, 9));
    course.request.hyperparameters.n_epochs = 300;
    course.request.hyperparameters.early_stopping_patience = 0;
    struct job job = course_start(&world, &course.request);
    job_wait_steps(&world, job.id, 20);
    world_activate(&world, 2);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_REJECTED, "version 2 has become the active one");
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    ck_assert_uint_eq(job.fine_tuned_version, 3);
    world_done(&world);
}

TEST(a_version_that_cannot_be_activated_stays_as_it_is)
{
    struct world world;
    struct course course;
    char path[128];
    world_begin_course(&world, &course);
    world_put_version(&world, network_file(HIDDEN, 9));
    snprintf(path, sizeof path, "%s/models/m/active", world.data);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/models/m/active/full", world.data);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* so that it is not replaced */
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_REJECTED, "it could not be activated");
    ck_assert_uint_eq(job.fine_tuned_version, 3);
    ck_assert_uint_eq(world_model(&world)->active->number, 1);
    world_done(&world);
}

/* ---- by hand, before the job is over ---- */

TEST(a_version_rolled_back_before_its_job_was_over_is_not_promoted)
{
    struct world world;
    struct course course;
    struct activation activation;
    world_begin_course(&world, &course);
    struct job job = course_start(&world, &course.request);
    while (world_model(&world)->n_versions < 2) {
        sleep_ms(0);
    }
    /* What follows its version the job thread writes down later; in most runs the job is not over
     * yet. */
    struct job_store *jobs = job_database_lock(world.service->job_database);
    ck_assert_int_eq(job_store_find(jobs, job.id, &job, &world.fault), STATUS_OK);
    while (world_model(&world)->active->number != 2) {
        sleep_ms(0);
    }
    ck_assert_int_eq(activation_switch(world.context, "m", 1, 0, &activation, &world.fault),
                     STATUS_OK);
    job_database_unlock(world.service->job_database);
    activation_note(world.service->job_database, &activation);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    for (int ms = 0; ms < 5000 && job_get(&world, job.id).promotion == JOB_PROMOTED; ms++) {
        sleep_ms(1);
    }
    expect_promotion(&world, job.id, JOB_ROLLED_BACK, "version 1");
    world_done(&world);
}

TEST(a_version_activated_before_its_job_was_over_is_promoted_by_hand)
{
    struct world world;
    struct course course;
    world_begin_course(&world, &course);
    course.request.has_policy = true;
    course.request.policy = JOB_MANUAL;
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    world_stop_jobs(&world);
    job_make_unfinished(&world, &job, &course);
    world_activate(&world, 2);
    expect_promotion(&world, job.id, JOB_NONE, "");
    world_restart(&world);
    world_start_jobs(&world);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    for (int ms = 0; ms < 5000 && job_get(&world, job.id).promotion == JOB_NONE; ms++) {
        sleep_ms(1);
    }
    expect_promotion(&world, job.id, JOB_PROMOTED, "activated by hand");
    world_done(&world);
}
