/*
 * disks.c - a disk that goes on to refuse: one that is full until it has room again, and one whose
 * syncs fail. What does not need it goes on, what needs it is refused, and /readyz says which is
 * which.
 */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NEW_SESSIONS_MAX = 4000, WAIT_MS = 60000, LAST_ATTEMPT_MS = 6000, PATH_SIZE = 320 };

static void nap(void)
{
    const struct timespec time = { .tv_nsec = 20000000 };
    nanosleep(&time, NULL);
}

static void wait_for_reason(const char *text)
{
    char reason[1024] = "";
    for (int ms = 0; !is_degraded(reason, sizeof reason) || !strstr(reason, text); ms += 20) {
        ck_assert_msg(ms < WAIT_MS, "no '%s' in %s", text, reason);
        nap();
    }
}

static void expect_no_reason(const char *text)
{
    char reason[1024] = "";
    ck_assert_msg(!is_degraded(reason, sizeof reason) || !strstr(reason, text), "%s", reason);
}

static void expect_refused(struct answer answer)
{
    expect_error(&answer);
    ck_assert_msg(strstr(answer.body, "\"storage_failed\"") != NULL, "%s", answer.body);
    driver.n_errors++;
    answer_free(&answer);
}

static void expect_metric(const char *line)
{
    struct answer answer = ask("GET", "/metrics", NULL);
    ck_assert_msg(answer.code == 200 && strstr(answer.body, line), "no %s in /metrics", line);
    answer_free(&answer);
}

static void step(const char *session, int code)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, PUMP "/sessions/%s/step", session);
    expect_code("POST", path, "{\"x\":[0.1,0.2]}", code);
}

/* Sessions until there is no place left for one. Returns how many were made. */
static int fill_pool(void)
{
    for (int k = 0; k < NEW_SESSIONS_MAX; k++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, PUMP "/sessions/n%d/step", k);
        struct answer answer = ask("POST", path, "{\"x\":[0.1,0.2]}");
        if (answer.code != 200) {
            expect_refused(answer);
            return k;
        }
        answer_free(&answer);
    }
    ck_abort_msg("%d sessions on a full disk", NEW_SESSIONS_MAX);
}

static void forget_filling(int n)
{
    for (int k = 0; k < n; k++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, PUMP "/sessions/n%d", k);
        forget(path);
    }
}

static void cancel_all(void)
{
    static const char *const lists[] = { JOBS "?status=queued", JOBS "?status=running" };
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        struct answer answer = ask("GET", lists[k], NULL);
        for (const char *at = answer.body; (at = strstr(at, "\"ftjob-"));) {
            char path[PATH_SIZE];
            int n = (int)strcspn(++at, "\"");
            snprintf(path, sizeof path, JOBS "/%.*s/cancel", n, at);
            expect_code("POST", path, "{}", 200);
        }
        answer_free(&answer);
    }
}

/* ---- full ---- */

static void check_full(const char *job)
{
    step("a", 200);
    step("b", 200);
    int n_new = fill_pool();
    step("a", 200);
    step("n0", 200);
    expect_refused(upload("pump", "pump"));
    expect_refused(upload("fresh", "pump"));
    expect_refused(ask("POST", PUMP "/versions/2/activate", "{}"));
    expect_refused(ask("DELETE", PUMP "/versions/3", NULL)); /* its number could not be kept */
    expect_code("DELETE", PUMP "/versions/2", NULL, 204);
    expect_refused(ask("POST", JOBS, job));
    expect_code("GET", PUMP "/sessions/a", NULL, 200);
    expect_code("GET", JOBS, NULL, 200);
    expect_code("GET", "/healthz", NULL, 200);
    wait_for_reason("no room for new sessions");
    wait_for_reason("the database of the jobs cannot be used");
    wait_for_reason("the disk refuses new versions");
    wait_for_reason("readings cannot be recorded");
    expect_no_reason("refused a sync");
    expect_metric("grud_degraded 1\n");
    expect_metric("grud_trouble{what=\"sessions\"} 1\n");
    expect_metric("grud_trouble{what=\"sync\"} 0\n");
    forget_filling(n_new); /* which needs no room, and makes some */
    step("c", 200);
    expect_no_reason("no room for new sessions");
}

