/* Explanations over HTTP: they add up, whatever the model, and say what was wrong. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "/v1/models/meter"

static void add_model(const struct daemon *daemon, const char *option, const char *value)
{
    daemon_add_model(daemon, "meter",
                     (const char *const[]){ "--inputs", "count,load", "--outputs", "count",
                                            "--layers", "8", "--scale", "count=20:4", option, value,
                                            "--force", NULL });
}

/* That the explanation of a step's reply adds up to the value, and the value is forecast. */
static void expect_sum(const char *reply)
{
    const char *explanation = strstr(reply, "\"explanation\":{");
    ck_assert_msg(explanation != NULL, "%s", reply);
    const double value = number_in(explanation, "value");
    double sum = number_in(explanation, "baseline") + number_in(explanation, "state") +
                 number_in(explanation, "residual");
    size_t n = 0;
    for (const char *at = explanation; (at = strstr(at, "\"contribution\":")); at++, n++) {
        sum += number_in(at, "contribution");
    }
    ck_assert_uint_eq(n, 2);
    ck_assert_msg(fabs(sum - value) <= 1e-6 * (1 + fabs(value)), "%.9g: %s", sum, reply);
}

/* That a forecast without a reading is explained by the same text, and changes nothing. */
static void expect_again(const struct daemon *daemon, const char *reply, const char *rest)
{
    char body[256];
    struct answer before = request(daemon, "GET", MODEL "/sessions/s", NULL);
    snprintf(body, sizeof body, "{%s}", rest + 1);
    struct answer answer = request(daemon, "POST", MODEL "/sessions/s/forecast", body);
    ck_assert_msg(answer.code == 200, "%s: %s", body, answer.body);
    expect_sum(answer.body);
    ck_assert_str_eq(strstr(answer.body, "\"explanation\":"), strstr(reply, "\"explanation\":"));
    struct answer after = request(daemon, "GET", MODEL "/sessions/s", NULL);
    ck_assert_str_eq(strstr(after.body, "\"state\""), strstr(before.body, "\"state\""));
    answer_free(&before);
    answer_free(&answer);
    answer_free(&after);
}

static void step(const struct daemon *daemon, int k, const char *rest)
{
    char body[256];
    snprintf(body, sizeof body, "{\"x\":[%d,%d]%s}", 20 + k * k % 7, k % 3, rest);
    struct answer answer = request(daemon, "POST", MODEL "/sessions/s/step", body);
    ck_assert_msg(answer.code == 200, "%s: %s", body, answer.body);
    if (strstr(rest, "explain")) {
        expect_sum(answer.body);
    }
    if (strstr(rest, "horizon")) {
        expect_again(daemon, answer.body, rest);
    }
    answer_free(&answer);
}

TEST(explanations_of_all_kinds_of_models_add_up)
{
    static const char *const options[][2] = {
        { "--cell", "lstm" },
        { "--transform", "count=difference" },
        { "--transform", "count=seasonal:4" },
        { "--transform", "count=level:0.1:scale" },
        { "--missing", "forecast" },
        { "--steps", "3" },
    };
    struct daemon daemon = daemon_start((const char *const[]){ "--session-history", "8", NULL });
    for (size_t m = 0; m < sizeof options / sizeof *options; m++) {
        add_model(&daemon, options[m][0], options[m][1]);
        for (int k = 0; k < 12; k++) {
            step(&daemon, k, k % 2 ? ",\"explain\":true" : "");
            step(&daemon, k,
                 ",\"horizon\":5,\"future\":[[1],[0],[1],[0],[1]],\"explain\":{\"ahead\":5}");
        }
        expect(&daemon, "DELETE", MODEL "/sessions/s", NULL, 204, NULL);
    }
    daemon_stop(&daemon);
}

