/* What is on disk before it is acknowledged. */
#include "service/failing_system.h"
#include "service/service_support.h"
#include "service/sessions/commit.h"
#include "test.h"

static void start(struct world *world, bool has_data, size_t interval_ms)
{
    world_init(world);
    if (has_data) {
        world_use_data(world);
    }
    world->config.sync_interval_ms = interval_ms;
    world_start(world);
}

static uint64_t n_syncs(struct world *world)
{
    struct service_figures figures;
    service_read_figures(world->service, &figures);
    return figures.n_syncs;
}

TEST(a_sync_is_owed_where_there_is_a_file_and_no_interval)
{
    for (int k = 0; k < 4; k++) {
        struct world world;
        start(&world, k & 1, k & 2 ? 0 : 3600000);
        uint64_t before = n_syncs(&world);
        commit_owe(world.context, world_pool(&world));
        ck_assert_int_eq(commit_is_owed(world.context), k == 3);
        ck_assert(!commit_is_owed(world.context));
        commit_run(world.context);
        ck_assert_uint_eq(n_syncs(&world) - before, k == 3);
        commit_run(world.context); /* nothing is owed any more */
        ck_assert_uint_eq(n_syncs(&world) - before, k == 3);
        world_done(&world);
    }
}

TEST(every_verb_that_writes_owes_a_sync)
{
    struct world world;
    bool created;
    struct session_restore restore = { .ttl_s = -1 };
    start(&world, true, 0);
    expect_steps(&world, "s", 1, 1, 3);
    ck_assert_uint_eq(n_syncs(&world), 3);
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 3),
                     STATUS_OK); /* its first may not be there yet */
    ck_assert_uint_eq(n_syncs(&world), 4);
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 7), STATUS_SEQUENCE_MISMATCH);
    ck_assert(!commit_is_owed(world.context));
    session_get(&world, "s");
    ck_assert(!commit_is_owed(world.context));
    const struct model *model = world_model(&world);
    ck_assert_int_eq(session_put(world.context, model, "p", &restore, &created, &world.fault),
                     STATUS_OK);
    ck_assert(commit_is_owed(world.context));
    ck_assert_int_eq(session_fork(world.context, model, "s", "f", &world.arena, &world.fault),
                     STATUS_OK);
    ck_assert(commit_is_owed(world.context));
    ck_assert_int_eq(session_delete(world.context, model, "f", &world.fault), STATUS_OK);
    ck_assert(commit_is_owed(world.context));
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}

TEST(a_commit_whose_sync_fails_is_not_acknowledged)
{
    struct world world;
    struct service_figures figures;
    start(&world, true, 0);
    commit_owe(world.context, world_pool(&world));
    disk_fails = true;
    commit_run(world.context);
    disk_fails = false;
    ck_assert(commit_has_failed(world.context, "m"));
    ck_assert(!commit_has_failed(world.context, "another"));
    ck_assert_int_eq(commit_refuse(&world.fault), STATUS_STORAGE_FAILED);
    ck_assert(service_is_degraded_by(world.service, DEGRADED_SYNC));
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_failed_syncs, 1);
    world_done(&world);
}

TEST(what_is_owed_moves_with_the_sessions)
{
    struct world world;
    start(&world, true, 0);
    world_put_version(&world, network_file(HIDDEN + 4, SEED));
    commit_owe(world.context, world_pool(&world));
    world_activate(&world, 2);
    uint64_t before = n_syncs(&world);
    commit_run(world.context);
    ck_assert_uint_eq(n_syncs(&world) - before, 1);
    world_done(&world);
}
