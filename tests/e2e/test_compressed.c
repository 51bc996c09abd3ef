/* Bodies with a Content-Encoding: on every route that takes one they are what they come to. */
#include "daemon.h"
#include "deflate_bytes.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MODEL "/v1/models/pump"
#define JOBS  "/v1/fine_tuning/jobs"

#define SERIES "[[1],[2],[3],[4],[5],[6],[7],[8],[9],[10],[11],[12],[13],[14],[15],[16]]"
#define LINES  "application/x-ndjson"

static struct daemon start(const char *const *options)
{
    struct daemon daemon = daemon_start(options);
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "8", NULL });
    return daemon;
}

/* A body that is sent whole, or in chunks of some bytes. */
struct sent {
    const char *method, *path, *type, *coding;
    bool waits; /* for 100 Continue */
    const char *bytes;
    size_t n, chunk; /* 0: with a length */
};

static void send_chunks(int fd, const struct sent *sent)
{
    for (size_t at = 0; at < sent->n; at += sent->chunk) {
        const size_t n = sent->n - at < sent->chunk ? sent->n - at : sent->chunk;
        char head[32];
        client_send(fd, head, (size_t)snprintf(head, sizeof head, "%zx\r\n", n));
        client_send(fd, sent->bytes + at, n);
        client_send(fd, "\r\n", 2);
    }
    client_send(fd, "0\r\n\r\n", 5);
}

static void send_on(int fd, const struct sent *sent)
{
    char head[512], length[64];
    snprintf(length, sizeof length, "Content-Length: %zu", sent->n);
    client_send(fd, head,
                (size_t)snprintf(head, sizeof head,
                                 "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
                                 "Content-Encoding: %s\r\n%s%s\r\n\r\n",
                                 sent->method, sent->path, sent->type, sent->coding,
                                 sent->waits ? "Expect: 100-continue\r\n" : "",
                                 sent->chunk > 0 ? "Transfer-Encoding: chunked" : length));
    if (sent->waits) {
        char go_on[256];
        ssize_t n = recv(fd, go_on, sizeof go_on - 1, 0);
        ck_assert(n > 12 && strncmp(go_on, "HTTP/1.1 100", 12) == 0);
    }
    if (sent->chunk > 0) {
        send_chunks(fd, sent);
    } else {
        client_send(fd, sent->bytes, sent->n);
    }
}

static struct answer ask(const struct daemon *daemon, const struct sent *sent)
{
    int fd = client_connect(daemon);
    send_on(fd, sent);
    struct answer answer = client_read(fd);
    close(fd);
    return answer;
}

static void expect_sent(const struct daemon *daemon, const struct sent *sent, int code,
                        const char *text)
{
    struct answer answer = ask(daemon, sent);
    ck_assert_msg(answer.code == code && strstr(answer.body, text), "%s %s (%s): %d: %.300s",
                  sent->method, sent->path, sent->coding, answer.code,
                  answer.body ? answer.body : "(closed)");
    answer_free(&answer);
}

/* Sends a text in every form, with a length and in chunks. */
static void expect_in_every_form(const struct daemon *daemon, const char *method, const char *path,
                                 const char *type, const void *text, size_t n_text, int code,
                                 const char *word)
{
    static const size_t chunks[] = { 0, 7, 100000 };
    for (enum deflate_form form = 0; form < FORMS; form++) {
        struct sent sent = {
            .method = method, .path = path, .type = type, .coding = deflate_coding(form)
        };
        char *bytes = deflate_bytes(form, text, n_text, &sent.n);
        sent.bytes = bytes;
        for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
            sent.chunk = chunks[k];
            expect_sent(daemon, &sent, code, word);
        }
        free(bytes);
    }
}

