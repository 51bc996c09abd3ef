/* A model that reads sequences from both ends: it predicts and is evaluated, and says why it does
 * nothing else. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL   "/v1/models/bidirectional"
#define SESSION MODEL "/sessions/pump"

/* {"x":[[...]...],"y":[[...]...]} of the golden file. */
static char *golden_series(void)
{
    enum { SIZE = 1 << 16 };
    char *text = calloc(1, SIZE);
    FILE *file = fopen("tests/fixtures/golden/bidirectional.json", "r");
    ck_assert(text != NULL && file != NULL);
    ck_assert_uint_lt(fread(text, 1, SIZE - 1, file), SIZE - 1);
    fclose(file);
    char *end = strstr(text, ",\"streams\"");
    ck_assert_ptr_nonnull(end);
    memcpy(end, "}", sizeof "}");
    return text;
}

TEST(sequences_are_predicted_and_compared_with_what_they_should_be)
{
    struct daemon daemon = daemon_start(NULL);
    char *series = golden_series();
    struct answer answer = request(&daemon, "POST", MODEL "/evaluate", series);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    ck_assert_double_eq(number_in(answer.body, "windows"), 40);
    ck_assert_double_lt(number_in(answer.body, "mae"), 1e-6);
    answer_free(&answer);
    memcpy(strstr(series, ",\"y\""), "}", sizeof "}");
    answer = request(&daemon, "POST", MODEL "/predict", series);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"y\":[[-0.0270747"));
    answer_free(&answer);
    free(series);
    daemon_stop(&daemon);
}

TEST(what_cannot_be_done_is_refused_with_the_reason)
{
    static const struct {
        const char *method, *path, *body;
    } requests[] = {
        { "POST", SESSION "/step", "{\"x\":[1,2,3]}" },
        { "POST", SESSION "/forecast", "{}" },
        { "PUT", SESSION, "{}" },
        { "GET", SESSION, NULL },
        { "GET", SESSION "/readings", NULL },
        { "GET", SESSION "/events", NULL },
        { "POST", SESSION "/fork", "{\"session\":\"other\"}" },
        { "POST", MODEL "/predict", "{\"x\":[[1,2,3],[2,3,4]],\"level\":0.8}" },
        { "POST", "/v1/fine_tuning/jobs",
          "{\"model\":\"bidirectional\",\"training\":{\"series\":[{\"x\":[[1,2,3],[2,3,4]],"
          "\"y\":[[1,2],[3,4]]}]}}" },
    };
    struct daemon daemon = daemon_start(NULL);
    for (size_t k = 0; k < sizeof requests / sizeof *requests; k++) {
        expect(&daemon, requests[k].method, requests[k].path, requests[k].body, 422,
               "\"not_causal\"");
    }
    expect(&daemon, "POST", MODEL "/steps", "{\"steps\":[{\"session\":\"a\",\"x\":[1,2,3]}]}", 200,
           "\"not_causal\"");
    expect(&daemon, "GET", MODEL "/sessions", NULL, 200, "\"sessions\":[]");
    daemon_stop(&daemon);
}
