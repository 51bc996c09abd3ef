#include "tls.h"

#include "test.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCK_BYTES = 16384, RELAY_MS = 100000 };

/* ---- the relay, which ends by _exit ---- */

static void must(bool fine)
{
    if (!fine) {
        _exit(1);
    }
}

static gnutls_session_t shake_hands(int net, const char *priorities)
{
    gnutls_session_t session;
    gnutls_certificate_credentials_t nobody;
    must(gnutls_certificate_allocate_credentials(&nobody) == 0 &&
         gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) == 0 &&
         gnutls_priority_set_direct(session, priorities, NULL) == 0 &&
         gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, nobody) == 0);
    gnutls_transport_set_int(session, net);
    int result;
    do {
        result = gnutls_handshake(session);
    } while (result < 0 && !gnutls_error_is_fatal(result));
    must(result == 0);
    return session;
}

static unsigned serial_of_peer(gnutls_session_t session)
{
    unsigned n_chain = 0;
    unsigned char serial[20] = { 0 };
    size_t n = sizeof serial;
    gnutls_x509_crt_t certificate;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n_chain);
    must(n_chain > 0 && gnutls_x509_crt_init(&certificate) == 0 &&
         gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
         gnutls_x509_crt_get_serial(certificate, serial, &n) == 0);
    return serial[n - 1];
}

static void pass(int to, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(to, bytes, n, MSG_NOSIGNAL);
        must(sent > 0);
        bytes += sent;
        n -= (size_t)sent;
    }
}

static void pass_tls(gnutls_session_t session, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = gnutls_record_send(session, bytes, n);
        if (sent < 0) { /* the server may have closed before it has read all; its answer counts */
            return;
        }
        bytes += sent;
        n -= (size_t)sent;
    }
}

static void relay(gnutls_session_t session, int net, int plain)
{
    char bytes[BLOCK_BYTES];
    for (;;) {
        struct pollfd fds[] = { { .fd = net, .events = POLLIN },
                                { .fd = plain, .events = POLLIN } };
        bool is_pending = gnutls_record_check_pending(session) > 0;
        must(is_pending || poll(fds, 2, RELAY_MS) > 0);
        if (!is_pending && fds[1].revents) {
            ssize_t n = recv(plain, bytes, sizeof bytes, 0);
            if (n <= 0) {
                gnutls_bye(session, GNUTLS_SHUT_WR);
                _exit(0);
            }
            pass_tls(session, bytes, (size_t)n);
        }
        if (is_pending || fds[0].revents) {
            ssize_t n = gnutls_record_recv(session, bytes, sizeof bytes);
            if (n == 0 || (n < 0 && gnutls_error_is_fatal((int)n))) {
                _exit(0);
            }
            pass(plain, bytes, n > 0 ? (size_t)n : 0);
        }
    }
}

static void run(int net, int plain, const char *priorities)
{
    char greeting[64];
    gnutls_session_t session = shake_hands(net, priorities);
    int n = snprintf(greeting, sizeof greeting, "%s %u\n",
                     gnutls_protocol_get_name(gnutls_protocol_get_version(session)),
                     serial_of_peer(session));
    pass(plain, greeting, (size_t)n);
    relay(session, net, plain);
}

/* ---- the test's side ---- */

static void read_greeting(struct tls *tls)
{
    char line[64] = "";
    for (size_t n = 0; n < sizeof line - 1 && !strchr(line, '\n'); n++) {
        if (recv(tls->fd, line + n, 1, 0) != 1) {
            tls->is_refused = true;
            return;
        }
    }
    ck_assert_int_eq(sscanf(line, "%15s %u", tls->version, &tls->serial),
                     2); // NOLINT(cert-err34-c): our own
}

struct tls tls_connect(const struct daemon *daemon, const char *priorities)
{
    const struct timeval limit = { .tv_sec = 60 };
    struct tls tls = { .fd = -1 };
    int ends[2], net = client_connect(daemon);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    tls.pid = fork();
    ck_assert_int_ge(tls.pid, 0);
    if (tls.pid == 0) {
        close(ends[0]);
        run(net, ends[1], priorities);
    }
    close(net);
    close(ends[1]);
    tls.fd = ends[0];
    setsockopt(tls.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    read_greeting(&tls);
    return tls;
}

void tls_close(struct tls *tls)
{
    close(tls->fd);
    ck_assert_int_eq(waitpid(tls->pid, NULL, 0), tls->pid);
}

struct answer tls_request(const struct daemon *daemon, const char *method, const char *path,
                          const char *type, const void *body, size_t n)
{
    struct tls tls = tls_connect(daemon, TLS_ANY);
    ck_assert(!tls.is_refused);
    client_send_request(tls.fd, method, path, NULL, type, body, n);
    struct answer answer = client_read(tls.fd);
    tls_close(&tls);
    return answer;
}
