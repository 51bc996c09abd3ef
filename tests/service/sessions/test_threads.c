/* Several workers at once. Most of what goes wrong here is seen by the thread sanitizer: make test
 * SAN=thread. */
#include "service/random.h"
#include "service/service_support.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, SESSIONS = 24, BATCH = 16 };

/* Of three sessions one asks for no intervals, one for a level, and one for another at times. */
static const struct interval_levels one = { 1, { 0.9 } }, two = { 2, { 0.8, 0.95 } };

static const struct interval_levels *levels_of(uint64_t session, uint64_t batch)
{
    return session % 3 == 0 ? NULL : session % 3 == 2 && batch > 20 ? &two : &one;
}

struct team {
    struct world world;
    _Atomic bool is_over;
    _Atomic uint64_t n_acknowledged[SESSIONS];
    _Atomic uint64_t n_unexpected; /* replies that there is no reason for */
    _Atomic uint64_t n_blocked, n_done, n_activations, n_other;
    size_t n_batches, n_activations_wanted; /* the steps go on until there were as many of both */
    char unexpected[400];                   /* one of them */
};

struct member {
    struct team *team;
    uint64_t number;
    pthread_t thread;
};

static void team_init(struct team *team, size_t n_batches)
{
    memset(team, 0, sizeof *team);
    world_init(&team->world);
    world_use_data(&team->world);
    team->world.config.sync_interval_ms = 5;
    team->n_batches = n_batches;
}

/* A worker of one's own, for as long as the thread runs. */
static struct service_context *begin(const struct team *team)
{
    struct service_context *context = NULL;
    if (service_context_create(team->world.service, &context) != STATUS_OK) {
        abort();
    }
    return context;
}

static void note_unexpected(struct team *team, const struct fault *fault)
{
    if (atomic_fetch_add(&team->n_unexpected, 1) == 0) {
        snprintf(team->unexpected, sizeof team->unexpected, "%s: %.300s",
                 status_code(fault->status), fault->message);
    }
}

/* Batches of steps of overlapping sessions, each handed in until it is done. */
static void *step_sessions(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    struct service_context *context = begin(team);
    struct arena arena;
    arena_init(&arena, 1 << 24);
    uint64_t random = 88172645463325252ULL + member->number;
    static const float x[INPUTS] = { 0.25F, -0.5F };
    for (size_t batch = 0;
         batch < team->n_batches || atomic_load(&team->n_activations) < team->n_activations_wanted;
         batch++) {
        struct step steps[BATCH];
        struct step *handed[BATCH];
        uint64_t whose[BATCH];
        arena_reset(&arena);
        for (size_t k = 0; k < BATCH; k++) {
            whose[k] = next_random(&random) % SESSIONS;
            steps[k] = (struct step){ .arena = &arena,
                                      .model_name = "m",
                                      .x = x,
                                      .forecast_options.levels = levels_of(whose[k], batch) };
            snprintf(steps[k].session, sizeof steps[k].session, "shared-%d", (int)whose[k]);
            handed[k] = &steps[k];
        }
        for (size_t n_done = 0; n_done < BATCH;) {
            service_context_turn(context);
            service_steps(context, handed, BATCH);
            for (n_done = 0; n_done < BATCH && steps[n_done].is_done; n_done++) {
            }
            atomic_fetch_add(&team->n_blocked, n_done < BATCH);
        }
        for (size_t k = 0; k < BATCH; k++) {
            if (steps[k].fault.status == STATUS_OK) {
                atomic_fetch_add(&team->n_acknowledged[whose[k]], 1);
            } else {
                note_unexpected(team, &steps[k].fault);
            }
        }
    }
    atomic_fetch_add(&team->n_done, 1);
    arena_done(&arena);
    service_context_free(context);
    return NULL;
}

