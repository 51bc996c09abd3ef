/* What a live daemon counts, and that /metrics says so. tests/checks/metrics.sh has Prometheus' own
 * opinion of the text. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MODEL "/v1/models/timed"
#define STEP  MODEL "/sessions/pump-7/step"
#define JOBS  "/v1/fine_tuning/jobs"

/* Its own network is large enough that 10000 rows are more than a slice. */
static struct daemon start_slow(void)
{
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(&daemon, "timed",
                     (const char *const[]){ "--inputs", "temp,humidity", "--outputs",
                                            "temp,humidity", "--layers", "100", NULL });
    return daemon;
}

static struct daemon start(const char *const *options)
{
    static const char *const made[] = { "--inputs",           "temp,humidity", "--outputs",
                                        "temp,humidity",      "--layers",      "4",
                                        "--interval-seconds", "600",           NULL };
    struct daemon daemon = daemon_start(options);
    daemon_add_model(&daemon, "timed", made);
    return daemon;
}

/* The sample of that name and those labels; NAN: there is none. */
static double metric(const struct daemon *daemon, const char *sample)
{
    struct answer metrics = request(daemon, "GET", "/metrics", NULL);
    ck_assert_int_eq(metrics.code, 200);
    char line[160];
    const int n = snprintf(line, sizeof line, "\n%s ", sample);
    const char *at = strstr(metrics.body, line);
    const double value = at ? strtod(at + n, NULL) : NAN;
    answer_free(&metrics);
    return value;
}

/* What is counted after its answer was sent may take a moment. */
static void expect_metric(const struct daemon *daemon, const char *sample, double expected)
{
    const time_t end = time(NULL) + 60;
    double value = metric(daemon, sample);
    while (value != expected && time(NULL) < end) {
        value = metric(daemon, sample);
    }
    ck_assert_msg(value == expected, "%s %.9g, not %.9g", sample, value, expected);
}

/* ---- readings and sessions ---- */

TEST(late_readings_count_by_what_became_of_them)
{
    struct daemon daemon =
        start((const char *const[]){ "--amend", "yes", "--session-history", "8", NULL });
    for (int k = 0; k < 12; k++) {
        char body[96];
        snprintf(body, sizeof body, "{\"x\":[1,2],\"at\":%d}", 1763668800 + 600 * k);
        expect(&daemon, "POST", STEP, body, 200, NULL);
    }
    expect(&daemon, "POST", STEP, "{\"x\":[3,4],\"at\":1763674800}", 409, "late_reading");
    expect(&daemon, "POST", STEP, "{\"x\":[3,4],\"at\":1763674800,\"late\":\"amend\"}", 200,
           "\"amended\"");
    expect(&daemon, "POST", STEP, "{\"x\":[5,4],\"at\":1763674800,\"late\":\"amend\"}", 200,
           "\"amended\"");
    expect(&daemon, "POST", STEP, "{\"x\":[3,4],\"at\":1763668800,\"late\":\"amend\"}", 409,
           "too_late");
    expect_metric(&daemon, "grud_late_readings_total{outcome=\"refused\"}", 1);
    expect_metric(&daemon, "grud_late_readings_total{outcome=\"amended\"}", 2);
    expect_metric(&daemon, "grud_late_readings_total{outcome=\"too_old\"}", 1);
    daemon_stop(&daemon);
}

TEST(what_is_missing_is_filled_or_begins_a_session_anew)
{
    struct daemon daemon = start(NULL);
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":1763668800}", 200, NULL);
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":1763671200}", 200, "\"filled\":3");
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":1763671200}", 200, "\"filled\":3");
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":1863671200}", 200, "\"restarted\":true");
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":1863671200}", 200, "\"restarted\":true");
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"seq\":9,\"fill\":true}", 200, "\"step\":9");
    expect_metric(&daemon, "grud_filled_readings_total", 5);
    expect_metric(&daemon, "grud_sessions_restarted_total", 1);
    expect_metric(&daemon, "grud_repeated_readings_total", 2);
    daemon_stop(&daemon);
}

TEST(sessions_count_from_birth_to_end)
{
    struct daemon daemon =
        start((const char *const[]){ "--session-max", "2", "--session-full", "evict", NULL });
    expect(&daemon, "POST", MODEL "/sessions/a/step", "{\"x\":[1,2]}", 200, NULL);
    expect(&daemon, "POST", MODEL "/sessions/b/step", "{\"x\":[1,2]}", 200, NULL);
    expect(&daemon, "DELETE", MODEL "/sessions/b", NULL, 204, NULL);
    expect(&daemon, "DELETE", MODEL "/sessions/b", NULL, 404, NULL);
    expect(&daemon, "POST", MODEL "/sessions/c/step", "{\"x\":[1,2]}", 200, NULL);
    expect(&daemon, "POST", MODEL "/sessions/d/step", "{\"x\":[1,2]}", 200, NULL);
    expect_metric(&daemon, "grud_sessions{model=\"timed\"}", 2);
    expect_metric(&daemon, "grud_sessions_created_total", 4);
    expect_metric(&daemon, "grud_sessions_deleted_total", 1);
    expect_metric(&daemon, "grud_sessions_evicted_total", 1);
    daemon_stop(&daemon);
}

/* ---- durations ---- */

