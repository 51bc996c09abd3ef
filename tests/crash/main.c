/*
 * The crash test: grud is killed, its files are damaged, and nothing that it acknowledged may be
 * lost, done twice or wrong. usage: crash-test [CYCLES [SEED [TRIALS]]]; the program is
 * $GRUD, or build/grud.
 */
#include "anywhere.h"
#include "clients.h"
#include "damage.h"
#include "numberer.h"
#include "test.h"
#include "twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct test {
    uint64_t cycles, seed, trials, random;
    struct daemon daemon;
    struct twin twin;
    struct subject sessions[SESSIONS];
    struct client clients[CLIENTS];
    struct numberer numberer;
};

static struct test test; /* what the arguments say, then the test in its own process */

static void sleep_us(uint64_t us)
{
    const struct timespec time = { .tv_nsec = (long)us * 1000 };
    nanosleep(&time, NULL);
}

/* ---- the daemon ---- */

/* How often it syncs: before each reply, so often that kills meet syncs, or hardly ever. */
static void start(bool wait)
{
    static const char *const intervals[] = { "0", "1", "7", "1000" };
    const char *const options[] = { "--workers", random_below(&test.random, 2) ? "2" : "1",
                                    "--sync-interval-ms", intervals[random_below(&test.random, 4)],
                                    NULL };
    wait ? daemon_start_again(&test.daemon, options) : daemon_spawn(&test.daemon, options);
}

/* Some starts are cut short as well. */
static void restart(void)
{
    if (random_below(&test.random, 4) == 0) {
        start(false);
        sleep_us(random_below(&test.random, 30000));
        daemon_kill(&test.daemon);
    }
    start(true);
}

static void pool_path(unsigned model, char path[192])
{
    snprintf(path, 192, "%s/data/sessions/%s.pool", test.daemon.directory,
             crash_models[model].name);
}

static char *read_log(void)
{
    char path[160];
    snprintf(path, sizeof path, "%s/log", test.daemon.directory);
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    ck_assert(file && getdelim(&text, &room, '\0', file) > 0);
    fclose(file);
    return text;
}

/* ---- clients, and the kill ---- */

/* Kills once so many steps are acknowledged, and at some moment after that. */
static void run_until_killed(void)
{
    enum { MOST_STEPS = 1200, MOST_US = 3000, LIMIT_S = 60 };
    uint64_t target = atomic_load(&figures.n_acknowledged) + random_below(&test.random, MOST_STEPS);
    clients_start(test.clients, &test.daemon);
    numberer_start(&test.numberer, &test.daemon);
    time_t limit = time(NULL) + LIMIT_S;
    while (atomic_load(&figures.n_acknowledged) < target) {
        ck_assert_msg(time(NULL) < limit, "the clients do not get on");
        sleep_us(200);
    }
    sleep_us(random_below(&test.random, MOST_US));
    daemon_kill(&test.daemon);
    clients_join(test.clients);
    numberer_join(&test.numberer);
}

/* ---- damage ---- */

/* A file whose header is damaged: its model is left out with the reason, the other is served; put
 * right, it has lost nothing. */
static void refuse_file(unsigned model)
{
    char path[192], line[256];
    pool_path(model, path);
    struct damaged_byte byte = damage_file_header(path, &test.random);
    start(true);
    struct answer answer = request(&test.daemon, "GET", "/v1/models", NULL);
    char *log = read_log();
    snprintf(line, sizeof line, "%s is not a session file of grud, or its header is damaged", path);
    snprintf(path, sizeof path, "{\"name\":\"%s\"", crash_models[model].name);
    if (answer.code != 200 || strstr(answer.body, path) || !strstr(log, line)) {
        found(FOUND_WRONG, "a file with a damaged header was not refused");
    }
    free(log);
    answer_free(&answer);
    twin_compare(&test.twin, &test.daemon, test.sessions, ~(1U << model));
    daemon_kill(&test.daemon);
    pool_path(model, path);
    damage_undo(path, byte);
    atomic_fetch_add(&figures.n_refused_files, 1);
}

