/* Pages of other origins, and names that are not ours: on every route that there is, what is
 * refused changes nothing. tests/browser/ shows the same in a browser. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MODEL   "/v1/models/torch-small"
#define SESSION MODEL "/sessions/s"
#define STEP    SESSION "/step"
#define JOBS    "/v1/fine_tuning/jobs"
#define READING "{\"x\":[1,2,3]}"
#define EVIL    "https://evil.example"
#define ANY     "*/*"

/* One request as it stands, on a connection of its own. */
static struct answer ask_raw(const struct daemon *daemon, const char *text)
{
    int fd = client_connect(daemon);
    client_send(fd, text, strlen(text));
    struct answer answer = client_read(fd);
    close(fd);
    return answer;
}

/* `headers` with Host; `type` NULL: none. */
static struct answer ask(const struct daemon *daemon, const char *method, const char *path,
                         const char *headers, const char *type, const char *body)
{
    char text[2048];
    int n = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%s",
                     method, path, headers, type ? "Content-Type: " : "", type ? type : "",
                     type ? "\r\n" : "", strlen(body), body);
    ck_assert_int_lt(n, (int)sizeof text);
    return ask_raw(daemon, text);
}

static void expect_answer(struct answer answer, int code, const char *text, const char *what)
{
    ck_assert_msg(answer.code == code && answer.body && strstr(answer.body, text),
                  "%s: %d instead of %d: %s", what, answer.code, code, answer.body);
    answer_free(&answer);
}

/* ---- what there is ---- */

struct contents {
    struct answer models, session, jobs;
};

static struct contents contents_of(const struct daemon *daemon)
{
    return (struct contents){ .models = request(daemon, "GET", MODEL, NULL),
                              .session = request(daemon, "GET", SESSION, NULL),
                              .jobs = request(daemon, "GET", JOBS, NULL) };
}

static void expect_unchanged(const struct daemon *daemon, struct contents *before)
{
    struct contents after = contents_of(daemon);
    ck_assert_str_eq(before->models.body, after.models.body);
    ck_assert_str_eq(before->session.body, after.session.body);
    ck_assert_str_eq(before->jobs.body, after.jobs.body);
    struct answer *all[] = { &before->models, &before->session, &before->jobs,
                             &after.models,   &after.session,   &after.jobs };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        answer_free(all[k]);
    }
}

/* The path of a route, with names of things that are there. */
static void fill_path(const char *pattern, char *out, size_t size)
{
    static const char *const names[][2] = { { "{model}", "torch-small" },
                                            { "{version}", "1" },
                                            { "{session}", "s" },
                                            { "{id}", "ftjob-1" } };
    snprintf(out, size, "%s", pattern);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char *at = strstr(out, names[k][0]), rest[160];
        if (at) {
            snprintf(rest, sizeof rest, "%s", at + strlen(names[k][0]));
            snprintf(at, size - (size_t)(at - out), "%s%s", names[k][1], rest);
        }
    }
}

/* Calls `check` for each route of GET /v1; returns how many there are. */
static int each_route(const struct daemon *daemon,
                      void (*check)(const struct daemon *daemon, const char *method,
                                    const char *path))
{
    char method[16], pattern[160], path[200];
    int n = 0;
    struct answer index = request(daemon, "GET", "/v1", NULL);
    ck_assert_int_eq(index.code, 200);
    for (const char *at = index.body; (at = strstr(at, "{\"method\":\"")); at++, n++) {
        ck_assert_int_eq(
            sscanf(at, "{\"method\":\"%15[^\"]\",\"path\":\"%159[^\"]\"", method, pattern), 2);
        fill_path(pattern, path, sizeof path);
        check(daemon, method, path);
    }
    answer_free(&index);
    return n;
}

static bool changes_nothing(const char *method, const char *path)
{
    return strcmp(method, "GET") == 0 || strstr(path, "/predict") || strstr(path, "/evaluate") ||
           strstr(path, "/forecast");
}

/* ---- pages of other origins ---- */

static void expect_page_refused(const struct daemon *daemon, const char *method, const char *path)
{
    static const char *const pages[] = {
        "Host: localhost\r\nOrigin: " EVIL "\r\n",
        "Host: localhost\r\nOrigin: null\r\n",
        "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n",
        "Host: localhost\r\nOrigin: http://localhost:3000\r\nSec-Fetch-Site: same-site\r\n",
    };
    static const char *const types[] = { NULL, "application/json", "text/plain",
                                         "application/x-www-form-urlencoded",
                                         "multipart/form-data; boundary=x" };
    for (size_t k = 0; k < sizeof pages / sizeof *pages && !changes_nothing(method, path); k++) {
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            expect_answer(ask(daemon, method, path, pages[k], types[i], READING), 403,
                          "\"origin_refused\"", path);
        }
        expect_answer(ask(daemon, method, path, pages[k], NULL, ""), 403, "\"origin_refused\"",
                      path);
    }
}

TEST(a_page_of_another_origin_changes_nothing_on_any_route)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "POST", STEP, READING, 200, "\"step\":1");
    struct contents before = contents_of(&daemon);
    ck_assert_int_gt(each_route(&daemon, expect_page_refused), 20);
    expect_unchanged(&daemon, &before);
    expect_answer(ask(&daemon, "POST", MODEL "/predict", "Host: localhost\r\nOrigin: " EVIL "\r\n",
                      NULL, "{\"x\":[[1,2,3]]}"),
                  200, "\"y\"", "predict");
    daemon_stop(&daemon);
}

