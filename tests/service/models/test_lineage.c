/* Where versions come from, as the job database remembers it. */
#include "service/job_database.h"
#include "service/models/lineage.h"
#include "service/service_support.h"
#include "test.h"

#include <stdio.h>

/* A row that says that version 2 of m comes from that job. */
static void put_row(struct world *world, const char *job, struct digest digest)
{
    struct lineage lineage = { .model = "m", .version = 2, .parent = 1, .digest = digest };
    lineage.metrics = no_metrics;
    snprintf(lineage.job, sizeof lineage.job, "%s", job);
    struct job_store *jobs = job_database_lock(world->service->job_database);
    ck_assert_int_eq(job_store_put_lineage(jobs, &lineage, &world->fault), STATUS_OK);
    job_database_unlock(world->service->job_database);
}

static void count_row(void *context, const struct lineage *lineage)
{
    (void)lineage;
    ++*(size_t *)context;
}

static size_t count_rows(struct world *world)
{
    size_t n = 0;
    struct job_store *jobs = job_database_lock(world->service->job_database);
    ck_assert_int_eq(job_store_each_lineage(jobs, count_row, &n, &world->fault), STATUS_OK);
    job_database_unlock(world->service->job_database);
    return n;
}

static struct digest begin(struct world *world)
{
    const struct version *version;
    world_init(world);
    world_use_data(world);
    world_start(world);
    ck_assert_uint_eq(world_put_version(world, network_file(HIDDEN, 2)), 2);
    ck_assert_int_eq(version_find(world_model(world), 2, &version, &world->fault), STATUS_OK);
    return version->digest;
}

static const char *job_of_version(struct world *world)
{
    const struct version *version;
    ck_assert_int_eq(version_find(world_model(world), 2, &version, &world->fault), STATUS_OK);
    return version->job;
}

TEST(a_row_tells_a_version_its_job_if_the_file_is_the_one_that_it_is_of)
{
    struct world world;
    struct digest digest = begin(&world);
    put_row(&world, "ftjob-a", digest);
    world_restart(&world);
    ck_assert_str_eq(job_of_version(&world), "ftjob-a");
    digest.low++;
    put_row(&world, "ftjob-b", digest);
    world_restart(&world);
    ck_assert_str_eq(job_of_version(&world), "");
    world_done(&world);
}

TEST(only_the_row_of_the_deleted_version_is_forgotten)
{
    struct world world;
    struct digest digest = begin(&world);
    struct digest other = { .high = digest.high, .low = digest.low + 1 };
    put_row(&world, "ftjob-a", digest);
    lineage_forget(world.service->job_database, "m", 2, other);
    lineage_forget(world.service->job_database, "m", 3, digest);
    lineage_forget(world.service->job_database, "n", 2, digest);
    ck_assert_uint_eq(count_rows(&world), 1);
    lineage_forget(world.service->job_database, "m", 2, digest);
    ck_assert_uint_eq(count_rows(&world), 0);
    world_done(&world);
}

TEST(deleting_a_version_deletes_its_lineage)
{
    struct world world;
    struct digest digest = begin(&world);
    put_row(&world, "ftjob-a", digest);
    service_context_turn(world.context);
    ck_assert_int_eq(model_delete_version(world.context, "m", 2, &world.fault), STATUS_OK);
    ck_assert_uint_eq(count_rows(&world), 0);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 9)), 3);
    ck_assert_uint_eq(count_rows(&world), 0);
    world_done(&world);
}
