/* The end of sessions: time to live, eviction, tombstones; and a pool that is full. */
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

static enum status remove_session(struct world *world, const char *session)
{
    return session_delete(world->context, world_model(world), session, &world->fault);
}

static bool is_found(struct world *world, const char *session)
{
    struct pool_key key = pool_key_of(session);
    struct pool *pool = world_pool(world);
    struct index_shard *shard = index_lock(&pool->index, key.hash);
    bool found = index_find(&pool->index, shard, key.hash, key.id, key.n) != INDEX_NONE;
    index_unlock(shard);
    return found;
}

static struct service_figures figures_of(struct world *world)
{
    struct service_figures figures;
    service_read_figures(world->service, &figures);
    return figures;
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
    ck_assert_uint_eq(figures_of(&world).n_sessions_expired, 1);
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
    ck_assert(!is_found(&world, "own-short") && is_found(&world, "configured"));
    ck_assert(is_found(&world, "own-long") && is_found(&world, "never") &&
              is_found(&world, "stepped"));
    for (size_t k = 1; k < 5; k++) {
        world_age(&world, ids[k], 300000);
    }
    service_tick(world.service);
    ck_assert(!is_found(&world, "configured") && !is_found(&world, "stepped"));
    ck_assert(is_found(&world, "own-long") && is_found(&world, "never"));
    world_age(&world, "own-long", 601000);
    world_age(&world, "never", 86400000);
    service_tick(world.service);
    ck_assert(!is_found(&world, "own-long") && is_found(&world, "never"));
    ck_assert_uint_eq(figures_of(&world).n_sessions_expired, 4);
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
    ck_assert(!is_found(&world, "s") && !is_found(&world, "stepped") && is_found(&world, "stays"));
    ck_assert(!is_found(&world, "restarted"));
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
        ck_assert_int_eq(remove_session(&world, "a"), STATUS_OK);
        ck_assert_int_eq(remove_session(&world, "b"), STATUS_OK);
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
            ck_assert_int_eq(remove_session(&world, "s"), STATUS_OK);
            ck_assert_int_eq(remove_session(&world, "s"), STATUS_SESSION_NOT_FOUND);
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
    ck_assert_int_eq(remove_session(&world, "s"), STATUS_OK);
    ck_assert_int_eq(remove_session(&world, "s"), STATUS_SESSION_NOT_FOUND);
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

/* ---- full ---- */

TEST(a_full_pool_refuses_new_sessions_and_serves_the_others)
{
    struct world world;
    world_init(&world);
    world.config.session_max = 3;
    world_start(&world);
    expect_steps(&world, "a", 1, 1, 2);
    expect_steps(&world, "b", 2, 1, 2);
    expect_steps(&world, "c", 3, 1, 2);
    expect_fault(&world, "d", STATUS_SESSIONS_FULL);
    expect_twin(&world, "a", 1, 3);
    const struct session_restore restore = { .ttl_s = -1 };
    bool created;
    ck_assert_int_eq(
        session_put(world.context, world_model(&world), "d", &restore, &created, &world.fault),
        STATUS_SESSIONS_FULL);
    ck_assert_int_eq(
        session_fork(world.context, world_model(&world), "a", "d", &world.arena, &world.fault),
        STATUS_SESSIONS_FULL);
    ck_assert_int_eq(remove_session(&world, "b"), STATUS_OK);
    expect_twin(&world, "d", 4, 1);
    expect_fault(&world, "b", STATUS_SESSIONS_FULL);
    world_done(&world);
}

/* A pool with more sessions than the option allows now. */
static void start_overfull(struct world *world, size_t n, size_t session_max)
{
    char id[32];
    world_init(world);
    world_use_data(world);
    world_start(world);
    for (uint64_t k = 0; k < n; k++) {
        snprintf(id, sizeof id, "s%d", (int)k);
        expect_steps(world, id, k, 1, 2);
    }
    world->config.session_max = session_max;
}

static void expect_step_of_each(struct world *world, size_t n, uint64_t number)
{
    char id[32];
    ck_assert_uint_eq(model_n_sessions(world_model(world)), n);
    for (uint64_t k = 0; k < n; k++) {
        snprintf(id, sizeof id, "s%d", (int)k);
        expect_twin(world, id, k, number);
    }
}

TEST(a_limit_below_what_is_stored_ends_nothing_and_lets_no_more_in)
{
    enum { STORED = 21, MOST = 5 };
    struct world world;
    start_overfull(&world, STORED, MOST);
    world_restart(&world);
    expect_step_of_each(&world, STORED, 3);
    char id[32];
    for (int k = STORED; k > MOST; k--) {
        expect_fault(&world, "new", STATUS_SESSIONS_FULL);
        ck_assert_msg(strstr(world.fault.message, "sessions, and may have 5 (session-max)"), "%s",
                      world.fault.message);
        snprintf(id, sizeof id, "s%d", k - 1);
        ck_assert_int_eq(remove_session(&world, id), STATUS_OK);
    }
    expect_fault(&world, "new", STATUS_SESSIONS_FULL);
    world_restart(&world);
    expect_step_of_each(&world, MOST, 4);
    ck_assert_int_eq(remove_session(&world, "s4"), STATUS_OK);
    expect_twin(&world, "new", 1, 1);
    expect_fault(&world, "newer", STATUS_SESSIONS_FULL);
    world_done(&world);
}

TEST(a_conversion_keeps_more_sessions_than_the_limit_allows)
{
    enum { STORED = 21, MOST = 5 };
    struct world world;
    start_overfull(&world, STORED, MOST);
    world.config.session_history = 3; /* another layout, at the start */
    world.config.session_full = CONFIG_EVICT;
    world_restart(&world);
    expect_step_of_each(&world, STORED, 3);
    unsigned number =
        world_put_version(&world, network_file(2 * HIDDEN, SEED)); /* and while it runs */
    world_activate(&world, number);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), STORED);
    ck_assert_uint_eq(figures_of(&world).n_sessions_evicted, 0);
    world_done(&world);
}

