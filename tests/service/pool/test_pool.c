/* The end of sessions: time to live and tombstones. */
#include "service/service_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static void put_with_ttl(struct world *world, const char *session, int64_t ttl_s)
{
    const struct session_restore restore = { .ttl_s = ttl_s };
    bool created;
    enum status status =
        session_put(world->context, world_model(world), session, &restore, &created, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
}

/* ---- time to live ---- */

TEST(an_idle_session_expires_at_its_next_touch)
{
    struct world world;
    world_init(&world);
    world.config.session_ttl = 300;
    world_start(&world);
    expect_steps(&world, "pump-7", 1, 1, 3);
    world_age(&world, "pump-7", 299000);
    expect_steps(&world, "pump-7", 1, 4, 4);
    world_age(&world, "pump-7", 340500);
    expect_fault(&world, "pump-7", STATUS_SESSION_EXPIRED);
    ck_assert_str_eq(world.fault.param, "session");
    ck_assert_msg(strstr(world.fault.message, "'pump-7' expired 40 s ago (ttl 300 s)"), "%s",
                  world.fault.message);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    expect_fault(&world, "pump-7", STATUS_SESSION_EXPIRED);
    ck_assert_uint_eq(world_figures(&world).n_sessions_expired, 1);
    world_done(&world);
}

TEST(every_verb_says_that_a_session_expired)
{
    struct world world;
    world_init(&world);
    world.config.session_ttl = 300;
    world_start(&world);
    const struct forecast_options forecast_options = { .horizon = 1 };
    struct session session;
    struct session_forecast forecast;
    for (int verb = 0; verb < 3; verb++) {
        char id[32];
        snprintf(id, sizeof id, "s%d", verb);
        expect_steps(&world, id, 1, 1, 1);
        world_age(&world, id, 301000);
        for (int k = 0; k < 2; k++) {
            const struct model *model = world_model(&world);
            enum status status =
                verb == 0
                    ? session_read(world.context, model, id, &world.arena, &session, &world.fault)
                : verb == 1
                    ? session_forecast_begin(world.context, model, id, &forecast_options,
                                             &world.arena, &forecast, &world.fault)
                    : session_fork(world.context, model, id, "to", &world.arena, &world.fault);
            ck_assert_int_eq(status, STATUS_SESSION_EXPIRED);
        }
    }
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    world_done(&world);
}

TEST(a_tick_ends_sessions_whose_time_is_over_and_no_others)
{
    struct world world;
    world_init(&world);
    world.config.session_ttl = 300;
    world_start(&world);
    put_with_ttl(&world, "own-short", 10);
    put_with_ttl(&world, "own-long", 1000);
    put_with_ttl(&world, "never", 0);
    put_with_ttl(&world, "configured", -1);
    expect_steps(&world, "stepped", 1, 1, 2);
    service_tick(world.service);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 5);
    static const char *const ids[] = { "own-short", "own-long", "never", "configured", "stepped" };
    for (size_t k = 0; k < 5; k++) {
        world_age(&world, ids[k], 100000);
    }
    service_tick(world.service);
    ck_assert(!world_has_session(&world, "own-short") && world_has_session(&world, "configured"));
    ck_assert(world_has_session(&world, "own-long") && world_has_session(&world, "never") &&
              world_has_session(&world, "stepped"));
    for (size_t k = 1; k < 5; k++) {
        world_age(&world, ids[k], 300000);
    }
    service_tick(world.service);
    ck_assert(!world_has_session(&world, "configured") && !world_has_session(&world, "stepped"));
    ck_assert(world_has_session(&world, "own-long") && world_has_session(&world, "never"));
    world_age(&world, "own-long", 601000);
    world_age(&world, "never", 86400000);
    service_tick(world.service);
    ck_assert(!world_has_session(&world, "own-long") && world_has_session(&world, "never"));
    ck_assert_uint_eq(world_figures(&world).n_sessions_expired, 4);
    expect_fault(&world, "own-short", STATUS_SESSION_EXPIRED);
    ck_assert_msg(strstr(world.fault.message, "(ttl 10 s)"), "%s", world.fault.message);
    world_done(&world);
}

TEST(an_own_time_to_live_ends_a_session_where_none_is_configured)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    put_with_ttl(&world, "s", 1);
    put_with_ttl(&world, "stays", 0);
    put_with_ttl(&world, "stepped", 1);
    expect_steps(&world, "stepped", 1, 1, 1);
    put_with_ttl(&world, "restarted", 50);
    world_restart(&world);
    static const char *const ids[] = { "s", "stays", "stepped" };
    for (size_t k = 0; k < 3; k++) {
        world_age(&world, ids[k], 1500);
    }
    world_age(&world, "restarted", 51000);
    service_tick(world.service);
    ck_assert(!world_has_session(&world, "s") && !world_has_session(&world, "stepped") &&
              world_has_session(&world, "stays"));
    ck_assert(!world_has_session(&world, "restarted"));
    world_done(&world);
}

