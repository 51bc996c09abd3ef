/* Every route of the contract, once as it should be used and once for each error that it names. */
#include "daemon.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SMALL "/v1/models/torch-small"

/* A request counts when its answer has been sent, which another worker may not see at once. */
static void expect_metric(const struct daemon *daemon, const char *text)
{
    const time_t end = time(NULL) + 60;
    bool found = false;
    while (!found && time(NULL) < end) {
        struct answer metrics = request(daemon, "GET", "/metrics", NULL);
        ck_assert_int_eq(metrics.code, 200);
        ck_assert_ptr_nonnull(strcasestr(metrics.headers, "Content-Type: text/plain"));
        found = strstr(metrics.body, text) != NULL;
        answer_free(&metrics);
    }
    ck_assert_msg(found, "no %s", text);
}

TEST(the_system_routes_answer)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "GET", "/healthz", NULL, 200, "{\"status\":\"ok\"}");
    expect(&daemon, "GET", "/readyz", NULL, 200, "\"status\":\"ok\"");
    expect(&daemon, "GET", "/v1", NULL, 200,
           "\"path\":\"/v1/models/{model}/sessions/{session}/step\"");
    expect(&daemon, "POST", SMALL "/sessions/a/step", "{\"x\":[1,2,3]}", 200, NULL);
    static const char *const expected[] = {
        "# TYPE grud_http_requests_total counter",
        "/sessions/{session}/step\",method=\"POST\",code=\"200\"} 1\n",
        "grud_http_request_duration_seconds_bucket{le=\"+Inf\"}",
        "grud_steps_total 1",
        "grud_sessions{model=\"torch-small\"} 1",
        "grud_build_info{version=",
    };
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        expect_metric(&daemon, expected[k]);
    }
    daemon_stop(&daemon);
}

TEST(a_model_is_described)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "GET", "/v1/models", NULL, 200, "\"name\":\"torch-wide\"");
    struct answer model = request(&daemon, "GET", "/v1/models/torch-stacked", NULL);
    static const char *const expected[] = {
        "{\"name\":\"torch-stacked\",\"active_version\":1,\"versions\":[{\"version\":1,",
        "\"created_at\":",
        "\"parent\":null,\"job\":null,\"digest\":\"xxh3:",
        "\"parameters\":10146",
        "\"inputs\":[{\"name\":\"x0\",\"unit\":",
        "\"outputs\":[{\"name\":\"y0\"",
        "\"feeds\":null",
        "\"layers\":[{\"cell\":\"gru\",\"reset\":\"after\",\"input_size\":5,\"hidden_size\":32},",
        "\"activation\":\"linear\"",
        "\"horizon_capable\":false",
        "\"sessions\":0",
    };
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        ck_assert_msg(strstr(model.body, expected[k]), "no %s in %.2000s", expected[k], model.body);
    }
    answer_free(&model);
    expect(&daemon, "GET", "/v1/models/none", NULL, 404,
           "{\"error\":{\"code\":\"model_not_found\"");
    daemon_stop(&daemon);
}

TEST(a_session_lives_through_all_its_verbs)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "GET", SMALL "/sessions/pump-7", NULL, 404, "session_not_found");
    expect(&daemon, "POST", SMALL "/sessions/pump-7/step", "{\"x\":[0.1,0.2,0.3],\"seq\":1}", 200,
           "{\"session\":\"pump-7\",\"step\":1,\"version\":1,\"y\":[");
    expect(&daemon, "POST", SMALL "/sessions/pump-7/step", "{\"x\":{\"x0\":0.1,\"x2\":0.3}}", 200,
           "\"missing\":[\"x1\"]");
    expect(&daemon, "POST", SMALL "/sessions/pump-7/step", "{\"x\":[0.1,0.2,0.3],\"seq\":9}", 409,
           "\"expected\":3");
    expect(&daemon, "POST", SMALL "/sessions/pump-7/fork", "{\"to\":\"copy\"}", 201, "\"step\":2");
    expect(&daemon, "POST", SMALL "/sessions/pump-7/fork", "{\"to\":\"copy\"}", 409,
           "session_exists");
    expect(&daemon, "POST", SMALL "/sessions/copy/forecast", "{\"horizon\":1}", 200,
           "\"forecast\":[[");
    expect(&daemon, "POST", SMALL "/sessions/copy/forecast", "{\"horizon\":2}", 422,
           "horizon_not_supported");
    expect(&daemon, "GET", SMALL "/sessions?prefix=pump", NULL, 200, "\"has_more\":false");
    expect(&daemon, "GET", SMALL "/sessions?limit=1", NULL, 200, "\"has_more\":true");
    expect(&daemon, "GET", SMALL "/sessions?limit=0", NULL, 400, "\"param\":\"limit\"");
    expect(&daemon, "GET", SMALL "/sessions?colour=red", NULL, 400, "colour");
    struct answer session = request(&daemon, "GET", SMALL "/sessions/pump-7", NULL);
    ck_assert_int_eq(session.code, 200);
    expect(&daemon, "PUT", SMALL "/sessions/restored", session.body, 201, "\"step\":2");
    struct answer original =
        request(&daemon, "POST", SMALL "/sessions/pump-7/step", "{\"x\":[1,2,3]}");
    struct answer restored =
        request(&daemon, "POST", SMALL "/sessions/restored/step", "{\"x\":[1,2,3]}");
    ck_assert_str_eq(strstr(original.body, "\"step\""), strstr(restored.body, "\"step\""));
    answer_free(&original);
    answer_free(&restored);
    answer_free(&session);
    expect(&daemon, "DELETE", SMALL "/sessions/pump-7", NULL, 204, NULL);
    expect(&daemon, "DELETE", SMALL "/sessions/pump-7", NULL, 404, "session_not_found");
    daemon_stop(&daemon);
}

