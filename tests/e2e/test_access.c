/* API keys: who may do what, how often, and that nothing tells a key. */
#include "daemon.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READER    "reader-3b1f9c7d2e5a4860"
#define PREDICTOR "predictor-90ab12cd34ef"
#define TRAINER   "trainer-77aa55cc33ee11"
#define ADMIN     "admin-0f1e2d3c4b5a6978"
#define NOBODY    "nobody-0f1e2d3c4b5a697"
#define ALL_KEYS                                                                                   \
    READER " read # a dashboard\n" PREDICTOR " predict\n" TRAINER " train\n" ADMIN " admin\n"
#define MODEL   "/v1/models/torch-small"
#define STEP    MODEL "/sessions/s/step"
#define READING "{\"x\":[1,2,3]}"

enum { PATIENCE_MS = 60000, LOG_SIZE = 1 << 17 };

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

struct keyed {
    struct daemon daemon;
    char path[40]; /* of the keys */
};

/* `option` and its value may be NULL. */
static struct keyed start(const char *keys, const char *option, const char *value)
{
    struct keyed keyed = { .path = "/tmp/grud-keys-XXXXXX" };
    int fd = mkstemp(keyed.path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_file(keyed.path, keys);
    keyed.daemon =
        daemon_start((const char *const[]){ "--api-keys", keyed.path, option, value, NULL });
    return keyed;
}

static void stop(struct keyed *keyed)
{
    daemon_stop(&keyed->daemon);
    unlink(keyed->path);
}

/* One request with further headers on a connection of its own. */
static struct answer ask(const struct daemon *daemon, const char *method, const char *path,
                         const char *headers, const char *body)
{
    int fd = client_connect(daemon);
    client_send_request(fd, method, path, headers, body ? "application/json" : NULL, body,
                        body ? strlen(body) : 0);
    struct answer answer = client_read(fd);
    close(fd);
    return answer;
}

static struct answer ask_as(const struct daemon *daemon, const char *key, const char *method,
                            const char *path, const char *body)
{
    char header[512];
    snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", key);
    return ask(daemon, method, path, header, body);
}

static int code_as(const struct daemon *daemon, const char *key, const char *method,
                   const char *path, const char *body)
{
    struct answer answer = ask_as(daemon, key, method, path, body);
    int code = answer.code;
    answer_free(&answer);
    return code;
}

static void expect_error(struct answer answer, int code, const char *text)
{
    ck_assert_msg(answer.code == code && strstr(answer.body, text), "%d instead of %d: %s",
                  answer.code, code, answer.body);
    ck_assert_int_eq(strcasestr(answer.headers, "\r\nWWW-Authenticate: Bearer\r\n") != NULL,
                     code == 401);
    answer_free(&answer);
}

/* ---- who may do what ---- */

/* The probes, and the page, which asks for a key itself. */
static bool is_open(const char *path)
{
    static const char page[] = "/page/";
    return strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 ||
           strcmp(path, "/") == 0 || strncmp(path, page, sizeof page - 1) == 0;
}

static void check_route(const struct daemon *daemon, const char *method, const char *path)
{
    const char *body = strcmp(method, "GET") == 0 ? NULL : "{}";
    if (is_open(path)) {
        const int code = code_as(daemon, NOBODY, method, path, body);
        ck_assert_msg(code != 401 && code != 403, "%s %s: %d", method, path, code);
        return;
    }
    expect_error(ask(daemon, method, path, "", body), 401, "\"key_missing\"");
    expect_error(ask_as(daemon, NOBODY, method, path, body), 401, "\"key_invalid\"");
    int n_allowed = 0;
    const char *keys[] = { READER, PREDICTOR, TRAINER, ADMIN };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        int code = code_as(daemon, keys[k], method, path, body);
        n_allowed += code != 403 && code != 401;
    }
    ck_assert_msg(n_allowed == 1, "%s %s: %d scopes", method, path, n_allowed);
}

