/* Readings with times over HTTP: order, repetition, gaps, and what the daemon knows after a kill.
 */
#include "daemon.h"
#include "test.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MODEL "/v1/models/timed"
#define STEP  MODEL "/sessions/pump-7/step"

static struct daemon start_with(const char *const *options)
{
    static const char *const made[] = { "--inputs",           "temp,humidity", "--outputs",
                                        "temp,humidity",      "--layers",      "4",
                                        "--interval-seconds", "600",           NULL };
    struct daemon daemon = daemon_start(options);
    daemon_add_model(&daemon, "timed", made);
    return daemon;
}

static struct daemon start(void)
{
    return start_with(NULL);
}

static void expect_metric(const struct daemon *daemon, const char *text)
{
    const time_t end = time(NULL) + 60;
    bool found = false;
    while (!found && time(NULL) < end) {
        struct answer metrics = request(daemon, "GET", "/metrics", NULL);
        found = strstr(metrics.body, text) != NULL;
        answer_free(&metrics);
    }
    ck_assert_msg(found, "no %s", text);
}

TEST(readings_come_in_the_order_of_their_times)
{
    struct daemon daemon = start();
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":1763668800}", 200, "\"step\":1,");
    struct answer second = request(&daemon, "POST", STEP, "{\"x\":[3,4],\"at\":1763669400.25}");
    ck_assert_int_eq(second.code, 200);
    ck_assert_ptr_null(strstr(second.body, "filled"));
    expect(&daemon, "POST", STEP, "{\"x\":[3,4],\"at\":\"2025-11-20T22:10:00.250+02:00\"}", 200,
           second.body);
    expect(&daemon, "POST", STEP, "{\"x\":[3,5],\"at\":1763669400.25}", 409,
           "{\"error\":{\"code\":\"late_reading\"");
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":1763668800}", 409,
           "\"param\":\"at\",\"last_at\":1763669400.25}}");
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":1763668800,\"late\":\"amend\"}", 501,
           "\"code\":\"amend_off\"");
    expect(&daemon, "GET", MODEL "/sessions/pump-7", NULL, 200,
           "\"time\":{\"last_at\":1763669400.25}");
    expect_metric(&daemon, "grud_late_readings_total{outcome=\"refused\"} 2\n");
    expect_metric(&daemon, "grud_repeated_readings_total 1\n");
    answer_free(&second);
    daemon_stop(&daemon);
}

static void expect_same_session(const struct daemon *daemon, const char *one, const char *other)
{
    char paths[2][96];
    snprintf(paths[0], sizeof paths[0], MODEL "/sessions/%s", one);
    snprintf(paths[1], sizeof paths[1], MODEL "/sessions/%s", other);
    struct answer a = request(daemon, "GET", paths[0], NULL);
    struct answer b = request(daemon, "GET", paths[1], NULL);
    ck_assert(a.code == 200 && b.code == 200);
    ck_assert_msg(strcmp(strstr(a.body, "\"state\":"), strstr(b.body, "\"state\":")) == 0,
                  "%s and %s", a.body, b.body);
    answer_free(&a);
    answer_free(&b);
}