TEST(a_state_of_another_model_is_refused_unless_it_is_rewarmed)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "POST", SMALL "/sessions/a/step", "{\"x\":[0.1,0.2,0.3]}", 200, NULL);
    struct answer session = request(&daemon, "GET", SMALL "/sessions/a", NULL);
    char *digest = strstr(session.body, "xxh3:");
    ck_assert_ptr_nonnull(digest);
    digest[6] = digest[6] == '0' ? '1' : '0';
    expect(&daemon, "PUT", SMALL "/sessions/b", session.body, 409, "digest_mismatch");
    expect(&daemon, "GET", SMALL "/sessions/b", NULL, 404, NULL);
    expect(&daemon, "PUT", SMALL "/sessions/b", "{\"rewarm\":[[0.1,0.2,0.3]]}", 201, "\"step\":1");
    answer_free(&session);
    daemon_stop(&daemon);
}

TEST(a_new_version_is_uploaded_activated_and_rolled_back)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "POST", SMALL "/sessions/a/step", "{\"x\":[0.1,0.2,0.3]}", 200, NULL);
    struct answer file = request(&daemon, "GET", SMALL "/versions/1/file", NULL);
    ck_assert_int_eq(file.code, 200);
    struct answer put =
        request_typed(&daemon, "PUT", SMALL, "application/octet-stream", file.body, file.n_body);
    ck_assert_int_eq(put.code, 201);
    ck_assert_ptr_nonnull(strstr(put.body, "\"active_version\":1"));
    expect(&daemon, "POST", SMALL "/versions/2/activate", NULL, 200, "\"active_version\":2");
    expect(&daemon, "POST", SMALL "/sessions/a/step", "{\"x\":[0.1,0.2,0.3]}", 200,
           "\"step\":2,\"version\":2");
    expect(&daemon, "DELETE", SMALL "/versions/2", NULL, 409, "version_active");
    expect(&daemon, "POST", SMALL "/versions/1/activate", "", 200, "\"active_version\":1");
    expect(&daemon, "DELETE", SMALL "/versions/1", NULL, 409, NULL);
    expect(&daemon, "DELETE", SMALL "/versions/2", NULL, 204, NULL);
    expect(&daemon, "DELETE", SMALL "/versions/2", NULL, 404, "version_not_found");
    expect(&daemon, "POST", SMALL "/versions/7/activate", NULL, 404, "version_not_found");
    answer_free(&put);
    put = request_typed(&daemon, "PUT", "/v1/models/fresh", "application/octet-stream", file.body,
                        file.n_body);
    ck_assert_int_eq(put.code, 201);
    answer_free(&put);
    put = request_typed(&daemon, "PUT", "/v1/models/fresh", "application/octet-stream", file.body,
                        file.n_body / 2);
    ck_assert_int_eq(put.code, 422);
    ck_assert_ptr_nonnull(strstr(put.body, "invalid_model"));
    answer_free(&put);
    answer_free(&file);
    expect(&daemon, "POST", "/v1/models/fresh/sessions/s/step", "{\"x\":[0.1,0.2,0.3]}", 200, NULL);
    daemon_stop(&daemon);
}

