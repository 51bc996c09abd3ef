/* Verbs on a session that another thread holds: they do not wait for it. */
#include "service/service_support.h"
#include "test.h"

enum { OTHER = 4000 };

static uint32_t hold(struct world *world, const char *id)
{
    struct fault fault;
    const struct pool_key key = pool_key_of(id);
    uint32_t slot;
    ck_assert_int_eq(pool_claim(world_pool(world), &key, OTHER, 0, &slot, &fault), CLAIM_OK);
    return slot;
}

static void expect_blocked(struct world *world, enum status status)
{
    ck_assert_int_eq(status, STATUS_OVERLOADED);
    ck_assert(session_was_blocked(world->context));
    ck_assert(!session_was_blocked(world->context));
}

TEST(a_session_that_is_held_blocks_no_thread_and_nothing_changes)
{
    struct world world;
    bool flag;
    size_t n;
    struct session session;
    struct session_row rows[4];
    struct session_forecast forecast;
    const struct forecast_options one = { .horizon = 1 };
    const struct session_restore restore = { .ttl_s = 9 };
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "a", 1, 1, 3);
    expect_steps(&world, "b", 2, 1, 2);
    uint32_t slot = hold(&world, "a");
    const struct model *model = world_model(&world);
    struct fault *fault = &world.fault;
    struct service_context *context = world.context;
    expect_blocked(&world, session_read(context, model, "a", &world.arena, &session, fault));
    const struct session_query query = { .model = model, .prefix = "", .limit = 4 };
    expect_blocked(&world, session_list(context, &query, rows, &n, &flag, fault));
    expect_blocked(&world, session_delete(context, model, "a", fault));
    expect_blocked(&world, session_put(context, model, "a", &restore, &flag, fault));
    expect_blocked(&world, session_fork(context, model, "a", "c", &world.arena, fault));
    expect_blocked(&world, session_fork(context, model, "b", "a", &world.arena, fault));
    expect_blocked(
        &world, session_forecast_begin(context, model, "a", &one, &world.arena, &forecast, fault));
    expect_steps(&world, "b", 2, 3, 1);
    pool_release(world_pool(&world), slot);
    ck_assert_uint_eq(session_get(&world, "a").row.step, 3);
    ck_assert(session_get(&world, "a").ttl_s == -1);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 2);
    ck_assert(!session_was_blocked(context));
    world_done(&world);
}

TEST(a_pool_that_is_closed_says_that_its_sessions_move)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    ck_assert(!sessions_are_moving(world.context, "m"));
    ck_assert(!sessions_are_moving(world.context, "another"));
    atomic_store(&world_pool(&world)->is_closed, true);
    ck_assert(sessions_are_moving(world.context, "m"));
    atomic_store(&world_pool(&world)->is_closed, false);
    world_done(&world);
}