TEST(each_step_and_each_prediction_has_a_duration_and_a_wait)
{
    struct daemon daemon = start_slow();
    for (int k = 0; k < 3; k++) {
        expect(&daemon, "POST", STEP, "{\"x\":[1,2]}", 200, NULL);
    }
    expect(&daemon, "POST", MODEL "/steps",
           "{\"steps\":[{\"session\":\"a\",\"x\":[1,2]},{\"session\":\"b\",\"x\":[1,2]}]}", 200,
           NULL);
    expect(&daemon, "POST", MODEL "/predict", "{\"x\":[[1,2],[3,4]]}", 200, NULL);
    expect(&daemon, "POST", MODEL "/sessions/pump-7/forecast", "{\"horizon\":4}", 200, NULL);
    expect(&daemon, "POST", MODEL "/predict", "{\"x\":[[1,2],[3,4]],\"horizon\":10000}", 200, NULL);
    expect(&daemon, "GET", MODEL "/sessions", NULL, 200, NULL);
    expect(&daemon, "GET", JOBS, NULL, 200, NULL);
    expect_metric(&daemon, "grud_step_duration_seconds_count", 5);
    expect_metric(&daemon, "grud_step_duration_seconds_bucket{le=\"+Inf\"}", 5);
    expect_metric(&daemon, "grud_queue_duration_seconds_count{queue=\"steps\"}", 4);
    expect_metric(&daemon, "grud_predict_duration_seconds_count", 3);
    expect_metric(&daemon, "grud_queue_duration_seconds_count{queue=\"predictions\"}", 1);
    expect_metric(&daemon, "grud_queue_duration_seconds_count{queue=\"lists\"}", 1);
    expect_metric(&daemon, "grud_queue_duration_seconds_count{queue=\"jobs\"}", 1);
    ck_assert_double_gt(metric(&daemon, "grud_step_duration_seconds_sum"), 0);
    const double took = metric(&daemon, "grud_predict_duration_seconds_sum");
    ck_assert(took > 0 && took < 60);
    const double waited = metric(&daemon, "grud_queue_duration_seconds_sum{queue=\"steps\"}");
    ck_assert(waited >= 0 && waited < 60);
    daemon_stop(&daemon);
}

/* Also of a step whose forecast is done in slices, over turns. */
TEST(a_step_that_takes_many_turns_counts_once)
{
    struct daemon daemon = start_slow();
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"horizon\":10000}", 200, NULL);
    expect_metric(&daemon, "grud_step_duration_seconds_count", 1);
    expect_metric(&daemon, "grud_queue_duration_seconds_count{queue=\"steps\"}", 1);
    expect_metric(&daemon, "grud_queue_duration_seconds_count{queue=\"predictions\"}", 1);
    expect_metric(&daemon, "grud_predict_duration_seconds_count", 0);
    daemon_stop(&daemon);
}

/* ---- jobs ---- */

TEST(jobs_count_by_how_they_end_and_by_their_time)
{
    struct daemon daemon = start(NULL);
    char body[4096], path[160];
    size_t n = (size_t)snprintf(body, sizeof body,
                                "{\"model\":\"timed\",\"hyperparameters\":{\"n_epochs\":2,"
                                "\"window\":16},\"training\":{\"series\":[{\"x\":[");
    for (int t = 0; t < 100; t++) {
        n += (size_t)snprintf(body + n, sizeof body - n, "%s[%.3f,%.3f]", t > 0 ? "," : "",
                              sin(0.4 * t), cos(0.4 * t));
    }
    snprintf(body + n, sizeof body - n, "]}]}}");
    expect(&daemon, "POST", JOBS, body, 202, NULL);
    expect_metric(&daemon, "grud_jobs_ended_total{status=\"succeeded\"}", 1);
    expect_metric(&daemon, "grud_jobs{status=\"succeeded\"}", 1);
    ck_assert_double_gt(metric(&daemon, "grud_training_seconds_total"), 0);
    struct answer job = request(&daemon, "POST", JOBS,
                                "{\"model\":\"timed\",\"training\":{\"series\":[{\"x\":[[1,2],[2,3]"
                                ",[3,4]]}]},\"hyperparameters\":{\"n_epochs\":1000000,"
                                "\"early_stopping_patience\":null}}");
    ck_assert_msg(job.code == 202, "%s", job.body);
    const char *id = strstr(job.body, "ftjob-");
    snprintf(path, sizeof path, JOBS "/%.*s/cancel", (int)strcspn(id, "\""), id);
    answer_free(&job);
    expect(&daemon, "POST", path, "{}", 200, NULL);
    expect_metric(&daemon, "grud_jobs_ended_total{status=\"cancelled\"}", 1);
    expect_metric(&daemon, "grud_jobs_ended_total{status=\"failed\"}", 0);
    daemon_stop(&daemon);
}

/* ---- the process ---- */

TEST(the_process_says_what_it_takes)
{
    struct daemon daemon = start(NULL);
    const double started_at = metric(&daemon, "process_start_time_seconds");
    ck_assert_double_eq_tol(started_at, (double)time(NULL), 120);
    const double n_fds = metric(&daemon, "process_open_fds");
    int fd = client_connect(&daemon);
    expect_metric(&daemon, "process_open_fds", n_fds + 1);
    close(fd);
    expect_metric(&daemon, "process_open_fds", n_fds);
    ck_assert_double_gt(metric(&daemon, "process_max_fds"), n_fds);
    ck_assert_double_gt(metric(&daemon, "process_cpu_seconds_total"), 0);
    ck_assert_double_gt(metric(&daemon, "process_threads"), 1);
    const double resident = metric(&daemon, "process_resident_memory_bytes");
    ck_assert_double_gt(resident, 1e6);
    ck_assert_double_gt(metric(&daemon, "process_virtual_memory_bytes"), resident);
    ck_assert_double_eq(metric(&daemon, "process_start_time_seconds"), started_at);
    daemon_stop(&daemon);
}
