/* The models after SIGHUP: what has come to the folders since the start, and what has not. */
#include "service/job_database.h"
#include "service/models/models_support.h"
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void reload(struct world *world)
{
    ck_assert_int_eq(service_reload_models(world->service, &world->fault), STATUS_OK);
    service_context_turn(world->context);
}

TEST(a_reload_adds_models_and_versions_and_activates_none)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_add_model(&world, "bad", network_junk());
    world_start(&world);
    world_expect_models(&world, (const char *const[]){ "m" }, 1);
    expect_step(&world, "a", 1, 1, (double[OUTPUTS]){ 0 });
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 2)), 2);
    world_make_model_folder(&world, "m");
    world_make_model_folder(&world, "new");
    world_add_model(&world, "bad", network_file(HIDDEN, 3));
    world_add_model(&world, "m/2", network_file(HIDDEN, 4)); /* a number that is taken */
    world_add_model(&world, "m/3", network_file(HIDDEN, 5));
    world_add_model(&world, "m/4", network_file_of_other_shape());
    world_add_model(&world, "new/7", network_file(HIDDEN, 6));
    for (int k = 0; k < 2; k++) { /* the second finds nothing new */
        reload(&world);
        world_expect_models(&world, (const char *const[]){ "bad", "m", "new" }, 3);
        const struct model *model = world_model(&world);
        ck_assert_uint_eq(model->n_versions, 3);
        ck_assert_uint_eq(model->active->number, 1);
        ck_assert(!model->versions[1].read_only && model->versions[2].read_only);
        ck_assert_uint_eq(model->newest, 4); /* a refused one's number is taken */
    }
    expect_twin(&world, "a", 1, 2);
    world_activate(&world, 3);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 7)), 5);
    world_done(&world);
}

TEST(a_reload_serves_on_what_was_changed_or_removed)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "n", network_file(HIDDEN, 2));
    world_start(&world);
    struct digest digest = world_model(&world)->active->digest;
    expect_step(&world, "a", 1, 1, (double[OUTPUTS]){ 0 });
    world_add_model(&world, "m", network_file(HIDDEN, 3));
    folder_remove_file(world.models, "n.safetensors");
    reload(&world);
    world_expect_models(&world, (const char *const[]){ "m", "n" }, 2);
    ck_assert(digest_equals(world_model(&world)->active->digest, digest));
    expect_twin(&world, "a", 1, 2);
    world_done(&world);
}

TEST(a_reload_that_cannot_read_the_folder_changes_nothing)
{
    struct world world;
    char aside[128];
    world_init(&world);
    world_start(&world);
    snprintf(aside, sizeof aside, "%s.aside", world.models);
    ck_assert_int_eq(rename(world.models, aside), 0);
    ck_assert_int_eq(service_reload_models(world.service, &world.fault), STATUS_STORAGE_FAILED);
    world_expect_models(&world, (const char *const[]){ "m" }, 1);
    expect_step(&world, "a", 1, 1, (double[OUTPUTS]){ 0 });
    ck_assert_int_eq(rename(aside, world.models), 0);
    reload(&world);
    world_expect_models(&world, (const char *const[]){ "m" }, 1);
    world_done(&world);
}

/* A model that was left out comes back with its sessions, versions and their jobs. */
TEST(a_reload_mends_a_model_that_was_left_out)
{
    struct world world;
    char path[256], aside[300];
    world_start_with_data(&world);
    expect_step(&world, "a", 1, 1, (double[OUTPUTS]){ 0 });
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 2)), 2);
    struct lineage lineage = { .model = "m", .version = 2, .parent = 1, .job = "ftjob-a" };
    lineage.digest = world_model(&world)->versions[1].digest;
    lineage.metrics = no_metrics;
    ck_assert_int_eq(job_store_put_lineage(job_database_lock(world.service->job_database), &lineage,
                                           &world.fault),
                     STATUS_OK);
    job_database_unlock(world.service->job_database);
    world_stop(&world);
    snprintf(path, sizeof path, "%s/sessions/m.pool", world.data);
    snprintf(aside, sizeof aside, "%s.aside", path);
    ck_assert(rename(path, aside) == 0 && mkdir(path, 0700) == 0);
    world_start(&world);
    ck_assert(service_is_degraded_by(world.service, DEGRADED_MODELS));
    ck_assert(models_are_all_refused(world.context));
    ck_assert(rmdir(path) == 0 && rename(aside, path) == 0);
    reload(&world);
    ck_assert(!service_is_degraded(world.service));
    ck_assert(!models_are_all_refused(world.context));
    ck_assert_str_eq(world_model(&world)->versions[1].job, "ftjob-a");
    expect_twin(&world, "a", 1, 2);
    world_done(&world);
}

TEST(a_service_without_a_model_knows_whether_it_was_given_one)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    folder_remove_file(world.models, "m.safetensors");
    world_start(&world);
    ck_assert(!models_are_all_refused(world.context));
    world_add_model(&world, "a b", network_file(HIDDEN, 2));
    reload(&world);
    ck_assert(models_are_all_refused(world.context));
    folder_remove_file(world.models, "a b.safetensors");
    reload(&world);
    ck_assert(!models_are_all_refused(world.context));
    world_add_model(&world, "bad", network_junk());
    reload(&world);
    ck_assert(models_are_all_refused(world.context));
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 2)), 1);
    ck_assert(!models_are_all_refused(world.context));
    world_done(&world);
}
