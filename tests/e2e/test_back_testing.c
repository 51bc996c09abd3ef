/* Back-tests over HTTP, on series that were recorded and a grud that has just been started. */
#include "daemon.h"
#include "test.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_SIZE = 128 << 10 };

/* {"x":[[58],[62.6],...] of the second column of a file, and how many rows that is. */
static char *series_of(const char *path, size_t *ret_n_rows)
{
    char line[128], *body = malloc(BODY_SIZE);
    FILE *file = fopen(path, "r");
    ck_assert_msg(body != NULL && file != NULL, "%s", path);
    size_t n = (size_t)snprintf(body, BODY_SIZE, "{\"x\":"), n_rows = 0;
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file)); /* the names */
    while (fgets(line, sizeof line, file)) {
        const char *value = strchr(line, ',');
        ck_assert_ptr_nonnull(value);
        ck_assert_uint_lt(n, BODY_SIZE - sizeof line);
        n += (size_t)snprintf(body + n, BODY_SIZE - n, "%c[%g]", n_rows > 0 ? ',' : '[',
                              strtod(value + 1, NULL));
        n_rows++;
    }
    snprintf(body + n, BODY_SIZE - n, "]");
    fclose(file);
    *ret_n_rows = n_rows;
    return body;
}

/* That of the series with these further fields, which must succeed. */
static struct answer evaluate(const struct daemon *daemon, const char *model, const char *series,
                              const char *fields)
{
    char path[80], *body = malloc(BODY_SIZE + 256);
    ck_assert_ptr_nonnull(body);
    snprintf(path, sizeof path, "/v1/models/%s/evaluate", model);
    snprintf(body, BODY_SIZE + 256, "%s%s}", series, fields);
    struct answer answer = request(daemon, "POST", path, body);
    ck_assert_msg(answer.code == 200, "%d: %s", answer.code, answer.body);
    free(body);
    return answer;
}

static void put_file(const struct daemon *daemon, const char *model, const char *path)
{
    static char bytes[BODY_SIZE];
    char target[80];
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    snprintf(target, sizeof target, "/v1/models/%s", model);
    struct answer answer =
        request_typed(daemon, "PUT", target, "application/octet-stream", bytes, n);
    ck_assert_int_eq(answer.code, 201);
    answer_free(&answer);
}

static void expect_near(const char *what, double value, double least, double most)
{
    ck_assert_msg(value >= least && value <= most, "%s is %.17g, not %g to %g", what, value, least,
                  most);
}

/* Its own model, which has learnt from most of it. */
TEST(the_forecasts_of_sunspots_are_better_than_both_references)
{
    size_t n_rows;
    struct daemon daemon = daemon_start(NULL);
    put_file(&daemon, "sunspots", "examples/sunspots/sunspots.safetensors");
    char *series = series_of("examples/sunspots/sunspots.csv", &n_rows);
    struct answer answer =
        evaluate(&daemon, "sunspots", series, ",\"horizon\":12,\"season\":132,\"level\":0.9");
    ck_assert_double_eq(number_in(answer.body, "windows"), (double)n_rows - 12);
    expect_near("skill", number_in(answer.body, "skill_vs_persistence"), 0.2, 0.4);
    expect_near("skill", number_in(answer.body, "skill_vs_seasonal_naive"), 0.4, 0.7);
    expect_near("mase", number_in(answer.body, "mase"), 0.4, 0.6);
    expect_near("corr", number_in(answer.body, "corr"), 0.85, 0.95);
    const char *ahead = strstr(answer.body, "\"by_horizon\"");
    double mae = 0.0;
    for (int h = 1; h <= 12; h++) {
        char name[24];
        snprintf(name, sizeof name, "{\"ahead\":%d,", h);
        ck_assert_ptr_nonnull(ahead = strstr(ahead, name));
        expect_near(name, number_in(ahead, "coverage"), 0.885, 0.915);
        expect_near(name, number_in(ahead, "mae"), mae, 20.0); /* farther is harder */
        mae = number_in(ahead, "mae");
    }
    ck_assert_ptr_nonnull(strstr(answer.body, "\"by_output\":[{\"output\":\"sunspot_number\","));
    answer_free(&answer);
    expect(&daemon, "GET", "/v1/models/sunspots", NULL, 200, "\"sessions\":0");
    free(series);
    daemon_stop(&daemon);
}

