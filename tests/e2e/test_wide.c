/* A counter of a hundred million, whose units a 32-bit float does not hold: they count wherever a
 * reading is. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MODEL "/v1/models/counter"
#define JOBS  "/v1/fine_tuning/jobs"

enum { N = 24, Y_SIZE = 64, PATH_SIZE = 160, OVER_SECONDS = 300 };

static const char *const options[] = { "--record", "1000", "--session-history", "8", "--amend",
                                       "yes",      NULL };

static struct daemon start(void)
{
    struct daemon daemon = daemon_start(options);
    daemon_add_model(&daemon, "counter",
                     (const char *const[]){ "--inputs", "count,temp", "--outputs", "count",
                                            "--layers", "8", "--scale", "count=1e8:2,temp=20:5",
                                            "--interval-seconds", "10", NULL });
    return daemon;
}

/* What reading k is: some units around a hundred million. */
static const char *reading(int k, char text[Y_SIZE])
{
    snprintf(text, Y_SIZE, "[%d,%d.4]", 100000000 + k * 7 % 5, 18 + k % 4);
    return text;
}

/* The text of `"name":[...]`, nested arrays included. */
static void array_in(const char *json, const char *name, char *ret_text, size_t size)
{
    char mark[32];
    snprintf(mark, sizeof mark, "\"%s\":[", name);
    const char *at = strstr(json, mark);
    ck_assert_msg(at != NULL, "no %s in %s", name, json);
    at += strlen(mark) - 1;
    size_t n = 0;
    int depth = 0;
    do {
        depth += at[n] == '[' ? 1 : at[n] == ']' ? -1 : 0;
        n++;
    } while (depth > 0);
    ck_assert_uint_lt(n, size);
    memcpy(ret_text, at, n);
    ret_text[n] = '\0';
}

/* A step with more members behind its reading; what is forecast then. */
static void step(const struct daemon *daemon, const char *session, const char *x, const char *more,
                 char y[Y_SIZE])
{
    char path[PATH_SIZE], body[256];
    snprintf(path, sizeof path, MODEL "/sessions/%s/step", session);
    snprintf(body, sizeof body, "{\"x\":%s%s}", x, more);
    struct answer answer = request(daemon, "POST", path, body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    array_in(answer.body, "y", y, Y_SIZE);
    answer_free(&answer);
}

static void steps(const struct daemon *daemon, const char *session, int first, int last,
                  char y[][Y_SIZE])
{
    for (int k = first; k <= last; k++) {
        char x[Y_SIZE], at[32];
        snprintf(at, sizeof at, ",\"at\":%d", 1000 + 10 * k);
        step(daemon, session, reading(k, x), at, y[k]);
    }
}

static struct answer get(const struct daemon *daemon, const char *path)
{
    struct answer answer = request(daemon, "GET", path, NULL);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    return answer;
}

/* That the session shows readings first..last as they were sent. */
static void expect_readings(const struct daemon *daemon, const char *session, int first, int last)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, MODEL "/sessions/%s/readings?limit=1000", session);
    struct answer answer = get(daemon, path);
    for (int k = first; k <= last; k++) {
        char x[Y_SIZE], due[Y_SIZE + 64];
        snprintf(due, sizeof due, "{\"step\":%d,\"at\":%d,\"x\":%s,", k, 1000 + 10 * k,
                 reading(k, x));
        ck_assert_msg(strstr(answer.body, due) != NULL, "no %s in %s", due, answer.body);
    }
    answer_free(&answer);
}

/* ---- what is forecast ---- */

TEST(each_unit_of_a_counter_is_another_reading)
{
    struct daemon daemon = start();
    char y[5][Y_SIZE], x[Y_SIZE];
    for (int k = 0; k < 5; k++) {
        const char session[] = { (char)('a' + k), '\0' };
        snprintf(x, sizeof x, "[%d,20]", 100000000 + k);
        step(&daemon, session, x, "", y[k]);
        for (int before = 0; before < k; before++) {
            ck_assert_str_ne(y[k], y[before]);
        }
    }
    daemon_stop(&daemon);
}

