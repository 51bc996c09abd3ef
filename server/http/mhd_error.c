#include "http/mhd_error.h"

#include "codec/text.h"
#include "http/worker.h"
#include "secure/tls_server.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    REPLY_BYTES = 8192, /* a head, and the longest message with each byte escaped */
    WAITING_FEW = 8     /* some may be closed, and wait for libmicrohttpd to notice */
};

/* ---- which refusal it is ---- */

/* How far libmicrohttpd is with the requests that a refusal can be of. */
enum stage {
    BEFORE_HEAD, /* no first line was understood */
    IN_HEAD,
    AT_HEAD_END, /* the head is whole, and was not handed on */
    IN_BODY,
    ANYWHERE
};

static const struct {
    unsigned code;    /* libmicrohttpd's */
    const char *word; /* of its text */
    enum stage stage;
    enum status status;
    const char *message;
} refusals[] = {
    { 400, "Content-Length", AT_HEAD_END, STATUS_INVALID_REQUEST,
      "Content-Length is not a number" },
    { 413, "Content-Length", AT_HEAD_END, STATUS_BODY_TOO_LARGE,
      "Content-Length is more than any body may have" },
    { 400, "chunked", IN_BODY, STATUS_INVALID_REQUEST, "a chunk of the body has no valid length" },
    { 413, "chunk", IN_BODY, STATUS_BODY_TOO_LARGE, "a chunk is larger than any body may be" },
    { 414, "", BEFORE_HEAD, STATUS_URL_TOO_LONG, "the request's first line is too long" },
    { 431, "", AT_HEAD_END, STATUS_HEADERS_TOO_LARGE, "the request has too long cookies" },
    { 431, "", IN_HEAD, STATUS_HEADERS_TOO_LARGE,
      "the request has too long or too many headers or query parameters" },
    { 505, "", BEFORE_HEAD, STATUS_HTTP_VERSION_NOT_SUPPORTED,
      "the versions that are spoken here are HTTP/1.1 and 1.0" },
    { 400, "", ANYWHERE, STATUS_INVALID_REQUEST,
      "this is no HTTP request: its first line is METHOD /path HTTP/1.1, the others are NAME: "
      "VALUE" },
};

/* ---- whose it is ---- */

/* libmicrohttpd's refusal has no reply yet, and ours are sent to requests that are whole. */
static bool is_unanswered(const struct connection *connection)
{
    return !connection->is_whole && connection->sent_code == 0 &&
           !MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
}

static enum stage stage_of(const struct connection *connection)
{
    if (!connection->has_request) {
        return BEFORE_HEAD;
    }
    if (connection->has_head) {
        return IN_BODY;
    }
    return MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
               ? AT_HEAD_END
               : IN_HEAD;
}

/* Of those whose first line was understood, and that are not whole. */
static size_t count_arriving(const struct worker *worker, enum stage stage,
                             struct connection **ret_last)
{
    struct connection *connection;
    size_t n = 0;
    TAILQ_FOREACH(connection, &worker->arriving, arriving)
    {
        if (is_unanswered(connection) && (stage == ANYWHERE || stage_of(connection) == stage)) {
            *ret_last = connection;
            n++;
        }
    }
    return n;
}

/* Of those that have sent no first line that was understood. Where there are many, they are not
 * looked for: it is not certain which one is meant. */
static size_t count_waiting(const struct worker *worker, struct connection **ret_last)
{
    struct connection *connection;
    size_t n = 0;
    if (worker->deadlines.n_connections - worker->n_requests > WAITING_FEW) {
        return SIZE_MAX;
    }
    TAILQ_FOREACH(connection, &worker->deadlines.connections, link)
    {
        if (!connection->has_request && is_unanswered(connection)) {
            *ret_last = connection;
            n++;
        }
    }
    return n;
}

/* The one connection at this stage; NULL: there is none, or there are several. */
static struct connection *only_one(const struct worker *worker, enum stage stage)
{
    struct connection *found = NULL;
    size_t n_arriving = stage == BEFORE_HEAD ? 0 : count_arriving(worker, stage, &found);
    size_t n_waiting =
        stage == BEFORE_HEAD || stage == ANYWHERE ? count_waiting(worker, &found) : 0;
    return n_arriving + (n_waiting != 0) == 1 && n_waiting <= 1 ? found : NULL;
}

/* ---- the reply ---- */

static size_t print_head(char *out, size_t size, int code, enum media media, size_t n_body)
{
    char date[64];
    struct tm now;
    const time_t seconds = time(NULL);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&seconds, &now));
    int n =
        snprintf(out, size,
                 "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\nContent-Type: %s\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 code, MHD_get_reason_phrase_for((unsigned)code), date, media_name(media), n_body);
    return (size_t)n < size ? (size_t)n : 0;
}

/* What the socket does not take at once is lost: the client has not read what came before. */
static void send_last(const struct connection *connection, const char *bytes, size_t n)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info && info->tls_session) {
        tls_server_send_last(info->tls_session, bytes, n);
    } else {
        (void)!send(connection->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    shutdown(connection->fd, SHUT_WR);
}

void mhd_error_send(struct connection *connection, const struct fault *fault)
{
    const struct envelope *envelope = &envelopes[ENVELOPE_ERROR];
    const int code = status_http(fault->status);
    struct arena arena;
    struct text text;
    char reply[REPLY_BYTES];
    arena_init(&arena, 2 * sizeof reply);
    text_init(&text, &arena, sizeof *fault);
    envelope->put(&text, fault);
    size_t n = text.failed ? 0 : print_head(reply, sizeof reply, code, envelope->media, text.n);
    if (n > 0 && text.n <= sizeof reply - n) {
        memcpy(reply + n, text.p, text.n);
        send_last(connection, reply, n + text.n);
        connection->sent_code = code;
    }
    arena_done(&arena);
}

void mhd_error_on_log(struct worker *worker, const char *format, va_list arguments)
{
    static const char beginning[] = "Error processing request (HTTP response code is %u ('%s')";
    if (strncmp(format, beginning, sizeof beginning - 1) != 0) {
        return;
    }
    const unsigned code = va_arg(arguments, unsigned);
    const char *text = va_arg(arguments, const char *);
    bool is_over = false;
    for (size_t k = 0; k < sizeof refusals / sizeof *refusals && !is_over; k++) {
        if (refusals[k].code != code || !strstr(text, refusals[k].word)) {
            continue;
        }
        struct connection *connection = only_one(worker, refusals[k].stage);
        if (connection) {
            struct fault fault;
            fault_fill(&fault, refusals[k].status, NULL, "%s", refusals[k].message);
            mhd_error_send(connection, &fault);
        }
        is_over = connection || refusals[k].word[0] != '\0';
    }
}