static void expect_counted(size_t n_headers)
{
    struct answer answer = request(&test.daemon, "GET", "/metrics", NULL);
    const char *at = strstr(answer.body, "\ngrud_sessions_damaged_total ");
    ck_assert_ptr_nonnull(at);
    size_t n = strtoul(strchr(at, ' '), NULL, 10);
    if (n != n_headers) {
        found(FOUND_WRONG, "%zu record headers were damaged, %zu were counted", n_headers, n);
    }
    answer_free(&answer);
}

static void damage_and_restart(void)
{
    unsigned model = (unsigned)random_below(&test.random, MODELS);
    char path[192];
    pool_path(model, path);
    switch (random_below(&test.random, 4)) {
    case 0:
        refuse_file(model);
        restart();
        break;
    case 1:
        damage_end(path, test.sessions, &test.random);
        restart();
        break;
    default: {
        size_t n_headers = damage_records(path, test.sessions, &test.random);
        start(true);
        expect_counted(n_headers);
    }
    }
}

/* ---- the whole ---- */

static void expect_nothing_found(void)
{
    uint64_t n_found = 0;
    fflush(stdout); /* a failed check ends the process at once */
    for (int k = 0; k < FINDINGS; k++) {
        n_found += atomic_load(&figures.n_found[k]);
    }
    ck_assert_uint_eq(n_found, 0);
}

START_TEST(nothing_acknowledged_is_lost)
{
    enum { DAMAGE_EACH = 4 };
    twin_start(&test.twin);
    test.daemon = daemon_start(NULL);
    crash_add_models(&test.daemon);
    clients_init(test.clients, test.sessions, &test.random);
    numberer_init(&test.numberer, &test.daemon, &test.random);
    run_until_killed();
    for (uint64_t cycle = 1; cycle < test.cycles; cycle++) {
        cycle % DAMAGE_EACH == 0 ? damage_and_restart() : restart();
        twin_compare(&test.twin, &test.daemon, test.sessions, UINT32_MAX);
        run_until_killed();
    }
    restart();
    twin_compare(&test.twin, &test.daemon, test.sessions, UINT32_MAX);
    clients_done(test.clients);
    numberer_done(&test.numberer);
    daemon_stop(&test.daemon);
    twin_stop(&test.twin);
    printf("crash-test: %llu cycles, seed %llu\n", (unsigned long long)test.cycles,
           (unsigned long long)test.seed);
#define SAY(field, text)                                                                           \
    printf("%10llu %s\n", (unsigned long long)atomic_load(&figures.field), text)
    SAY(n_acknowledged, "steps acknowledged");
    SAY(n_unanswered, "requests left unanswered by a kill");
    SAY(n_repeats, "of them repeated and answered");
    SAY(n_repeated, "their steps that had been made before it, and were said to be");
    SAY(n_compared_answers, "answers compared with the twin's");
    SAY(n_compared_sessions, "sessions compared with the twin's");
    SAY(n_versions, "versions uploaded, most of them deleted");
    SAY(n_damaged, "records damaged on disk, of which");
    SAY(n_step_before, "were served at the step before");
    SAY(n_reported, "were reported as damaged");
    SAY(n_absent, "were absent");
    SAY(n_resynchronised, "answers told a client where to go on");
    SAY(n_refused_files, "files with a damaged header refused");
    SAY(n_found[FOUND_LOST], "lost");
    SAY(n_found[FOUND_TWICE], "applied twice, or numbers given twice");
    SAY(n_found[FOUND_WRONG], "wrong states or answers");
    SAY(n_found[FOUND_UNEXPECTED], "unexpected answers");
#undef SAY
    expect_nothing_found();
}
END_TEST

START_TEST(no_damage_is_answered_in_silence)
{
    anywhere_run(test.trials, &test.random);
    expect_nothing_found();
}
END_TEST

int main(int argc, char *argv[])
{
    test.cycles = argc > 1 ? strtoull(argv[1], NULL, 10) : 20;
    test.seed = argc > 2 && argv[2][0] ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
    test.trials = argc > 3 ? strtoull(argv[3], NULL, 10) : 60;
    test.random = test.seed;
    printf("crash-test: seed %llu\n", (unsigned long long)test.seed);
    fflush(stdout);
    Suite *suite = suite_create("crash");
    TCase *cases = tcase_create("crash");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, nothing_acknowledged_is_lost);
    tcase_add_test(cases, no_damage_is_answered_in_silence);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK); /* whatever happens, its daemons end with it */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
