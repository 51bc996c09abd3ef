/* What becomes of the versions that jobs make: the gate, activation by hand, rollback, lineage. */
#include "job_support.h"

#include "service/job_database.h"
#include "service/models/activate.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void begin(struct world *world, struct course *course)
{
    world_init(world);
    world_use_data(world);
    world_start(world);
    world_start_jobs(world);
    course_init(course);
}

static void expect_promotion(struct world *world, const char *id, enum job_promotion promotion,
                             const char *words)
{
    struct job job = job_get(world, id);
    ck_assert_msg(job.promotion == promotion, "%s: %s", job_promotion_word(job.promotion),
                  job.promotion_reason);
    ck_assert_msg(strstr(job.promotion_reason, words) != NULL, "%s", job.promotion_reason);
}

static void delete_version(struct world *world, unsigned number)
{
    service_context_turn(world->context);
    enum status status = model_delete_version(world->context, "m", number, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
}

/* ---- the gate ---- */

TEST(the_gate_names_losses_gain_and_persistence)
{
    struct world world;
    struct course course;
    char words[200];
    begin(&world, &course);
    course.request.hyperparameters.n_epochs = 60;
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    const struct job_metrics *metrics = &job.metrics;
    double gain =
        (metrics->baseline_valid_loss - metrics->valid_loss) / metrics->baseline_valid_loss;
    snprintf(words, sizeof words,
             "valid_loss %.4g beats the base version's %.4g by %.1f %%; persistence %.4g",
             metrics->valid_loss, metrics->baseline_valid_loss, 100 * gain,
             metrics->persistence_valid_loss);
    expect_promotion(&world, job.id, JOB_PROMOTED, words);
    course.request.min_relative_gain = 0.999;
    job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_REJECTED, "not by the 99.9 % asked for");
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    ck_assert_uint_eq(world_model(&world)->n_versions, 3);
    world_done(&world);
}

TEST(what_does_not_beat_the_base_or_persistence_is_said_to)
{
    struct world world;
    struct course course;
    begin(&world, &course);
    course.request.hyperparameters.n_epochs = 1;
    course.request.hyperparameters.learning_rate = 50; /* worse than before */
    course.request.hyperparameters.optimizer = GRU_SGD;
    struct job job = course_start(&world, &course.request);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_REJECTED, "does not beat the base version's");
    expect_promotion(&world, job.id, JOB_REJECTED, "; no better than persistence");
    ck_assert_uint_eq(world_model(&world)->active->number, 1);
    world_done(&world);
}

TEST(weights_that_were_not_validated_are_not_promoted)
{
    enum { ROWS = 1000000 }; /* an epoch takes longer than the job may */
    struct world world;
    struct course course;
    float *x = readings(1, 1, ROWS);
    begin(&world, &course);
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
    expect_promotion(&world, job.id, JOB_REJECTED, "no finite validation losses");
    free(x);
    world_done(&world);
}

TEST(another_active_version_is_not_replaced)
{
    struct world world;
    struct course course;
    begin(&world, &course);
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
    begin(&world, &course);
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

/* ---- by hand ---- */

TEST(manual_versions_wait_for_a_hand)
{
    struct world world;
    struct course course;
    begin(&world, &course);
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
    begin(&world, &course);
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

/* ---- the base ---- */

TEST(a_job_whose_base_is_deleted_fails)
{
    struct world world;
    struct course course;
    begin(&world, &course);
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

/* ---- lineage ---- */

TEST(lineage_survives_a_restart_as_long_as_the_file_does)
{
    struct world world;
    struct course course;
    begin(&world, &course);
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

static void count_lineage(void *context, const struct lineage *lineage)
{
    (void)lineage;
    ++*(size_t *)context;
}

TEST(deleting_a_version_deletes_its_lineage)
{
    struct world world;
    struct course course;
    size_t n = 0;
    begin(&world, &course);
    struct job_database *job_database = world.service->job_database;
    course.request.has_policy = true;
    course.request.policy = JOB_MANUAL;
    struct job job = course_start(&world, &course.request);
    job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_int_eq(
        job_store_each_lineage(job_database_lock(job_database), count_lineage, &n, &world.fault),
        STATUS_OK);
    job_database_unlock(job_database);
    ck_assert_uint_eq(n, 1);
    delete_version(&world, 2);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 9)), 3);
    n = 0;
    ck_assert_int_eq(
        job_store_each_lineage(job_database_lock(job_database), count_lineage, &n, &world.fault),
        STATUS_OK);
    job_database_unlock(job_database);
    ck_assert_uint_eq(n, 0);
    world_done(&world);
}

/* As if the process had been killed after its version was stored: the job is still running, and has
 * its data. */
static void make_unfinished(struct world *world, struct job *job, const struct course *course)
{
    struct job_series rows[WAVE_SERIES];
    bool written;
    enum job_status now;
    for (size_t k = 0; k < WAVE_SERIES; k++) {
        rows[k] = (struct job_series){ .series = course->series[k], .x_width = INPUTS };
    }
    struct job_store *jobs = job_database_lock(world->service->job_database);
    job->status = JOB_RUNNING;
    job->promotion = JOB_NONE;
    job->fine_tuned_version = 0;
    ck_assert_int_eq(job_store_put_series(jobs, job->number, rows, WAVE_SERIES, &world->fault),
                     STATUS_OK);
    ck_assert_int_eq(job_store_update(jobs, job, JOB_SUCCEEDED, &written, &now, &world->fault),
                     STATUS_OK);
    job_database_unlock(world->service->job_database);
}

TEST(a_job_never_stores_two_versions)
{
    struct world world;
    struct course course;
    begin(&world, &course);
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    world_stop_jobs(&world);
    make_unfinished(&world, &job, &course);
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
    begin(&world, &course);
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    struct job_metrics metrics = job.metrics;
    world_stop_jobs(&world);
    for (size_t k = 0; k < WAVE_SERIES; k++) {
        course.series[k].n_rows -= 100; /* so that it trains to other losses */
    }
    make_unfinished(&world, &job, &course);
    world_restart(&world);
    world_start_jobs(&world);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(job.fine_tuned_version, 2);
    ck_assert_mem_eq(&job.metrics, &metrics, sizeof metrics);
    world_done(&world);
}

TEST(a_version_rolled_back_before_its_job_was_over_is_not_promoted)
{
    struct world world;
    struct course course;
    struct activation activation;
    begin(&world, &course);
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
    begin(&world, &course);
    course.request.has_policy = true;
    course.request.policy = JOB_MANUAL;
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    world_stop_jobs(&world);
    make_unfinished(&world, &job, &course);
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

TEST(numbers_of_files_that_are_not_served_are_left_alone)
{
    struct world world;
    struct course course;
    char path[128];
    begin(&world, &course);
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
