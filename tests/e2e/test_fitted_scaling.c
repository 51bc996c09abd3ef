/* A job that fits the scaling to its data, over HTTP: what is warned of without, and what the new
 * version has. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS "/v1/fine_tuning/jobs"

enum { ID_SIZE = 64, BODY_BYTES = 32 << 10, N_ROWS = 120 };

/* Far from a scaling of 0 and 1, and changing slowly. */
static double reading(int t)
{
    return 300 + 20 * sin(0.1 * t);
}

static void post(const struct daemon *daemon, const char *hyperparameters, char id[ID_SIZE])
{
    char *body = malloc(BODY_BYTES);
    size_t n = (size_t)snprintf(body, BODY_BYTES,
                                "{\"model\":\"heat\",\"hyperparameters\":{\"n_epochs\":40,"
                                "\"learning_rate\":0.02%s},\"promotion\":{\"policy\":\"manual\"},"
                                "\"training\":{\"series\":[{\"x\":[",
                                hyperparameters);
    for (int t = 0; t < N_ROWS; t++) {
        n += (size_t)snprintf(body + n, BODY_BYTES - n, "%s[%.4f]", t > 0 ? "," : "", reading(t));
    }
    snprintf(body + n, BODY_BYTES - n, "]}]}}");
    struct answer answer = request(daemon, "POST", JOBS, body);
    ck_assert_msg(answer.code == 202, "%d: %s", answer.code, answer.body);
    const char *at = strstr(answer.body, "\"id\":\"");
    snprintf(id, ID_SIZE, "%.*s", (int)strcspn(at + 6, "\""), at + 6);
    answer_free(&answer);
    free(body);
}

/* The job, once it is over. */
static struct answer wait_for(const struct daemon *daemon, const char *id)
{
    char path[320];
    snprintf(path, sizeof path, JOBS "/%s", id);
    for (int k = 0; k < 6000; k++) {
        struct answer job = request(daemon, "GET", path, NULL);
        if (strstr(job.body, "\"status\":\"succeeded\"")) {
            return job;
        }
        ck_assert_msg(!strstr(job.body, "\"status\":\"failed\""), "%s", job.body);
        answer_free(&job);
        usleep(10000);
    }
    ck_abort_msg("the job does not end");
}

static struct answer events_of(const struct daemon *daemon, const char *id)
{
    char path[320];
    snprintf(path, sizeof path, JOBS "/%s/events?limit=100", id);
    return request(daemon, "GET", path, NULL);
}

static struct daemon start(void)
{
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(&daemon, "heat",
                     (const char *const[]){ "--inputs", "heat", "--outputs", "heat", "--layers",
                                            "8", "--residual", NULL });
    return daemon;
}

TEST(a_job_says_that_a_scaling_is_far_off_and_how_to_fit_it)
{
    char id[ID_SIZE];
    struct daemon daemon = start();
    post(&daemon, "", id);
    struct answer job = wait_for(&daemon, id), events = events_of(&daemon, id);
    ck_assert(strstr(job.body, "\"scaling\":\"keep\"") != NULL);
    ck_assert_msg(strstr(events.body, "'heat' has mean 30") != NULL, "%s", events.body);
    ck_assert(strstr(events.body, "\\\"scaling\\\":\\\"fit\\\"") != NULL);
    answer_free(&events);
    answer_free(&job);
    daemon_stop(&daemon);
}

TEST(a_version_with_a_fitted_scaling_has_that_of_its_training_part)
{
    char id[ID_SIZE];
    struct daemon daemon = start();
    post(&daemon, ",\"scaling\":\"fit\"", id);
    struct answer job = wait_for(&daemon, id), events = events_of(&daemon, id);
    ck_assert_msg(!strstr(events.body, "far from the model's scaling"), "%s", events.body);
    ck_assert(strstr(job.body, "\"scaling\":\"fit\"") != NULL);
    /* In units of the changes, whose standard deviation is 1.4: the base is off by far, and
     * persistence by about one. */
    const double persistence = number_in(job.body, "persistence_valid_loss");
    ck_assert_double_eq_tol(persistence, 1, 0.5);
    ck_assert_double_lt(number_in(job.body, "valid_loss"), persistence);
    expect(&daemon, "POST", "/v1/models/heat/versions/2/activate", "{}", 200, "heat");
    struct answer model = request(&daemon, "GET", "/v1/models/heat", NULL);
    const char *inputs = strstr(model.body, "\"inputs\":"),
               *outputs = strstr(model.body, "\"outputs\":");
    ck_assert(inputs && outputs);
    ck_assert_double_eq_tol(number_in(inputs, "mean"), 300, 5);
    ck_assert_double_eq_tol(number_in(inputs, "std"), 14, 2);
    ck_assert_double_eq_tol(number_in(outputs, "std"), 2 / sqrt(2), 0.1);
    answer_free(&model);
    answer_free(&events);
    answer_free(&job);
    daemon_stop(&daemon);
}

TEST(a_scaling_that_is_none_is_refused_by_its_field)
{
    struct daemon daemon = start();
    expect(&daemon, "POST", JOBS,
           "{\"model\":\"heat\",\"hyperparameters\":{\"scaling\":\"standard\"},"
           "\"training\":{\"series\":[{\"x\":[[1],[2],[3]]}]}}",
           400, "\"param\":\"hyperparameters.scaling\"");
    daemon_stop(&daemon);
}

/* ---- targets ---- */

TEST(a_target_that_is_not_what_its_output_feeds_is_refused_by_its_path)
{
    struct daemon daemon = start();
    expect(&daemon, "POST", JOBS,
           "{\"model\":\"heat\",\"validation\":null,\"training\":{\"series\":[{\"x\":[[1],[2],[3]],"
           "\"y\":[[2],[3.5],[4]]}]}}",
           400, "\"param\":\"training.series[0].y[1][0]\"");
    expect(&daemon, "POST", JOBS,
           "{\"model\":\"heat\",\"validation\":null,\"training\":{\"series\":[{\"x\":[[1],[2],[3]],"
           "\"y\":[[2],[null],[44]]}]}}",
           202, "\"status\":");
    daemon_stop(&daemon);
}