TEST(every_route_but_health_and_the_page_wants_a_key_of_its_scope)
{
    char method[16], path[160];
    int n_routes = 0;
    struct keyed keyed = start(ALL_KEYS, NULL, NULL);
    struct answer index = ask_as(&keyed.daemon, READER, "GET", "/v1", NULL);
    ck_assert_int_eq(index.code, 200);
    for (const char *at = index.body; (at = strstr(at, "{\"method\":\"")); at++) {
        ck_assert_int_eq(
            sscanf(at, "{\"method\":\"%15[^\"]\",\"path\":\"%159[^\"]\"", method, path), 2);
        check_route(&keyed.daemon, method, path);
        n_routes++;
    }
    ck_assert_int_gt(n_routes, 20);
    answer_free(&index);
    stop(&keyed);
}

TEST(a_refusal_names_the_scope_that_is_wanted)
{
    struct keyed keyed = start(ALL_KEYS, NULL, NULL);
    expect_error(ask_as(&keyed.daemon, READER, "POST", STEP, READING), 403, "\"scope_missing\"");
    expect_error(ask_as(&keyed.daemon, READER, "POST", STEP, READING), 403, "'predict'");
    expect_error(ask_as(&keyed.daemon, ADMIN, "GET", "/metrics", NULL), 403, "'read'");
    expect_error(ask_as(&keyed.daemon, READER, "POST", "/v1/fine_tuning/jobs", "{}"), 403,
                 "'train'");
    expect_error(ask_as(&keyed.daemon, TRAINER, "DELETE", MODEL "/versions/1", NULL), 403,
                 "'admin'");
    ck_assert_int_eq(code_as(&keyed.daemon, PREDICTOR, "POST", STEP, READING), 200);
    ck_assert_int_eq(code_as(&keyed.daemon, READER, "GET", MODEL "/sessions/s", NULL), 200);
    stop(&keyed);
}

TEST(a_head_wants_what_a_get_wants)
{
    static const char head[] = "HEAD " MODEL " HTTP/1.1\r\nHost: localhost\r\n";
    static const char *const keys[] = { "Authorization: Bearer " READER "\r\n\r\n", "\r\n" };
    static const char *const answers[] = { "HTTP/1.1 200 ", "HTTP/1.1 401 " };
    struct keyed keyed = start(ALL_KEYS, NULL, NULL);
    for (size_t k = 0; k < 2; k++) {
        char line[16] = "";
        int fd = client_connect(&keyed.daemon);
        client_send(fd, head, sizeof head - 1);
        client_send(fd, keys[k], strlen(keys[k]));
        ck_assert_int_eq(recv(fd, line, 13, MSG_WAITALL), 13);
        ck_assert_str_eq(line, answers[k]);
        close(fd);
    }
    stop(&keyed);
}

TEST(the_header_is_read_as_it_is_meant)
{
    static const struct {
        const char *headers;
        int code;
        const char *error;
    } cases[] = {
        { "authorization: bearer " READER "\r\n", 200, "" },
        { "Authorization: BEARER   " READER "  \r\n", 200, "" },
        { "Authorization: " READER "\r\n", 401, "key_missing" },
        { "Authorization: Basic " READER "\r\n", 401, "key_missing" },
        { "Authorization: Bearer\r\n", 401, "key_missing" },
        { "Authorization: Bearer \r\n", 401, "key_missing" },
        { "Authorization: Bearer" READER "\r\n", 401, "key_missing" },
        { "Authorization: Bearer " READER "x\r\n", 401, "key_invalid" },
        { "Authorization: Bearer " READER ",x\r\n", 401, "key_invalid" },
        { "X-Authorization: Bearer " READER "\r\n", 401, "key_missing" },
        { "Authorization: Bearer " NOBODY "\r\nAuthorization: Bearer " READER "\r\n", 400,
          "invalid_request" },
    };
    struct keyed keyed = start(ALL_KEYS, NULL, NULL);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct answer answer = ask(&keyed.daemon, "GET", "/v1", cases[k].headers, NULL);
        ck_assert_msg(answer.code == cases[k].code && strstr(answer.body, cases[k].error),
                      "%s: %d %s", cases[k].headers, answer.code, answer.body);
        answer_free(&answer);
    }
    stop(&keyed);
}

TEST(a_refused_body_is_not_waited_for)
{
    static const char announced[] =
        "POST " STEP " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 10000000\r\n\r\n";
    struct keyed keyed = start(ALL_KEYS, NULL, NULL);
    int fd = client_connect(&keyed.daemon);
    client_send(fd, announced, sizeof announced - 1);
    struct answer answer = client_read(fd);
    ck_assert(answer.code == 401 && answer.closed);
    answer_free(&answer);
    close(fd);
    answer = ask_as(&keyed.daemon, READER, "POST", STEP, READING);
    ck_assert(answer.code == 403 && !answer.closed); /* it was short: the connection can be kept */
    answer_free(&answer);
    stop(&keyed);
}

