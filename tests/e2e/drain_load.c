#include "drain_load.h"

#include "http_client.h"
#include "http_message.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MODEL "/v1/models/torch-stacked"

enum { BYTES_MAX = 64 << 10, PREDICT_ROWS = 200 };

struct client {
    struct load *load;
    enum load_kind kind;
    pthread_t thread;
    unsigned random;
    int fd; /* -1: not connected */
    struct load_tally tally;
    struct load_session *sessions; /* [LOAD_SESSIONS] its own */
    char request[BYTES_MAX], answer[BYTES_MAX];
    size_t n_request, n_answer;
};

struct load {
    unsigned port;
    char job[64];
    _Atomic int64_t end_ns;
    struct client clients[LOAD_CLIENTS];
    struct load_session sessions[LOAD_CLIENTS * LOAD_SESSIONS];
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void nap_us(long us)
{
    const struct timespec time = { .tv_nsec = us * 1000 };
    nanosleep(&time, NULL);
}

static unsigned draw(struct client *client, unsigned n)
{
    client->random = client->random * 1664525 + 1013904223;
    return (client->random >> 8) % n;
}

__attribute__((format(printf, 2, 3))) static void complain(struct client *client,
                                                           const char *format, ...)
{
    va_list arguments;
    if (client->tally.problem[0] == '\0') {
        va_start(arguments, format);
        vsnprintf(client->tally.problem, sizeof client->tally.problem, format, arguments);
        va_end(arguments);
    }
}

/* ---- requests ---- */

void load_print_step(char *out, size_t size, unsigned seq)
{
    snprintf(out, size, "\"x\":[%u,0.25,%s,0.5,%u],\"seq\":%u", seq % 7, seq % 3 ? "0.75" : "null",
             seq % 11, seq);
}

__attribute__((format(printf, 2, 3))) static void add(struct client *client, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(client->request + client->n_request, BYTES_MAX - client->n_request, format,
                      arguments);
    va_end(arguments);
    client->n_request += n > 0 ? (size_t)n : 0;
}

/* Puts the head before the body that is there. */
static void add_head(struct client *client, const char *target, const char *type)
{
    char head[HTTP_HEAD_MAX];
    size_t n = http_print_head(head, "POST", target, NULL, type, client->n_request);
    memmove(client->request + n, client->request, client->n_request);
    memcpy(client->request, head, n);
    client->n_request += n;
}

static void make_request(struct client *client)
{
    char step[128], target[128] = MODEL "/steps";
    bool is_lines = client->kind == LOAD_LINES;
    client->n_request = 0;
    if (client->kind == LOAD_PREDICT) {
        add(client, "{\"x\":[");
        for (int t = 0; t < PREDICT_ROWS; t++) {
            add(client, "%s[%d,2,3,4,5]", t > 0 ? "," : "", t % 9);
        }
        add(client, "]}");
        snprintf(target, sizeof target, MODEL "/predict");
    } else if (client->kind == LOAD_BATCH || is_lines) {
        add(client, is_lines ? "" : "{\"steps\":[");
        for (int k = 0; k < LOAD_SESSIONS; k++) {
            const struct load_session *session = &client->sessions[k];
            load_print_step(step, sizeof step, session->seq + 1);
            add(client, "%s{\"session\":\"%s\",%s}%s", k > 0 && !is_lines ? "," : "", session->id,
                step, is_lines ? "\n" : "");
        }
        add(client, is_lines ? "" : "]}");
    } else {
        load_print_step(step, sizeof step, client->sessions[0].seq + 1);
        add(client, "{%s}", step);
        snprintf(target, sizeof target, MODEL "/sessions/%s/step", client->sessions[0].id);
    }
    add_head(client, target, is_lines ? "application/x-ndjson" : "application/json");
}

/* ---- one exchange ---- */

static bool connect_client(struct client *client)
{
    client->fd = client_try_open(client->load->port);
    return client->fd >= 0;
}

static void hang_up(struct client *client)
{
    close(client->fd);
    client->fd = -1;
}

static bool was_closed(const struct client *client)
{
    struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN | POLLRDHUP };
    return poll(&poll_fd, 1, 0) > 0;
}

