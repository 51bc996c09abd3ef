/* A model that forecasts several steps at once, over HTTP: a sequence has all of them in each row,
 * and a session's steps say the same. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 3, OUTPUTS = 2, ROWS = 5 };

#define MODEL "/v1/models/ahead"

/* Numbers between brackets and commas. Returns what is behind them. */
static const char *read_numbers(const char *text, double *values, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        char *end;
        text += strspn(text, "[],");
        values[k] = strtod(text, &end);
        ck_assert_msg(end != text, "no number at %.200s", text);
        text = end;
    }
    return text;
}

static void expect_near(const double *a, const double *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        ck_assert_msg(fabs(a[k] - b[k]) < 1e-6, "[%zu] %.9g, not %.9g", k, a[k], b[k]);
    }
}

TEST(a_sequence_has_all_steps_in_each_row_as_a_sessions_steps_forecast_them)
{
    struct daemon daemon = daemon_start(NULL);
    double rows[ROWS][STEPS * OUTPUTS], forecast[STEPS * OUTPUTS], step[STEPS * OUTPUTS];
    daemon_add_model(&daemon, "ahead",
                     (const char *const[]){ "--inputs", "temp,load", "--outputs", "temp,other",
                                            "--layers", "5", "--steps", "3", NULL });
    struct answer answer = request(&daemon, "POST", MODEL "/predict",
                                   "{\"x\":[[0.1,0.2],[0.3,-0.4],[0.5,0.6],[0.7,-0.8],[0.9,1]]}");
    const char *y = strstr(answer.body, "\"y\":["), *last = strstr(answer.body, "\"forecast\":[");
    ck_assert_msg(answer.code == 200 && y && last, "%d: %s", answer.code, answer.body);
    y = read_numbers(y + strlen("\"y\":"), rows[0], (size_t)ROWS * STEPS * OUTPUTS);
    ck_assert_int_eq(strncmp(y, "]],", 3), 0); /* there are no more */
    read_numbers(last + strlen("\"forecast\":"), forecast, STEPS * OUTPUTS);
    expect_near(rows[ROWS - 1], forecast, STEPS * OUTPUTS);
    answer_free(&answer);
    for (int t = 0; t < ROWS; t++) {
        char body[64];
        snprintf(body, sizeof body, "{\"x\":[%g,%g]}", 0.1 + 0.2 * t,
                 (t % 2 == 0 ? 1 : -1) * 0.2 * (t + 1));
        answer = request(&daemon, "POST", MODEL "/sessions/s/step", body);
        const char *ahead = strstr(answer.body, "\"forecast\":[");
        ck_assert_msg(ahead != NULL, "%s", answer.body);
        read_numbers(ahead + strlen("\"forecast\":"), step, STEPS * OUTPUTS);
        expect_near(step, rows[t], STEPS * OUTPUTS);
        answer_free(&answer);
    }
    daemon_stop(&daemon);
}
