/* Bad input over HTTP: a clear error that names the field, the session as it was, and the daemon
 * still there.
 */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "/v1/models/torch-small"
#define STEP  MODEL "/sessions/s/step"

struct bad_body {
    const char *body;
    int code;
    const char *text; /* in the answer */
};

static const struct bad_body bad_steps[] = {
    { "", 400, "invalid_json" },
    { "{", 400, "invalid_json" },
    { "{\"x\":[1,2,3]", 400, "invalid_json" },
    { "{\"x\":[1,2,3]}{", 400, "invalid_json" },
    { "{\"x\":[1,2,3],}", 400, "invalid_json" },
    { "{\"x\":[1,2,03]}", 400, "invalid_json" },
    { "{\"x\":[1,2,NaN]}", 400, "invalid_json" },
    { "{\"x\":[1,2,1e999]}", 400, "x[2]" },
    { "{\"x\":[1,2,1e39]}", 400, "x[2]" },
    { "{\"x\":[1,2,\"3\"]}", 400, "\"param\":\"x[2]\"" },
    { "{\"x\":[1,2]}", 400, "\"code\":\"wrong_length\"" },
    { "{\"x\":[1,2,3,4]}", 400, "\"param\":\"x\"" },
    { "{\"x\":[]}", 400, "\"param\":\"x\"" },
    { "{\"x\":7}", 400, "\"code\":\"invalid_type\"" },
    { "{\"x\":{\"x9\":1}}", 400, "\"param\":\"x.x9\"" },
    { "{\"x\":{\"x0\":1,\"\\u00780\":2}}", 400, "duplicate_field" },
    { "{\"x\":[1,2,3],\"x\":[1,2,3]}", 400, "duplicate_field" },
    { "{\"x\":[1,2,3],\"\\u0078\":[1,2,3]}", 400, "duplicate_field" },
    { "{}", 400, "\"code\":\"missing_field\"" },
    { "[]", 400, "invalid_type" },
    { "{\"x\":[1,2,3],\"colour\":1}", 400, "\"code\":\"unknown_field\",\"message\":" },
    { "{\"x\":[1,2,3],\"level\":1}", 400, "\"param\":\"level\"" },
    { "{\"x\":[1,2,3],\"level\":0.5}", 400, "\"param\":\"level\"" },
    { "{\"x\":[1,2,3],\"blend\":\"yes\"}", 400, "\"param\":\"blend\"" },
    { "{\"x\":[1,2,3],\"anomaly\":0.01}", 400, "\"param\":\"anomaly\"" },
    { "{\"x\":[1,2,3],\"explain\":7}", 400, "\"param\":\"explain\"" },
    { "{\"x\":[1,2,3],\"seq\":0}", 400, "\"param\":\"seq\"" },
    { "{\"x\":[1,2,3],\"seq\":1.5}", 400, "\"param\":\"seq\"" },
    { "{\"x\":[1,2,3],\"seq\":\"2\"}", 400, "\"param\":\"seq\"" },
    { "{\"x\":[1,2,3],\"seq\":7}", 409, "\"expected\":2" },
    { "{\"x\":[1,2,3],\"at\":\"now\"}", 400, "\"param\":\"at\"" },
    { "{\"x\":[1,2,3],\"horizon\":0}", 400, "\"param\":\"horizon\"" },
    { "{\"x\":[1,2,3],\"horizon\":99999999}", 400, "\"param\":\"horizon\"" },
    { "{\"x\":[1,2,3],\"horizon\":5}", 422, "horizon_not_supported" },
    { "{\"x\":[1,2,3],\"future\":[[1]]}", 400, "\"param\":\"future" },
    { "{\"x\":[3e38,3e38,3e38],\"\xff\":1}", 400, "invalid_json" },
    { "{\"x\":[1,2,3],\"\xc0\xaf\":1}", 400, "invalid_json" },
    { "{\"x\":[1,2,3],\"\\ud800\":1}", 400, "invalid_json" },
    { "\xef\xbb\xbf{\"x\":[1,2,3]}", 400, "invalid_json" },
};

TEST(bad_step_bodies_are_refused_and_change_nothing)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "POST", STEP, "{\"x\":[1,2,3]}", 200, NULL);
    struct answer before = request(&daemon, "GET", MODEL "/sessions/s", NULL);
    for (size_t k = 0; k < sizeof bad_steps / sizeof *bad_steps; k++) {
        expect(&daemon, "POST", STEP, bad_steps[k].body, bad_steps[k].code, bad_steps[k].text);
        struct answer after = request(&daemon, "GET", MODEL "/sessions/s", NULL);
        ck_assert_msg(strcmp(before.body, after.body) == 0, "%s changed the session",
                      bad_steps[k].body);
        answer_free(&after);
    }
    answer_free(&before);
    daemon_stop(&daemon);
}