/* Versions back and forth: the same layout, and another. */
static void *activate_versions(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    struct service_context *context = begin(team);
    for (unsigned k = 0; !atomic_load(&team->is_over); k++) {
        const struct model *model;
        struct fault fault;
        service_context_turn(context);
        if (model_activate(context, "m", k % 4 + 1, &model, &fault) != STATUS_OK) {
            note_unexpected(team, &fault);
        }
        atomic_fetch_add(&team->n_activations, 1);
        sched_yield();
    }
    service_context_free(context);
    return NULL;
}

static bool is_one_of(enum status status, enum status a, enum status b)
{
    return status == STATUS_OK || status == a || status == b;
}

/* All the other verbs, on the sessions that are being stepped and on some of its own. */
static void *use_other_verbs(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    struct service_context *context = begin(team);
    struct arena arena;
    arena_init(&arena, 1 << 24);
    uint64_t random = 1181783497276652981ULL + member->number;
    while (!atomic_load(&team->is_over)) {
        const struct model *model;
        struct fault fault = { .status = STATUS_OK };
        struct session session;
        struct session_row rows[10];
        char shared[32], own[32];
        size_t n;
        bool flag, fine = true;
        const float future[3] = { 0 };
        struct forecast_options forecast_options = {
            .horizon = 4, .future = future, .n_future_rows = 3, .levels = random & 1 ? &two : NULL
        };
        struct session_forecast forecast;
        snprintf(shared, sizeof shared, "shared-%d", (int)(next_random(&random) % SESSIONS));
        snprintf(own, sizeof own, "fork-%d", (int)(next_random(&random) % 6));
        arena_reset(&arena);
        service_context_turn(context);
        if (model_find(context, "m", &model, &fault) != STATUS_OK) {
            abort();
        }
        forecast_options.future_columns =
            forecast_options_columns(gru_model_info(model->active->gru));
        switch (next_random(&random) % 6) {
        case 0:
            fine = is_one_of(session_read(context, model, shared, &arena, &session, &fault),
                             STATUS_SESSION_NOT_FOUND, STATUS_OK);
            if (fine && fault.status == STATUS_OK) {
                const struct session_restore restore = { .ttl_s = 1,
                                                         .calibration = &session.calibration };
                fine = session_put(context, model, own, &restore, &flag, &fault) == STATUS_OK;
            }
            break;
        case 1:
            fine = session_list(context, model, "shared", "", 10, rows, &n, &flag, &fault) ==
                   STATUS_OK;
            break;
        case 2:
            fine = is_one_of(session_fork(context, model, shared, own, &arena, &fault),
                             STATUS_SESSION_NOT_FOUND, STATUS_SESSION_EXISTS);
            break;
        case 3:
            fine = is_one_of(session_delete(context, model, own, &fault), STATUS_SESSION_NOT_FOUND,
                             STATUS_OK);
            break;
        case 4:
            fine = is_one_of(session_forecast_begin(context, model, shared, &forecast_options,
                                                    &arena, &forecast, &fault),
                             STATUS_SESSION_NOT_FOUND, STATUS_OK);
            if (fine && fault.status == STATUS_OK) {
                fine = predict_go_on(context, &forecast.prediction, &fault) == STATUS_OK;
                predict_end(&forecast.prediction);
            }
            break;
        default: {
            const struct session_restore restore = { .ttl_s = 1 };
            fine = session_put(context, model, own, &restore, &flag, &fault) == STATUS_OK;
            break;
        }
        }
        if (!fine && !session_was_blocked(context)) { /* then it is called again one day */
            note_unexpected(team, &fault);
        }
        atomic_fetch_add(&team->n_other, 1);
    }
    arena_done(&arena);
    service_context_free(context);
    return NULL;
}

enum { NEW_SESSIONS = 500 };

static void new_name(uint64_t thread, uint64_t number, char id[32])
{
    snprintf(id, 32, "new-%d-%d", (int)thread, (int)number);
}

