/* Models with transforms, over HTTP: whatever is asked of them, a stream's answers are those of one
 * series. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MODEL   "/v1/models/meter"
#define FIRST   1763668800
#define COUNTER 1e12

enum { N = 12, BODY_SIZE = 4096 };

static const char *const transforms[] = { "count=difference", "count=seasonal:4", "count=level:0.1",
                                          "count=level:0.1:scale" };
enum { N_TRANSFORMS = sizeof transforms / sizeof *transforms };

static void add_model(const struct daemon *daemon, const char *transform)
{
    daemon_add_model(daemon, "meter",
                     (const char *const[]){ "--inputs", "count,load", "--outputs", "count",
                                            "--layers", "8", "--scale", "count=4:2",
                                            "--interval-seconds", "60", "--transform", transform,
                                            "--force", NULL });
}

static struct daemon start(const char *transform, const char *const *options)
{
    struct daemon daemon = daemon_start(options);
    add_model(&daemon, transform);
    return daemon;
}

/* ---- readings ---- */

/* "[1000000000004,1]" */
static char *put_reading(char *p, int k)
{
    return p + sprintf(p, "[%.0f,%d]", COUNTER + 4 * k + k * k % 7, k % 3);
}

/* The value of a member that is an array, as text. */
static void array_in(const char *json, const char *name, char out[BODY_SIZE])
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":[", name);
    const char *begin = strstr(json, key);
    ck_assert_msg(begin != NULL, "no %s in %s", name, json);
    begin += strlen(key) - 1;
    size_t n = 0;
    for (int depth = 0; n == 0 || depth > 0; n++) {
        depth += begin[n] == '[' ? 1 : begin[n] == ']' ? -1 : 0;
    }
    ck_assert_uint_lt(n, BODY_SIZE);
    memcpy(out, begin, n);
    out[n] = '\0';
}

/* A step with this reading; `rest` are further members, each with a comma before it. */
static void step_with(const struct daemon *daemon, const char *session, const char *reading,
                      const char *rest, char y[BODY_SIZE])
{
    char path[96], body[BODY_SIZE];
    snprintf(path, sizeof path, MODEL "/sessions/%s/step", session);
    snprintf(body, sizeof body, "{\"x\":%s%s}", reading, rest);
    struct answer answer = request(daemon, "POST", path, body);
    ck_assert_msg(answer.code == 200, "%s: %s", body, answer.body);
    array_in(answer.body, "y", y);
    answer_free(&answer);
}

/* Reading k at its time. */
static void step(const struct daemon *daemon, const char *session, int k, char y[BODY_SIZE])
{
    char reading[64], rest[64];
    put_reading(reading, k);
    snprintf(rest, sizeof rest, ",\"at\":%d", FIRST + 60 * k);
    step_with(daemon, session, reading, rest, y);
}

