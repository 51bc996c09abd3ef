#include "secure/tls_client.h"

#include "base/clock.h"
#include "base/wait.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <string.h>

/* Whether a call that ended with `result` is to be repeated, now that the socket is ready for it.
 */
static bool wait_again(gnutls_session_t session, int fd, ssize_t result, int64_t deadline_ms)
{
    if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED) {
        return wait_for(fd, gnutls_record_get_direction(session) == 0 ? POLLIN : POLLOUT,
                        deadline_ms);
    }
    if (result == GNUTLS_E_WARNING_ALERT_RECEIVED && clock_monotonic_ms() < deadline_ms) {
        return true;
    }
    errno = EPROTO;
    return false;
}

static bool shake_hands(gnutls_session_t session, int fd, int64_t deadline_ms)
{
    int result;
    while ((result = gnutls_handshake(session)) < 0) {
        if (!wait_again(session, fd, result, deadline_ms)) {
            return false;
        }
    }
    return true;
}

static bool send_all(gnutls_session_t session, int fd, const char *bytes, size_t n,
                     int64_t deadline_ms)
{
    while (n > 0) {
        ssize_t n_sent = gnutls_record_send(session, bytes, n);
        if (n_sent < 0 && !wait_again(session, fd, n_sent, deadline_ms)) {
            return false;
        }
        bytes += n_sent > 0 ? n_sent : 0;
        n -= n_sent > 0 ? (size_t)n_sent : 0;
    }
    return true;
}

static bool receive_line(gnutls_session_t session, int fd, char *reply, size_t size,
                         int64_t deadline_ms)
{
    size_t n = 0;
    while (n < size && !memchr(reply, '\n', n)) {
        ssize_t n_received = gnutls_record_recv(session, reply + n, size - n);
        if (n_received == 0) {
            break;
        }
        if (n_received < 0 && !wait_again(session, fd, n_received, deadline_ms)) {
            return false;
        }
        n += n_received > 0 ? (size_t)n_received : 0;
    }
    return true;
}

bool tls_client_ask(int fd, const char *request, size_t n_request, char *reply, size_t size,
                    int64_t deadline_ms)
{
    gnutls_session_t session;
    gnutls_certificate_credentials_t nobody;
    if (gnutls_certificate_allocate_credentials(&nobody) < 0) {
        errno = ENOMEM;
        return false;
    }
    if (gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
        gnutls_certificate_free_credentials(nobody);
        errno = ENOMEM;
        return false;
    }
    gnutls_transport_set_int(session, fd);
    bool is_ready = gnutls_set_default_priority(session) >= 0 &&
                    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, nobody) >= 0;
    errno = ENOMEM;
    bool fine = is_ready && shake_hands(session, fd, deadline_ms) &&
                send_all(session, fd, request, n_request, deadline_ms) &&
                receive_line(session, fd, reply, size, deadline_ms);
    int reason = errno;
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(nobody);
    errno = reason;
    return fine;
}
