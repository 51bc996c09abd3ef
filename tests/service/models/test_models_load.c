/* The models at the start: what the directories hold, which version is active, and what is left
 * out. */
#include "service/models/models_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_unserved(struct world *world, const struct unserved *due, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const struct unserved *unserved = models_unserved(world->context, k);
        ck_assert_ptr_nonnull(unserved);
        ck_assert_str_eq(unserved->model, due[k].model);
        ck_assert_uint_eq(unserved->version, due[k].version);
        ck_assert_uint_gt(strlen(unserved->reason), 0);
    }
    ck_assert_ptr_null(models_unserved(world->context, n));
    ck_assert(service_is_degraded_by(world->service, DEGRADED_MODELS));
}

/* ---- which version is active ---- */

/* A version, and the digest beside it; path: without extension. */
static void remove_both(const char *path)
{
    char file[300];
    snprintf(file, sizeof file, "%s.safetensors", path);
    ck_assert_int_eq(unlink(file), 0);
    snprintf(file, sizeof file, "%s.digest", path);
    ck_assert_int_eq(unlink(file), 0);
}

/* That m is not served after a restart, and why. */
static void expect_left_out(struct world *world, const char *reason)
{
    const struct model *model;
    world_restart(world);
    ck_assert_int_eq(model_find(world->context, "m", &model, &world->fault),
                     STATUS_MODEL_UNAVAILABLE);
    ck_assert_msg(strstr(world->fault.message, reason) != NULL, "%s", world->fault.message);
    ck_assert(service_is_degraded_by(world->service, DEGRADED_MODELS));
}

static unsigned active_after_restart(struct world *world)
{
    world_restart(world);
    return world_model(world)->active->number;
}

TEST(the_active_version_is_the_one_chosen_last_or_the_newest_of_the_models_folder_or_the_newest)
{
    struct world world;
    world_start_with_data(&world);
    for (unsigned k = 2; k <= 4; k++) {
        ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, k)), k);
    }
    ck_assert_uint_eq(active_after_restart(&world), 1);
    world_make_model_folder(&world, "m");
    world_add_model(&world, "m/5", network_file(HIDDEN, 5));
    ck_assert_uint_eq(active_after_restart(&world), 5);
    world_activate(&world, 2);
    ck_assert_uint_eq(active_after_restart(&world), 2);
    folder_remove_file(world.data, "models/m/active");
    ck_assert_uint_eq(active_after_restart(&world), 5);
    folder_remove_file(world.models, "m/5.safetensors");
    ck_assert_uint_eq(active_after_restart(&world), 1);
    folder_remove_file(world.models, "m.safetensors");
    expect_left_out(&world, "which of its versions is active is not known");
    for (unsigned k = 2; k <= 3; k++) {
        char path[256];
        snprintf(path, sizeof path, "%s/models/m/%u", world.data, k);
        remove_both(path);
    }
    ck_assert_uint_eq(active_after_restart(&world), 4); /* the only one */
    world_done(&world);
}

TEST(versions_and_the_active_one_survive_a_restart)
{
    struct world world;
    world_start_with_data(&world);
    for (unsigned k = 2; k <= 12; k++) {
        world_put_version(&world, network_file(HIDDEN, k));
    }
    static const unsigned actives[] = { 5, 12, 1, 11 };
    for (size_t k = 0; k < 4; k++) {
        world_activate(&world, actives[k]);
        int64_t created_at_ms = world_model(&world)->versions[3].created_at_ms;
        world_restart(&world);
        const struct model *model = world_model(&world);
        ck_assert_uint_eq(model->active->number, actives[k]);
        ck_assert_uint_eq(model->n_versions, 12);
        for (unsigned v = 0; v < 12; v++) {
            ck_assert_uint_eq(model->versions[v].number, v + 1);
            ck_assert(model->versions[v].read_only == (v == 0));
        }
        ck_assert_int_eq(model->versions[3].created_at_ms, created_at_ms);
    }
    world_done(&world);
}

/* ---- damage ---- */

/* Near the end of a file of the data directory, in the weights of a model; twice undoes it. */
static void flip_bit(const struct world *world, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/models/m/%s", world->data, name);
    struct bytes bytes = file_load(path);
    ((unsigned char *)bytes.p)[bytes.n - 2] ^= 4;
    file_store(path, bytes.p, bytes.n);
    free(bytes.p);
}