TEST(a_sequence_of_a_counter_is_its_steps)
{
    struct daemon daemon = start();
    static char y[N + 1][Y_SIZE], body[N * Y_SIZE], due[N * Y_SIZE], rows[N * Y_SIZE];
    size_t n = (size_t)sprintf(body, "{\"x\":["), n_due = (size_t)sprintf(due, "[");
    steps(&daemon, "s", 1, N, y);
    for (int k = 1; k <= N; k++) {
        char x[Y_SIZE];
        n += (size_t)sprintf(body + n, "%s%s", k > 1 ? "," : "", reading(k, x));
        n_due += (size_t)sprintf(due + n_due, "%s%s", k > 1 ? "," : "", y[k]);
    }
    sprintf(body + n, "],\"horizon\":5,\"future\":[[20],[21.5],[20],[20]]}");
    sprintf(due + n_due, "]");
    struct answer whole = request(&daemon, "POST", MODEL "/predict", body);
    ck_assert_msg(whole.code == 200, "%s", whole.body);
    array_in(whole.body, "y", rows, sizeof rows);
    ck_assert_str_eq(rows, due);
    struct answer rolled = request(&daemon, "POST", MODEL "/sessions/s/forecast",
                                   "{\"horizon\":5,\"future\":[[20],[21.5],[20],[20]]}");
    array_in(whole.body, "forecast", due, sizeof due);
    array_in(rolled.body, "forecast", rows, sizeof rows);
    ck_assert_str_eq(rows, due);
    answer_free(&whole);
    answer_free(&rolled);
    daemon_stop(&daemon);
}

/* ---- what is kept ---- */

TEST(a_counter_goes_on_after_a_kill_a_fork_and_a_put)
{
    struct daemon daemon = start();
    static char y[N + 1][Y_SIZE], again[N + 1][Y_SIZE], others[N + 1][Y_SIZE];
    char x[Y_SIZE];
    steps(&daemon, "s", 1, 12, y);
    step(&daemon, "s", reading(12, x), ",\"seq\":12,\"at\":1120", again[12]);
    ck_assert_str_eq(again[12], y[12]);
    steps(&daemon, "twin", 1, N, y);
    struct answer before = get(&daemon, MODEL "/sessions/s");
    daemon_kill(&daemon);
    daemon_start_again(&daemon, options);
    struct answer after = get(&daemon, MODEL "/sessions/s");
    ck_assert_str_eq(after.body, before.body);
    expect_readings(&daemon, "s", 5, 12);
    expect(&daemon, "POST", MODEL "/sessions/s/fork", "{\"to\":\"fork\"}", 201, NULL);
    struct answer put = request(&daemon, "PUT", MODEL "/sessions/put", after.body);
    ck_assert_msg(put.code == 201 || put.code == 200, "%s", put.body);
    steps(&daemon, "s", 13, N, again);
    steps(&daemon, "fork", 13, N, others);
    for (int k = 13; k <= N; k++) {
        ck_assert_str_eq(again[k], y[k]);
        ck_assert_str_eq(others[k], y[k]);
    }
    steps(&daemon, "put", 13, N, others);
    for (int k = 13; k <= N; k++) {
        ck_assert_str_eq(others[k], y[k]);
    }
    answer_free(&before);
    answer_free(&after);
    answer_free(&put);
    daemon_stop(&daemon);
}

TEST(a_late_unit_of_a_counter_is_put_in_its_place)
{
    struct daemon daemon = start();
    static char due[N + 1][Y_SIZE], y[N + 1][Y_SIZE];
    char x[Y_SIZE];
    steps(&daemon, "in-time", 1, 20, due);
    steps(&daemon, "late", 1, 15, y);
    step(&daemon, "late", "[100000020,19.4]", ",\"at\":1160", y[16]);
    steps(&daemon, "late", 17, 20, y);
    ck_assert_str_ne(y[20], due[20]);
    step(&daemon, "late", reading(16, x), ",\"at\":1160,\"late\":\"amend\"", y[20]);
    ck_assert_str_eq(y[20], due[20]);
    expect_readings(&daemon, "late", 13, 20);
    daemon_stop(&daemon);
}

TEST(errors_of_a_counter_have_its_units)
{
    struct daemon daemon = start();
    char y[Y_SIZE] = "", x[Y_SIZE];
    double missed = 0;
    for (int k = 1; k <= 60; k++) {
        const double forecast = k > 1 ? strtod(y + 1, NULL) : 0;
        step(&daemon, "s", reading(k, x), ",\"level\":0.9", y);
        missed += k > 1 ? fabs(strtod(x + 1, NULL) - forecast) : 0;
    }
    struct answer answer = get(&daemon, MODEL "/sessions/s");
    char text[Y_SIZE];
    array_in(answer.body, "mae", text, sizeof text);
    ck_assert_double_eq_tol(strtod(text + 1, NULL), missed / 59, 1e-4);
    ck_assert_double_eq_tol(strtod(strstr(answer.body, "\"width\":[[") + 10, NULL), 4, 3.9);
    answer_free(&answer);
    daemon_stop(&daemon);
}

/* The sessions' records are of other sizes, and go on by their kept readings: of the version of few
 * digits they have floats, those of later ones have their units again. */
