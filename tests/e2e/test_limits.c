/* Each limit of the real daemon: what is just within it, and what is just beyond. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MODEL "/v1/models/pump"
#define STEP  MODEL "/sessions/s/step"

#define SMALL_STEP "/v1/models/torch-small/sessions/s/step"

enum { HEAD_SIZE = 4096 };

static struct daemon start(const char *const *options)
{
    struct daemon daemon = daemon_start(options);
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "8", NULL });
    return daemon;
}

/* Sends a text, and expects that answer on the same connection. */
static struct answer ask(int fd, const char *text, int code, const char *word)
{
    client_send(fd, text, strlen(text));
    struct answer answer = client_read(fd);
    ck_assert_msg(answer.code == code && strstr(answer.body, word), "%d instead of %d: %.300s",
                  answer.code, code, answer.body ? answer.body : "(closed)");
    return answer;
}

static void expect_on(int fd, const char *text, int code, const char *word)
{
    struct answer answer = ask(fd, text, code, word);
    answer_free(&answer);
}

/* A GET of /healthz, whose head has n bytes. */
static void make_head(char head[HEAD_SIZE], size_t n)
{
    static const char begin[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Filler: ";
    memset(head, 'a', n);
    memcpy(head, begin, sizeof begin - 1);
    memcpy(head + n - 4, "\r\n\r\n", 5);
}

TEST(a_head_has_its_limit)
{
    char head[HEAD_SIZE];
    struct daemon daemon = daemon_start((const char *const[]){ "--header-max", "2048", NULL });
    int fd = client_connect(&daemon);
    make_head(head, 2048);
    expect_on(fd, head, 200, "ok");
    make_head(head, 2049);
    expect_on(fd, head, 431, "\"code\":\"headers_too_large\"");
    make_head(head, 2048);
    expect_on(fd, head, 200, "ok"); /* the connection is kept */
    close(fd);
    daemon_stop(&daemon);
}

TEST(a_url_has_its_limit)
{
    char path[202];
    struct daemon daemon = daemon_start((const char *const[]){ "--url-max", "200", NULL });
    memset(path, 'a', 201);
    path[0] = '/';
    path[201] = '\0';
    expect(&daemon, "GET", path, NULL, 414, "\"code\":\"url_too_long\"");
    path[200] = '\0';
    expect(&daemon, "GET", path, NULL, 404, "\"code\":\"route_not_found\"");
    memcpy(path, "/healthz?q=", 11);
    expect(&daemon, "GET", path, NULL, 200, "ok");
    daemon_stop(&daemon);
}

/* {"x":[[...[ with n brackets in all. */
static void expect_depth(const struct daemon *daemon, int n, const char *text)
{
    char body[256] = "{\"x\":";
    size_t at = strlen(body);
    for (int k = 1; k < n; k++) {
        body[at++] = '[';
    }
    body[at++] = '1';
    for (int k = 1; k < n; k++) {
        body[at++] = ']';
    }
    body[at++] = '}';
    expect(daemon, "POST", MODEL "/predict", body, 400, text);
}

TEST(json_has_a_depth)
{
    struct daemon daemon = start((const char *const[]){ "--json-depth-max", "8", NULL });
    expect_depth(&daemon, 8, "\"code\":\"invalid_type\"");
    expect_depth(&daemon, 9, "\"param\":\"x[0][0]\"");
    expect_depth(&daemon, 9, "8 times");
    expect(&daemon, "POST", MODEL "/predict", "{\"instances\":[{\"x\":[[1]]}]}", 200, NULL);
    daemon_stop(&daemon);
}

TEST(a_body_has_its_limit)
{
    char body[1502];
    struct daemon daemon = daemon_start((const char *const[]){ "--body-max", "1500", NULL });
    memset(body, ' ', sizeof body);
    memcpy(body, "{\"x\":[1,2,3]}", 13);
    body[1501] = '\0';
    expect(&daemon, "POST", SMALL_STEP, body, 413, "\"code\":\"body_too_large\"");
    body[1500] = '\0';
    expect(&daemon, "POST", SMALL_STEP, body, 200, "\"step\":1");
    daemon_stop(&daemon);
}

TEST(a_gap_has_its_limit)
{
    struct daemon daemon = start((const char *const[]){ "--gap-max", "3", NULL });
    expect(&daemon, "POST", STEP, "{\"x\":[1],\"seq\":10,\"begin\":true}", 200, "\"step\":10");
    expect(&daemon, "POST", STEP, "{\"x\":[1],\"seq\":14}", 409, "\\\"fill\\\":true");
    expect(&daemon, "POST", STEP, "{\"x\":[1],\"seq\":14,\"fill\":true}", 200, "\"step\":14");
    expect(&daemon, "POST", STEP, "{\"x\":[1],\"seq\":19,\"fill\":true}", 409, "--gap-max 3");
    expect(&daemon, "POST", STEP, "{\"x\":[1],\"fill\":true}", 400, "\"param\":\"seq\"");
    daemon_stop(&daemon);
}

TEST(the_forecasts_of_the_steps_of_a_request_have_their_limit)
{
    static const char list[] = "{\"steps\":[{\"session\":\"s\",\"x\":[1],\"horizon\":3},"
                               "{\"session\":\"s\",\"x\":[1],\"horizon\":%d}]}";
    static const char lines[] = "{\"session\":\"t\",\"x\":[1],\"horizon\":3}\n"
                                "{\"session\":\"t\",\"x\":[1],\"horizon\":2}\n"
                                "{\"session\":\"t\",\"x\":[1]}\n";
    char body[256];
    struct daemon daemon = start((const char *const[]){ "--row-max", "4", NULL });
    snprintf(body, sizeof body, list, 2);
    expect(&daemon, "POST", MODEL "/steps", body, 413, "\"param\":\"horizon\"");
    expect(&daemon, "GET", MODEL "/sessions/s", NULL, 404, NULL);
    snprintf(body, sizeof body, list, 1);
    expect(&daemon, "POST", MODEL "/steps", body, 200, "\"step\":2");
    struct answer answer = request_typed(&daemon, "POST", MODEL "/steps", "application/x-ndjson",
                                         lines, sizeof lines - 1);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"request_too_large\""));
    ck_assert_ptr_nonnull(strstr(answer.body, "\"step\":2"));
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(the_rows_of_an_evaluation_have_their_limit)
{
    struct daemon daemon = start((const char *const[]){ "--evaluate-row-max", "6", NULL });
    expect(&daemon, "POST", MODEL "/evaluate", "{\"x\":[[1],[2],[3],[4]],\"horizon\":2}", 200,
           "\"windows\":2");
    expect(&daemon, "POST", MODEL "/evaluate", "{\"x\":[[1],[2],[3],[4],[5]],\"horizon\":2}", 413,
           "\"param\":\"horizon\"");
    daemon_stop(&daemon);
}

