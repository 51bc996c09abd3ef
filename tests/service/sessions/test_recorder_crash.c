/* What the next process finds recorded after a kill. */
#include "recorded.h"
#include "service/random.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `act` in a process that is killed behind it. The world is stopped before and after. */
static void kill_after(struct world *world, void (*act)(struct world *world))
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        world_start(world);
        act(world);
        kill(getpid(), SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                  "the child ended by itself: %x", status);
}

static void begin_killed_world(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world->config.record = ROWS;
    world->config.session_history = 8;
}

/* Each of its sessions gets more steps than were ever written, from none to twice as many as a
 * record keeps. */
static void step_unwritten(struct world *world)
{
    for (uint64_t s = 0; s < 16; s++) {
        char id[32];
        snprintf(id, sizeof id, "s-%d", (int)s);
        expect_steps(world, id, s, 1, 3);
    }
    expect_steps(world, "begun-again", 20, 1, 6);
    expect_steps(world, "deleted", 22, 1, 6);
    flush_recorder(world);
    for (uint64_t s = 0; s < 16; s++) {
        char id[32];
        snprintf(id, sizeof id, "s-%d", (int)s);
        expect_steps(world, id, s, 4, 3 + s);
    }
    expect_steps(world, "new", 21, 1, 7);
    put_session(world, "begun-again", 0, 1000000);
    expect_steps(world, "begun-again", 30, 1, 4);
    delete_session(world, "deleted");
    flush_recorder(world); /* the deletion is written, and the rest of this as well */
    for (uint64_t s = 0; s < 16; s++) {
        char id[32];
        snprintf(id, sizeof id, "s-%d", (int)s);
        expect_steps(world, id, s, 4 + s, 3 + 2 * s);
    }
    expect_steps(world, "new", 21, 8, 9);
    expect_steps(world, "newest", 23, 1, 2);
    put_session(world, "begun-again", 4, 2000000);
    expect_steps(world, "begun-again", 31, 5, 6);
    expect_steps(world, "deleted", 24, 1, 2);
}

TEST(killed_what_was_not_written_is_recovered_as_far_as_records_reach)
{
    struct world world;
    begin_killed_world(&world);
    kill_after(&world, step_unwritten);
    for (int restart = 0; restart < 2; restart++) {
        world_start(&world);
        for (uint64_t s = 0; s < 16; s++) {
            char id[32];
            snprintf(id, sizeof id, "s-%d", (int)s);
            if (s <= 8) {
                EXPECT_RECORDED(&world, id, { s, 1, 3 + 2 * s });
            } else { /* a gap, and no more than that */
                EXPECT_RECORDED(&world, id, { s, 1, 3 + s }, { s, 3 + 2 * s - 7, 3 + 2 * s });
            }
        }
        EXPECT_RECORDED(&world, "new", { 21, 1, 9 });
        EXPECT_RECORDED(&world, "newest", { 23, 1, 2 });
        EXPECT_RECORDED(&world, "begun-again", { 20, 1, 6 }, { 30, 1, 4 }, { 31, 5, 6 });
        EXPECT_RECORDED(&world, "deleted", { 24, 1, 2 });
        ck_assert_uint_eq(recorder_figure(&world, true), 0);
        ck_assert_uint_eq(recorder_figure(&world, false) > 0, restart == 0);
        world_stop(&world);
    }
    world_start(&world);
    expect_steps(&world, "new", 21, 10, 12);
    EXPECT_RECORDED(&world, "new", { 21, 1, 12 });
    world_done(&world);
}

static void step_before_any_mark(struct world *world)
{
    expect_steps(world, "s", 1, 1, 5);
}

TEST(killed_before_anything_was_written_nothing_is_lost)
{
    struct world world;
    begin_killed_world(&world);
    kill_after(&world, step_before_any_mark);
    world_start(&world);
    EXPECT_RECORDED(&world, "s", { 1, 1, 5 });
    world_done(&world);
}

TEST(recording_begins_when_it_is_switched_on_and_skips_when_it_was_off)
{
    struct world world;
    begin_killed_world(&world);
    world.config.record = 0;
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 5);
    world_stop(&world);
    world.config.record = ROWS;
    world_start(&world);
    expect_nothing_recorded(&world, "s");
    expect_steps(&world, "s", 1, 6, 10);
    EXPECT_RECORDED(&world, "s", { 1, 6, 10 });
    world_stop(&world);
    world.config.record = 0;
    world_start(&world);
    expect_steps(&world, "s", 1, 11, 30);
    world_stop(&world);
    world.config.record = ROWS;
    world_start(&world);
    expect_steps(&world, "s", 1, 31, 32);
    EXPECT_RECORDED(&world, "s", { 1, 6, 10 }, { 1, 23, 32 }); /* its record had kept 8 readings */
    world_done(&world);
}

enum { KILLED_SESSIONS = 40, KILLED_ROUNDS = 20 };

/* Steps of any sessions, and now and then a flush: no session ever has more than 8 unwritten. */
__attribute__((noreturn)) static void step_until_killed(struct world *world, uint64_t seed,
                                                        uint64_t *steps, int pipe)
{
    for (size_t n = 1;; n++) {
        char id[32];
        uint32_t s = (uint32_t)(next_random(&seed) % KILLED_SESSIONS);
        snprintf(id, sizeof id, "s-%d", (int)s);
        expect_steps(world, id, s, steps[s] + 1, steps[s] + 1);
        steps[s]++;
        if (n % 8 == 0) {
            flush_recorder(world);
        }
        if (write(pipe, &s, sizeof s) != (ssize_t)sizeof s) {
            _exit(3);
        }
    }
}

TEST(killed_at_any_moment_every_step_is_recorded_once)
{
    struct world world;
    begin_killed_world(&world);
    uint64_t steps[KILLED_SESSIONS] = { 0 }, seed = 88172645463325252ULL, n_recovered = 0,
             n_steps = 0;
    for (int round = 0; round < KILLED_ROUNDS; round++) {
        int pipes[2];
        ck_assert_int_eq(pipe(pipes), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            close(pipes[0]);
            world_start(&world);
            step_until_killed(&world, next_random(&seed), steps, pipes[1]);
        }
        close(pipes[1]);
        uint32_t s;
        uint64_t n_wanted = next_random(&seed) % 500 + 1;
        for (uint64_t n = 0; read(pipes[0], &s, sizeof s) == (ssize_t)sizeof s; n++) {
            if (n == n_wanted) {
                ck_assert_int_eq(kill(child, SIGKILL), 0);
            }
        }
        close(pipes[0]);
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        next_random(&seed);
        world_start(&world);
        n_recovered += recorder_figure(&world, false);
        n_steps = 0;
        for (uint64_t k = 0; k < KILLED_SESSIONS; k++) {
            char id[32];
            struct session session;
            snprintf(id, sizeof id, "s-%d", (int)k);
            arena_reset(&world.arena);
            if (session_read(world.context, world_model(&world), id, &world.arena, &session,
                             &world.fault) == STATUS_OK) {
                steps[k] = session.row.step;
                n_steps += steps[k];
            }
            if (steps[k] >= 2) {
                EXPECT_RECORDED(&world, id, { k, 1, steps[k] });
            }
        }
        world_stop(&world);
    }
    ck_assert_uint_gt(n_recovered, 0);
    if (getenv("GRUD_TEST_FIGURES")) { /* NOLINT(concurrency-mt-unsafe) */
        printf("kills: %d, steps: %d, recovered: %d\n", KILLED_ROUNDS, (int)n_steps,
               (int)n_recovered);
    }
    world_start(&world);
    world_done(&world);
}