/* A model that has learnt nothing, of changes: not far from persistence, and judged as that. */
static void expect_judged(const struct daemon *daemon, const char *model, const char *path)
{
    size_t n_rows;
    char *series = series_of(path, &n_rows);
    struct answer answer = evaluate(daemon, model, series, ",\"horizon\":6,\"season\":12");
    ck_assert_double_eq(number_in(answer.body, "windows"), (double)n_rows - 6);
    ck_assert_double_eq(number_in(answer.body, "level"), 0.9);
    expect_near("skill", number_in(answer.body, "skill_vs_persistence"), -2.0, 0.5);
    expect_near("coverage", number_in(answer.body, "coverage"), 0.85, 0.95);
    expect_near("smape", number_in(answer.body, "smape"), 0.0, 200.0);
    ck_assert_double_ge(number_in(answer.body, "rmse"), number_in(answer.body, "mae"));
    answer_free(&answer);
    free(series);
}

TEST(series_with_a_trend_and_with_a_season_are_judged)
{
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(&daemon, "co2",
                     (const char *const[]){ "--inputs", "co2", "--outputs", "co2", "--layers", "8",
                                            "--residual", "--scale", "co2=340:2", NULL });
    daemon_add_model(&daemon, "temperature",
                     (const char *const[]){ "--inputs", "t", "--outputs", "t", "--layers", "8",
                                            "--residual", "--scale", "t=49:3", NULL });
    expect_judged(&daemon, "co2", "tests/fixtures/evaluate/mauna-loa-co2.csv");
    expect_judged(&daemon, "temperature", "tests/fixtures/evaluate/nottingham-temperature.csv");
    daemon_stop(&daemon);
}

TEST(what_cannot_be_judged_is_refused_by_its_field)
{
    static const struct {
        const char *fields;
        int code;
        const char *text;
    } refusals[] = {
        { "\"x\":[[1],[2]],\"horizon\":2", 422, "needs at least 3\",\"param\":\"x\"" },
        { "\"x\":[[1],[2]],\"season\":2", 422, "\"param\":\"season\"" },
        { "\"x\":[[1],[2]],\"season\":0", 400, "\"param\":\"season\"" },
        { "\"x\":[[1],[2]],\"level\":1", 400, "\"param\":\"level\"" },
        { "\"x\":[[1],[2]],\"level\":0.9,\"horizon\":25", 400, "\"param\":\"level\"" },
        { "\"x\":[[1],[2]],\"horizon\":0", 400, "\"param\":\"horizon\"" },
        { "\"x\":[[1],[2]],\"horizon\":10001", 400, "\"param\":\"horizon\"" },
        { "\"x\":[[1],[2]],\"y\":[[1]]", 400, "\"param\":\"y\"" },
        { "\"x\":[[1],[2]],\"y\":[[1],[2]]", 400, "\"param\":\"y[0][0]\"" },
        { "\"x\":[[1],[2]],\"version\":7", 404, "\"version_not_found\"" },
        { "\"x\":[[1,2],[2,3]]", 400, "\"param\":\"x[0]\"" },
        { "\"y\":[[1]]", 400, "\"missing_field\"" },
    };
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(
        &daemon, "m",
        (const char *const[]){ "--inputs", "t", "--outputs", "t", "--layers", "4", NULL });
    daemon_add_model(
        &daemon, "class",
        (const char *const[]){ "--inputs", "t", "--outputs", "c", "--layers", "4", NULL });
    for (size_t k = 0; k < sizeof refusals / sizeof *refusals; k++) {
        char body[160];
        snprintf(body, sizeof body, "{%s}", refusals[k].fields);
        expect(&daemon, "POST", "/v1/models/m/evaluate", body, refusals[k].code, refusals[k].text);
    }
    expect(&daemon, "POST", "/v1/models/class/evaluate", "{\"x\":[[1],[2]]}", 400,
           "\"param\":\"y\"");
    expect(&daemon, "POST", "/v1/models/class/evaluate",
           "{\"x\":[[1],[2]],\"y\":[[1],[2]],\"horizon\":2}", 422, "\"horizon_not_supported\"");
    expect(&daemon, "POST", "/v1/models/class/evaluate", "{\"x\":[[1],[2]],\"y\":[[1],[0]]}", 200,
           "\"windows\":2");
    expect(&daemon, "POST", "/v1/models/none/evaluate", "{\"x\":[[1],[2]]}", 404,
           "\"model_not_found\"");
    daemon_stop(&daemon);
}

