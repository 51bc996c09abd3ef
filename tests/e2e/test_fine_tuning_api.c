/* Fine-tuning jobs over HTTP: posted, followed, steered, and what becomes of the model. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define JOBS      "/v1/fine_tuning/jobs"
#define PUMP      "/v1/models/pump"
#define STREAM    "Accept: text/event-stream\r\n"
#define SHORT     "\"n_epochs\":3,\"window\":16,\"batch_size\":4"
#define ENDLESS   "\"n_epochs\":1000000,\"early_stopping_patience\":null,\"learning_rate\":1e-6"
#define NO_REASON "\"promotion\":{\"policy\":\"manual\"}"

enum { ID_SIZE = 64, SERIES_BYTES = 64 << 10, OVER_SECONDS = 300 };

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void nap_ms(long ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

/* temp follows a sine, load another: there is something to learn. */
static size_t print_series(char *out, size_t size, int n_rows, double phase)
{
    size_t n = (size_t)snprintf(out, size, "{\"x\":[");
    for (int t = 0; t < n_rows; t++) {
        n += (size_t)snprintf(out + n, size - n, "%s[%.4f,%.4f]", t > 0 ? "," : "",
                              sin(0.4 * t + phase), cos(0.4 * t + phase));
    }
    return n + (size_t)snprintf(out + n, size - n, "]}");
}

static struct daemon start(const char *const *options)
{
    struct daemon daemon = daemon_start(options);
    daemon_add_model(&daemon, "pump",
                     (const char *const[]){ "--inputs", "temp,load", "--outputs", "temp,load",
                                            "--layers", "8", NULL });
    return daemon;
}

static void text_in(const char *json, const char *name, char *out, size_t size)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(json, key);
    ck_assert_msg(at != NULL, "no %s in %.600s", name, json);
    at += strlen(key);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

/* Posts a job on four series; `rest` are its further members, each with a comma before it. */
static void post(const struct daemon *daemon, const char *hyperparameters, const char *rest,
                 char id[ID_SIZE])
{
    char *body = malloc(SERIES_BYTES);
    size_t n = (size_t)snprintf(
        body, SERIES_BYTES,
        "{\"model\":\"pump\",\"hyperparameters\":{%s}%s,\"training\":{\"series\":[",
        hyperparameters, rest);
    for (int k = 0; k < 4; k++) {
        n += print_series(body + n, SERIES_BYTES - n, 80, k);
        n += (size_t)snprintf(body + n, SERIES_BYTES - n, "%s", k < 3 ? "," : "]}}");
    }
    struct answer answer = request(daemon, "POST", JOBS, body);
    ck_assert_msg(answer.code == 202, "%d: %s", answer.code, answer.body);
    text_in(answer.body, "id", id, ID_SIZE);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"object\":\"fine_tuning.job\",\"model\":\"pump\","
                                              "\"base_version\":1,\"fine_tuned_version\":null"));
    answer_free(&answer);
    free(body);
}

static struct answer get_job(const struct daemon *daemon, const char *id, const char *rest)
{
    char path[320];
    snprintf(path, sizeof path, JOBS "/%s%s", id, rest);
    return request(daemon, "GET", path, NULL);
}

/* The job once its status is one of these words (a list like "paused cancelled"). */
static struct answer wait_for(const struct daemon *daemon, const char *id, const char *words)
{
    double end = seconds_now() + OVER_SECONDS;
    for (;;) {
        char status[32];
        struct answer job = get_job(daemon, id, "");
        ck_assert_int_eq(job.code, 200);
        text_in(job.body, "status", status, sizeof status);
        if (strstr(words, status)) {
            return job;
        }
        ck_assert_msg(seconds_now() < end, "not %s: %s", words, job.body);
        answer_free(&job);
        nap_ms(20);
    }
}

