/* Prediction intervals and the versions of a model, over HTTP: what a job finds out of its version
 * is what sessions begin from, and what a promotion and a rollback make of them. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JOBS "/v1/fine_tuning/jobs"
#define PUMP "/v1/models/pump"

enum { BODY_BYTES = 64 << 10, OVER_SECONDS = 300 };

/* Four series of two sines: there is something to learn. */
static void post(const struct daemon *daemon, const char *hyperparameters, const char *policy,
                 char job[128])
{
    char *body = malloc(BODY_BYTES);
    ck_assert_ptr_nonnull(body);
    size_t n = (size_t)snprintf(
        body, BODY_BYTES,
        "{\"model\":\"pump\",\"version\":1,\"hyperparameters\":{\"window\":16,\"batch_size\":4,%s},"
        "\"promotion\":{\"policy\":\"%s\"},\"training\":{\"series\":[",
        hyperparameters, policy);
    for (int k = 0; k < 4; k++) {
        n += (size_t)snprintf(body + n, BODY_BYTES - n, "%s{\"x\":[", k > 0 ? "," : "");
        for (int t = 0; t < 80; t++) {
            n += (size_t)snprintf(body + n, BODY_BYTES - n, "%s[%.4f,%.4f]", t > 0 ? "," : "",
                                  sin(0.4 * t + k), cos(0.4 * t + k));
        }
        n += (size_t)snprintf(body + n, BODY_BYTES - n, "]}");
    }
    snprintf(body + n, BODY_BYTES - n, "]}}");
    struct answer answer = request(daemon, "POST", JOBS, body);
    ck_assert_msg(answer.code == 202, "%s", answer.body);
    const char *id = strstr(answer.body, "ftjob-");
    ck_assert_ptr_nonnull(id);
    snprintf(job, 128, JOBS "/%.*s", (int)strcspn(id, "\""), id);
    answer_free(&answer);
    free(body);
}

/* Runs a job to its end, of which the reply says that. */
static void run_job(const struct daemon *daemon, const char *hyperparameters, const char *policy,
                    const char *text)
{
    const struct timespec nap = { .tv_nsec = 20000000 };
    const time_t end = time(NULL) + OVER_SECONDS;
    char job[128];
    post(daemon, hyperparameters, policy, job);
    for (;;) {
        struct answer answer = request(daemon, "GET", job, NULL);
        ck_assert_msg(time(NULL) < end, "%s", answer.body);
        const bool is_over = strstr(answer.body, "\"status\":\"succeeded\"") != NULL;
        ck_assert_msg(!is_over || strstr(answer.body, text), "%s", answer.body);
        answer_free(&answer);
        if (is_over) {
            return;
        }
        nanosleep(&nap, NULL);
    }
}

/* The mean of |error| of `temp` one step ahead in the validation of a version, or in that of its
 * base, by the version's file; 0: it has none. */
static double mean_in(const struct daemon *daemon, unsigned version, const char *key)
{
    static const char mark[] = "\\\"mean\\\":";
    char path[128];
    snprintf(path, sizeof path, PUMP "/versions/%u/file", version);
    struct answer file = request(daemon, "GET", path, NULL);
    ck_assert_int_eq(file.code, 200);
    const char *residuals = memmem(file.body, file.n_body, key, strlen(key));
    const char *mean = residuals ? strstr(residuals, mark) : NULL;
    const double value = mean ? strtod(mean + strlen(mark), NULL) : 0;
    answer_free(&file);
    return value;
}

static double mean_of(const struct daemon *daemon, unsigned version)
{
    return mean_in(daemon, version, "\"grud_residuals\"");
}

/* What a version's errors are to those of its base, in one validation. */
static double ratio_to_base(const struct daemon *daemon, unsigned version)
{
    return mean_of(daemon, version) / mean_in(daemon, version, "\"grud_base_residuals\"");
}

/* Half of the interval of `temp` in a reply; NAN: there is none. */
static double width_in(const char *json)
{
    const char *lower = strstr(json, "\"lower\":[["), *upper = strstr(json, "\"upper\":[[");
    ck_assert_msg(lower && upper, "%s", json);
    if (strncmp(lower + 10, "null", 4) == 0) {
        return NAN;
    }
    return (strtod(upper + 10, NULL) - strtod(lower + 10, NULL)) / 2;
}

