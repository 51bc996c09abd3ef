/* Mixed forecasts over HTTP. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "/v1/models/meter"

static struct daemon start(void)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "1", NULL });
    daemon_add_model(
        &daemon, "meter",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "4", NULL });
    return daemon;
}

/* Sends steps first to last, and returns the last answer. */
static struct answer send_steps(const struct daemon *daemon, const char *id, unsigned first,
                                unsigned last, const char *fields)
{
    struct answer answer = { .code = 0 };
    for (unsigned number = first; number <= last; number++) {
        char path[64], body[160];
        snprintf(path, sizeof path, MODEL "/sessions/%s/step", id);
        snprintf(body, sizeof body, "{\"x\":[%u],\"seq\":%u,\"horizon\":3%s}",
                 300 + number * 7 % 10, number, fields);
        answer_free(&answer);
        answer = request(daemon, "POST", path, body);
        ck_assert_msg(answer.code == 200, "%s", answer.body);
    }
    return answer;
}

TEST(a_session_begins_with_persistence)
{
    struct daemon daemon = start();
    struct answer answer = send_steps(&daemon, "s", 1, 1, ",\"blend\":true,\"level\":0.9");
    ck_assert_msg(strstr(answer.body, "\"y\":[307],\"forecast\":[[307],[307],[307]],") &&
                      strstr(answer.body, "\"blend\":{\"weights\":{\"model\":0,\"persistence\":1,"
                                          "\"level\":0}}}") &&
                      strstr(answer.body, "\"lower\":[[null],[null],[null]]"),
                  "%s", answer.body);
    answer_free(&answer);
    expect(&daemon, "POST", MODEL "/steps",
           "{\"steps\":[{\"session\":\"t\",\"x\":[5],\"blend\":true}]}", 200,
           "\"y\":[5],\"blend\":{\"weights\":{\"model\":0,\"persistence\":1,\"level\":0}}");
    /* One that has never asked. */
    answer = send_steps(&daemon, "plain", 1, 5, "");
    ck_assert_ptr_null(strstr(answer.body, "blend"));
    answer_free(&answer);
    expect(&daemon, "POST", MODEL "/sessions/plain/forecast", "{\"horizon\":2,\"blend\":true}", 200,
           "\"forecast\":[[305],[305]],\"blend\":{\"weights\":{\"model\":0,\"persistence\":1,");
    daemon_stop(&daemon);
}

/* And what a forecast says is what the last step said. */
TEST(a_session_that_was_killed_has_the_same_mixture)
{
    struct daemon daemon = start();
    static const char fields[] = ",\"blend\":true,\"level\":0.9";
    struct answer before = send_steps(&daemon, "s", 1, 80, fields);
    const char *told = strstr(before.body, "\"forecast\":");
    ck_assert_msg(told && strstr(told, "\"lower\":[[") && !strstr(told, "null"), "%s", before.body);
    struct answer forecast = request(&daemon, "POST", MODEL "/sessions/s/forecast",
                                     "{\"horizon\":3,\"level\":0.9,\"blend\":true}");
    ck_assert_msg(forecast.code == 200 && strstr(forecast.body, told), "%s", forecast.body);
    answer_free(&forecast);
    daemon_kill(&daemon);
    daemon_start_again(&daemon, (const char *const[]){ "--workers", "1", NULL });
    struct answer again = send_steps(&daemon, "s", 80, 80, fields);
    ck_assert_str_eq(again.body, before.body);
    answer_free(&again);
    answer_free(&before);
    /* What GET gives is taken back. */
    struct answer got = request(&daemon, "GET", MODEL "/sessions/s", NULL);
    ck_assert_msg(strstr(got.body, "\"parts\":[\"blend\"]") != NULL, "%s", got.body);
    struct answer put = request(&daemon, "PUT", MODEL "/sessions/copy", got.body);
    ck_assert_msg(put.code == 201, "%s", put.body);
    answer_free(&put);
    answer_free(&got);
    struct answer ours = send_steps(&daemon, "s", 81, 90, fields),
                  theirs = send_steps(&daemon, "copy", 81, 90, fields);
    ck_assert_str_eq(strstr(theirs.body, "\"step\":"), strstr(ours.body, "\"step\":"));
    answer_free(&ours);
    answer_free(&theirs);
    daemon_stop(&daemon);
}

TEST(what_cannot_be_mixed_is_refused)
{
    struct daemon daemon = start();
    expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[1],\"blend\":1}", 400,
           "\"param\":\"blend\"");
    expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[1],\"blend\":true,\"horizon\":25}",
           400, "--interval-horizon-max");
    expect(&daemon, "POST", MODEL "/predict", "{\"x\":[[1]],\"blend\":true}", 400,
           "\"param\":\"blend\"");
    expect(&daemon, "POST", MODEL "/evaluate", "{\"x\":[[1],[2]],\"blend\":true}", 400,
           "\"param\":\"blend\"");
    expect(&daemon, "GET", MODEL "/sessions/s", NULL, 404, "");
    daemon_kill(&daemon);
    daemon_start_again(&daemon,
                       (const char *const[]){ "--workers", "1", "--interval-levels", "", NULL });
    expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[1],\"blend\":true}", 400,
           "--interval-levels");
    daemon_stop(&daemon);
}
