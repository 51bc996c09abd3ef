/* GET /metrics/forecasts: the samples are what POST .../forecast answers. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL     "/v1/models/pump"
#define FORECASTS "/metrics/forecasts"

static struct daemon start(const char *const *options)
{
    struct daemon daemon = daemon_start(options);
    daemon_add_model(&daemon, "pump",
                     (const char *const[]){ "--inputs", "temp,load", "--outputs", "temp,load",
                                            "--layers", "4", NULL });
    return daemon;
}

static void step(const struct daemon *daemon, const char *session, int k, const char *rest)
{
    char path[96], body[160];
    snprintf(path, sizeof path, MODEL "/sessions/%s/step", session);
    snprintf(body, sizeof body, "{\"x\":[%.3f,%.3f]%s}", sin(0.7 * k), cos(0.7 * k), rest);
    expect(daemon, "POST", path, body, 200, NULL);
}

/* A sample of the text; NAN: there is none. */
static double sample(const char *text, const char *name)
{
    char line[192];
    const int n = snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(text, line);
    return at ? strtod(at + n, NULL) : NAN;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    while ((text = strstr(text, what))) {
        n++;
        text++;
    }
    return n;
}

/* The number at [row][column] of the first such field. */
static double at_row(const char *json, const char *field, size_t row, size_t column)
{
    const char *at = strstr(json, field);
    ck_assert_msg(at != NULL, "no %s in %s", field, json);
    at += strlen(field);
    for (size_t k = 0; k <= row; k++) {
        at = strchr(at + 1, '[');
        ck_assert_ptr_nonnull(at);
    }
    for (size_t k = 0; k < column; k++) {
        at = strchr(at + 1, ',');
    }
    return strtod(at + 1, NULL);
}

static void expect_same(const char *text, const char *name, size_t ahead, const char *level,
                        size_t output, double value)
{
    char line[160];
    snprintf(line, sizeof line, "%s{model=\"pump\",session=\"s\",output=\"%s\",ahead=\"%zu\"%s}",
             name, output == 0 ? "temp" : "load", ahead, level);
    const double found = sample(text, line);
    ck_assert_msg((float)found == (float)value, "%s %.9g, not %.9g", line, found, value);
}

TEST(samples_are_what_the_session_would_answer)
{
    enum { N_AHEAD = 3 };
    struct daemon daemon = start(NULL);
    for (int k = 0; k < 60; k++) {
        step(&daemon, "s", k, ",\"level\":0.8,\"horizon\":2");
    }
    struct answer told =
        request(&daemon, "POST", MODEL "/sessions/s/forecast", "{\"horizon\":3,\"level\":0.8}");
    struct answer printed = request(&daemon, "GET", FORECASTS "?ahead=3&model=pump", NULL);
    ck_assert_int_eq(told.code, 200);
    ck_assert_int_eq(printed.code, 200);
    for (size_t k = 0; k < N_AHEAD; k++) {
        for (size_t o = 0; o < 2; o++) {
            expect_same(printed.body, "grud_yhat", k + 1, "", o,
                        at_row(told.body, "\"forecast\":", k, o));
        }
    }
    for (size_t k = 0; k < 2; k++) { /* as far as its steps ask for them */
        for (size_t o = 0; o < 2; o++) {
            expect_same(printed.body, "grud_yhat_lower", k + 1, ",level=\"0.8\"", o,
                        at_row(told.body, "\"lower\":", k, o));
            expect_same(printed.body, "grud_yhat_upper", k + 1, ",level=\"0.8\"", o,
                        at_row(told.body, "\"upper\":", k, o));
        }
    }
    ck_assert_uint_eq(count(printed.body, "\ngrud_yhat{"), 2 * N_AHEAD);
    ck_assert_uint_eq(count(printed.body, "null"), 0);
    struct answer again = request(&daemon, "GET", FORECASTS "?ahead=3&model=pump", NULL);
    ck_assert_str_eq(again.body, printed.body); /* nothing has changed by it */
    answer_free(&again);
    answer_free(&told);
    answer_free(&printed);
    daemon_stop(&daemon);
}