static void steer(const struct daemon *daemon, const char *id, const char *verb, int code,
                  const char *text)
{
    char path[320];
    snprintf(path, sizeof path, JOBS "/%s/%s", id, verb);
    expect(daemon, "POST", path, "{}", code, text);
}

static void expect_in(const struct answer *answer, const char *text)
{
    ck_assert_msg(answer->body && strstr(answer->body, text), "no %s in %.3000s", text,
                  answer->body);
}

/* ---- a job's life ---- */

TEST(a_job_makes_a_version_that_names_it)
{
    char id[ID_SIZE], text[128];
    struct daemon daemon = start(NULL);
    post(&daemon, SHORT, ",\"suffix\":\"first\",\"metadata\":{\"a\":1},\"seed\":7," NO_REASON, id);
    struct answer job = wait_for(&daemon, id, "succeeded failed cancelled");
    static const char *const expected[] = {
        "\"status\":\"succeeded\"", "\"fine_tuned_version\":2", "\"epoch\":3,\"n_epochs\":3",
        "\"suffix\":\"first\"",     "\"metadata\":{\"a\":1}",   "\"seed\":7",
        "\"policy\":\"manual\"",    "\"error\":null",           "\"durable\":true",
    };
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        expect_in(&job, expected[k]);
    }
    ck_assert(number_in(job.body, "valid_loss") >= 0 &&
              number_in(job.body, "baseline_valid_loss") > 0);
    ck_assert(number_in(job.body, "finished_at") >= number_in(job.body, "started_at"));
    answer_free(&job);

    struct answer model = request(&daemon, "GET", PUMP, NULL);
    snprintf(text, sizeof text, "\"parent\":1,\"job\":\"%s\"", id);
    expect_in(&model, text);
    expect_in(&model, "\"active_version\":1");
    expect_in(&model, "\"metrics\":{\"train_loss\":");
    answer_free(&model);
    struct answer file = request(&daemon, "GET", PUMP "/versions/2/file", NULL);
    ck_assert(file.code == 200 && file.n_body > 1000 &&
              memmem(file.body, file.n_body, "weight_ih_l0", 12));
    struct answer copy = request_typed(&daemon, "PUT", "/v1/models/copy",
                                       "application/octet-stream", file.body, file.n_body);
    ck_assert_int_eq(copy.code, 201);
    answer_free(&copy);
    answer_free(&file);
    expect(&daemon, "POST", PUMP "/versions/2/activate", "{}", 200, "\"active_version\":2");
    expect(&daemon, "GET", "/metrics", NULL, 200, "grud_jobs{status=\"succeeded\"} 1\n");
    expect(&daemon, "GET", "/metrics", NULL, 200, "grud_training_steps_total ");
    daemon_stop(&daemon);
}

TEST(the_better_version_is_promoted_and_the_other_is_not)
{
    char id[ID_SIZE];
    struct daemon daemon = start(NULL);
    post(&daemon, "\"n_epochs\":60,\"window\":16,\"batch_size\":4,\"learning_rate\":0.01",
         ",\"promotion\":{\"policy\":\"auto\",\"min_relative_gain\":0.1}", id);
    struct answer job = wait_for(&daemon, id, "succeeded failed cancelled");
    expect_in(&job, "\"state\":\"promoted\"");
    answer_free(&job);
    expect(&daemon, "GET", PUMP, NULL, 200, "\"active_version\":2");
    post(&daemon, SHORT,
         ",\"version\":1,\"promotion\":{\"policy\":\"auto\",\"min_relative_gain\":0.999}", id);
    job = wait_for(&daemon, id, "succeeded failed cancelled");
    expect_in(&job, "\"state\":\"rejected\"");
    ck_assert_ptr_null(strstr(job.body, "\"reason\":null"));
    answer_free(&job);
    expect(&daemon, "GET", PUMP, NULL, 200, "\"active_version\":2");
    daemon_stop(&daemon);
}

