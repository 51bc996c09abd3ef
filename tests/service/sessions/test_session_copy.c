/* New sessions are found at once and written when they are born; replies wait for the disk only
 * where they are to. */
#include "service/sessions/session_copy.h"

#include "service/failing_system.h"
#include "service/service_support.h"
#include "test.h"

/* ---- new sessions ---- */

static enum claim create(struct world *world, const char *id, uint32_t *ret_slot)
{
    const struct pool_key key = pool_key_of(id);
    return session_copy_create(world->context, world_model(world), &key, 0, POOL_KEEP_NONE,
                               ret_slot, &world->fault);
}

static enum claim claim(struct world *world, const char *id, uint32_t *ret_slot)
{
    const struct pool_key key = pool_key_of(id);
    return pool_claim(world_pool(world), &key, OWNER_MAIN, world->context->now_ms, ret_slot,
                      &world->fault);
}

TEST(a_new_session_is_found_at_once_and_is_a_fresh_one)
{
    struct world world;
    uint32_t slot, found;
    world_init(&world);
    world_start(&world);
    ck_assert_int_eq(create(&world, "new", &slot), CLAIM_OK);
    ck_assert_int_eq(claim(&world, "new", &found), CLAIM_BUSY);
    pool_release(world_pool(&world), slot);
    struct session session = session_get(&world, "new");
    ck_assert_uint_eq(session.row.step, 0);
    ck_assert_uint_eq(session.row.version, 1);
    ck_assert_uint_eq(session.n_readings, 0);
    expect_twin(&world, "new", 1, 1);
    world_done(&world);
}

TEST(until_something_is_written_the_file_has_nothing_of_it)
{
    struct world world;
    struct session session;
    uint32_t slot;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    expect_steps(&world, "other", 2, 1, 3);
    ck_assert_int_eq(create(&world, "new", &slot), CLAIM_OK);
    world_restart(&world);
    ck_assert_int_eq(session_read(world.context, world_model(&world), "new", &world.arena, &session,
                                  &world.fault),
                     STATUS_SESSION_NOT_FOUND);
    expect_twin(&world, "other", 2, 4);
    expect_twin(&world, "new", 1, 1);
    world_restart(&world);
    expect_twin(&world, "new", 1, 2);
    world_done(&world);
}

TEST(of_two_that_make_one_session_the_second_leaves_no_trace)
{
    struct world world;
    uint32_t first, second, found;
    world_init(&world);
    world.config.session_max = 2;
    world_start(&world);
    ck_assert_int_eq(create(&world, "new", &first), CLAIM_OK);
    ck_assert_int_eq(create(&world, "new", &second), CLAIM_BUSY);
    pool_release(world_pool(&world), first);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    ck_assert_int_eq(claim(&world, "new", &found), CLAIM_OK);
    ck_assert_uint_eq(found, first);
    pool_release(world_pool(&world), found);
    expect_twin(&world, "another", 2, 1); /* which has the room that the second had */
    world_done(&world);
}
