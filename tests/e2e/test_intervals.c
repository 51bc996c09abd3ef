/* Prediction intervals over HTTP. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define MODEL "/v1/models/meter"

enum { BODY_SIZE = 8192 };

static struct daemon start(void)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "1", NULL });
    daemon_add_model(&daemon, "meter",
                     (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers",
                                            "4", "--residual", NULL });
    return daemon;
}

/* {"x":[[0],[7],...],FIELDS} */
static void put_body(char body[BODY_SIZE], size_t n_rows, const char *fields)
{
    int n = snprintf(body, BODY_SIZE, "{\"x\":[");
    for (size_t row = 0; row < n_rows; row++) {
        n += snprintf(body + n, BODY_SIZE - (size_t)n, "%s[%zu]", row > 0 ? "," : "", row * 7 % 10);
    }
    snprintf(body + n, BODY_SIZE - (size_t)n, "],%s}", fields);
}

TEST(a_sequence_has_intervals_from_its_own_errors)
{
    struct daemon daemon = start();
    char body[BODY_SIZE];
    put_body(body, 100, "\"level\":[0.9,0.8],\"horizon\":3,\"return\":\"last\"");
    struct answer answer = request(&daemon, "POST", MODEL "/predict", body);
    ck_assert_int_eq(answer.code, 200);
    const char *intervals = strstr(answer.body, "\"intervals\":[{\"level\":0.8,\"lower\":[[");
    ck_assert_msg(intervals != NULL, "%s", answer.body);
    ck_assert_ptr_nonnull(strstr(intervals, ",{\"level\":0.9,\"lower\":[["));
    ck_assert_ptr_nonnull(strstr(intervals, "\"observed\":[78,"));
    ck_assert_ptr_nonnull(strstr(intervals, "\"saturated\":false}]}"));
    ck_assert_ptr_null(strstr(intervals, "null"));
    answer_free(&answer);
    put_body(body, 10, "\"level\":0.9");
    answer = request(&daemon, "POST", MODEL "/predict", body);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"intervals\":[{\"level\":0.9,\"lower\":[[null]],"
                                              "\"upper\":[[null]],\"coverage\":[null],"
                                              "\"observed\":[0],\"saturated\":false}]}"));
    answer_free(&answer);
    put_body(body, 10, "\"level\":0.85");
    answer = request(&daemon, "POST", MODEL "/predict", body);
    ck_assert_int_eq(answer.code, 400);
    ck_assert_ptr_nonnull(strstr(answer.body, "0.8, 0.9, 0.95"));
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(levels_that_are_no_shares_end_the_start)
{
    static const char *const bad[] = { "90", "0.9,0.8", "1", "0.9," };
    for (size_t i = 0; i < 4; i++) {
        char output[1024];
        ck_assert_int_eq(
            daemon_run((const char *const[]){ "check-config", "--interval-levels", bad[i], NULL },
                       output, sizeof output),
            2);
        ck_assert_ptr_nonnull(strstr(output, "interval-levels"));
    }
}

/* Sends steps first to last with a level, and returns the last answer. */
static struct answer send_steps(const struct daemon *daemon, unsigned first, unsigned last)
{
    struct answer answer = { .code = 0 };
    for (unsigned number = first; number <= last; number++) {
        char body[128];
        snprintf(body, sizeof body, "{\"x\":[%u],\"seq\":%u,\"level\":[0.8,0.9],\"horizon\":3}",
                 number * 7 % 10, number);
        answer_free(&answer);
        answer = request(daemon, "POST", MODEL "/sessions/s/step", body);
        ck_assert_msg(answer.code == 200, "%s", answer.body);
    }
    return answer;
}

TEST(what_a_session_says_of_its_intervals_can_be_put_back)
{
    struct daemon daemon = start();
    struct answer answer = send_steps(&daemon, 1, 60);
    answer_free(&answer);
    answer = request(&daemon, "GET", MODEL "/sessions/s", NULL);
    ck_assert_int_eq(answer.code, 200);
    const char *errors = strstr(answer.body, "\"errors\":{\"n\":[59],");
    ck_assert_msg(errors && strstr(errors, ",\"mase\":[") && strstr(errors, ",\"recent_mae\":[[") &&
                      strstr(errors, ",\"intervals\":[{\"level\":0.8,\"coverage\":[") &&
                      strstr(errors, ",\"recent_coverage\":[") &&
                      strstr(errors, ",\"observed\":[39,") && strstr(errors, ",\"width\":[["),
                  "%s", answer.body);
    struct answer put = request(&daemon, "PUT", MODEL "/sessions/s", answer.body);
    ck_assert_msg(put.code == 200, "%s", put.body);
    answer_free(&put);
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(a_session_that_was_killed_has_the_same_intervals)
{
    struct daemon daemon = start();
    struct answer before = send_steps(&daemon, 1, 60);
    const char *intervals = strstr(before.body, "\"intervals\":[{\"level\":0.8,");
    ck_assert_msg(intervals != NULL, "%s", before.body);
    ck_assert_ptr_null(strstr(intervals, "null"));
    struct answer forecast = request(&daemon, "POST", MODEL "/sessions/s/forecast",
                                     "{\"horizon\":3,\"level\":[0.8,0.9]}");
    ck_assert_int_eq(forecast.code, 200);
    ck_assert_msg(strstr(forecast.body, intervals) != NULL, "%s", forecast.body);
    answer_free(&forecast);
    daemon_kill(&daemon);
    daemon_start_again(&daemon, (const char *const[]){ "--workers", "1", NULL });
    struct answer again = send_steps(&daemon, 60, 60);
    ck_assert_str_eq(again.body, before.body);
    answer_free(&again);
    answer_free(&before);
    expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[1],\"level\":0.99}", 400, "0.95");
    expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[1],\"level\":0.9,\"horizon\":25}",
           400, "1 to 24");
    daemon_stop(&daemon);
}

