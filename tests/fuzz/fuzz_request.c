/*
 * Whole requests: the daemon's workers in this process, and an input's bytes over a connection to
 * them. The first byte says in how many pieces they are sent; then the sending side is closed, and
 * what comes is read.
 *
 * Every answer is HTTP, every JSON body is JSON, every error has the one shape that all errors
 * have, and none is 500; and meanwhile the daemon says that it is well to whoever asks.
 */
#include "base/log.h"
#include "config/config.h"
#include "fuzz.h"
#include "http/http.h"
#include "service/service.h"
#include "json/json.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ANSWER_MAX = 4 << 20,
    PATIENCE_MS = 60000, /* for the daemon's health */
    QUIET_TURNS = 4,     /* of the worker's loop, and for what it has to read more of them */
    BYTES_A_TURN = 1024,
    PATIENCE_TURNS = 100000, /* for the end of an answer that has begun */
    INPUTS_OF_A_LIFE = 500   /* then the daemon is started anew, so that inputs do not add up */
};

/* What has become of a connection. libmicrohttpd may not notice that the client has closed its side
 * until the connection has been idle for too long, so none is waited for. */
enum ending { OPEN, CLOSED, RESET };

static struct daemon {
    struct config config;
    struct service *service;
    struct http *http;
    int health_fd; /* a connection that stays */
    unsigned n_inputs;
} daemon_here = { .health_fd = -1 };

static char answer[ANSWER_MAX];

/* ---- the daemon ---- */

static void start(void)
{
    struct fault fault;
    FUZZ_CHECK(service_create(&daemon_here.config, &daemon_here.service, &fault) == STATUS_OK);
    FUZZ_CHECK(service_start_disk(daemon_here.service, &fault) == STATUS_OK);
    FUZZ_CHECK(http_bind(&daemon_here.config, &daemon_here.http, &fault) == STATUS_OK);
    FUZZ_CHECK(http_start(daemon_here.http, daemon_here.service, &fault) == STATUS_OK);
}

static void stop(void)
{
    close(daemon_here.health_fd);
    daemon_here.health_fd = -1;
    http_stop(daemon_here.http);
    service_free(daemon_here.service);
}

