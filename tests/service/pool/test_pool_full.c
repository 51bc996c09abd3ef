/* A pool that is full: what it refuses, and what it evicts. */
#include "service/service_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

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
    ck_assert_int_eq(world_delete(&world, "b"), STATUS_OK);
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
        ck_assert_int_eq(world_delete(&world, id), STATUS_OK);
    }
    expect_fault(&world, "new", STATUS_SESSIONS_FULL);
    world_restart(&world);
    expect_step_of_each(&world, MOST, 4);
    ck_assert_int_eq(world_delete(&world, "s4"), STATUS_OK);
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
    ck_assert_uint_eq(world_figures(&world).n_sessions_evicted, 0);
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
    return world_figures(world).n_session_bytes;
}

TEST(sessions_of_all_models_share_the_memory_that_they_may_take)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    uint64_t each = world_layout(&world)->record_bytes;
    world.config.session_memory_max = (size_t)(3 * each + each / 2);
    world_restart(&world);
    expect_steps(&world, "a", 1, 1, 2);
    expect_steps(&world, "b", 2, 1, 2);
    expect_steps(&world, "c", 3, 1, 2);
    ck_assert_uint_eq(bytes_of(&world), 3 * each);
    expect_fault(&world, "d", STATUS_SESSIONS_FULL);
    ck_assert_msg(strstr(world.fault.message, "(session-memory-max)"), "%s", world.fault.message);
    expect_twin(&world, "a", 1, 3);
    ck_assert_int_eq(world_delete(&world, "b"), STATUS_OK);
    expect_twin(&world, "d", 4, 1);
    /* Less than what is stored: all are served, and a new one takes an old one's place. */
    world.config.session_memory_max = (size_t)each;
    world.config.session_full = CONFIG_EVICT;
    world_restart(&world);
    ck_assert_uint_eq(bytes_of(&world), 3 * each);
    expect_twin(&world, "a", 1, 4);
    expect_twin(&world, "e", 5, 1);
    ck_assert_uint_eq(bytes_of(&world), 3 * each);
    ck_assert_uint_eq(world_figures(&world).n_sessions_evicted, 1);
    /* Another size, while it runs: what there is moves, and counts. */
    unsigned number = world_put_version(&world, network_file(2 * HIDDEN, SEED));
    world_activate(&world, number);
    world_model(&world); /* a new turn, in which the old pool is gone */
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 3);
    ck_assert_uint_eq(bytes_of(&world), 3 * world_layout(&world)->record_bytes);
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
    ck_assert_uint_eq(world_figures(&world).n_sessions_evicted, MOST - (MOST + 4) / 5);
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
    ck_assert_uint_eq(world_figures(&world).n_sessions_evicted, 0);
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
        ck_assert(world_has_session(&world, "source") && world_has_session(&world, to));
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
    const double x[INPUTS] = { 0 };
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
            ck_assert_int_eq(world_delete(&world, id), STATUS_OK);
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
    double x[INPUTS] = { 0 };
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