/* First steps of sessions, some at each time between two activations. */
static void *make_new_sessions(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    struct service_context *context = begin(team);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    static const float x[INPUTS] = { 1, 1 };
    for (uint64_t k = 0; k < NEW_SESSIONS; k++) {
        struct step step = { .arena = &arena,
                             .model_name = "m",
                             .x = x,
                             .forecast_options.levels = k % 2 ? &two : NULL,
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
            note_unexpected(team, &step.fault);
        }
    }
    atomic_fetch_add(&team->n_done, 1);
    arena_done(&arena);
    service_context_free(context);
    return NULL;
}

/* The one thread that syncs for those that wait. */
static void *commit_steps(void *argument)
{
    const struct member *member = argument;
    struct service_context *context = begin(member->team);
    while (!atomic_load(&member->team->is_over)) {
        service_context_turn(context);
        commit_run(context);
    }
    service_context_free(context);
    return NULL;
}

static void run(struct team *team, void *(*const *roles)(void *), size_t n_roles)
{
    struct member members[16];
    for (size_t k = 0; k < n_roles; k++) {
        members[k] = (struct member){ .team = team, .number = k };
        ck_assert_int_eq(pthread_create(&members[k].thread, NULL, roles[k], &members[k]), 0);
    }
    size_t n_steppers = 0;
    for (size_t k = 0; k < n_roles; k++) {
        n_steppers += roles[k] == step_sessions || roles[k] == make_new_sessions;
    }
    while (atomic_load(&team->n_done) < n_steppers) { /* this is the main thread of the daemon */
        service_tick(team->world.service);
        sched_yield();
    }
    atomic_store(&team->is_over, true);
    for (size_t k = 0; k < n_roles; k++) {
        ck_assert_int_eq(pthread_join(members[k].thread, NULL), 0);
    }
    ck_assert_msg(atomic_load(&team->n_unexpected) == 0, "%d unexpected replies, such as %s",
                  (int)atomic_load(&team->n_unexpected), team->unexpected);
}

/* Each session is where the acknowledged steps took it, also for the next process. */
static void expect_all_acknowledged(struct team *team)
{
    for (int restart = 0; restart < 2; restart++) {
        for (size_t s = 0; s < SESSIONS; s++) {
            char id[32];
            snprintf(id, sizeof id, "shared-%d", (int)s);
            ck_assert_uint_eq(session_get(&team->world, id).row.step,
                              atomic_load(&team->n_acknowledged[s]));
        }
        world_restart(&team->world);
    }
    if (getenv("GRUD_TEST_FIGURES")) { /* NOLINT(concurrency-mt-unsafe) */
        uint64_t n_steps = 0;
        for (size_t s = 0; s < SESSIONS; s++) {
            n_steps += atomic_load(&team->n_acknowledged[s]);
        }
        printf("steps: %d, turns with a blocked one: %d, activations: %d, other verbs: %d\n",
               (int)n_steps, (int)atomic_load(&team->n_blocked),
               (int)atomic_load(&team->n_activations), (int)atomic_load(&team->n_other));
    }
}

TEST(workers_that_step_the_same_sessions_lose_no_step)
{
    static void *(*const roles[])(void *) = { step_sessions, step_sessions, step_sessions,
                                              step_sessions };
    struct team team;
    team_init(&team, 300);
    world_start(&team.world);
    run(&team, roles, THREADS);
    expect_all_acknowledged(&team);
    ck_assert_uint_eq(model_n_sessions(world_model(&team.world)), SESSIONS);
    /* One constant reading over and over: the state tells how many of them there were. */
    for (size_t s = 0; s < SESSIONS; s++) {
        enum { K = 8 };
        char id[32];
        snprintf(id, sizeof id, "shared-%d", (int)s);
        struct session session = session_get(&team.world, id);
        uint64_t n = session.row.step;
        float *x = malloc(n * INPUTS * sizeof *x), *state = malloc(8 * sizeof *state);
        for (uint64_t k = 0; k < n * INPUTS; k++) {
            x[k] = k % 2 ? -0.5F : 0.25F;
        }
        float *y = malloc(n * OUTPUTS * sizeof *y);
        struct gru_lane lane = { .state_out = state, .x = x, .n_rows = n, .y = y };
        ck_assert_int_eq(
            gru_run(world_model(&team.world)->active->gru, team.world.context->work, &lane, 1),
            GRU_OK);
        expect_same_floats(session.state, state, gru_model_info(session.gru)->state_floats);
        free(x);
        free(y);
        free(state);
        ck_assert_uint_eq(session.n_readings, n < K ? n : K);
    }
    world_done(&team.world);
}

