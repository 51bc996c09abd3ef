/* Steps that look far ahead, and many at once: they give way to others, and are answered in order.
 */
#include "long_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAR_STEP "\"x\":[1.5],\"horizon\":1000000}"

/* Whichever way a step with a long forecast comes, others are served before it is answered, and a
 * client that hangs up leaves its session as it was. */
static void expect_others_before(const char *path, const char *type, const char *body)
{
    struct daemon daemon = long_start();
    int fd = client_connect(&daemon);
    client_send_request(fd, "POST", path, NULL, type, body, strlen(body));
    long_ask_others(&daemon);
    ck_assert(!long_has_answer(fd));
    expect(&daemon, "GET", LONG_MODEL "/sessions/far", NULL, 404, NULL);
    close(fd);
    long_wait_until_given_up(&daemon);
    expect(&daemon, "GET", LONG_MODEL "/sessions/far", NULL, 404, NULL);
    daemon_stop(&daemon);
}

TEST(others_are_served_while_steps_look_far_ahead)
{
    expect_others_before(LONG_MODEL "/sessions/far/step", "application/json", "{" FAR_STEP);
    expect_others_before(LONG_MODEL "/steps", "application/json",
                         "{\"steps\":[{\"session\":\"far\"," FAR_STEP
                         ",{\"session\":\"far\"," FAR_STEP "]}");
    expect_others_before(LONG_MODEL "/steps", "application/x-ndjson",
                         "{\"session\":\"far\"," FAR_STEP "\n{\"session\":\"far\"," FAR_STEP
                         "\n{\"session\":\"far\"," FAR_STEP "\n");
}

TEST(a_step_that_looks_far_ahead_says_what_a_forecast_says)
{
    struct daemon daemon = long_start();
    for (int k = 0; k < 3; k++) {
        struct answer step = request(&daemon, "POST", LONG_MODEL "/sessions/s/step",
                                     "{\"x\":[1.5],\"horizon\":200}");
        struct answer forecast =
            request(&daemon, "POST", LONG_MODEL "/sessions/s/forecast", "{\"horizon\":200}");
        ck_assert_int_eq(step.code, 200);
        ck_assert_str_eq(strstr(step.body, "\"forecast\":"),
                         strstr(forecast.body, "\"forecast\":"));
        answer_free(&step);
        answer_free(&forecast);
    }
    daemon_stop(&daemon);
}

#define STEP_FORMAT "{\"session\":\"%c%d\",\"x\":[%d]%s}"

/* Lines with long forecasts, short ones and none, of the same sessions and others, in order. */
TEST(lines_that_look_far_ahead_are_answered_as_a_list_of_steps_is)
{
    enum { N_LINES = 90 };
    static char lines[N_LINES * 64], list[N_LINES * 64 + 32];
    char *line = lines, *item = stpcpy(list, "{\"steps\":[");
    for (int k = 0; k < N_LINES; k++) {
        const char *ahead = k % 23 == 0 ? ",\"horizon\":100" : k % 3 == 0 ? ",\"horizon\":2" : "";
        line += sprintf(line, STEP_FORMAT, 'a', k % 7, k % 5, ahead);
        *line++ = '\n';
        item += sprintf(item, STEP_FORMAT, 'b', k % 7, k % 5, ahead);
        *item++ = k + 1 < N_LINES ? ',' : ']';
    }
    stpcpy(item, "}");
    struct daemon daemon = long_start();
    struct answer one = request_typed(&daemon, "POST", LONG_MODEL "/steps", "application/x-ndjson",
                                      lines, (size_t)(line - lines));
    struct answer other = request(&daemon, "POST", LONG_MODEL "/steps", list);
    ck_assert_int_eq(one.code, 200);
    ck_assert_int_eq(other.code, 200);
    const char *p = one.body, *q = other.body + strlen("{\"results\":[");
    for (int k = 0; k < N_LINES; k++) {
        size_t n = strcspn(p, "\n");
        ck_assert_int_eq(strncmp(p, "{\"session\":\"a", 13), 0);
        ck_assert_int_eq(strncmp(q, "{\"session\":\"b", 13), 0);
        ck_assert_int_eq(strncmp(p + 13, q + 13, n - 13), 0);
        p += n + 1;
        q += n + 1;
    }
    ck_assert_uint_eq(one.n_body, (size_t)(p - one.body));
    answer_free(&one);
    answer_free(&other);
    daemon_stop(&daemon);
}

/* A list that is read on a thread of its own, and done in many turns. */
TEST(a_long_list_of_steps_is_answered_in_order)
{
    enum { N_STEPS = 12000, N_SESSIONS = 7 };
    char *body = malloc((size_t)N_STEPS * 48 + 32), path[96];
    ck_assert_ptr_nonnull(body);
    char *end = stpcpy(body, "{\"steps\":[");
    for (int k = 0; k < N_STEPS; k++) {
        end += sprintf(end, "{\"session\":\"s%d\",\"x\":[%d],\"seq\":%d},", k % N_SESSIONS, k % 5,
                       k / N_SESSIONS + 1);
    }
    stpcpy(end - 1, "]}");
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "1", NULL });
    daemon_add_model(
        &daemon, "wide",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "4", NULL });
    struct answer answer = request(&daemon, "POST", LONG_MODEL "/steps", body);
    ck_assert_int_eq(answer.code, 200);
    const char *p = answer.body + strlen("{\"results\":[");
    for (int k = 0; k < N_STEPS; k++) {
        char expected[64];
        int n = snprintf(expected, sizeof expected, "{\"session\":\"s%d\",\"step\":%d,",
                         k % N_SESSIONS, k / N_SESSIONS + 1);
        ck_assert_msg(strncmp(p, expected, (size_t)n) == 0, "%d: %.80s", k, p);
        p = strchr(p, '}') + 2;
    }
    answer_free(&answer);
    for (int k = 0; k < N_SESSIONS; k++) {
        snprintf(path, sizeof path, LONG_MODEL "/sessions/s%d", k);
        expect(&daemon, "GET", path, NULL, 200, NULL);
    }
    free(body);
    daemon_stop(&daemon);
}