TEST(steps_in_a_list_and_in_lines_are_explained)
{
    static const char lines[] = "{\"session\":\"a\",\"x\":[20,1],\"explain\":true}\n"
                                "{\"session\":\"a\",\"x\":[21,1],\"explain\":{\"output\":\"b\"}}\n"
                                "{\"session\":\"a\",\"x\":[22,1]}\n";
    struct daemon daemon = daemon_start(NULL);
    add_model(&daemon, "--cell", "gru");
    struct answer answer = request_typed(&daemon, "POST", MODEL "/steps", "application/x-ndjson",
                                         lines, strlen(lines));
    ck_assert_int_eq(answer.code, 200);
    const char *second = strchr(answer.body, '\n');
    expect_sum(answer.body);
    ck_assert(strstr(second, "\"param\":\"explain.output\"") < strstr(second, "\"step\":2"));
    ck_assert_ptr_null(strstr(second, "\"explanation\""));
    answer_free(&answer);
    answer = request(&daemon, "POST", MODEL "/steps",
                     "{\"steps\":[{\"session\":\"a\",\"x\":[20,1],\"explain\":true}]}");
    expect_sum(answer.body);
    answer_free(&answer);
    daemon_stop(&daemon);
}

static void start_with_readings(struct daemon *daemon, const char *layers, const char *n_kept,
                                int n)
{
    *daemon =
        daemon_start((const char *const[]){ "--session-history", n_kept, "--workers", "1", NULL });
    daemon_add_model(daemon, "meter",
                     (const char *const[]){ "--inputs", "count,load", "--outputs", "count",
                                            "--layers", layers, NULL });
    char *lines = malloc((size_t)n * 64), *p = lines;
    for (int k = 0; k < n; k++) {
        p += sprintf(p, "{\"session\":\"s\",\"x\":[%d,%d],\"level\":0.9}\n", k % 7, k % 3);
    }
    struct answer answer = request_typed(daemon, "POST", MODEL "/steps", "application/x-ndjson",
                                         lines, (size_t)(p - lines));
    ck_assert_int_eq(answer.code, 200);
    answer_free(&answer);
    free(lines);
}

static void start_long(struct daemon *daemon)
{
    start_with_readings(daemon, "64", "4096", 4000);
}

/* Sends it, and lets the one worker begin with it. */
static int send_to(const struct daemon *daemon, const char *verb, const char *body)
{
    char path[64];
    snprintf(path, sizeof path, MODEL "/sessions/s/%s", verb);
    const int fd = client_connect(daemon);
    client_send_request(fd, "POST", path, NULL, "application/json", body, strlen(body));
    expect(daemon, "POST", MODEL "/sessions/other/step", "{\"x\":[1,2]}", 200, NULL);
    return fd;
}

TEST(a_long_explanation_gives_way_to_others)
{
    static const struct {
        const char *verb, *body;
    } asked[] = { { "step", "{\"x\":[1,2],\"seq\":4001,\"explain\":true}" },
                  { "forecast", "{\"horizon\":1,\"explain\":true}" } };
    struct daemon daemon;
    start_long(&daemon);
    for (size_t k = 0; k < 2; k++) {
        const int fd = send_to(&daemon, asked[k].verb, asked[k].body);
        struct answer answer = client_read(fd);
        ck_assert_int_eq(answer.code, 200);
        expect_sum(answer.body);
        answer_free(&answer);
        close(fd);
    }
    daemon_stop(&daemon);
}