/* How it is trained: posted, run, and told back. */
TEST(a_job_is_trained_as_it_asks_for)
{
    static const struct {
        const char *hyperparameters, *told;
    } rows[] = {
        { "\"horizon_loss\":6", "\"horizon_loss\":6," },
        { "\"output_weights\":[1,0]", "\"output_weights\":[1,0]}" },
        { "\"sampling\":{\"length\":20,\"burn_in\":4,\"per_epoch\":12}",
          "\"sampling\":{\"length\":20,\"burn_in\":4,\"per_epoch\":12}," },
        { "\"schedule\":{\"type\":\"plateau\",\"factor\":0.5,\"patience\":1}",
          "\"schedule\":{\"type\":\"plateau\",\"warmup_steps\":0,\"step_epochs\":10,\"factor\":0.5,"
          "\"patience\":1}," },
        { "\"early_stopping_patience\":null,\"horizon_loss\":3,\"sampling\":{\"length\":16}",
          "\"sampling\":{\"length\":16,\"burn_in\":0,\"per_epoch\":null}," },
    };
    struct daemon daemon = start(NULL);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        char id[ID_SIZE], hyperparameters[256];
        snprintf(hyperparameters, sizeof hyperparameters, SHORT ",%s", rows[k].hyperparameters);
        post(&daemon, hyperparameters, "," NO_REASON, id);
        struct answer job = wait_for(&daemon, id, "succeeded failed cancelled");
        expect_in(&job, "\"status\":\"succeeded\"");
        expect_in(&job, rows[k].told);
        ck_assert(number_in(job.body, "valid_loss") > 0 &&
                  number_in(job.body, "persistence_valid_loss") > 0);
        answer_free(&job);
    }
    daemon_stop(&daemon);
}

TEST(a_job_rests_goes_on_and_ends_as_told)
{
    char id[ID_SIZE];
    struct daemon daemon = start(NULL);
    post(&daemon, ENDLESS, "", id);
    struct answer job = wait_for(&daemon, id, "running");
    answer_free(&job);
    steer(&daemon, id, "resume", 409, "job_status_conflict");
    steer(&daemon, id, "pause", 200, id);
    job = wait_for(&daemon, id, "paused");
    answer_free(&job);
    steer(&daemon, id, "resume", 200, id);
    job = wait_for(&daemon, id, "running");
    answer_free(&job);
    steer(&daemon, id, "cancel", 200, id);
    job = wait_for(&daemon, id, "cancelled");
    expect_in(&job, "\"fine_tuned_version\":null");
    answer_free(&job);
    steer(&daemon, id, "cancel", 409, "job_status_conflict");
    steer(&daemon, id, "pause", 409, "job_status_conflict");
    steer(&daemon, "ftjob-none", "cancel", 404, "job_not_found");
    expect(&daemon, "GET", PUMP, NULL, 200, "\"active_version\":1");
    daemon_stop(&daemon);
}

TEST(jobs_outlive_the_process_and_go_on)
{
    char done[ID_SIZE], running[ID_SIZE];
    struct daemon daemon = start(NULL);
    post(&daemon, SHORT, "," NO_REASON, done);
    struct answer job = wait_for(&daemon, done, "succeeded failed");
    answer_free(&job);
    post(&daemon, ENDLESS, "", running);
    job = wait_for(&daemon, running, "running");
    answer_free(&job);
    daemon_kill(&daemon);
    daemon_start_again(&daemon, NULL);
    job = wait_for(&daemon, running, "running");
    answer_free(&job);
    job = get_job(&daemon, done, "");
    expect_in(&job, "\"status\":\"succeeded\"");
    answer_free(&job);
    expect(&daemon, "GET", PUMP, NULL, 200, done);
    expect(&daemon, "GET", JOBS "?status=running", NULL, 200, running);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_start_again(&daemon, NULL);
    job = wait_for(&daemon, running, "running");
    answer_free(&job);
    steer(&daemon, running, "cancel", 200, running);
    daemon_stop(&daemon);
}