static const struct {
    const char *method, *path, *type, *body;
    int code;
    const char *word;
} bodies[] = {
    { "POST", MODEL "/sessions/s/step", "application/json", "{\"x\":[1]}", 200, "\"step\":" },
    { "POST", MODEL "/steps", "application/json", "{\"steps\":[{\"session\":\"s\",\"x\":[1]}]}",
      200, "\"step\":" },
    { "POST", MODEL "/steps", LINES, "{\"session\":\"s\",\"x\":[1]}\n{\"session\":\"t\",\"x\":[2]}",
      200, "\"session\":\"t\",\"step\":" },
    { "POST", MODEL "/sessions/s/forecast", "application/json", "{\"horizon\":2}", 200,
      "\"forecast\":" },
    { "PUT", MODEL "/sessions/p", "application/json", "{\"ttl\":300}", 200, "\"session\":\"p\"" },
    { "POST", MODEL "/predict", "application/json", "{\"x\":" SERIES "}", 200, "\"y\":[[" },
    { "POST", MODEL "/evaluate", "application/json", "{\"x\":" SERIES "}", 200, "\"windows\":" },
    { "POST", MODEL "/versions/1/activate", "application/json", "{}", 200, "\"active_version\":1" },
    { "POST", JOBS, "application/json",
      "{\"model\":\"pump\",\"training\":{\"series\":[{\"x\":" SERIES "}]},\"dry_run\":true}", 202,
      "\"model\":\"pump\"" },
    { "POST", JOBS, LINES, "{\"model\":\"pump\",\"dry_run\":true}\n{\"x\":" SERIES "}\n", 202,
      "\"model\":\"pump\"" },
    { "POST", JOBS "/ftjob-0/cancel", "application/json", "{}", 404, "job_not_found" },
    { "POST", MODEL "/sessions/none/fork", "application/json", "{\"to\":\"u\"}", 404,
      "session_not_found" },
};

TEST(every_route_takes_a_compressed_body)
{
    struct daemon daemon = start((const char *const[]){ "--job-max", "100", NULL });
    expect(&daemon, "PUT", MODEL "/sessions/p", "{\"ttl\":300}", 201, NULL);
    for (size_t k = 0; k < sizeof bodies / sizeof *bodies; k++) {
        expect_in_every_form(&daemon, bodies[k].method, bodies[k].path, bodies[k].type,
                             bodies[k].body, strlen(bodies[k].body), bodies[k].code,
                             bodies[k].word);
    }
    struct answer file = request(&daemon, "GET", MODEL "/versions/1/file", NULL);
    ck_assert_int_eq(file.code, 200);
    expect_in_every_form(&daemon, "PUT", MODEL, "application/octet-stream", file.body, file.n_body,
                         201, "\"name\":\"pump\"");
    answer_free(&file);
    daemon_stop(&daemon);
}

/* Steps as compressed lines are the steps that the plain ones are. */
TEST(compressed_lines_are_the_lines)
{
    enum { STEPS = 3000 };
    struct daemon daemon = start(NULL);
    char *text = malloc((size_t)STEPS * 64);
    size_t n = 0;
    for (int k = 0; k < STEPS; k++) {
        n += (size_t)sprintf(text + n, "{\"session\":\"line-%d\",\"x\":[%d],\"seq\":%d}\n", k % 10,
                             k % 17, k / 10 + 1);
    }
    struct answer plain = request_typed(&daemon, "POST", MODEL "/steps", LINES, text, n);
    ck_assert_int_eq(plain.code, 200);
    struct sent sent = {
        .method = "POST", .path = MODEL "/steps", .type = LINES, .coding = "gzip", .chunk = 333
    };
    char *bytes = deflate_bytes(FORM_GZIP, text, n, &sent.n);
    sent.bytes = bytes;
    for (int k = 0; k < 10; k++) {
        char path[64];
        snprintf(path, sizeof path, MODEL "/sessions/line-%d", k);
        expect(&daemon, "DELETE", path, NULL, 204, NULL);
    }
    struct answer answer = ask(&daemon, &sent);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_uint_eq(answer.n_body, plain.n_body);
    ck_assert_int_eq(memcmp(answer.body, plain.body, plain.n_body), 0);
    answer_free(&answer);
    answer_free(&plain);
    free(bytes);
    free(text);
    daemon_stop(&daemon);
}

/* ---- limits ---- */

/* A step with so many blanks that its body has n bytes. */
static char *make_step(size_t n)
{
    char *text = malloc(n + 1);
    memset(text, ' ', n);
    memcpy(text, "{\"x\":[1]", 8);
    text[n - 1] = '}';
    return text;
}

