/* HTTP framing that a proxy might read differently is refused; clients that come together are all
 * answered.
 */
#include "daemon.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STEP "POST /v1/models/torch-small/sessions/s/step HTTP/1.1\r\n"
#define JSON "Content-Type: application/json\r\n"
#define BODY "{\"x\":[1,2,3]}"

/* Requests that must be refused with 400 and a closed connection, whose bytes must not become a
 * second request. */
static const char *const refused[] = {
    STEP "Host: localhost\r\n" JSON
         "Content-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    STEP "Host: localhost\r\n" JSON "Content-Length: 13\r\nContent-Length: 14\r\n\r\n" BODY,
    STEP "Host: localhost\r\n" JSON "Content-Length: 13\r\nContent-Length: 13\r\n\r\n" BODY,
    STEP "Host: localhost\r\n" JSON "Content-Length : 13\r\n\r\n" BODY,
    STEP "Host: localhost\r\n" JSON "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    STEP "Host: localhost\r\n" JSON "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    STEP "Host: localhost\r\nHost: b\r\n" JSON "Content-Length: 13\r\n\r\n" BODY,
    STEP JSON "Content-Length: 13\r\n\r\n" BODY,
    STEP "Host: localhost\r\n" JSON "Content-Length: -1\r\n\r\n" BODY,
    STEP "Host: localhost\r\n" JSON "Content-Length: x\r\n\r\n" BODY,
    STEP "Host: localhost\r\nX-Odd: a\rb\r\n" JSON "Content-Length: 13\r\n\r\n" BODY,
    "GET /healthz%00 HTTP/1.1\r\nHost: localhost\r\nX: 1\r\n\r\n",
};

TEST(ambiguous_framing_is_refused)
{
    struct daemon daemon = daemon_start(NULL);
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
        int fd = client_connect(&daemon);
        client_send(fd, refused[k], strlen(refused[k]));
        struct answer answer = client_read(fd);
        ck_assert_msg((answer.code >= 400 && answer.code < 500) || answer.code == 0,
                      "request %zu: %d", k, answer.code);
        if (strstr(refused[k], STEP)) {
            ck_assert_msg(answer.closed, "request %zu: the connection stays open: %s", k,
                          answer.headers);
        }
        answer_free(&answer);
        close(fd);
    }
    expect(&daemon, "GET", "/v1/models/torch-small/sessions/s", NULL, 404, NULL);
    daemon_stop(&daemon);
}

/* ---- what libmicrohttpd refuses by itself ---- */

#define PREDICT "POST /v1/models/torch-small/predict HTTP/1.1\r\nHost: localhost\r\n"
#define GET     "GET /v1 HTTP/1.1\r\nHost: localhost\r\n"

