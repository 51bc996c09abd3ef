/* HTTP framing that a proxy might read differently is refused; clients that come together are all
 * answered.
 */
#include "daemon.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
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
