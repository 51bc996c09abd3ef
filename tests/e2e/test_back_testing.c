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

static void expect_line(const struct answer *answer, const char *line)
{
    ck_assert_msg(strstr(answer->body, line) != NULL, "no %s in %s", line, answer->body);
}

static double sample(const struct answer *answer, const char *name)
{
    const char *found = strstr(answer->body, name);
    ck_assert_msg(found != NULL, "no %s in %s", name, answer->body);
    return strtod(found + strlen(name), NULL);
}

/* Each reading is 2 more than the one before, so persistence is off by 2 each time. */
TEST(the_errors_of_a_models_sessions_are_figures)
{
    static const char *const options[] = { "--inputs", "a\"b", "--outputs", "a\"b,c",
                                           "--layers", "4",    NULL };
    static const char *const sums[] = { "absolute_error", "squared_error", "symmetric_error" };
    static const char *const measures[] = { "mae", "rmse", "smape", "mase", "rse", "corr" };
    static const char *const of_levels[] = { "coverage", "mean_width", "interval_score",
                                             "pinball" };
    struct daemon daemon = daemon_start(
        (const char *const[]){ "--workers", "2", "--interval-levels", "0.8,0.9,0.9999999", NULL });
    daemon_add_model(&daemon, "m", options);
    for (int k = 0; k < 160; k++) {
        char path[64], body[64];
        snprintf(path, sizeof path, "/v1/models/m/sessions/s%d/step", k % 4);
        snprintf(body, sizeof body, "{\"x\":[%d]%s}", k / 4 * 2,
                 k % 4 == 0 ? ",\"level\":[0.9,0.9999999]" : "");
        expect(&daemon, "POST", path, body, 200, NULL);
    }
    struct answer answer = request(&daemon, "GET", "/metrics", NULL);
    ck_assert_int_eq(answer.code, 200);
#define OUTPUT "{model=\"m\",output=\"a\\\"b\""
    char line[160];
    for (size_t k = 0; k < sizeof sums / sizeof *sums; k++) {
        snprintf(line, sizeof line, "\ngrud_forecast_%s_total" OUTPUT "} ", sums[k]);
        expect_line(&answer, line);
    }
    for (size_t k = 0; k < 2 * sizeof measures / sizeof *measures; k++) {
        snprintf(line, sizeof line, "\ngrud_forecast_%s" OUTPUT ",over=\"%s\"} ", measures[k / 2],
                 k % 2 == 0 ? "all" : "recent");
        expect_line(&answer, line);
    }
    for (size_t k = 0; k < 2 * sizeof of_levels / sizeof *of_levels; k++) {
        snprintf(line, sizeof line, "\ngrud_forecast_%s" OUTPUT ",level=\"0.9\",over=\"%s\"} ",
                 of_levels[k / 2], k % 2 == 0 ? "all" : "recent");
        expect_line(&answer, line);
    }
    expect_line(&answer, "grud_forecast_errors_total" OUTPUT "} 156\n");
    expect_line(&answer, "grud_persistence_absolute_error_total" OUTPUT "} 312\n");
    /* Of one session; the first 20 readings have no interval, and the one before them no truth. */
    expect_line(&answer, "grud_forecast_intervals_total" OUTPUT ",level=\"0.9\"} 19\n");
    expect_line(&answer, "grud_forecast_intervals_covered_total" OUTPUT ",level=\"0.9\"} ");
    expect_line(&answer, "grud_forecast_intervals_width_total" OUTPUT ",level=\"0.9\"} ");
    expect_line(&answer, "grud_forecast_intervals_score_total" OUTPUT ",level=\"0.9\"} ");
    expect_line(&answer, "grud_forecast_coverage" OUTPUT ",level=\"0.9999999\",over=\"all\"} ");
    ck_assert_ptr_null(strstr(answer.body, "output=\"c\"")); /* it feeds no input */
    const double skill = sample(&answer, "skill_vs_persistence" OUTPUT ",over=\"all\"} ");
    const double mase = sample(&answer, "mase" OUTPUT ",over=\"all\"} ");
    ck_assert_double_eq_tol(skill, 1.0 - mase, 1e-6 * (1.0 + mase));
#undef OUTPUT
    answer_free(&answer);
    daemon_stop(&daemon);
}

/* Each reading is 1 more than the one a season before, so the seasonal naive is off by 1. */
TEST(a_model_that_knows_its_season_is_judged_by_it)
{
    static const char *const options[] = { "--inputs", "a",        "--outputs", "a", "--layers",
                                           "4",        "--season", "4",         NULL };
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(&daemon, "m", options);
    for (int k = 0; k < 40; k++) {
        char body[32];
        snprintf(body, sizeof body, "{\"x\":[%d]}", k % 4 * 20 + k / 4);
        expect(&daemon, "POST", "/v1/models/m/sessions/s/step", body, 200, NULL);
    }
    struct answer answer = request(&daemon, "GET", "/metrics", NULL);
    const double mae = sample(&answer, "grud_forecast_mae{model=\"m\",output=\"a\",over=\"all\"} "),
                 mase = sample(&answer, "mase{model=\"m\",output=\"a\",over=\"all\"} "),
                 skill = sample(&answer, "skill_vs_seasonal_naive{model=\"m\",output=\"a\","
                                         "over=\"all\"} ");
    ck_assert_double_eq_tol(mase, mae, 1e-6 * mae);
    expect_near("skill", skill, 1.0 - 1.2 * mae, 1.0 - 0.8 * mae);
    answer_free(&answer);
    answer = request(&daemon, "GET", "/v1/models/m/sessions/s", NULL);
    const char *of_session = strstr(answer.body, "\"mase\":[");
    ck_assert_ptr_nonnull(of_session);
    ck_assert_double_eq_tol(strtod(of_session + strlen("\"mase\":["), NULL), mae, 1e-4 * mae);
    answer_free(&answer);
    answer = evaluate(&daemon, "m", "{\"x\":[[0],[20],[40],[60],[1],[21],[41],[61]]", "");
    ck_assert_ptr_nonnull(strstr(answer.body, "\"season\":4"));
    answer_free(&answer);
    answer = evaluate(&daemon, "m", "{\"x\":[[0],[20],[40],[60]]", ""); /* no whole one */
    ck_assert_ptr_nonnull(strstr(answer.body, "\"season\":null"));
    answer_free(&answer);
    daemon_stop(&daemon);
}