TEST(limits_count_what_is_inflated)
{
    enum { LIMIT = 100000 };
    struct daemon daemon = start((const char *const[]){ "--body-max", "100000", NULL });
    char *text = make_step(LIMIT);
    expect_in_every_form(&daemon, "POST", MODEL "/sessions/s/step", "application/json", text, LIMIT,
                         200, "\"step\":");
    free(text);
    text = make_step(LIMIT + 1);
    expect_in_every_form(&daemon, "POST", MODEL "/sessions/s/step", "application/json", text,
                         LIMIT + 1, 413, "\"code\":\"body_too_large\"");
    free(text);
    daemon_stop(&daemon);
}

/* The peak of the daemon's memory in bytes. */
static size_t peak_bytes(const struct daemon *daemon)
{
    char path[64], line[256];
    size_t kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)daemon->pid);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) && sscanf(line, "VmHWM: %zu kB", &kilobytes) != 1) {
    }
    fclose(file);
    ck_assert_uint_gt(kilobytes, 0);
    return kilobytes << 10;
}

/* A megabyte that would be a gigabyte, on each kind of route: all are refused at the limit, and
 * what all of them together took is far less than one of them would be. */
TEST(bombs_are_refused_in_bounded_memory)
{
    static const struct {
        const char *method, *path, *type;
    } targets[] = {
        { "POST", MODEL "/sessions/s/step", "application/json" },
        { "POST", MODEL "/steps", LINES },
        { "POST", MODEL "/predict", "application/json" },
        { "POST", JOBS, LINES },
        { "PUT", MODEL, "application/octet-stream" },
    };
    struct daemon daemon =
        start((const char *const[]){ "--body-max", "1048576", "--training-max", "4194304", NULL });
    struct sent sent = { .coding = "gzip" };
    char *bytes = deflate_zeros(FORM_GZIP, (size_t)1 << 30, &sent.n);
    sent.bytes = bytes;
    const size_t before = peak_bytes(&daemon);
    for (size_t k = 0; k < sizeof targets / sizeof *targets; k++) {
        sent.method = targets[k].method;
        sent.path = targets[k].path;
        sent.type = targets[k].type;
        expect_sent(&daemon, &sent, 413, "\"code\":\"body_too_large\"");
    }
    const size_t after = peak_bytes(&daemon);
    ck_assert_uint_le(after - before, (size_t)64 << 20);
    expect(&daemon, "GET", "/readyz", NULL, 200, NULL);
    free(bytes);
    daemon_stop(&daemon);
}

/* ---- what is not compressed as it says ---- */

TEST(damaged_bodies_are_400)
{
    struct daemon daemon = start(NULL);
    struct sent sent = { .method = "POST",
                         .path = MODEL "/sessions/s/step",
                         .type = "application/json",
                         .coding = "gzip",
                         .bytes = "{\"x\":[1]}",
                         .n = 9 };
    expect_sent(&daemon, &sent, 400, "\"code\":\"invalid_encoding\"");
    expect_sent(&daemon, &sent, 400, "\"param\":\"content-encoding\"");
    size_t n;
    char *bytes = deflate_bytes(FORM_GZIP, "{\"x\":[1]}", 9, &n);
    sent.bytes = bytes;
    for (sent.n = 1; sent.n < n; sent.n++) {
        expect_sent(&daemon, &sent, 400, "\"code\":\"invalid_encoding\"");
    }
    bytes[n - 5] ^= 1; /* of the checksum */
    expect_sent(&daemon, &sent, 400, "incorrect data check");
    free(bytes);
    expect(&daemon, "GET", MODEL "/sessions/s", NULL, 404, NULL); /* nothing has changed */
    daemon_stop(&daemon);
}