/* The outputs of the readings before n, as one sequence. */
static void predict(const struct daemon *daemon, int n, const char *what, char y[BODY_SIZE])
{
    char body[BODY_SIZE], *p = body + sprintf(body, "{\"x\":[");
    for (int k = 0; k < n; k++) {
        p = put_reading(p, k);
        *p++ = k + 1 < n ? ',' : ']';
    }
    sprintf(p, "%s}", what);
    struct answer answer = request(daemon, "POST", MODEL "/predict", body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    array_in(answer.body, "y", y);
    answer_free(&answer);
}

/* That a session's y is that of the sequence's last row. */
static void expect_last(const struct daemon *daemon, int n, const char *y)
{
    char last[BODY_SIZE], wanted[BODY_SIZE + 2];
    predict(daemon, n, ",\"return\":\"last\"", last);
    snprintf(wanted, sizeof wanted, "[%s]", y);
    ck_assert_msg(strcmp(last, wanted) == 0 || strcmp(last, y) == 0, "%s, not %s", last, y);
}

/* ---- steps ---- */

TEST(transformed_steps_are_the_sequence)
{
    for (size_t which = 0; which < N_TRANSFORMS; which++) {
        struct daemon daemon = start(transforms[which], NULL);
        char stepped[BODY_SIZE], whole[BODY_SIZE], *p = stepped;
        *p++ = '[';
        for (int k = 0; k < N; k++) {
            char y[BODY_SIZE];
            step(&daemon, "s", k, y);
            p += sprintf(p, "%s%s", y, k + 1 < N ? "," : "]");
        }
        predict(&daemon, N, "", whole);
        ck_assert_str_eq(stepped, whole);
        daemon_stop(&daemon);
    }
}

TEST(transformed_roll_out_is_feeding_the_forecasts_back)
{
    for (size_t which = 0; which < N_TRANSFORMS; which++) {
        struct daemon daemon = start(transforms[which], NULL);
        char y[BODY_SIZE], forecast[BODY_SIZE];
        for (int k = 0; k < N; k++) {
            step(&daemon, "s", k, y);
        }
        struct answer answer = request(&daemon, "POST", MODEL "/sessions/s/forecast",
                                       "{\"horizon\":6,\"future\":[[0],[1],[2],[0],[1]]}");
        ck_assert_msg(answer.code == 200, "%s", answer.body);
        array_in(answer.body, "forecast", forecast);
        answer_free(&answer);
        const char *row = forecast + 1;
        for (int ahead = 0; ahead < 6; ahead++) {
            const size_t n = strcspn(row, "]") + 1;
            ck_assert_msg(strncmp(row, y, n) == 0 && strlen(y) == n, "%d ahead of %s: %s", ahead,
                          forecast, y);
            if (ahead < 5) {
                char reading[128];
                snprintf(reading, sizeof reading, "%.*s,%d]", (int)n - 1, row, ahead % 3);
                step_with(&daemon, "s", reading, "", y);
            }
            row += n + 1;
        }
        daemon_stop(&daemon);
    }
}

/* A reading that is one more makes a forecast that is one more, beyond what a float holds. */
TEST(units_of_a_counter_are_forecast)
{
    struct daemon daemon = start("count=difference", NULL);
    double y[2];
    for (int more = 0; more < 2; more++) {
        char session[16], text[BODY_SIZE];
        snprintf(session, sizeof session, "s%d", more);
        for (int k = 0; k < 5; k++) {
            char reading[64];
            snprintf(reading, sizeof reading, "[%.0f,1]", COUNTER + 3 * k + more);
            step_with(&daemon, session, reading, "", text);
        }
        y[more] = strtod(text + 1, NULL);
        ck_assert_msg(fabs(y[more] - (COUNTER + 12 + more)) < 20, "%s", text);
    }
    ck_assert_msg(y[1] - y[0] == 1, "%.17g, %.17g", y[0], y[1]);
    daemon_stop(&daemon);
}

TEST(missing_readings_of_a_transformed_input_are_filled)
{
    for (size_t which = 0; which < N_TRANSFORMS; which++) {
        struct daemon daemon = start(transforms[which], NULL);
        char y[BODY_SIZE], filled[BODY_SIZE], by_gap[BODY_SIZE];
        step_with(&daemon, "early", "[null,1]", "", y);
        ck_assert_str_eq(y, "[0]");
        for (int k = 0; k < N; k++) {
            step(&daemon, "nulls", k, y);
            step(&daemon, "gap", k, y);
        }
        for (int k = N; k < N + 2; k++) {
            char rest[64];
            snprintf(rest, sizeof rest, ",\"at\":%d", FIRST + 60 * k);
            step_with(&daemon, "nulls", "[null,null]", rest, y);
        }
        step(&daemon, "nulls", N + 2, filled);
        step(&daemon, "gap", N + 2, by_gap);
        ck_assert_str_eq(filled, by_gap);
        daemon_stop(&daemon);
    }
}

/* ---- sessions ---- */

static struct answer get_session(const struct daemon *daemon, const char *session)
{
    char path[96];
    snprintf(path, sizeof path, MODEL "/sessions/%s", session);
    struct answer answer = request(daemon, "GET", path, NULL);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    return answer;
}

static void expect_same_session(const struct daemon *daemon, const char *one, const char *other)
{
    struct answer a = get_session(daemon, one), b = get_session(daemon, other);
    ck_assert_msg(strcmp(strstr(a.body, "\"state\":"), strstr(b.body, "\"state\":")) == 0,
                  "%s and %s", a.body, b.body);
    answer_free(&a);
    answer_free(&b);
}

TEST(transformed_session_outlives_a_kill_and_can_be_copied)
{
    for (size_t which = 0; which < N_TRANSFORMS; which++) {
        struct daemon daemon = start(transforms[which], NULL);
        char y[4][BODY_SIZE];
        for (int k = 0; k < N; k++) {
            step(&daemon, "s", k, y[0]);
        }
        daemon_kill(&daemon);
        daemon_start_again(&daemon, NULL);
        expect(&daemon, "POST", MODEL "/sessions/s/fork", "{\"to\":\"fork\"}", 201, NULL);
        struct answer session = get_session(&daemon, "s");
        expect(&daemon, "PUT", MODEL "/sessions/put", session.body, 201, NULL);
        answer_free(&session);
        expect_same_session(&daemon, "s", "fork");
        expect_same_session(&daemon, "s", "put");
        step(&daemon, "s", N, y[0]);
        step(&daemon, "fork", N, y[1]);
        step(&daemon, "put", N, y[2]);
        ck_assert(strcmp(y[0], y[1]) == 0 && strcmp(y[0], y[2]) == 0);
        expect_last(&daemon, N + 1, y[0]);
        daemon_stop(&daemon);
    }
}

TEST(late_reading_of_a_transformed_input_is_put_in_its_place)
{
    for (size_t which = 0; which < N_TRANSFORMS; which++) {
        struct daemon daemon =
            start(transforms[which], (const char *const[]){ "--amend", "yes", NULL });
        char y[BODY_SIZE], reading[64], rest[64];
        for (int k = 0; k < N; k++) {
            step(&daemon, "order", k, y);
            if (k != 7) {
                step(&daemon, "late", k, y);
            }
        }
        put_reading(reading, 7);
        snprintf(rest, sizeof rest, ",\"at\":%d,\"late\":\"amend\"", FIRST + 60 * 7);
        step_with(&daemon, "late", reading, rest, y);
        expect_same_session(&daemon, "order", "late");
        expect_last(&daemon, N, y);
        daemon_stop(&daemon);
    }
}

/* Its readings are kept as they came, so that another transform has all that it needs. */
TEST(session_goes_on_under_a_version_with_another_transform)
{
    struct daemon daemon = start("count=difference", NULL);
    char y[BODY_SIZE];
    for (int k = 0; k < N; k++) {
        step(&daemon, "s", k, y);
        if (k % 3 == 2) {
            const size_t which = (size_t)(k / 3 + 1) % N_TRANSFORMS;
            add_model(&daemon, transforms[which]);
        }
        if (k % 3 == 0) {
            expect_last(&daemon, k + 1, y);
        }
    }
    daemon_stop(&daemon);
}

/* ---- training, and judging ---- */

/* A counter that grows by 3 to 6 and a little more, never twice in the same way. */
static char *put_series(char *p, int n)
{
    double count = COUNTER;
    *p++ = '[';
    for (int t = 0; t < n; t++) {
        count += 3 + t % 4 + (t * 7919 % 101) / 256.0;
        p += sprintf(p, "%s[%.8f,%d]", t > 0 ? "," : "", count, t % 4);
    }
    return p + sprintf(p, "]");
}

static void wait_for_success(const struct daemon *daemon, const char *id)
{
    char path[128];
    snprintf(path, sizeof path, "/v1/fine_tuning/jobs/%s", id);
    const time_t end = time(NULL) + 120;
    bool is_done = false;
    while (!is_done) {
        struct answer job = request(daemon, "GET", path, NULL);
        ck_assert_msg(!strstr(job.body, "\"status\":\"failed\"") && time(NULL) < end, "%s",
                      job.body);
        is_done = strstr(job.body, "\"status\":\"succeeded\"") != NULL;
        answer_free(&job);
    }
}

static void post_job(const struct daemon *daemon)
{
    char *body = malloc(64 << 10), *p = body, id[64] = "";
    p += sprintf(p, "{\"model\":\"meter\",\"hyperparameters\":{\"n_epochs\":60,\"window\":16,"
                    "\"learning_rate\":0.01},\"validation\":{\"fraction\":0.2},"
                    "\"promotion\":{\"policy\":\"auto\"},\"training\":{\"series\":[{\"x\":");
    p = put_series(p, 400);
    sprintf(p, "}]}}");
    struct answer answer = request(daemon, "POST", "/v1/fine_tuning/jobs", body);
    ck_assert_msg(answer.code == 202, "%s", answer.body);
    sscanf(strstr(answer.body, "\"id\":\"") + 6, "%63[^\"]", id);
    answer_free(&answer);
    free(body);
    wait_for_success(daemon, id);
}

TEST(job_trains_on_the_transformed_series)
{
    struct daemon daemon = start("count=difference", NULL);
    char *body = malloc(64 << 10), *p = body;
    post_job(&daemon);
    p += sprintf(p, "{\"horizon\":8,\"x\":");
    p = put_series(p, 200);
    sprintf(p, "}");
    struct answer answer = request(&daemon, "POST", MODEL "/evaluate", body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"version\":2"));
    ck_assert_msg(number_in(answer.body, "mae") < 4, "%s", answer.body);
    ck_assert_msg(number_in(answer.body, "skill_vs_persistence") > 0.7, "%s", answer.body);
    answer_free(&answer);
    free(body);
    daemon_stop(&daemon);
}
