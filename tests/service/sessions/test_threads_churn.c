/* Several workers at once, and sessions that come and go. */
#include "service/random.h"
#include "test.h"
#include "threads_support.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { NEW_SESSIONS = 500 };

static const struct interval_levels levels = { 2, { 0.8, 0.95 } };

static void new_name(uint64_t thread, uint64_t number, char id[32])
{
    snprintf(id, 32, "new-%d-%d", (int)thread, (int)number);
}

/* First steps of sessions, some at each time between two activations. */
static void *make_new_sessions(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    struct service_context *context = team_worker(team);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    static const double x[INPUTS] = { 1, 1 };
    for (uint64_t k = 0; k < NEW_SESSIONS; k++) {
        struct step step = { .arena = &arena,
                             .model_name = "m",
                             .x = x,
                             .forecast_options.levels = k % 2 ? &levels : NULL,
                             .has_seq = true,
                             .seq = 1 };
        struct step *handed[] = { &step };
        while (atomic_load(&team->n_activations) < k * team->n_activations_wanted / NEW_SESSIONS) {
            sched_yield();
        }
        new_name(member->number, k, step.session);
        arena_reset(&arena);
        while (!step.is_done) {
            service_context_turn(context);
            service_steps(context, handed, 1);
        }
        if (step.fault.status != STATUS_OK) {
            team_note_unexpected(team, &step.fault);
        }
    }
    atomic_fetch_add(&team->n_done, 1);
    arena_done(&arena);
    service_context_free(context);
    return NULL;
}

TEST(sessions_that_are_made_while_others_move_to_another_layout_are_kept)
{
    static void *(*const roles[])(void *) = { make_new_sessions, make_new_sessions,
                                              make_new_sessions, team_activate_versions };
    struct team team;
    team_init(&team, 0);
    team.n_activations_wanted = 60;
    world_start(&team.world);
    world_put_version(&team.world, network_file(HIDDEN + 6, 2));
    world_put_version(&team.world, network_file(HIDDEN - 1, 3));
    world_put_version(&team.world, network_file(HIDDEN + 2, 4));
    team_run(&team, roles, 4, 3);
    for (int restart = 0; restart < 2; restart++) {
        ck_assert_uint_eq(model_n_sessions(world_model(&team.world)), (size_t)3 * NEW_SESSIONS);
        for (uint64_t thread = 0; thread < 3; thread++) {
            for (uint64_t k = 0; k < NEW_SESSIONS; k++) {
                char id[32];
                new_name(thread, k, id);
                ck_assert_uint_eq(session_get(&team.world, id).row.step, 1);
            }
        }
        world_restart(&team.world);
    }
    world_done(&team.world);
}

static void *create_and_delete(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    struct service_context *context = team_worker(team);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    uint64_t random = 88172645463325252ULL + member->number;
    static const double x[INPUTS] = { 1, 1 };
    for (size_t k = 0; k < team->n_batches; k++) {
        struct step step = { .arena = &arena, .model_name = "m", .x = x };
        struct step *handed[] = { &step };
        const struct model *model;
        struct fault fault;
        snprintf(step.session, sizeof step.session, "s%d", (int)(next_random(&random) % 40));
        arena_reset(&arena);
        while (!step.is_done) {
            service_context_turn(context);
            service_steps(context, handed, 1);
        }
        if (step.fault.status != STATUS_OK && step.fault.status != STATUS_SESSION_EVICTED) {
            team_note_unexpected(team, &step.fault);
        }
        if (next_random(&random) % 2 &&
            (model_find(context, "m", &model, &fault) != STATUS_OK ||
             !is_one_of(session_delete(context, model, step.session, &fault),
                        STATUS_SESSION_NOT_FOUND, STATUS_SESSION_EVICTED)) &&
            !session_was_blocked(context)) {
            team_note_unexpected(team, &fault);
        }
    }
    atomic_fetch_add(&team->n_done, 1);
    arena_done(&arena);
    service_context_free(context);
    return NULL;
}

/* Fewer slots than ids: they are taken, evicted and given back all the time. In the end index, free
 * list and counts must agree. */
TEST(sessions_that_are_made_evicted_and_deleted_at_once_leave_a_sound_pool)
{
    enum { MOST = 25 };
    static void *(*const roles[])(void *) = { create_and_delete, create_and_delete,
                                              create_and_delete, create_and_delete };
    struct team team;
    team_init(&team, 3000);
    team.world.config.session_max = MOST;
    team.world.config.session_full = CONFIG_EVICT;
    team.world.config.tombstone_max = 10;
    world_start(&team.world);
    struct member members[THREADS];
    for (size_t k = 0; k < THREADS; k++) {
        members[k] = (struct member){ .team = &team, .number = k };
        ck_assert_int_eq(pthread_create(&members[k].thread, NULL, roles[k], &members[k]), 0);
    }
    while (atomic_load(&team.n_done) < THREADS) {
        ck_assert(service_sync(team.world.service));
    }
    for (size_t k = 0; k < THREADS; k++) {
        ck_assert_int_eq(pthread_join(members[k].thread, NULL), 0);
    }
    ck_assert_msg(atomic_load(&team.n_unexpected) == 0, "%s", team.unexpected);
    for (int restart = 0; restart < 2; restart++) {
        for (int k = 0; k < 4; k++) { /* after which no slot is retired any more */
            ck_assert(service_sync(team.world.service));
        }
        const struct pool *pool = world_pool(&team.world);
        size_t n_indexed = 0, n_free = 0;
        for (size_t k = 0; k < INDEX_SHARDS; k++) {
            n_indexed += pool->index.shards[k].n_used;
        }
        for (uint32_t slot = pool->unused[0][0].first_free; slot != INDEX_NONE;
             slot = pool_slot(pool, slot)->hash) {
            ck_assert_uint_lt(n_free++, pool->n_slots);
        }
        ck_assert_uint_eq(n_indexed, model_n_sessions(world_model(&team.world)));
        ck_assert_uint_eq(n_indexed + n_free, pool->unused[0][0].n_fresh);
        ck_assert_uint_le(n_indexed, MOST);
        world_restart(&team.world);
    }
    world_done(&team.world);
}
