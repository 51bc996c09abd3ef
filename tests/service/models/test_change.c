/* The frame of every change of the models. */
#include "service/models/change.h"
#include "service/models/model_versions.h"
#include "service/service_support.h"
#include "test.h"

#include <stdio.h>

TEST(a_change_is_seen_when_it_was_published_and_not_when_it_was_dropped)
{
    struct world world;
    struct catalogue *next;
    world_init(&world);
    world_start(&world);
    const struct model *before = world_model(&world);
    ck_assert_int_eq(change_begin(world.context, &next, &world.fault), STATUS_OK);
    ck_assert_int_eq(change_end(world.context, next, true, STATUS_INTERNAL), STATUS_INTERNAL);
    ck_assert_int_eq(change_begin(world.context, &next, &world.fault), STATUS_OK);
    ck_assert_int_eq(change_end(world.context, next, false, STATUS_OK), STATUS_OK);
    ck_assert_ptr_eq(world_model(&world), before);
    ck_assert_int_eq(change_begin(world.context, &next, &world.fault), STATUS_OK);
    ck_assert_int_eq(change_end(world.context, next, true, STATUS_OK), STATUS_OK);
    ck_assert_ptr_eq(world_model(&world), catalogue_find(next, "m"));
    world_done(&world);
}

TEST(a_change_names_the_model_or_the_version_that_is_not_there)
{
    struct world world;
    struct catalogue *next;
    struct model *model;
    struct version *version;
    world_init(&world);
    world_start(&world);
    ck_assert_int_eq(change_begin(world.context, &next, &world.fault), STATUS_OK);
    ck_assert_int_eq(change_find(next, "n", 1, &model, &version, &world.fault),
                     STATUS_MODEL_NOT_FOUND);
    ck_assert_int_eq(change_find(next, "m", 2, &model, &version, &world.fault),
                     STATUS_VERSION_NOT_FOUND);
    ck_assert_int_eq(change_find(next, "m", 1, &model, &version, &world.fault), STATUS_OK);
    ck_assert_ptr_eq(model, catalogue_find(next, "m"));
    ck_assert_ptr_eq(version, model->active);
    ck_assert_int_eq(change_end(world.context, next, false, STATUS_OK), STATUS_OK);
    world_done(&world);
}

TEST(the_file_of_a_version_that_is_not_to_be_is_deleted)
{
    struct world world;
    char path[128];
    world_init(&world);
    snprintf(path, sizeof path, "%s/2.safetensors", world.models);
    file_store(path, "x", 1);
    change_delete_file(path);
    ck_assert(!file_exists(path));
    world_done(&world);
}
