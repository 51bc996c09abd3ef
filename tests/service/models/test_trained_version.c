/* Versions that jobs made: stored once, whatever happens in between, and from the base that the job
 * started from. */
#include "service/models/trained_version.h"

#include "service/job_database.h"
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

/* ---- storing, without a job ---- */

static struct trained_version train(struct bytes bytes)
{
    struct gru_error error;
    struct trained_version trained = { .bytes = bytes.p,
                                       .n_bytes = bytes.n,
                                       .digest = digest_128(bytes.p, bytes.n) };
    ck_assert_int_eq(gru_model_load(bytes.p, bytes.n, &trained.gru, &error), GRU_OK);
    return trained;
}

static struct lineage lineage_of(const char *job, double valid_loss)
{
    struct lineage lineage = { .model = "m", .parent = 1, .metrics = no_metrics };
    lineage.metrics.valid_loss = valid_loss;
    snprintf(lineage.job, sizeof lineage.job, "%s", job);
    return lineage;
}

static enum status store(struct world *world, struct bytes bytes, struct digest base,
                         struct lineage *lineage)
{
    struct trained_version trained = train(bytes);
    service_context_turn(world->context);
    enum status status =
        trained_version_store(world->context, lineage, base, &trained, &world->fault);
    trained_version_done(&trained);
    return status;
}

static void start_somewhere(struct world *world, bool has_data)
{
    world_init(world);
    if (has_data) {
        world_use_data(world);
    }
    world_start(world);
}

TEST(of_one_job_there_is_one_version_with_the_losses_that_it_had_first)
{
    for (int has_data = 0; has_data < 2; has_data++) {
        struct world world;
        struct lineage first = lineage_of("ftjob-a", 0.5), again = lineage_of("ftjob-a", 0.25),
                       other = lineage_of("ftjob-b", 0.75);
        start_somewhere(&world, has_data);
        struct digest base = world_model(&world)->active->digest;
        ck_assert_int_eq(store(&world, network_file(HIDDEN, 5), base, &first), STATUS_OK);
        ck_assert_uint_eq(first.version, 2);
        ck_assert_int_eq(store(&world, network_file(HIDDEN, 6), base, &again), STATUS_OK);
        ck_assert_uint_eq(again.version, 2);
        ck_assert(again.metrics.valid_loss == 0.5);
        expect_digest(again.digest, first.digest);
        ck_assert_uint_eq(world_model(&world)->n_versions, 2);
        ck_assert_int_eq(store(&world, network_file(HIDDEN, 6), base, &other), STATUS_OK);
        ck_assert_uint_eq(other.version, 3);
        ck_assert_uint_eq(world_model(&world)->n_versions, 3);
        world_done(&world);
    }
}

TEST(what_is_stored_is_served_as_it_was_trained_also_after_a_restart)
{
    struct world world;
    struct lineage lineage = lineage_of("ftjob-a", 0.5);
    struct bytes bytes = network_file(HIDDEN, 5);
    struct digest digest = digest_128(bytes.p, bytes.n);
    start_somewhere(&world, true);
    ck_assert_int_eq(store(&world, bytes, world_model(&world)->active->digest, &lineage),
                     STATUS_OK);
    for (int restart = 0; restart < 2; restart++) {
        const struct version *version;
        ck_assert_int_eq(version_find(world_model(&world), 2, &version, &world.fault), STATUS_OK);
        expect_digest(version->digest, digest);
        ck_assert_str_eq(version->job, "ftjob-a");
        ck_assert(version->parent == 1 && version->metrics.valid_loss == 0.5);
        ck_assert_uint_eq(world_model(&world)->active->number, 1);
        world_restart(&world);
    }
    world_done(&world);
}

TEST(what_does_not_fit_its_base_is_not_stored)
{
    for (int has_data = 0; has_data < 2; has_data++) {
        struct world world;
        char path[128];
        start_somewhere(&world, has_data);
        snprintf(path, sizeof path, "%s/models/m", world.data);
        struct digest base = world_model(&world)->active->digest;
        struct digest another = { .high = base.high, .low = base.low + 1 };
        struct lineage lineage = lineage_of("ftjob-a", 0.5);
        ck_assert_int_eq(store(&world, network_file(HIDDEN, 5), another, &lineage),
                         STATUS_DIGEST_MISMATCH);
        ck_assert_int_eq(store(&world, network_file_of_other_shape(), base, &lineage),
                         STATUS_INCOMPATIBLE_MODEL);
        lineage.parent = 7;
        ck_assert_int_eq(store(&world, network_file(HIDDEN, 5), base, &lineage),
                         STATUS_VERSION_NOT_FOUND);
        snprintf(lineage.model, sizeof lineage.model, "n");
        ck_assert_int_eq(store(&world, network_file(HIDDEN, 5), base, &lineage),
                         STATUS_MODEL_NOT_FOUND);
        ck_assert_uint_eq(world_model(&world)->n_versions, 1);
        ck_assert_uint_eq(folder_count(path), 0);
        world_done(&world);
    }
}

/* ---- the base ---- */

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

/* By hand, while grud is down, so its digest goes with it. */
static void replace_version(const struct world *world, unsigned number, struct bytes bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/models/m/%u.digest", world->data, number);
    ck_assert_int_eq(remove(path), 0);
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

/* ---- storing, at the end of a job ---- */

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
    world_activate(&world, 1);
    world_stop(&world);
    replace_version(&world, 2, network_file(HIDDEN, 99));
    world_start(&world);
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
    expect_promotion(&world, job.id, JOB_PROMOTED, "of the base version's");
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
