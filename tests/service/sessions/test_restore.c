/* Readings that a PUT replays. */
#include "service/service_support.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

enum { N = 40, SLICE = 7 };

static enum status replay(struct world *world, struct session_restore *restore,
                          struct restore_replay *replay, struct arena *arena)
{
    enum status status = restore_begin(world_model(world), restore, arena, replay, &world->fault);
    return status == STATUS_OK ? prediction_finish(world, &replay->prediction, SLICE) : status;
}

/* A replay that began before another version was activated leads to a state that does not fit, and
 * is refused before anything is written. */
TEST(a_replay_belongs_to_the_version_that_it_began_with)
{
    struct world world;
    struct restore_replay first, second;
    double y[OUTPUTS];
    bool created;
    struct arena arena;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    arena_init(&arena, 1 << 20);
    double *x = readings(3, 1, N);
    struct session_restore restore = { .ttl_s = -1, .readings = x, .n_readings = N };
    ck_assert(restore_is_due(&restore));
    ck_assert_int_eq(replay(&world, &restore, &first, &arena), STATUS_OK);
    restore_take(&first, &restore);
    ck_assert(!restore_is_due(&restore));
    world_activate(&world, world_put_version(&world, network_file(HIDDEN, 77)));
    ck_assert_int_eq(
        session_put(world.context, world_model(&world), "s", &restore, &created, &world.fault),
        STATUS_DIGEST_MISMATCH);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    restore.state = NULL;
    ck_assert_int_eq(replay(&world, &restore, &second, &arena), STATUS_OK);
    restore_take(&second, &restore);
    ck_assert_int_eq(
        session_put(world.context, world_model(&world), "s", &restore, &created, &world.fault),
        STATUS_OK);
    struct session session = session_get(&world, "s");
    twin(&world, NULL, 3, 1, N, y);
    expect_y(session.gru, session.state, y);
    free(x);
    arena_done(&arena);
    world_done(&world);
}

TEST(a_reading_that_does_not_run_is_named)
{
    struct world world;
    struct restore_replay replayed;
    struct arena arena;
    world_init(&world);
    world_add_model(&world, "m", network_file_that_is_strict());
    world_start(&world);
    arena_init(&arena, 1 << 20);
    double x[2 * INPUTS] = { 1, 2, 3, NAN };
    struct session_restore restore = { .ttl_s = -1, .readings = x, .n_readings = 2 };
    ck_assert_int_eq(replay(&world, &restore, &replayed, &arena), STATUS_MISSING_INPUT);
    ck_assert_str_eq(world.fault.param, "rewarm[1][1]");
    arena_done(&arena);
    world_done(&world);
}