static bool send_request(struct client *client)
{
    bool is_pieces = client->kind == LOAD_SLOW || client->kind == LOAD_LINES;
    for (size_t at = 0; at < client->n_request;) {
        size_t n = client->n_request - at;
        size_t piece = is_pieces ? 1 + draw(client, client->kind == LOAD_SLOW ? 8 : 64) : n;
        ssize_t sent = send(client->fd, client->request + at, piece < n ? piece : n, MSG_NOSIGNAL);
        if (sent < 0) {
            return false;
        }
        at += (size_t)sent;
        if (is_pieces) {
            nap_us(draw(client, 2000));
        }
    }
    return true;
}

/* The body of the whole answer, or NULL. */
static const char *read_answer(struct client *client)
{
    struct http_frame frame;
    client->n_answer = 0;
    for (;;) {
        ssize_t n = recv(client->fd, client->answer + client->n_answer,
                         BYTES_MAX - 1 - client->n_answer, 0);
        if (n <= 0) {
            return NULL;
        }
        client->n_answer += (size_t)n;
        client->answer[client->n_answer] = '\0';
        if (http_is_whole(client->answer, client->n_answer, &frame)) {
            return client->answer + frame.n_head;
        }
    }
}

/* There is no whole answer. False: the client ends. */
static bool judge(struct client *client, bool was_sent, int64_t sent_ns, bool is_new)
{
    int64_t end_ns = atomic_load(&client->load->end_ns);
    bool was_before = was_sent && sent_ns < end_ns;
    if (client->n_answer > 0 || end_ns == INT64_MAX || was_before) {
        client->tally.n_lost++;
        complain(
            client,
            "kind %d: %s%zu bytes of an answer, request sent %s%lld us after the signal: %.100s",
            client->kind, is_new ? "new connection, " : "", client->n_answer,
            was_sent ? "" : "in part, ", (long long)(sent_ns - end_ns) / 1000,
            client->n_answer ? client->answer : "");
        return false;
    }
    *(is_new ? &client->tally.n_untaken : &client->tally.n_raced) += 1;
    return true;
}

static void keep_reply(struct load_session *session, const char *reply, size_t n)
{
    snprintf(session->reply, sizeof session->reply, "%.*s", (int)n, reply);
    session->seq++;
}

/* What was acknowledged is noted for each session. */
static void note_answer(struct client *client, const char *body)
{
    bool is_many = client->kind == LOAD_BATCH || client->kind == LOAD_LINES;
    client->tally.n_answered++;
    if (strncmp(client->answer, "HTTP/1.1 200", 12) != 0 || strstr(body, "\"error\"")) {
        complain(client, "kind %d: %.400s", client->kind, client->answer);
    } else if (client->kind != LOAD_PREDICT) {
        const char *at = body;
        for (int k = 0; k < (is_many ? LOAD_SESSIONS : 1); k++) {
            at = strstr(at, "{\"session\"");
            if (!at) {
                complain(client, "kind %d: %d results in %.400s", client->kind, k, body);
                return;
            }
            keep_reply(&client->sessions[k], at, strcspn(at, "}") + 1);
            at++;
        }
    }
}

/* False: the daemon is gone. */
static bool ask(struct client *client)
{
    bool is_new = client->fd < 0;
    if (!is_new && was_closed(client)) {
        client->tally.n_parted++;
        hang_up(client);
        return true;
    }
    if (is_new && !connect_client(client)) {
        return false;
    }
    make_request(client);
    bool was_sent = send_request(client);
    int64_t sent_ns = now_ns();
    const char *body = read_answer(client);
    if (!body) {
        hang_up(client);
        return judge(client, was_sent, sent_ns, is_new);
    }
    note_answer(client, body);
    bool is_told = strcasestr(client->answer, "\r\nConnection: close") != NULL;
    client->tally.n_told += is_told;
    if (is_told || client->kind == LOAD_NEW) {
        hang_up(client);
    }
    return true;
}

/* ---- streams ---- */