TEST(what_cannot_be_said_has_no_sample)
{
    struct daemon daemon = start(NULL);
    daemon_add_model(
        &daemon, "alone",
        (const char *const[]){ "--inputs", "temp", "--outputs", "rain", "--layers", "4", NULL });
    daemon_add_model(&daemon, "told",
                     (const char *const[]){ "--inputs", "temp,hour", "--outputs", "temp",
                                            "--layers", "4", NULL });
    expect(&daemon, "PUT", MODEL "/sessions/empty", "{}", 201, NULL);
    step(&daemon, "plain", 1, "");
    expect(&daemon, "POST", "/v1/models/alone/sessions/s/step", "{\"x\":[1]}", 200, NULL);
    expect(&daemon, "POST", "/v1/models/told/sessions/s/step", "{\"x\":[1,2]}", 200, NULL);
    struct answer printed = request(&daemon, "GET", FORECASTS "?ahead=4", NULL);
    ck_assert_int_eq(printed.code, 200);
    ck_assert_uint_eq(count(printed.body, "empty"), 0);
    ck_assert_uint_eq(count(printed.body, "\ngrud_yhat{model=\"pump\",session=\"plain\""), 8);
    ck_assert_uint_eq(count(printed.body, "\ngrud_yhat_lower{"), 0);
    ck_assert_uint_eq(count(printed.body, "\ngrud_yhat{model=\"alone\""), 1);
    ck_assert_uint_eq(count(printed.body, "\ngrud_yhat{model=\"told\""), 1);
    answer_free(&printed);
    daemon_stop(&daemon);
}

TEST(prefix_and_limit_choose_sessions_in_order)
{
    struct daemon daemon = start(NULL);
    static const char *const sessions[] = { "b2", "a1", "b1", "c", "b3" };
    for (size_t k = 0; k < sizeof sessions / sizeof *sessions; k++) {
        step(&daemon, sessions[k], (int)k, "");
    }
    struct answer printed = request(&daemon, "GET", FORECASTS "?prefix=b&limit=2", NULL);
    ck_assert_uint_eq(count(printed.body, "\ngrud_yhat{"), 4);
    ck_assert_uint_eq(count(printed.body, "session=\"b1\""), 2);
    ck_assert_uint_eq(count(printed.body, "session=\"b2\""), 2);
    answer_free(&printed);
    printed = request(&daemon, "GET", FORECASTS, NULL);
    ck_assert_uint_eq(count(printed.body, "\ngrud_yhat{"), 10);
    ck_assert_uint_eq(count(printed.body, "ahead=\"1\""), 10);
    answer_free(&printed);
    daemon_stop(&daemon);
}

TEST(what_is_out_of_range_is_named)
{
    struct daemon daemon = start((const char *const[]){ "--horizon-max", "60000", NULL });
    static const char *const wrong[][2] = {
        { "limit=0", "limit" },        { "limit=10001", "limit" }, { "limit=-1", "limit" },
        { "limit=1e3", "limit" },      { "limit=", "limit" },      { "ahead=0", "ahead" },
        { "ahead=60001", "ahead" },    { "ahead=1.5", "ahead" },   { "prefix=a/b", "prefix" },
        { "ahead=99999999", "ahead" }, { "level=0.9", "level" },
    };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        char path[96], text[64];
        snprintf(path, sizeof path, FORECASTS "?%s", wrong[k][0]);
        snprintf(text, sizeof text, "\"param\":\"%s\"", wrong[k][1]);
        expect(&daemon, "GET", path, NULL, 400, text);
    }
    expect(&daemon, "GET", FORECASTS "?limit=10000&ahead=60000", NULL, 200,
           "# TYPE grud_yhat gauge");
    expect(&daemon, "GET", FORECASTS "?model=none", NULL, 404, "model_not_found");
    step(&daemon, "a", 1, "");
    expect(&daemon, "GET", FORECASTS "?ahead=60000", NULL, 200, "ahead=\"60000\"} ");
    step(&daemon, "b", 1, "");
    expect(&daemon, "GET", FORECASTS "?ahead=60000", NULL, 400, "\"param\":\"ahead\"");
    expect(&daemon, "GET", FORECASTS "?ahead=60000&limit=1", NULL, 200, "ahead=\"60000\"} ");
    daemon_stop(&daemon);
}