static const struct {
    const char *head, *filler; /* which is repeated n times */
    int n;
    const char *tail;
    int code;
    const char *error;
} own_refusals[] = {
    { PREDICT "Content-Length: -1\r\n\r\n{}", "", 0, "", 400, "invalid_request" },
    { PREDICT "Content-Length: x\r\n\r\n{}", "", 0, "", 400, "invalid_request" },
    { PREDICT "Content-Length:\r\n\r\n{}", "", 0, "", 400, "invalid_request" },
    { PREDICT "Content-Length: 2,2\r\n\r\n{}", "", 0, "", 400, "invalid_request" },
    { PREDICT "Content-Length: ", "9", 30, "\r\n\r\n{}", 413, "body_too_large" },
    { PREDICT "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "", 0, "", 400, "invalid_request" },
    { PREDICT "Transfer-Encoding: chunked\r\n\r\n", "f", 30, "\r\n", 413, "body_too_large" },
    { PREDICT "Transfer-Encoding: chunked\r\n\r\n2\r\n{}X\r\n0\r\n\r\n", "", 0, "", 400,
      "invalid_request" },
    { PREDICT "Transfer-Encoding: chunked\r\n\r\n0\r\nno trailer\r\n\r\n", "", 0, "", 400,
      "invalid_request" },
    { GET "no header\r\n\r\n", "", 0, "", 400, "invalid_request" },
    { "GET /v1\r\n\r\n", "", 0, "", 400, "invalid_request" },
    { "GET /v1 HTTX/1.1\r\n\r\n", "", 0, "", 400, "invalid_request" },
    { "GET /v1 HTTP/2.0\r\n\r\n", "", 0, "", 505, "http_version_not_supported" },
    { "GET /v1 HTTP/0.9\r\n\r\n", "", 0, "", 505, "http_version_not_supported" },
    { "GET /", "a", 9000, " HTTP/1.1\r\n\r\n", 414, "url_too_long" },
    { "GET /", "a", 100000, " HTTP/1.1\r\n\r\n", 414, "url_too_long" },
    { "GET /", "a", 8000, " HTTP/1.1\r\nHost: a\r\n\r\n", 414, "url_too_long" },
    { GET "X: ", "a", 7900, "\r\n\r\n", 431, "headers_too_large" }, /* no memory for a reply */
    { GET "X: ", "a", 8000, "\r\n\r\n", 431, "headers_too_large" },
    { GET "X: ", "a", 9000, "\r\n\r\n", 431, "headers_too_large" },
    { GET "X: ", "a", 100000, "\r\n\r\n", 431, "headers_too_large" },
    { GET, "a:b\r\n", 112, "\r\n", 431, "headers_too_large" },
    { GET, "a:b\r\n", 2000, "\r\n", 431, "headers_too_large" },
    { GET "Cookie: ", "a", 5000, "\r\n\r\n", 431, "headers_too_large" },
    { "GET /v1?", "a&", 400, " HTTP/1.1\r\nHost: localhost\r\n\r\n", 431, "headers_too_large" },
};

/* All that comes until the connection ends. */
static void read_to_the_end(int fd, char *out, size_t size)
{
    size_t n = 0;
    ssize_t more;
    while (n < size - 1 && (more = recv(fd, out + n, size - 1 - n, 0)) > 0) {
        n += (size_t)more;
    }
    out[n] = '\0';
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static void expect_one_error(int fd, size_t k)
{
    static const char *const headers[] = { "\r\nConnection: close\r\n",
                                           "\r\nDate: ", "\r\nContent-Type: application/json\r\n" };
    static const char length[] = "\r\nContent-Length: ";
    char reply[4096], line[64], error[128];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", own_refusals[k].code);
    snprintf(error, sizeof error, "\r\n\r\n{\"error\":{\"code\":\"%s\",\"message\":\"",
             own_refusals[k].error);
    read_to_the_end(fd, reply, sizeof reply);
    const char *body = strstr(reply, error), *at = strstr(reply, length);
    ck_assert_msg(strncmp(reply, line, strlen(line)) == 0 && body && at &&
                      ends_with(reply, "\",\"param\":null}}"),
                  "refusal %zu: %s", k, reply);
    ck_assert_ptr_null(strstr(reply, "\nHTTP/1.1 ")); /* not a second head */
    ck_assert_uint_eq(strtoul(at + sizeof length - 1, NULL, 10), strlen(body + 4));
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        ck_assert_msg(strstr(reply, headers[i]) != NULL, "refusal %zu: %s", k, reply);
    }
}

static void send_refused(int fd, size_t k)
{
    const size_t n_head = strlen(own_refusals[k].head), n_filler = strlen(own_refusals[k].filler);
    const size_t n = (size_t)own_refusals[k].n, n_tail = strlen(own_refusals[k].tail);
    char *text = malloc(n_head + n * n_filler + n_tail), *p = text;
    ck_assert_ptr_nonnull(text);
    p = mempcpy(p, own_refusals[k].head, n_head);
    for (size_t i = 0; i < n; i++) {
        p = mempcpy(p, own_refusals[k].filler, n_filler);
    }
    p = mempcpy(p, own_refusals[k].tail, n_tail);
    client_send(fd, text, (size_t)(p - text));
    free(text);
}

TEST(what_libmicrohttpd_refuses_has_an_error_like_any_other)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "1", NULL });
    for (size_t k = 0; k < sizeof own_refusals / sizeof *own_refusals; k++) {
        int fd = client_connect(&daemon);
        send_refused(fd, k);
        expect_one_error(fd, k);
        close(fd);
    }
    struct answer metrics = request(&daemon, "GET", "/metrics", NULL);
    static const char counted[] = "grud_http_requests_total{route=\"\",method=\"\",code=\"431\"} ";
    const char *at = strstr(metrics.body, counted);
    ck_assert(at && strtoul(at + sizeof counted - 1, NULL, 10) > 0);
    answer_free(&metrics);
    daemon_stop(&daemon);
}

