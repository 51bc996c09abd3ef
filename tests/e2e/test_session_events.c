/* Server-Sent Events: what becomes of a session, as it happens. */
#include "daemon.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MODEL   "/v1/models/pump"
#define SESSION MODEL "/sessions/s"
#define EVENTS  SESSION "/events"

enum { TEXT_SIZE = 1 << 18 };

static struct daemon start(const char *const *options)
{
    struct daemon daemon = daemon_start(options);
    daemon_add_model(&daemon, "pump",
                     (const char *const[]){ "--inputs", "temp,load", "--outputs", "temp",
                                            "--layers", "8", NULL });
    return daemon;
}

static void step_in(const struct daemon *daemon, const char *session, int k)
{
    char path[256], body[128];
    snprintf(path, sizeof path, MODEL "/sessions/%s/step", session);
    snprintf(body, sizeof body, "{\"x\":[%d.5,null],\"seq\":%d,\"at\":%d}", k % 7, k, 1000 + k);
    expect(daemon, "POST", path, body, 200, NULL);
}

/* Step k, and its event as it must come. */
static void step(const struct daemon *daemon, int k, char event[1024])
{
    char body[128];
    snprintf(body, sizeof body, "{\"x\":[%d.5,null],\"seq\":%d,\"at\":%d}", k % 7, k, 1000 + k);
    struct answer answer = request(daemon, "POST", SESSION "/step", body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    snprintf(event, 1024, "event: step\nid: %d\ndata: %.*s,\"x\":[%d.5,null],\"at\":%d}\n\n", k,
             (int)answer.n_body - 1, answer.body, k % 7, 1000 + k);
    answer_free(&answer);
}

/* ---- a stream that is read as it comes ---- */

struct reader {
    int fd;
    size_t n; /* of the text, the head and the sizes of chunks included */
    char text[TEXT_SIZE];
};

static void listen_at(const struct daemon *daemon, const char *path, const char *headers,
                      struct reader *reader)
{
    reader->fd = client_ask(daemon, path, headers);
    reader->n = 0;
    reader->text[0] = '\0';
}

/* Whether there is more; false: the stream is over. */
static bool read_more(struct reader *reader)
{
    ck_assert_uint_lt(reader->n, TEXT_SIZE - 1);
    ssize_t n = recv(reader->fd, reader->text + reader->n, TEXT_SIZE - 1 - reader->n, 0);
    reader->n += n > 0 ? (size_t)n : 0;
    reader->text[reader->n] = '\0';
    return n > 0 && !strstr(reader->text, "\r\n0\r\n\r\n");
}

/* The socket's own limit is the time for it. */
static void await(struct reader *reader, const char *text)
{
    while (!strstr(reader->text, text)) {
        const bool is_over = !read_more(reader);
        ck_assert_msg(!is_over || strstr(reader->text, text), "no %s in %s", text, reader->text);
    }
}

static void await_end(struct reader *reader)
{
    while (!strstr(reader->text, "\r\n0\r\n\r\n") && read_more(reader)) {
    }
    close(reader->fd);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) {
        n++;
    }
    return n;
}

static struct reader first, second;

/* ---- as they happen ---- */

TEST(each_step_is_told_as_it_was_answered)
{
    enum { N = 20 };
    char event[1024];
    struct daemon daemon = start(NULL);
    step(&daemon, 1, event);
    listen_at(&daemon, EVENTS, "", &first);
    listen_at(&daemon, EVENTS, "", &second);
    await(&first, "retry: ");
    await(&second, "retry: ");
    ck_assert_ptr_nonnull(strcasestr(first.text, "\r\nContent-Type: text/event-stream\r\n"));
    ck_assert_ptr_nonnull(strcasestr(first.text, "\r\nCache-Control: no-cache\r\n"));
    for (int k = 2; k <= N; k++) {
        step(&daemon, k, event);
        expect(&daemon, "POST", SESSION "/step", "{\"x\":[1,2],\"seq\":1}", 409, NULL);
        step_in(&daemon, "another", k - 1);
        await(&first, event);
        await(&second, event);
    }
    step(&daemon, N, event); /* repeats only */
    expect(&daemon, "DELETE", SESSION, NULL, 204, NULL);
    await(&first, "event: end\ndata: {\"session\":\"s\",\"reason\":\"deleted\"}\n\n");
    await_end(&first);
    await_end(&second);
    ck_assert_int_eq(count(first.text, "event: step"), N - 1);
    ck_assert_int_eq(count(second.text, "event: step"), N - 1);
    ck_assert_ptr_null(strstr(first.text, "another"));
    expect(&daemon, "GET", EVENTS, NULL, 404, "session_not_found");
    daemon_stop(&daemon);
}