TEST(a_page_of_ours_and_one_that_was_named_may)
{
    char own[160];
    struct daemon daemon =
        daemon_start((const char *const[]){ "--cors-origin", "https://a.example," EVIL, NULL });
    snprintf(own, sizeof own,
             "Host: 127.0.0.1:%u\r\nOrigin: http://127.0.0.1:%u\r\nSec-Fetch-Site: same-origin\r\n",
             daemon.port, daemon.port);
    expect_answer(ask(&daemon, "POST", STEP, own, "application/json", READING), 200, "\"step\":1,",
                  "own");
    expect_answer(ask(&daemon, "POST", STEP,
                      "Host: localhost\r\nOrigin: " EVIL "\r\nSec-Fetch-Site: cross-site\r\n",
                      "application/json", READING),
                  200, "\"step\":2,", "named");
    expect_answer(ask(&daemon, "POST", STEP, "Host: localhost\r\nOrigin: https://b.example\r\n",
                      "application/json", READING),
                  403, "start grud with --cors-origin https://b.example", "other");
    daemon_stop(&daemon);
}

/* A body's type is what a page can choose without being asked back; devices send none. */
TEST(only_json_and_no_type_at_all_are_taken_as_json)
{
    static const char *const types[] = { "text/plain", "application/x-www-form-urlencoded",
                                         "multipart/form-data; boundary=x", ANY };
    struct daemon daemon = daemon_start(NULL);
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        expect_answer(ask(&daemon, "POST", STEP, "Host: localhost\r\n", types[k], READING), 415,
                      "-H 'content-type: application/json'", types[k]);
    }
    expect_answer(ask(&daemon, "POST", STEP, "Host: localhost\r\n", NULL, READING), 200,
                  "\"step\":1,", "none");
    daemon_stop(&daemon);
}

/* ---- hosts ---- */

static bool is_health(const char *path)
{
    return strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0;
}

static void expect_host_refused(const struct daemon *daemon, const char *method, const char *path)
{
    static const char *const hosts[] = {
        "Host: evil.example\r\n",
        "Host: evil.example\r\nOrigin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\n",
        "Host: 192.0.2.1\r\n",
        "Host: localhost.evil.example:8080\r\n",
        "Host: \r\n",
    };
    for (size_t k = 0; k < sizeof hosts / sizeof *hosts; k++) {
        const char *body = strcmp(method, "GET") == 0 ? "" : READING;
        struct answer answer = ask(daemon, method, path, hosts[k], NULL, body);
        expect_answer(answer, is_health(path) ? 200 : 421, is_health(path) ? "" : "host_refused",
                      path);
    }
}

TEST(at_a_host_that_is_not_ours_nothing_but_health_is_answered)
{
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "POST", STEP, READING, 200, "\"step\":1");
    struct contents before = contents_of(&daemon);
    ck_assert_int_gt(each_route(&daemon, expect_host_refused), 20);
    expect_unchanged(&daemon, &before);
    expect_answer(ask(&daemon, "GET", "/v1", "Host: grud.example:8080\r\n", NULL, ""), 421,
                  "start it with --host-name grud.example\"", "advice");
    expect_answer(
        ask_raw(&daemon, "GET http://evil.example/v1 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 421,
        "host_refused", "in full");
    expect_answer(ask_raw(&daemon, "GET http://localhost/v1 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                  200, "grud", "in full");
    expect_answer(ask_raw(&daemon, "GET /v1 HTTP/1.0\r\n\r\n"), 200, "grud", "HTTP/1.0");
    daemon_stop(&daemon);
}

TEST(a_host_that_is_ours_or_was_named_is_answered)
{
    static const char *const hosts[] = { "localhost",       "LOCALHOST:1",    "127.0.0.1:8080",
                                         "127.3.4.5",       "[::1]",          "grud",
                                         "grud.example.:8", "GRUD.example:9", "192.0.2.7" };
    struct daemon daemon =
        daemon_start((const char *const[]){ "--host-name", "grud, grud.example,192.0.2.7", NULL });
    for (size_t k = 0; k < sizeof hosts / sizeof *hosts; k++) {
        char host[64];
        snprintf(host, sizeof host, "Host: %s\r\n", hosts[k]);
        expect_answer(ask(&daemon, "GET", "/v1", host, NULL, ""), 200, "grud", hosts[k]);
    }
    daemon_stop(&daemon);
}

/* One connection may name several hosts, and each is looked at. */
TEST(a_connection_that_named_our_host_may_not_name_another)
{
    static const char ours[] = "GET /v1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                      other[] = "GET /v1 HTTP/1.1\r\nHost: localhosu\r\n\r\n";
    struct daemon daemon = daemon_start(NULL);
    int fd = client_connect(&daemon);
    for (int k = 0; k < 4; k++) {
        const char *text = k % 2 == 0 ? ours : other;
        client_send(fd, text, strlen(text));
        struct answer answer = client_read(fd);
        ck_assert_int_eq(answer.code, k % 2 == 0 ? 200 : 421);
        answer_free(&answer);
    }
    close(fd);
    daemon_stop(&daemon);
}