static void save_model(const char *path)
{
    void *bytes;
    size_t n;
    struct gru_model *gru = fuzz_model(FUZZ_WEATHER);
    FUZZ_CHECK(gru_model_save(gru, &bytes, &n) == GRU_OK);
    FILE *stream = fopen(path, "wbe");
    FUZZ_CHECK(stream && fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
    free(bytes);
    gru_model_unref(gru);
}

/* Nothing on disk, limits that an input can reach, and jobs that are written down and not run. */
static void read_config(const char *models)
{
    char text[512], error[512], *flags[32], *rest = NULL;
    char *const environment[] = { NULL };
    int n = 0;
    snprintf(
        text, sizeof text,
        "grud --listen 127.0.0.1:0 --workers 1 --models %s --body-max 8192 --training-max 16384 "
        "--job-max 3 --horizon-max 50 --session-max 16 --session-full evict --session-history 4 "
        "--drain-seconds 0 --host-name a --cors-origin http://a",
        models);
    for (char *flag = strtok_r(text, " ", &rest); flag; flag = strtok_r(NULL, " ", &rest)) {
        flags[n++] = flag;
    }
    flags[n] = NULL;
    FUZZ_CHECK(config_read(n, flags, environment, &daemon_here.config, error, sizeof error));
}

static void set_up(void)
{
    char models[80], path[96];
    snprintf(models, sizeof models, "%s/models", fuzz_folder());
    snprintf(path, sizeof path, "%s/m.safetensors", models);
    FUZZ_CHECK(mkdir(models, 0700) == 0);
    save_model(path);
    read_config(models);
    log_setup(LOG_ERROR + 1, LOG_TEXT);
    start();
    FUZZ_CHECK(atexit(stop) == 0);
}

/* ---- a client; libFuzzer's timer interrupts its calls ---- */

static int connect_here(void)
{
    const int on = 1;
    const struct linger at_once = { .l_onoff = 1 };
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons((in_port_t)http_port(daemon_here.http)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    /* No port is to wait for late segments: in a minute there are more inputs than ports. */
    FUZZ_CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    FUZZ_CHECK(TEMP_FAILURE_RETRY(connect(fd, (const struct sockaddr *)&address, sizeof address)) ==
               0);
    return fd;
}

/* False: the daemon has had enough and has closed the connection. */
static bool send_all(int fd, const uint8_t *bytes, size_t n)
{
    ssize_t sent = 0;
    for (; n > 0 && sent >= 0; bytes += sent > 0 ? sent : 0, n -= sent > 0 ? (size_t)sent : 0) {
        sent = TEMP_FAILURE_RETRY(send(fd, bytes, n, MSG_NOSIGNAL));
    }
    return sent >= 0;
}

static void check_health(void)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char text[1024];
    size_t n = 0;
    if (daemon_here.health_fd < 0) {
        daemon_here.health_fd = connect_here();
    }
    FUZZ_CHECK(send_all(daemon_here.health_fd, (const uint8_t *)request, strlen(request)));
    while (!memmem(text, n, "{\"status\":\"ok\"}", 15)) {
        struct pollfd waited = { .fd = daemon_here.health_fd, .events = POLLIN };
        FUZZ_CHECK(n < sizeof text && TEMP_FAILURE_RETRY(poll(&waited, 1, PATIENCE_MS)) == 1);
        ssize_t n_more =
            TEMP_FAILURE_RETRY(recv(daemon_here.health_fd, text + n, sizeof text - n, 0));
        FUZZ_CHECK(n_more > 0);
        n += (size_t)n_more;
    }
    FUZZ_CHECK(strncmp(text, "HTTP/1.1 200 ", 13) == 0);
}

/* Adds what comes to the n bytes of the answer. The worker has one thread: when it has answered
 * some others since it gave anything here, it has nothing more to give by itself. */
static enum ending read_more(int fd, size_t n_sent, size_t *n)
{
    for (size_t n_quiet = 0; n_quiet < QUIET_TURNS + n_sent / BYTES_A_TURN; n_quiet++) {
        check_health();
        ssize_t n_new = recv(fd, answer + *n, sizeof answer - *n, MSG_DONTWAIT);
        if (n_new == 0 || (n_new < 0 && errno != EAGAIN)) {
            return n_new == 0 ? CLOSED : RESET;
        }
        n_quiet = n_new > 0 ? 0 : n_quiet;
        *n += n_new > 0 ? (size_t)n_new : 0;
        FUZZ_CHECK(*n < sizeof answer);
    }
    return OPEN;
}

/* ---- answers ---- */

struct reading {
    const char *p, *end;
    int code;
    char content_type[64];
    size_t n_body;
    bool has_length;
};

static void read_status_line(struct reading *reading, const char *end)
{
    const char *p = reading->p;
    FUZZ_CHECK(end - p > 13 && (memcmp(p, "HTTP/1.1 ", 9) == 0 || memcmp(p, "HTTP/1.0 ", 9) == 0));
    FUZZ_CHECK(isdigit(p[9]) && isdigit(p[10]) && isdigit(p[11]) && p[12] == ' ');
    reading->code = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
}

static void read_header(struct reading *reading, const char *line, const char *end)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));
    FUZZ_CHECK(colon && colon > line && colon[1] == ' ' &&
               fuzz_is_text(line, (size_t)(end - line)));
    for (const char *p = line; p < colon; p++) {
        FUZZ_CHECK(isalnum((unsigned char)*p) || *p == '-');
    }
    if (strncasecmp(line, "Content-Length:", 15) == 0) {
        char *rest;
        reading->n_body = strtoul(colon + 2, &rest, 10);
        reading->has_length = true;
        FUZZ_CHECK(rest == end);
    }
    if (strncasecmp(line, "Content-Type:", 13) == 0) {
        snprintf(reading->content_type, sizeof reading->content_type, "%.*s",
                 (int)(end - colon - 2), colon + 2);
    }
}

/* Leaves p at the body. False: the header is not whole. */
static bool read_head(struct reading *reading)
{
    const char *end = memmem(reading->p, (size_t)(reading->end - reading->p), "\r\n\r\n", 4);
    if (!end) {
        return false;
    }
    reading->n_body = 0;
    reading->has_length = false;
    reading->content_type[0] = '\0';
    const char *line = memmem(reading->p, (size_t)(end + 2 - reading->p), "\r\n", 2);
    read_status_line(reading, line);
    while (line < end) {
        const char *next = memmem(line + 2, (size_t)(end + 2 - line - 2), "\r\n", 2);
        read_header(reading, line + 2, next);
        line = next;
    }
    reading->p = end + 4;
    return true;
}

