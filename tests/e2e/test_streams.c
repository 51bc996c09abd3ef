/* Server-Sent Events: a job's events as they happen. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define JOBS    "/v1/fine_tuning/jobs"
#define ACCEPT  "Accept: text/event-stream\r\n"
#define SHORT   "\"n_epochs\":3"
#define ENDLESS "\"n_epochs\":1000000,\"early_stopping_patience\":null,\"learning_rate\":1e-6"

enum { ID_SIZE = 64 };

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static struct daemon start_with(const char *const *options)
{
    struct daemon daemon = daemon_start(options);
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "8", NULL });
    return daemon;
}

static struct daemon start(void)
{
    return start_with(NULL);
}

static void post(const struct daemon *daemon, const char *hyperparameters, char id[ID_SIZE])
{
    char body[4096];
    int n =
        snprintf(body, sizeof body,
                 "{\"model\":\"pump\",\"hyperparameters\":{%s},\"training\":{\"series\":[{\"x\":[",
                 hyperparameters);
    for (int t = 0; t < 100; t++) {
        n += snprintf(body + n, sizeof body - (size_t)n, "%s[%d]", t > 0 ? "," : "", t % 7);
    }
    snprintf(body + n, sizeof body - (size_t)n, "]}]}}");
    struct answer answer = request(daemon, "POST", JOBS, body);
    ck_assert_msg(answer.code == 202, "%d: %s", answer.code, answer.body);
    ck_assert_int_eq(sscanf(answer.body, "{\"id\":\"%63[^\"]", id), 1);
    answer_free(&answer);
}

static void steer(const struct daemon *daemon, const char *id, const char *verb)
{
    char path[320];
    snprintf(path, sizeof path, JOBS "/%s/%s", id, verb);
    expect(daemon, "POST", path, "{}", 200, id);
}

static int open_stream(const struct daemon *daemon, const char *id, const char *query,
                       const char *headers)
{
    char path[320];
    snprintf(path, sizeof path, JOBS "/%s/events%s", id, query);
    return client_ask(daemon, path, headers);
}

/* The whole of a stream that ends by itself. */
static struct answer read_stream(const struct daemon *daemon, const char *id, const char *query,
                                 const char *headers)
{
    int fd = open_stream(daemon, id, query, headers);
    struct answer answer = client_read_chunks(fd);
    close(fd);
    ck_assert(!answer.closed);
    return answer;
}

static long number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    ck_assert_msg(at != NULL, "no %s in %.300s", key, text);
    return strtol(at + strlen(key), NULL, 10);
}

/* Every event in it is well-formed, and their ids grow. Returns how many there are. */
static int check_events(const char *body, long after)
{
    int n = 0;
    for (const char *event = strstr(body, "\nid: "); event; event = strstr(event + 1, "\nid: ")) {
        char expected[128];
        long id = number_after(event, "id: ftevent-");
        ck_assert_int_gt(id, after);
        after = id;
        snprintf(expected, sizeof expected,
                 "\nid: ftevent-%ld\ndata: "
                 "{\"id\":\"ftevent-%ld\",\"object\":\"fine_tuning.job.event\",",
                 id, id);
        ck_assert_int_eq(strncmp(event, expected, strlen(expected)), 0);
        ck_assert_ptr_nonnull(strstr(event, "}\n\n"));
        n++;
    }
    return n;
}