/* ---- how often ---- */

TEST(a_key_that_asks_too_often_waits_for_a_second)
{
    struct keyed keyed = start(ALL_KEYS, "--key-rate", "1");
    int code = 0;
    for (int k = 0; k < 1000 && code != 429; k++) {
        struct answer answer = ask_as(&keyed.daemon, READER, "GET", MODEL, NULL);
        code = answer.code;
        ck_assert(code == 200 || code == 429);
        if (code == 429) {
            ck_assert_ptr_nonnull(strstr(answer.body, "\"rate_limited\""));
            ck_assert_ptr_nonnull(strcasestr(answer.headers, "\r\nRetry-After: 1\r\n"));
        }
        answer_free(&answer);
    }
    ck_assert_int_eq(code, 429);
    ck_assert_int_eq(code_as(&keyed.daemon, PREDICTOR, "POST", STEP, READING),
                     200); /* another one's */
    sleep(1);
    ck_assert_int_eq(code_as(&keyed.daemon, READER, "GET", MODEL, NULL), 200);
    stop(&keyed);
}

/* ---- SIGHUP ---- */

static void wait_for_code(const struct daemon *daemon, const char *key, int code)
{
    for (int ms = 0; code_as(daemon, key, "GET", MODEL, NULL) != code; ms += 10) {
        ck_assert_int_lt(ms, PATIENCE_MS);
        usleep(10000);
    }
}

TEST(a_hangup_reads_the_keys_again)
{
    static char log[LOG_SIZE];
    struct keyed keyed = start(READER " read\n", NULL, NULL);
    write_file(keyed.path, NOBODY " read\n");
    ck_assert_int_eq(code_as(&keyed.daemon, NOBODY, "GET", MODEL, NULL), 401);
    ck_assert_int_eq(kill(keyed.daemon.pid, SIGHUP), 0);
    daemon_wait_log(&keyed.daemon, " info reloaded", log, sizeof log);
    ck_assert_int_eq(code_as(&keyed.daemon, NOBODY, "GET", MODEL, NULL), 200);
    ck_assert_int_eq(code_as(&keyed.daemon, READER, "GET", MODEL, NULL), 401);
    write_file(keyed.path, READER " read\n" TRAINER " fly\n");
    ck_assert_int_eq(kill(keyed.daemon.pid, SIGHUP), 0);
    daemon_wait_log(&keyed.daemon, ":2: a scope is one of", log, sizeof log);
    ck_assert_int_eq(code_as(&keyed.daemon, NOBODY, "GET", MODEL, NULL), 200);
    ck_assert_int_eq(code_as(&keyed.daemon, READER, "GET", MODEL, NULL), 401);
    stop(&keyed);
}

TEST(keys_can_change_at_any_moment)
{
    struct keyed keyed = start(ALL_KEYS, "--log-level", "warn");
    for (int k = 0; k < 300; k++) {
        ck_assert_int_eq(kill(keyed.daemon.pid, SIGHUP), 0);
        ck_assert_int_eq(code_as(&keyed.daemon, READER, "GET", MODEL, NULL), 200);
    }
    write_file(keyed.path, ADMIN " read\n");
    ck_assert_int_eq(kill(keyed.daemon.pid, SIGHUP), 0);
    wait_for_code(&keyed.daemon, ADMIN, 200);
    ck_assert_int_eq(code_as(&keyed.daemon, READER, "GET", MODEL, NULL), 401);
    stop(&keyed);
}

/* ---- secrets ---- */

static void expect_no_secret(const char *text)
{
    static const char *const secrets[] = { READER, PREDICTOR, TRAINER,   ADMIN,
                                           NOBODY, "earer",   "c2VjcmV0" };
    for (size_t k = 0; k < sizeof secrets / sizeof *secrets; k++) {
        ck_assert_msg(strstr(text, secrets[k]) == NULL, "'%s' was told", secrets[k]);
    }
}

