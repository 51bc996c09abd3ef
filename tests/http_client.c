#include "http_client.h"

#include "http_message.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_SECONDS = 60 };

int client_try_open(unsigned port)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
    const int at_once = 1; /* head and body are two sends */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int client_open(unsigned port)
{
    int fd = client_try_open(port);
    ck_assert_msg(fd >= 0, "no connection to port %u: %s", port, strerrordesc_np(errno));
    return fd;
}

/* ---- requests ---- */

/* A server that has refused a request may close before it has read all of it; that is not an error
 * of the test. */
void client_send(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return;
        }
        p += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
}

void client_send_head(int fd, const char *method, const char *path, const char *headers,
                      const char *type, size_t n)
{
    char head[HTTP_HEAD_MAX];
    size_t n_head = http_print_head(head, method, path, headers, type, n);
    ck_assert_msg(n_head > 0, "the head of %s %s is too long", method, path);
    client_send(fd, head, n_head);
}

void client_send_request(int fd, const char *method, const char *path, const char *headers,
                         const char *type, const void *body, size_t n)
{
    client_send_head(fd, method, path, headers, type, n);
    client_send(fd, body, type ? n : 0);
}

/* ---- answers ---- */

struct received {
    char *p;
    size_t n, size;
};

static bool read_more(int fd, struct received *received)
{
    if (received->size - received->n < 65536) {
        received->size = received->size * 2 + 131072;
        received->p = realloc(received->p, received->size);
        ck_assert_ptr_nonnull(received->p);
    }
    ssize_t more = recv(fd, received->p + received->n, received->size - received->n - 1, 0);
    ck_assert_msg(more >= 0 || errno == ECONNRESET, "no answer within %d s: %s", ANSWER_SECONDS,
                  strerrordesc_np(errno));
    received->n += more > 0 ? (size_t)more : 0;
    received->p[received->n] = '\0';
    return more > 0;
}

/* Until `*ret_frame` is known, and its body is there. False: the connection ended before. */
static bool read_frame(int fd, struct received *received, struct http_frame *ret_frame)
{
    do {
        if (!read_more(fd, received)) {
            return false;
        }
    } while (!http_read_frame(received->p, ret_frame));
    while (received->n < ret_frame->n_head + ret_frame->n_body) {
        if (!read_more(fd, received)) {
            return false;
        }
    }
    return true;
}

struct answer client_read(int fd)
{
    struct answer answer = { .closed = true };
    struct received received = { .p = NULL };
    struct http_frame frame;
    bool is_whole = read_frame(fd, &received, &frame);
    if (is_whole && frame.code == 100) { /* the real answer follows */
        free(received.p);
        return client_read(fd);
    }
    if (is_whole) {
        answer = (struct answer){ .code = frame.code,
                                  .headers = strndup(received.p, frame.n_head),
                                  .body = malloc(frame.n_body + 1),
                                  .n_body = frame.n_body,
                                  .closed = frame.closes };
        ck_assert(answer.headers && answer.body);
        memcpy(answer.body, received.p + frame.n_head, frame.n_body);
        answer.body[frame.n_body] = '\0';
    }
    free(received.p);
    return answer;
}

/* The chunks at p, joined in their place; true once the last one is there. */
static bool join_chunks(const char *p, char *out, size_t *ret_n)
{
    *ret_n = 0;
    for (;;) {
        char *end;
        size_t n = strtoul(p, &end, 16);
        if (end == p || strncmp(end, "\r\n", 2) != 0 || strlen(end + 2) < n + 2) {
            return false;
        }
        memmove(out + *ret_n, end + 2, n);
        *ret_n += n;
        out[*ret_n] = '\0';
        if (n == 0) {
            return true;
        }
        p = end + 2 + n + 2;
    }
}

struct answer client_read_chunks(int fd)
{
    struct answer answer = { .code = 0 };
    struct received received = { .p = NULL };
    struct http_frame frame;
    char *body = NULL;
    bool is_whole = false;
    while (!is_whole && read_more(fd, &received)) {
        if (http_read_frame(received.p, &frame)) {
            body = realloc(body, received.n + 1);
            ck_assert_ptr_nonnull(body);
            body[0] = '\0';
            is_whole = join_chunks(received.p + frame.n_head, body, &answer.n_body);
            answer.code = frame.code;
        }
    }
    answer.closed = !is_whole;
    answer.body = body;
    answer.headers = received.p; /* and what follows */
    return answer;
}

void answer_free(struct answer *answer)
{
    free(answer->headers);
    free(answer->body);
}
