/* What the next process finds after a stop, and after a kill at any moment. */
#include "service/random.h"
#include "service/service_support.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void session_name(uint64_t number, char id[32])
{
    snprintf(id, 32, "sensor-%d", (int)number);
}

/* ---- an orderly stop ---- */

TEST(sessions_survive_a_restart_bit_for_bit)
{
    enum { SESSIONS = 300, RESTARTS = 3 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    uint64_t steps[SESSIONS] = { 0 };
    char id[32];
    for (uint64_t round = 0; round < RESTARTS; round++) {
        for (uint64_t s = 0; s < SESSIONS; s++) {
            session_name(s, id);
            uint64_t more = (s * 13 + round * 7) % 12;
            expect_steps(&world, id, s, steps[s] + 1, steps[s] + more);
            steps[s] += more;
        }
        world_restart(&world);
        for (uint64_t s = 0; s < SESSIONS; s++) {
            session_name(s, id);
            expect_twin(&world, id, s, ++steps[s]);
        }
    }
    world_done(&world);
}

TEST(what_a_client_sees_of_a_session_survives_a_restart)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    for (uint64_t number = 1; number <= 20; number++) {
        expect_steps(&world, "s", 1, number, number);
        struct session before = session_get(&world, "s");
        world_restart(&world);
        struct session after = session_get(&world, "s");
        expect_same_session(&before, &after, true);
    }
    world_done(&world);
}

/* ---- killed ---- */

enum { KILL_SESSIONS = 120, KILL_BATCH = 40, KILL_ROUNDS = 40 };

/* One acknowledged step, as it goes through the pipe. */
struct acknowledged {
    uint32_t session, number;
};

/* In the child: batches of steps of any sessions, acknowledged in the pipe, until it is killed. */
__attribute__((noreturn)) static void step_until_killed(struct world *world, uint64_t seed,
                                                        uint64_t *steps, int pipe)
{
    struct step batch[KILL_BATCH];
    struct step *handed[KILL_BATCH];
    uint32_t whose[KILL_BATCH];
    double x[KILL_BATCH][INPUTS];
    for (;;) {
        arena_reset(&world->arena);
        for (size_t k = 0; k < KILL_BATCH; k++) {
            char id[32];
            whose[k] = (uint32_t)(next_random(&seed) % KILL_SESSIONS);
            session_name(whose[k], id);
            reading(whose[k], ++steps[whose[k]], x[k]);
            batch[k] = step_make(world, id, x[k]);
            handed[k] = &batch[k];
        }
        service_context_turn(world->context);
        service_steps(world->context, handed, KILL_BATCH);
        struct acknowledged done[KILL_BATCH];
        for (size_t k = 0; k < KILL_BATCH; k++) {
            if (!batch[k].is_done || batch[k].fault.status != STATUS_OK) {
                _exit(3);
            }
            done[k] = (struct acknowledged){ whose[k], (uint32_t)batch[k].number };
        }
        if (write(pipe, done, sizeof done) != (ssize_t)sizeof done) {
            _exit(4);
        }
        service_tick(world->service);
    }
}

static void sleep_us(uint64_t us)
{
    struct timespec time = { .tv_sec = 0, .tv_nsec = (long)us * 1000 };
    nanosleep(&time, NULL);
}

/* Kills the child at some moment after its first word, and reads what it had acknowledged. */
static size_t kill_and_read(pid_t child, int pipe, uint64_t *seed, void *words, size_t size,
                            size_t room)
{
    size_t n = 0;
    bool killed = false;
    ssize_t got;
    while ((got = read(pipe, (char *)words + n, room * size - n)) > 0) {
        n += (size_t)got;
        if (!killed) {
            sleep_us(next_random(seed) % 6000);
            ck_assert_int_eq(kill(child, SIGKILL), 0);
            killed = true;
        }
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                  "the child ended by itself: %x", status);
    close(pipe);
    return n / size;
}

/* In the world of the next process: nothing that was acknowledged is lost, and all sessions go on
 * as if nothing had happened. */
static void expect_nothing_lost(struct world *world, const uint64_t *acknowledged, uint64_t *steps,
                                uint64_t *n_unacknowledged)
{
    for (uint64_t s = 0; s < KILL_SESSIONS; s++) {
        char id[32];
        session_name(s, id);
        struct session session;
        arena_reset(&world->arena);
        enum status status = session_read(world->context, world_model(world), id, &world->arena,
                                          &session, &world->fault);
        ck_assert_msg(
            status == STATUS_OK || (status == STATUS_SESSION_NOT_FOUND && acknowledged[s] == 0),
            "%s: %s, %d were acknowledged", id, world->fault.message, (int)acknowledged[s]);
        uint64_t number = status == STATUS_OK ? session.row.step : 0;
        ck_assert_msg(number >= acknowledged[s] && number <= acknowledged[s] + KILL_BATCH,
                      "%s is at step %d, but %d was acknowledged", id, (int)number,
                      (int)acknowledged[s]);
        if (status == STATUS_OK) {
            uint64_t n = number < 8 ? number : 8;
            ck_assert_uint_eq(session.n_readings, n);
            double *x = readings(s, number - n + 1, number);
            expect_same_values(session.readings, x, n * INPUTS);
            free(x);
        }
        *n_unacknowledged += number - acknowledged[s];
        expect_twin(world, id, s, number + 1);
        steps[s] = number + 1;
    }
}