TEST(batches_and_lines_are_told_in_order)
{
    char body[8192];
    struct daemon daemon = start(NULL);
    step_in(&daemon, "s", 1);
    listen_at(&daemon, EVENTS, "", &first);
    await(&first, "retry: ");
    size_t n = 0;
    for (int k = 2; k <= 40; k++) {
        n += (size_t)snprintf(body + n, sizeof body - n, "{\"session\":\"s\",\"x\":[%d,0]}\n", k);
    }
    struct answer answer =
        request_typed(&daemon, "POST", MODEL "/steps", "application/x-ndjson", body, n);
    ck_assert_int_eq(answer.code, 200);
    answer_free(&answer);
    await(&first, "id: 40\n");
    const char *at = first.text;
    for (int k = 2; k <= 40; k++) {
        char id[32];
        snprintf(id, sizeof id, "\nid: %d\n", k);
        at = strstr(at, id);
        ck_assert_msg(at != NULL, "%d", k);
    }
    close(first.fd);
    daemon_stop(&daemon);
}

/* ---- of all sessions ---- */

static long last_id(const char *text)
{
    long id = 0;
    for (const char *at = text; (at = strstr(at, "\nid: ")); at++) {
        id = strtol(at + 5, NULL, 10);
    }
    return id;
}

TEST(all_sessions_of_a_model_are_told_in_one_stream)
{
    char header[64];
    const char *const options[] = { "--record", "100", NULL };
    struct daemon daemon = start(options);
    listen_at(&daemon, MODEL "/events", "", &first);
    listen_at(&daemon, MODEL "/events?prefix=hall-", "", &second);
    await(&first, "retry: ");
    await(&second, "retry: ");
    step_in(&daemon, "s", 1);
    step_in(&daemon, "hall-1", 1);
    step_in(&daemon, "hall-2", 1);
    step_in(&daemon, "hall-1", 2);
    expect(&daemon, "DELETE", MODEL "/sessions/hall-2", NULL, 204, NULL);
    step_in(&daemon, "hall-3", 1);
    await(&first, "\"session\":\"hall-3\"");
    await(&second, "\"session\":\"hall-3\"");
    ck_assert_int_eq(count(first.text, "event: step"), 5);
    ck_assert_int_eq(count(second.text, "event: step"), 4);
    ck_assert_ptr_nonnull(strstr(
        second.text, "event: end\ndata: {\"session\":\"hall-2\",\"reason\":\"deleted\"}\n\n"));
    ck_assert_ptr_nonnull(strstr(second.text, "{\"session\":\"hall-1\",\"step\":2,"));
    snprintf(header, sizeof header, "Last-Event-ID: %ld\r\n", last_id(first.text));
    close(first.fd);
    close(second.fd);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_start_again(&daemon, options);
    step_in(&daemon, "hall-3", 2); /* nobody hears it */
    listen_at(&daemon, MODEL "/events?prefix=hall-", header, &first);
    await(&first, "event: gap\ndata: {\"session\":\"hall-3\",\"after\":null,\"next\":3}\n\n");
    ck_assert_ptr_null(strstr(first.text, "event: step"));
    ck_assert_ptr_null(strstr(first.text, "\"session\":\"s\""));
    step_in(&daemon, "hall-1", 3);
    await(&first, "{\"session\":\"hall-1\",\"step\":3,");
    close(first.fd);
    expect(&daemon, "GET", MODEL "/events?prefix=a/b", NULL, 400, "\"param\":\"prefix\"");
    expect(&daemon, "GET", MODEL "/events?limit=3", NULL, 400, "limit");
    expect(&daemon, "GET", "/v1/models/none/events", NULL, 404, "model_not_found");
    daemon_stop(&daemon);
}

/* ---- how they end ---- */

TEST(a_stream_says_why_its_session_has_ended)
{
    const char *const options[] = { "--session-max", "2", "--session-full", "evict", NULL };
    struct daemon daemon = start(options);
    step_in(&daemon, "s", 1);
    listen_at(&daemon, EVENTS, "", &first);
    await(&first, "retry: ");
    expect(&daemon, "PUT", SESSION, "{\"ttl\":1}", 200, NULL);
    await_end(&first);
    ck_assert_ptr_nonnull(strstr(first.text, "\"reason\":\"replaced\"}"));
    listen_at(&daemon, EVENTS, "", &first);
    await_end(&first);
    ck_assert_ptr_nonnull(strstr(first.text, "\"reason\":\"expired\"}"));
    expect(&daemon, "GET", EVENTS, NULL, 410, "session_expired");
    step_in(&daemon, "t", 1);
    listen_at(&daemon, MODEL "/sessions/t/events", "", &first);
    await(&first, "retry: ");
    step_in(&daemon, "u", 1);
    step_in(&daemon, "v", 1);
    step_in(&daemon, "w", 1);
    await_end(&first);
    ck_assert_ptr_nonnull(strstr(first.text, "{\"session\":\"t\",\"reason\":\"evicted\"}"));
    daemon_stop(&daemon);
}