TEST(a_verb_that_takes_no_body_takes_an_empty_object)
{
    static const char *const verbs[] = { SMALL "/versions/1/activate",
                                         "/v1/fine_tuning/jobs/ftjob-a/cancel",
                                         "/v1/fine_tuning/jobs/ftjob-a/pause",
                                         "/v1/fine_tuning/jobs/ftjob-a/resume" };
    struct daemon daemon = daemon_start(NULL);
    for (size_t k = 0; k < sizeof verbs / sizeof *verbs; k++) {
        int code = k == 0 ? 200 : 404;
        expect(&daemon, "POST", verbs[k], NULL, code, NULL);
        expect(&daemon, "POST", verbs[k], "", code, NULL);
        expect(&daemon, "POST", verbs[k], " {} ", code, NULL);
        expect(&daemon, "POST", verbs[k], "{\"version\":2}", 400, "\"param\":\"version\"");
        expect(&daemon, "POST", verbs[k], "{}x", 400, "\"code\":\"invalid_json\"");
    }
    daemon_stop(&daemon);
}

TEST(any_number_that_a_file_may_have_is_a_version)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "GET", SMALL "/versions/2147483647/file", NULL, 404,
           "has no version 2147483647");
    expect(&daemon, "GET", SMALL "/versions/4294967296/file", NULL, 404,
           "a version is a positive number");
    expect(&daemon, "GET", SMALL "/versions/0/file", NULL, 404, "a version is a positive number");
    expect(&daemon, "GET", SMALL "/versions/01/file", NULL, 404, "a version is a positive number");
    daemon_stop(&daemon);
}

TEST(many_steps_go_in_one_request)
{
    struct daemon daemon = daemon_start(NULL);
    struct answer answer =
        request(&daemon, "POST", SMALL "/steps",
                "{\"steps\":[{\"session\":\"a\",\"x\":[1,2,3]},{\"session\":\"b\",\"x\":[1,2]},"
                "{\"session\":\"a\",\"x\":[1,2,3]}]}");
    ck_assert_int_eq(answer.code, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "{\"results\":[{\"session\":\"a\",\"step\":1,"));
    ck_assert_ptr_nonnull(strstr(answer.body, "{\"error\":{\"code\":\"wrong_length\""));
    ck_assert_ptr_nonnull(strstr(answer.body, "{\"session\":\"a\",\"step\":2,"));
    answer_free(&answer);
    expect(&daemon, "GET", SMALL "/sessions/b", NULL, 404, NULL);
    daemon_stop(&daemon);
}