TEST(killed_at_any_moment_no_acknowledged_step_is_lost)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.sync_interval_ms = 20; /* so that kills meet syncs too */
    uint64_t steps[KILL_SESSIONS] = { 0 }, seed = 88172645463325252ULL, n_steps = 0,
             n_unacknowledged = 0;
    enum { ROOM = 1 << 20 };
    struct acknowledged *done = calloc(ROOM, sizeof *done);
    for (int round = 0; round < KILL_ROUNDS; round++) {
        int pipes[2];
        ck_assert_int_eq(pipe(pipes), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            close(pipes[0]);
            world_start(&world);
            step_until_killed(&world, seed + (uint64_t)round, steps, pipes[1]);
        }
        close(pipes[1]);
        size_t n = kill_and_read(child, pipes[0], &seed, done, sizeof *done, ROOM);
        uint64_t acknowledged[KILL_SESSIONS];
        memcpy(acknowledged, steps, sizeof steps);
        for (size_t k = 0; k < n; k++) {
            ck_assert_uint_eq(done[k].number, acknowledged[done[k].session] + 1);
            acknowledged[done[k].session] = done[k].number;
        }
        n_steps += n;
        world_start(&world);
        expect_nothing_lost(&world, acknowledged, steps, &n_unacknowledged);
        world_stop(&world);
    }
    ck_assert_uint_gt(n_steps, KILL_ROUNDS * (uint64_t)KILL_BATCH - 1);
    if (getenv("GRUD_TEST_FIGURES")) { /* NOLINT(concurrency-mt-unsafe) */
        printf("kills: %d, acknowledged steps: %d, done but not acknowledged: %d\n", KILL_ROUNDS,
               (int)n_steps, (int)n_unacknowledged);
    }
    free(done);
    world_done(&world);
}

/* ---- killed while live sessions are written anew ---- */

/* So many readings that most kills come while they are being written. */
enum { ANEW_SESSIONS = 3, ANEW_HISTORY = 2000 };

static uint64_t step_of_turn(uint64_t turn)
{
    return 10000 * turn + ANEW_HISTORY;
}

static void put_turn(struct world *world, uint64_t s, uint64_t turn, double *x)
{
    char id[32];
    bool created;
    session_name(s, id);
    const struct model *model = world_model(world);
    float state[64];
    size_t n_state = gru_model_info(model->active->gru)->state_floats;
    ck_assert_uint_le(n_state, sizeof state / sizeof *state);
    for (size_t k = 0; k < n_state; k++) {
        state[k] = (float)turn;
    }
    for (size_t k = 0; k < (size_t)ANEW_HISTORY * INPUTS; k++) {
        x[k] = (float)turn;
    }
    const struct session_restore restore = { .ttl_s = -1,
                                             .step = step_of_turn(turn),
                                             .has_digest = true,
                                             .digest = model->active->digest,
                                             .state = state,
                                             .readings = x,
                                             .n_readings = ANEW_HISTORY };
    if (session_put(world->context, model, id, &restore, &created, &world->fault) != STATUS_OK) {
        _exit(5);
    }
}

__attribute__((noreturn)) static void put_until_killed(struct world *world, uint64_t turn, int pipe)
{
    double *x = calloc((size_t)ANEW_HISTORY * INPUTS, sizeof *x);
    for (;; turn++) {
        for (uint64_t s = 0; s < ANEW_SESSIONS; s++) {
            put_turn(world, s, turn, x);
        }
        if (turn % 7 == 0) {
            service_tick(world->service);
        }
        if (write(pipe, &turn, sizeof turn) != (ssize_t)sizeof turn) {
            _exit(8);
        }
    }
}

/* The session as one turn made it: the last one that was acknowledged, or the one after. */
static void expect_turn(struct world *world, uint64_t s, uint64_t turn)
{
    char id[32];
    session_name(s, id);
    struct session session = session_get(world, id);
    uint64_t its_turn = session.row.step / 10000;
    ck_assert_uint_eq(session.row.step, step_of_turn(its_turn));
    ck_assert(its_turn == turn || its_turn == turn + 1);
    ck_assert_uint_eq(session.n_readings, ANEW_HISTORY);
    size_t n_wrong = session.state[0] != (float)its_turn;
    for (size_t k = 0; k < (size_t)ANEW_HISTORY * INPUTS; k++) {
        n_wrong += session.readings[k] != (float)its_turn;
    }
    ck_assert_uint_eq(n_wrong, 0);
    arena_reset(&world->kept);
}