TEST(rows_horizon_and_sessions_have_their_limits)
{
    struct daemon daemon = start((const char *const[]){ "--row-max", "4", "--horizon-max", "3",
                                                        "--session-max", "2", NULL });
    expect(&daemon, "POST", MODEL "/predict", "{\"x\":[[1],[2],[3],[4]]}", 200, NULL);
    expect(&daemon, "POST", MODEL "/predict", "{\"x\":[[1],[2],[3],[4],[5]]}", 413,
           "\"param\":\"x\"");
    expect(&daemon, "POST", MODEL "/predict", "{\"x\":[[1]],\"horizon\":3}", 200, NULL);
    expect(&daemon, "POST", MODEL "/predict", "{\"x\":[[1],[2]],\"horizon\":3}", 413,
           "\"param\":\"horizon\"");
    expect(&daemon, "PUT", MODEL "/sessions/s", "{\"rewarm\":[[1],[2],[3],[4]]}", 201, NULL);
    expect(&daemon, "PUT", MODEL "/sessions/s", "{\"rewarm\":[[1],[2],[3],[4],[5]]}", 413,
           "\"param\":\"rewarm\"");
    expect(&daemon, "POST", STEP, "{\"x\":[1],\"horizon\":3}", 200, NULL);
    expect(&daemon, "POST", STEP, "{\"x\":[1],\"horizon\":4}", 400, "\"param\":\"horizon\"");
    expect(&daemon, "POST", MODEL "/sessions/t/step", "{\"x\":[1]}", 200, NULL);
    expect(&daemon, "POST", MODEL "/sessions/u/step", "{\"x\":[1]}", 503,
           "\"code\":\"sessions_full\"");
    daemon_stop(&daemon);
}

static void put_rule(const struct daemon *daemon, const char *name, int code, const char *text)
{
    static const char rule[] = "{\"coverage\":true,\"below\":1,\"url\":\"https://example.org/\"}";
    char path[64];
    snprintf(path, sizeof path, MODEL "/rules/%s", name);
    expect(daemon, "PUT", path, rule, code, text);
}