/* Own times to live are counted, so that a tick without any need not look at all slots. */
TEST(sessions_with_an_own_time_to_live_are_counted_exactly)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    struct pool *pool = world_pool(&world);
    for (int round = 0; round < 3; round++) {
        put_with_ttl(&world, "a", 100);
        expect_fault(&world, "a", STATUS_OK);
        put_with_ttl(&world, "b", 100);
        ck_assert_uint_eq(atomic_load(&pool->n_own_ttl), 2);
        ck_assert_int_eq(
            session_fork(world.context, world_model(&world), "a", "c", &world.arena, &world.fault),
            STATUS_OK);
        ck_assert_uint_eq(atomic_load(&pool->n_own_ttl), 3);
        put_with_ttl(&world, "b", -1);
        ck_assert_uint_eq(atomic_load(&pool->n_own_ttl), 2);
        world_age(&world, "c", 200000);
        service_tick(world.service);
        ck_assert_uint_eq(atomic_load(&pool->n_own_ttl), 1);
        ck_assert_int_eq(world_delete(&world, "a"), STATUS_OK);
        ck_assert_int_eq(world_delete(&world, "b"), STATUS_OK);
        ck_assert_uint_eq(atomic_load(&pool->n_own_ttl), 0);
    }
    world_done(&world);
}

TEST(expires_at_follows_from_the_last_step)
{
    struct world world;
    world_init(&world);
    world.config.session_ttl = 300;
    world_start(&world);
    put_with_ttl(&world, "own", 7);
    put_with_ttl(&world, "never", 0);
    expect_steps(&world, "s", 1, 1, 1);
    struct session_row s = session_get(&world, "s").row, own = session_get(&world, "own").row;
    ck_assert_int_eq(s.expires_at_ms, s.last_seen_at_ms + 300000);
    ck_assert_int_eq(own.expires_at_ms, own.last_seen_at_ms + 7000);
    ck_assert_int_eq(session_get(&world, "never").row.expires_at_ms, 0);
    world_done(&world);
}

/* ---- tombstones ---- */

TEST(put_and_delete_forget_a_tombstone)
{
    struct world world;
    world_init(&world);
    world.config.session_ttl = 300;
    world_start(&world);
    for (int k = 0; k < 3; k++) {
        if (k == 0) {
            expect_steps(&world, "s", 1, 1, 5);
        }
        world_age(&world, "s", 301000);
        expect_fault(&world, "s", STATUS_SESSION_EXPIRED);
        if (k == 1) {
            put_with_ttl(&world, "s", -1);
        } else {
            ck_assert_int_eq(world_delete(&world, "s"), STATUS_OK);
            ck_assert_int_eq(world_delete(&world, "s"), STATUS_SESSION_NOT_FOUND);
        }
        expect_twin(&world, "s", 1, 1);
    }
    world_done(&world);
}

TEST(deleting_a_session_leaves_no_tombstone)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 5);
    ck_assert_int_eq(world_delete(&world, "s"), STATUS_OK);
    ck_assert_int_eq(world_delete(&world, "s"), STATUS_SESSION_NOT_FOUND);
    expect_twin(&world, "s", 1, 1);
    world_done(&world);
}

TEST(tombstones_are_bounded_and_the_oldest_is_forgotten)
{
    struct world world;
    world_init(&world);
    world.config.session_ttl = 300;
    world.config.tombstone_max = 4;
    world_start(&world);
    char id[32];
    for (int k = 0; k < 10; k++) {
        snprintf(id, sizeof id, "s%d", k);
        expect_steps(&world, id, 1, 1, 1);
        world_age(&world, id, 301000);
        expect_fault(&world, id, STATUS_SESSION_EXPIRED);
    }
    for (int k = 0; k < 10; k++) {
        snprintf(id, sizeof id, "s%d", k);
        expect_fault(&world, id, k < 6 ? STATUS_OK : STATUS_SESSION_EXPIRED);
    }
    world_done(&world);
}

TEST(without_tombstones_an_expired_session_is_unknown)
{
    struct world world;
    world_init(&world);
    world.config.session_ttl = 300;
    world.config.tombstone_max = 0;
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 3);
    world_age(&world, "s", 301000);
    expect_twin(&world, "s", 1, 1);
    world_done(&world);
}

TEST(a_session_that_ended_more_than_a_day_ago_is_unknown)
{
    struct world world;
    world_init(&world);
    world.config.session_ttl = 300;
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 3);
    world_age(&world, "s", 301000 + 86400000);
    expect_twin(&world, "s", 1, 1);
    world_done(&world);
}
