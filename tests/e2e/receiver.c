#include "receiver.h"

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 65536, MINUTE_MS = 60000, POLL_MS = 5 };

static size_t body_bytes(const char *head)
{
    const char *at = strcasestr(head, "\r\ncontent-length:");
    return at ? strtoul(at + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

/* False: the connection ended before a whole request had come. */
static bool read_request(int fd, struct received *ret_received)
{
    char *text = calloc(1, REQUEST_MAX);
    char *end = NULL;
    size_t n = 0, n_whole = SIZE_MAX;
    ck_assert_ptr_nonnull(text);
    while (n < n_whole && n + 1 < REQUEST_MAX) {
        const ssize_t got = read(fd, text + n, REQUEST_MAX - 1 - n);
        if (got <= 0) {
            free(text);
            return false;
        }
        n += (size_t)got;
        end = strstr(text, "\r\n\r\n");
        n_whole = end ? (size_t)(end + 4 - text) + body_bytes(text) : SIZE_MAX;
    }
    end[2] = '\0';
    *ret_received = (struct received){ .head = text, .body = strdup(end + 4) };
    return true;
}

static void answer(const struct receiver *receiver, int fd)
{
    char text[1024];
    usleep((useconds_t)atomic_load(&receiver->delay_ms) * 1000);
    const int code = atomic_load(&receiver->code);
    const int n = snprintf(text, sizeof text,
                           "HTTP/1.1 %d -\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n",
                           code, receiver->headers);
    if (code > 0) {
        (void)!write(fd, text, (size_t)n);
    }
}

static void *serve(void *cls)
{
    struct receiver *receiver = cls;
    int fd;
    while ((fd = accept(receiver->fd, NULL, NULL)) >= 0 && !atomic_load(&receiver->is_ending)) {
        const size_t n = atomic_load(&receiver->n);
        if (n < RECEIVED_MAX && read_request(fd, &receiver->received[n])) {
            atomic_fetch_add(&receiver->n, 1);
            answer(receiver, fd);
        }
        close(fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    return NULL;
}

void receiver_start(struct receiver *receiver, unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((in_port_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n_address = sizeof address;
    const int yes = 1;
    memset(receiver, 0, sizeof *receiver);
    receiver->code = 200;
    receiver->headers = "";
    receiver->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(receiver->fd, 0);
    setsockopt(receiver->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ck_assert_int_eq(bind(receiver->fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(receiver->fd, 64), 0);
    ck_assert_int_eq(getsockname(receiver->fd, (struct sockaddr *)&address, &n_address), 0);
    receiver->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&receiver->thread, NULL, serve, receiver), 0);
}

void receiver_stop(struct receiver *receiver)
{
    atomic_store(&receiver->is_ending, true);
    shutdown(receiver->fd, SHUT_RDWR);
    pthread_join(receiver->thread, NULL);
    close(receiver->fd);
    for (size_t k = 0; k < receiver->n; k++) {
        free(receiver->received[k].head);
        free(receiver->received[k].body);
    }
}

const struct received *receiver_wait(struct receiver *receiver, size_t n)
{
    for (int ms = 0; atomic_load(&receiver->n) < n; ms += POLL_MS) {
        ck_assert_msg(ms < MINUTE_MS, "%zu posts came and not %zu", atomic_load(&receiver->n), n);
        usleep(POLL_MS * 1000);
    }
    return &receiver->received[n - 1];
}

unsigned receiver_free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n_address = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &n_address), 0);
    close(fd);
    return ntohs(address.sin_port);
}