TEST(rules_have_a_limit_of_all_models_together)
{
    struct daemon daemon = start((const char *const[]){ "--rule-max", "2", NULL });
    daemon_add_model(
        &daemon, "other",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "4", NULL });
    put_rule(&daemon, "a", 201, "\"name\":\"a\"");
    expect(&daemon, "PUT", "/v1/models/other/rules/a",
           "{\"anomaly\":true,\"p_value\":0.1,\"url\":\"https://example.org/\"}", 201, NULL);
    put_rule(&daemon, "b", 422, "\"code\":\"rules_full\"");
    put_rule(&daemon, "b", 422, "\"param\":\"rule\"");
    put_rule(&daemon, "b", 422, "--rule-max 2");
    put_rule(&daemon, "a", 200, NULL); /* what is there already takes no more room */
    expect(&daemon, "DELETE", "/v1/models/other/rules/a", NULL, 204, NULL);
    put_rule(&daemon, "b", 201, NULL);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_start_again(&daemon, (const char *const[]){ "--rule-max", "1", NULL });
    expect(&daemon, "GET", "/metrics", NULL, 200, "\ngrud_rules 2\n"); /* they stay */
    put_rule(&daemon, "b", 200, NULL);
    put_rule(&daemon, "c", 422, "there are 2 rules");
    daemon_stop(&daemon);
}

/* Of two sessions in which a rule could fire, one is found. */
TEST(sessions_in_which_rules_fire_have_a_limit)
{
    struct daemon daemon =
        start((const char *const[]){ "--rule-firing-max", "1", "--webhook-private", "yes", NULL });
    expect(&daemon, "PUT", MODEL "/rules/far",
           "{\"crossing\":{\"output\":\"temp\",\"below\":1e30},\"probability\":0.5,"
           "\"url\":\"http://127.0.0.1:1/\"}",
           201, NULL);
    for (int k = 0; k < 60; k++) {
        char body[128];
        snprintf(body, sizeof body,
                 "{\"steps\":[{\"session\":\"s\",\"x\":[%d]},{\"session\":\"t\",\"x\":[%d]}]}",
                 k * 37 % 10, k * 53 % 10);
        expect(&daemon, "POST", MODEL "/steps", body, 200, NULL);
    }
    expect(&daemon, "GET", MODEL "/rules/far", NULL, 200, "\"states\":{\"firing\":1,");
    struct answer answer = request(&daemon, "GET", "/metrics", NULL);
    ck_assert_ptr_null(strstr(answer.body, "\ngrud_rule_sessions_left_out_total 0\n"));
    ck_assert_ptr_nonnull(strstr(answer.body, "\ngrud_rule_sessions_left_out_total "));
    answer_free(&answer);
    daemon_stop(&daemon);
}

/* ---- connections ---- */