TEST(every_truncation_of_a_good_body_is_refused)
{
    static const char body[] =
        "{\"x\":[1.5,null,-3e2],\"seq\":1,\"at\":1763668800.5,\"horizon\":1}";
    struct daemon daemon = daemon_start(NULL);
    for (size_t n = 0; n < sizeof body - 1; n++) {
        struct answer answer = request_typed(&daemon, "POST", STEP, NULL, body, n);
        ck_assert_msg(answer.code == 400, "%zu bytes: %d", n, answer.code);
        answer_free(&answer);
    }
    expect(&daemon, "POST", STEP, body, 200, "\"step\":1");
    daemon_stop(&daemon);
}

TEST(a_deeply_nested_body_is_refused)
{
    enum { DEPTH = 100000 };
    char *body = malloc(DEPTH + 8);
    size_t n = (size_t)sprintf(body, "{\"x\":");
    memset(body + n, '[', DEPTH);
    body[n + DEPTH] = '\0';
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "POST", MODEL "/predict", body, 400, "\"error\"");
    expect(&daemon, "PUT", MODEL "/sessions/s", body, 400, "\"error\"");
    expect(&daemon, "POST", MODEL "/steps", body, 400, "\"error\"");
    free(body);
    daemon_stop(&daemon);
}

TEST(session_ids_are_checked)
{
    struct daemon daemon = daemon_start(NULL);
    char path[512], id[160];
    static const char *const bad[] = { "a%20b", "a%00b", "%ff", "a%2Fb", "a+b", "a*b", "%" };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        snprintf(path, sizeof path, MODEL "/sessions/%s/step", bad[k]);
        struct answer answer = request(&daemon, "POST", path, "{\"x\":[1,2,3]}");
        ck_assert_msg(answer.code == 400, "%s: %d", path, answer.code);
        answer_free(&answer);
    }
    memset(id, 'a', 129);
    id[129] = '\0';
    snprintf(path, sizeof path, MODEL "/sessions/%s/step", id);
    expect(&daemon, "POST", path, "{\"x\":[1,2,3]}", 400, "\"param\":\"session\"");
    id[128] = '\0';
    snprintf(path, sizeof path, MODEL "/sessions/%s/step", id);
    expect(&daemon, "POST", path, "{\"x\":[1,2,3]}", 200, id);
    expect(&daemon, "POST", MODEL "/sessions/A-z.0_9~:-/step", "{\"x\":[1,2,3]}", 200,
           "A-z.0_9~:-");
    daemon_stop(&daemon);
}

TEST(a_body_over_the_limit_is_refused_before_it_is_read)
{
    static const char head[] =
        "POST " STEP " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 5000\r\n\r\n{\"x\":";
    struct daemon daemon = daemon_start((const char *const[]){ "--body-max", "4096", NULL });
    int fd = client_connect(&daemon);
    client_send(fd, head, sizeof head - 1); /* the other 4995 bytes never come */
    struct answer answer = client_read(fd);
    ck_assert_int_eq(answer.code, 413);
    ck_assert_ptr_nonnull(strstr(answer.body, "body_too_large"));
    answer_free(&answer);
    close(fd);
    expect(&daemon, "GET", "/healthz", NULL, 200, NULL);
    daemon_stop(&daemon);
}

TEST(a_chunked_body_over_the_limit_is_refused)
{
    char chunk[2048 + 16];
    struct daemon daemon = daemon_start((const char *const[]){ "--body-max", "4096", NULL });
    int fd = client_connect(&daemon);
    static const char head[] =
        "POST " STEP " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n";
    client_send(fd, head, sizeof head - 1);
    size_t n = (size_t)sprintf(chunk, "800\r\n");
    memset(chunk + n, ' ', 2048);
    memcpy(chunk + n + 2048, "\r\n", 2);
    for (int k = 0; k < 4; k++) {
        client_send(fd, chunk, n + 2050);
    }
    client_send(fd, "0\r\n\r\n", 5);
    struct answer answer = client_read(fd);
    ck_assert_int_eq(answer.code, 413);
    answer_free(&answer);
    close(fd);
    daemon_stop(&daemon);
}

TEST(a_garbage_model_is_refused_and_leaves_nothing_behind)
{
    struct daemon daemon = daemon_start(NULL);
    static const char *const bodies[] = { "x", "\x08\0\0\0\0\0\0\0{}      ",
                                          "\xff\xff\xff\xff\xff\xff\xff\x7f{}" };
    static const size_t lengths[] = { 1, 16, 10 };
    for (size_t k = 0; k < 3; k++) {
        struct answer answer = request_typed(&daemon, "PUT", "/v1/models/fresh",
                                             "application/octet-stream", bodies[k], lengths[k]);
        ck_assert_int_eq(answer.code, 422);
        ck_assert_ptr_nonnull(strstr(answer.body, "invalid_model"));
        answer_free(&answer);
    }
    struct answer answer =
        request_typed(&daemon, "PUT", "/v1/models/..", "application/octet-stream", "x", 1);
    ck_assert_int_ge(answer.code, 400);
    answer_free(&answer);
    expect(&daemon, "GET", "/v1/models/fresh", NULL, 404, NULL);
    daemon_stop(&daemon);
}
