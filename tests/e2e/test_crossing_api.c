/* Thresholds over HTTP. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL     "/v1/models/meter"
#define THRESHOLD "\"crossing\":{\"output\":\"temp\",\"above\":8}"

static struct daemon start(const char *option, const char *value)
{
    struct daemon daemon =
        daemon_start((const char *const[]){ "--workers", "1", option, value, NULL });
    daemon_add_model(&daemon, "meter",
                     (const char *const[]){ "--inputs", "temp,wind", "--outputs", "temp",
                                            "--layers", "4", "--residual", NULL });
    return daemon;
}

static struct answer send_step(const struct daemon *daemon, unsigned number, const char *fields)
{
    char body[512];
    snprintf(body, sizeof body, "{\"x\":[%u,1],\"seq\":%u,\"horizon\":3,\"future\":[[1],[2]],%s}",
             number * 7 % 10, number, fields);
    struct answer answer = request(daemon, "POST", MODEL "/sessions/s/step", body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    return answer;
}

static const char *crossing_in(const struct answer *answer)
{
    const char *crossing = strstr(answer->body, "\"crossing\":{\"ahead\":");
    ck_assert_msg(crossing != NULL, "%s", answer->body);
    return crossing;
}

TEST(a_step_and_a_forecast_tell_the_same_and_so_does_a_grud_that_was_killed)
{
    struct daemon daemon = start("--log-level", "info");
    struct answer answer = send_step(&daemon, 1, THRESHOLD);
    ck_assert_ptr_nonnull(
        strstr(crossing_in(&answer), "\"probability\":null,\"by_horizon\":null}}"));
    for (unsigned number = 2; number <= 60; number++) {
        answer_free(&answer);
        answer = send_step(&daemon, number, THRESHOLD);
        ck_assert_ptr_null(strstr(answer.body, "\"intervals\""));
    }
    const char *told = crossing_in(&answer);
    const double probability = number_in(told, "probability");
    ck_assert(probability > 0 && probability < 1);
    ck_assert_ptr_null(strstr(strstr(told, "probability"), "null"));
    struct answer forecast = request(&daemon, "POST", MODEL "/sessions/s/forecast",
                                     "{\"horizon\":3,\"future\":[[1],[2]]," THRESHOLD "}");
    ck_assert_int_eq(forecast.code, 200);
    ck_assert_str_eq(crossing_in(&forecast), told);
    answer_free(&forecast);
    daemon_kill(&daemon);
    daemon_start_again(&daemon, (const char *const[]){ "--workers", "1", NULL });
    struct answer again = send_step(&daemon, 60, THRESHOLD);
    ck_assert_str_eq(again.body, answer.body);
    answer_free(&again);
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(batches_lines_and_levels_have_it_too)
{
    struct daemon daemon = start("--log-level", "info");
    struct answer answer;
    for (unsigned number = 1; number <= 30; number++) {
        answer = send_step(&daemon, number, "\"level\":0.9," THRESHOLD);
        answer_free(&answer);
    }
    static const char element[] = "{\"session\":\"s\",\"x\":[9,1],\"horizon\":3,"
                                  "\"future\":[[1],[2]],\"as\":\"records\",\"level\":[0.8,0.95],"
                                  "\"crossing\":{\"output\":\"temp\",\"below\":8}}";
    char body[1024];
    snprintf(body, sizeof body, "{\"steps\":[%s,{\"session\":\"s\",\"x\":[9,1]," THRESHOLD "}]}",
             element);
    answer = request(&daemon, "POST", MODEL "/steps", body);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_msg(strstr(answer.body, "\"intervals\":[{\"level\":0.8,") &&
                      strstr(answer.body, "\"saturated\":false}],\"crossing\":{\"ahead\":"),
                  "%s", answer.body);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"param\":\"horizon\""));
    answer_free(&answer);
    answer = request_typed(&daemon, "POST", MODEL "/steps", "application/x-ndjson", element,
                           sizeof element - 1);
    ck_assert_int_eq(answer.code, 200);
    ck_assert(number_in(crossing_in(&answer), "probability") > 0);
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(what_cannot_be_asked_is_refused_by_its_field)
{
    static const struct {
        const char *fields, *param;
    } bad[] = {
        { "\"horizon\":2,\"crossing\":{\"output\":\"temp\",\"above\":1,\"below\":1}",
          "\"param\":\"crossing.below\"" },
        { "\"horizon\":2,\"crossing\":{\"output\":\"temp\"}", "\"param\":\"crossing.above\"" },
        { "\"horizon\":2,\"crossing\":{\"above\":1}", "\"param\":\"crossing.output\"" },
        { "\"horizon\":2,\"crossing\":{\"output\":\"wind\",\"above\":1}",
          "\"param\":\"crossing.output\"" },
        { "\"horizon\":2,\"crossing\":{\"output\":\"temp\",\"above\":1e999}",
          "\"param\":\"crossing.above\"" },
        { "\"horizon\":2,\"crossing\":{\"output\":\"temp\",\"above\":1,\"ahead\":3}",
          "\"param\":\"crossing.ahead\"" },
        { "\"horizon\":7,\"crossing\":{\"output\":\"temp\",\"above\":1}", "\"param\":\"horizon\"" },
    };
    struct daemon daemon = start("--interval-horizon-max", "6");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"x\":[1,1],\"future\":[[1],[1],[1],[1],[1],[1]],%s}",
                 bad[i].fields);
        expect(&daemon, "POST", MODEL "/sessions/s/step", body, 400, bad[i].param);
    }
    expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[1,1]," THRESHOLD "}", 400,
           "\"param\":\"horizon\"");
    expect(&daemon, "GET", MODEL "/sessions/s", NULL, 404, NULL); /* nothing has changed */
    expect(&daemon, "POST", MODEL "/predict",
           "{\"x\":[[1,1]],\"horizon\":1,\"crossing\":{\"output\":\"temp\",\"above\":1}}", 400,
           "unknown_field");
    daemon_stop(&daemon);
    daemon = start("--interval-levels", "");
    expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[1,1],\"horizon\":1," THRESHOLD "}",
           400, "--interval-levels");
    daemon_stop(&daemon);
}

/* As with `level`: nobody tells what such an output should have been. */
TEST(an_output_that_feeds_no_input_has_no_probability)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "1", NULL });
    daemon_add_model(&daemon, "blind",
                     (const char *const[]){ "--inputs", "temp", "--outputs", "fault", "--layers",
                                            "4", "--steps", "3", NULL });
    for (unsigned number = 1; number <= 30; number++) {
        expect(&daemon, "POST", "/v1/models/blind/sessions/s/step",
               "{\"x\":[1],\"crossing\":{\"output\":\"fault\",\"above\":-100}}", 200,
               "\"crossing\":{\"ahead\":1,\"probability\":null,\"by_horizon\":null}}");
    }
    daemon_stop(&daemon);
}
