/* Jobs from the queue to the version: what is reported, what is stored, and how they end. */
#include "job_support.h"

#include "test.h"

#include <math.h>
#include <string.h>

enum { EVENTS = 200 };

/* ---- a job that succeeds ---- */

static void expect_events_in_order(struct world *world, const struct job *job)
{
    struct job_event events[EVENTS];
    size_t n = job_get_events(world, job->id, events, EVENTS);
    size_t n_epochs = 0;
    ck_assert_uint_gt(n, 5);
    for (size_t k = 0; k < n; k++) {
        ck_assert(k == 0 || events[k].id > events[k - 1].id);
        ck_assert(k == 0 || events[k].created_at_ms >= events[k - 1].created_at_ms);
        if (events[k].is_metrics && !isnan(events[k].valid_loss)) {
            n_epochs++;
            ck_assert_uint_eq(events[k].epoch, n_epochs);
            ck_assert(isfinite(events[k].train_loss) && isfinite(events[k].grad_norm));
            ck_assert_double_eq(events[k].learning_rate, 0.01);
        }
    }
    ck_assert_uint_eq(n_epochs, job->epoch);
    ck_assert_ptr_nonnull(
        strstr(events[0].message, "2 series, 800 readings; none of their 1600 values is missing"));
    ck_assert_ptr_nonnull(strstr(events[1].message, "begins"));
    ck_assert_ptr_nonnull(strstr(events[2].message, "baseline loss"));
    ck_assert_ptr_nonnull(strstr(events[n - 2].message, "stored as version 2"));
    ck_assert_ptr_nonnull(strstr(events[n - 1].message, "promoted"));
}

TEST(a_job_makes_a_better_version_and_activates_it)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    struct job job = course_start(&world, &course.request);
    ck_assert_int_eq(job.status, JOB_QUEUED);
    ck_assert_uint_eq(strlen(job.id), strlen("ftjob-") + 24);
    ck_assert_int_eq(job.policy, JOB_AUTO);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(job.base_version, 1);
    ck_assert_uint_eq(job.fine_tuned_version, 2);
    ck_assert_uint_eq(job.epoch, 30);
    ck_assert_uint_eq(job.step, job.n_steps);
    ck_assert(job.started_at_ms >= job.created_at_ms && job.finished_at_ms >= job.started_at_ms);
    ck_assert_int_eq(job.estimated_finish_ms, 0);
    ck_assert(job.metrics.valid_loss < job.metrics.baseline_valid_loss);
    ck_assert(isfinite(job.metrics.persistence_valid_loss));
    ck_assert_int_eq(job.promotion, JOB_PROMOTED);
    const struct version *version = job_version(&world, &job);
    ck_assert_uint_eq(version->parent, 1);
    ck_assert_str_eq(version->job, job.id);
    ck_assert_mem_eq(&version->metrics, &job.metrics, sizeof job.metrics);
    ck_assert(file_exists(version->path));
    const struct gru_residuals *residuals = gru_model_residuals(version->gru);
    ck_assert(residuals != NULL && residuals->n_outputs == OUTPUTS);
    ck_assert_uint_eq(residuals->n_horizons, GRU_RESIDUAL_HORIZON);
    ck_assert_uint_eq(residuals->of[0].n, 80 + 80); /* rows of both series' last fifth */
    ck_assert(residuals->of[0].mean > 0 && residuals->of[0].quantiles[4] < 1);
    ck_assert_uint_eq(residuals->of[GRU_RESIDUAL_HORIZON].n, 0); /* it feeds nothing */
    const struct version *base = &world_model(&world)->versions[0];
    char digest[DIGEST_TEXT];
    digest_print(base->digest, digest);
    ck_assert_str_eq(gru_model_base(version->gru), digest);
    const struct gru_residuals *base_residuals = gru_model_base_residuals(version->gru);
    ck_assert_uint_eq(base_residuals->of[0].n, residuals->of[0].n);
    ck_assert(base_residuals->of[0].mean > residuals->of[0].mean);
    ck_assert_ptr_null(gru_model_residuals(base->gru));
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    expect_events_in_order(&world, &job);
    world_done(&world);
}