TEST(what_sessions_recorded_is_learnt_from)
{
    static const char *const options[] = { "--record", "1000", NULL };
    char id[ID_SIZE];
    char *body = malloc(SERIES_BYTES);
    struct daemon daemon = start(options);
    size_t n = 0;
    for (int t = 0; t < 240; t++) {
        n += (size_t)snprintf(body + n, SERIES_BYTES - n,
                              "{\"session\":\"rec-%d\",\"x\":[%.4f,%.4f]}\n", t % 2, sin(0.2 * t),
                              cos(0.2 * t));
    }
    struct answer steps =
        request_typed(&daemon, "POST", PUMP "/steps", "application/x-ndjson", body, n);
    ck_assert_int_eq(steps.code, 200);
    answer_free(&steps);
    struct answer job = request(&daemon, "POST", JOBS,
                                "{\"model\":\"pump\",\"hyperparameters\":{" SHORT
                                "},\"training\":{\"sessions_prefix\":\"rec-\"}}");
    ck_assert_msg(job.code == 202, "%s", job.body);
    text_in(job.body, "id", id, sizeof id);
    answer_free(&job);
    job = wait_for(&daemon, id, "succeeded failed cancelled");
    expect_in(&job, "\"status\":\"succeeded\"");
    answer_free(&job);
    expect(&daemon, "GET", "/metrics", NULL, 200, "grud_recorded_readings_total 240\n");
    free(body);
    daemon_stop(&daemon);
}

/* ---- lists ---- */

TEST(jobs_are_listed_newest_first_by_pages)
{
    char ids[3][ID_SIZE], path[192];
    struct daemon daemon = start(NULL);
    for (int k = 0; k < 3; k++) {
        post(&daemon, SHORT, "," NO_REASON, ids[k]);
    }
    for (int k = 0; k < 3; k++) {
        struct answer job = wait_for(&daemon, ids[k], "succeeded");
        answer_free(&job);
    }
    snprintf(path, sizeof path, JOBS "?limit=2");
    struct answer page = request(&daemon, "GET", path, NULL);
    expect_in(&page, "{\"object\":\"list\",\"data\":[{\"id\":\"");
    const char *newest = strstr(page.body, ids[2]), *next = strstr(page.body, ids[1]);
    ck_assert(newest && next && newest < next && !strstr(page.body, ids[0]));
    expect_in(&page, "\"has_more\":true}");
    answer_free(&page);
    snprintf(path, sizeof path, JOBS "?limit=2&after=%s", ids[1]);
    expect(&daemon, "GET", path, NULL, 200, ids[0]);
    expect(&daemon, "GET", path, NULL, 200, "\"has_more\":false}");
    expect(&daemon, "GET", JOBS "?model=pump&status=succeeded", NULL, 200, ids[0]);
    expect(&daemon, "GET", JOBS "?model=torch-small", NULL, 200, "\"data\":[],\"has_more\":false");
    expect(&daemon, "GET", JOBS "?status=queued", NULL, 200, "\"data\":[],\"has_more\":false");
    expect(&daemon, "GET", JOBS "?status=done", NULL, 400, "\"param\":\"status\"");
    expect(&daemon, "GET", JOBS "?limit=0", NULL, 400, "\"param\":\"limit\"");
    expect(&daemon, "GET", JOBS "?limit=101", NULL, 400, "\"param\":\"limit\"");
    expect(&daemon, "GET", JOBS "?model=a%2Fb", NULL, 400, "\"param\":\"model\"");
    expect(&daemon, "GET", JOBS "?after=ftjob-none", NULL, 404, "job_not_found");
    expect(&daemon, "GET", JOBS "?colour=red", NULL, 400, "colour");
    expect(&daemon, "GET", JOBS "/ftjob-none", NULL, 404, "job_not_found");
    expect(&daemon, "GET", JOBS "/%ff", NULL, 404, "job_not_found");
    expect(&daemon, "GET", JOBS "/ftjob-none/events", NULL, 404, "job_not_found");
    expect(&daemon, "GET", JOBS "/ftjob-none/checkpoints", NULL, 404, "job_not_found");
    expect(&daemon, "DELETE", JOBS, NULL, 405, "GET, HEAD, POST");
    daemon_stop(&daemon);
}

