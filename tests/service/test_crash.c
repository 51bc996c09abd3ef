/* What the next process finds: after a stop, after a kill at any moment, after bytes on the disk changed. */
#include "support.h"
#include "test.h"

#include <fcntl.h>
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

/* xorshift; tests must repeat, but for the moment of the kill. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* In the child: batches of steps of any sessions, acknowledged in the pipe, until it is killed. */
__attribute__((noreturn)) static void step_until_killed(struct world *world, uint64_t seed, uint64_t *steps,
                                                        int pipe)
{
    struct step batch[KILL_BATCH];
    struct step *handed[KILL_BATCH];
    uint32_t whose[KILL_BATCH];
    float x[KILL_BATCH][INPUTS];
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
        worker_turn(world->worker);
        service_steps(world->worker, handed, KILL_BATCH);
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
static size_t kill_and_read(pid_t child, int pipe, uint64_t *seed, void *words, size_t size, size_t room)
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
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child ended by itself: %x",
                  status);
    close(pipe);
    return n / size;
}

/* In the world of the next process: nothing that was acknowledged is lost, and all sessions go on as if
 * nothing had happened. */
static void expect_nothing_lost(struct world *world, const uint64_t *acknowledged, uint64_t *steps,
                                uint64_t *n_unacknowledged)
{
    for (uint64_t s = 0; s < KILL_SESSIONS; s++) {
        char id[32];
        session_name(s, id);
        struct session session;
        arena_reset(&world->arena);
        enum status status =
            session_read(world->worker, world_model(world), id, &world->arena, &session, &world->fault);
        ck_assert_msg(status == STATUS_OK || (status == STATUS_SESSION_NOT_FOUND && acknowledged[s] == 0),
                      "%s: %s, %d were acknowledged", id, world->fault.message, (int)acknowledged[s]);
        uint64_t number = status == STATUS_OK ? session.row.step : 0;
        ck_assert_msg(number >= acknowledged[s] && number <= acknowledged[s] + KILL_BATCH,
                      "%s is at step %d, but %d was acknowledged", id, (int)number, (int)acknowledged[s]);
        if (status == STATUS_OK) {
            uint64_t n = number < 8 ? number : 8;
            ck_assert_uint_eq(session.n_readings, n);
            float *x = readings(s, number - n + 1, number);
            expect_same_floats(session.readings, x, n * INPUTS);
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
    uint64_t steps[KILL_SESSIONS] = { 0 }, seed = 88172645463325252ULL, n_steps = 0, n_unacknowledged = 0;
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
    if (getenv("GRUD_TEST_FIGURES")) {
        printf("kills: %d, acknowledged steps: %d, done but not acknowledged: %d\n", KILL_ROUNDS,
               (int)n_steps, (int)n_unacknowledged);
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
__attribute__((noreturn)) static void churn_until_killed(struct world *world, uint64_t seed, uint64_t *steps,
                                                         int pipe)
{
    for (uint64_t turn = 0;; turn++) {
        const struct model *model;
        char id[32];
        uint32_t s = (uint32_t)(next_random(&seed) % CHURN_SESSIONS);
        struct churned done = { .session = s };
        session_name(s, id);
        worker_turn(world->worker);
        if (turn % 8 == 7) {
            unsigned number = (unsigned)(next_random(&seed) % 3 + 1);
            if (model_activate(world->worker, "m", number, &model, &world->fault) != STATUS_OK) {
                _exit(5);
            }
            continue;
        }
        model_find(world->worker, "m", &model, &world->fault);
        if (steps[s] > CHURN_HISTORY / 2 || (steps[s] > 0 && next_random(&seed) % 10 == 0)) {
            if (session_delete(world->worker, model, id, &world->fault) != STATUS_OK) {
                _exit(6);
            }
            steps[s] = 0;
        } else {
            float x[INPUTS];
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

/* All readings of a session are kept, so whatever versions it went through, it is where the active version
 * would be after all of them. */
static void expect_churned(struct world *world, uint64_t *steps)
{
    size_t n_sessions = 0, n_unacknowledged = 0;
    for (uint64_t s = 0; s < CHURN_SESSIONS; s++) {
        char id[32];
        struct session session;
        session_name(s, id);
        arena_reset(&world->arena);
        enum status status =
            session_read(world->worker, world_model(world), id, &world->arena, &session, &world->fault);
        ck_assert(status == STATUS_OK || status == STATUS_SESSION_NOT_FOUND);
        uint64_t number = status == STATUS_OK ? session.row.step : 0;
        if (number != steps[s]) { /* the change that was not acknowledged */
            ck_assert_msg(number == steps[s] + 1 || number == 0, "%s is at step %d, not %d", id, (int)number,
                          (int)steps[s]);
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

/* ---- bytes that changed ---- */

struct place {
    size_t at, n; /* in the file */
};

static void pool_path(const struct world *world, char path[256])
{
    snprintf(path, 256, "%s/sessions/m.pool", world->data);
}

static struct place place_of(struct world *world, const void *p, size_t n)
{
    return (struct place){ .at = (size_t)((const char *)p - world_pool(world)->region.base), .n = n };
}

/* The two copies of a session's record, the newer first. */
static void places_of_copies(struct world *world, const char *session, struct place *newer,
                             struct place *older)
{
    const struct record_layout *layout = &world_pool(world)->layout;
    char *record = world_record(world, session);
    const struct record_copy *copy = record_newest(layout, record);
    *newer = place_of(world, copy, layout->copy_bytes);
    *older = place_of(world, record_other(layout, record, copy), layout->copy_bytes);
}

/* To be called while no service runs. */
static void change_file(const struct world *world, size_t at, const void *bytes, size_t n)
{
    char path[256];
    pool_path(world, path);
    int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, n, (off_t)at), (ssize_t)n);
    close(fd);
}

static void flip_byte(const struct world *world, size_t at, unsigned char mask)
{
    char path[256];
    pool_path(world, path);
    struct bytes file = file_load(path);
    ck_assert_uint_lt(at, file.n);
    unsigned char byte = (unsigned char)(((unsigned char *)file.p)[at] ^ mask);
    free(file.p);
    change_file(world, at, &byte, 1);
}

/* Sessions "s" with 12 steps of stream 1 and "other" with 5 of stream 2. */
static void two_sessions(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world_start(world);
    expect_steps(world, "s", 1, 1, 12);
    expect_steps(world, "other", 2, 1, 5);
}

TEST(a_flipped_bit_in_the_newer_copy_costs_one_step_and_no_more)
{
    struct world world;
    struct place newer, older;
    two_sessions(&world);
    uint64_t number = 12;
    size_t n_bytes = world_pool(&world)->layout.copy_bytes;
    for (size_t k = 0; k < n_bytes; k++) {
        places_of_copies(&world, "s", &newer, &older);
        world_stop(&world);
        flip_byte(&world, newer.at + k, (unsigned char)(1 << k % 8));
        world_start(&world);
        struct session session = session_get(&world, "s");
        ck_assert_uint_eq(session.row.step, number - 1);
        float *x = readings(1, number - 8, number - 1);
        ck_assert_uint_eq(session.n_readings, 8);
        expect_same_floats(session.readings, x, (size_t)8 * INPUTS);
        free(x);
        expect_twin(&world, "s", 1, number);
        expect_twin(&world, "s", 1, ++number);
    }
    expect_twin(&world, "other", 2, 6);
    world_done(&world);
}

TEST(a_newer_copy_that_was_written_in_part_costs_one_step_and_no_more)
{
    struct world world;
    struct place newer, older;
    two_sessions(&world);
    static const char zeros[4096];
    uint64_t number = 12;
    size_t n_bytes = world_pool(&world)->layout.copy_bytes;
    for (size_t cut = 0; cut + 4 <= n_bytes;
         cut += 4) { /* its last bytes, or its first ones, are not there */
        places_of_copies(&world, "s", &newer, &older);
        world_stop(&world);
        change_file(&world, newer.at + (cut % 8 ? cut : 0), zeros, cut % 8 ? n_bytes - cut : cut + 4);
        world_start(&world);
        expect_twin(&world, "s", 1, number);
        expect_twin(&world, "s", 1, ++number);
    }
    world_done(&world);
}

TEST(a_flipped_bit_in_the_older_copy_costs_nothing)
{
    struct world world;
    struct place newer, older;
    two_sessions(&world);
    uint64_t number = 12;
    for (size_t k = 0; k < world_pool(&world)->layout.copy_bytes; k++) {
        places_of_copies(&world, "s", &newer, &older);
        world_stop(&world);
        flip_byte(&world, older.at + k, (unsigned char)(1 << k % 8));
        world_start(&world);
        expect_twin(&world, "s", 1, ++number);
    }
    world_done(&world);
}

TEST(a_session_of_two_damaged_copies_is_never_served)
{
    struct world world;
    struct place newer, older;
    struct service_figures figures;
    two_sessions(&world);
    places_of_copies(&world, "s", &newer, &older);
    world_stop(&world);
    flip_byte(&world, newer.at + 20, 4);
    flip_byte(&world, older.at + 60, 128);
    world_start(&world);
    expect_fault(&world, "s", STATUS_SESSION_DAMAGED);
    expect_fault(&world, "s", STATUS_SESSION_DAMAGED);
    expect_twin(&world, "other", 2, 6);
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_sessions_damaged, 1);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    ck_assert_int_eq(session_delete(world.worker, world_model(&world), "s", &world.fault), STATUS_OK);
    expect_twin(&world, "s", 3, 1);
    world_done(&world);
}

TEST(a_damaged_session_is_not_served_after_a_change_of_layout_either)
{
    struct world world;
    struct place newer, older;
    two_sessions(&world);
    places_of_copies(&world, "s", &newer, &older);
    world_stop(&world);
    flip_byte(&world, newer.at + 20, 4);
    flip_byte(&world, older.at + 60, 128);
    world.config.session_history = 5;
    world_start(&world);
    expect_fault(&world, "s", STATUS_SESSION_DAMAGED);
    ck_assert_uint_eq(session_get(&world, "other").row.step, 5);
    world_done(&world);
}

TEST(a_damaged_header_costs_its_session_and_no_other)
{
    struct world world;
    struct service_figures figures;
    struct session session;
    two_sessions(&world);
    struct place header = place_of(&world, world_record(&world, "s"), sizeof(struct record_header));
    world_stop(&world);
    flip_byte(&world, header.at + 5, 1);
    world_start(&world);
    ck_assert_int_eq(
        session_read(world.worker, world_model(&world), "s", &world.arena, &session, &world.fault),
        STATUS_SESSION_NOT_FOUND);
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_sessions_damaged, 1);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    expect_twin(&world, "other", 2, 6);
    expect_twin(&world, "s", 1, 1);
    world_done(&world);
}

TEST(a_flipped_reading_costs_the_readings_and_not_the_state)
{
    struct world world;
    two_sessions(&world);
    uint64_t number = 12;
    const struct record_layout layout = world_pool(&world)->layout;
    for (uint64_t back = 0; back < 9; back++) {
        struct place place =
            place_of(&world, record_reading(&layout, world_record(&world, "s"), number - back), 4);
        world_stop(&world);
        flip_byte(&world, place.at + 2, 16);
        world_start(&world);
        struct session session = session_get(&world, "s");
        ck_assert_uint_eq(session.row.step, number);
        ck_assert_uint_eq(session.n_readings, back < 8 ? 0 : 8); /* the ninth is not one that is kept */
        expect_twin(&world, "s", 1, ++number);
        ck_assert_uint_eq(session_get(&world, "s").n_readings, back < 8 ? 1 : 8);
        for (int k = 0; k < 8; k++) {
            expect_twin(&world, "s", 1, ++number);
        }
    }
    world_done(&world);
}

TEST(a_damaged_file_header_is_refused_with_the_reason)
{
    struct world world;
    two_sessions(&world);
    struct fault fault;
    const struct model *model;
    char path[256];
    pool_path(&world, path);
    struct pool_options options = { .name = "m",
                                    .path = path,
                                    .layout = world_pool(&world)->layout,
                                    .session_max = world.config.session_max };
    world_stop(&world);
    for (size_t at = 0; at < 56; at += 5) {
        struct pool *pool = NULL;
        flip_byte(&world, at, 1);
        ck_assert_int_eq(pool_open(&options, &pool, &fault), STATUS_STORAGE_FAILED);
        ck_assert_msg(strstr(fault.message, path) && strstr(fault.message, "header is damaged"), "%s",
                      fault.message);
        world_start(&world); /* the model is left out, the service runs */
        ck_assert_int_eq(model_find(world.worker, "m", &model, &fault), STATUS_MODEL_NOT_FOUND);
        world_stop(&world);
        flip_byte(&world, at, 1);
    }
    world_start(&world);
    expect_twin(&world, "s", 1, 13);
    world_done(&world);
}

/* Whoever can forge the checksum still cannot make sizes that do not fit each other. */
TEST(a_header_of_impossible_sizes_is_refused)
{
    struct world world;
    two_sessions(&world);
    world_stop(&world);
    char path[256];
    pool_path(&world, path);
    struct bytes file = file_load(path);
    enum { LAYOUT_AT = 16 };
    for (size_t field = 0; field < sizeof(struct record_layout) / sizeof(uint32_t); field++) {
        static const uint32_t values[] = { 0, 1, 3, 65535, UINT32_MAX, 1U << 31 };
        for (size_t v = 0; v < 6; v++) {
            char header[LAYOUT_AT + sizeof(struct record_layout) + sizeof(uint64_t)];
            memcpy(header, file.p, sizeof header);
            memcpy(header + LAYOUT_AT + field * sizeof(uint32_t), &values[v], sizeof values[v]);
            if (memcmp(header, file.p, sizeof header) == 0) {
                continue;
            }
            uint64_t check = digest_64(header, sizeof header - sizeof check, 0);
            memcpy(header + sizeof header - sizeof check, &check, sizeof check);
            change_file(&world, 0, header, sizeof header);
            const struct model *model;
            world_start(&world);
            ck_assert_int_eq(model_find(world.worker, "m", &model, &world.fault), STATUS_MODEL_NOT_FOUND);
            world_stop(&world);
        }
    }
    change_file(&world, 0, file.p, 512);
    free(file.p);
    world_start(&world);
    expect_twin(&world, "s", 1, 13);
    world_done(&world);
}

TEST(a_file_that_is_cut_off_serves_the_sessions_before_the_cut)
{
    enum { SESSIONS = 2000 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    char id[32], path[256];
    pool_path(&world, path);
    for (uint64_t s = 0; s < SESSIONS; s++) {
        session_name(s, id);
        expect_steps(&world, id, s, 1, 1);
    }
    world_stop(&world);
    ck_assert_int_eq(truncate(path, 200001), 0);
    world_start(&world);
    size_t n_left = model_n_sessions(world_model(&world));
    ck_assert(n_left > 300 && n_left < SESSIONS);
    for (uint64_t s = 0; s < SESSIONS; s++) {
        session_name(s, id);
        expect_twin(&world, id, s, s < n_left ? 2 : 1);
    }
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), SESSIONS);
    world_restart(&world);
    for (uint64_t s = 0; s < SESSIONS; s++) {
        session_name(s, id);
        expect_twin(&world, id, s, s < n_left ? 3 : 2);
    }
    world_done(&world);
}

TEST(of_two_records_of_one_session_the_newer_is_kept)
{
    for (int order = 0; order < 2; order++) {
        struct world world;
        two_sessions(&world);
        size_t n_record = world_pool(&world)->layout.record_bytes;
        /* A copy of the record as it is now in the slot after the last, or before. */
        expect_steps(&world, "gone", 3, 1, 1);
        struct place to = place_of(&world, world_record(&world, "gone"), n_record);
        struct place from = place_of(&world, world_record(&world, "s"), n_record);
        world_stop(&world);
        char path[256];
        pool_path(&world, path);
        struct bytes early = file_load(path);
        world_start(&world);
        if (order == 1) {
            struct timespec moment = { .tv_nsec = 5000000 };
            nanosleep(&moment, NULL);
        }
        expect_steps(&world, "s", 1, 13, 13);
        world_stop(&world);
        struct bytes late = file_load(path);
        char *older = (char *)early.p + from.at, *newer = (char *)late.p + from.at;
        change_file(&world, to.at, order ? newer : older, n_record);
        change_file(&world, from.at, order ? older : newer, n_record);
        free(early.p);
        free(late.p);
        world_start(&world);
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), 2);
        expect_twin(&world, "s", 1, 14);
        expect_twin(&world, "other", 2, 6);
        expect_twin(&world, "new", 4, 1);
        world_done(&world);
    }
}

TEST(a_file_whose_header_was_never_written_is_begun_anew)
{
    struct world world;
    static const char zeros[RECORD_PAGE];
    char path[256];
    two_sessions(&world);
    world_stop(&world);
    pool_path(&world, path);
    file_store(path, zeros, sizeof zeros);
    world_start(&world);
    expect_twin(&world, "s", 1, 1);
    world_restart(&world);
    expect_twin(&world, "s", 1, 2);
    world_done(&world);
}

TEST(a_file_that_is_not_ours_is_refused)
{
    struct world world;
    char path[256], junk[9000];
    const struct model *model;
    two_sessions(&world);
    world_stop(&world);
    pool_path(&world, path);
    memset(junk, 'j', sizeof junk);
    static const size_t sizes[] = { 1, 100, RECORD_PAGE, sizeof junk };
    for (size_t k = 0; k < 4; k++) {
        file_store(path, junk, sizes[k]);
        world_start(&world);
        ck_assert_int_eq(model_find(world.worker, "m", &model, &world.fault), STATUS_MODEL_NOT_FOUND);
        world_stop(&world);
        struct bytes file = file_load(path);
        ck_assert_uint_eq(file.n, sizes[k]); /* and left as it was */
        free(file.p);
    }
    world_done(&world);
}