/* What a session's GET gave, without what belongs to the moment and the name. */
static char *calibration_in(const struct answer *answer)
{
    char *calibration = strstr(answer->body, "\"calibration\":");
    ck_assert_msg(calibration != NULL, "%s", answer->body);
    return calibration;
}

/* Step `number` of both, with the same answer but for the name. */
static void expect_same_step(const struct daemon *daemon, const char *a, const char *b,
                             unsigned number)
{
    const char *const ids[] = { a, b };
    struct answer answers[2];
    for (size_t i = 0; i < 2; i++) {
        char path[128], body[128];
        snprintf(path, sizeof path, MODEL "/sessions/%s/step", ids[i]);
        snprintf(body, sizeof body, "{\"x\":[%u],\"level\":[0.8,0.9],\"horizon\":3}",
                 number * 7 % 10);
        answers[i] = request(daemon, "POST", path, body);
        ck_assert_msg(answers[i].code == 200, "%s", answers[i].body);
    }
    ck_assert_str_eq(strstr(answers[0].body, "\"step\""), strstr(answers[1].body, "\"step\""));
    answer_free(&answers[0]);
    answer_free(&answers[1]);
}

TEST(a_session_that_is_put_elsewhere_has_the_same_intervals)
{
    struct daemon daemon = start();
    struct answer last = send_steps(&daemon, 1, 60);
    answer_free(&last);
    struct answer before = request(&daemon, "GET", MODEL "/sessions/s", NULL);
    ck_assert_ptr_nonnull(strstr(before.body, "\"calibration\":{\"format\":2,\"step\":60,"
                                              "\"levels\":[0.8,0.9,0.95],\"horizons\":4,"));
    expect(&daemon, "PUT", MODEL "/sessions/t", before.body, 201, calibration_in(&before));
    expect(&daemon, "POST", MODEL "/sessions/s/fork", "{\"to\":\"fork\"}", 201, NULL);
    expect(&daemon, "GET", MODEL "/sessions/fork", NULL, 200, calibration_in(&before));
    daemon_kill(&daemon);
    daemon_start_again(&daemon, (const char *const[]){ "--workers", "1", NULL });
    expect(&daemon, "GET", MODEL "/sessions/t", NULL, 200, calibration_in(&before));
    for (unsigned number = 61; number <= 70; number++) {
        expect_same_step(&daemon, "t", "fork", number);
    }
    expect(&daemon, "PUT", MODEL "/sessions/t", "{\"calibration\":null}", 200,
           "\"calibration\":null");
    /* A bound that is no number, and one that was cut. */
    char *calibration = strstr(before.body, "\"calibration\"");
    char *bytes = strstr(calibration, "\"bytes\":\"") + strlen("\"bytes\":\"");
    memcpy(bytes, "////////", 8);
    expect(&daemon, "PUT", MODEL "/sessions/t", before.body, 400, "calibration.bytes");
    memcpy(bytes, "AA\" ", 4);
    expect(&daemon, "PUT", MODEL "/sessions/t", before.body, 400, NULL);
    expect(&daemon, "GET", MODEL "/sessions/t", NULL, 200, "\"calibration\":null");
    answer_free(&before);
    daemon_stop(&daemon);
}

TEST(another_grud_takes_the_levels_that_it_offers)
{
    struct daemon daemon = start();
    struct answer last = send_steps(&daemon, 1, 60);
    answer_free(&last);
    struct answer before = request(&daemon, "GET", MODEL "/sessions/s", NULL);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_start_again(&daemon,
                       (const char *const[]){ "--workers", "1", "--interval-levels", "0.9", NULL });
    expect(&daemon, "PUT", MODEL "/sessions/t", before.body, 201, "\"levels\":[0.9],");
    expect(&daemon, "POST", MODEL "/sessions/t/step", "{\"x\":[1],\"level\":0.9}", 200,
           "\"observed\":[40]");
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_start_again(&daemon,
                       (const char *const[]){ "--workers", "1", "--interval-levels", "", NULL });
    expect(&daemon, "PUT", MODEL "/sessions/u", before.body, 201, "\"calibration\":null");
    answer_free(&before);
    daemon_stop(&daemon);
}