TEST(events_and_checkpoints_are_read_by_pages)
{
    char id[ID_SIZE], event[64], rest[160];
    struct daemon daemon = start(NULL);
    post(&daemon, SHORT, "," NO_REASON, id);
    struct answer job = wait_for(&daemon, id, "succeeded");
    answer_free(&job);
    struct answer page = get_job(&daemon, id, "/events?limit=1");
    expect_in(&page, "{\"object\":\"list\",\"data\":[{\"id\":\"ftevent-");
    expect_in(&page, "\"object\":\"fine_tuning.job.event\",\"created_at\":");
    expect_in(&page, "}],\"has_more\":true}");
    text_in(page.body, "id", event, sizeof event);
    answer_free(&page);
    snprintf(rest, sizeof rest, "/events?limit=100&after=%s", event);
    page = get_job(&daemon, id, rest);
    ck_assert(strstr(page.body, "\"type\":\"metrics\"") && strstr(page.body, "\"grad_norm\":"));
    snprintf(rest, sizeof rest, "\"%s\"", event);
    ck_assert_ptr_null(strstr(page.body, rest));
    answer_free(&page);
    page = get_job(&daemon, id, "/checkpoints");
    ck_assert_int_eq(page.code, 200);
    expect_in(&page, "{\"object\":\"list\",\"data\":[");
    answer_free(&page);
    page = get_job(&daemon, id, "/events?after=7");
    ck_assert_int_eq(page.code, 400);
    expect_in(&page, "\"param\":\"after\"");
    answer_free(&page);
    daemon_stop(&daemon);
}

/* ---- refusals ---- */

TEST(a_job_that_cannot_be_is_refused_by_its_field)
{
    static const struct {
        const char *body;
        int code;
        const char *text;
    } refusals[] = {
        { "", 400, "invalid_json" },
        { "{\"training\":{}}", 400, "\"param\":\"model\"" },
        { "{\"model\":\"none\",\"training\":{}}", 404, "model_not_found" },
        { "{\"model\":\"pump\",\"version\":9,\"training\":{}}", 404, "version_not_found" },
        { "{\"model\":\"pump\",\"training\":{\"series\":[{\"x\":[[1,2],[1]]}]}}", 400,
          "\"param\":\"training.series[0].x[1]\"" },
        { "{\"model\":\"pump\",\"hyperparameters\":{\"batch_size\":0},"
          "\"training\":{\"series\":[{\"x\":[[1,2],[1,2]]}]}}",
          400, "\"param\":\"hyperparameters.batch_size\"" },
        { "{\"model\":\"pump\",\"hyperparameters\":{\"optimizer\":\"adam\",\"momentum\":0.5},"
          "\"training\":{\"series\":[{\"x\":[[1,2],[1,2]]}]}}",
          400, "\"param\":\"hyperparameters.momentum\"" },
        { "{\"model\":\"pump\",\"hyperparameters\":{\"horizon_loss\":1025},"
          "\"training\":{\"series\":[{\"x\":[[1,2],[1,2]]}]}}",
          400, "\"param\":\"hyperparameters.horizon_loss\"" },
        { "{\"model\":\"pump\",\"hyperparameters\":{\"output_weights\":[1]},"
          "\"training\":{\"series\":[{\"x\":[[1,2],[1,2]]}]}}",
          400, "\"param\":\"hyperparameters.output_weights\"" },
        { "{\"model\":\"pump\",\"hyperparameters\":{\"sampling\":{\"length\":9}},"
          "\"training\":{\"series\":[{\"x\":[[1,2],[1,2],[1,2]]}]}}",
          400, "\"param\":\"hyperparameters.sampling.length\"" },
        { "{\"model\":\"pump\",\"hyperparameters\":{\"sampling\":{\"length\":2,\"burn_in\":2}},"
          "\"training\":{\"series\":[{\"x\":[[1,2],[1,2],[1,2]]}]}}",
          400, "\"param\":\"hyperparameters.sampling.burn_in\"" },
        { "{\"model\":\"pump\",\"hyperparameters\":{\"schedule\":{\"patience\":2}},"
          "\"training\":{\"series\":[{\"x\":[[1,2],[1,2]]}]}}",
          400, "\"param\":\"hyperparameters.schedule.patience\"" },
        { "{\"model\":\"pump\",\"training\":{\"series\":[{\"x\":[[1,2]]}]}}", 400,
          "invalid_training" },
        { "{\"model\":\"pump\",\"training\":{\"sessions\":[\"a\"]}}", 501, "recording_off" },
    };
    struct daemon daemon = start(NULL);
    for (size_t k = 0; k < sizeof refusals / sizeof *refusals; k++) {
        expect(&daemon, "POST", JOBS, refusals[k].body, refusals[k].code, refusals[k].text);
    }
    expect(&daemon, "GET", JOBS, NULL, 200, "\"data\":[]");
    daemon_stop(&daemon);
}