TEST(a_job_works_in_memory_only)
{
    struct world world;
    struct course course;
    const void *bytes;
    size_t n;
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    ck_assert(!service_jobs_are_durable(world.service));
    course_init(&course);
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    const struct version *version = job_version(&world, &job);
    ck_assert_ptr_null(version->path);
    ck_assert_int_eq(model_read_file(version, &world.kept, &bytes, &n, &world.fault), STATUS_OK);
    expect_digest(digest_128(bytes, n), version->digest);
    course.request.version = 1;
    job = course_start(&world, &course.request); /* the same: but the active one is 2 by now */
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_int_eq(job.promotion, JOB_REJECTED);
    ck_assert_uint_eq(job.fine_tuned_version, 3);
    expect_digest(job_version(&world, &job)->digest, digest_128(bytes, n));
    ck_assert_int_eq(model_delete_version(world.context, "m", 3, &world.fault), STATUS_OK);
    ck_assert_int_eq(model_delete_version(world.context, "m", 2, &world.fault),
                     STATUS_VERSION_ACTIVE);
    ck_assert_uint_eq(world_model(&world)->n_versions, 2);
    world_activate(&world, 1);
    job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(job.fine_tuned_version, 4); /* 3 was another one */
    world_done(&world);
}

TEST(sessions_go_on_with_the_promoted_version)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    expect_steps(&world, "a", 3, 1, 5);
    course_init(&course);
    struct job job = course_start(&world, &course.request);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    expect_twin(&world, "a", 3, 6);
    world_done(&world);
}

TEST(a_dry_run_estimates_and_stores_nothing)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    course.request.dry_run = true;
    course.request.hyperparameters.n_epochs = 100000;
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(job.fine_tuned_version, 0);
    ck_assert_int_eq(job.promotion, JOB_NONE);
    ck_assert(isfinite(job.metrics.baseline_valid_loss) &&
              isfinite(job.metrics.persistence_valid_loss));
    ck_assert(job.step >= 5 && job.step < job.n_steps);
    ck_assert(job_has_event(&world, job.id, "steps in 100000 epochs would take about"));
    ck_assert(job_has_event(&world, job.id, "bytes of memory"));
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    world_done(&world);
}

/* ---- ends before the last epoch ---- */

TEST(early_stopping_keeps_the_best_epoch)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    course.request.hyperparameters.n_epochs = 100000;
    course.request.hyperparameters.learning_rate = 0.3; /* it soon jumps about */
    course.request.hyperparameters.early_stopping_patience = 3;
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert(job.epoch > 3 && job.epoch < 100000);
    ck_assert(job_has_event(&world, job.id, "stopped early after epoch"));
    struct job_event events[EVENTS];
    size_t n = job_get_events(&world, job.id, events, EVENTS);
    for (size_t k = 0; k < n; k++) {
        ck_assert(isnan(events[k].valid_loss) || events[k].valid_loss >= job.metrics.valid_loss);
    }
    world_done(&world);
}

TEST(the_best_epoch_is_kept_without_early_stopping)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    course.request.hyperparameters.n_epochs = 40;
    course.request.hyperparameters.learning_rate = 0.3; /* it soon jumps about */
    course.request.hyperparameters.early_stopping_patience = 0;
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(job.epoch, 40);
    ck_assert(job_has_event(&world, job.id, "of 40: the version has its weights"));
    struct job_event events[EVENTS];
    size_t n = job_get_events(&world, job.id, events, EVENTS);
    for (size_t k = 0; k < n; k++) {
        ck_assert(isnan(events[k].valid_loss) || events[k].valid_loss >= job.metrics.valid_loss);
    }
    world_done(&world);
}

TEST(max_seconds_end_a_job_like_its_last_epoch)
{
    struct world world;
    struct course course;
    world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    course_init(&course);
    course.request.hyperparameters.n_epochs = 1000000;
    course.request.hyperparameters.early_stopping_patience = 1000000;
    course.request.hyperparameters.learning_rate = 0.001;
    course.request.max_seconds = 1;
    struct job job = course_start(&world, &course.request);
    struct job running = job_wait_steps(&world, job.id, 20);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert(running.estimated_finish_ms == 0 ||
              running.estimated_finish_ms < running.started_at_ms + 5000);
    ck_assert(job.running_ms >= 1000 && job.running_ms < 5000);
    ck_assert(job.epoch < 1000000);
    ck_assert_int_eq(job.promotion, JOB_PROMOTED);
    ck_assert(job_has_event(&world, job.id, "its 1 seconds are over"));
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
