/* Versions of a model are put, read and deleted; no number is given twice. */
#include "service/models/models_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status put(struct world *world, const char *name, struct bytes bytes,
                       const struct model **ret_model)
{
    service_context_turn(world->context);
    enum status status =
        model_put(world->context, name, bytes.p, bytes.n, ret_model, &world->fault);
    free(bytes.p);
    return status;
}

static enum status delete_version(struct world *world, unsigned number)
{
    service_context_turn(world->context);
    return model_delete_version(world->context, "m", number, &world->fault);
}

static enum status activate(struct world *world, const char *name, unsigned number)
{
    const struct model *model;
    service_context_turn(world->context);
    return model_activate(world->context, name, number, &model, &world->fault);
}

static size_t n_stored(const struct world *world, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/models/%s", world->data, name);
    return folder_count(path);
}

/* ---- versions ---- */

TEST(the_first_version_of_a_model_is_activated_and_later_ones_wait)
{
    struct world world;
    world_start_with_data(&world);
    const struct model *model;
    for (unsigned k = 1; k <= 4; k++) {
        ck_assert_int_eq(put(&world, "fresh", network_file(HIDDEN, k), &model), STATUS_OK);
        ck_assert_uint_eq(model->n_versions, k);
        ck_assert_uint_eq(model->active->number, 1);
        ck_assert_uint_eq(model->versions[k - 1].number, k);
        ck_assert(!model->versions[k - 1].read_only && model->versions[k - 1].created_at_ms > 0);
    }
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 9)), 2);
    ck_assert_uint_eq(world_model(&world)->active->number, 1);
    ck_assert(world_model(&world)->versions[0].read_only);
    world_done(&world);
}

/* More changes in one turn of the worker than any small bound, and with another worker in
 * between. */
TEST(many_changes_in_one_turn_are_all_kept)
{
    struct world world;
    world_start_with_data(&world);
    struct service_context *other;
    ck_assert_int_eq(service_context_create(world.service, &other), STATUS_OK);
    const struct model *model, *first;
    service_context_turn(world.context);
    ck_assert_int_eq(model_find(world.context, "m", &first, &world.fault), STATUS_OK);
    for (unsigned k = 0; k < 30; k++) {
        struct bytes bytes = network_file(HIDDEN, k + 10);
        ck_assert_int_eq(
            model_put(k % 3 ? world.context : other, "m", bytes.p, bytes.n, &model, &world.fault),
            STATUS_OK);
        free(bytes.p);
        ck_assert_uint_eq(model->n_versions, k + 2);
        ck_assert_int_eq(
            model_activate(k % 2 ? world.context : other, "m", k + 2, &model, &world.fault),
            STATUS_OK);
        ck_assert_uint_eq(model->active->number, k + 2);
    }
    ck_assert_uint_eq(first->n_versions, 1); /* what was found before is still there */
    ck_assert_uint_eq(first->active->number, 1);
    ck_assert_uint_eq(world_model(&world)->n_versions, 31);
    service_context_free(other);
    world_done(&world);
}

TEST(a_version_with_other_inputs_or_outputs_is_refused)
{
    struct world world;
    world_start_with_data(&world);
    const struct model *model;
    ck_assert_int_eq(put(&world, "m", network_file_of_other_shape(), &model),
                     STATUS_INCOMPATIBLE_MODEL);
    ck_assert_str_eq(world.fault.param, "inputs");
    struct bytes renamed = network_file(HIDDEN, 2);
    char *name = memmem(renamed.p, renamed.n, "comfort", 7);
    ck_assert_ptr_nonnull(name);
    memcpy(name, "comfurt", 7);
    ck_assert_int_eq(put(&world, "m", renamed, &model), STATUS_INCOMPATIBLE_MODEL);
    ck_assert_str_eq(world.fault.param, "outputs");
    ck_assert_msg(strstr(world.fault.message, "'comfurt'"), "%s", world.fault.message);
    ck_assert_uint_eq(n_stored(&world, "m"), 0);
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    world_done(&world);
}