/* A code of status.h, with the HTTP status that it has there. */
static bool is_code(struct json_text text, int http)
{
    for (int status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        if (json_text_is(text, status_code((enum status)status))) {
            return status_http((enum status)status) == http;
        }
    }
    return false;
}

static void check_error(const char *body, size_t n, int code)
{
    struct json j;
    struct json_text name, text;
    bool has_code = false, has_message = false, has_param = false;
    json_init(&j, body, n);
    FUZZ_CHECK(json_object(&j) && json_member(&j, &name) && json_text_is(name, "error") &&
               json_object(&j));
    while (json_member(&j, &name)) {
        if (json_text_is(name, "code")) {
            has_code = json_string(&j, &text) && is_code(text, code);
        } else if (json_text_is(name, "message")) {
            has_message = json_string(&j, &text) && text.n > 0;
        } else if (json_text_is(name, "param")) {
            has_param = json_peek(&j) == JSON_NULL ? json_null(&j) : json_string(&j, &text);
        } else {
            FUZZ_CHECK(json_text_is(name, "expected") && code == 409 && json_skip(&j));
        }
    }
    FUZZ_CHECK(has_code && has_message && has_param && !json_member(&j, &name) && json_end(&j));
}

static void check_body(const struct reading *reading, const char *body)
{
    struct json j;
    if (strcmp(reading->content_type, "application/json") == 0) {
        json_init(&j, body, reading->n_body);
        FUZZ_CHECK(json_skip(&j) && json_end(&j));
    }
    if (reading->code >= 400) {
        FUZZ_CHECK(reading->code != 500);
        check_error(body, reading->n_body, reading->code);
    }
}

/* libmicrohttpd's own, of what is no request at all. What it sends then is not always HTTP. */
static bool is_foreign(const struct reading *reading)
{
    return reading->content_type[0] == '\0' &&
           (reading->code == 400 || reading->code == 413 || reading->code == 414 ||
            reading->code == 431 || reading->code == 505);
}

/* False: the last one's end is missing. may_be_bare: an answer to a HEAD may be among them, whose
 * length is not that of its body. */
static bool check_answers(size_t n, bool may_be_bare)
{
    struct reading reading = { .p = answer, .end = answer + n };
    while (reading.p < reading.end) {
        if (!read_head(&reading)) {
            return false;
        }
        if (may_be_bare || is_foreign(&reading) ||
            strcmp(reading.content_type, "text/event-stream") == 0) {
            return true;
        }
        FUZZ_CHECK(reading.has_length || reading.code == 100 || reading.code == 204);
        if ((size_t)(reading.end - reading.p) < reading.n_body) {
            return false;
        }
        check_body(&reading, reading.p);
        reading.p += reading.n_body;
    }
    return true;
}

static void exchange(const uint8_t *bytes, size_t n, size_t n_pieces)
{
    int fd = connect_here();
    bool was_sent = true;
    size_t n_answer = 0, n_piece = n / n_pieces;
    for (size_t k = 0; k < n_pieces && was_sent; k++) {
        size_t at = k * n_piece;
        was_sent = send_all(fd, bytes + at, k + 1 < n_pieces ? n_piece : n - at);
    }
    shutdown(fd, SHUT_WR);
    const bool may_be_bare = memmem(bytes, n, "HEAD", 4) != NULL;
    enum ending ending = read_more(fd, n, &n_answer);
    for (int k = 0; !check_answers(n_answer, may_be_bare) && ending != RESET; k++) {
        FUZZ_CHECK(ending == OPEN && k < PATIENCE_TURNS);
        ending = read_more(fd, n, &n_answer);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (!daemon_here.http) {
        set_up();
    }
    if (++daemon_here.n_inputs % INPUTS_OF_A_LIFE == 0) {
        stop();
        start();
    }
    if (n > 0) {
        exchange(bytes + 1, n - 1, bytes[0] % 4 + 1);
    }
    check_health();
    return 0;
}