/* Beside others it may not be certain whose request is refused; nobody else is answered for it. */
TEST(a_refusal_is_of_the_request_that_it_is_meant_for)
{
    enum { N = 8 };
    static const char half[] = GET "X: ";
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "1", NULL });
    int others[N];
    for (size_t k = 0; k < N; k++) {
        others[k] = client_connect(&daemon);
        client_send(others[k], half, k % 2 == 0 ? 0 : sizeof half - 1);
    }
    for (size_t k = 0; k < sizeof own_refusals / sizeof *own_refusals; k++) {
        char reply[4096], line[64];
        int fd = client_connect(&daemon);
        send_refused(fd, k);
        read_to_the_end(fd, reply, sizeof reply);
        snprintf(line, sizeof line, "HTTP/1.1 %d ", own_refusals[k].code);
        ck_assert_msg(strncmp(reply, line, strlen(line)) == 0, "refusal %zu: %s", k, reply);
        bool is_certain = strstr(own_refusals[k].head, "Content-Length") != NULL;
        ck_assert(!is_certain || strstr(reply, own_refusals[k].error));
        close(fd);
    }
    for (size_t k = 0; k < N; k++) {
        client_send(others[k], k % 2 == 0 ? half : "", k % 2 == 0 ? sizeof half - 1 : 0);
        client_send(others[k], "a\r\n\r\n", 5);
        struct answer answer = client_read(others[k]);
        ck_assert_int_eq(answer.code, 200);
        answer_free(&answer);
        close(others[k]);
    }
    daemon_stop(&daemon);
}

TEST(a_nul_in_a_header_or_target_is_refused)
{
    static const char request_bytes[] = "GET /heal\0thz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct daemon daemon = daemon_start(NULL);
    int fd = client_connect(&daemon);
    client_send(fd, request_bytes, sizeof request_bytes - 1);
    struct answer answer = client_read(fd);
    ck_assert_int_ne(answer.code, 200);
    answer_free(&answer);
    close(fd);
    expect(&daemon, "GET", "/healthz", NULL, 200, NULL);
    daemon_stop(&daemon);
}

TEST(one_connection_carries_many_requests)
{
    struct daemon daemon = daemon_start(NULL);
    int fd = client_connect(&daemon);
    static const char step[] = STEP "Host: localhost\r\n" JSON "Content-Length: 13\r\n\r\n" BODY;
    for (int k = 1; k <= 50; k++) {
        char text[32];
        client_send(fd, step, sizeof step - 1);
        struct answer answer = client_read(fd);
        ck_assert_int_eq(answer.code, 200);
        snprintf(text, sizeof text, "\"step\":%d,", k);
        ck_assert_ptr_nonnull(strstr(answer.body, text));
        answer_free(&answer);
    }
    close(fd);
    daemon_stop(&daemon);
}

/* libmicrohttpd's own epoll loop stalls when exactly k * 128 connections become ready in one wait,
 * so the clients get ready while the daemon is stopped. */
TEST(clients_that_get_ready_together_are_all_answered)
{
    static const int counts[] = { 100, 128, 256, 384 };
    static const char get[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "1", NULL });
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        static int fds[384];
        for (int k = 0; k < counts[c]; k++) {
            fds[k] = client_connect(&daemon);
            client_send(fds[k], get, sizeof get - 1);
            struct answer answer = client_read(fds[k]);
            ck_assert_int_eq(answer.code, 200);
            answer_free(&answer);
        }
        kill(daemon.pid, SIGSTOP);
        for (int k = 0; k < counts[c]; k++) {
            client_send(fds[k], get, sizeof get - 1);
        }
        kill(daemon.pid, SIGCONT);
        for (int k = 0; k < counts[c]; k++) {
            struct answer answer = client_read(fds[k]);
            ck_assert_int_eq(answer.code, 200);
            answer_free(&answer);
            close(fds[k]);
        }
    }
    daemon_stop(&daemon);
}

TEST(a_client_that_drips_its_request_is_cut_off)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--request-seconds", "1", NULL });
    int fd = client_connect(&daemon);
    bool closed = false;
    for (int k = 0; k < 600 && !closed; k++) { /* a byte each 100 ms: never silent for long */
        const struct timespec nap = { .tv_nsec = 100000000 };
        char byte;
        send(fd, "G", 1, MSG_NOSIGNAL);
        nanosleep(&nap, NULL);
        closed = recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || (send(fd, "", 0, MSG_NOSIGNAL) < 0);
    }
    ck_assert(closed);
    close(fd);
    daemon_stop(&daemon);
}