/* A device that sends what it could not send at its time, corrects a reading, and is killed. */
TEST(late_readings_are_put_in_their_place)
{
    static const char *const amending[] = { "--amend", "yes", NULL };
    static const char lines[] =
        "{\"session\":\"order\",\"x\":[1,2],\"at\":1763668800}\n"
        "{\"session\":\"order\",\"x\":[3,4],\"at\":1763669400}\n"
        "{\"session\":\"order\",\"x\":[5,6],\"at\":1763670000}\n"
        "{\"session\":\"pump-7\",\"x\":[1,9],\"at\":1763668800}\n"
        "{\"session\":\"pump-7\",\"x\":[5,6],\"at\":1763670000}\n"
        "{\"session\":\"pump-7\",\"x\":[3,4],\"at\":1763669400,\"late\":\"amend\"}\n"
        "{\"session\":\"pump-7\",\"x\":[1,2],\"step\":1,\"late\":\"amend\"}\n";
    struct daemon daemon = start_with(amending);
    struct answer answer = request_typed(&daemon, "POST", MODEL "/steps", "application/x-ndjson",
                                         lines, strlen(lines));
    const char *late = strstr(answer.body, "\"amended\":2}\n");
    ck_assert_msg(late && strstr(late, "\"step\":3,") && strstr(late, "\"amended\":1}\n"), "%s",
                  answer.body);
    expect_same_session(&daemon, "order", "pump-7");
    daemon_kill(&daemon);
    daemon_start_again(&daemon, amending);
    expect_same_session(&daemon, "order", "pump-7");
    expect(&daemon, "POST", STEP, "{\"x\":[3,4],\"at\":1763669400}", 200, "\"repeated\":true");
    expect(&daemon, "POST", STEP, "{\"x\":[3,5],\"at\":1763669400}", 409, "late_reading");
    expect(&daemon, "POST", STEP, "{\"x\":[1,1],\"late\":\"amend\",\"step\":4}", 400, "3 steps");
    expect(&daemon, "POST", MODEL "/sessions/nobody/step",
           "{\"x\":[1,1],\"late\":\"amend\",\"step\":1}", 404, "session_not_found");
    daemon_kill(&daemon);
    daemon_start_again(&daemon, NULL); /* without it sessions are what they were */
    expect_same_session(&daemon, "order", "pump-7");
    daemon_kill(&daemon);
    daemon_start_again(&daemon, amending);
    expect(&daemon, "POST", STEP, "{\"x\":[1,1],\"late\":\"amend\",\"step\":2}", 409, "too_late");
    expect_same_session(&daemon, "order", "pump-7");
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(a_gap_is_filled_or_begins_the_session_anew)
{
    struct daemon daemon = start();
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":1763668800}", 200, "\"step\":1,");
    struct answer filled =
        request(&daemon, "POST", STEP, "{\"x\":[3,4],\"at\":1763671200,\"horizon\":2}");
    ck_assert_msg(strstr(filled.body, "\"step\":5,") && strstr(filled.body, "\"filled\":3}"), "%s",
                  filled.body);
    expect(&daemon, "POST", STEP, "{\"x\":[3,4],\"at\":1763671200,\"horizon\":2}", 200,
           filled.body);
    struct answer anew = request(&daemon, "POST", STEP, "{\"x\":[5,6],\"at\":1763841200}");
    ck_assert_msg(strstr(anew.body, "\"step\":6,") && strstr(anew.body, "\"restarted\":true}"),
                  "%s", anew.body);
    struct answer fresh =
        request(&daemon, "POST", MODEL "/sessions/fresh/step", "{\"x\":[5,6],\"at\":0}");
    const char *y = strstr(fresh.body, "\"y\":[");
    ck_assert_msg(strncmp(strstr(anew.body, "\"y\":["), y, strcspn(y, "]")) == 0, "%s and %s",
                  anew.body, fresh.body);
    daemon_kill(&daemon);
    daemon_start_again(&daemon, NULL);
    expect(&daemon, "POST", STEP, "{\"x\":[5,6],\"at\":1763841200}", 200, anew.body);
    expect(&daemon, "POST", STEP, "{\"x\":[5,6],\"at\":1763841199}", 409, "late_reading");
    expect(&daemon, "POST", STEP, "{\"x\":[5,6],\"at\":1763842400}", 200, "\"filled\":1}");
    answer_free(&filled);
    answer_free(&anew);
    answer_free(&fresh);
    daemon_stop(&daemon);
}