TEST(a_job_is_streamed_to_its_end)
{
    char id[ID_SIZE], header[128], query[64];
    struct daemon daemon = start();
    post(&daemon, SHORT, id);
    struct answer live = read_stream(&daemon, id, "", ACCEPT);
    ck_assert_int_eq(live.code, 200);
    ck_assert_ptr_nonnull(strcasestr(live.headers, "\r\nContent-Type: text/event-stream\r\n"));
    ck_assert_ptr_nonnull(strcasestr(live.headers, "\r\nCache-Control: no-cache\r\n"));
    ck_assert_ptr_nonnull(strcasestr(live.headers, "\r\nX-Accel-Buffering: no\r\n"));
    ck_assert_int_eq(strncmp(live.body, "retry: ", 7), 0);
    int n = check_events(live.body, 0);
    ck_assert_int_ge(n, 4);
    long first = number_after(live.body, "id: ftevent-"), last = first;
    for (const char *at = live.body; (at = strstr(at, "id: ftevent-")); at++) {
        last = number_after(at, "id: ftevent-");
    }
    char path[320];
    snprintf(path, sizeof path, JOBS "/%s", id);
    expect(&daemon, "GET", path, NULL, 200,
           "\"status\":\"succeeded\""); /* before the stream has ended */

    struct answer again =
        read_stream(&daemon, id, "", "Accept: text/html;q=0.1, text/event-stream\r\n");
    ck_assert_str_eq(again.body, live.body);
    answer_free(&again);
    snprintf(header, sizeof header, ACCEPT "Last-Event-ID: ftevent-%ld\r\n", first);
    again = read_stream(&daemon, id, "?after=ftevent-0", header); /* what was seen last is later */
    ck_assert_int_eq(check_events(again.body, first), n - 1);
    answer_free(&again);
    snprintf(query, sizeof query, "?after=ftevent-%ld", first);
    again = read_stream(&daemon, id, query, ACCEPT);
    ck_assert_int_eq(check_events(again.body, first), n - 1);
    answer_free(&again);

    snprintf(header, sizeof header, ACCEPT "Last-Event-ID: ftevent-%ld\r\n", last);
    int fd = open_stream(&daemon, id, "", header);
    struct answer over = client_read(fd);
    ck_assert_int_eq(over.code, 204);
    answer_free(&over);
    close(fd);
    answer_free(&live);
    daemon_stop(&daemon);
}

static void expect_refusal(const struct daemon *daemon, const char *id, const char *query,
                           const char *headers, int code, const char *text)
{
    int fd = open_stream(daemon, id, query, headers);
    struct answer answer = client_read(fd);
    ck_assert_int_eq(answer.code, code);
    ck_assert_msg(strstr(answer.body, text) != NULL, "%s", answer.body);
    answer_free(&answer);
    close(fd);
}

TEST(a_stream_that_cannot_be_is_refused)
{
    char id[ID_SIZE];
    struct daemon daemon = start();
    post(&daemon, SHORT, id);
    expect_refusal(&daemon, "ftjob-none", "", ACCEPT, 404, "job_not_found");
    expect_refusal(&daemon, id, "", ACCEPT "Last-Event-ID: 7\r\n", 400,
                   "\"param\":\"Last-Event-ID\"");
    expect_refusal(&daemon, id, "?after=ftevent-x", ACCEPT, 400, "\"param\":\"after\"");
    expect_refusal(&daemon, id, "?limit=5", ACCEPT, 400, "\"param\":\"limit\"");
    expect_refusal(&daemon, id, "", "Accept: text/*\r\n", 200, "\"object\":\"list\"");
    expect_refusal(&daemon, id, "", "Accept: text/event-stream;q=0\r\n", 200,
                   "\"object\":\"list\"");
    daemon_stop(&daemon);
}