static double step(const struct daemon *daemon, const char *session, int t)
{
    char path[128], body[128];
    snprintf(path, sizeof path, PUMP "/sessions/%s/step", session);
    snprintf(body, sizeof body, "{\"x\":[%.4f,%.4f],\"level\":0.9}", sin(0.4 * t), cos(0.4 * t));
    struct answer answer = request(daemon, "POST", path, body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    const double width = width_in(answer.body);
    answer_free(&answer);
    return width;
}

static double told(const struct daemon *daemon, const char *session)
{
    char path[128];
    snprintf(path, sizeof path, PUMP "/sessions/%s/forecast", session);
    struct answer answer = request(daemon, "POST", path, "{\"horizon\":1,\"level\":0.9}");
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    const double width = width_in(answer.body);
    answer_free(&answer);
    return width;
}

static void activate(const struct daemon *daemon, unsigned version)
{
    char path[128];
    snprintf(path, sizeof path, PUMP "/versions/%u/activate", version);
    expect(daemon, "POST", path, "{}", 200, NULL);
}

/* Widths are rounded to eight bits. */
static void expect_ratio(double width, double before, double ratio)
{
    ck_assert_msg(fabs(width / before / ratio - 1) < 0.01, "%g times %g is not %g", before, ratio,
                  width);
}

TEST(a_promoted_version_is_what_sessions_begin_from)
{
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(&daemon, "pump",
                     (const char *const[]){ "--inputs", "temp,load", "--outputs", "temp,load",
                                            "--layers", "8", NULL });
    ck_assert(isnan(step(&daemon, "early", 0))); /* nothing is known */
    for (int t = 1; t < 60; t++) {
        (void)step(&daemon, "early", t);
    }
    const double known = told(&daemon, "early");
    run_job(&daemon, "\"n_epochs\":60,\"learning_rate\":0.01", "auto", "\"state\":\"promoted\"");
    run_job(&daemon, "\"n_epochs\":3", "manual", "\"fine_tuned_version\":3");
    const double better = mean_of(&daemon, 2), worse = mean_of(&daemon, 3);
    ck_assert(mean_of(&daemon, 1) == 0 && better > 0 && worse > 1.1 * better);
    /* Of the first one the file of the second one tells. */
    expect_ratio(told(&daemon, "early"), known, ratio_to_base(&daemon, 2));
    const double first = step(&daemon, "late", 0);
    ck_assert(first > better && first < 10 * better);
    const double before = told(&daemon, "late");
    activate(&daemon, 3);
    expect_ratio(told(&daemon, "late"), before, worse / better);
    activate(&daemon, 2); /* back */
    expect_ratio(told(&daemon, "late"), before, 1);
    daemon_kill(&daemon);
    daemon_start_again(&daemon, NULL);
    activate(&daemon, 3);
    expect_ratio(told(&daemon, "late"), before, worse / better);
    daemon_stop(&daemon);
}

/* The same with files that were uploaded. */
TEST(uploaded_versions_are_compared_by_their_files)
{
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(&daemon, "pump",
                     (const char *const[]){ "--inputs", "temp,load", "--outputs", "temp,load",
                                            "--layers", "8", NULL });
    run_job(&daemon, "\"n_epochs\":60,\"learning_rate\":0.01", "manual",
            "\"fine_tuned_version\":2");
    run_job(&daemon, "\"n_epochs\":3", "manual", "\"fine_tuned_version\":3");
    const double better = mean_of(&daemon, 2), worse = mean_of(&daemon, 3);
    struct daemon other = daemon_start(NULL);
    for (unsigned version = 2; version <= 3; version++) {
        char path[128];
        snprintf(path, sizeof path, PUMP "/versions/%u/file", version);
        struct answer file = request(&daemon, "GET", path, NULL);
        struct answer put =
            request_typed(&other, "PUT", PUMP, "application/octet-stream", file.body, file.n_body);
        ck_assert_msg(put.code == 201, "%s", put.body);
        answer_free(&put);
        answer_free(&file);
    }
    activate(&other, 1);
    const double before = step(&other, "s", 0);
    activate(&other, 2);
    expect_ratio(told(&other, "s"), before, worse / better);
    daemon_stop(&other);
    daemon_stop(&daemon);
}

/* All that a step tells of its intervals. */
static void tell(const struct daemon *daemon, const char *session, int t, char *out, size_t size)
{
    char path[128], body[160];
    snprintf(path, sizeof path, PUMP "/sessions/%s/step", session);
    snprintf(body, sizeof body, "{\"x\":[%.4f,%.4f],\"level\":[0.8,0.9],\"horizon\":6}",
             sin(0.4 * t) + 0.1 * (t * 7 % 10), cos(0.4 * t));
    struct answer answer = request(daemon, "POST", path, body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    const char *intervals = strstr(answer.body, "\"intervals\":");
    ck_assert_ptr_nonnull(intervals);
    snprintf(out, size, "%s", intervals);
    answer_free(&answer);
}

/* Killed before the second step, while it begins, and later; with a version that is new in the
 * middle. */
TEST(a_daemon_that_is_killed_again_and_again_leaves_calibrations_undisturbed)
{
    enum { STEPS = 120, SIZE = 2048, SWITCH = 80 };
    static char undisturbed[STEPS][SIZE], told_then[SIZE];
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(&daemon, "pump",
                     (const char *const[]){ "--inputs", "temp,load", "--outputs", "temp,load",
                                            "--layers", "8", NULL });
    run_job(&daemon, "\"n_epochs\":60,\"learning_rate\":0.01", "auto", "\"state\":\"promoted\"");
    run_job(&daemon, "\"n_epochs\":3", "manual", "\"fine_tuned_version\":3");
    for (int t = 0; t < STEPS; t++) {
        activate(&daemon, t < SWITCH ? 2 : 3);
        tell(&daemon, "undisturbed", t, undisturbed[t], SIZE);
    }
    ck_assert_ptr_null(strstr(undisturbed[0], "null],[null")); /* begun from the validation */
    for (int t = 0; t < STEPS; t++) {
        activate(&daemon, t < SWITCH ? 2 : 3);
        if (t == 1 || t == 2 || t == 20 || t == 70 || t == SWITCH) {
            daemon_kill(&daemon);
            daemon_start_again(&daemon, NULL);
        }
        tell(&daemon, "killed", t, told_then, SIZE);
        ck_assert_msg(strcmp(told_then, undisturbed[t]) == 0, "step %d: %s is not %s", t, told_then,
                      undisturbed[t]);
    }
    daemon_stop(&daemon);
}