TEST(killed_while_it_is_written_anew_a_session_is_the_old_one_or_the_new_one)
{
    enum { ROUNDS = 25, ROOM = 1 << 18 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.session_history = ANEW_HISTORY;
    world.config.sync_interval_ms = 20;
    uint64_t turn = 0, seed = 2685821657736338717ULL;
    uint64_t *done = calloc(ROOM, sizeof *done);
    for (int round = 0; round < ROUNDS; round++) {
        int pipes[2];
        ck_assert_int_eq(pipe(pipes), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            close(pipes[0]);
            world_start(&world);
            put_until_killed(&world, turn + 1, pipes[1]);
        }
        close(pipes[1]);
        size_t n = kill_and_read(child, pipes[0], &seed, done, sizeof *done, ROOM);
        turn = n > 0 ? done[n - 1] : turn;
        world_start(&world);
        for (uint64_t s = 0; turn > 0 && s < ANEW_SESSIONS; s++) {
            expect_turn(&world, s, turn);
        }
        turn++;
        world_stop(&world);
    }
    free(done);
    world_done(&world);
}

/* ---- killed while sessions are made, ended and moved to another layout ---- */

enum { CHURN_SESSIONS = 60, CHURN_HISTORY = 200 };

/* What became of a session: its step number, or 0 after DELETE. */
struct churned {
    uint32_t session, step;
};

/* In the child: sessions step, are deleted, and the versions (of different sizes) take turns. */
__attribute__((noreturn)) static void churn_until_killed(struct world *world, uint64_t seed,
                                                         uint64_t *steps, int pipe)
{
    for (uint64_t turn = 0;; turn++) {
        const struct model *model;
        char id[32];
        uint32_t s = (uint32_t)(next_random(&seed) % CHURN_SESSIONS);
        struct churned done = { .session = s };
        session_name(s, id);
        service_context_turn(world->context);
        if (turn % 8 == 7) {
            unsigned number = (unsigned)(next_random(&seed) % 3 + 1);
            if (model_activate(world->context, "m", number, &model, &world->fault) != STATUS_OK) {
                _exit(5);
            }
            continue;
        }
        model_find(world->context, "m", &model, &world->fault);
        if (steps[s] > CHURN_HISTORY / 2 || (steps[s] > 0 && next_random(&seed) % 10 == 0)) {
            if (session_delete(world->context, model, id, &world->fault) != STATUS_OK) {
                _exit(6);
            }
            steps[s] = 0;
        } else {
            double x[INPUTS];
            struct step step;
            reading(s, ++steps[s], x);
            if (step_x(world, id, x, &step) != STATUS_OK || step.number != steps[s]) {
                _exit(7);
            }
            done.step = (uint32_t)step.number;
        }
        if (write(pipe, &done, sizeof done) != (ssize_t)sizeof done) {
            _exit(8);
        }
    }
}

/* All readings of a session are kept, so whatever versions it went through, it is where the active
 * version would be after all of them. */
static void expect_churned(struct world *world, uint64_t *steps)
{
    size_t n_sessions = 0, n_unacknowledged = 0;
    for (uint64_t s = 0; s < CHURN_SESSIONS; s++) {
        char id[32];
        struct session session;
        session_name(s, id);
        arena_reset(&world->arena);
        enum status status = session_read(world->context, world_model(world), id, &world->arena,
                                          &session, &world->fault);
        ck_assert(status == STATUS_OK || status == STATUS_SESSION_NOT_FOUND);
        uint64_t number = status == STATUS_OK ? session.row.step : 0;
        if (number != steps[s]) { /* the change that was not acknowledged */
            ck_assert_msg(number == steps[s] + 1 || number == 0, "%s is at step %d, not %d", id,
                          (int)number, (int)steps[s]);
            n_unacknowledged++;
        }
        steps[s] = number;
        if (status == STATUS_OK) {
            n_sessions++;
            ck_assert_uint_eq(session.n_readings, number);
            expect_twin(world, id, s, ++steps[s]);
        }
    }
    ck_assert_uint_le(n_unacknowledged, 1);
    ck_assert_uint_eq(model_n_sessions(world_model(world)), n_sessions);
}

TEST(killed_while_versions_take_turns_no_session_is_lost)
{
    enum { ROUNDS = 25, ROOM = 1 << 18 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.session_history = CHURN_HISTORY;
    world_start(&world);
    world_put_version(&world, network_file(11, 7));
    world_put_version(&world, network_file(3, 8));
    world_stop(&world);
    uint64_t steps[CHURN_SESSIONS] = { 0 }, seed = 1181783497276652981ULL;
    struct churned *done = calloc(ROOM, sizeof *done);
    for (int round = 0; round < ROUNDS; round++) {
        int pipes[2];
        ck_assert_int_eq(pipe(pipes), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            close(pipes[0]);
            world_start(&world);
            churn_until_killed(&world, seed + (uint64_t)round, steps, pipes[1]);
        }
        close(pipes[1]);
        size_t n = kill_and_read(child, pipes[0], &seed, done, sizeof *done, ROOM);
        for (size_t k = 0; k < n; k++) {
            steps[done[k].session] = done[k].step;
        }
        world.config.session_history = CHURN_HISTORY + (size_t)round % 3;
        world_start(&world);
        expect_churned(&world, steps);
        world_stop(&world);
    }
    free(done);
    world_done(&world);
}