static const char models[] = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char health[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* With three connections open a fourth is told; it may ask for health, and comes in once another is
 * gone. */
static void expect_three(const char *option, int code, const char *word)
{
    enum { PATIENCE_MS = 60000, WAIT_MS = 10 };
    int fds[3], n_ms = 0;
    struct daemon daemon = daemon_start((const char *const[]){ option, "3", NULL });
    for (int k = 0; k < 3; k++) {
        fds[k] = client_connect(&daemon);
        expect_on(fds[k], models, 200, "torch-small");
    }
    int fd = client_connect(&daemon);
    struct answer answer = ask(fd, models, code, word);
    ck_assert(answer.closed && strstr(answer.headers, "Retry-After: 1"));
    answer_free(&answer);
    close(fd);
    expect(&daemon, "GET", "/healthz", NULL, 200, "ok");
    expect_on(fds[0], models, 200, "torch-small");
    close(fds[0]);
    for (int told = 0; told != 200; n_ms += WAIT_MS) {
        ck_assert_int_lt(n_ms, PATIENCE_MS);
        usleep(WAIT_MS * 1000);
        answer = request(&daemon, "GET", "/v1/models", NULL);
        told = answer.code;
        answer_free(&answer);
    }
    close(fds[1]);
    close(fds[2]);
    daemon_stop(&daemon);
}

TEST(connections_have_a_limit)
{
    expect_three("--connection-max", 503, "\"code\":\"overloaded\"");
}

TEST(connections_of_an_address_have_a_limit)
{
    expect_three("--connection-address-max", 429, "\"code\":\"too_many_connections\"");
}

TEST(without_a_limit_an_address_has_any_number)
{
    int fds[20];
    struct daemon daemon =
        daemon_start((const char *const[]){ "--connection-address-max", "0", NULL });
    for (int k = 0; k < 20; k++) {
        fds[k] = client_connect(&daemon);
        expect_on(fds[k], health, 200, "ok");
    }
    for (int k = 0; k < 20; k++) {
        close(fds[k]);
    }
    daemon_stop(&daemon);
}

/* Until there are n connections, that which asks included. */
static void wait_for_connections(const struct daemon *daemon, int n)
{
    enum { PATIENCE_MS = 60000, WAIT_MS = 10 };
    char line[64];
    snprintf(line, sizeof line, "\ngrud_http_connections %d\n", n);
    for (int n_ms = 0, is_so = 0; !is_so; n_ms += WAIT_MS) {
        ck_assert_int_lt(n_ms, PATIENCE_MS);
        usleep(WAIT_MS * 1000);
        struct answer answer = request(daemon, "GET", "/metrics", NULL);
        is_so = answer.code == 200 && strstr(answer.body, line) != NULL;
        answer_free(&answer);
    }
}

/* One too many when it came; the other leaves, and grud wants the body that it announces. -1: it
 * took too long for that. */
static int come_in_late(const struct daemon *daemon)
{
    static const char head[] =
        "POST " STEP " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    char line[64] = "";
    wait_for_connections(daemon, 1);
    int others[] = { client_connect(daemon), client_connect(daemon) };
    expect_on(others[0], health, 200, "ok");
    expect_on(others[1], health, 200, "ok");
    int late = client_connect(daemon);
    expect_on(others[0], health, 200, "ok"); /* the worker has let it in */
    close(others[0]);
    close(others[1]);
    wait_for_connections(daemon, 2);
    send(late, head, sizeof head - 1, MSG_NOSIGNAL);
    if (recv(late, line, sizeof line - 1, 0) > 0 && strstr(line, " 100 ")) {
        return late;
    }
    close(late);
    return -1;
}

TEST(who_comes_in_late_has_the_time_of_anyone)
{
    enum { MORE_THAN_SURPLUS_SECONDS = 7, TRIES = 20 };
    struct daemon daemon = start((const char *const[]){
        "--workers", "1", "--connection-address-max", "2", "--request-seconds", "300", NULL });
    int fd = -1;
    for (int k = 0; k < TRIES && fd < 0; k++) {
        fd = come_in_late(&daemon);
    }
    ck_assert_int_ge(fd, 0);
    sleep(MORE_THAN_SURPLUS_SECONDS);
    expect_on(fd, "{\"x\":[1]}", 200, "\"step\":1");
    close(fd);
    daemon_stop(&daemon);
}

/* ---- memory ---- */

static int begin_body(const struct daemon *daemon, int n)
{
    int fd = client_connect(daemon);
    client_send_head(fd, "POST", MODEL "/predict", NULL, "application/json", (size_t)n);
    return fd;
}

TEST(memory_is_refused_before_a_body_is_read_and_steps_go_on)
{
    enum { PATIENCE_MS = 60000, WAIT_MS = 10, LARGE = 600 << 10 };
    struct daemon daemon =
        start((const char *const[]){ "--memory-max", "1048576", "--workers", "1", NULL });
    int first = begin_body(&daemon, LARGE);
    expect(&daemon, "GET", "/healthz", NULL, 200, NULL); /* the worker has seen what came before */
    int second = begin_body(&daemon, LARGE);
    struct answer answer = client_read(second); /* nothing of either body has come */
    ck_assert_int_eq(answer.code, 503);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"code\":\"overloaded\""));
    ck_assert_ptr_nonnull(strstr(answer.headers, "Retry-After: 1"));
    answer_free(&answer);
    close(second);
    expect(&daemon, "POST", STEP, "{\"x\":[1]}", 200, "\"step\":1");
    expect(&daemon, "GET", "/metrics", NULL, 200, "grud_http_refused_total{kind=\"memory\"} 1\n");
    close(first);
    for (int code = 503, n_ms = 0; code != 400;
         n_ms += WAIT_MS) { /* what was set aside is free again */
        ck_assert_int_lt(n_ms, PATIENCE_MS);
        usleep(WAIT_MS * 1000);
        char *body = calloc(1, LARGE + 1);
        ck_assert_ptr_nonnull(body);
        memset(body, ' ', LARGE);
        answer = request(&daemon, "POST", MODEL "/predict", body);
        free(body);
        code = answer.code;
        answer_free(&answer);
    }
    daemon_stop(&daemon);
}