/* Whoever shares a connection with it would take a body for the beginning of the next reply. */
TEST(a_head_of_a_stream_has_no_body)
{
    char id[ID_SIZE], text[1024], reply[2048] = "";
    struct daemon daemon = start();
    post(&daemon, ENDLESS, id);
    int n = snprintf(text, sizeof text,
                     "HEAD " JOBS "/%s/events HTTP/1.1\r\nHost: localhost\r\n" ACCEPT "\r\n"
                     "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                     id);
    int fd = client_connect(&daemon);
    client_send(fd, text, (size_t)n);
    size_t n_reply = 0;
    ssize_t more;
    while ((more = recv(fd, reply + n_reply, sizeof reply - 1 - n_reply, 0)) > 0) {
        n_reply += (size_t)more;
    }
    const char *end = strstr(reply, "\r\n\r\n");
    ck_assert_msg(strncmp(reply, "HTTP/1.1 200 ", 13) == 0 && end &&
                      strncmp(end + 4, "HTTP/1.1 200 ", 13) == 0,
                  "%s", reply);
    ck_assert_ptr_nonnull(strstr(reply, "Content-Type: text/event-stream\r\n"));
    close(fd);
    expect(&daemon, "GET", "/metrics", NULL, 200, "\ngrud_http_streams 0\n");
    daemon_stop(&daemon);
}

TEST(streams_do_not_hold_up_the_end)
{
    enum { N = 40 };
    char id[ID_SIZE];
    int fds[N];
    struct daemon daemon = start_with((const char *const[]){ "--drain-seconds", "100", NULL });
    post(&daemon, ENDLESS, id);
    for (int k = 0; k < N; k++) {
        fds[k] = open_stream(&daemon, id, "", ACCEPT);
    }
    char byte;
    for (int k = 0; k < N; k++) {
        ck_assert_int_eq(recv(fds[k], &byte, 1, MSG_PEEK), 1); /* it has begun */
    }
    double began = seconds_now();
    ck_assert_int_eq(daemon_end(&daemon), 0);
    ck_assert(seconds_now() - began <
              60); /* of the hundred seconds that a request would be given */
    for (int k = 0; k < N; k++) {
        struct answer answer = client_read_chunks(fds[k]);
        ck_assert(answer.code == 200 && !answer.closed);
        answer_free(&answer);
        close(fds[k]);
    }
    daemon_start_again(&daemon, NULL);
    steer(&daemon, id, "cancel");
    daemon_stop(&daemon);
}

static bool has_metric(const struct daemon *daemon, const char *text)
{
    struct answer metrics = request(daemon, "GET", "/metrics", NULL);
    bool has = strstr(metrics.body, text) != NULL;
    answer_free(&metrics);
    return has;
}

/* Waits for text to come on the connection; what came before it is dropped. */
static void expect_soon(int fd, const char *text)
{
    enum { KEPT = 64 };
    char seen[KEPT + 4096 + 1];
    size_t n = 0;
    do {
        size_t n_kept = n < KEPT ? n : KEPT;
        memmove(seen, seen + n - n_kept, n_kept);
        ssize_t more = recv(fd, seen + n_kept, sizeof seen - 1 - n_kept, 0);
        ck_assert_msg(more > 0, "no %s", text);
        n = n_kept + (size_t)more;
        seen[n] = '\0';
    } while (!strstr(seen, text));
}

TEST(a_quiet_stream_pings_and_a_client_that_is_gone_is_noticed)
{
    char id[ID_SIZE];
    struct daemon daemon = start();
    post(&daemon, ENDLESS, id);
    steer(&daemon, id, "pause");
    int stays = open_stream(&daemon, id, "", ACCEPT), leaves = open_stream(&daemon, id, "", ACCEPT);
    expect_soon(stays, "\nid: ftevent-");
    expect_soon(leaves, "\nid: ftevent-");
    ck_assert(has_metric(&daemon, "grud_http_streams 2\n"));
    close(leaves);
    expect_soon(stays, ": ping\n\n"); /* the socket's own limit is 30 s */
    double end = seconds_now() + 60;
    while (!has_metric(&daemon, "grud_http_streams 1\n")) {
        ck_assert(seconds_now() < end);
    }
    steer(&daemon, id, "resume");
    expect_soon(stays, "data: "); /* it went on all the time */
    steer(&daemon, id, "cancel");
    expect_soon(stays, "\r\n0\r\n\r\n");
    close(stays);
    daemon_stop(&daemon);
}