TEST(with_eviction_new_sessions_bring_a_pool_down_to_a_lower_limit)
{
    enum { STORED = 21, MOST = 5 };
    struct world world;
    start_overfull(&world, STORED, MOST);
    world.config.session_full = CONFIG_EVICT;
    world_restart(&world);
    char id[32];
    for (int k = STORED; k > MOST; k--) {
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), k);
        snprintf(id, sizeof id, "new%d", k);
        expect_twin(&world, id, 1, 1);
    }
    expect_twin(&world, "last", 1, 1);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), MOST);
    world_done(&world);
}

static uint64_t bytes_of(struct world *world)
{
    return figures_of(world).n_session_bytes;
}

TEST(sessions_of_all_models_share_the_memory_that_they_may_take)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    uint64_t each = world_pool(&world)->layout.record_bytes;
    world.config.session_memory_max = (size_t)(3 * each + each / 2);
    world_restart(&world);
    expect_steps(&world, "a", 1, 1, 2);
    expect_steps(&world, "b", 2, 1, 2);
    expect_steps(&world, "c", 3, 1, 2);
    ck_assert_uint_eq(bytes_of(&world), 3 * each);
    expect_fault(&world, "d", STATUS_SESSIONS_FULL);
    ck_assert_msg(strstr(world.fault.message, "(session-memory-max)"), "%s", world.fault.message);
    expect_twin(&world, "a", 1, 3);
    ck_assert_int_eq(remove_session(&world, "b"), STATUS_OK);
    expect_twin(&world, "d", 4, 1);
    /* Less than what is stored: all are served, and a new one takes an old one's place. */
    world.config.session_memory_max = (size_t)each;
    world.config.session_full = CONFIG_EVICT;
    world_restart(&world);
    ck_assert_uint_eq(bytes_of(&world), 3 * each);
    expect_twin(&world, "a", 1, 4);
    expect_twin(&world, "e", 5, 1);
    ck_assert_uint_eq(bytes_of(&world), 3 * each);
    ck_assert_uint_eq(figures_of(&world).n_sessions_evicted, 1);
    /* Another size, while it runs: what there is moves, and counts. */
    unsigned number = world_put_version(&world, network_file(2 * HIDDEN, SEED));
    world_activate(&world, number);
    world_model(&world); /* a new turn, in which the old pool is gone */
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 3);
    ck_assert_uint_eq(bytes_of(&world), 3 * world_pool(&world)->layout.record_bytes);
    ck_assert_uint_gt(bytes_of(&world), 3 * each);
    world_done(&world);
}