TEST(no_secret_reaches_the_log_or_the_metrics)
{
    static const char *const requests[] = {
        "GET /v1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " READER "\r\n\r\n",
        "GET /v1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " NOBODY "\r\n\r\n",
        "GET /v1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic c2VjcmV0\r\n\r\n",
        "GET /v1 HTTP/1.1\r\nAuthorization: Bearer " READER "\r\nAuthorization: Bearer " READER
        "\r\n\r\n",
        "GET /v1 HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer " READER "\r\n\r\n",
        "GET /v1 HTTP/1.1\r\nHost: localhost\r\nAuthorization\r\n: Bearer " READER "\r\n\r\n",
        "GET /v1?key=" READER " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " READER
        "\r\n\r\n",
        "POST " STEP " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " PREDICTOR
        "\r\nContent-Length: -1\r\n\r\n" READING,
    };
    static char log[LOG_SIZE];
    struct keyed keyed = start(ALL_KEYS, "--log-level", "debug");
    for (size_t k = 0; k < sizeof requests / sizeof *requests; k++) {
        int fd = client_connect(&keyed.daemon);
        client_send(fd, requests[k], strlen(requests[k]));
        struct answer answer = client_read(fd);
        if (answer.body && answer.code != 401) { /* that one says how to send a key */
            expect_no_secret(answer.body);
        }
        answer_free(&answer);
        close(fd);
    }
    struct answer metrics = ask_as(&keyed.daemon, READER, "GET", "/metrics", NULL);
    ck_assert_int_eq(metrics.code, 200);
    expect_no_secret(metrics.body);
    answer_free(&metrics);
    write_file(keyed.path, READER " read\n" TRAINER "\n");
    ck_assert_int_eq(kill(keyed.daemon.pid, SIGHUP), 0);
    daemon_wait_log(&keyed.daemon, "reload_refused", log, sizeof log);
    ck_assert_ptr_nonnull(strstr(log, "debug request method=GET path=/metrics status=200"));
    expect_no_secret(log);
    stop(&keyed);
}

/* ---- the start ---- */

static void expect_no_start(const char *const *options, const char *reason)
{
    char output[8192];
    ck_assert_int_eq(daemon_run(options, output, sizeof output), 2);
    ck_assert_msg(strstr(output, reason) != NULL, "%s", output);
    expect_no_secret(output);
}

TEST(keys_that_do_not_work_are_no_start)
{
    char path[] = "/tmp/grud-keys-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    const char *const options[] = { "--listen", "127.0.0.1:0", "--api-keys", path, NULL };
    expect_no_start(options, "has no key");
    write_file(path, "# two\n" READER "\n");
    expect_no_start(options, ":2: expected KEY scope[,scope]");
    expect_no_start(
        (const char *const[]){ "--listen", "127.0.0.1:0", "--api-keys", "/no/such", NULL },
        "cannot be opened: No such file");
    /* an address that is not loopback: nothing is bound, for want of keys or of the file */
    expect_no_start((const char *const[]){ "--listen", "0.0.0.0:0", NULL }, "param=listen");
    expect_no_start(
        (const char *const[]){ "--listen", "0.0.0.0:0", "--api-keys", "/no/such", NULL },
        "warn keys_in_the_clear");
    unlink(path);
}

/* ---- pages of other origins ---- */

#define ORIGIN "https://app.example.org:8443"
#define OTHER  "http://localhost:3000"

static void expect_origin(struct answer answer, int code, const char *origin)
{
    char header[128];
    snprintf(header, sizeof header, "\r\nAccess-Control-Allow-Origin: %s\r\n", origin);
    ck_assert_int_eq(answer.code, code);
    ck_assert_msg(strstr(answer.headers, header) != NULL, "%s", answer.headers);
    ck_assert_int_eq(strstr(answer.headers, "\r\nVary: Origin\r\n") == NULL,
                     strcmp(origin, "*") == 0);
    answer_free(&answer);
}

static void expect_no_origin(struct answer answer, int code)
{
    ck_assert_int_eq(answer.code, code);
    ck_assert_ptr_null(strstr(answer.headers, "Access-Control"));
    ck_assert_ptr_nonnull(strstr(answer.headers, "\r\nVary: Origin\r\n"));
    answer_free(&answer);
}