TEST(garbage_is_refused_and_leaves_nothing_behind)
{
    struct world world;
    world_start_with_data(&world);
    const struct model *model;
    for (size_t n = 0; n < 2000; n += 97) {
        struct bytes half = network_file(HIDDEN, 1);
        half.n = n < half.n ? n : half.n - 1;
        ck_assert_int_eq(put(&world, "junk", half, &model), STATUS_INVALID_MODEL);
        ck_assert(world.fault.message[0] != '\0');
    }
    struct bytes half = network_file(HIDDEN, 1);
    half.n /= 2;
    ck_assert_int_eq(put(&world, "m", half, &model), STATUS_INVALID_MODEL);
    char path[256];
    snprintf(path, sizeof path, "%s/models", world.data);
    ck_assert_uint_eq(folder_count(path), 0);
    service_context_turn(world.context);
    ck_assert_int_eq(model_find(world.context, "junk", &model, &world.fault),
                     STATUS_MODEL_NOT_FOUND);
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    world_restart(&world);
    size_t n;
    models_list(world.context, &n);
    ck_assert_uint_eq(n, 1);
    world_done(&world);
}

/* The sessions of a model that is gone lie in the way of one of the same name with other inputs. */
TEST(a_model_that_cannot_have_its_sessions_is_refused_and_leaves_nothing_behind)
{
    struct world world;
    world_start_with_data(&world);
    const struct model *model;
    expect_steps(&world, "s", 1, 1, 3);
    world_stop(&world);
    char path[256];
    snprintf(path, sizeof path, "%s/m.safetensors", world.models);
    ck_assert_int_eq(unlink(path), 0);
    world_start(&world);
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(put(&world, "m", network_file_of_other_shape(), &model),
                         STATUS_STORAGE_FAILED);
        ck_assert_msg(strstr(world.fault.message, "2 inputs and 2 outputs, here are 1 and 1"), "%s",
                      world.fault.message);
        ck_assert_uint_eq(n_stored(&world, "m"), 0);
    }
    ck_assert_int_eq(put(&world, "m", network_file(HIDDEN, SEED), &model), STATUS_OK);
    expect_twin(&world, "s", 1, 4);
    world_done(&world);
}

static void expect_file(struct world *world, unsigned number, const struct bytes *bytes)
{
    const struct version *version;
    const void *got;
    size_t n;
    ck_assert_int_eq(version_find(world_model(world), number, &version, &world->fault), STATUS_OK);
    ck_assert_int_eq(model_read_file(version, &world->arena, &got, &n, &world->fault), STATUS_OK);
    ck_assert_uint_eq(n, bytes->n);
    ck_assert_mem_eq(got, bytes->p, n);
    struct digest digest = digest_128(bytes->p, bytes->n);
    ck_assert_mem_eq(&version->digest, &digest, sizeof digest);
}

TEST(a_version_file_is_given_back_byte_for_byte)
{
    struct world world;
    world_start_with_data(&world);
    struct bytes first = network_file(HIDDEN, SEED), second = network_file(20, 3);
    ck_assert_uint_eq(world_put_version(&world, network_file(20, 3)), 2);
    for (int restart = 0; restart < 2; restart++) {
        expect_file(&world, 1, &first);
        expect_file(&world, 2, &second);
        world_restart(&world);
    }
    free(first.p);
    free(second.p);
    world_done(&world);
}

TEST(a_version_is_deleted_unless_it_is_active_or_read_only)
{
    struct world world;
    world_start_with_data(&world);
    world_put_version(&world, network_file(HIDDEN, 2));
    world_put_version(&world, network_file(HIDDEN, 3));
    ck_assert_int_eq(delete_version(&world, 1), STATUS_VERSION_ACTIVE);
    world_activate(&world, 2);
    ck_assert_int_eq(delete_version(&world, 2), STATUS_VERSION_ACTIVE);
    ck_assert_int_eq(delete_version(&world, 1), STATUS_VERSION_READ_ONLY);
    ck_assert_int_eq(delete_version(&world, 7), STATUS_VERSION_NOT_FOUND);
    ck_assert_int_eq(delete_version(&world, 3), STATUS_OK);
    ck_assert_int_eq(delete_version(&world, 3), STATUS_VERSION_NOT_FOUND);
    ck_assert_int_eq(activate(&world, "m", 3), STATUS_VERSION_NOT_FOUND);
    ck_assert_int_eq(activate(&world, "nothing", 1), STATUS_MODEL_NOT_FOUND);
    ck_assert_uint_eq(n_stored(&world, "m"), 4); /* version 2 and its digest, active, newest */
    world_restart(&world);
    ck_assert_uint_eq(world_model(&world)->n_versions, 2);
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    world_done(&world);
}

