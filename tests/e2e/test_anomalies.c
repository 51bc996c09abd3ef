/* How unusual readings are, over HTTP. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "/v1/models/meter"

enum { BODY_SIZE = 8192 };

static struct daemon start(const char *outputs)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "1", NULL });
    daemon_add_model(&daemon, "meter",
                     (const char *const[]){ "--inputs", "temp,flow", "--outputs", outputs,
                                            "--layers", "4", NULL });
    return daemon;
}

static int reading(int k)
{
    return k * 7 % 10;
}

/* The k-th step of a session, whose reply is to be freed. */
static struct answer step(const struct daemon *daemon, const char *session, int k, double temp)
{
    char path[128], body[128];
    snprintf(path, sizeof path, MODEL "/sessions/%s/step", session);
    snprintf(body, sizeof body, "{\"x\":[%g,1],\"seq\":%d,\"anomaly\":true}", temp, k);
    struct answer answer = request(daemon, "POST", path, body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    return answer;
}

static void steps(const struct daemon *daemon, const char *session, int first, int last)
{
    for (int k = first; k <= last; k++) {
        struct answer answer = step(daemon, session, k, reading(k));
        ck_assert_msg(
            strstr(answer.body, k <= 41 ? ",\"anomaly\":null}" : ",\"anomaly\":{\"p_value\":"),
            "%d: %s", k, answer.body);
        answer_free(&answer);
    }
}

/* -1: there is none. */
static double p_value(const char *reply)
{
    const char *value = strstr(reply, "\"p_value\":");
    return value ? strtod(value + strlen("\"p_value\":"), NULL) : -1;
}

TEST(a_reading_that_is_far_off_has_a_small_p_value)
{
    struct daemon daemon = start("temp");
    steps(&daemon, "s", 1, 150);
    struct answer usual = step(&daemon, "s", 151, reading(151));
    struct answer far = step(&daemon, "s", 152, 500), again = step(&daemon, "s", 152, 500);
    ck_assert(p_value(usual.body) > 0.02 && p_value(usual.body) <= 1);
    ck_assert(p_value(far.body) > 0 && p_value(far.body) < 0.01);
    ck_assert_str_eq(far.body, again.body);
    ck_assert_ptr_null(strstr(far.body, "by_output"));
    expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[null,1],\"anomaly\":true}", 200,
           ",\"missing\":[\"temp\"],\"anomaly\":null}");
    struct answer silent =
        request(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[1,1],\"anomaly\":false}");
    ck_assert(silent.code == 200 && !strstr(silent.body, "anomaly"));
    answer_free(&usual);
    answer_free(&far);
    answer_free(&again);
    answer_free(&silent);
    daemon_stop(&daemon);
}

TEST(many_steps_are_told_one_by_one)
{
    struct daemon daemon = start("temp,flow");
    char body[BODY_SIZE], lines[BODY_SIZE];
    int n = snprintf(body, sizeof body, "{\"steps\":["), n_lines = 0; /* of each */
    for (int k = 1; k <= 60; k++) {
        n += snprintf(body + n, sizeof body - (size_t)n,
                      "%s{\"session\":\"a\",\"x\":[%d,%d],\"anomaly\":true}", k > 1 ? "," : "",
                      reading(k), reading(k + 3));
        n_lines += snprintf(lines + n_lines, sizeof lines - (size_t)n_lines,
                            "{\"session\":\"b\",\"x\":[%d,%d],\"anomaly\":true}\n", reading(k),
                            reading(k + 3));
    }
    snprintf(body + n, sizeof body - (size_t)n, "]}");
    struct answer whole = request(&daemon, "POST", MODEL "/steps", body);
    struct answer streamed = request_typed(&daemon, "POST", MODEL "/steps", "application/x-ndjson",
                                           lines, strlen(lines));
    ck_assert(whole.code == 200 && streamed.code == 200);
    const char *a = strstr(whole.body, ",\"anomaly\":{\"p_value\":"),
               *b = strstr(streamed.body, ",\"anomaly\":{\"p_value\":");
    ck_assert(a && b);
    ck_assert(strstr(a, ",\"by_output\":{\"temp\":") && strstr(a, ",\"flow\":"));
    ck_assert(strstr(b, ",\"by_output\":{\"temp\":") && strstr(b, ",\"flow\":"));
    answer_free(&whole);
    answer_free(&streamed);
    daemon_stop(&daemon);
}

/* Beside one that is not disturbed: what is killed, what is read and restored, what is forked. */
TEST(what_is_killed_or_restored_goes_on_undisturbed)
{
    char body[BODY_SIZE];
    struct daemon daemon = start("temp");
    steps(&daemon, "s", 1, 100);
    struct answer session = request(&daemon, "GET", MODEL "/sessions/s", NULL);
    ck_assert_ptr_nonnull(strstr(session.body, "\"parts\":[\"anomaly\"]"));
    ck_assert_uint_lt(session.n_body, BODY_SIZE);
    snprintf(body, sizeof body, "%s", session.body);
    expect(&daemon, "PUT", MODEL "/sessions/t", body, 201, NULL);
    expect(&daemon, "POST", MODEL "/sessions/s/fork", "{\"to\":\"u\"}", 201, NULL);
    for (int k = 101; k <= 110; k++) {
        struct answer s = step(&daemon, "s", k, reading(k) + k % 3);
        ck_assert_double_ge(p_value(s.body), 0);
        if (k == 105) {
            daemon_kill(&daemon);
            daemon_start_again(&daemon, NULL);
        }
        struct answer t = step(&daemon, "t", k, reading(k) + k % 3),
                      u = step(&daemon, "u", k, reading(k) + k % 3);
        ck_assert_double_eq(p_value(t.body), p_value(s.body));
        ck_assert_double_eq(p_value(u.body), p_value(s.body));
        answer_free(&s);
        answer_free(&t);
        answer_free(&u);
    }
    answer_free(&session);
    daemon_stop(&daemon);
}

TEST(where_no_truth_comes_there_is_nothing_to_compare_with)
{
    struct daemon daemon = start("comfort");
    for (int k = 0; k < 50; k++) {
        expect(&daemon, "POST", MODEL "/sessions/s/step", "{\"x\":[1,2],\"anomaly\":true}", 200,
               ",\"anomaly\":null}");
    }
    daemon_stop(&daemon);
}