TEST(batches_and_lines_have_times)
{
    static const char lines[] = "{\"session\":\"l\",\"x\":[1,2],\"at\":\"2025-11-20T20:00:00Z\"}\n"
                                "{\"session\":\"l\",\"x\":[3,4],\"at\":\"2025-11-20T20:00:00\"}\n"
                                "{\"session\":\"l\",\"x\":[3,4],\"at\":\"2025-11-20T20:20:00Z\"}\n"
                                "{\"session\":\"l\",\"x\":[3,4],\"at\":\"2025-11-20T20:10:00Z\"}\n";
    static const char batch[] = "{\"steps\":["
                                "{\"session\":\"b\",\"x\":[1,2],\"at\":600,\"seq\":1},"
                                "{\"session\":\"b\",\"x\":[3,4],\"at\":1200,\"seq\":2},"
                                "{\"session\":\"b\",\"x\":[5,6],\"at\":2400,\"seq\":4}]}";
    struct daemon daemon = start();
    struct answer answer = request_typed(&daemon, "POST", MODEL "/steps", "application/x-ndjson",
                                         lines, strlen(lines));
    static const char *const in_order[] = { "\"step\":1,", "has no offset", "\"step\":3,",
                                            "\"filled\":1}", "\"last_at\":1763670000}" };
    const char *p = answer.body;
    for (size_t k = 0; k < sizeof in_order / sizeof *in_order; k++) {
        p = strstr(p, in_order[k]);
        ck_assert_msg(p != NULL, "no %s in its place in %s", in_order[k], answer.body);
    }
    answer_free(&answer);
    expect(&daemon, "POST", MODEL "/steps", batch, 200, "\"filled\":1}]}");
    expect(&daemon, "POST", MODEL "/steps", batch, 200,
           "{\"results\":[{\"session\":\"b\",\"step\":1,\"repeated\":true},"
           "{\"session\":\"b\",\"step\":2,\"repeated\":true},{\"session\":\"b\",\"step\":4,");
    daemon_stop(&daemon);
}

TEST(a_time_that_is_none_is_refused_and_changes_nothing)
{
    static const struct {
        const char *at, *said;
    } rows[] = {
        { "\"NaN\"", "RFC 3339" },
        { "NaN", "invalid_json" },
        { "1e308", "\"param\":\"at\"" },
        { "-1e308", "\"param\":\"at\"" },
        { "100000000000.1", "milliseconds" },
        { "-1763668800000", "milliseconds" },
        { "1763668800000000", "microseconds" },
        { "null", "invalid_type" },
        { "[1]", "invalid_type" },
        { "\"\"", "RFC 3339" },
        { "\"2025-11-20T20:00:00\"", "offset" },
        { "\"2025-02-29T20:00:00Z\"", "no such date" },
        { "\"2025-11-20T20:00:00Z\\u0000\"", "RFC 3339" },
        { "\"0000-00-00T00:00:00Z\"", "no such date" },
        { "\"10000-01-01T00:00:00Z\"", "RFC 3339" },
    };
    static const char *const taken[] = { "-1e11", "\"0000-01-01T00:00:00Z\"",  "-0.0", "1e-300",
                                         "1e11",  "\"9999-12-31T23:59:59.9Z\"" };
    struct daemon daemon = start();
    char body[200];
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        snprintf(body, sizeof body, "{\"x\":[1,2],\"at\":%s}", rows[k].at);
        expect(&daemon, "POST", STEP, body, 400, rows[k].said);
    }
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":1,\"late\":\"drop\"}", 400,
           "\"param\":\"late\"");
    expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"late\":\"amend\"}", 400, "\"param\":\"at\"");
    expect(&daemon, "GET", MODEL "/sessions/pump-7", NULL, 404, NULL);
    for (size_t k = 0; k < sizeof taken / sizeof *taken; k++) {
        char step[32];
        snprintf(step, sizeof step, "\"step\":%zu,", k + 1);
        snprintf(body, sizeof body, "{\"x\":[1,2],\"at\":%s}", taken[k]);
        expect(&daemon, "POST", STEP, body, 200, step);
        if (k == 2) {
            expect(&daemon, "POST", STEP, "{\"x\":[1,2],\"at\":0}", 200, "\"step\":3,");
        }
    }
    struct answer session = request(&daemon, "GET", MODEL "/sessions/pump-7", NULL);
    expect(&daemon, "PUT", MODEL "/sessions/copy", session.body, 201, NULL);
    struct answer copy = request(&daemon, "GET", MODEL "/sessions/copy", NULL);
    ck_assert_str_eq(strstr(session.body, "\"time\""), strstr(copy.body, "\"time\""));
    answer_free(&session);
    answer_free(&copy);
    daemon_stop(&daemon);
}