static bool follow(struct client *client)
{
    static const char last[] = "\r\n0\r\n\r\n";
    char head[HTTP_HEAD_MAX], tail[sizeof last] = "";
    if (!connect_client(client)) {
        return false;
    }
    char path[160];
    snprintf(path, sizeof path, "/v1/fine_tuning/jobs/%s/events", client->load->job);
    size_t n_head = http_print_head(head, "GET", path, "Accept: text/event-stream\r\n", NULL, 0);
    ssize_t n;
    bool was_sent = send(client->fd, head, n_head, MSG_NOSIGNAL) == (ssize_t)n_head;
    int64_t sent_ns = now_ns();
    client->n_answer = 0;
    while ((n = recv(client->fd, client->answer, BYTES_MAX - 1, 0)) > 0) {
        for (ssize_t k = 0; k < n; k++) {
            memmove(tail, tail + 1, sizeof last - 2);
            tail[sizeof last - 2] = client->answer[k];
        }
        client->n_answer += (size_t)n;
    }
    hang_up(client);
    if (client->n_answer == 0) {
        return judge(client, was_sent, sent_ns, true);
    }
    client->tally.n_streams++;
    if (strcmp(tail, last) != 0) {
        client->tally.n_lost++;
        complain(client, "a stream of %zu bytes ends with '%s'", client->n_answer, tail);
    }
    return true;
}

/* ---- all of them ---- */

static void *run(void *context)
{
    struct client *client = context;
    client->fd = -1;
    while (client->kind == LOAD_STREAM ? follow(client) : ask(client)) {
        if (client->kind == LOAD_RARE) {
            nap_us(100000 + draw(client, 200000));
        } else if (draw(client, 4) == 0) {
            nap_us(draw(client, 5000));
        }
    }
    if (client->fd >= 0) {
        hang_up(client);
    }
    return NULL;
}

struct load *load_create(void)
{
    struct load *load = calloc(1, sizeof *load);
    for (size_t k = 0; load && k < LOAD_CLIENTS; k++) {
        struct client *client = &load->clients[k];
        client->load = load;
        client->kind = (enum load_kind)(k % LOAD_KINDS);
        client->random = (unsigned)(now_ns() + (int64_t)k * 7919);
        client->sessions = &load->sessions[k * LOAD_SESSIONS];
        for (int s = 0; s < LOAD_SESSIONS; s++) {
            snprintf(client->sessions[s].id, sizeof client->sessions[s].id, "c%zu-%d", k, s);
        }
    }
    return load;
}

void load_free(struct load *load)
{
    free(load);
}

void load_begin(struct load *load, const struct daemon *daemon, const char *job)
{
    load->port = daemon->port;
    snprintf(load->job, sizeof load->job, "%s", job);
    atomic_store(&load->end_ns, INT64_MAX);
    for (size_t k = 0; k < LOAD_CLIENTS; k++) {
        load->clients[k].tally = (struct load_tally){ .n_answered = 0 };
        if (pthread_create(&load->clients[k].thread, NULL, run, &load->clients[k]) != 0) {
            abort();
        }
    }
}

void load_note_end(struct load *load)
{
    atomic_store(&load->end_ns, now_ns());
}

struct load_tally load_end(struct load *load)
{
    struct load_tally sum = { .n_answered = 0 };
    for (size_t k = 0; k < LOAD_CLIENTS; k++) {
        const struct load_tally *tally = &load->clients[k].tally;
        pthread_join(load->clients[k].thread, NULL);
        sum.n_answered += tally->n_answered;
        sum.n_streams += tally->n_streams;
        sum.n_told += tally->n_told;
        sum.n_parted += tally->n_parted;
        sum.n_raced += tally->n_raced;
        sum.n_untaken += tally->n_untaken;
        sum.n_lost += tally->n_lost;
        if (sum.problem[0] == '\0') {
            memcpy(sum.problem, tally->problem, sizeof sum.problem);
        }
    }
    return sum;
}

size_t load_sessions(const struct load *load, const struct load_session **ret_sessions)
{
    *ret_sessions = load->sessions;
    return LOAD_CLIENTS * (size_t)LOAD_SESSIONS;
}