static void run_full(const struct scenario *scenario)
{
    char job[JOB_BYTES];
    (void)scenario;
    shimmed_start(options_with(NULL));
    put_file("pump");
    put_file("pump-wide");
    put_file("pump");
    reset_sessions();
    print_job(job, "\"n_epochs\":1000000,\"early_stopping_patience\":null", MANUAL);
    expect_code("POST", JOBS, job, 202);
    fault_arm(FAULT_SPACE, 1, true, "");
    check_full(job);
    fault_disarm(NULL);
    expect_code("DELETE", PUMP "/versions/3", NULL, 204);
    struct answer answer = upload("pump", "pump"); /* as version 4 */
    ck_assert_msg(answer.code == 201, "%d %s", answer.code, answer.body);
    answer_free(&answer);
    int n_before = NEW_SESSIONS_MAX / 2;
    for (int k = 0; k < n_before; k++) { /* more than there was room for */
        char name[16];
        snprintf(name, sizeof name, "n%d", k);
        step(name, 200);
    }
    forget_filling(n_before);
    expect_code("POST", JOBS, job, 202);
    wait_until_recovered();
    cancel_all();
    char *state = snapshot();
    ck_assert_int_eq(shimmed_end(), 0);
    shimmed_start_again(options_with(NULL));
    expect_state(state, "not there after a restart");
    ck_assert_int_eq(shimmed_end(), 0);
    free(state);
}

static bool is_job(const char *text)
{
    struct answer answer = ask("GET", JOBS, NULL);
    ck_assert_int_eq(answer.code, 200);
    bool found = strstr(answer.body, text) != NULL;
    answer_free(&answer);
    return found;
}

static void wait_for_job(const char *text, const char *or_text)
{
    for (int ms = 0; !is_job(text) && !is_job(or_text); ms += 20) {
        ck_assert_msg(ms < WAIT_MS, "the job is neither %s nor %s", text, or_text);
        nap();
    }
}

/* A job whose training ends while the disk is full: it tries to store its version some times, and
 * waits until it can be written down that it failed, and why. Had it been patient enough, it would
 * have succeeded. */
static void run_full_job(const struct scenario *scenario)
{
    char job[JOB_BYTES];
    (void)scenario;
    shimmed_start(options_with(NULL));
    put_file("pump");
    print_job(job, "\"n_epochs\":1000000,\"early_stopping_patience\":null",
              MANUAL ",\"max_seconds\":1");
    expect_code("POST", JOBS, job, 202);
    wait_for_job("\"status\":\"running\"", "\"status\":\"succeeded\"");
    fault_arm(FAULT_SPACE, 1, true, "jobs");
    wait_for_reason("the database of the jobs cannot be used");
    for (int ms = 0; !log_has("job_waits") && ms < WAIT_MS; ms += 20) {
        nap();
    }
    for (int ms = 0; ms < LAST_ATTEMPT_MS; ms += 20) {
        nap();
    }
    fault_disarm(NULL);
    wait_for_job("\"status\":\"failed\"", "\"status\":\"succeeded\"");
    ck_assert(is_job("\"status\":\"succeeded\"") ||
              is_job("\"error\":{\"code\":\"storage_failed\""));
    driver.n_errors += is_job("\"status\":\"failed\"");
    wait_until_recovered();
    ck_assert_int_eq(shimmed_end(), 0);
}

/* ---- rules ---- */

#define RULES PUMP "/rules"
#define RULE(below)                                                                                \
    "{\"coverage\":true,\"below\":" below ",\"url\":\"http://127.0.0.1:1/\"}" /* nobody listens */

/* Readings of "a" that nobody could forecast, until a rule of bound 1 fires. */
static void make_fire(void)
{
    enum { READINGS = 130 };
    unsigned noise = 1;
    for (int k = 0; k < READINGS; k++) {
        char body[64];
        noise = noise * 1103515245U + 12345U;
        snprintf(body, sizeof body, "{\"x\":[%u,%u]}", noise >> 16 & 0xff, noise >> 24);
        expect_code("POST", PUMP "/sessions/a/step", body, 200);
    }
}

static void expect_in(const char *path, const char *text)
{
    for (int ms = 0;; ms += 20) {
        struct answer answer = ask("GET", path, NULL);
        bool is_there = answer.code == 200 && strstr(answer.body, text) != NULL;
        ck_assert_msg(is_there || ms < WAIT_MS, "no %s in %s", text, answer.body);
        answer_free(&answer);
        if (is_there) {
            return;
        }
        nap();
    }
}

/* Rules stay as they are, and go on to find; what they find meanwhile is written once there is
 * room. */
static void check_full_rules(void)
{
    expect_refused(ask("PUT", RULES "/new", RULE("1")));
    expect_refused(ask("PUT", RULES "/kept", RULE("0.5")));
    expect_refused(ask("DELETE", RULES "/kept", NULL));
    expect_code("GET", RULES "/new", NULL, 404);
    expect_code("PUT", RULES "/kept", RULE("1"), 200); /* as it is, which takes no room */
    expect_in(RULES "/kept", "\"below\":1,");
    expect_in(RULES "/kept", "\"states\":{\"firing\":1,");
    wait_for_reason("rules, and what they have found, cannot be written down");
    forget(PUMP "/sessions/a");
    expect_in(RULES "/kept", "\"states\":{\"firing\":0,");
    step("b", 200);
}

