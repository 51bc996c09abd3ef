/* The real daemon while somebody sets the wall clock or cuts its files, and without random
 * numbers. */
#include "daemon.h"
#include "system_control.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SESSION "/v1/models/torch-stacked/sessions/"
#define STEP    "{\"x\":[1,2,3,4,5]}"

static const int64_t year_s = 31536000;

static double seen_at(const struct daemon *daemon, const char *session)
{
    char path[128];
    snprintf(path, sizeof path, SESSION "%s", session);
    struct answer answer = request(daemon, "GET", path, NULL);
    ck_assert_int_eq(answer.code, 200);
    double time = number_in(answer.body, "last_seen_at");
    answer_free(&answer);
    return time;
}

/* That a session that was stepped a moment ago is shown so by the wall clock of the daemon. */
static void expect_fresh(const struct daemon *daemon, int64_t wall_set_s)
{
    double idle = (double)(time(NULL) + wall_set_s) - seen_at(daemon, "pump-7");
    ck_assert_msg(idle > -3 && idle < 300, "idle for %g s", idle);
}

/* Waits until the log says so, in seconds more or less. */
static void wait_for_jump(const struct daemon *daemon, int64_t jump_s)
{
    int64_t seen_s = 0;
    char log[1000];
    for (int waited = 0; seen_s < jump_s - 5 || seen_s > jump_s + 5; waited++) {
        ck_assert_msg(waited < 600, "no jump of %lld s", (long long)jump_s);
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
        daemon_wait_log(daemon, "", log, sizeof log);
        for (const char *at = log; (at = strstr(at, "clock_jumped seconds=")); at++) {
            seen_s = strtoll(at + strlen("clock_jumped seconds="), NULL, 10);
        }
    }
}

TEST(sessions_and_their_times_hold_when_the_wall_clock_is_set)
{
    const int64_t sets_s[] = { 5 * year_s, -5 * year_s, 30 * year_s, -2 * 86400 };
    const char *const options[] = { "--session-ttl", "600", "--log-level", "warn", NULL };
    struct system_control *control = system_control_begin();
    struct daemon daemon = daemon_start(options);
    char words[64];
    expect(&daemon, "POST", SESSION "pump-7/step", STEP, 200, "\"step\":1");
    for (size_t k = 0; k < sizeof sets_s / sizeof *sets_s; k++) {
        int64_t before_s = atomic_exchange(&control->wall_set_s, sets_s[k]);
        if (k % 2 == 1) { /* between two starts: the second sees it at once */
            daemon_kill(&daemon);
            daemon_start_again(&daemon, options);
        }
        wait_for_jump(&daemon, sets_s[k] - before_s);
        expect_fresh(&daemon, sets_s[k]);
        snprintf(words, sizeof words, "\"step\":%zu", k + 2);
        expect(&daemon, "POST", SESSION "pump-7/step", STEP, 200, words);
        expect_fresh(&daemon, sets_s[k]);
    }
    daemon_stop(&daemon);
    system_control_end(control);
}

TEST(an_expired_session_is_410_wherever_the_wall_clock_is_set_to)
{
    const char *const options[] = { "--session-ttl", "1", "--log-level", "warn", NULL };
    struct system_control *control = system_control_begin();
    struct daemon daemon = daemon_start(options);
    expect(&daemon, "POST", SESSION "pump-7/step", STEP, 200, "\"step\":1");
    struct answer answer;
    do {
        answer = request(&daemon, "GET", SESSION "pump-7", NULL);
        answer_free(&answer);
    } while (answer.code == 200);
    for (int years = -4; years <= 4; years += 8) {
        int64_t before_s = atomic_exchange(&control->wall_set_s, years * year_s);
        wait_for_jump(&daemon, years * year_s - before_s);
        answer = request(&daemon, "GET", SESSION "pump-7", NULL);
        ck_assert_msg(answer.code == 410 && strstr(answer.body, "expired ") &&
                          !strstr(answer.body, "expired -"),
                      "%d %s", answer.code, answer.body);
        answer_free(&answer);
    }
    daemon_stop(&daemon);
    system_control_end(control);
}

/* Ids are hashed with a key that is drawn at the start: none is no start. */
TEST(without_random_numbers_there_is_no_start)
{
    struct system_control *control = system_control_begin();
    struct daemon daemon = daemon_prepare();
    char log[1000];
    atomic_store(&control->has_no_random, true);
    ck_assert_int_ne(daemon_try_start(&daemon, NULL), -1);
    daemon_wait_log(&daemon, "the system gives no random numbers", log, sizeof log);
    atomic_store(&control->has_no_random, false);
    daemon_start_again(&daemon, NULL);
    daemon_stop(&daemon);
    system_control_end(control);
}

/* ---- a session file that is cut ---- */

#define OTHER      "/v1/models/three-gate/sessions/"
#define OTHER_STEP "{\"x\":[1,2,3]}"

static void expect_cut(const struct daemon *daemon, const char *method, const char *path,
                       const char *body)
{
    expect(daemon, method, path, body, 503, "storage_failed");
    expect(daemon, method, path, body, 503, "was cut while grud ran");
}

/* Both where the cut is found by a step that runs into it, and where grud looks by itself. */
TEST(a_session_file_that_is_cut_ends_the_sessions_of_its_model_alone)
{
    static const size_t sizes[] = { 0, 4096, 5000 };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct daemon daemon = daemon_start(NULL);
        char path[192], log[1000];
        for (int session = 0; session < 40; session++) {
            snprintf(path, sizeof path, SESSION "s%d/step", session);
            expect(&daemon, "POST", path, STEP, 200, "\"step\":1");
        }
        expect(&daemon, "POST", OTHER "s/step", OTHER_STEP, 200, "\"step\":1");
        snprintf(path, sizeof path, "%s/data/sessions/torch-stacked.pool", daemon.directory);
        ck_assert_int_eq(truncate(path, (off_t)sizes[k]), 0);
        expect_cut(&daemon, "POST", SESSION "s39/step", STEP);
        expect_cut(&daemon, "POST", SESSION "new/step", STEP);
        expect_cut(&daemon, "GET", SESSION "s38", NULL);
        expect_cut(&daemon, "PUT", SESSION "s38", "{}");
        expect_cut(&daemon, "DELETE", SESSION "s38", NULL);
        expect_cut(&daemon, "POST", SESSION "s38/fork", "{\"to\":\"t\"}");
        expect_cut(&daemon, "POST", SESSION "s38/forecast", "{\"horizon\":1}");
        expect_cut(&daemon, "GET", "/v1/models/torch-stacked/sessions", NULL);
        daemon_wait_log(&daemon, "sessions_cut model=torch-stacked", log, sizeof log);
        expect(&daemon, "GET", "/readyz", NULL, 200, "was cut while grud ran");
        expect(&daemon, "POST", OTHER "s/step", OTHER_STEP, 200, "\"step\":2");
        ck_assert_int_eq(daemon_end(&daemon), 1); /* not all that it had is on disk */
        daemon_remove(&daemon);
    }
}