/* Sessions are touched in an order that is known; then each new one must push out the one touched
 * longest ago. More than the candidates that are kept at a time. */
TEST(a_full_pool_evicts_exactly_the_least_recently_used)
{
    enum { MOST = 3 * POOL_VICTIMS };
    struct world world;
    world_init(&world);
    world.config.session_max = MOST;
    world.config.session_full = CONFIG_EVICT;
    world_start(&world);
    char id[32];
    for (uint64_t k = 0; k < MOST; k++) {
        snprintf(id, sizeof id, "s%d", (int)k);
        expect_steps(&world, id, k, 1, 1);
        world_age(&world, id, (int64_t)(1000000 + (k * 37) % MOST * 1000));
    }
    /* The k-th is as old as (37 k mod MOST) says; 37 has an inverse, so every age is there once. */
    for (int age = MOST - 1; age >= 0; age--) {
        int oldest = -1;
        for (int k = 0; k < MOST; k++) {
            oldest = k * 37 % MOST == age ? k : oldest;
        }
        snprintf(id, sizeof id, "s%d", oldest);
        if (age % 5 == 0) { /* touched again, so that it is the turn of another */
            expect_steps(&world, id, (uint64_t)oldest, 2, 2);
            continue;
        }
        char newer[32];
        snprintf(newer, sizeof newer, "new%d", age);
        expect_steps(&world, newer, 1, 1, 1);
        expect_fault(&world, id, STATUS_SESSION_EVICTED);
        ck_assert(strstr(world.fault.message, "least recently used"));
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), MOST);
    }
    ck_assert_uint_eq(figures_of(&world).n_sessions_evicted, MOST - (MOST + 4) / 5);
    for (uint64_t k = 0; k < MOST; k++) {
        if (k * 37 % MOST % 5 == 0) {
            snprintf(id, sizeof id, "s%d", (int)k);
            expect_twin(&world, id, k, 3);
        }
    }
    world_done(&world);
}

TEST(what_fails_evicts_nobody)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "m", network_file_that_overflows());
    world.config.session_max = 1;
    world.config.session_full = CONFIG_EVICT;
    world_start(&world);
    expect_steps(&world, "first", 1, 1, 1);
    struct step step;
    ck_assert_int_eq(step_x(&world, "second", huge, &step), STATUS_NON_FINITE_RESULT);
    struct session session = session_get(&world, "first");
    struct session_restore restore = restore_of(&session);
    restore.digest.low++;
    bool created;
    ck_assert_int_eq(
        session_put(world.context, world_model(&world), "third", &restore, &created, &world.fault),
        STATUS_DIGEST_MISMATCH);
    ck_assert_uint_eq(figures_of(&world).n_sessions_evicted, 0);
    expect_twin(&world, "first", 1, 2);
    expect_steps(&world, "second", 2, 1, 1);
    expect_fault(&world, "first", STATUS_SESSION_EVICTED);
    world_done(&world);
}