TEST(a_full_queue_says_when_to_come_back)
{
    static const char *const options[] = { "--job-max", "1", NULL };
    char id[ID_SIZE], series[8192], body[8300];
    struct daemon daemon = start(options);
    post(&daemon, ENDLESS, "", id);
    struct answer job = wait_for(&daemon, id, "running");
    answer_free(&job);
    print_series(series, sizeof series, 80, 0);
    snprintf(body, sizeof body, "{\"model\":\"pump\",\"training\":{\"series\":[%s]}}", series);
    struct answer refused = { .code = 0 };
    for (int k = 0; k < 4 && refused.code != 429; k++) {
        answer_free(&refused);
        refused = request(&daemon, "POST", JOBS, body);
    }
    ck_assert_int_eq(refused.code, 429);
    expect_in(&refused, "queue_full");
    ck_assert_ptr_nonnull(strcasestr(refused.headers, "\r\nRetry-After: "));
    answer_free(&refused);
    steer(&daemon, id, "cancel", 200, NULL);
    daemon_stop(&daemon);
}

/* ---- in lines ---- */

static struct answer upload(const struct daemon *daemon, const char *body, size_t n)
{
    return request_typed(daemon, "POST", JOBS, "application/x-ndjson", body, n);
}

TEST(an_upload_in_lines_may_be_larger_than_a_body)
{
    static const char *const options[] = { "--body-max", "65536", "--training-max", "400000",
                                           NULL };
    enum { SIZE = 500000 };
    char *body = malloc(SIZE);
    struct daemon daemon = start(options);
    size_t n = (size_t)snprintf(body, SIZE, "{\"model\":\"pump\",\"dry_run\":true}\r\n\n");
    int n_series = 0;
    for (; n < 300000; n_series++) {
        n += print_series(body + n, SIZE - n, 200, n_series);
        body[n++] = '\n';
    }
    struct answer answer = upload(&daemon, body, n);
    ck_assert_msg(answer.code == 202, "%d: %s", answer.code, answer.body);
    answer_free(&answer);

    size_t n_bad = n + (size_t)snprintf(body + n, SIZE - n, "{\"x\":[[1,2],[3]]}\n");
    char param[64], message[64];
    answer = upload(&daemon, body, n_bad);
    snprintf(param, sizeof param, "\"param\":\"training.series[%d].x[1]\"", n_series);
    snprintf(message, sizeof message, "\"message\":\"line %d: x[1] has 1 value", n_series + 3);
    ck_assert_int_eq(answer.code, 400);
    expect_in(&answer, param);
    expect_in(&answer, message);
    answer_free(&answer);

    memset(body + n, ' ', 66000);
    answer = upload(&daemon, body, n + 66000);
    ck_assert_int_eq(answer.code, 413);
    expect_in(&answer, "a line has at most 65536 bytes");
    answer_free(&answer);
    memset(body + n, '\n', SIZE - n);
    answer = upload(&daemon, body, SIZE);
    ck_assert_int_eq(answer.code, 413);
    expect_in(&answer, "a body has at most 400000 bytes");
    answer_free(&answer);
    answer = request_typed(&daemon, "POST", JOBS, NULL, body, 70000);
    ck_assert_int_eq(answer.code, 413);
    answer_free(&answer);
    free(body);
    daemon_stop(&daemon);
}