/* Lines before the damage are done and answered; the last line says that the others are not. */
TEST(lines_before_the_damage_are_answered)
{
    enum { STEPS = 2000 };
    struct daemon daemon = start(NULL);
    char *text = malloc((size_t)STEPS * 64);
    size_t n = 0;
    for (int k = 0; k < STEPS; k++) {
        n += (size_t)sprintf(text + n, "{\"session\":\"s\",\"x\":[%d],\"seq\":%d}\n", k * k % 997,
                             k + 1);
    }
    struct sent sent = {
        .method = "POST", .path = MODEL "/steps", .type = LINES, .coding = "deflate", .chunk = 500
    };
    char *bytes = deflate_bytes(FORM_ZLIB, text, n, &sent.n);
    sent.bytes = bytes;
    sent.n -= 1;
    struct answer answer = ask(&daemon, &sent), session;
    ck_assert_int_eq(answer.code, 200);
    const char *last = strstr(answer.body, "{\"error\":");
    ck_assert_ptr_nonnull(last);
    ck_assert_msg(strstr(last, "\"code\":\"invalid_encoding\"") &&
                      strstr(last, "and those after it are not done"),
                  "%s", last);
    ck_assert_ptr_nonnull(strstr(last, "\"param\":\"content-encoding\""));
    unsigned line = 0;
    ck_assert_int_eq(sscanf(strstr(last, "line "), "line %u", &line), 1);
    session = request(&daemon, "GET", MODEL "/sessions/s", NULL);
    ck_assert_uint_eq((unsigned)number_in(session.body, "step"), line - 1);
    answer_free(&session);
    answer_free(&answer);
    free(bytes);
    free(text);
    daemon_stop(&daemon);
}

/* ---- codings ---- */

TEST(other_codings_are_415_and_say_which_are_taken)
{
    static const char *const codings[] = {
        "br", "zstd", "compress", "gzip, gzip", "gzip, deflate", "gzip\r\nContent-Encoding: gzip"
    };
    struct daemon daemon = start(NULL);
    struct sent sent = { .method = "POST",
                         .path = MODEL "/sessions/s/step",
                         .type = "application/json",
                         .bytes = "{\"x\":[1]}",
                         .n = 9 };
    for (size_t k = 0; k < sizeof codings / sizeof *codings; k++) {
        sent.coding = codings[k];
        struct answer answer = ask(&daemon, &sent);
        ck_assert_msg(answer.code == 415, "%s: %d", codings[k], answer.code);
        ck_assert_ptr_nonnull(strstr(answer.headers, "\r\nAccept-Encoding: gzip, deflate\r\n"));
        ck_assert_ptr_nonnull(strstr(answer.body, "\"param\":\"content-encoding\""));
        answer_free(&answer);
    }
    sent.coding = "identity"; /* and a type that is not taken says nothing of codings */
    expect_sent(&daemon, &sent, 200, "\"step\":1");
    sent.type = "text/plain";
    struct answer answer = ask(&daemon, &sent);
    ck_assert_int_eq(answer.code, 415);
    ck_assert_ptr_null(strstr(answer.headers, "Accept-Encoding"));
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(a_coding_of_nothing_is_nothing)
{
    struct daemon daemon = start(NULL);
    struct sent sent = { .method = "POST",
                         .path = MODEL "/versions/1/activate",
                         .type = "application/json",
                         .coding = "gzip",
                         .bytes = "" };
    expect_sent(&daemon, &sent, 200, "\"active_version\":1");
    sent.chunk = 1;
    expect_sent(&daemon, &sent, 200, "\"active_version\":1");
    expect_in_every_form(&daemon, "POST", MODEL "/versions/1/activate", "application/json", "", 0,
                         200, "\"active_version\":1");
    sent = (struct sent){ .method = "GET",
                          .path = MODEL,
                          .type = "application/json",
                          .coding = "br", /* of no body */
                          .bytes = "" };
    expect_sent(&daemon, &sent, 200, "\"active_version\":1");
    daemon_stop(&daemon);
}

/* A connection goes on behind a compressed body, behind one that is refused, and behind one that
 * waits for 100 Continue. */
TEST(the_connection_is_kept)
{
    struct daemon daemon = start(NULL);
    struct sent sent = { .method = "POST",
                         .path = MODEL "/sessions/s/step",
                         .type = "application/json",
                         .coding = "gzip" };
    char *bytes = deflate_bytes(FORM_GZIP, "{\"x\":[1]}", 9, &sent.n);
    sent.bytes = bytes;
    int fd = client_connect(&daemon);
    for (int k = 0; k < 3; k++) {
        const char broken = (char)(k == 1 ? 0xe0 : 0); /* reserved flags of the header */
        sent.waits = k == 2;
        bytes[3] ^= broken;
        send_on(fd, &sent);
        struct answer answer = client_read(fd);
        ck_assert_int_eq(answer.code, k == 1 ? 400 : 200);
        ck_assert(!answer.closed);
        answer_free(&answer);
        bytes[3] ^= broken;
    }
    close(fd);
    free(bytes);
    daemon_stop(&daemon);
}