TEST(the_number_of_a_deleted_version_is_not_given_again)
{
    struct world world;
    world_start_with_data(&world);
    for (unsigned k = 2; k <= 9;
         k++) { /* 1 came with --models, so now and then all that were put are gone */
        ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, k)), k);
        ck_assert_int_eq(delete_version(&world, k), STATUS_OK);
        if (k % 3 == 0) {
            world_restart(&world);
        }
    }
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    world_done(&world);
}

/* As one that lies there would: it may be put right, or taken away, before the next start. */
TEST(versions_of_the_models_folder_take_their_numbers_too)
{
    struct world world;
    const struct model *model;
    world_init(&world);
    world_use_data(&world);
    world_make_model_folder(&world, "m");
    world_add_model(&world, "m/4", network_file(HIDDEN, 4));
    world_add_model(&world, "m/6", network_junk());
    world_start(&world);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 7)), 7);
    ck_assert_int_eq(delete_version(&world, 7), STATUS_OK);
    world_stop(&world);
    static const char *const names[] = { "m", "m/4", "m/6" };
    char path[256];
    for (size_t k = 0; k < 3; k++) {
        snprintf(path, sizeof path, "%s/%s.safetensors", world.models, names[k]);
        ck_assert_int_eq(unlink(path), 0);
    }
    world_start(&world); /* no version is left, but the sessions may name one */
    ck_assert_int_eq(put(&world, "m", network_file(HIDDEN, 8), &model), STATUS_OK);
    ck_assert_uint_eq(model->active->number, 8);
    world_done(&world);
}

/* Below a version of --models the number of one that is deleted is noted too: the other may be
 * taken away. */
TEST(a_number_below_that_of_a_read_only_version_is_not_given_again)
{
    struct world world;
    char path[256];
    world_start_with_data(&world);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 2)), 2);
    world_make_model_folder(&world, "m");
    world_add_model(&world, "m/5", network_file(HIDDEN, 5));
    world_restart(&world);
    world_activate(&world, 5);
    ck_assert_int_eq(delete_version(&world, 2), STATUS_OK);
    world_activate(&world, 1);
    world_stop(&world);
    snprintf(path, sizeof path, "%s/m/5.safetensors", world.models);
    ck_assert_int_eq(unlink(path), 0);
    world_start(&world);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 3)), 3);
    world_done(&world);
}

TEST(a_version_whose_number_cannot_be_kept_is_not_deleted)
{
    struct world world;
    world_start_with_data(&world);
    world_put_version(&world, network_file(HIDDEN, 2));
    char path[256];
    snprintf(path, sizeof path, "%s/models/m/newest.tmp", world.data);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(delete_version(&world, 2), STATUS_STORAGE_FAILED);
    ck_assert_uint_eq(world_model(&world)->n_versions, 2);
    world_restart(&world);
    ck_assert_uint_eq(world_model(&world)->n_versions, 2);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(delete_version(&world, 2), STATUS_OK);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 3)), 3);
    world_done(&world);
}

/* As it was written before numbers were kept. */
TEST(data_without_a_note_of_the_newest_number_is_read)
{
    struct world world;
    const struct model *model;
    world_start_with_data(&world);
    for (unsigned k = 1; k <= 4; k++) {
        ck_assert_int_eq(put(&world, "old", network_file(HIDDEN, k), &model), STATUS_OK);
    }
    ck_assert_uint_eq(n_stored(&world, "old"), 9); /* two each, and `active` */
    world_restart(&world);
    ck_assert_int_eq(put(&world, "old", network_file(HIDDEN, 5), &model), STATUS_OK);
    ck_assert_uint_eq(model->newest, 5);
    world_done(&world);
}

TEST(without_a_data_directory_nothing_is_put_but_versions_are_switched)
{
    struct world world;
    const struct model *model;
    world_init(&world);
    world_make_model_folder(&world, "m");
    world_add_model(&world, "m/2", network_file(HIDDEN, 2));
    world_start(&world);
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    ck_assert_int_eq(put(&world, "m", network_file(HIDDEN, 3), &model), STATUS_NO_DATA_DIRECTORY);
    ck_assert_int_eq(put(&world, "n", network_file(HIDDEN, 3), &model), STATUS_NO_DATA_DIRECTORY);
    world_activate(&world, 1);
    expect_twin(&world, "s", 1, 1);
    world_done(&world);
}