/* As many replies as steps were made; what is left out is said behind them, with its line. */
static void expect_partly_done(const struct daemon *daemon, const char *replies,
                               const char *session, int n_lines, const char *why)
{
    double n_done = 0;
    for (const char *p = strstr(replies, "\"step\":"); p; p = strstr(p + 1, "\"step\":")) {
        n_done++;
    }
    struct answer answer = request(daemon, "GET", session, NULL);
    ck_assert(number_in(answer.body, "step") == n_done);
    answer_free(&answer);
    const char *last = strstr(replies, "\"message\":\"line ");
    ck_assert_msg(last && strstr(last, "and those after it are not done: "), "%s", replies);
    ck_assert_ptr_nonnull(strstr(last, why));
    double number = strtod(strpbrk(last, "0123456789"), NULL);
    ck_assert(number > n_done && number <= n_lines);
}

TEST(lines_that_are_done_are_said_to_be_done)
{
    enum { N_LINES = 8000, LINE_SIZE = 32 };
    static const char line[] = "{\"session\":\"s\",\"x\":[1]}\n";
    struct daemon daemon =
        start((const char *const[]){ "--memory-max", "1048576", "--workers", "1", NULL });
    char *body = malloc((size_t)N_LINES * LINE_SIZE), *end = body;
    ck_assert_ptr_nonnull(body);
    for (int k = 0; k < N_LINES; k++) {
        end = stpcpy(end, line);
    }
    struct answer answer = request_typed(&daemon, "POST", MODEL "/steps", "application/x-ndjson",
                                         body, (size_t)(end - body));
    free(body);
    ck_assert_int_eq(answer.code, 200); /* its replies alone are more than a megabyte */
    expect_partly_done(&daemon, answer.body, MODEL "/sessions/s", N_LINES, "not enough memory");
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(lines_before_the_limit_of_a_body_are_said_to_be_done)
{
    static const char head[] = "POST /v1/models/torch-small/steps HTTP/1.1\r\nHost: "
                               "localhost\r\nTransfer-Encoding: chunked\r\n"
                               "Content-Type: application/x-ndjson\r\n\r\n";
    static const char chunk[] = "1c\r\n{\"session\":\"s\",\"x\":[1,2,3]}\n\r\n";
    struct daemon daemon = daemon_start((const char *const[]){ "--body-max", "1024", NULL });
    int fd = client_connect(&daemon);
    client_send(fd, head, sizeof head - 1);
    for (int k = 0; k < 60; k++) {
        client_send(fd, chunk, sizeof chunk - 1);
    }
    client_send(fd, "0\r\n\r\n", 5);
    struct answer answer = client_read(fd);
    ck_assert_int_eq(answer.code, 200);
    ck_assert(!answer.closed);
    expect_partly_done(&daemon, answer.body, "/v1/models/torch-small/sessions/s", 60,
                       "a body has at most 1024 bytes");
    answer_free(&answer);
    close(fd);
    daemon_stop(&daemon);
}

/* ---- streams ---- */

TEST(streams_have_a_limit)
{
    char body[4096], id[64], path[160];
    struct daemon daemon =
        start((const char *const[]){ "--stream-max", "1", "--workers", "1", NULL });
    int n = snprintf(
        body, sizeof body,
        "{\"model\":\"pump\",\"hyperparameters\":{\"n_epochs\":1000000,\"early_stopping_patience\":"
        "null},\"training\":{\"series\":[{\"x\":[");
    for (int t = 0; t < 100; t++) {
        n += snprintf(body + n, sizeof body - (size_t)n, "%s[%d]", t > 0 ? "," : "", t % 7);
    }
    snprintf(body + n, sizeof body - (size_t)n, "]}]}}");
    struct answer answer = request(&daemon, "POST", "/v1/fine_tuning/jobs", body);
    ck_assert_int_eq(answer.code, 202);
    ck_assert_int_eq(sscanf(answer.body, "{\"id\":\"%63[^\"]", id), 1);
    answer_free(&answer);
    snprintf(path, sizeof path, "/v1/fine_tuning/jobs/%s/events", id);
    int first = client_ask(&daemon, path, "Accept: text/event-stream\r\n");
    answer = client_read(first);
    ck_assert_int_eq(answer.code, 200);
    answer_free(&answer);
    int second = client_ask(&daemon, path, "Accept: text/event-stream\r\n");
    answer = client_read(second);
    ck_assert_int_eq(answer.code, 503);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"code\":\"overloaded\""));
    answer_free(&answer);
    close(first);
    close(second);
    daemon_stop(&daemon);
}
