/* What keeps the service from all that it should do: when it begins, what it is called, and when it
 * ends. */
#include "service_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

TEST(each_degraded_state_has_a_word_and_a_sentence_of_its_own)
{
    for (enum degraded_state a = 0; a < DEGRADED_COUNT; a++) {
        ck_assert(strlen(degraded_word(a)) > 0 && strlen(degraded_sentence(a)) > 10);
        for (enum degraded_state b = 0; b < a; b++) {
            ck_assert_str_ne(degraded_word(a), degraded_word(b));
            ck_assert_str_ne(degraded_sentence(a), degraded_sentence(b));
        }
    }
}

TEST(a_degraded_state_ends_when_the_same_succeeds_and_that_of_a_sync_never)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    for (enum degraded_state state = 0; state < DEGRADED_COUNT; state++) {
        ck_assert(!service_is_degraded(world.service));
        degraded_settle(world.service, state, STATUS_INVALID_VALUE); /* the client's */
        degraded_settle(world.service, state, STATUS_OK);
        ck_assert(!service_is_degraded_by(world.service, state));
        degraded_settle(world.service, state, STATUS_STORAGE_FAILED);
        ck_assert(service_is_degraded_by(world.service, state) &&
                  service_is_degraded(world.service));
        degraded_settle(world.service, state, STATUS_OK);
        ck_assert_int_eq(service_is_degraded_by(world.service, state), state == DEGRADED_SYNC);
        atomic_store(&world.service->degraded_states, 0);
    }
    world_done(&world);
}

TEST(a_sync_that_succeeds_does_not_make_up_for_one_that_failed)
{
    struct world world;
    world_start_with_data(&world);
    ck_assert(service_sync(world.service));
    degraded_begins(world.service, DEGRADED_SYNC);
    ck_assert(!service_sync(world.service));
    ck_assert(service_is_degraded_by(world.service, DEGRADED_SYNC));
    world_done(&world);
}

TEST(a_full_disk_refuses_new_sessions_until_there_is_room)
{
    struct world world;
    world_start_with_data(&world);
    char id[16];
    int n = 0;
    expect_step(&world, "old", 1, 1, (double[OUTPUTS]){ 0 });
    disk_limit(1);
    for (enum status status = STATUS_OK; status == STATUS_OK; n++) {
        struct step step;
        double x[INPUTS] = { 0 };
        ck_assert_int_lt(n, 100000);
        snprintf(id, sizeof id, "n%d", n);
        status = step_x(&world, id, x, &step);
        ck_assert(status == STATUS_OK || status == STATUS_STORAGE_FAILED);
    }
    ck_assert(service_is_degraded_by(world.service, DEGRADED_SESSIONS));
    expect_twin(&world, "old", 1, 2);
    ck_assert(service_is_degraded_by(world.service, DEGRADED_SESSIONS));
    disk_limit(0);
    expect_twin(&world, id, 2, 1);
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}

TEST(a_full_disk_refuses_new_versions_until_there_is_room)
{
    struct world world;
    world_start_with_data(&world);
    struct bytes file = network_file(HIDDEN, 7);
    const struct model *model;
    disk_limit(16);
    service_context_turn(world.context);
    ck_assert_int_eq(model_put(world.context, "m", file.p, file.n, &model, &world.fault),
                     STATUS_STORAGE_FAILED);
    disk_limit(0);
    ck_assert(service_is_degraded_by(world.service, DEGRADED_VERSIONS));
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    ck_assert_uint_eq(world_put_version(&world, file), 2);
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}
