/* Several workers at once. Most of what goes wrong here is seen by the thread sanitizer: make test
 * SAN=thread. */
#include "service/random.h"
#include "test.h"
#include "threads_support.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 16 };

/* Of three sessions one asks for no intervals, one for a level, and one for another at times. */
static const struct interval_levels one = { 1, { 0.9 } }, two = { 2, { 0.8, 0.95 } };

static const struct interval_levels *levels_of(uint64_t session, uint64_t batch)
{
    return session % 3 == 0 ? NULL : session % 3 == 2 && batch > 20 ? &two : &one;
}

/* Batches of steps of overlapping sessions, each handed in until it is done. */
static void *step_sessions(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    struct service_context *context = team_worker(team);
    struct arena arena;
    arena_init(&arena, 1 << 24);
    uint64_t random = 88172645463325252ULL + member->number;
    static const double x[INPUTS] = { 0.25F, -0.5F };
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
                team_note_unexpected(team, &steps[k].fault);
            }
        }
    }
    atomic_fetch_add(&team->n_done, 1);
    arena_done(&arena);
    service_context_free(context);
    return NULL;
}

/* What a verb is called with. */
struct call {
    struct service_context *context;
    const struct model *model;
    struct arena *arena;
    char shared[32], own[32];
    const struct interval_levels *levels;
    struct fault fault;
};

static bool read_and_put(struct call *call)
{
    struct session session;
    bool created;
    if (!is_one_of(session_read(call->context, call->model, call->shared, call->arena, &session,
                                &call->fault),
                   STATUS_SESSION_NOT_FOUND, STATUS_OK)) {
        return false;
    }
    const struct session_restore restore = { .ttl_s = 1, .calibration = &session.calibration };
    return call->fault.status != STATUS_OK ||
           session_put(call->context, call->model, call->own, &restore, &created, &call->fault) ==
               STATUS_OK;
}

static bool put_new(struct call *call)
{
    const struct session_restore restore = { .ttl_s = 1 };
    bool created;
    return session_put(call->context, call->model, call->own, &restore, &created, &call->fault) ==
           STATUS_OK;
}

static bool list(struct call *call)
{
    struct session_row rows[10];
    size_t n;
    bool has_more;
    const struct session_query query = { .prefix = "shared",
                                         .order = SESSIONS_BY_LAST_SEEN,
                                         .limit = 10 };
    return session_list(call->context, &query, rows, &n, &has_more, &call->fault) == STATUS_OK;
}

static bool fork_one(struct call *call)
{
    return is_one_of(session_fork(call->context, call->model, call->shared, call->own, call->arena,
                                  &call->fault),
                     STATUS_SESSION_NOT_FOUND, STATUS_SESSION_EXISTS);
}

static bool delete_one(struct call *call)
{
    return is_one_of(session_delete(call->context, call->model, call->own, &call->fault),
                     STATUS_SESSION_NOT_FOUND, STATUS_OK);
}

static bool forecast(struct call *call)
{
    const double future[3] = { 0 };
    const struct forecast_options options = { .horizon = 4,
                                              .future = future,
                                              .n_future_rows = 3,
                                              .levels = call->levels,
                                              .future_columns = forecast_options_columns(
                                                  gru_model_info(call->model->active->gru)) };
    struct session_forecast forecast;
    if (!is_one_of(session_forecast_begin(call->context, call->model, call->shared, &options,
                                          call->arena, &forecast, &call->fault),
                   STATUS_SESSION_NOT_FOUND, STATUS_OK)) {
        return false;
    }
    if (call->fault.status != STATUS_OK) {
        return true;
    }
    bool fine = predict_go_on(call->context, &forecast.prediction, &call->fault) == STATUS_OK;
    predict_end(&forecast.prediction);
    return fine;
}

/* All the other verbs, on the sessions that are being stepped and on some of its own. */
static void *use_other_verbs(void *argument)
{
    static bool (*const verbs[])(struct call *) = { read_and_put, list,     fork_one,
                                                    delete_one,   forecast, put_new };
    struct member *member = argument;
    struct team *team = member->team;
    struct arena arena;
    struct call call = { .context = team_worker(team), .arena = &arena };
    arena_init(&arena, 1 << 24);
    uint64_t random = 1181783497276652981ULL + member->number;
    while (!atomic_load(&team->is_over)) {
        call.levels = random & 1 ? &two : NULL;
        call.fault.status = STATUS_OK;
        snprintf(call.shared, sizeof call.shared, "shared-%d",
                 (int)(next_random(&random) % SESSIONS));
        snprintf(call.own, sizeof call.own, "fork-%d", (int)(next_random(&random) % 6));
        arena_reset(&arena);
        service_context_turn(call.context);
        if (model_find(call.context, "m", &call.model, &call.fault) != STATUS_OK) {
            abort();
        }
        if (!verbs[next_random(&random) % 6](&call) &&
            !session_was_blocked(call.context)) { /* then it is called again one day */
            team_note_unexpected(team, &call.fault);
        }
        atomic_fetch_add(&team->n_other, 1);
    }
    arena_done(&arena);
    service_context_free(call.context);
    return NULL;
}

/* The one thread that syncs for those that wait. */
static void *commit_steps(void *argument)
{
    const struct member *member = argument;
    struct service_context *context = team_worker(member->team);
    while (!atomic_load(&member->team->is_over)) {
        service_context_turn(context);
        commit_run(context);
    }
    service_context_free(context);
    return NULL;
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
    team_run(&team, roles, THREADS, THREADS);
    expect_all_acknowledged(&team);
    ck_assert_uint_eq(model_n_sessions(world_model(&team.world)), SESSIONS);
    /* One constant reading over and over: the state tells how many of them there were. */
    for (size_t s = 0; s < SESSIONS; s++) {
        enum { K = 8 };
        char id[32];
        snprintf(id, sizeof id, "shared-%d", (int)s);
        struct session session = session_get(&team.world, id);
        uint64_t n = session.row.step;
        double *x = malloc(n * INPUTS * sizeof *x);
        float *state = malloc(8 * sizeof *state);
        for (uint64_t k = 0; k < n * INPUTS; k++) {
            x[k] = k % 2 ? -0.5F : 0.25F;
        }
        double *y = malloc(n * OUTPUTS * sizeof *y);
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
    team_run(&team, roles, THREADS, 3);
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
    team_run(&team, roles, n_roles, 3);
    expect_all_acknowledged(&team);
    world_done(&team.world);
}

TEST(activations_of_any_layout_lose_no_step)
{
    static void *(*const roles[])(void *) = { step_sessions, step_sessions, step_sessions,
                                              team_activate_versions };
    expect_no_step_lost_to(roles, 4, 200);
}

TEST(all_verbs_at_once_lose_no_step)
{
    static void *(*const roles[])(void *) = { step_sessions,   step_sessions,
                                              step_sessions,   team_activate_versions,
                                              use_other_verbs, use_other_verbs };
    expect_no_step_lost_to(roles, 6, 150);
}
