#include "receiver.h"

#include "test.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 65536, MINUTE_MS = 60000, POLL_MS = 5 };

/* A connection that was accepted. */
struct caller {
    int fd;
    gnutls_session_t session; /* NULL: plain */
};

static ssize_t take(const struct caller *caller, void *bytes, size_t n)
{
    return caller->session ? gnutls_record_recv(caller->session, bytes, n)
                           : read(caller->fd, bytes, n);
}

static void give(const struct caller *caller, const void *bytes, size_t n)
{
    if (caller->session) {
        (void)!gnutls_record_send(caller->session, bytes, n);
    } else {
        (void)!write(caller->fd, bytes, n);
    }
}

/* False: there is no TLS session. */
static bool shake_hands(struct receiver *receiver, struct caller *caller)
{
    int result;
    if (!receiver->credentials) {
        return true;
    }
    ck_assert_int_eq(gnutls_init(&caller->session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL), 0);
    ck_assert_int_eq(gnutls_set_default_priority(caller->session), 0);
    ck_assert_int_eq(
        gnutls_credentials_set(caller->session, GNUTLS_CRD_CERTIFICATE, receiver->credentials), 0);
    gnutls_transport_set_int(caller->session, caller->fd);
    do {
        result = gnutls_handshake(caller->session);
    } while (result < 0 && !gnutls_error_is_fatal(result));
    return result == 0;
}

static void hang_up(const struct caller *caller)
{
    if (caller->session) {
        (void)gnutls_bye(caller->session, GNUTLS_SHUT_WR);
        gnutls_deinit(caller->session);
    }
    close(caller->fd);
}

static size_t body_bytes(const char *head)
{
    const char *at = strcasestr(head, "\r\ncontent-length:");
    return at ? strtoul(at + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

/* False: the connection ended before a whole request had come. */
static bool read_request(const struct caller *caller, struct received *ret_received)
{
    struct timespec now;
    char *text = calloc(1, REQUEST_MAX);
    char *end = NULL;
    size_t n = 0, n_whole = SIZE_MAX;
    ck_assert_ptr_nonnull(text);
    while (n < n_whole && n + 1 < REQUEST_MAX) {
        const ssize_t got = take(caller, text + n, REQUEST_MAX - 1 - n);
        if (got <= 0) {
            free(text);
            return false;
        }
        n += (size_t)got;
        end = strstr(text, "\r\n\r\n");
        n_whole = end ? (size_t)(end + 4 - text) + body_bytes(text) : SIZE_MAX;
    }
    end[2] = '\0';
    clock_gettime(CLOCK_MONOTONIC, &now);
    *ret_received =
        (struct received){ .head = text,
                           .body = strdup(end + 4),
                           .at_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 };
    return true;
}

static void answer(const struct receiver *receiver, const struct caller *caller)
{
    char text[1024];
    usleep((useconds_t)atomic_load(&receiver->delay_ms) * 1000);
    const int code = atomic_load(&receiver->code);
    const int n = snprintf(text, sizeof text,
                           "HTTP/1.1 %d -\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n",
                           code, receiver->headers);
    if (code > 0) {
        give(caller, text, (size_t)n);
    }
}

static void *serve(void *cls)
{
    struct receiver *receiver = cls;
    int fd;
    while ((fd = accept(receiver->fd, NULL, NULL)) >= 0 && !atomic_load(&receiver->is_ending)) {
        const size_t n = atomic_load(&receiver->n);
        struct caller caller = { .fd = fd };
        if (n < RECEIVED_MAX && shake_hands(receiver, &caller) &&
            read_request(&caller, &receiver->received[n])) {
            atomic_fetch_add(&receiver->n, 1);
            answer(receiver, &caller);
        }
        hang_up(&caller);
    }
    if (fd >= 0) {
        close(fd);
    }
    return NULL;
}

static void listen_at(struct receiver *receiver, unsigned port)
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
}

static void begin(struct receiver *receiver)
{
    ck_assert_int_eq(pthread_create(&receiver->thread, NULL, serve, receiver), 0);
}

void receiver_start(struct receiver *receiver, unsigned port)
{
    listen_at(receiver, port);
    begin(receiver);
}

void receiver_start_tls(struct receiver *receiver, const char *certificate, const char *key)
{
    gnutls_certificate_credentials_t credentials;
    ck_assert_int_eq(gnutls_certificate_allocate_credentials(&credentials), 0);
    ck_assert_int_eq(
        gnutls_certificate_set_x509_key_file(credentials, certificate, key, GNUTLS_X509_FMT_PEM),
        0);
    listen_at(receiver, 0);
    receiver->credentials = credentials;
    begin(receiver);
}

void receiver_stop(struct receiver *receiver)
{
    atomic_store(&receiver->is_ending, true);
    shutdown(receiver->fd, SHUT_RDWR);
    pthread_join(receiver->thread, NULL);
    close(receiver->fd);
    if (receiver->credentials) {
        gnutls_certificate_free_credentials(receiver->credentials);
    }
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

size_t receiver_wait_even(struct receiver *receiver)
{
    size_t n;
    for (int ms = 0; (n = atomic_load(&receiver->n)) % 2 != 0; ms += POLL_MS) {
        ck_assert_msg(ms < MINUTE_MS, "%zu posts came, and the last has no end", n);
        usleep(POLL_MS * 1000);
    }
    return n;
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