/* One worker: between slices it serves others, and a client that hangs up ends it. */
TEST(others_are_served_while_a_long_evaluation_goes_on)
{
    struct daemon daemon = daemon_start((const char *const[]){
        "--workers", "1", "--drain-seconds", "3600", "--evaluate-row-max", "100000000", NULL });
    daemon_add_model(
        &daemon, "wide",
        (const char *const[]){ "--inputs", "t", "--outputs", "t", "--layers", "512,512", NULL });
    size_t n_rows;
    char *series = series_of("examples/sunspots/sunspots.csv", &n_rows);
    strcat(series, ",\"horizon\":2000}");
    int fd = client_connect(&daemon);
    client_send_request(fd, "POST", "/v1/models/wide/evaluate", NULL, "application/json", series,
                        strlen(series));
    for (int k = 0; k < 5; k++) {
        expect(&daemon, "GET", "/healthz", NULL, 200, NULL);
        expect(&daemon, "POST", "/v1/models/wide/sessions/s/step", "{\"x\":[1]}", 200, NULL);
    }
    struct pollfd answered = { .fd = fd, .events = POLLIN };
    ck_assert_int_eq(poll(&answered, 1, 0), 0);
    close(fd);
    free(series);
    daemon_stop(&daemon); /* which would wait for an hour */
}

/* ---- forecasts of sessions, as they were made then ---- */

TEST(the_errors_of_a_models_sessions_are_figures)
{
    static const char *const options[] = { "--inputs", "a\"b", "--outputs", "a\"b,c",
                                           "--layers", "4",    NULL };
    static const char *const figures[] = {
        "forecast_errors_total",
        "forecast_absolute_error_total",
        "forecast_squared_error_total",
        "persistence_absolute_error_total",
        "forecast_absolute_error_recent",
        "forecast_squared_error_recent",
        "persistence_absolute_error_recent",
    };
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "2", NULL });
    daemon_add_model(&daemon, "m", options);
    for (int k = 0; k < 20; k++) {
        char path[64], body[32];
        snprintf(path, sizeof path, "/v1/models/m/sessions/s%d/step", k % 4);
        snprintf(body, sizeof body, "{\"x\":[%d]}", k / 4 * 2); /* a change of 2 at each step */
        expect(&daemon, "POST", path, body, 200, NULL);
    }
    struct answer answer = request(&daemon, "GET", "/metrics", NULL);
    ck_assert_int_eq(answer.code, 200);
    for (size_t k = 0; k < sizeof figures / sizeof *figures; k++) {
        char line[160];
        snprintf(line, sizeof line, "\ngrud_%s{model=\"m\",output=\"a\\\"b\"} ", figures[k]);
        ck_assert_msg(strstr(answer.body, line) != NULL, "no %s in %s", line, answer.body);
    }
    ck_assert_ptr_nonnull(
        strstr(answer.body, "forecast_errors_total{model=\"m\",output=\"a\\\"b\"} 16\n"));
    ck_assert_ptr_nonnull(strstr(
        answer.body, "persistence_absolute_error_total{model=\"m\",output=\"a\\\"b\"} 32\n"));
    ck_assert_ptr_nonnull(strstr(
        answer.body, "persistence_absolute_error_recent{model=\"m\",output=\"a\\\"b\"} 2\n"));
    ck_assert_ptr_null(strstr(answer.body, "output=\"c\"")); /* it feeds no input */
    answer_free(&answer);
    daemon_stop(&daemon);
}
