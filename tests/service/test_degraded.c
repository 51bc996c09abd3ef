/* What keeps the service from all that it should do: when it begins, what it is called, and when it ends. */
#include "service_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void start_with_data(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world_start(world);
}

TEST(each_trouble_has_a_word_and_a_sentence_of_its_own)
{
    for (enum trouble a = 0; a < TROUBLE_COUNT; a++) {
        ck_assert(strlen(trouble_word(a)) > 0 && strlen(trouble_sentence(a)) > 10);
        for (enum trouble b = 0; b < a; b++) {
            ck_assert_str_ne(trouble_word(a), trouble_word(b));
            ck_assert_str_ne(trouble_sentence(a), trouble_sentence(b));
        }
    }
}

TEST(a_trouble_ends_when_the_same_succeeds_and_that_of_a_sync_never)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    for (enum trouble trouble = 0; trouble < TROUBLE_COUNT; trouble++) {
        ck_assert(!service_is_degraded(world.service));
        trouble_settle(world.service, trouble, STATUS_INVALID_VALUE); /* the client's */
        trouble_settle(world.service, trouble, STATUS_OK);
        ck_assert(!service_has_trouble(world.service, trouble));
        trouble_settle(world.service, trouble, STATUS_STORAGE_FAILED);
        ck_assert(service_has_trouble(world.service, trouble) && service_is_degraded(world.service));
        trouble_settle(world.service, trouble, STATUS_OK);
        ck_assert_int_eq(service_has_trouble(world.service, trouble), trouble == TROUBLE_SYNC);
        atomic_store(&world.service->troubles, 0);
    }
    world_done(&world);
}

TEST(a_sync_that_succeeds_does_not_make_up_for_one_that_failed)
{
    struct world world;
    start_with_data(&world);
    ck_assert(service_sync(world.service));
    trouble_begins(world.service, TROUBLE_SYNC);
    ck_assert(!service_sync(world.service));
    ck_assert(service_has_trouble(world.service, TROUBLE_SYNC));
    world_done(&world);
}

TEST(a_full_disk_refuses_new_sessions_until_there_is_room)
{
    struct world world;
    start_with_data(&world);
    char id[16];
    int n = 0;
    expect_step(&world, "old", 1, 1, (float[OUTPUTS]){ 0 });
    disk_limit(1);
    for (enum status status = STATUS_OK; status == STATUS_OK; n++) {
        struct step step;
        float x[INPUTS] = { 0 };
        ck_assert_int_lt(n, 100000);
        snprintf(id, sizeof id, "n%d", n);
        status = step_x(&world, id, x, &step);
        ck_assert(status == STATUS_OK || status == STATUS_STORAGE_FAILED);
    }
    ck_assert(service_has_trouble(world.service, TROUBLE_SESSIONS));
    expect_twin(&world, "old", 1, 2);
    ck_assert(service_has_trouble(world.service, TROUBLE_SESSIONS));
    disk_limit(0);
    expect_twin(&world, id, 2, 1);
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}

TEST(a_full_disk_refuses_new_versions_until_there_is_room)
{
    struct world world;
    start_with_data(&world);
    struct bytes file = network_file(HIDDEN, 7);
    const struct model *model;
    disk_limit(16);
    worker_turn(world.worker);
    ck_assert_int_eq(model_put(world.worker, "m", file.p, file.n, &model, &world.fault),
                     STATUS_STORAGE_FAILED);
    disk_limit(0);
    ck_assert(service_has_trouble(world.service, TROUBLE_VERSIONS));
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    ck_assert_uint_eq(world_put_version(&world, file), 2);
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}

/* Otherwise another version would be the active one, and sessions would be converted to it. */
TEST(a_version_that_cannot_be_read_ends_the_start)
{
    struct world world;
    start_with_data(&world);
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
    start_with_data(&world);
    world_stop(&world);
    snprintf(path, sizeof path, "%s/sessions/m.pool", world.data);
    ck_assert(unlink(path) == 0 && mkdir(path, 0700) == 0);
    world_start(&world);
    ck_assert(service_has_trouble(world.service, TROUBLE_MODELS));
    ck_assert_int_eq(rmdir(path), 0);
    world_restart(&world);
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}

/* Asked for in so many words, it is to stay when newer ones come. */
TEST(activating_the_active_version_writes_the_choice_down)
{
    struct world world;
    start_with_data(&world);
    world_put_version(&world, network_file(HIDDEN, 7));
    char path[256];
    snprintf(path, sizeof path, "%s/models/m/active", world.data);
    unlink(path);
    world_activate(&world, 1);
    ck_assert(file_exists(path));
    world_done(&world);
}