/* ---- going on ---- */

TEST(a_client_that_comes_back_gets_what_it_missed)
{
    char event[1024];
    const char *const options[] = { "--session-history", "4", "--record", "100", NULL };
    struct daemon daemon = start(options);
    for (int k = 1; k <= 12; k++) {
        step(&daemon, k, event);
    }
    listen_at(&daemon, EVENTS, "Last-Event-ID: 3\r\n", &first); /* from the recordings */
    await(&first, "\nid: 12\n");
    step(&daemon, 13, event);
    await(&first, event);
    ck_assert_int_eq(count(first.text, "event: step"), 10);
    ck_assert_int_eq(count(first.text, "event: gap"), 0);
    ck_assert_ptr_nonnull(strstr(first.text, "id: 4\ndata: {\"session\":\"s\",\"step\":4,\"y\":["));
    ck_assert_ptr_nonnull(strstr(first.text, "\"x\":[4.5,null],\"at\":1004}\n\n"));
    close(first.fd);
    daemon_kill(&daemon); /* what it saw is there afterwards */
    daemon_start_again(&daemon, options);
    listen_at(&daemon, EVENTS, "Last-Event-ID: 13\r\n", &first);
    await(&first, "retry: ");
    step(&daemon, 14, event);
    await(&first, event);
    ck_assert_int_eq(count(first.text, "event: step"), 1);
    close(first.fd);
    daemon_stop(&daemon);
}

TEST(what_is_not_kept_is_a_gap)
{
    char event[1024];
    const char *const options[] = { "--session-history", "4", NULL };
    struct daemon daemon = start(options);
    for (int k = 1; k <= 12; k++) {
        step(&daemon, k, event);
    }
    listen_at(&daemon, EVENTS, "Last-Event-ID: 3\r\n", &first);
    await(&first, "id: 12\n");
    ck_assert_ptr_nonnull(
        strstr(first.text, "event: gap\ndata: {\"session\":\"s\",\"after\":3,\"next\":9}\n\n"));
    ck_assert_int_eq(count(first.text, "event: step"), 4);
    close(first.fd);
    listen_at(&daemon, EVENTS, "Last-Event-ID: 99\r\n", &first); /* of an earlier session */
    await(&first, "id: 12\n");
    ck_assert_ptr_nonnull(strstr(first.text, "{\"session\":\"s\",\"after\":99,\"next\":9}\n\n"));
    close(first.fd);
    daemon_stop(&daemon);
}

TEST(a_stream_that_cannot_be_is_refused)
{
    static const char *const ids[] = { "x", "-1", "1.5", "9007199254740992", "ftevent-7" };
    struct daemon daemon =
        start((const char *const[]){ "--stream-max", "1", "--workers", "1", NULL });
    step_in(&daemon, "s", 1);
    for (size_t k = 0; k < sizeof ids / sizeof *ids; k++) {
        char header[64];
        snprintf(header, sizeof header, "Last-Event-ID: %s\r\n", ids[k]);
        int fd = client_ask(&daemon, EVENTS, header);
        struct answer answer = client_read(fd);
        ck_assert_int_eq(answer.code, 400);
        ck_assert_ptr_nonnull(
            strstr(answer.body, "from 0 to 9007199254740991\",\"param\":\"Last-Event-ID\""));
        answer_free(&answer);
        close(fd);
    }
    listen_at(&daemon, EVENTS, "", &first);
    await(&first, "retry: ");
    expect(&daemon, "GET", EVENTS, NULL, 503, "there are already 1 streams here");
    close(first.fd);
    daemon_stop(&daemon);
}

/* ---- who may listen ---- */

static void write_keys(const struct daemon *daemon, const char *keys)
{
    char path[192];
    snprintf(path, sizeof path, "%s/keys", daemon->directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, keys, strlen(keys)), (ssize_t)strlen(keys));
    close(fd);
}

TEST(a_key_that_is_revoked_hears_no_more)
{
    char option[192];
    struct daemon daemon = start(NULL);
    step_in(&daemon, "s", 1);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    write_keys(&daemon, "reader-one read\nreader-two read\nwriter predict\n");
    snprintf(option, sizeof option, "%s/keys", daemon.directory);
    daemon_start_again(&daemon, (const char *const[]){ "--api-keys", option, NULL });
    listen_at(&daemon, EVENTS, "Authorization: Bearer reader-one\r\n", &first);
    listen_at(&daemon, EVENTS, "Authorization: Bearer reader-two\r\n", &second);
    await(&first, "retry: ");
    await(&second, "retry: ");
    write_keys(&daemon, "reader-two read\nreader-one train\nwriter predict\n");
    ck_assert_int_eq(kill(daemon.pid, SIGHUP), 0);
    await_end(&first);
    ck_assert_int_eq(count(first.text, "event: "), 0);
    int fd = client_connect(&daemon);
    static const char body[] = "{\"x\":[1,2],\"seq\":2}";
    client_send_request(fd, "POST", SESSION "/step", "Authorization: Bearer writer\r\n",
                        "application/json", body, strlen(body));
    struct answer answer = client_read(fd);
    ck_assert_int_eq(answer.code, 200);
    answer_free(&answer);
    close(fd);
    await(&second, "\nid: 2\n");
    close(second.fd);
    daemon_stop(&daemon);
}