TEST(lines_are_answered_line_by_line)
{
    static const char lines[] = "{\"session\":\"a\",\"x\":[1,2,3]}\n"
                                "not json\n"
                                "\n"
                                "{\"session\":\"a\",\"x\":[1,2,3]}\r\n"
                                "{\"session\":\"c\",\"x\":[1,2,3]}";
    struct daemon daemon = daemon_start(NULL);
    struct answer answer = request_typed(&daemon, "POST", SMALL "/steps", "application/x-ndjson",
                                         lines, sizeof lines - 1);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_ptr_nonnull(strcasestr(answer.headers, "Content-Type: application/x-ndjson"));
    char *line = strtok(answer.body, "\n"); // NOLINT(concurrency-mt-unsafe): one thread
    static const char *const expected[] = { "{\"session\":\"a\",\"step\":1,",
                                            "{\"error\":{\"code\":\"invalid_json\"",
                                            "{\"session\":\"a\",\"step\":2,",
                                            "{\"session\":\"c\",\"step\":1," };
    for (size_t k = 0; k < 4; k++) {
        ck_assert_ptr_nonnull(line);
        ck_assert_msg(strncmp(line, expected[k], strlen(expected[k])) == 0, "line %zu: %s", k,
                      line);
        line = strtok(NULL, "\n"); // NOLINT(concurrency-mt-unsafe): one thread
    }
    ck_assert_ptr_null(line);
    answer_free(&answer);
    answer = request_typed(&daemon, "POST", SMALL "/steps", "application/x-ndjson", "", 0);
    ck_assert_int_eq(answer.code, 200); /* no lines, no replies */
    ck_assert_uint_eq(answer.n_body, 0);
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(twenty_thousand_lines_reach_their_sessions_in_order)
{
    enum { LINES = 20000, SESSIONS = 7 };
    struct daemon daemon = daemon_start(NULL);
    char *lines = malloc(LINES * 64);
    size_t n = 0;
    for (int k = 0; k < LINES; k++) {
        n += (size_t)sprintf(lines + n, "{\"session\":\"s%d\",\"x\":[1,2,3],\"seq\":%d}\n",
                             k % SESSIONS, k / SESSIONS + 1);
    }
    struct answer answer =
        request_typed(&daemon, "POST", SMALL "/steps", "application/x-ndjson", lines, n);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_ptr_null(strstr(answer.body, "error"));
    answer_free(&answer);
    expect(&daemon, "GET", SMALL "/sessions/s0", NULL, 200, "\"step\":2858");
    free(lines);
    daemon_stop(&daemon);
}

/* A body of so many steps takes several turns; meanwhile another process switches versions back and
 * forth, which frees what earlier turns found. The reply names the missing inputs, so it reads from
 * the model. */
TEST(a_long_list_is_answered_while_versions_take_turns)
{
    enum { STEPS = 6000, ROUNDS = 12, SWITCHES_MAX = 20000 };
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "2", NULL });
    struct answer file = request(&daemon, "GET", SMALL "/versions/1/file", NULL);
    struct answer put =
        request_typed(&daemon, "PUT", SMALL, "application/octet-stream", file.body, file.n_body);
    ck_assert_int_eq(put.code, 201);
    answer_free(&file);
    answer_free(&put);
    pid_t switcher = fork();
    ck_assert_int_ge(switcher, 0);
    if (switcher == 0) {
        for (unsigned k = 0; k < SWITCHES_MAX; k++) {
            struct answer answer =
                request(&daemon, "POST",
                        k % 2 ? SMALL "/versions/1/activate" : SMALL "/versions/2/activate", NULL);
            answer_free(&answer);
        }
        _exit(0);
    }
    char *body = malloc(STEPS * 48);
    size_t n = (size_t)sprintf(body, "{\"steps\":[");
    for (int k = 0; k < STEPS; k++) {
        n += (size_t)sprintf(body + n, "%s{\"session\":\"s%d\",\"x\":[1,null,3]}", k > 0 ? "," : "",
                             k % 100);
    }
    sprintf(body + n, "]}");
    for (int round = 0; round < ROUNDS; round++) {
        struct answer answer = request(&daemon, "POST", SMALL "/steps", body);
        ck_assert_int_eq(answer.code, 200);
        ck_assert_ptr_null(strstr(answer.body, "error"));
        size_t n_named = 0;
        for (const char *at = answer.body; (at = strstr(at, "\"missing\":[\"x1\"]")); at++) {
            n_named++;
        }
        ck_assert_uint_eq(n_named, STEPS);
        answer_free(&answer);
    }
    kill(switcher, SIGKILL);
    waitpid(switcher, NULL, 0);
    free(body);
    expect(&daemon, "GET", SMALL "/sessions/s0", NULL, 200, "\"step\":720");
    daemon_stop(&daemon);
}

TEST(sequences_are_predicted)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "POST", SMALL "/predict", "{\"x\":[[1,2,3],[1,2,3]]}", 200,
           "{\"model\":\"torch-small\",\"version\":1,\"y\":[[");
    expect(&daemon, "POST", SMALL "/predict",
           "{\"instances\":[{\"x\":[[1,2,3]]},{\"x\":[[1,2,3],[4,5,6]]}],\"return\":\"last\"}", 200,
           "\"results\":[{\"y\":[[");
    expect(&daemon, "POST", SMALL "/predict", "{\"x\":[[1,2,3]],\"version\":3}", 404,
           "version_not_found");
    expect(&daemon, "POST", SMALL "/predict", "{\"x\":[[1,2,3],[1,2]]}", 400, "\"param\":\"x[1]\"");
    daemon_stop(&daemon);
}

TEST(methods_and_paths_are_checked)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "GET", "/nothing", NULL, 404, "{\"error\":{\"code\":\"route_not_found\"");
    struct answer answer = request(&daemon, "DELETE", "/v1/models", NULL);
    ck_assert_int_eq(answer.code, 405);
    ck_assert_ptr_nonnull(strcasestr(answer.headers, "\r\nAllow: GET"));
    answer_free(&answer);
    answer = request_typed(&daemon, "POST", SMALL "/predict", "text/plain", "{}", 2);
    ck_assert_int_eq(answer.code, 415);
    answer_free(&answer);
    expect(&daemon, "POST", SMALL "/sessions/a%2Fb/step", "{\"x\":[1,2,3]}", 400,
           "\"param\":\"session\"");
    daemon_stop(&daemon);
}