/* Also if it is the least recently used one, and if there is no other. */
TEST(a_fork_never_evicts_its_source)
{
    struct world world;
    world_init(&world);
    world.config.session_max = 3;
    world.config.session_full = CONFIG_EVICT;
    world_start(&world);
    static const char *const ids[] = { "source", "b", "c" };
    for (uint64_t k = 0; k < 3; k++) {
        expect_steps(&world, ids[k], k, 1, 2);
        world_age(&world, ids[k], (int64_t)(3 - k) * 100000);
    }
    for (int k = 0; k < 4; k++) {
        char to[32];
        snprintf(to, sizeof to, "fork-%d", k);
        ck_assert_int_eq(session_fork(world.context, world_model(&world), "source", to,
                                      &world.arena, &world.fault),
                         STATUS_OK);
        ck_assert(is_found(&world, "source") && is_found(&world, to));
        expect_twin(&world, to, 0, 3);
        world_age(&world, "source", 100000);
    }
    expect_fault(&world, "b", STATUS_SESSION_EVICTED);
    expect_twin(&world, "source", 0, 3);
    world_done(&world);
    world_init(&world);
    world.config.session_max = 1;
    world.config.session_full = CONFIG_EVICT;
    world_start(&world);
    expect_steps(&world, "source", 0, 1, 2);
    ck_assert_int_eq(session_fork(world.context, world_model(&world), "source", "to", &world.arena,
                                  &world.fault),
                     STATUS_SESSIONS_FULL);
    expect_twin(&world, "source", 0, 3);
    world_done(&world);
}

TEST(a_batch_of_more_new_sessions_than_fit_evicts_none_of_its_own)
{
    enum { MOST = 8, STEPS = 12 };
    struct world world;
    world_init(&world);
    world.config.session_max = MOST;
    world.config.session_full = CONFIG_EVICT;
    world_start(&world);
    const float x[INPUTS] = { 0 };
    struct step steps[STEPS];
    struct step *handed[STEPS];
    size_t n_ok = 0;
    for (int k = 0; k < STEPS; k++) {
        char id[32];
        snprintf(id, sizeof id, "s%d", k);
        steps[k] = step_make(&world, id, x);
        handed[k] = &steps[k];
    }
    service_steps(world.context, handed, STEPS);
    for (int k = 0; k < STEPS; k++) {
        ck_assert(steps[k].is_done);
        n_ok += steps[k].fault.status == STATUS_OK;
    }
    ck_assert_uint_eq(n_ok, MOST);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), MOST);
    world_done(&world);
}

TEST(slots_of_ended_sessions_are_used_again)
{
    enum { MOST = 10 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.session_max = MOST;
    world_start(&world);
    for (uint64_t round = 0; round < 50; round++) {
        char id[32];
        for (uint64_t k = 0; k < MOST; k++) {
            snprintf(id, sizeof id, "r%d-%d", (int)round, (int)k);
            expect_twin(&world, id, k + round, 1);
        }
        expect_fault(&world, "one-more", STATUS_SESSIONS_FULL);
        if (round % 10 == 0) {
            world_restart(&world);
        }
        for (uint64_t k = 0; k < MOST; k++) {
            snprintf(id, sizeof id, "r%d-%d", (int)round, (int)k);
            ck_assert_int_eq(remove_session(&world, id), STATUS_OK);
        }
    }
    world_done(&world);
}

TEST(a_full_disk_refuses_new_sessions_and_serves_the_others)
{
    enum { MANY = 2000 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    float x[INPUTS] = { 0 };
    char id[32];
    int n_made = 0;
    enum status status = STATUS_OK;
    expect_steps(&world, "first", 1, 1, 1);
    disk_limit(atomic_load(&world_pool(&world)->region.size) + 1000);
    for (; status == STATUS_OK && n_made < MANY; n_made++) {
        struct step step;
        snprintf(id, sizeof id, "s%d", n_made);
        status = step_x(&world, id, x, &step);
    }
    disk_limit(0);
    ck_assert_int_eq(status, STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(world.fault.message, "no room on the disk"), "%s", world.fault.message);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), (size_t)n_made);
    expect_twin(&world, "first", 1, 2);
    world_restart(&world);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), (size_t)n_made);
    expect_twin(&world, id, 2, 1);
    world_done(&world);
}