/* m of --models, and versions 2 to 4 in --data; `active` becomes the active one. */
static void start_with_versions(struct world *world, unsigned active)
{
    world_start_with_data(world);
    for (unsigned k = 2; k <= 4; k++) {
        world_put_version(world, network_file(HIDDEN, k));
    }
    if (active > 0) {
        world_activate(world, active);
    }
}

static void write_active(const struct world *world, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/models/m/active", world->data);
    file_store(path, text, strlen(text));
}

TEST(a_damaged_active_version_is_not_replaced_by_another_one)
{
    struct world world;
    start_with_versions(&world, 3);
    expect_steps(&world, "s", 1, 1, 5);
    world_stop(&world);
    flip_bit(&world, "3.safetensors");
    world_start(&world);
    expect_left_out(&world, "3.safetensors is damaged");
    flip_bit(&world, "3.safetensors");
    ck_assert_uint_eq(active_after_restart(&world), 3);
    ck_assert(!service_is_degraded(world.service));
    expect_twin(&world, "s", 1, 6);
    folder_remove_file(world.data, "models/m/3.safetensors");
    expect_left_out(&world, "3.safetensors is gone");
    write_active(&world, "2\n"); /* as the reason advises */
    ck_assert_uint_eq(active_after_restart(&world), 2);
    ck_assert_int_eq(model_delete_version(world.context, "m", 3, &world.fault), STATUS_OK);
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}

TEST(a_damaged_version_that_is_not_active_keeps_its_number_and_says_why)
{
    struct world world;
    const struct version *version;
    start_with_versions(&world, 2);
    world_stop(&world);
    flip_bit(&world, "4.safetensors");
    world_start(&world);
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    ck_assert_int_eq(version_find(world_model(&world), 4, &version, &world.fault),
                     STATUS_VERSION_UNAVAILABLE);
    ck_assert_msg(strstr(world.fault.message, "is damaged: it is not what was stored"), "%s",
                  world.fault.message);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 5)), 5);
    world_done(&world);
}

TEST(a_damaged_note_of_the_active_version_is_not_guessed)
{
    struct world world;
    start_with_versions(&world, 2);
    world_stop(&world);
    flip_bit(&world, "active");
    world_start(&world);
    expect_left_out(&world, "the note of which of its versions is active is damaged");
    flip_bit(&world, "active");
    ck_assert_uint_eq(active_after_restart(&world), 2);
    write_active(&world, "");
    expect_left_out(&world, "the note of which of its versions is active is damaged");
    write_active(&world, "9\n");
    expect_left_out(&world, "model 'm' has no version 9");
    world_done(&world);
}

TEST(a_damaged_digest_is_written_anew_and_its_version_is_served)
{
    struct world world;
    struct bytes before, after;
    char path[256];
    start_with_versions(&world, 2);
    world_stop(&world);
    snprintf(path, sizeof path, "%s/models/m/2.digest", world.data);
    before = file_load(path);
    flip_bit(&world, "2.digest");
    world_start(&world);
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    after = file_load(path);
    ck_assert(before.n == after.n && memcmp(before.p, after.p, after.n) == 0);
    world_stop(&world);
    flip_bit(&world, "2.digest");
    flip_bit(&world, "2.safetensors"); /* the note of the active version has it, too */
    world_start(&world);
    expect_left_out(&world, "is not the one that was activated");
    free(before.p);
    free(after.p);
    world_done(&world);
}

/* As an earlier release leaves them: without digests, and bare numbers. */
TEST(what_has_no_digest_yet_gets_one)
{
    struct world world;
    start_with_versions(&world, 2);
    ck_assert_int_eq(model_delete_version(world.context, "m", 4, &world.fault), STATUS_OK);
    world_stop(&world);
    char path[256];
    folder_remove_file(world.data, "models/m/2.digest");
    folder_remove_file(world.data, "models/m/3.digest");
    write_active(&world, "2\n");
    snprintf(path, sizeof path, "%s/models/m/newest", world.data);
    file_store(path, "4\n", 2);
    world_start(&world);
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    ck_assert(!service_is_degraded(world.service));
    world_stop(&world);
    flip_bit(&world, "3.safetensors");
    world_start(&world);
    expect_unserved(&world, (const struct unserved[]){ { .model = "m", .version = 3 } }, 1);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 5)), 5);
    world_stop(&world);
    flip_bit(&world, "active");
    world_start(&world);
    expect_left_out(&world, "is damaged");
    world_done(&world);
}