/* A path that is nearly a jump takes many more points than it looks like, beyond a slice. */
TEST(an_explanation_that_turns_out_to_be_long_is_told_whole)
{
    static const char body[] = "{\"horizon\":1,\"level\":0.9,\"crossing\":"
                               "{\"output\":\"count\",\"above\":2},\"explain\":true}";
    struct daemon daemon;
    start_with_readings(&daemon, "8", "1000", 1000);
    expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[4e7,-3e7]}", 200, NULL);
    struct answer answer = request(&daemon, "POST", MODEL "/sessions/s/forecast", body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    expect_sum(answer.body);
    ck_assert_msg(strstr(answer.body, "\"intervals\":[{\"level\":0.9,\"lower\":[[") != NULL, "%s",
                  answer.body);
    ck_assert_msg(strstr(answer.body, "\"probability\":null") == NULL, "%s", answer.body);
    const double probability = number_in(answer.body, "probability");
    ck_assert_msg(probability >= 0 && probability <= 1, "%s", answer.body);
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(clients_that_leave_long_explanations_hold_up_nobody)
{
    struct daemon daemon;
    start_long(&daemon);
    for (int k = 0; k < 5; k++) {
        close(send_to(&daemon, "forecast", "{\"horizon\":1,\"explain\":true}"));
    }
    expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[1,2],\"seq\":4001}", 200,
           "\"step\":4001");
    daemon_stop(&daemon);
}

TEST(a_state_without_its_readings_explains_all)
{
    struct daemon daemon = daemon_start(NULL);
    add_model(&daemon, "--cell", "gru");
    for (int k = 0; k < 5; k++) {
        step(&daemon, k, "");
    }
    struct answer answer = request(&daemon, "GET", MODEL "/sessions/s", NULL);
    char *readings = strstr(answer.body, "\"readings\":[[");
    ck_assert_ptr_nonnull(readings);
    readings += strlen("\"readings\":[");
    const char *end = strstr(readings, "]]") + 1;
    memmove(readings, end, strlen(end) + 1);
    expect(&daemon, "PUT", MODEL "/sessions/bare", answer.body, 201, "\"step\":5");
    answer_free(&answer);
    answer = request(&daemon, "POST", MODEL "/sessions/bare/forecast",
                     "{\"horizon\":1,\"explain\":true}");
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    expect_sum(answer.body);
    ck_assert_ptr_nonnull(strstr(answer.body,
                                 "\"inputs\":[{\"name\":\"count\",\"contribution\":0},"
                                 "{\"name\":\"load\",\"contribution\":0}],\"residual\":0}"));
    answer_free(&answer);
    expect(&daemon, "PUT", MODEL "/sessions/new", "{}", 201, NULL);
    expect(&daemon, "POST", MODEL "/sessions/new/forecast", "{\"horizon\":1,\"explain\":true}", 422,
           "no_reading");
    daemon_stop(&daemon);
}

TEST(what_cannot_be_explained_is_refused_by_its_path)
{
    static const struct {
        const char *explain;
        int code;
        const char *param;
    } refused[] = {
        { "1", 400, "\"param\":\"explain\"" },
        { "null", 400, "\"param\":\"explain\"" },
        { "{\"output\":\"load\"}", 400, "\"param\":\"explain.output\"" },
        { "{\"ahead\":0}", 400, "\"param\":\"explain.ahead\"" },
        { "{\"ahead\":2}", 400, "\"param\":\"explain.ahead\"" },
        { "{\"behind\":2}", 400, "\"param\":\"explain.behind\"" },
    };
    char body[128];
    struct daemon daemon = daemon_start(NULL);
    add_model(&daemon, "--cell", "gru");
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
        snprintf(body, sizeof body, "{\"x\":[20,1],\"explain\":%s}", refused[k].explain);
        expect(&daemon, "POST", MODEL "/sessions/s/step", body, refused[k].code, refused[k].param);
    }
    expect(&daemon, "GET", MODEL "/sessions/s", NULL, 404, NULL);
    step(&daemon, 0, "");
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
        snprintf(body, sizeof body, "{\"horizon\":1,\"explain\":%s}", refused[k].explain);
        expect(&daemon, "POST", MODEL "/sessions/s/forecast", body, refused[k].code,
               refused[k].param);
    }
    expect(&daemon, "POST", "/v1/models/bidirectional/sessions/s/step",
           "{\"x\":[1,2,3],\"explain\":true}", 422, "not_causal");
    daemon_stop(&daemon);
}