/* They are read on a thread of their own, between two pieces of the body. */
TEST(long_lines_of_an_upload_are_read_in_order)
{
    enum { SIZE = 8 << 20, ROWS = 60000, LONG_LINES = 3 };
    char *body = malloc(SIZE), param[64];
    struct daemon daemon = start(NULL);
    size_t n = (size_t)snprintf(body, SIZE, "{\"model\":\"pump\",\"dry_run\":true}\n");
    for (int k = 0; k < LONG_LINES; k++) {
        size_t n_before = n;
        n += print_series(body + n, SIZE - n, ROWS, k);
        body[n++] = '\n';
        ck_assert_uint_gt(n - n_before, 512 << 10);
        n += print_series(body + n, SIZE - n, 100, k);
        body[n++] = '\n';
    }
    struct answer answer = upload(&daemon, body, n);
    ck_assert_msg(answer.code == 202, "%d: %s", answer.code, answer.body);
    answer_free(&answer);
    size_t n_bad = n + (size_t)snprintf(body + n, SIZE - n, "{\"x\":[[1,2],[3]]}\n");
    answer = upload(&daemon, body, n_bad);
    snprintf(param, sizeof param, "\"param\":\"training.series[%d].x[1]\"", 2 * LONG_LINES);
    ck_assert_int_eq(answer.code, 400);
    expect_in(&answer, param);
    answer_free(&answer);
    char *middle = strchr(strchr(body, '\n') + 1, '\n') - 100; /* of the first long line's end */
    memcpy(middle, "null,", 5);
    answer = upload(&daemon, body, n);
    ck_assert_int_eq(answer.code, 400);
    expect_in(&answer, "line 2: ");
    answer_free(&answer);
    free(body);
    daemon_stop(&daemon);
}

TEST(the_first_line_of_an_upload_is_the_job)
{
    static const struct {
        const char *body;
        int code;
        const char *text;
    } refusals[] = {
        { "\n\n", 400, "invalid_json" },
        { "{\"model\":\"pump\"}\n", 400, "\"param\":\"training.series\"" },
        { "\n{\"model\":\"none\"}\n", 404, "line 2: " },
        { "{\"model\":\"pump\",\"training\":{}}\n{\"x\":[[1,2]]}", 400, "\"param\":\"training\"" },
        { "{\"x\":[[1,2]]}\n", 400, "\"param\":\"model\"" },
        { "{\"model\":\"pump\"}\n{\"x\":[[1,2]\n", 400, "line 2: " },
    };
    struct daemon daemon = start(NULL);
    for (size_t k = 0; k < sizeof refusals / sizeof *refusals; k++) {
        struct answer answer = upload(&daemon, refusals[k].body, strlen(refusals[k].body));
        ck_assert_msg(answer.code == refusals[k].code, "%s: %s", refusals[k].body, answer.body);
        expect_in(&answer, refusals[k].text);
        answer_free(&answer);
    }
    daemon_stop(&daemon);
}