/* It is the owner's. */
TEST(a_file_of_the_models_folder_may_be_replaced)
{
    struct world world;
    start_with_versions(&world, 2);
    world_activate(&world, 1);
    world_add_model(&world, "m", network_file(HIDDEN, 99));
    for (int k = 0; k < 2; k++) {
        ck_assert_uint_eq(active_after_restart(&world), 1);
        ck_assert(!service_is_degraded(world.service));
    }
    world_done(&world);
}

TEST(a_file_that_was_changed_while_it_is_served_is_not_given_out)
{
    struct world world;
    const void *bytes;
    size_t n;
    start_with_versions(&world, 2);
    const struct version *version = world_model(&world)->active;
    ck_assert_int_eq(model_read_file(version, &world.arena, &bytes, &n, &world.fault), STATUS_OK);
    flip_bit(&world, "2.safetensors");
    ck_assert_int_eq(model_read_file(version, &world.arena, &bytes, &n, &world.fault),
                     STATUS_FILE_GONE);
    expect_steps(&world, "s", 1, 1, 2);
    world_done(&world);
}

/* ---- what is left out ---- */

TEST(of_two_files_with_one_number_one_is_served)
{
    struct world world;
    world_init(&world);
    world_make_model_folder(&world, "m");
    world_add_model(&world, "m/1", network_file(HIDDEN, 9));
    world_add_model(&world, "m/2", network_file(HIDDEN, 8));
    world_start(&world);
    const struct model *model = world_model(&world);
    ck_assert_uint_eq(model->n_versions, 2);
    ck_assert(model->versions[0].number == 1 && model->versions[1].number == 2);
    world_done(&world);
}

TEST(without_any_model_the_service_starts)
{
    struct world world;
    const struct model *model;
    world_init(&world);
    folder_remove_file(world.models, "m.safetensors");
    world_start(&world);
    ck_assert_int_eq(model_find(world.context, "m", &model, &world.fault), STATUS_MODEL_NOT_FOUND);
    world_done(&world);
}

TEST(one_bad_file_is_left_out_and_the_good_ones_are_served)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_make_model_folder(&world, "many");
    static const char *const strays[] = { "many/04", "many/0", "many/x", ".hidden", "a b" };
    for (size_t k = 0; k < sizeof strays / sizeof *strays; k++) {
        world_add_model(&world, strays[k], network_file(HIDDEN, 5));
    }
    world_add_model(&world, "empty", (struct bytes){ strdup(""), 0 });
    world_add_model(&world, "bad", network_junk());
    world_add_model(&world, "many/1", network_file(HIDDEN, 1));
    world_add_model(&world, "many/2", network_junk());
    world_add_model(&world, "many/3", network_file_of_other_shape());
    world_add_model(&world, "many/4", network_file(HIDDEN, 4));
    world_start(&world);
    world_expect_models(&world, (const char *const[]){ "m", "many" }, 2);
    const struct model *many;
    ck_assert_int_eq(model_find(world.context, "many", &many, &world.fault), STATUS_OK);
    ck_assert(many->n_versions == 2 && many->active->number == 4);
    expect_unserved(&world,
                    (const struct unserved[]){ { .model = "bad" },
                                               { .model = "empty" },
                                               { .model = "many", .version = 2 },
                                               { .model = "many", .version = 3 } },
                    4);
    world_done(&world);
}

/* ---- what is told of it ---- */

static enum status find(struct world *world, const char *name)
{
    const struct model *model;
    return model_find(world->context, name, &model, &world->fault);
}