static void run_full_rules(const struct scenario *scenario)
{
    const char *const *options =
        options_with((const char *const[]){ "--webhook-private", "yes", NULL });
    (void)scenario;
    shimmed_start(options);
    put_file("pump");
    reset_sessions();
    expect_code("PUT", RULES "/kept", RULE("1"), 201);
    make_fire();
    expect_in(RULES "/kept", "\"last_failure\":{"); /* so it is written */
    fault_arm(FAULT_SPACE, 1, true, "");
    check_full_rules();
    fault_disarm(NULL);
    wait_until_recovered();
    expect_code("PUT", RULES "/new", RULE("1"), 201);
    daemon_kill(&driver.daemon);
    shimmed_start_again(options);
    expect_in(RULES "/new", "\"firing\":[]");
    expect_in(RULES "/kept", "\"states\":{\"firing\":0,");
    expect_in(RULES "/kept", "\"last_failure\":{"); /* its firing and its end are owed still */
    expect_code("DELETE", RULES "/kept", NULL, 204);
    ck_assert_int_eq(shimmed_end(), 0);
}

/* ---- syncs ---- */

static long count_syncs(void)
{
    struct answer answer = ask("GET", "/metrics", NULL);
    static const char key[] = "\ngrud_syncs_total ";
    const char *at = answer.body ? strstr(answer.body, key) : NULL;
    ck_assert_ptr_nonnull(at);
    long n = strtol(at + sizeof key - 1, NULL, 10);
    answer_free(&answer);
    return n;
}

/* One sync fails, those after it succeed: it stays said, and the end says so too. */
static void run_dead_sync(const struct scenario *scenario)
{
    (void)scenario;
    const char *const *options =
        options_with((const char *const[]){ "--sync-interval-ms", "20", NULL });
    shimmed_start(options);
    put_file("pump");
    reset_sessions();
    fault_arm(FAULT_SYNC, 1, false, "disk-syncs");
    wait_for_reason("the disk refused a sync");
    step("a", 200);
    step("c", 200);
    expect_metric("grud_degraded 1\n");
    expect_metric("grud_trouble{what=\"sync\"} 1\n");
    fault_disarm(NULL);
    long n_syncs = count_syncs();
    for (int ms = 0; count_syncs() < n_syncs + 10; ms += 20) {
        ck_assert_msg(ms < WAIT_MS, "no further syncs");
        nap();
    }
    wait_for_reason("the disk refused a sync");
    char *state = snapshot();
    ck_assert_int_eq(shimmed_end(), 1);
    ck_assert(log_has("synced=no"));
    shimmed_start_again(options);
    expect_state(state, "not there after a restart");
    wait_until_recovered();
    ck_assert_int_eq(shimmed_end(), 0);
    free(state);
}

/* With a sync before each reply. */
static void run_dead_commit(const struct scenario *scenario)
{
    static const char body[] = "{\"x\":[0.1,0.2],\"seq\":4}";
    (void)scenario;
    const char *const *options =
        options_with((const char *const[]){ "--sync-interval-ms", "0", NULL });
    shimmed_start(options);
    put_file("pump");
    reset_sessions();
    fault_arm(FAULT_SYNC, 1, true, "");
    struct answer answer = ask("POST", PUMP "/sessions/a/step", body);
    ck_assert_msg(answer.body && strstr(answer.body, "done, but "), "%d %s", answer.code,
                  answer.body);
    expect_refused(answer);
    wait_for_reason("the disk refused a sync");
    expect_refused(upload("pump", "pump"));
    fault_disarm(NULL);
    answer = ask("POST", PUMP "/sessions/a/step", body); /* the same again is the same step */
    ck_assert_msg(answer.code == 200 || (answer.body && strstr(answer.body, "done, but ")), "%d %s",
                  answer.code, answer.body);
    answer_free(&answer);
    wait_for_reason("the disk refused a sync");
    struct answer session = ask("GET", PUMP "/sessions/a", NULL);
    ck_assert_msg(number_in(session.body, "step") == 4, "%s", session.body);
    answer_free(&session);
    char *state = snapshot();
    ck_assert_int_eq(shimmed_end(), 1);
    shimmed_start_again(options);
    expect_state(state, "not there after a restart");
    wait_until_recovered();
    ck_assert_int_eq(shimmed_end(), 0);
    free(state);
}

const struct scenario disk_scenarios[] = { { "full-disk", run_full, NULL },
                                           { "full-disk-job", run_full_job, NULL },
                                           { "full-disk-rules", run_full_rules, NULL },
                                           { "dead-sync", run_dead_sync, NULL },
                                           { "dead-commit", run_dead_commit, NULL },
                                           { NULL, NULL, NULL } };