/* ---- slow ones, and the end ---- */

/* What was dropped has an end: the stream's last chunk, where it still has room, or the
 * connection's. */
static void read_to_end(int fd)
{
    static const char last[] = "\r\n0\r\n\r\n";
    enum { N_LAST = sizeof last - 1 };
    char bytes[N_LAST + 4096] = "";
    ssize_t n;
    while ((n = recv(fd, bytes + N_LAST, sizeof bytes - N_LAST, 0)) > 0) {
        memmove(bytes, bytes + n, N_LAST);
        if (memcmp(bytes, last, N_LAST) == 0) {
            return;
        }
    }
    ck_assert_msg(n == 0 || errno == ECONNRESET, "it goes on");
}

TEST(a_client_that_does_not_read_is_dropped_and_slows_nobody)
{
    enum { AT_ONCE = 200 };
    char body[AT_ONCE * 64];
    struct daemon daemon = start(NULL);
    step_in(&daemon, "s", 1);
    listen_at(&daemon, EVENTS, "", &first);
    await(&first, "retry: ");
    size_t n = 0;
    for (int k = 0; k < AT_ONCE; k++) {
        n += (size_t)snprintf(body + n, sizeof body - n, "{\"session\":\"s\",\"x\":[1.25,0.5]}\n");
    }
    bool is_dropped = false; /* once its socket's buffers and its queue are full */
    while (!is_dropped) {
        struct answer answer =
            request_typed(&daemon, "POST", MODEL "/steps", "application/x-ndjson", body, n);
        ck_assert_int_eq(answer.code, 200);
        answer_free(&answer);
        answer = request(&daemon, "GET", "/metrics", NULL);
        is_dropped = strstr(answer.body, "\ngrud_http_streams 0\n") != NULL;
        answer_free(&answer);
    }
    read_to_end(first.fd);
    close(first.fd);
    daemon_stop(&daemon);
}

TEST(streams_of_sessions_end_with_grud)
{
    char event[1024];
    struct daemon daemon = start((const char *const[]){ "--drain-seconds", "100", NULL });
    step(&daemon, 1, event);
    listen_at(&daemon, EVENTS, "", &first);
    await(&first, "retry: ");
    step(&daemon, 2, event);
    await(&first, event);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    await_end(&first);
    ck_assert_int_eq(count(first.text, "event: end"), 0); /* the session goes on */
    daemon_start_again(&daemon, NULL);
    listen_at(&daemon, EVENTS, "Last-Event-ID: 1\r\n", &first);
    await(&first, "\nid: 2\n");
    close(first.fd);
    daemon_stop(&daemon);
}

/* What a client saw of a session is there after a kill, whenever that comes; with a sync before
 * each reply as without. */
TEST(what_was_told_is_there_after_a_kill)
{
    for (int round = 0; round < 4; round++) {
        const char *const options[] = { "--sync-interval-ms", round % 2 == 0 ? "0" : "1000", NULL };
        char body[64 * 64], text[64];
        struct daemon daemon = start(options);
        step_in(&daemon, "s", 1);
        listen_at(&daemon, EVENTS, "", &first);
        await(&first, "retry: ");
        size_t n = 0;
        for (int k = 0; k < 50; k++) {
            n += (size_t)snprintf(body + n, sizeof body - n, "{\"session\":\"s\",\"x\":[1,2]}\n");
        }
        int fd = client_connect(&daemon);
        client_send_request(fd, "POST", MODEL "/steps", "", "application/x-ndjson", body, n);
        await(&first, round < 2 ? "\nid: 2\n" : "\nid: 40\n");
        daemon_kill(&daemon);
        close(fd);
        await_end(&first);
        long told = 0;
        for (const char *at = first.text; (at = strstr(at, "\nid: ")); at++) {
            told = strtol(at + 5, NULL, 10);
        }
        daemon_start_again(&daemon, options);
        struct answer answer = request(&daemon, "GET", SESSION, NULL);
        ck_assert_int_eq(answer.code, 200);
        snprintf(text, sizeof text, "told %ld, there %g", told, number_in(answer.body, "step"));
        ck_assert_msg((long)number_in(answer.body, "step") >= told, "%s", text);
        answer_free(&answer);
        daemon_stop(&daemon);
    }
}