TEST(a_model_that_is_left_out_says_why_and_its_name_is_taken)
{
    struct world world;
    const struct model *model;
    struct bytes good = network_file(HIDDEN, 1);
    world_init(&world);
    world_use_data(&world);
    world_add_model(&world, "bad", network_junk());
    world_start(&world);
    ck_assert_int_eq(find(&world, "bad"), STATUS_MODEL_UNAVAILABLE);
    ck_assert_msg(strstr(world.fault.message, "model 'bad' cannot be served: ") != NULL, "%s",
                  world.fault.message);
    ck_assert_int_eq(model_put(world.context, "bad", good.p, good.n, &model, &world.fault),
                     STATUS_MODEL_UNAVAILABLE);
    ck_assert_int_eq(model_activate(world.context, "bad", 1, &model, &world.fault),
                     STATUS_MODEL_UNAVAILABLE);
    ck_assert_int_eq(model_delete_version(world.context, "bad", 1, &world.fault),
                     STATUS_MODEL_UNAVAILABLE);
    ck_assert_int_eq(find(&world, "other"), STATUS_MODEL_NOT_FOUND);
    char path[256];
    snprintf(path, sizeof path, "%s/models/bad", world.data);
    ck_assert_uint_eq(folder_count(path), 0);
    ck_assert(service_is_degraded_by(world.service, DEGRADED_MODELS));
    folder_remove_file(world.models, "bad.safetensors");
    world_restart(&world);
    ck_assert_int_eq(find(&world, "bad"), STATUS_MODEL_NOT_FOUND);
    ck_assert(!service_is_degraded(world.service));
    free(good.p);
    world_done(&world);
}

TEST(a_version_that_is_left_out_says_why_and_can_be_deleted)
{
    struct world world;
    const struct model *model;
    char path[256];
    world_init(&world);
    world_use_data(&world);
    world_make_model_folder(&world, "m");
    world_add_model(&world, "m/3", network_junk());
    world_start(&world);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 4)), 4);
    snprintf(path, sizeof path, "%s/models/m/4.safetensors", world.data);
    file_store(path, "junk", 4);
    world_restart(&world);
    for (unsigned number = 3; number <= 4; number++) {
        const struct version *version;
        ck_assert_int_eq(version_find(world_model(&world), number, &version, &world.fault),
                         STATUS_VERSION_UNAVAILABLE);
        ck_assert_int_eq(model_activate(world.context, "m", number, &model, &world.fault),
                         STATUS_VERSION_UNAVAILABLE);
    }
    ck_assert_int_eq(model_delete_version(world.context, "m", 3, &world.fault),
                     STATUS_VERSION_READ_ONLY);
    ck_assert_int_eq(model_delete_version(world.context, "m", 4, &world.fault), STATUS_OK);
    ck_assert(!file_exists(path));
    expect_unserved(&world, (const struct unserved[]){ { .model = "m", .version = 3 } }, 1);
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 5)), 5);
    folder_remove_file(world.models, "m/3.safetensors");
    world_restart(&world);
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}

/* ---- faults of the machine ---- */

/* Otherwise another version would be the active one, and sessions would be converted to it. */
TEST(a_version_that_cannot_be_read_ends_the_start)
{
    struct world world;
    world_start_with_data(&world);
    world_put_version(&world, network_file(HIDDEN, 7));
    world_stop(&world);
    char path[256];
    struct service *service = NULL;
    struct fault fault;
    snprintf(path, sizeof path, "%s/models/m/2.safetensors", world.data);
    ck_assert(unlink(path) == 0 && symlink(path, path) == 0);
    ck_assert_int_eq(service_create(&world.config, &service, &fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, "2.safetensors") != NULL, "%s", fault.message);
    ck_assert_int_eq(unlink(path), 0);
    world_start(&world);
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    world_done(&world);
}

TEST(a_model_whose_sessions_cannot_be_opened_is_said_to_be_left_out)
{
    struct world world;
    char path[256];
    world_start_with_data(&world);
    world_stop(&world);
    snprintf(path, sizeof path, "%s/sessions/m.pool", world.data);
    ck_assert(unlink(path) == 0 && mkdir(path, 0700) == 0);
    world_start(&world);
    ck_assert(service_is_degraded_by(world.service, DEGRADED_MODELS));
    ck_assert_int_eq(rmdir(path), 0);
    world_restart(&world);
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}