TEST(versions_of_few_and_of_many_digits_take_turns)
{
    struct daemon daemon = daemon_start(options);
    static char y[N + 1][Y_SIZE];
    static const char *const scales[] = { "count=1e6:2e5", "count=1e8:2" };
    for (size_t k = 0; k < 2; k++) {
        daemon_add_model(&daemon, "counter",
                         (const char *const[]){ "--inputs", "count,temp", "--outputs", "count",
                                                "--layers", "8", "--scale", scales[k], "--force",
                                                NULL });
    }
    steps(&daemon, "s", 1, 10, y);
    for (int turn = 0; turn < 4; turn++) {
        char x[Y_SIZE], due[160];
        const bool is_wide = turn % 2 == 0;
        const int k = 11 + turn;
        expect(&daemon, "POST",
               is_wide ? MODEL "/versions/2/activate" : MODEL "/versions/1/activate", NULL, 200,
               NULL);
        snprintf(x, sizeof x, "[%d,20]", 100000001);
        snprintf(due, sizeof due, ",\"at\":%d", 1000 + 10 * k);
        step(&daemon, "s", x, due, y[k]);
        snprintf(due, sizeof due, "{\"step\":%d,\"at\":%d,\"x\":[%d,20],", k, 1000 + 10 * k,
                 is_wide ? 100000001 : 100000000);
        struct answer answer = get(&daemon, MODEL "/sessions/s/readings?limit=1");
        ck_assert_msg(strstr(answer.body, due) != NULL, "no %s in %s", due, answer.body);
        answer_free(&answer);
        daemon_kill(&daemon);
        daemon_start_again(&daemon, options);
    }
    struct answer narrow = request(&daemon, "POST", MODEL "/predict",
                                   "{\"x\":[[100000001,20]],\"version\":1}"),
                  wide = request(&daemon, "POST", MODEL "/predict",
                                 "{\"x\":[[100000001,20]],\"version\":2}"),
                  other = request(&daemon, "POST", MODEL "/predict",
                                  "{\"x\":[[100000002,20]],\"version\":2}");
    ck_assert_int_eq(narrow.code, 200);
    ck_assert_str_ne(wide.body, other.body);
    answer_free(&narrow);
    answer_free(&wide);
    answer_free(&other);
    daemon_stop(&daemon);
}

/* ---- what is trained on ---- */

static void await(const struct daemon *daemon, const char *id)
{
    const struct timespec nap = { .tv_nsec = 20000000 };
    const time_t end = time(NULL) + OVER_SECONDS;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, JOBS "/%s", id);
    for (bool is_done = false; !is_done; nanosleep(&nap, NULL)) {
        struct answer answer = get(daemon, path);
        ck_assert_msg(!strstr(answer.body, "\"failed\"") && time(NULL) < end, "%s", answer.body);
        is_done = strstr(answer.body, "\"status\":\"succeeded\"") != NULL;
        answer_free(&answer);
    }
}

/* Every other reading is as many units below a hundred million as the one before was above it: a
 * forecast that tells units apart is better than persistence, which the gate can see only if it
 * tells them apart, too. */
TEST(a_job_learns_the_units_of_what_was_recorded)
{
    struct daemon daemon = start();
    char y[Y_SIZE], x[Y_SIZE], id[Y_SIZE], path[PATH_SIZE];
    for (int k = 0; k < 600; k++) {
        const int n = k / 2 * 7919 % 613 % 9 - 4;
        snprintf(x, sizeof x, "[%d,%d]", 100000000 + (k % 2 == 0 ? n : -n), 15 + k % 2 * 10);
        step(&daemon, "s", x, "", y);
    }
    struct answer job =
        request(&daemon, "POST", JOBS,
                "{\"model\":\"counter\",\"training\":{\"sessions\":[\"s\"]},\"seed\":1,"
                "\"hyperparameters\":{\"n_epochs\":40,\"learning_rate\":0.02,\"window\":16,"
                "\"batch_size\":1},\"validation\":{\"fraction\":0.2},"
                "\"promotion\":{\"policy\":\"auto\"}}");
    ck_assert_msg(job.code == 202 && sscanf(job.body, "{\"id\":\"%63[^\"]", id) == 1, "%s",
                  job.body);
    await(&daemon, id);
    snprintf(path, sizeof path, JOBS "/%s", id);
    struct answer done = get(&daemon, path);
    ck_assert_msg(strstr(done.body, "\"promoted\"") != NULL, "%s", done.body);
    struct answer readings = get(&daemon, MODEL "/sessions/s/readings?limit=600");
    snprintf(x, sizeof x, "\"step\":2,\"at\":null,\"x\":[100000004,25]");
    ck_assert_msg(strstr(readings.body, x) != NULL, "%.300s", readings.body);
    answer_free(&job);
    answer_free(&done);
    answer_free(&readings);
    daemon_stop(&daemon);
}