TEST(every_reply_says_which_origin_may_read_it)
{
    static const struct {
        const char *option, *asks, *named;
    } cases[] = { { ORIGIN, ORIGIN, ORIGIN },
                  { ORIGIN "," OTHER, ORIGIN, ORIGIN },
                  { ORIGIN ", " OTHER, OTHER, OTHER },
                  { "*", "null", "*" } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char page[128], keyed_page[256];
        struct keyed keyed = start(ALL_KEYS, "--cors-origin", cases[k].option);
        const struct daemon *daemon = &keyed.daemon;
        snprintf(page, sizeof page, "Origin: %s\r\nSec-Fetch-Site: cross-site\r\n", cases[k].asks);
        expect_origin(ask(daemon, "GET", "/healthz", page, NULL), 200, cases[k].named);
        snprintf(keyed_page, sizeof keyed_page, "%sAuthorization: Bearer " PREDICTOR "\r\n", page);
        for (int again = 0; again < 3; again++) {
            expect_origin(ask(daemon, "POST", STEP, keyed_page, READING), 200, cases[k].named);
        }
        expect_origin(ask(daemon, "GET", "/v1", page, NULL), 401, cases[k].named);
        expect_origin(ask(daemon, "GET", "/v1", keyed_page, NULL), 403, cases[k].named);
        expect_origin(ask(daemon, "GET", "/nowhere", page, NULL), 404, cases[k].named);
        expect_origin(ask(daemon, "PUT", "/healthz", page, NULL), 405, cases[k].named);
        expect_origin(ask(daemon, "POST", STEP, keyed_page, "{"), 400, cases[k].named);
        stop(&keyed);
    }
}

TEST(an_origin_that_is_not_named_is_told_nothing)
{
    static const char *const pages[] = { "", "Origin: https://app.example.org\r\n",
                                         "Origin: null\r\n", "Origin: " ORIGIN "," OTHER "\r\n" };
    struct keyed keyed = start(ALL_KEYS, "--cors-origin", ORIGIN "," OTHER);
    for (size_t k = 0; k < sizeof pages / sizeof *pages; k++) {
        expect_no_origin(ask(&keyed.daemon, "GET", "/healthz", pages[k], NULL), 200);
        expect_no_origin(ask(&keyed.daemon, "GET", "/v1", pages[k], NULL), 401);
        expect_no_origin(ask(&keyed.daemon, "OPTIONS", STEP, pages[k], NULL), 204);
    }
    stop(&keyed);
}

TEST(a_preflight_needs_no_key)
{
    struct keyed keyed = start(ALL_KEYS, "--cors-origin", OTHER "," ORIGIN);
    struct answer answer = ask(&keyed.daemon, "OPTIONS", STEP,
                               "Origin: " ORIGIN "\r\nAccess-Control-Request-Method: POST\r\n"
                               "Access-Control-Request-Headers: authorization,content-type\r\n",
                               NULL);
    ck_assert_ptr_nonnull(
        strstr(answer.headers, "\r\nAccess-Control-Allow-Methods: POST, OPTIONS\r\n"));
    ck_assert_ptr_nonnull(
        strstr(answer.headers,
               "\r\nAccess-Control-Allow-Headers: authorization, content-type, last-event-id\r\n"));
    ck_assert_ptr_nonnull(strstr(answer.headers, "\r\nAccess-Control-Max-Age: 3600\r\n"));
    ck_assert_ptr_nonnull(
        strstr(answer.headers, "\r\nAccess-Control-Expose-Headers: retry-after\r\n"));
    expect_origin(answer, 204, ORIGIN);
    stop(&keyed);
}

TEST(without_the_option_no_origin_is_named)
{
    static const char *const wrong[] = { "example.org", "https://", "https://a/b", "*,https://b",
                                         "https://a b" };
    struct keyed keyed = start(ALL_KEYS, NULL, NULL);
    struct answer answer = ask(&keyed.daemon, "OPTIONS", STEP, "Origin: " ORIGIN "\r\n", NULL);
    ck_assert_int_eq(answer.code, 204);
    ck_assert_ptr_null(strstr(answer.headers, "Access-Control"));
    answer_free(&answer);
    stop(&keyed);
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        expect_no_start(
            (const char *const[]){ "--listen", "127.0.0.1:0", "--cors-origin", wrong[k], NULL },
            "is no origin");
    }
    expect_no_start(
        (const char *const[]){ "--listen", "127.0.0.1:0", "--host-name", "http://grud", NULL },
        "is no host");
}