TEST(workers_that_wait_for_the_disk_lose_no_step)
{
    static void *(*const roles[])(void *) = { step_sessions, step_sessions, step_sessions,
                                              commit_steps };
    struct team team;
    team_init(&team, 60);
    team.world.config.sync_interval_ms = 0;
    world_start(&team.world);
    run(&team, roles, THREADS);
    ck_assert(!service_is_degraded(team.world.service));
    expect_all_acknowledged(&team);
    world_done(&team.world);
}

static void expect_no_step_lost_to(void *(*const *roles)(void *), size_t n_roles, size_t n_batches)
{
    struct team team;
    team_init(&team, n_batches);
    team.n_activations_wanted = 60;
    world_start(&team.world);
    world_put_version(&team.world, network_file(HIDDEN, 2));
    world_put_version(&team.world, network_file(HIDDEN + 6, 3));
    world_put_version(&team.world, network_file(HIDDEN - 1, 4));
    run(&team, roles, n_roles);
    expect_all_acknowledged(&team);
    world_done(&team.world);
}

TEST(activations_of_any_layout_lose_no_step)
{
    static void *(*const roles[])(void *) = { step_sessions, step_sessions, step_sessions,
                                              activate_versions };
    expect_no_step_lost_to(roles, 4, 200);
}

TEST(all_verbs_at_once_lose_no_step)
{
    static void *(*const roles[])(void *) = { step_sessions,     step_sessions,   step_sessions,
                                              activate_versions, use_other_verbs, use_other_verbs };
    expect_no_step_lost_to(roles, 6, 150);
}

/* ---- sessions that come and go ---- */

TEST(sessions_that_are_made_while_others_move_to_another_layout_are_kept)
{
    static void *(*const roles[])(void *) = { make_new_sessions, make_new_sessions,
                                              make_new_sessions, activate_versions };
    struct team team;
    team_init(&team, 0);
    team.n_activations_wanted = 60;
    world_start(&team.world);
    world_put_version(&team.world, network_file(HIDDEN + 6, 2));
    world_put_version(&team.world, network_file(HIDDEN - 1, 3));
    world_put_version(&team.world, network_file(HIDDEN + 2, 4));
    run(&team, roles, 4);
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
    struct service_context *context = begin(team);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    uint64_t random = 88172645463325252ULL + member->number;
    static const float x[INPUTS] = { 1, 1 };
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
            note_unexpected(team, &step.fault);
        }
        if (next_random(&random) % 2 &&
            (model_find(context, "m", &model, &fault) != STATUS_OK ||
             !is_one_of(session_delete(context, model, step.session, &fault),
                        STATUS_SESSION_NOT_FOUND, STATUS_SESSION_EVICTED)) &&
            !session_was_blocked(context)) {
            note_unexpected(team, &fault);
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
        for (uint32_t slot = pool->unused[0].first_free; slot != INDEX_NONE;
             slot = pool_slot(pool, slot)->hash) {
            ck_assert_uint_lt(n_free++, pool->n_slots);
        }
        ck_assert_uint_eq(n_indexed, model_n_sessions(world_model(&team.world)));
        ck_assert_uint_eq(n_indexed + n_free, pool->unused[0].n_fresh);
        ck_assert_uint_le(n_indexed, MOST);
        world_restart(&team.world);
    }
    world_done(&team.world);
}
