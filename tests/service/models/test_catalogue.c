/* All models at one moment, and how contexts see the next one. */
#include "service/models/catalogue.h"
#include "service/models/model_versions.h"
#include "service/service_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

TEST(models_are_found_by_name_whatever_the_order_in_which_they_came)
{
    enum { N = 97, STRIDE = 31 };
    struct catalogue *catalogue = catalogue_copy(NULL);
    char name[MODEL_NAME_MAX + 1];
    for (unsigned k = 0; k < N; k++) {
        snprintf(name, sizeof name, "m%u", k * STRIDE % N);
        ck_assert(catalogue_insert(catalogue, model_create(name)));
    }
    ck_assert_uint_eq(catalogue->n_models, N);
    for (unsigned k = 0; k < N; k++) {
        snprintf(name, sizeof name, "m%u", k);
        ck_assert_str_eq(catalogue_find(catalogue, name)->name, name);
        ck_assert(k == 0 || strcmp(catalogue->models[k - 1]->name, catalogue->models[k]->name) < 0);
    }
    ck_assert_ptr_null(catalogue_find(catalogue, "m"));
    ck_assert_ptr_null(catalogue_find(catalogue, "n"));
    catalogue_unref(catalogue);
    catalogue_unref(NULL);
}

TEST(a_change_of_a_copy_is_not_seen_in_the_original)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    world_put_version(&world, network_file(9, 9));
    struct catalogue *original = catalogue_ref(world.service);
    struct catalogue *copy = catalogue_copy(original);
    struct model *model = catalogue_find(copy, "m");
    ck_assert_ptr_eq(model->pool, original->models[0]->pool);
    ck_assert_ptr_ne(model->active, original->models[0]->active);
    model_remove_version(model, 2);
    ck_assert(catalogue_insert(copy, model_create("n")));
    ck_assert_uint_eq(original->n_models, 1);
    ck_assert_uint_eq(original->models[0]->n_versions, 2);
    catalogue_unref(original);
    model_free(catalogue_find(copy, "n"));
    copy->n_models--; /* a model without an active version is no part of a catalogue */
    catalogue_unref(copy);
    world_done(&world);
}

TEST(what_was_found_stays_valid_until_the_turn_ends)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const struct model *found = world_model(&world);
    struct service_context *context = world.context;
    for (unsigned k = 1; k <= 5; k++) {
        struct catalogue *next = catalogue_copy(context->catalogue);
        ck_assert_ptr_nonnull(next);
        catalogue_publish(world.service, next);
        ck_assert(catalogue_renew(context) && catalogue_renew(context));
        ck_assert_uint_eq(context->n_held, k);
        ck_assert_str_eq(found->name, "m");
        ck_assert_ptr_ne(catalogue_find(context->catalogue, "m"), found);
    }
    service_context_turn(context);
    ck_assert_uint_eq(context->n_held, 0);
    ck_assert_uint_eq(context->generation, atomic_load(&world.service->generation));
    world_done(&world);
}

TEST(a_turn_without_a_change_keeps_the_catalogue)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const struct model *found = world_model(&world);
    ck_assert_ptr_eq(world_model(&world), found);
    struct catalogue *next = catalogue_copy(world.context->catalogue);
    catalogue_publish(world.service, next);
    ck_assert_ptr_eq(world_model(&world), catalogue_find(next, "m"));
    world_done(&world);
}
